/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <chancery/base/json.h>
#include <chancery/base/text.h>
#include <chancery/signer/keygen.h>

#include "keygen.h"

/* CKA_IDs of keys made in parts; those of commands are longer. Whoever finds an open
 * KEYGEN-INTENT tells by it whose it is. */
#define PARTS_ID 16

/* ---- begin ------------------------------------------------------------- */

struct keygen_job {
	struct keygen_spec spec;
	size_t token;
	uint64_t intent;
	struct charter *charter;
	char *who, *why;
	struct sha256
	    from; /* of an imported key's SPKI: what must come of it */
};

void
keygen_job_free(struct keygen_job *j)
{
	if (j == NULL)
		return;
	charter_free(j->charter);
	mem_free(j->who);
	mem_free(j->why);
	mem_free(j);
}

const struct keygen_spec *
keygen_job_spec(const struct keygen_job *j)
{
	return &j->spec;
}

size_t
keygen_job_token(const struct keygen_job *j)
{
	return j->token;
}

uint64_t
keygen_job_intent(const struct keygen_job *j)
{
	return j->intent;
}

static struct keygen_job *
job_new(const struct signer *s, const struct signer_keygen *req)
{
	struct keygen_job *j = mem_calloc(1, sizeof(*j));

	j->token = req->token;
	j->who = mem_strdup(req->claim.who);
	j->why = mem_strdup(req->claim.why);
	j->spec.type = req->type;
	memcpy(j->spec.label, req->label, strlen(req->label) + 1);
	j->spec.id_len = PARTS_ID;
	random_bytes(j->spec.id, j->spec.id_len);
	j->spec.destroyable = req->destroyable;
	j->spec.sacrifice = !s->sacrificed[req->token];
	j->spec.imported = req->from != NULL;
	if (req->from != NULL)
		j->from = sha256(hsm_outside_spki(req->from));
	return j;
}

static bool
label_check(const char *label, struct error *e)
{
	const size_t room = sizeof(((struct keygen_spec *)NULL)->label);

	return (label != NULL && label[0] != '\0' && strlen(label) < room &&
		   utf8_valid(bytes_str(label))) ||
	    error_set(e, FAIL_BAD_INPUT,
		"label: empty, not UTF-8 or longer than %zu bytes", room - 1);
}

struct keygen_job *
signer_keygen_begin(struct signer *s, const struct signer_keygen *req,
    struct error *e)
{
	auto_keygen_job struct keygen_job *j = NULL;
	struct charter *c;

	if (!signer_alive(s, e) || !signer_claim_check(&req->claim, e) ||
	    !keygen_token_check(s, req->token, e) ||
	    !label_check(req->label, e) || !keygen_import_ok(s, req, e))
		return NULL;
	if (!key_type_can_generate(req->type)) {
		error_set(e, FAIL_UNSUPPORTED, "key type %s: is not generated",
		    key_type_name(req->type));
		return NULL;
	}
	c = keygen_charter(s, req->token, req->ocsp, req->charter_json, e);
	if (c == NULL)
		return NULL;
	j = job_new(s, req);
	j->charter = c;
	if (!keygen_append_intent(s, req, bytes_of(j->spec.id, j->spec.id_len),
		&j->intent, e))
		return NULL;
	return take(j);
}

static char *
text_of(const struct keygen_record *k, const char *field)
{
	struct bytes v = record_get(&k->rec, field);

	return mem_printf("%.*s", (int)v.n, (const char *)v.p);
}

static struct keygen_job *
job_from(const struct keygen_record *k)
{
	struct keygen_job *j = mem_calloc(1, sizeof(*j));
	auto_mem char *label = text_of(k, "label");

	j->token = k->token;
	j->intent = k->rec.n;
	j->who = text_of(k, "who");
	j->why = text_of(k, "why");
	(void)snprintf(j->spec.label, sizeof(j->spec.label), "%s", label);
	memcpy(j->spec.id, k->id.p, k->id.n);
	j->spec.id_len = k->id.n;
	j->spec.settle = true;
	j->spec.imported = k->imported;
	j->from = k->from;
	return j;
}

struct keygen_job *
signer_keygen_resume(struct signer *s, uint64_t intent, struct error *e)
{
	auto_cleanup(keygen_record_free) struct keygen_record k = { 0 };
	auto_keygen_job struct keygen_job *j = NULL;
	auto_mem char *type = NULL;

	if (!signer_alive(s, e) || !keygen_read(s, intent, &k, e))
		return NULL;
	type = text_of(&k, "type");
	if (k.id.n == 0 || k.id.n > HSM_ID_MAX) {
		error_set(e, FAIL_CORRUPT, "record %llu: its CKA_ID",
		    (unsigned long long)intent);
		return NULL;
	}
	j = job_from(&k);
	if (!key_type_by_name(type, &j->spec.type)) {
		error_set(e, FAIL_UNSUPPORTED, "key type %s", type);
		return NULL;
	}
	j->charter = keygen_charter(s, k.token, k.ocsp, (struct bytes){ 0 }, e);
	return j->charter == NULL ? NULL : take(j);
}

uint64_t
signer_keygen_left(struct signer *s, uint64_t from)
{
	const struct reg_state *state = reg_get_state(s->reg);
	struct error ignored;
	size_t i;

	for (i = 0; i < reg_state_open_count(state); i++) {
		auto_cleanup(keygen_record_free) struct keygen_record k = { 0 };
		const struct state_intent *o = reg_state_open_at(state, i);

		if (o->type == REC_KEYGEN_INTENT && o->n >= from &&
		    keygen_read(s, o->n, &k, &ignored) && k.id.n == PARTS_ID)
			return o->n;
	}
	return UINT64_MAX;
}

/* ---- make -------------------------------------------------------------- */

/* The text between the processes. Empty spki: no key. */
struct made {
	struct error err;
	bool nothing; /* is on the token: KEYGEN-FAILED can be said        */
	struct buf spki, dropped;
	struct keygen_evidence trial, custody;
};

static void
made_free(struct made *m)
{
	buf_free(&m->spki);
	buf_free(&m->dropped);
	keygen_evidence_free(&m->trial);
	keygen_evidence_free(&m->custody);
}

static void
evidence_write(struct json_writer *w, const char *name,
    const struct keygen_evidence *v)
{
	if (!v->given)
		return;
	json_key(w, name);
	json_object_begin(w);
	json_kv_bool(w, "attacks_ok", v->attacks_ok);
	json_kv_bool(w, "attrs_ok", v->attrs_ok);
	json_key(w, "json");
	json_raw(w, buf_bytes(&v->json));
	json_object_end(w);
}

static void
made_write(const struct made *m, struct buf *out)
{
	auto_buf struct buf msg = { 0 };
	struct json_writer w;

	buf_add_visible(&msg, bytes_str(m->err.msg));
	json_begin(&w, out);
	json_object_begin(&w);
	evidence_write(&w, "custody", &m->custody);
	json_key(&w, "dropped");
	json_raw(&w,
	    m->dropped.n > 0 ? buf_bytes(&m->dropped) : bytes_str("[]"));
	json_kv_str(&w, "msg", buf_cstr(&msg));
	json_kv_bool(&w, "nothing", m->nothing);
	json_kv_base64(&w, "spki", buf_bytes(&m->spki));
	evidence_write(&w, "trial", &m->trial);
	json_kv_int(&w, "why", m->err.why);
	json_object_end(&w);
}

static bool
trial(struct hsm_token *t, const struct keygen_spec *spec, struct made *m)
{
	struct hsm_custody c = { 0 };

	if (!spec->sacrifice)
		return true;
	m->nothing = true;
	if (!hsm_sacrificial_test(t, spec->type, &c, &m->err))
		return false;
	keygen_evidence_of(&c, &m->trial);
	return c.attacks_ok ||
	    error_set(&m->err, FAIL_HSM_KEY,
		"the token gave up its sacrificial key");
}

static bool
examine(struct hsm_key *k, struct made *m)
{
	struct hsm_custody c = { 0 };

	if (!hsm_key_attributes(k, &c, &m->err) ||
	    !hsm_key_attack(k, &c, &m->err))
		return false;
	keygen_evidence_of(&c, &m->custody);
	return true;
}

/* Nothing, or half a key, is cleared away. Anything else (no session, two keys) is no
 * reason to destroy what may be a whole one. */
static bool
settle(struct hsm_token *t, const struct keygen_spec *spec, struct made *m)
{
	const struct bytes id = bytes_of(spec->id, spec->id_len);
	auto_hsm_key struct hsm_key *k =
	    signer_open_by_id(t, id, (struct bytes){ 0 }, &m->err);
	unsigned n;

	if (k != NULL) {
		buf_add_bytes(&m->spki, hsm_key_get_info(k)->spki);
		buf_add_str(&m->dropped, "[]");
		return examine(k, m);
	}
	if ((m->err.why != FAIL_NOT_FOUND && m->err.why != FAIL_HSM_KEY) ||
	    !hsm_object_destroy(t, id, &n, &m->err))
		return false;
	m->nothing = true;
	return error_set(&m->err, FAIL_NOT_FOUND, "%s",
	    n == 0 ? "nothing was made" : "made and destroyed");
}

static bool
generate(struct hsm_token *t, const struct keygen_spec *spec, struct made *m)
{
	const struct hsm_keygen g = { .type = spec->type,
		.label = spec->label,
		.id = bytes_of(spec->id, spec->id_len),
		.destroyable = spec->destroyable };
	const char *dropped[HSM_DROPPED_MAX + 1] = { NULL };
	auto_hsm_key struct hsm_key *k = NULL;

	if (spec->imported && spec->from == NULL)
		return error_set(&m->err, FAIL_INTERNAL,
		    "the key to import did not come");
	k = spec->imported ? hsm_key_import(t, &g, spec->from, dropped, &m->err)
			   : hsm_key_generate(t, &g, dropped, &m->err);
	/* Whether halves lie on the token is for signer_keygen_settle. */
	m->nothing = k == NULL && keygen_made_nothing(&m->err, spec->imported);
	if (k == NULL)
		return false;
	buf_add_bytes(&m->spki, hsm_key_get_info(k)->spki);
	keygen_dropped_json(dropped, &m->dropped);
	return examine(k, m);
}

void
keygen_make(struct hsm_token *t, const struct keygen_spec *spec,
    struct buf *out)
{
	auto_cleanup(made_free) struct made m = { 0 };

	if (spec->settle ? settle(t, spec, &m)
			 : trial(t, spec, &m) && generate(t, spec, &m))
		error_clear(&m.err);
	made_write(&m, out);
}

void
keygen_not_made(const struct error *why, struct buf *out)
{
	const struct made m = { .err = *why };

	made_write(&m, out);
}

/* ---- finish ------------------------------------------------------------ */

static void
evidence_read(struct json_reader *r, struct keygen_evidence *v)
{
	struct bytes key;

	v->given = true;
	json_enter_object(r);
	while (json_next_key(r, &key))
		if (bytes_eq(key, bytes_str("attacks_ok")))
			v->attacks_ok = json_get_bool(r);
		else if (bytes_eq(key, bytes_str("attrs_ok")))
			v->attrs_ok = json_get_bool(r);
		else if (bytes_eq(key, bytes_str("json")))
			buf_add_bytes(&v->json, json_get_value(r));
		else
			r->failed = true;
}

static void
spki_read(struct json_reader *r, struct buf *out)
{
	struct bytes v = json_get_raw_str(r);

	r->failed |= !base64_decode((const char *)v.p, v.n, out);
}

static void
member_read(struct json_reader *r, struct bytes key, struct made *m)
{
	auto_buf struct buf msg = { 0 };
	int64_t why;

	if (bytes_eq(key, bytes_str("custody"))) {
		evidence_read(r, &m->custody);
	} else if (bytes_eq(key, bytes_str("trial"))) {
		evidence_read(r, &m->trial);
	} else if (bytes_eq(key, bytes_str("dropped"))) {
		buf_add_bytes(&m->dropped, json_get_value(r));
	} else if (bytes_eq(key, bytes_str("spki"))) {
		spki_read(r, &m->spki);
	} else if (bytes_eq(key, bytes_str("nothing"))) {
		m->nothing = json_get_bool(r);
	} else if (bytes_eq(key, bytes_str("msg"))) {
		(void)json_get_str(r, &msg);
		error_set(&m->err, m->err.why, "%s", buf_cstr(&msg));
	} else if (bytes_eq(key, bytes_str("why"))) {
		why = json_get_int(r);
		r->failed |= why < 0 || why >= FAIL__COUNT;
		m->err.why = (enum fail)why;
	} else {
		r->failed = true;
	}
}

static bool
made_read(struct bytes in, struct made *m, struct error *e)
{
	struct json_reader r;
	struct bytes key;

	json_read(&r, in);
	json_enter_object(&r);
	while (json_next_key(&r, &key))
		member_read(&r, key, m);
	return (json_done(&r) && (m->err.why != FAIL_NONE || m->spki.n > 0)) ||
	    error_set(e, FAIL_CORRUPT,
		"key generation: its result cannot be read");
}

/* The pair that was asked for, and not another one's. */
static bool
public_half_ok(const struct keygen_job *j, struct bytes der, struct error *e)
{
	const struct sha256 hash = sha256(der);
	struct spki k;

	if (!spki_parse(der, &k, e))
		return false;
	if (j->spec.imported && memcmp(&hash, &j->from, sizeof(hash)) != 0)
		return error_set(e, FAIL_CORRUPT,
		    "key import: the token has another key");
	return (k.type.alg == j->spec.type.alg &&
		   k.type.bits == j->spec.type.bits) ||
	    error_set(e, FAIL_CORRUPT,
		"key generation: the key is a %s, not a %s",
		key_type_name(k.type), key_type_name(j->spec.type));
}

static bool
usable(struct signer *s, const struct sha256 *key, struct error *e)
{
	const struct signer_key *k = signer_key_find(s, key);

	if (k != NULL && k->can_sign)
		return true;
	if (k != NULL)
		*e = k->open_error;
	return error_context(e, "the key was made, but cannot be opened");
}

static const char *
custody_name(const struct keygen_spec *spec)
{
	if (spec->imported)
		return spec->settle ? KEYGEN_ADOPTED "; " KEYGEN_IMPORTED
				    : KEYGEN_IMPORTED;
	return spec->settle ? KEYGEN_ADOPTED : "production key";
}

static bool
record_key(struct signer *s, const struct keygen_job *j, const struct made *m,
    struct sha256 *key, struct error *e)
{
	const struct signer_claim who = { .who = j->who, .why = j->why };

	if (!public_half_ok(j, buf_bytes(&m->spki), e) ||
	    !keygen_append_done(s, j->intent, buf_bytes(&m->spki),
		buf_bytes(&m->dropped), key, e))
		return false;
	if (m->custody.given &&
	    !keygen_append_custody(s, key, custody_name(&j->spec), &m->custody,
		e))
		return false;
	if (m->err.why != FAIL_NONE) {
		*e = m->err;
		return false;
	}
	if (!m->custody.given)
		return error_set(e, FAIL_HSM_KEY,
		    "the key was not examined: it gets no charter");
	return keygen_append_charter(s, key, j->charter, &who, e) &&
	    usable(s, key, e);
}

bool
signer_keygen_finish(struct signer *s, struct keygen_job *j, struct bytes made,
    struct sha256 *key, struct error *e)
{
	auto_cleanup(made_free) struct made m = { 0 };
	struct error why = { 0 };
	struct sha256 id;

	if (!signer_alive(s, e) || !made_read(made, &m, e))
		return false;
	if (m.trial.given) {
		if (!keygen_append_custody(s, NULL, "sacrificial key", &m.trial,
			&why) &&
		    why.why != FAIL_HSM_KEY) {
			*e = why;
			return false;
		}
		s->sacrificed[j->token] = why.why == FAIL_NONE;
	}
	if (m.spki.n == 0) {
		if (m.nothing &&
		    !keygen_append_failed(s, j->intent, m.err.msg, e))
			return false;
		*e = why.why != FAIL_NONE ? why : m.err;
		return false;
	}
	if (!record_key(s, j, &m, &id, e))
		return false;
	*key = id;
	return true;
}
