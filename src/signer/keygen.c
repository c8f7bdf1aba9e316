/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include <chancery/base/json.h>
#include <chancery/base/text.h>
#include <chancery/signer/custody.h>

#include "crl_text.h"
#include "keygen.h"

/*
 * KEY_GENERATE, and what an interrupted one left. Synchronous: nothing here is a hot
 * path, and generation needs the token to itself.
 */

void
keygen_claim(struct record *rec, const struct signer_claim *c)
{
	record_text(rec, "who", c->who);
	record_text(rec, "why", c->why);
}

bool
keygen_token_check(const struct signer *s, size_t token, struct error *e)
{
	if (token >= s->cfg.tokens)
		return error_set(e, FAIL_BAD_INPUT,
		    "token: number %zu, %zu are configured", token,
		    s->cfg.tokens);
	return true;
}

/* What the signer's own configuration gives keys of this token. */
static struct charter *
token_charter(const struct signer *s, size_t token, struct error *e)
{
	const struct signer_token *t = &s->cfg.token[token];
	struct charter *c;

	if (t->charter_json.n > 0)
		return charter_parse_json(t->charter_json, e);
	if (t->charter_template == NULL) {
		(void)error_set(e, FAIL_REFUSED,
		    "token: it has no charter template, so no key is made on "
		    "it without a charter");
		return NULL;
	}
	c = charter_template(t->charter_template);
	if (c == NULL)
		(void)error_set(e, FAIL_NOT_FOUND,
		    "charter template \"%s\" does not exist",
		    t->charter_template);
	return c;
}

/* Offline an operator's charter stands. A daemon takes its callers' word only for
 * less than the token's own. */
bool
keygen_first_charter_ok(const struct signer *s, size_t token,
    const struct charter *c, struct error *e)
{
	auto_charter struct charter *limit = NULL;
	const char *field = NULL;

	if (s->cfg.reg.offline)
		return true;
	limit = token_charter(s, token, e);
	if (limit == NULL)
		return false;
	return charter_is_tighter(limit, c, &field) ||
	    error_set(e, FAIL_QUORUM,
		"%s: would be wider than the charter of the token's keys; "
		"that needs custodians' approval",
		field);
}

static struct charter *
responder_charter(const struct signer *s, size_t token, struct error *e)
{
	auto_charter struct charter *of_token = token_charter(s, token, e);

	return of_token != NULL ? charter_template(KEYGEN_OCSP_CHARTER) : NULL;
}

/* An authority whose log was taken in goes on where it is: our numbers would begin below those of
 * its lists. */
static bool
has_lists_from_elsewhere(const struct signer *s, const struct sha256 *key)
{
	auto_mem char *lists = s->cfg.crl_dir != NULL
	    ? crl_list_dir(s->cfg.crl_dir, key, "full")
	    : NULL;

	return lists != NULL && access(lists, F_OK) == 0;
}

/* What an interrupted import left is settled before the key comes a second time. */
static bool
import_is_new(const struct signer *s, struct bytes spki, struct error *e)
{
	const struct reg_state *state = reg_get_state(s->reg);
	const struct sha256 key = sha256(spki);
	const struct state_key *known = reg_state_key(state, &key);
	struct spki k;

	if (!spki_parse(spki, &k, e) || !spki_check_strong(&k, e))
		return error_context(e, "imported key");
	if (known != NULL)
		return error_set(e, FAIL_EXISTS,
		    "imported key: the register knows it already%s%s",
		    known->destroyed      ? "; it was destroyed"
			: known->released ? "; it was released"
					  : "",
		    known->destroyed || known->released
			? ", and does not come back"
			: "");
	if (has_lists_from_elsewhere(s, &key))
		return error_set(e, FAIL_REFUSED,
		    "imported key: there are lists of it that were taken in "
		    "with another log (chancery import): it is that one's");
	for (size_t i = 0; i < reg_state_open_count(state); i++) {
		const struct state_intent *o = reg_state_open_at(state, i);

		if (o->type == REC_KEYGEN_INTENT &&
		    memcmp(&o->key, &key, sizeof(key)) == 0)
			return error_set(e, FAIL_BUSY,
			    "imported key: record %llu, which took it in "
			    "before, is not settled yet",
			    (unsigned long long)o->n);
	}
	return true;
}

bool
keygen_import_ok(const struct signer *s, const struct signer_keygen *req,
    struct error *e)
{
	auto_charter struct charter *of_token = NULL;
	const struct key_type type =
	    req->from == NULL ? req->type : hsm_outside_type(req->from);

	if (req->from == NULL)
		return true;
	if (req->ocsp || type.alg != req->type.alg ||
	    type.bits != req->type.bits)
		return error_set(e, FAIL_BAD_INPUT, "imported key: it is a %s",
		    key_type_name(type));
	of_token = token_charter(s, req->token, e);
	if (of_token == NULL)
		return false;
	if (charter_allows_import(of_token))
		return import_is_new(s, hsm_outside_spki(req->from), e);
	return error_set(e, FAIL_REFUSED,
	    "private keys are not imported: keys of authorities are made "
	    "in the HSM and stay there (imported_keys in the charter of "
	    "the token)");
}

/* The caller's charter, else the token's template, else no key at all. */
struct charter *
keygen_charter(const struct signer *s, size_t token, bool ocsp,
    struct bytes json, struct error *e)
{
	auto_charter struct charter *c = NULL;

	if (ocsp)
		return responder_charter(s, token, e);
	if (json.n == 0)
		return token_charter(s, token, e);
	c = charter_parse_json(json, e);
	if (c == NULL || !keygen_first_charter_ok(s, token, c, e))
		return NULL;
	return take(c);
}

bool
keygen_append_intent(struct signer *s, const struct signer_keygen *req,
    struct bytes id, uint64_t *n, struct error *e)
{
	struct sha256 key;
	struct record rec;

	record_init(&rec, REC_KEYGEN_INTENT);
	if (req->ocsp)
		record_text(&rec, "charter", KEYGEN_OCSP_CHARTER);
	record_bytes(&rec, "id", id);
	if (req->from != NULL) {
		key = sha256(hsm_outside_spki(req->from));
		record_hash(&rec, "imported", &key);
	}
	record_text(&rec, "label", req->label);
	record_text(&rec, "token",
	    hsm_token_get_info(s->cfg.token[req->token].token)->serial);
	record_text(&rec, "type", key_type_name(req->type));
	keygen_claim(&rec, &req->claim);
	return signer_append_commit(s, &rec, (struct bytes){ 0 }, n, e);
}

void
keygen_dropped_json(const char *const *dropped, struct buf *out)
{
	struct json_writer w;

	json_begin(&w, out);
	json_array_begin(&w);
	for (; *dropped != NULL; dropped++)
		json_str(&w, *dropped);
	json_array_end(&w);
}

bool
keygen_append_done(struct signer *s, uint64_t intent, struct bytes spki,
    struct bytes dropped, struct sha256 *key, struct error *e)
{
	struct record rec;
	uint64_t n;

	*key = sha256(spki);
	record_init(&rec, REC_KEYGEN_DONE);
	record_json(&rec, "dropped", dropped);
	record_int(&rec, "intent", (int64_t)intent);
	record_hash(&rec, "key", key);
	record_text(&rec, "module",
	    s->cfg.module_name != NULL ? s->cfg.module_name : "unnamed");
	record_bytes(&rec, "spki", spki);
	return signer_append_commit(s, &rec, (struct bytes){ 0 }, &n, e);
}

static bool
append_done(struct signer *s, uint64_t intent, const struct hsm_key *k,
    const char *const *dropped, struct sha256 *key, struct error *e)
{
	auto_buf struct buf json = { 0 };

	keygen_dropped_json(dropped, &json);
	return keygen_append_done(s, intent, hsm_key_get_info(k)->spki,
	    buf_bytes(&json), key, e);
}

bool
keygen_append_charter(struct signer *s, const struct sha256 *key,
    const struct charter *c, const struct signer_claim *who, struct error *e)
{
	auto_buf struct buf json = { 0 };
	struct record rec;
	uint64_t n;

	charter_to_json(c, &json);
	record_init(&rec, REC_CHARTER);
	record_json(&rec, "charter", buf_bytes(&json));
	record_hash(&rec, "key", key);
	keygen_claim(&rec, who);
	return signer_append_commit(s, &rec, (struct bytes){ 0 }, &n, e) &&
	    signer_keys_refresh(s, e);
}

/* An attack that succeeds is recorded too and stops: such a key is not as good as its
 * charter says. */
bool
keygen_append_custody(struct signer *s, const struct sha256 *key,
    const char *what, const struct keygen_evidence *v, struct error *e)
{
	struct record rec;
	uint64_t n;

	record_init(&rec, REC_CUSTODY);
	if (key != NULL)
		record_hash(&rec, "key", key);
	record_bool(&rec, "ok", v->attrs_ok && v->attacks_ok);
	record_json(&rec, "result", buf_bytes(&v->json));
	record_text(&rec, "what", what);
	if (!signer_append_commit(s, &rec, (struct bytes){ 0 }, &n, e))
		return false;
	if (!v->attacks_ok)
		return error_set(e, FAIL_HSM_KEY, "%s: see record %llu",
		    key != NULL ? "the key can be taken out or weakened"
				: "the token gave up its sacrificial key",
		    (unsigned long long)n);
	return true;
}

void
keygen_evidence_of(const struct hsm_custody *c, struct keygen_evidence *out)
{
	out->given = true;
	out->attrs_ok = c->attrs_ok;
	out->attacks_ok = c->attacks_ok;
	custody_to_json(c, &out->json);
}

/* Read back, attack, record. */
bool
keygen_examine(struct signer *s, struct hsm_key *k, const struct sha256 *key,
    const char *what, struct hsm_custody *out, struct error *e)
{
	auto_cleanup(keygen_evidence_free) struct keygen_evidence v = { 0 };

	memset(out, 0, sizeof(*out));
	if (!hsm_key_attributes(k, out, e) || !hsm_key_attack(k, out, e))
		return false;
	keygen_evidence_of(out, &v);
	return keygen_append_custody(s, key, what, &v, e);
}

bool
keygen_append_failed(struct signer *s, uint64_t intent, const char *reason,
    struct error *e)
{
	struct record rec;
	uint64_t n;

	record_init(&rec, REC_KEYGEN_FAILED);
	record_int(&rec, "intent", (int64_t)intent);
	record_text(&rec, "reason", reason);
	return signer_append_commit(s, &rec, (struct bytes){ 0 }, &n, e);
}

/* The strict template is worth what one sacrificed key shows of it (NSS destroys
 * an original with its copy): before the first key on a token in this process. */
static bool
sacrifice(struct signer *s, const struct signer_keygen *req, struct error *e)
{
	auto_cleanup(keygen_evidence_free) struct keygen_evidence v = { 0 };
	struct hsm_custody c = { 0 };

	if (s->sacrificed[req->token])
		return true;
	if (!hsm_sacrificial_test(s->cfg.token[req->token].token, req->type, &c,
		e))
		return false;
	keygen_evidence_of(&c, &v);
	if (!keygen_append_custody(s, NULL, "sacrificial key", &v, e))
		return false;
	s->sacrificed[req->token] = true;
	return true;
}

bool
keygen_made_nothing(const struct error *e, bool imported)
{
	return e->why == FAIL_EXISTS ||
	    (!imported &&
		(e->why == FAIL_BAD_INPUT || e->why == FAIL_UNSUPPORTED));
}

static bool
generate(struct signer *s, const struct signer_keygen *req, struct bytes id,
    struct sha256 *key, struct hsm_custody *custody, struct error *e)
{
	const struct hsm_keygen spec = { .type = req->type,
		.label = req->label,
		.id = id,
		.destroyable = req->destroyable };
	struct hsm_token *t = s->cfg.token[req->token].token;
	const char *dropped[HSM_DROPPED_MAX + 1] = { NULL };
	auto_hsm_key struct hsm_key *k = NULL;
	struct error ignored;
	uint64_t intent;

	if (!keygen_append_intent(s, req, id, &intent, e))
		return false;
	k = req->from != NULL ? hsm_key_import(t, &spec, req->from, dropped, e)
			      : hsm_key_generate(t, &spec, dropped, e);
	if (k == NULL) {
		/* Whether halves lie on the token is for keygen_settle. */
		if (keygen_made_nothing(e, req->from != NULL))
			(void)keygen_append_failed(s, intent, e->msg, &ignored);
		return false;
	}
	return append_done(s, intent, k, dropped, key, e) &&
	    keygen_examine(s, k, key,
		req->from != NULL ? KEYGEN_IMPORTED : "production key", custody,
		e);
}

bool
signer_key_generate(struct signer *s, const struct signer_keygen *req,
    struct sha256 *key, struct hsm_custody *custody, struct error *e)
{
	auto_charter struct charter *c = NULL;
	struct hsm_custody result = { 0 };
	struct sha256 made;
	uint8_t id[20];

	if (!signer_alive(s, e) || !signer_claim_check(&req->claim, e) ||
	    !keygen_token_check(s, req->token, e) ||
	    !keygen_import_ok(s, req, e))
		return false;
	c = keygen_charter(s, req->token, req->ocsp, req->charter_json, e);
	if (c == NULL || !sacrifice(s, req, e))
		return false;
	random_bytes(id, sizeof(id));
	if (!generate(s, req, bytes_of(id, sizeof(id)), &made, &result, e) ||
	    !keygen_append_charter(s, &made, c, &req->claim, e))
		return false;
	*key = made;
	if (custody != NULL)
		*custody = result;
	return true;
}

/* ---- orphans of an interrupted generation ------------------------------ */

bool
keygen_find_token(const struct signer *s, struct bytes serial, size_t *out,
    struct error *e)
{
	for (*out = 0; *out < s->cfg.tokens; (*out)++)
		if (bytes_eq(serial,
			bytes_str(hsm_token_get_info(s->cfg.token[*out].token)
				      ->serial)))
			return true;
	return error_set(e, FAIL_NOT_FOUND,
	    "the key's token (serial %.*s) is not configured here",
	    (int)serial.n, (const char *)serial.p);
}

bool
keygen_read(struct signer *s, uint64_t intent, struct keygen_record *k,
    struct error *e)
{
	const struct reg_state *state = reg_get_state(s->reg);
	bool open = false;
	size_t i;

	for (i = 0; i < reg_state_open_count(state); i++)
		open |= reg_state_open_at(state, i)->n == intent;
	if (!open)
		return error_set(e, FAIL_NOT_FOUND,
		    "record %llu is not an open key generation",
		    (unsigned long long)intent);
	if (!reg_read(s->reg, intent, &k->line, &k->rec, &k->store, e))
		return false;
	if (k->rec.type != REC_KEYGEN_INTENT)
		return error_set(e, FAIL_BAD_INPUT,
		    "record %llu is not a key generation",
		    (unsigned long long)intent);
	k->id = record_get(&k->rec, "id");
	k->imported = record_get_hash(&k->rec, "imported", &k->from);
	k->ocsp = bytes_eq(record_get(&k->rec, "charter"),
	    bytes_str(KEYGEN_OCSP_CHARTER));
	return keygen_find_token(s, record_get(&k->rec, "token"), &k->token, e);
}

static bool
adopt_orphan(struct signer *s, uint64_t intent, bool imported,
    struct hsm_key *k, const struct charter *c, const struct signer_claim *who,
    struct sha256 *key, struct error *e)
{
	static const char *const nothing[] = { NULL };
	struct hsm_custody custody;

	return append_done(s, intent, k, nothing, key, e) &&
	    keygen_examine(s, k, key,
		imported ? KEYGEN_ADOPTED "; " KEYGEN_IMPORTED : KEYGEN_ADOPTED,
		&custody, e) &&
	    keygen_append_charter(s, key, c, who, e);
}

static bool
drop_orphan(struct signer *s, uint64_t intent, const struct keygen_record *k,
    enum signer_orphan *out, struct error *e)
{
	unsigned n;

	if (!hsm_object_destroy(s->cfg.token[k->token].token, k->id, &n, e) ||
	    !keygen_append_failed(s, intent,
		n == 0 ? "nothing was made" : "made and destroyed", e))
		return false;
	*out = n == 0 ? ORPHAN_NONE : ORPHAN_DESTROYED;
	return true;
}

bool
signer_keygen_settle(struct signer *s, uint64_t intent, bool adopt,
    struct bytes charter_json, const struct signer_claim *who,
    enum signer_orphan *out, struct sha256 *key, struct error *e)
{
	auto_charter struct charter *c = NULL;
	auto_cleanup(keygen_record_free) struct keygen_record k = { 0 };
	auto_hsm_key struct hsm_key *orphan = NULL;
	struct error why;

	if (!signer_alive(s, e) || !signer_claim_check(who, e) ||
	    !keygen_read(s, intent, &k, e))
		return false;
	if (!adopt)
		return drop_orphan(s, intent, &k, out, e);
	orphan = signer_open_by_id(s->cfg.token[k.token].token, k.id,
	    (struct bytes){ 0 }, &why);
	/* Nothing, or half a key: there is nothing to adopt. Anything else (no
	 * session, two keys) is no reason to destroy what may be a whole one. */
	if (orphan == NULL &&
	    (why.why == FAIL_NOT_FOUND || why.why == FAIL_HSM_KEY))
		return drop_orphan(s, intent, &k, out, e);
	if (orphan == NULL) {
		*e = why;
		return false;
	}
	c = keygen_charter(s, k.token, k.ocsp, charter_json, e);
	if (c == NULL ||
	    !adopt_orphan(s, intent, k.imported, orphan, c, who, key, e))
		return false;
	*out = ORPHAN_ADOPTED;
	return true;
}
