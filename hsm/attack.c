/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "internal.h"

/*
 * Active proof that a key cannot leave its token or be put to another use.
 * Each attack has a session of its own: one left with an active operation would
 * refuse the next attack for the wrong reason. Where an attack uses the key it
 * does so on a note that says what it is, in case it succeeds.
 */
static const char note[] = "chancery attack on a key: not a message";

struct attack {
	struct hsm_call *c;
	struct hsm_key *k;
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE private, public;
	const char *call; /* decisive one                                     */
	bool tried;
};

#define ATTACK_CALL(x, fn, ...) ((x)->call = #fn, (x)->c->f->fn(__VA_ARGS__))

enum kind { /* keys that an attack is for */
	ANY = 0,
	RSA_ONLY = 1,
	EC_ONLY = 2
};

struct attack_row {
	const char *name;
	enum kind kind;
	CK_RV (*run)(struct attack *x, CK_ULONG arg);
	CK_ULONG arg;
};

/* ---- export ------------------------------------------------------------ */

static CK_RV
read_value(struct attack *x, CK_ULONG type)
{
	uint8_t v[ATTACK_BUFFER];
	CK_ATTRIBUTE a = { type, v, sizeof(v) };
	CK_RV rv = ATTACK_CALL(x, C_GetAttributeValue, x->s, x->private, &a, 1);
	bool none =
	    a.ulValueLen == CK_UNAVAILABLE_INFORMATION || a.ulValueLen == 0;

	explicit_bzero(v, sizeof(v));
	return rv == CKR_OK && none ? CKR_ATTRIBUTE_SENSITIVE : rv;
}

static CK_RV
make_aes(struct attack *x, CK_OBJECT_HANDLE *out)
{
	const CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	const CK_KEY_TYPE type = CKK_AES;
	const CK_ULONG len = 32;
	CK_MECHANISM mech = { CKM_AES_KEY_GEN, NULL, 0 };
	struct template t = { 0 };

	template_add(&t, CKA_CLASS, &class, sizeof(class));
	template_add(&t, CKA_KEY_TYPE, &type, sizeof(type));
	template_add(&t, CKA_VALUE_LEN, &len, sizeof(len));
	template_add_bool(&t, CKA_TOKEN, false);
	template_add_bool(&t, CKA_WRAP, true);
	template_add_bool(&t, CKA_ENCRYPT, true);
	return ATTACK_CALL(x, C_GenerateKey, x->s, &mech, t.a, t.n, out);
}

static bool
has_mechanism(struct attack *x, CK_MECHANISM_TYPE mech, CK_FLAGS use, CK_RV *rv)
{
	CK_MECHANISM_INFO info = { 0 };

	*rv = ATTACK_CALL(x, C_GetMechanismInfo, x->c->t->slot, mech, &info);
	if (*rv == CKR_OK && (info.flags & use) == 0)
		*rv = CKR_MECHANISM_INVALID;
	x->tried = *rv == CKR_OK;
	return x->tried;
}

static CK_RV
wrap(struct attack *x, CK_ULONG type)
{
	uint8_t iv[16] = { 0 }, out[ATTACK_BUFFER];
	CK_ULONG n = sizeof(out);
	CK_MECHANISM mech = { type, NULL, 0 };
	CK_OBJECT_HANDLE aes = CK_INVALID_HANDLE;
	CK_RV rv;

	if (!has_mechanism(x, type, CKF_WRAP, &rv))
		return rv;
	rv = make_aes(x, &aes);
	x->tried = rv == CKR_OK;
	if (!x->tried)
		return rv;
	if (type == CKM_AES_CBC_PAD)
		mech = (CK_MECHANISM){ type, iv, sizeof(iv) };
	rv = ATTACK_CALL(x, C_WrapKey, x->s, &mech, aes, x->private, out, &n);
	explicit_bzero(out, sizeof(out));
	return rv;
}

static CK_RV
copy(struct attack *x, unused_arg CK_ULONG arg)
{
	struct template t = { 0 };
	CK_OBJECT_HANDLE o = CK_INVALID_HANDLE;
	CK_RV rv;

	x->call = "C_CopyObject";
	/* NSS would destroy the original with its copy. */
	x->tried = !x->c->t->m->quirk->copy_is_original || x->k->sacrificial;
	if (!x->tried)
		return CKR_FUNCTION_REJECTED;
	template_add_bool(&t, CKA_TOKEN, false);
	template_add_bool(&t, CKA_SENSITIVE, false);
	template_add_bool(&t, CKA_EXTRACTABLE, true);
	rv = ATTACK_CALL(x, C_CopyObject, x->s, x->private, t.a, t.n, &o);
	if (rv == CKR_OK)
		(void)x->c->f->C_DestroyObject(x->s, o);
	return rv;
}

/* ---- weakening --------------------------------------------------------- */

static CK_RV
set_bool(struct attack *x, CK_ULONG type, bool v)
{
	CK_BBOOL value = v ? CK_TRUE : CK_FALSE;
	CK_ATTRIBUTE a = { type, &value, sizeof(value) };
	CK_RV rv = ATTACK_CALL(x, C_SetAttributeValue, x->s, x->private, &a, 1);

	if (rv != CKR_OK)
		return rv;
	/* It gave way: put things back as well as it lets us. */
	value = v ? CK_FALSE : CK_TRUE;
	(void)x->c->f->C_SetAttributeValue(x->s, x->private, &a, 1);
	return rv;
}

static CK_RV
set_true(struct attack *x, CK_ULONG type)
{
	return set_bool(x, type, true);
}

static CK_RV
set_false(struct attack *x, CK_ULONG type)
{
	return set_bool(x, type, false);
}

static CK_RV
set_label(struct attack *x, CK_OBJECT_HANDLE o)
{
	static const char other[] = "chancery-attack";
	CK_ATTRIBUTE a = { CKA_LABEL, unconst(other), strlen(other) };
	CK_RV rv = ATTACK_CALL(x, C_SetAttributeValue, x->s, o, &a, 1);

	if (rv != CKR_OK)
		return rv;
	a = (CK_ATTRIBUTE){ CKA_LABEL, x->k->info.label,
		strlen(x->k->info.label) };
	(void)x->c->f->C_SetAttributeValue(x->s, o, &a, 1);
	return rv;
}

static CK_RV
relabel(struct attack *x, CK_ULONG public)
{
	if (!public)
		return set_label(x, x->private);
	x->tried = x->public != CK_INVALID_HANDLE;
	x->call = "C_SetAttributeValue";
	return x->tried ? set_label(x, x->public) : CKR_OBJECT_HANDLE_INVALID;
}

/* ---- other uses -------------------------------------------------------- */

DEFINE_AUTO(pkey_ctx, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

/* Something that the private key could decrypt: PKCS#1 v1.5 of 32 bytes. */
static bool
encrypt_to(struct hsm_key *k, uint8_t *out, size_t *n)
{
	auto_cleanup(pkey_ctx_cleanup) EVP_PKEY_CTX *ctx =
	    EVP_PKEY_CTX_new(k->public, NULL);

	return ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_encrypt(ctx, out, n, (const uint8_t *)note, 32) == 1;
}

static CK_RV
decrypt(struct attack *x, CK_ULONG mech_type)
{
	CK_MECHANISM mech = { mech_type, NULL, 0 };
	uint8_t in[LIMIT_SIG_BYTES], out[LIMIT_SIG_BYTES];
	size_t n = sizeof(in);
	CK_ULONG out_n = sizeof(out);
	CK_RV rv;

	if (!has_mechanism(x, mech_type, CKF_DECRYPT, &rv))
		return rv;
	x->tried = encrypt_to(x->k, in, &n);
	if (!x->tried)
		return CKR_GENERAL_ERROR;
	rv = ATTACK_CALL(x, C_DecryptInit, x->s, &mech, x->private);
	if (rv != CKR_OK)
		return rv;
	return ATTACK_CALL(x, C_Decrypt, x->s, in, n, out, &out_n);
}

static CK_RV
unwrap(struct attack *x, CK_ULONG mech_type)
{
	const CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	const CK_KEY_TYPE type = CKK_AES;
	CK_MECHANISM mech = { mech_type, NULL, 0 };
	uint8_t in[LIMIT_SIG_BYTES];
	size_t n = sizeof(in);
	struct template t = { 0 };
	CK_OBJECT_HANDLE o;
	CK_RV rv;

	if (!has_mechanism(x, mech_type, CKF_UNWRAP, &rv))
		return rv;
	x->tried = encrypt_to(x->k, in, &n);
	if (!x->tried)
		return CKR_GENERAL_ERROR;
	template_add(&t, CKA_CLASS, &class, sizeof(class));
	template_add(&t, CKA_KEY_TYPE, &type, sizeof(type));
	template_add_bool(&t, CKA_TOKEN, false);
	return ATTACK_CALL(x, C_UnwrapKey, x->s, &mech, x->private, in, n, t.a,
	    t.n, &o);
}

static CK_RV
derive(struct attack *x, CK_ULONG mech_type)
{
	const CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	const CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	const CK_ULONG len = 32;
	size_t point = x->k->info.type.alg == KEY_EC_P256 ? 65 : 97;
	CK_ECDH1_DERIVE_PARAMS ecdh = { .kdf = CKD_NULL,
		.public_data_len = point };
	CK_MECHANISM mech = { mech_type, &ecdh, sizeof(ecdh) };
	struct template t = { 0 };
	CK_OBJECT_HANDLE o;
	CK_RV rv;

	if (!has_mechanism(x, mech_type, CKF_DERIVE, &rv))
		return rv;
	/* Its own public point, the last bytes of the key info. */
	ecdh.public_data = x->k->spki.p + x->k->spki.n - point;
	template_add(&t, CKA_CLASS, &class, sizeof(class));
	template_add(&t, CKA_KEY_TYPE, &type, sizeof(type));
	template_add(&t, CKA_VALUE_LEN, &len, sizeof(len));
	template_add_bool(&t, CKA_TOKEN, false);
	return ATTACK_CALL(x, C_DeriveKey, x->s, &mech, x->private, t.a, t.n,
	    &o);
}

static CK_RV
sign_recover(struct attack *x, CK_ULONG mech_type)
{
	CK_MECHANISM mech = { mech_type, NULL, 0 };
	uint8_t out[LIMIT_SIG_BYTES];
	CK_ULONG n = sizeof(out);
	CK_RV rv = ATTACK_CALL(x, C_SignRecoverInit, x->s, &mech, x->private);

	if (rv == CKR_OK)
		rv = ATTACK_CALL(x, C_SignRecover, x->s, unconst(note),
		    strlen(note), out, &n);
	x->tried =
	    rv != CKR_FUNCTION_NOT_SUPPORTED && rv != CKR_MECHANISM_INVALID;
	return rv;
}

/* ---- the list ---------------------------------------------------------- */

static const struct attack_row attacks[] = {
	{ "read the private exponent", RSA_ONLY, read_value,
	    CKA_PRIVATE_EXPONENT },
	{ "read a prime factor", RSA_ONLY, read_value, CKA_PRIME_1 },
	{ "read the private value", EC_ONLY, read_value, CKA_VALUE },
	{ "wrap with a session AES key (KWP)", ANY, wrap,
	    CKM_AES_KEY_WRAP_PAD },
	{ "wrap with a session AES key (KW)", ANY, wrap, CKM_AES_KEY_WRAP },
	{ "wrap with a session AES key (CBC)", ANY, wrap, CKM_AES_CBC_PAD },
	{ "copy to an extractable key", ANY, copy, 0 },
	{ "set CKA_EXTRACTABLE true", ANY, set_true, CKA_EXTRACTABLE },
	{ "set CKA_SENSITIVE false", ANY, set_false, CKA_SENSITIVE },
	{ "set CKA_MODIFIABLE true", ANY, set_true, CKA_MODIFIABLE },
	{ "set CKA_DECRYPT true", ANY, set_true, CKA_DECRYPT },
	{ "set CKA_UNWRAP true", ANY, set_true, CKA_UNWRAP },
	{ "set CKA_DERIVE true", ANY, set_true, CKA_DERIVE },
	{ "rename the private half", ANY, relabel, false },
	{ "rename the public half", ANY, relabel, true },
	{ "decrypt", RSA_ONLY, decrypt, CKM_RSA_PKCS },
	{ "unwrap a secret key", RSA_ONLY, unwrap, CKM_RSA_PKCS },
	{ "sign with recovery", RSA_ONLY, sign_recover, CKM_RSA_PKCS },
	{ "derive a shared secret", EC_ONLY, derive, CKM_ECDH1_DERIVE },
};
/* One more: without login. */
_Static_assert(countof(attacks) < HSM_ATTACKS_MAX, "struct hsm_custody");

void
attack_note(struct hsm_custody *out, const char *name, const char *call,
    CK_RV rv, bool tried)
{
	struct hsm_attack *a;

	if (out->attacks >= HSM_ATTACKS_MAX)
		fatal("more attacks than a custody report has room for");
	/* Turned away at the door proves nothing about the key. */
	if (rv == CKR_SESSION_READ_ONLY || rv == CKR_TOKEN_WRITE_PROTECTED)
		tried = false;
	a = &out->attack[out->attacks++];
	*a = (struct hsm_attack){ name, call, rv, ckr_name(rv), rv != CKR_OK,
		tried };
}

static bool
suits(const struct attack_row *r, enum key_alg alg)
{
	if (r->run == derive && alg == KEY_ED25519)
		return false;
	return r->kind == ANY || (r->kind == RSA_ONLY) == (alg == KEY_RSA);
}

/* Writing sessions, so that the key and not the session refuses. */
static CK_RV
open_attack_session(struct hsm_call *c, CK_SESSION_HANDLE *out)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
	CK_RV rv =
	    CK_CALL(c, C_OpenSession, c->t->slot, flags, NULL, NULL, out);

	if (rv == CKR_TOKEN_WRITE_PROTECTED)
		rv = CK_CALL(c, C_OpenSession, c->t->slot, CKF_SERIAL_SESSION,
		    NULL, NULL, out);
	return rv;
}

/* The device was lost, which is no answer. */
static bool
is_loss(CK_RV rv)
{
	enum ckr_class class = ckr_class(rv);

	return class == CKR_CLASS_RETRY || rv == CKR_SESSION_HANDLE_INVALID ||
	    rv == CKR_SESSION_CLOSED || rv == CKR_USER_NOT_LOGGED_IN ||
	    (class == CKR_CLASS_REINIT && rv != CKR_GENERAL_ERROR &&
		rv != CKR_FUNCTION_FAILED);
}

static CK_RV
attack_one(struct attack *x, const struct attack_row *r,
    struct hsm_custody *out)
{
	CK_RV rv = open_attack_session(x->c, &x->s);

	if (rv != CKR_OK)
		return rv;
	x->tried = true;
	rv = r->run(x, r->arg);
	(void)x->c->f->C_CloseSession(x->s);
	x->c->call = x->call;
	if (is_loss(rv))
		return rv;
	attack_note(out, r->name, x->call, rv, x->tried);
	return CKR_OK;
}

CK_RV
attack_key(struct hsm_call *c, struct hsm_key *k, struct hsm_custody *out)
{
	struct attack x = { .c = c, .k = k, .public = CK_INVALID_HANDLE };
	auto_mem CK_OBJECT_HANDLE *o = NULL;
	CK_ULONG n = 0;
	CK_RV rv = key_handle(c, k, &x.private);

	if (rv == CKR_OK && k->info.id_len > 0)
		rv = key_halves(c, CKO_PUBLIC_KEY,
		    bytes_of(k->info.id, k->info.id_len), &o, &n);
	if (n > 0)
		x.public = o[0];
	for (size_t i = 0; rv == CKR_OK && i < countof(attacks); i++)
		if (suits(&attacks[i], k->info.type.alg))
			rv = attack_one(&x, &attacks[i], out);
	return rv;
}

/* ---- without login ----------------------------------------------------- */

static CK_RV
use_without_login(struct hsm_key *k, const char **call, bool *tried)
{
	static const CK_MECHANISM_TYPE mechs[] = {
		[KEY_RSA] = CKM_RSA_PKCS,
		[KEY_EC_P256] = CKM_ECDSA,
		[KEY_EC_P384] = CKM_ECDSA,
		[KEY_EC_P521] = CKM_ECDSA,
		[KEY_ED25519] = CKM_EDDSA,
	};
	CK_FUNCTION_LIST *f = k->t->m->f;
	CK_MECHANISM mech = { mechs[k->info.type.alg], NULL, 0 };
	CK_SESSION_HANDLE s;
	CK_SESSION_INFO info = { 0 };
	CK_RV rv;

	*tried = false;
	*call = "C_OpenSession";
	rv = f->C_OpenSession(k->t->slot, CKF_SERIAL_SESSION, NULL, NULL, &s);
	if (rv != CKR_OK)
		return rv;
	*call = "C_GetSessionInfo";
	rv = f->C_GetSessionInfo(s, &info);
	/* Somebody else of this process holds a login: no proof to be had. */
	if (rv == CKR_OK && info.state == CKS_RO_PUBLIC_SESSION) {
		*tried = true;
		*call = "C_SignInit";
		rv = f->C_SignInit(s, &mech, atomic_load(&k->handle));
	}
	(void)f->C_CloseSession(s);
	return rv;
}

bool
attack_without_login(struct hsm_key *k, struct hsm_custody *out,
    struct error *e)
{
	const char *call;
	bool tried;
	CK_RV rv;

	if (!k->t->info.login_required)
		return true;
	/* Closing the last session of a token logs out (2.40 5.6). */
	token_detach(k->t, true);
	rv = use_without_login(k, &call, &tried);
	if (!token_attach(k->t, e))
		return false;
	/* Not logged in is what has to be said here, and no loss. */
	if (rv != CKR_USER_NOT_LOGGED_IN && is_loss(rv))
		return error_ckr(e, rv, call);
	attack_note(out, "sign without login", call, rv, tried);
	return true;
}
