/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <chancery/base/text.h>

#include "internal.h"

/* What a production key must show (pkcs11.md section 6); the rest is reported. */
static const struct row {
	const char *name;
	CK_ATTRIBUTE_TYPE type;
	bool private_half;
	enum hsm_tri required;
} rows[] = {
	{ "CKA_TOKEN", CKA_TOKEN, true, HSM_TRUE },
	{ "CKA_PRIVATE", CKA_PRIVATE, true, HSM_TRUE },
	{ "CKA_SENSITIVE", CKA_SENSITIVE, true, HSM_TRUE },
	{ "CKA_ALWAYS_SENSITIVE", CKA_ALWAYS_SENSITIVE, true, HSM_TRUE },
	{ "CKA_EXTRACTABLE", CKA_EXTRACTABLE, true, HSM_FALSE },
	{ "CKA_NEVER_EXTRACTABLE", CKA_NEVER_EXTRACTABLE, true, HSM_TRUE },
	{ "CKA_LOCAL", CKA_LOCAL, true, HSM_TRUE },
	{ "CKA_SIGN", CKA_SIGN, true, HSM_TRUE },
	{ "CKA_SIGN_RECOVER", CKA_SIGN_RECOVER, true, HSM_NOT_REPORTED },
	{ "CKA_DECRYPT", CKA_DECRYPT, true, HSM_NOT_REPORTED },
	{ "CKA_UNWRAP", CKA_UNWRAP, true, HSM_NOT_REPORTED },
	{ "CKA_DERIVE", CKA_DERIVE, true, HSM_NOT_REPORTED },
	{ "CKA_MODIFIABLE", CKA_MODIFIABLE, true, HSM_NOT_REPORTED },
	{ "CKA_COPYABLE", CKA_COPYABLE, true, HSM_NOT_REPORTED },
	{ "CKA_DESTROYABLE", CKA_DESTROYABLE, true, HSM_NOT_REPORTED },
	{ "CKA_ALWAYS_AUTHENTICATE", CKA_ALWAYS_AUTHENTICATE, true,
	    HSM_NOT_REPORTED },
	{ "CKA_WRAP_WITH_TRUSTED", CKA_WRAP_WITH_TRUSTED, true,
	    HSM_NOT_REPORTED },
	{ "CKA_TOKEN", CKA_TOKEN, false, HSM_TRUE },
	{ "CKA_PRIVATE", CKA_PRIVATE, false, HSM_NOT_REPORTED },
	{ "CKA_LOCAL", CKA_LOCAL, false, HSM_NOT_REPORTED },
	{ "CKA_VERIFY", CKA_VERIFY, false, HSM_NOT_REPORTED },
	{ "CKA_VERIFY_RECOVER", CKA_VERIFY_RECOVER, false, HSM_NOT_REPORTED },
	{ "CKA_ENCRYPT", CKA_ENCRYPT, false, HSM_NOT_REPORTED },
	{ "CKA_WRAP", CKA_WRAP, false, HSM_NOT_REPORTED },
	{ "CKA_DERIVE", CKA_DERIVE, false, HSM_NOT_REPORTED },
	{ "CKA_TRUSTED", CKA_TRUSTED, false, HSM_NOT_REPORTED },
	{ "CKA_MODIFIABLE", CKA_MODIFIABLE, false, HSM_NOT_REPORTED },
	{ "CKA_COPYABLE", CKA_COPYABLE, false, HSM_NOT_REPORTED },
	{ "CKA_DESTROYABLE", CKA_DESTROYABLE, false, HSM_NOT_REPORTED },
};
_Static_assert(countof(rows) <= HSM_ATTRS_MAX, "struct hsm_custody is full");

struct custody_op {
	struct hsm_key *k;
	struct hsm_custody result;
};

static CK_RV
read_bool(struct hsm_call *c, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type,
    enum hsm_tri *out)
{
	auto_buf struct buf v = { 0 };
	CK_RV rv = CKR_ATTRIBUTE_TYPE_INVALID;

	if (o != CK_INVALID_HANDLE)
		rv = object_attr(c, o, type, &v);
	*out = HSM_NOT_REPORTED;
	if (rv == CKR_OK && v.n == sizeof(CK_BBOOL))
		*out = v.p[0] == CK_FALSE ? HSM_FALSE : HSM_TRUE;
	return ckr_is_absent(rv) ? CKR_OK : rv;
}

/* The public half, or CK_INVALID_HANDLE when the token keeps none. */
static CK_RV
public_handle(struct hsm_call *c, const struct hsm_key *k,
    CK_OBJECT_HANDLE *out)
{
	auto_mem CK_OBJECT_HANDLE *o = NULL;
	CK_ULONG n = 0;
	CK_RV rv;

	*out = CK_INVALID_HANDLE;
	if (k->info.id_len == 0)
		return CKR_OK;
	rv = key_halves(c, CKO_PUBLIC_KEY, bytes_of(k->info.id, k->info.id_len),
	    &o, &n);
	if (rv == CKR_OK && n > 0)
		*out = o[0];
	return rv;
}

static CK_RV
read_mechanism(struct hsm_call *c, CK_OBJECT_HANDLE o, unsigned long *out)
{
	CK_ULONG v = CK_UNAVAILABLE_INFORMATION;
	CK_RV rv = object_ulong(c, o, CKA_KEY_GEN_MECHANISM, &v);

	*out = rv == CKR_OK ? v : CK_UNAVAILABLE_INFORMATION;
	return ckr_is_absent(rv) ? CKR_OK : rv;
}

static CK_RV
attributes_run(struct hsm_call *c, void *arg)
{
	struct custody_op *q = arg;
	struct hsm_custody *out = &q->result;
	CK_OBJECT_HANDLE private, public = CK_INVALID_HANDLE;
	CK_RV rv = key_handle(c, q->k, &private);

	out->attrs = 0;
	out->attrs_ok = true;
	if (rv == CKR_OK)
		rv = public_handle(c, q->k, &public);
	for (size_t i = 0; rv == CKR_OK && i < countof(rows); i++) {
		const struct row *r = &rows[i];
		struct hsm_attr *a = &out->attr[out->attrs++];

		*a = (struct hsm_attr){ r->name, r->private_half,
			HSM_NOT_REPORTED, r->required };
		rv = read_bool(c, r->private_half ? private : public, r->type,
		    &a->value);
		if (r->required != HSM_NOT_REPORTED && a->value != r->required)
			out->attrs_ok = false;
	}
	return rv == CKR_OK ? read_mechanism(c, private, &out->keygen_mechanism)
			    : rv;
}

bool
hsm_key_attributes(struct hsm_key *k, struct hsm_custody *out, struct error *e)
{
	static const struct hsm_op op = { attributes_run, false };
	struct custody_op q = { k, *out };

	if (!hsm_run(k->t, &op, &q, e))
		return error_context(e, "key '%s'", k->info.label);
	*out = q.result;
	return true;
}

/* ---- attacks ----------------------------------------------------------- */

struct attack_op {
	struct hsm_key *k;
	struct hsm_custody result, before;
};

static CK_RV
attack_run(struct hsm_call *c, void *arg)
{
	struct attack_op *q = arg;

	q->result = q->before;
	return attack_key(c, q->k, &q->result);
}

static bool
attacks_refused(const struct hsm_custody *c)
{
	for (size_t i = 0; i < c->attacks; i++)
		if (c->attack[i].tried && !c->attack[i].refused)
			return false;
	return true;
}

bool
hsm_key_attack(struct hsm_key *k, struct hsm_custody *out, struct error *e)
{
	static const struct hsm_op op = { attack_run, false };
	struct attack_op q = { .k = k, .before = *out };
	struct gate *g = &k->t->m->gate;
	bool ok;

	if (!hsm_run(k->t, &op, &q, e))
		return error_context(e, "key '%s'", k->info.label);
	if (!gate_seize(g, deadline_after(k->t->deadline_ms)))
		return error_set(e, FAIL_HSM_GONE,
		    "a call hangs in the module");
	ok = attack_without_login(k, &q.result, e);
	gate_release(g);
	if (!ok)
		return error_context(e, "key '%s'", k->info.label);
	q.result.attacks_ok = attacks_refused(&q.result);
	*out = q.result;
	return true;
}

bool
hsm_sacrificial_test(struct hsm_token *t, struct key_type type,
    struct hsm_custody *out, struct error *e)
{
	struct hsm_custody result = { 0 };
	uint8_t id[16];
	char hex[2 * sizeof(id) + 1], label[64];
	const struct hsm_keygen spec = { type, label, { id, sizeof(id) },
		true };
	struct error later;
	struct hsm_key *k;
	unsigned n;
	bool ok;

	random_bytes(id, sizeof(id));
	hex_encode(bytes_of(id, sizeof(id)), hex);
	(void)snprintf(label, sizeof(label), "sacrificial-%s", hex);
	k = hsm_key_generate(t, &spec, NULL, e);
	if (k == NULL)
		return false;
	k->sacrificial = true;
	ok = hsm_key_attributes(k, &result, e) && hsm_key_attack(k, &result, e);
	hsm_key_close(k);
	if (!hsm_object_destroy(t, spec.id, &n, ok ? e : &later))
		return ok
		    ? error_context(e, "throw-away key %s", label)
		    : error_context(e, "throw-away key %s is left", label);
	if (ok)
		*out = result;
	return ok;
}
