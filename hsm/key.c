/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <stdlib.h>

#include <chancery/base/text.h>

#include "internal.h"

static const CK_OBJECT_CLASS class_private = CKO_PRIVATE_KEY;
static const CK_OBJECT_CLASS class_public = CKO_PUBLIC_KEY;

/* ---- what an object is ------------------------------------------------- */

static CK_RV
rsa_type(struct hsm_call *c, CK_OBJECT_HANDLE o, bool *known,
    struct key_type *out)
{
	auto_buf struct buf n = { 0 };
	CK_RV rv = object_attr(c, o, CKA_MODULUS, &n);

	if (ckr_is_absent(rv))
		return CKR_OK;
	if (rv != CKR_OK)
		return rv;
	if (n.n == 0)
		return CKR_OK;
	*known = true;
	*out = (struct key_type){ KEY_RSA,
		(unsigned)(n.p[0] == 0 ? n.n - 1 : n.n) * 8 };
	return CKR_OK;
}

static CK_RV
curve_type(struct hsm_call *c, CK_OBJECT_HANDLE o, bool *known,
    struct key_type *out)
{
	auto_buf struct buf params = { 0 };
	enum key_alg alg;
	CK_RV rv = object_attr(c, o, CKA_EC_PARAMS, &params);

	if (ckr_is_absent(rv))
		return CKR_OK;
	if (rv != CKR_OK)
		return rv;
	if (!curve_by_params(buf_bytes(&params), &alg))
		return CKR_OK;
	*known = true;
	*out = (struct key_type){ alg, 0 };
	return CKR_OK;
}

CK_RV
key_object_type(struct hsm_call *c, CK_OBJECT_HANDLE o, bool *known,
    struct key_type *out)
{
	CK_ULONG type;
	CK_RV rv = object_ulong(c, o, CKA_KEY_TYPE, &type);

	*known = false;
	if (rv != CKR_OK)
		return rv;
	if (type == CKK_RSA)
		return rsa_type(c, o, known, out);
	if (type == CKK_EC || type == CKK_EC_EDWARDS)
		return curve_type(c, o, known, out);
	return CKR_OK;
}

CK_RV
key_halves(struct hsm_call *c, CK_OBJECT_CLASS class, struct bytes id,
    CK_OBJECT_HANDLE **out, CK_ULONG *n)
{
	struct template t = { 0 };

	template_find(&t, &class, id, (struct bytes){ 0 });
	return objects_find(c, &t, out, n);
}

static CK_RV
object_names(struct hsm_call *c, CK_OBJECT_HANDLE o, struct hsm_key_info *i)
{
	auto_buf struct buf v = { 0 };
	CK_RV rv = object_attr(c, o, CKA_ID, &v);

	if (rv != CKR_OK && !ckr_is_absent(rv))
		return rv;
	if (v.n <= sizeof(i->id)) {
		i->id_len = v.n;
		if (v.n > 0)
			memcpy(i->id, v.p, v.n);
	}
	rv = object_attr(c, o, CKA_LABEL, &v);
	if (rv != CKR_OK && !ckr_is_absent(rv))
		return rv;
	if (v.n >= sizeof(i->label))
		v.n = sizeof(i->label) - 1;
	if (v.n > 0)
		memcpy(i->label, v.p, v.n);
	return CKR_OK;
}

/* *wrong is set, and nothing written, when the object is no public key: a module
 * that was killed while it generated leaves such ones. */
static CK_RV
public_rsa(struct hsm_call *c, CK_OBJECT_HANDLE o, struct buf *spki,
    const char **wrong)
{
	auto_buf struct buf n = { 0 }, exp = { 0 };
	CK_RV rv = object_attr(c, o, CKA_MODULUS, &n);

	if (rv == CKR_OK)
		rv = object_attr(c, o, CKA_PUBLIC_EXPONENT, &exp);
	if (rv == CKR_OK && !spki_rsa(buf_bytes(&n), buf_bytes(&exp), spki))
		*wrong = "bad modulus or exponent";
	return rv;
}

static CK_RV
public_point(struct hsm_call *c, CK_OBJECT_HANDLE o, enum key_alg alg,
    struct buf *spki, const char **wrong)
{
	auto_buf struct buf point = { 0 };
	CK_RV rv = object_attr(c, o, CKA_EC_POINT, &point);

	if (rv == CKR_OK && !spki_point(alg, buf_bytes(&point), spki))
		*wrong = "CKA_EC_POINT has a wrong shape";
	return rv;
}

static CK_RV
public_read(struct hsm_call *c, CK_OBJECT_HANDLE o, struct key_type type,
    struct buf *spki, const char **wrong)
{
	buf_reset(spki);
	*wrong = NULL;
	if (type.alg == KEY_RSA)
		return public_rsa(c, o, spki, wrong);
	return public_point(c, o, type.alg, spki, wrong);
}

static CK_RV
public_spki(struct hsm_call *c, CK_OBJECT_HANDLE o, struct key_type type,
    struct buf *spki)
{
	const char *wrong;
	CK_RV rv = public_read(c, o, type, spki, &wrong);

	if (rv == CKR_OK && wrong != NULL)
		return hsm_own_error(c, FAIL_HSM_KEY, "public key object: %s",
		    wrong);
	return rv;
}

/* ---- listing ----------------------------------------------------------- */

static CK_RV
list_one(struct hsm_call *c, CK_OBJECT_HANDLE o, bool private,
    struct hsm_key_list *l, size_t *cap)
{
	struct hsm_key_info i = { .has_private = private,
		.has_public = !private };
	auto_buf struct buf spki = { 0 };
	const char *wrong;
	bool known;
	CK_RV rv = key_object_type(c, o, &known, &i.type);

	if (rv != CKR_OK || !known)
		return rv;
	rv = object_names(c, o, &i);
	if (rv != CKR_OK)
		return rv;
	if (!private) {
		rv = public_read(c, o, i.type, &spki, &wrong);
		if (rv != CKR_OK)
			return rv;
		i.has_public = wrong == NULL;
		if (i.has_public)
			i.spki = bytes_of(mem_dup(spki.p, spki.n), spki.n);
	}
	l->v = mem_grow(l->v, l->n, cap, sizeof(*l->v));
	l->v[l->n++] = i;
	return CKR_OK;
}

static CK_RV
list_class(struct hsm_call *c, bool private, struct hsm_key_list *l,
    size_t *cap)
{
	auto_mem CK_OBJECT_HANDLE *o = NULL;
	CK_ULONG n = 0;
	CK_RV rv = key_halves(c, private ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY,
	    (struct bytes){ 0 }, &o, &n);

	for (CK_ULONG i = 0; rv == CKR_OK && i < n; i++)
		rv = list_one(c, o[i], private, l, cap);
	return rv;
}

static CK_RV
list_run(struct hsm_call *c, void *arg)
{
	struct hsm_key_list *l = arg;
	size_t cap = 0;
	CK_RV rv;

	hsm_key_list_free(l);
	rv = list_class(c, true, l, &cap);
	return rv == CKR_OK ? list_class(c, false, l, &cap) : rv;
}

/* By id, then label; the private half first. */
static int
info_cmp(const void *x, const void *y)
{
	const struct hsm_key_info *a = x, *b = y;
	int d =
	    bytes_cmp(bytes_of(a->id, a->id_len), bytes_of(b->id, b->id_len));

	if (d == 0)
		d = strcmp(a->label, b->label);
	return d != 0 ? d : (int)b->has_private - (int)a->has_private;
}

static bool
is_pair(const struct hsm_key_info *a, const struct hsm_key_info *b)
{
	bool same_id =
	    bytes_eq(bytes_of(a->id, a->id_len), bytes_of(b->id, b->id_len));

	if (!a->has_private || a->has_public || b->has_private ||
	    !b->has_public || a->type.alg != b->type.alg ||
	    a->type.bits != b->type.bits)
		return false;
	return same_id && (a->id_len > 0 || strcmp(a->label, b->label) == 0);
}

static void
list_merge(struct hsm_key_list *l)
{
	size_t out = 0;

	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), info_cmp);
	for (size_t i = 0; i < l->n; i++) {
		if (out > 0 && is_pair(&l->v[out - 1], &l->v[i])) {
			l->v[out - 1].has_public = true;
			l->v[out - 1].spki = l->v[i].spki;
			continue;
		}
		l->v[out++] = l->v[i];
	}
	l->n = out;
}

bool
hsm_keys(struct hsm_token *t, struct hsm_key_list *out, struct error *e)
{
	static const struct hsm_op op = { list_run, false };
	struct hsm_key_list l = { 0 };

	if (!hsm_run(t, &op, &l, e)) {
		hsm_key_list_free(&l);
		return false;
	}
	list_merge(&l);
	*out = l;
	return true;
}

void
hsm_key_list_free(struct hsm_key_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		mem_free(unconst(l->v[i].spki.p));
	mem_free(l->v);
	*l = (struct hsm_key_list){ 0 };
}

/* ---- opening ----------------------------------------------------------- */

struct open_op {
	struct bytes id, label; /* what is looked for                         */
	CK_ULONG found;
	struct hsm_key *k;
};

static const struct {
	CK_MECHANISM_TYPE mech;
	size_t flag; /* offset of the bool in struct hsm_key                  */
} abilities[] = {
	{ CKM_RSA_PKCS, offsetof(struct hsm_key, can_pkcs1) },
	{ CKM_RSA_PKCS_PSS, offsetof(struct hsm_key, can_pss) },
	{ CKM_ECDSA, offsetof(struct hsm_key, can_ecdsa) },
	{ CKM_EDDSA, offsetof(struct hsm_key, can_eddsa) },
};

static CK_RV
learn_mechanisms(struct hsm_call *c, struct hsm_key *k)
{
	for (size_t i = 0; i < countof(abilities); i++) {
		CK_MECHANISM_INFO info = { 0 };
		CK_RV rv = CK_CALL(c, C_GetMechanismInfo, c->t->slot,
		    abilities[i].mech, &info);
		bool can = rv == CKR_OK && (info.flags & CKF_SIGN) != 0;

		if (rv != CKR_OK && rv != CKR_MECHANISM_INVALID)
			return rv;
		memcpy((char *)k + abilities[i].flag, &can, sizeof(can));
	}
	return CKR_OK;
}

static CK_RV
learn_public(struct hsm_call *c, struct hsm_key *k)
{
	struct template t = { 0 };
	auto_mem CK_OBJECT_HANDLE *o = NULL;
	CK_ULONG n = 0;
	CK_RV rv;

	template_find(&t, &class_public, bytes_of(k->info.id, k->info.id_len),
	    k->info.id_len == 0 ? bytes_str(k->info.label)
				: (struct bytes){ 0 });
	rv = objects_find(c, &t, &o, &n);
	if (rv != CKR_OK)
		return rv;
	if (n > 1)
		return hsm_own_error(c, FAIL_EXISTS,
		    "key '%s': %lu public keys have its CKA_ID", k->info.label,
		    n);
	k->info.has_public = n == 1;
	return n == 1 ? public_spki(c, o[0], k->info.type, &k->spki) : CKR_OK;
}

static CK_RV
open_object(struct hsm_call *c, struct hsm_key *k, CK_OBJECT_HANDLE o)
{
	bool known = false;
	CK_RV rv;

	k->info = (struct hsm_key_info){ .has_private = true };
	buf_reset(&k->spki);
	rv = object_names(c, o, &k->info);
	if (rv == CKR_OK)
		rv = key_object_type(c, o, &known, &k->info.type);
	if (rv == CKR_OK && !known)
		return hsm_own_error(c, FAIL_UNSUPPORTED,
		    "key '%s': not RSA, P-256, P-384 or Ed25519",
		    k->info.label);
	if (rv == CKR_OK)
		rv = learn_public(c, k);
	if (rv == CKR_OK)
		rv = learn_mechanisms(c, k);
	if (rv != CKR_OK)
		return rv;
	atomic_store(&k->handle, o);
	atomic_store(&k->generation, c->generation);
	return CKR_OK;
}

static CK_RV
open_run(struct hsm_call *c, void *arg)
{
	struct open_op *q = arg;
	struct template t = { 0 };
	auto_mem CK_OBJECT_HANDLE *o = NULL;
	CK_RV rv;

	template_find(&t, &class_private, q->id, q->label);
	rv = objects_find(c, &t, &o, &q->found);
	if (rv != CKR_OK || q->found != 1)
		return rv;
	return open_object(c, q->k, o[0]);
}

/* "there are: 'root' (id 0a1b), …" */
static void
describe_keys(struct hsm_token *t, struct buf *b)
{
	struct hsm_key_list l = { 0 };
	struct error ignored;

	if (!hsm_keys(t, &l, &ignored)) {
		buf_add_str(b, "unknown");
		return;
	}
	for (size_t i = 0; i < l.n && b->n < 256; i++) {
		const struct hsm_key_info *k = &l.v[i];

		buf_add_str(b, i > 0 ? ", '" : "'");
		buf_add_escaped(b, bytes_str(k->label));
		buf_add_str(b, "' (id ");
		buf_add_hex(b, bytes_of(k->id, k->id_len));
		buf_add_str(b, k->has_private ? ")" : ", public only)");
	}
	if (l.n == 0)
		buf_add_str(b, "no keys");
	hsm_key_list_free(&l);
}

static bool
check_found(struct hsm_token *t, const char *uri, CK_ULONG found,
    struct error *e)
{
	auto_buf struct buf there = { 0 };

	if (found == 1)
		return true;
	if (found > 1)
		return error_set(e, FAIL_EXISTS,
		    "%s names %lu private keys on token '%s'", uri, found,
		    t->info.label);
	describe_keys(t, &there);
	return error_set(e, FAIL_NOT_FOUND,
	    "no private key matches %s on token '%s'; there are: %s", uri,
	    t->info.label, buf_cstr(&there));
}

/* The URI's words on the token; the exact fields of our own token. */
static bool
check_token_named(struct hsm_token *t, P11KitUri *uri, struct error *e)
{
	const CK_TOKEN_INFO *want = p11_kit_uri_get_token_info(uri);
	struct hsm_token_info w = { 0 };

	token_info_from(want, &w);
	if ((w.label[0] != '\0' && strcmp(w.label, t->info.label) != 0) ||
	    (w.serial[0] != '\0' && strcmp(w.serial, t->info.serial) != 0) ||
	    (w.model[0] != '\0' && strcmp(w.model, t->info.model) != 0) ||
	    (w.manufacturer[0] != '\0' &&
		strcmp(w.manufacturer, t->info.manufacturer) != 0))
		return error_set(e, FAIL_NOT_FOUND,
		    "the key's URI names another token than '%s' (serial %s)",
		    t->info.label, t->info.serial);
	return true;
}

static bool
settle_public(struct hsm_key *k, struct bytes given, struct error *e)
{
	struct key_type type;

	if (k->spki.n > 0 && given.n > 0 &&
	    !bytes_eq(buf_bytes(&k->spki), given))
		return error_set(e, FAIL_HSM_KEY,
		    "key '%s': the token's public key is not the expected one",
		    k->info.label);
	if (k->spki.n == 0)
		buf_add_bytes(&k->spki, given);
	if (k->spki.n == 0)
		return error_set(e, FAIL_HSM_KEY,
		    "key '%s' has no public half on the token and none was "
		    "given",
		    k->info.label);
	k->public = spki_decode(buf_bytes(&k->spki), &type, e);
	if (k->public == NULL)
		return error_context(e, "key '%s'", k->info.label);
	if (type.alg != k->info.type.alg || type.bits != k->info.type.bits)
		return error_set(e, FAIL_HSM_KEY,
		    "key '%s': private and public half differ in kind (%s)",
		    k->info.label, key_type_name(type));
	k->info.spki = buf_bytes(&k->spki);
	return true;
}

struct hsm_key *
hsm_key_open(struct hsm_token *t, const char *uri, struct bytes spki,
    struct error *e)
{
	static const struct hsm_op op = { open_run, false };
	auto_p11_uri P11KitUri *u = uri_parse(uri, URI_KEY, e);
	auto_hsm_key struct hsm_key *k = NULL;
	struct open_op q = { 0 };

	if (u == NULL || !check_token_named(t, u, e))
		return NULL;
	k = mem_calloc(1, sizeof(*k));
	verify_pool_init(&k->verify);
	k->t = t;
	q = (struct open_op){ uri_attr(u, CKA_ID), uri_attr(u, CKA_LABEL), 0,
		k };
	if (!hsm_run(t, &op, &q, e) || !check_found(t, uri, q.found, e) ||
	    !settle_public(k, spki, e))
		return NULL;
	k->uri = uri_key(t->info.label, t->info.serial,
	    bytes_str(k->info.label), bytes_of(k->info.id, k->info.id_len));
	return take(k);
}

void
hsm_key_close(struct hsm_key *k)
{
	if (k == NULL)
		return;
	verify_pool_free(&k->verify);
	EVP_PKEY_free(k->public);
	buf_free(&k->spki);
	mem_free(k->uri);
	mem_free(k);
}

const struct hsm_key_info *
hsm_key_get_info(const struct hsm_key *k)
{
	return &k->info;
}

const char *
hsm_key_uri(const struct hsm_key *k)
{
	return k->uri;
}

/* ---- handles ----------------------------------------------------------- */

CK_RV
key_handle(struct hsm_call *c, struct hsm_key *k, CK_OBJECT_HANDLE *out)
{
	struct template t = { 0 };
	auto_mem CK_OBJECT_HANDLE *o = NULL;
	CK_ULONG n = 0;
	CK_RV rv;

	if (atomic_load(&k->generation) == c->generation) {
		*out = atomic_load(&k->handle);
		return CKR_OK;
	}
	template_find(&t, &class_private, bytes_of(k->info.id, k->info.id_len),
	    bytes_str(k->info.label));
	rv = objects_find(c, &t, &o, &n);
	if (rv != CKR_OK)
		return rv;
	if (n != 1)
		return hsm_own_error(c, FAIL_HSM_KEY,
		    "key '%s': %s on the token", k->info.label,
		    n == 0 ? "no longer" : "no longer alone");
	atomic_store(&k->handle, o[0]);
	atomic_store(&k->generation, c->generation);
	*out = o[0];
	return CKR_OK;
}
