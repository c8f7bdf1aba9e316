/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include <chancery/base/alg.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/custody.h>
#include <chancery/signer/custody.h>

#include "internal.h"

#define KEY_ID_BYTES 20

/* ---- custody ---------------------------------------------------------------- */

static bool
show_custody(struct ceremony *c, const struct hsm_custody *k, struct error *e)
{
	for (size_t i = 0; i < k->attrs; i++) {
		const struct hsm_attr *a = &k->attr[i];

		if (!show(c, "attribute", e, "%s (%s half): %s%s%s", a->name,
			a->private_half ? "private" : "public",
			custody_tri_name(a->value),
			a->required == HSM_NOT_REPORTED ? "" : ", required: ",
			a->required == HSM_NOT_REPORTED
			    ? ""
			    : custody_tri_name(a->required)))
			return false;
	}
	for (size_t i = 0; i < k->attacks; i++) {
		const struct hsm_attack *a = &k->attack[i];

		if (!show(c, "attack", e, "%s (%s): %s, %s", a->name, a->call,
			!a->tried        ? "not tried"
			    : a->refused ? "refused"
					 : "SUCCEEDED",
			a->rv_name))
			return false;
	}
	return true;
}

static bool
record_custody(struct ceremony *c, const struct sha256 *key, const char *what,
    const struct hsm_custody *k, struct error *e)
{
	struct record rec;
	auto_buf struct buf json = { 0 };

	custody_to_json(k, &json);
	record_init(&rec, REC_CUSTODY);
	if (key != NULL)
		record_hash(&rec, "key", key);
	record_bool(&rec, "ok", k->attrs_ok && k->attacks_ok);
	record_json(&rec, "result", buf_bytes(&json));
	record_text(&rec, "what", what);
	return signer_record(c->session->signer, &rec, bytes_of(NULL, 0), NULL,
	    e);
}

static bool
sacrifice_one(struct ceremony *c, const struct plan_authority *a,
    struct error *e)
{
	size_t at = session_token_index(c->session, a->token);
	struct hsm_custody k = { 0 };
	struct key_type type;

	if (!key_type_by_name(a->type, &type))
		return error_set(e, FAIL_BAD_INPUT, "key type %s", a->type);
	if (!show(c, "sacrificial key", e, "%s on %s", a->type, a->token) ||
	    !hsm_sacrificial_test(c->session->host.token[at], type, &k, e) ||
	    !show_custody(c, &k, e) ||
	    !record_custody(c, NULL, "sacrificial key", &k, e))
		return false;
	return custody_check(&k, e);
}

/* Whether an earlier authority had the same token and type. */
static bool
tried_already(const struct plan *p, size_t n)
{
	const struct plan_authority *a = plan_intermediate(p, n);

	if (strcmp(a->token, p->root.token) == 0 &&
	    strcmp(a->type, p->root.type) == 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		const struct plan_authority *b = plan_intermediate(p, i);

		if (strcmp(a->token, b->token) == 0 &&
		    strcmp(a->type, b->type) == 0)
			return true;
	}
	return false;
}

bool
step_sacrifice(struct ceremony *c, struct error *e)
{
	if (!sacrifice_one(c, &c->plan->root, e))
		return false;
	for (size_t i = 0; i < c->plan->intermediates.n; i++)
		if (!tried_already(c->plan, i) &&
		    !sacrifice_one(c, plan_intermediate(c->plan, i), e))
			return false;
	return true;
}

/* ---- the log key -------------------------------------------------------------- */

/* The CKA_ID that an earlier run chose, or a new one, durable before anything is
 * generated. */
static bool
log_key_id(struct ceremony *c, uint8_t id[KEY_ID_BYTES], struct error *e)
{
	const struct journal_entry *en =
	    journal_find(c->journal, "keygen-intent", c->step);
	auto_buf struct buf have = { 0 };
	char hex[2 * KEY_ID_BYTES + 1];

	if (en != NULL && journal_get_text(en, "id", &have) &&
	    hex_decode_fixed(buf_cstr(&have), id, KEY_ID_BYTES))
		return true;
	random_bytes(id, KEY_ID_BYTES);
	hex_encode(bytes_of(id, KEY_ID_BYTES), hex);
	return note(c, "keygen-intent", e, "id", hex, "label",
	    c->plan->log.label, NULL);
}

struct found_key {
	bool whole, part;
};

static bool
find_by_id(struct hsm_token *t, const uint8_t id[KEY_ID_BYTES],
    struct found_key *out, struct error *e)
{
	struct hsm_key_list l = { 0 };

	*out = (struct found_key){ 0 };
	if (!hsm_keys(t, &l, e))
		return false;
	for (size_t i = 0; i < l.n; i++)
		if (bytes_eq(bytes_of(l.v[i].id, l.v[i].id_len),
			bytes_of(id, KEY_ID_BYTES))) {
			out->part = true;
			out->whole = l.v[i].has_private && l.v[i].has_public;
		}
	hsm_key_list_free(&l);
	return true;
}

/* An orphan of an earlier run stays only when people say so; half a key never. */
static bool
settle_log_key(struct ceremony *c, struct hsm_token *t,
    const uint8_t id[KEY_ID_BYTES], bool *there, struct error *e)
{
	struct found_key f;
	bool adopt = false;
	unsigned n;

	if (!find_by_id(t, id, &f, e))
		return false;
	*there = false;
	if (!f.part)
		return true;
	if (f.whole &&
	    !choose(c, "the log key of an earlier attempt is on the token",
		"adopt", "destroy", &adopt, e))
		return false;
	*there = adopt;
	return adopt ||
	    hsm_object_destroy(t, bytes_of(id, KEY_ID_BYTES), &n, e);
}

static bool
make_log_key(struct ceremony *c, struct hsm_token *t,
    const uint8_t id[KEY_ID_BYTES], struct error *e)
{
	struct hsm_keygen spec = {
		.type = { .alg = KEY_ED25519 },
		.label = c->plan->log.label,
		.id = bytes_of(id, KEY_ID_BYTES),
		.destroyable = true,
	};
	const char *dropped[HSM_DROPPED_MAX + 1] = { NULL };
	struct hsm_custody k = { 0 };
	struct hsm_key *key = hsm_key_generate(t, &spec, dropped, e);
	bool ok;

	if (key == NULL)
		return false;
	ok = hsm_key_attributes(key, &k, e) && show_custody(c, &k, e);
	hsm_key_close(key);
	return ok;
}

/* A register without its first record is not there: born again. */
static bool
open_register(struct ceremony *c, struct error *e)
{
	struct session_options opt = { .flags = SESSION_WRITE | SESSION_CREATE,
		.who = c->opt->who };
	struct error why = { 0 };

	if (c->session->signer != NULL ||
	    session_start_signer(c->session, &opt, &why))
		return true;
	*e = why;
	return why.why == FAIL_EXISTS && ceremony_need(c, NEED_SIGNER, e);
}

static bool
born_before(struct ceremony *c)
{
	struct error ignored = { 0 };

	return access(c->home->register_dir, F_OK) == 0 &&
	    ceremony_need(c, NEED_SIGNER, &ignored);
}

bool
step_log_birth(struct ceremony *c, struct error *e)
{
	size_t at = session_token_index(c->session, c->plan->log.token);
	struct hsm_token *t = c->session->host.token[at];
	auto_buf struct buf vkey = { 0 };
	uint8_t id[KEY_ID_BYTES];
	bool there = born_before(c);

	/* With a register the key is in use: there is nothing to settle. */
	if (!there &&
	    (!log_key_id(c, id, e) || !settle_log_key(c, t, id, &there, e)))
		return false;
	if (!there && !make_log_key(c, t, id, e))
		return false;
	if (!open_register(c, e) ||
	    !reg_checkpoint(signer_register(c->session->signer), e))
		return false;
	note_vkey_format(&c->session->host.log.key, &vkey);
	buf_add_byte(&vkey, '\n');
	return show(c, "origin", e, "%s", c->home->origin) &&
	    show(c, "verifier key", e, "%.*s", (int)vkey.n - 1, vkey.p) &&
	    output_settle(c, "log.vkey", buf_bytes(&vkey), e);
}

/* ---- CA keys ------------------------------------------------------------------- */

static const struct state_key *
key_by_label(const struct ceremony *c, const char *label)
{
	const struct reg_state *s =
	    reg_get_state(signer_register(c->session->signer));

	for (size_t i = 0; i < reg_state_keys(s); i++) {
		const struct state_key *k = reg_state_key_at(s, i);

		if (!k->destroyed && !k->released &&
		    strcmp(k->label, label) == 0)
			return k;
	}
	return NULL;
}

/* An open KEYGEN-INTENT of this label: what an aborted run may have made. */
static bool
open_keygen(struct ceremony *c, const char *label, uint64_t *intent,
    bool *found, struct error *e)
{
	struct reg *reg = signer_register(c->session->signer);
	const struct reg_state *s = reg_get_state(reg);

	*found = false;
	for (size_t i = 0; i < reg_state_open_count(s); i++) {
		const struct state_intent *o = reg_state_open_at(s, i);
		auto_buf struct buf line = { 0 }, store = { 0 };
		struct record rec;

		if (o->type != REC_KEYGEN_INTENT)
			continue;
		if (!reg_read(reg, o->n, &line, &rec, &store, e))
			return false;
		if (!bytes_eq(record_get(&rec, "label"), bytes_str(label)))
			continue;
		*intent = o->n;
		*found = true;
		return true;
	}
	return true;
}

static bool
settle_orphan(struct ceremony *c, const struct plan_authority *a,
    struct error *e)
{
	struct signer_claim claim = ceremony_claim(c);
	enum signer_orphan what;
	struct sha256 key;
	uint64_t intent;
	bool found, adopt;
	static const char *const told[] = {
		[ORPHAN_NONE] = "nothing had been generated",
		[ORPHAN_ADOPTED] = "the key was adopted",
		[ORPHAN_DESTROYED] = "the key was destroyed",
	};

	if (!open_keygen(c, a->label, &intent, &found, e))
		return false;
	if (!found)
		return true;
	if (!choose(c,
		"the generation of this key was interrupted; a key that "
		"is on the token is to be",
		"adopt", "destroy", &adopt, e))
		return false;
	if (!signer_keygen_settle(c->session->signer, intent, adopt,
		buf_bytes(&a->charter_json), &claim, &what, &key, e))
		return false;
	return show(c, "earlier attempt", e, "%s", told[what]);
}

static bool
generate_key(struct ceremony *c, const struct plan_authority *a,
    struct error *e)
{
	struct signer_keygen req = {
		.token = session_token_index(c->session, a->token),
		.label = a->label,
		.charter_json = buf_bytes(&a->charter_json),
		/* Or an orphan could not be destroyed, nor the key at its end. */
		.destroyable = true,
		.claim = ceremony_claim(c),
	};
	struct hsm_custody k = { 0 };
	struct sha256 key;

	if (!key_type_by_name(a->type, &req.type))
		return error_set(e, FAIL_BAD_INPUT, "key type %s", a->type);
	return signer_key_generate(c->session->signer, &req, &key, &k, e);
}

/* Killed between the key and its charter. */
static bool
settle_charter(struct ceremony *c, const struct plan_authority *a,
    const struct state_key *k, struct error *e)
{
	struct signer_claim claim = ceremony_claim(c);
	struct sha256 key = k->key;

	return k->charter.n > 0 ||
	    signer_charter(c->session->signer, &key,
		buf_bytes(&a->charter_json), &claim, e);
}

bool
step_key(struct ceremony *c, struct error *e)
{
	const struct plan_authority *a = step_authority(c);
	const struct state_key *k;

	if (!settle_orphan(c, a, e))
		return false;
	if (key_by_label(c, a->label) == NULL && !generate_key(c, a, e))
		return false;
	k = key_by_label(c, a->label);
	if (k == NULL)
		return error_set(e, FAIL_INTERNAL,
		    "key \"%s\" is not in the register", a->label);
	if (!settle_charter(c, a, k, e))
		return false;
	k = key_by_label(c, a->label);
	return show(c, "key", e, "%s, %s on %s", a->label, a->type, a->token) &&
	    show_hash(c, "SPKI hash", &k->key, e);
}

bool
step_custody(struct ceremony *c, struct error *e)
{
	const struct plan_authority *a = step_authority(c);
	const struct state_key *k = key_by_label(c, a->label);
	struct hsm_custody custody = { 0 };
	struct hsm_key *handle;
	struct sha256 key;

	if (k == NULL)
		return error_set(e, FAIL_NOT_FOUND, "no key \"%s\"", a->label);
	key = k->key;
	handle = signer_key_handle(c->session->signer, &key);
	if (handle == NULL)
		return error_set(e, FAIL_NOT_FOUND,
		    "key \"%s\" is not on its token", a->label);
	if (!hsm_key_attributes(handle, &custody, e) ||
	    !hsm_key_attack(handle, &custody, e) ||
	    !show_custody(c, &custody, e) ||
	    !record_custody(c, &key, "ceremony", &custody, e))
		return false;
	return custody_check(&custody, e);
}
