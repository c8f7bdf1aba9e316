/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 5280 4.1.2, field by field. */
#include <chancery/pki/cert.h>

#include <chancery/base/limits.h>
#include <chancery/pki/name.h>

#include "internal.h"

static bool
bad(const char *field, struct error *e)
{
	return error_set(e, FAIL_BAD_INPUT, "certificate: malformed %s", field);
}

/* DEFAULT v1 is not written out (X.690 11.5). */
static bool
parse_version(struct der_reader *r, unsigned *version, struct error *e)
{
	struct der_reader in;
	uint64_t v;

	*version = 1;
	if (der_r_peek(r) != DER_CONTEXT_CONSTRUCTED(0))
		return true;
	der_r_init(&in, der_r_get(r, DER_CONTEXT_CONSTRUCTED(0)));
	v = der_r_uint(&in);
	if (!der_r_done(&in) || v < 1 || v > 2)
		return bad("version", e);
	*version = (unsigned)v + 1;
	return true;
}

static bool
parse_validity(struct der_reader *r, struct tbs_view *out, struct error *e)
{
	struct der_reader in;

	der_r_init(&in, der_r_get(r, DER_SEQUENCE));
	out->not_before_s = der_r_time(&in);
	out->not_after_s = der_r_time(&in);
	return der_r_done(&in) || bad("validity", e);
}

static bool
parse_name(struct der_reader *r, const char *field, struct bytes *out,
    struct error *e)
{
	uint8_t tag = 0;

	*out = der_r_any(r, &tag);
	if (r->failed || tag != DER_SEQUENCE)
		return bad(field, e);
	return name_check(*out, e) ||
	    error_context(e, "certificate: %s", field);
}

/* A key that we do not know is the caller's business: key_ok. */
static bool
parse_key(struct der_reader *r, struct tbs_view *out, struct error *e)
{
	struct error ignored;
	uint8_t tag = 0;

	out->spki_der = der_r_any(r, &tag);
	if (r->failed || tag != DER_SEQUENCE)
		return bad("subjectPublicKeyInfo", e);
	out->key_ok = spki_parse(out->spki_der, &out->key, &ignored);
	return true;
}

static void
skip_unique_ids(struct der_reader *r, struct tbs_view *out)
{
	for (unsigned n = 1; n <= 2; n++) {
		if (der_r_peek(r) != (int)DER_CONTEXT(n))
			continue;
		(void)der_r_get(r, (uint8_t)DER_CONTEXT(n));
		out->has_unique_id = true;
	}
}

/* The two that say what the certificate may do are read at once. */
static bool
read_constraints(struct tbs_view *out, struct error *e)
{
	const struct ext *bc = exts_find(&out->exts, EXT_BASIC_CONSTRAINTS);
	const struct ext *ku = exts_find(&out->exts, EXT_KEY_USAGE);

	if (bc != NULL &&
	    !ext_basic_constraints(bc, &out->is_ca, &out->path_len, e))
		return error_context(e, "certificate");
	if (ku != NULL && !ext_key_usage(ku, &out->key_usage, e))
		return error_context(e, "certificate");
	return true;
}

static bool
parse_extensions(struct der_reader *r, struct tbs_view *out, struct error *e)
{
	struct bytes list;

	if (der_r_peek(r) < 0)
		return true;
	/* RFC 5280 4.1.2.9: only in version 3. */
	if (out->version != 3)
		return bad("version: extensions or unique ids need more", e);
	list = der_r_get(r, DER_CONTEXT_CONSTRUCTED(3));
	if (r->failed)
		return bad("extensions", e);
	if (!exts_parse(list, &out->exts, e))
		return error_context(e, "certificate");
	return read_constraints(out, e);
}

static bool
parse_fields(struct der_reader *r, struct tbs_view *out, struct error *e)
{
	uint8_t tag = 0;

	if (!parse_version(r, &out->version, e))
		return false;
	out->serial = der_r_integer(r);
	if (r->failed)
		return bad("serialNumber", e);
	out->sig_alg_der = der_r_any(r, &tag);
	if (r->failed || tag != DER_SEQUENCE)
		return bad("signature", e);
	out->alg_known = sig_alg_by_der(out->sig_alg_der, &out->alg);
	if (!parse_name(r, "issuer", &out->issuer, e) ||
	    !parse_validity(r, out, e) ||
	    !parse_name(r, "subject", &out->subject, e) ||
	    !parse_key(r, out, e))
		return false;
	if (out->version > 1)
		skip_unique_ids(r, out);
	if (!parse_extensions(r, out, e))
		return false;
	return der_r_done(r) || bad("end: bytes after the last field", e);
}

bool
tbs_parse(struct bytes der, struct tbs_view *out, struct error *e)
{
	struct tbs_view v;
	struct der_reader r;

	if (der.n > LIMIT_TBS_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "certificate: TBSCertificate of %zu bytes, limit %d", der.n,
		    LIMIT_TBS_BYTES);
	if (!der_unwrap(der, DER_SEQUENCE, &r))
		return bad("TBSCertificate: not one SEQUENCE", e);
	/* Not the whole struct: most of it is the extension array. */
	memset(&v, 0, offsetof(struct tbs_view, exts));
	v.exts.n = 0;
	v.is_ca = v.has_unique_id = false;
	v.path_len = -1;
	v.key_usage = 0;
	v.der = der;
	if (!parse_fields(&r, &v, e))
		return false;
	*out = v;
	return true;
}
