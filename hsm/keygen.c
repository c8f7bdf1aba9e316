/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* ---- templates --------------------------------------------------------- */

/* What may be left out when a module refuses it, together. */
enum {
	DROP_DESTROYABLE = 1 << 0,
	DROP_COPYABLE = 1 << 1,
	DROP_DECRYPT = 1 << 2,
	DROP_OTHER_USES = 1 << 3
};

static const struct rule {
	const char *name;
	CK_ATTRIBUTE_TYPE type;
	bool value;
	unsigned drop; /* 0: a module that refuses this is not used           */
} private_rules[] = {
	{ "CKA_TOKEN", CKA_TOKEN, true, 0 },
	{ "CKA_PRIVATE", CKA_PRIVATE, true, 0 },
	{ "CKA_SENSITIVE", CKA_SENSITIVE, true, 0 },
	{ "CKA_SIGN", CKA_SIGN, true, 0 },
	{ "CKA_EXTRACTABLE", CKA_EXTRACTABLE, false, 0 },
	{ "CKA_MODIFIABLE", CKA_MODIFIABLE, false, 0 },
	{ "CKA_COPYABLE", CKA_COPYABLE, false, DROP_COPYABLE },
	{ "CKA_DECRYPT", CKA_DECRYPT, false, DROP_DECRYPT },
	{ "CKA_UNWRAP", CKA_UNWRAP, false, DROP_OTHER_USES },
	{ "CKA_DERIVE", CKA_DERIVE, false, DROP_OTHER_USES },
	{ "CKA_SIGN_RECOVER", CKA_SIGN_RECOVER, false, DROP_OTHER_USES },
};

static const struct rule public_rules[] = {
	{ "CKA_TOKEN", CKA_TOKEN, true, 0 },
	{ "CKA_PRIVATE", CKA_PRIVATE, false, 0 },
	{ "CKA_VERIFY", CKA_VERIFY, true, 0 },
	{ "CKA_MODIFIABLE", CKA_MODIFIABLE, false, 0 },
	{ "CKA_COPYABLE", CKA_COPYABLE, false, DROP_COPYABLE },
	{ "CKA_ENCRYPT", CKA_ENCRYPT, false, DROP_DECRYPT },
	{ "CKA_WRAP", CKA_WRAP, false, DROP_OTHER_USES },
	{ "CKA_VERIFY_RECOVER", CKA_VERIFY_RECOVER, false, DROP_OTHER_USES },
};

/* Least first; pkcs11.md section 6 has which module needs which. */
static const unsigned fallbacks[] = {
	0,
	DROP_DESTROYABLE,
	DROP_DECRYPT,
	DROP_DESTROYABLE | DROP_COPYABLE,
	DROP_DESTROYABLE | DROP_COPYABLE | DROP_DECRYPT,
	DROP_DESTROYABLE | DROP_COPYABLE | DROP_DECRYPT | DROP_OTHER_USES,
};

static void
add_rules(struct template *t, const struct rule *r, size_t n, unsigned drop)
{
	for (size_t i = 0; i < n; i++)
		if ((r[i].drop & drop) == 0)
			template_add_bool(t, r[i].type, r[i].value);
}

static void
add_names(struct template *t, const struct hsm_keygen *spec, unsigned drop)
{
	template_add(t, CKA_ID, spec->id.p, spec->id.n);
	template_add(t, CKA_LABEL, spec->label, strlen(spec->label));
	if ((drop & DROP_DESTROYABLE) == 0)
		template_add_bool(t, CKA_DESTROYABLE, spec->destroyable);
}

static void
list_dropped(unsigned drop, const char *out[HSM_DROPPED_MAX + 1])
{
	size_t n = 0;

	if ((drop & DROP_DESTROYABLE) != 0)
		out[n++] = "CKA_DESTROYABLE";
	for (size_t i = 0; i < countof(private_rules); i++)
		if ((private_rules[i].drop & drop) != 0)
			out[n++] = private_rules[i].name;
	out[n] = NULL;
}

/* ---- generation -------------------------------------------------------- */

struct keygen_op {
	const struct hsm_keygen *spec;
	const struct hsm_outside *from; /* NULL: generate */
	bool begun;                     /* to create objects */
	unsigned drop;
	CK_OBJECT_HANDLE private, public;
};

static CK_MECHANISM_TYPE
keygen_mechanism(enum key_alg alg)
{
	if (alg == KEY_RSA)
		return CKM_RSA_PKCS_KEY_PAIR_GEN;
	return alg == KEY_ED25519 ? CKM_EC_EDWARDS_KEY_PAIR_GEN
				  : CKM_EC_KEY_PAIR_GEN;
}

static bool
is_template_refusal(CK_RV rv)
{
	/* 0x5 is tpm2-pkcs11's and NSS's way to say it. */
	return rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	    rv == CKR_ATTRIBUTE_VALUE_INVALID ||
	    rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCONSISTENT ||
	    rv == CKR_GENERAL_ERROR;
}

/* Which of the answers to C_CreateObject say for certain that nothing was made. */
static bool
is_import_refusal(CK_RV rv)
{
	return is_template_refusal(rv) && rv != CKR_GENERAL_ERROR;
}

/* Public halves of an earlier try, under another template or before the session was lost. The
 * CKA_ID is this key's alone. */
static CK_RV
take_back(struct hsm_call *c, const struct keygen_op *g)
{
	auto_mem CK_OBJECT_HANDLE *o = NULL;
	CK_ULONG n = 0;
	CK_RV rv = key_halves(c, CKO_PUBLIC_KEY, g->spec->id, &o, &n);

	while (rv == CKR_OK && n-- > 0)
		rv = CK_CALL(c, C_DestroyObject, c->s, o[n]);
	return rv;
}

/* Begun before: a private half that is there makes it whole, else it starts anew. */
static CK_RV
create_again(struct hsm_call *c, struct keygen_op *g, bool *whole)
{
	auto_mem CK_OBJECT_HANDLE *o = NULL;
	CK_ULONG n = 0;
	CK_RV rv = key_halves(c, CKO_PRIVATE_KEY, g->spec->id, &o, &n);

	*whole = rv == CKR_OK && n > 0;
	return rv != CKR_OK || *whole ? rv : take_back(c, g);
}

/*
 * Two steps, and what is left between them has to be taken away again: so the public half is first,
 * and may always be destroyed; the private one, which may not, makes the key whole. Whether
 * it is there after an unclear answer is for who looks at the token next.
 */
static CK_RV
create_both(struct hsm_call *c, struct keygen_op *g, struct template *pub,
    struct template *priv)
{
	bool whole = false;
	CK_RV rv = g->begun ? create_again(c, g, &whole) : CKR_OK;

	if (rv != CKR_OK || whole)
		return rv;
	g->begun = true;
	rv = CK_CALL(c, C_CreateObject, c->s, pub->a, pub->n, &g->public);
	if (rv == CKR_OK)
		rv = CK_CALL(c, C_CreateObject, c->s, priv->a, priv->n,
		    &g->private);
	return is_import_refusal(rv) && take_back(c, g) != CKR_OK
	    ? CKR_FUNCTION_FAILED
	    : rv;
}

static CK_RV
create_with(struct hsm_call *c, struct keygen_op *g)
{
	static const CK_OBJECT_CLASS class[] = { CKO_PUBLIC_KEY,
		CKO_PRIVATE_KEY };
	const enum key_alg alg = g->spec->type.alg;
	const CK_KEY_TYPE kind = alg == KEY_RSA ? CKK_RSA
	    : alg == KEY_ED25519                ? CKK_EC_EDWARDS
						: CKK_EC;
	struct template pub = { 0 }, priv = { 0 };

	template_add(&pub, CKA_CLASS, &class[0], sizeof(class[0]));
	template_add(&pub, CKA_KEY_TYPE, &kind, sizeof(kind));
	template_add(&priv, CKA_CLASS, &class[1], sizeof(class[1]));
	template_add(&priv, CKA_KEY_TYPE, &kind, sizeof(kind));
	add_rules(&pub, public_rules, countof(public_rules), g->drop);
	add_names(&pub, g->spec, g->drop | DROP_DESTROYABLE);
	add_rules(&priv, private_rules, countof(private_rules), g->drop);
	add_names(&priv, g->spec, g->drop);
	outside_template(g->from, &pub, &priv);
	c->decisive = true;
	return create_both(c, g, &pub, &priv);
}

static CK_RV
generate_with(struct hsm_call *c, struct keygen_op *g)
{
	static const uint8_t f4[] = { 0x01, 0x00, 0x01 };
	const struct hsm_keygen *spec = g->spec;
	const CK_ULONG bits = spec->type.bits;
	struct bytes curve = curve_params(spec->type.alg);
	CK_MECHANISM mech = { keygen_mechanism(spec->type.alg), NULL, 0 };
	struct template pub = { 0 }, priv = { 0 };

	add_rules(&priv, private_rules, countof(private_rules), g->drop);
	add_names(&priv, spec, g->drop);
	add_rules(&pub, public_rules, countof(public_rules), g->drop);
	add_names(&pub, spec, g->drop);
	if (spec->type.alg == KEY_RSA) {
		template_add(&pub, CKA_MODULUS_BITS, &bits, sizeof(bits));
		template_add(&pub, CKA_PUBLIC_EXPONENT, f4, sizeof(f4));
	} else {
		template_add(&pub, CKA_EC_PARAMS, curve.p, curve.n);
	}
	c->decisive = true;
	return CK_CALL(c, C_GenerateKeyPair, c->s, &mech, pub.a, pub.n, priv.a,
	    priv.n, &g->public, &g->private);
}

static CK_RV
keygen_run(struct hsm_call *c, void *arg)
{
	struct keygen_op *g = arg;
	CK_RV rv = CKR_GENERAL_ERROR;

	for (size_t i = 0; i < countof(fallbacks); i++) {
		g->drop = fallbacks[i];
		rv = g->from != NULL ? create_with(c, g) : generate_with(c, g);
		if (g->from != NULL ? !is_import_refusal(rv)
				    : !is_template_refusal(rv))
			return rv;
	}
	return rv;
}

/* ---- checks ------------------------------------------------------------ */

static bool
check_spec(const struct hsm_token *t, const struct hsm_keygen *spec,
    struct error *e)
{
	if (!t->read_write)
		return error_set(e, FAIL_PERMISSION,
		    "token '%s' was opened read-only", t->info.label);
	if (!key_type_can_generate(spec->type))
		return error_set(e, FAIL_UNSUPPORTED, "no %s keys are made",
		    key_type_name(spec->type));
	if (spec->id.n == 0 || spec->id.n > HSM_ID_MAX)
		return error_set(e, FAIL_BAD_INPUT,
		    "CKA_ID of %zu bytes, not 1 to %d", spec->id.n, HSM_ID_MAX);
	if (spec->label[0] == '\0' ||
	    strlen(spec->label) >= sizeof(((struct hsm_key_info *)0)->label))
		return error_set(e, FAIL_BAD_INPUT,
		    "key label is empty or longer than 127 bytes");
	return true;
}

static bool
check_free(struct hsm_token *t, const struct hsm_keygen *spec, struct error *e)
{
	struct hsm_key_list l = { 0 };
	const char *clash = NULL;

	if (!hsm_keys(t, &l, e))
		return false;
	for (size_t i = 0; i < l.n && clash == NULL; i++) {
		if (bytes_eq(bytes_of(l.v[i].id, l.v[i].id_len), spec->id))
			clash = "CKA_ID";
		else if (strcmp(l.v[i].label, spec->label) == 0)
			clash = "label";
	}
	hsm_key_list_free(&l);
	if (clash != NULL)
		return error_set(e, FAIL_EXISTS,
		    "token '%s' has a key with this %s already (%s)",
		    t->info.label, clash, spec->label);
	return true;
}

static struct hsm_key *
generate_alone(struct hsm_token *t, const struct hsm_keygen *spec,
    const struct hsm_outside *from, const char *dropped[HSM_DROPPED_MAX + 1],
    struct error *e)
{
	static const struct hsm_op op = { keygen_run, true };
	struct keygen_op g = { .spec = spec, .from = from };
	auto_mem char *uri = NULL;
	struct hsm_key *k;

	if (!check_free(t, spec, e))
		return NULL;
	if (!hsm_run(t, &op, &g, e)) {
		(void)error_context(e, "%s %s key '%s'",
		    from != NULL ? "importing" : "generating",
		    key_type_name(spec->type), spec->label);
		return NULL;
	}
	uri = uri_key(t->info.label, t->info.serial, bytes_str(spec->label),
	    spec->id);
	k = hsm_key_open(t, uri, (struct bytes){ 0 }, e);
	if (k != NULL && dropped != NULL)
		list_dropped(g.drop, dropped);
	return k;
}

static struct hsm_key *
make(struct hsm_token *t, const struct hsm_keygen *spec,
    const struct hsm_outside *from, const char *dropped[HSM_DROPPED_MAX + 1],
    struct error *e)
{
	struct hsm_key *k;

	if (!check_spec(t, spec, e))
		return NULL;
	(void)pthread_mutex_lock(&t->keygen);
	k = generate_alone(t, spec, from, dropped, e);
	(void)pthread_mutex_unlock(&t->keygen);
	return k;
}

struct hsm_key *
hsm_key_generate(struct hsm_token *t, const struct hsm_keygen *spec,
    const char *dropped[HSM_DROPPED_MAX + 1], struct error *e)
{
	return make(t, spec, NULL, dropped, e);
}

struct hsm_key *
hsm_key_import(struct hsm_token *t, const struct hsm_keygen *spec,
    const struct hsm_outside *from, const char *dropped[HSM_DROPPED_MAX + 1],
    struct error *e)
{
	return make(t, spec, from, dropped, e);
}

/* ---- destruction ------------------------------------------------------- */

struct destroy_op {
	struct bytes id;
	unsigned n;
};

static CK_RV
destroy_class(struct hsm_call *c, CK_OBJECT_CLASS class, struct destroy_op *d)
{
	auto_mem CK_OBJECT_HANDLE *o = NULL;
	CK_ULONG n = 0;
	CK_RV rv = key_halves(c, class, d->id, &o, &n);

	for (CK_ULONG i = 0; rv == CKR_OK && i < n; i++) {
		rv = CK_CALL(c, C_DestroyObject, c->s, o[i]);
		if (rv == CKR_OK)
			d->n++;
	}
	if (rv != CKR_OK)
		return rv;
	/* The proof: a new search finds none. */
	mem_free(take(o));
	rv = key_halves(c, class, d->id, &o, &n);
	if (rv == CKR_OK && n != 0)
		return hsm_own_error(c, FAIL_HSM,
		    "the token reports a key destroyed but still finds it");
	return rv;
}

static CK_RV
destroy_run(struct hsm_call *c, void *arg)
{
	CK_RV rv = destroy_class(c, CKO_PRIVATE_KEY, arg);

	return rv == CKR_OK ? destroy_class(c, CKO_PUBLIC_KEY, arg) : rv;
}

bool
hsm_object_destroy(struct hsm_token *t, struct bytes id, unsigned *n,
    struct error *e)
{
	static const struct hsm_op op = { destroy_run, false };
	struct destroy_op d = { .id = id };

	if (!t->read_write)
		return error_set(e, FAIL_PERMISSION,
		    "token '%s' was opened read-only", t->info.label);
	/* An empty template matches every key on the token. */
	if (id.n == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "destroying needs a CKA_ID");
	if (!hsm_run(t, &op, &d, e))
		return false;
	*n = d.n;
	return true;
}

bool
hsm_key_destroy(struct hsm_key *k, struct error *e)
{
	unsigned n;

	if (!hsm_object_destroy(k->t, bytes_of(k->info.id, k->info.id_len), &n,
		e))
		return error_context(e, "key '%s'", k->info.label);
	hsm_key_close(k);
	return true;
}
