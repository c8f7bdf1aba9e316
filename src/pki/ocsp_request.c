/* SPDX-License-Identifier: Apache-2.0 */
/* OCSPRequest (RFC 6960 4.1.1), whoever sent it. */
#include <chancery/base/crypto.h>
#include <chancery/pki/ocsp.h>

#include "internal.h"

/* ---- extensions (RFC 6960 4.4) ---- */

/* Contents of the OBJECT IDENTIFIERs: id-pkix-ocsp and its arcs. */
#define OCSP_ARC 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01
static const uint8_t id_nonce[] = { OCSP_ARC, 0x02 },
		     id_response[] = { OCSP_ARC, 0x04 },
		     id_locator[] = { OCSP_ARC, 0x07 },
		     id_algorithms[] = { OCSP_ARC, 0x08 };

/* What may be critical without being refused: there is one kind of response, one responder
 * and one algorithm, so these wishes change nothing. */
static bool
is_known(struct bytes oid)
{
	return bytes_eq(oid, bytes_of(id_nonce, sizeof(id_nonce))) ||
	    bytes_eq(oid, bytes_of(id_response, sizeof(id_response))) ||
	    bytes_eq(oid, bytes_of(id_locator, sizeof(id_locator))) ||
	    bytes_eq(oid, bytes_of(id_algorithms, sizeof(id_algorithms)));
}

static bool
bad(struct error *e, const char *field, const char *what)
{
	return error_set(e, FAIL_BAD_INPUT, "OCSPRequest: %s: %s", field, what);
}

static bool
read_nonce(struct bytes value, struct ocsp_request *out, struct error *e)
{
	struct der_reader in;

	der_r_init(&in, value);
	out->nonce = der_r_get(&in, DER_OCTET_STRING);
	return (der_r_done(&in) && out->nonce.n >= 1 &&
		   out->nonce.n <= LIMIT_OCSP_NONCE_BYTES) ||
	    bad(e, "nonce", "not an OCTET STRING of 1 to 128 octets");
}

#define EXTENSIONS_MAX 16

/* Extension ::= { extnID, critical DEFAULT FALSE, extnValue }; out NULL: of one
 * certificate, where a nonce has no place. */
static bool
read_extension(struct der_reader *list, struct bytes *oid,
    struct ocsp_request *out, struct error *e)
{
	struct der_reader in;
	struct bytes value;
	bool critical = false;

	der_r_init(&in, der_r_get(list, DER_SEQUENCE));
	*oid = der_r_get(&in, DER_OID);
	/* DER has no FALSE here. */
	if (der_r_peek(&in) == DER_BOOLEAN) {
		critical = der_r_bool(&in);
		in.failed |= !critical;
	}
	value = der_r_get(&in, DER_OCTET_STRING);
	if (!der_r_done(&in))
		return bad(e, "extensions", "malformed");
	if (critical && !is_known(*oid))
		return error_set(e, FAIL_UNSUPPORTED,
		    "OCSPRequest: extensions: one that is critical is not "
		    "known here");
	if (out == NULL ||
	    !bytes_eq(*oid, bytes_of(id_nonce, sizeof(id_nonce))))
		return true;
	return read_nonce(value, out, e);
}

static bool
read_extensions(struct bytes der, struct ocsp_request *out, struct error *e)
{
	struct bytes seen[EXTENSIONS_MAX];
	struct der_reader list;
	size_t n = 0;

	if (!der_unwrap(der, DER_SEQUENCE, &list) || der_r_peek(&list) < 0)
		return bad(e, "extensions", "malformed or empty");
	for (; der_r_peek(&list) >= 0; n++) {
		if (n == countof(seen))
			return bad(e, "extensions", "too many");
		if (!read_extension(&list, &seen[n], out, e))
			return false;
		for (size_t i = 0; i < n; i++)
			if (bytes_eq(seen[i], seen[n]))
				return bad(e, "extensions", "one stands twice");
	}
	return !list.failed || bad(e, "extensions", "malformed");
}

/* ---- certificates ---- */

static bool
hash_lengths_ok(const struct ocsp_cert_id *id)
{
	uint8_t any[DIGEST_MAX];
	size_t n;

	if (!id->hash_known)
		return true;
	n = ocsp_hash_of(id->hash, bytes_of(NULL, 0), any);
	return id->name_hash.n == n && id->key_hash.n == n;
}

static bool
read_id(struct bytes der, struct ocsp_cert_id *out, struct error *e)
{
	struct der_reader in, alg;
	struct bytes oid;

	*out = (struct ocsp_cert_id){ .der = der };
	if (der.n > LIMIT_OCSP_ID_BYTES || !der_unwrap(der, DER_SEQUENCE, &in))
		return bad(e, "reqCert", "malformed or too long");
	der_r_init(&alg, der_r_get(&in, DER_SEQUENCE));
	oid = der_r_get(&alg, DER_OID);
	if (der_r_peek(&alg) == DER_NULL)
		(void)der_r_get(&alg, DER_NULL);
	out->hash_known = ocsp_hash_by_oid(oid, &out->hash);
	out->name_hash = der_r_get(&in, DER_OCTET_STRING);
	out->key_hash = der_r_get(&in, DER_OCTET_STRING);
	out->serial = der_r_integer(&in);
	/* Parameters of an algorithm that nobody knows are its own. */
	if ((out->hash_known ? !der_r_done(&alg) : alg.failed) ||
	    !der_r_done(&in) || !hash_lengths_ok(out))
		return bad(e, "reqCert", "malformed");
	return true;
}

/* Request ::= { reqCert, singleRequestExtensions [0] EXPLICIT OPTIONAL } */
static bool
read_one(struct der_reader *list, struct ocsp_cert_id *out, struct error *e)
{
	struct der_reader in;
	struct bytes id;
	uint8_t tag;

	der_r_init(&in, der_r_get(list, DER_SEQUENCE));
	id = der_r_any(&in, &tag);
	if (in.failed || tag != DER_SEQUENCE)
		return bad(e, "requestList", "malformed");
	if (!read_id(id, out, e))
		return false;
	if (der_r_peek(&in) == DER_CONTEXT_CONSTRUCTED(0) &&
	    !read_extensions(der_r_get(&in, DER_CONTEXT_CONSTRUCTED(0)), NULL,
		e))
		return false;
	return der_r_done(&in) || bad(e, "requestList", "malformed");
}

static bool
read_list(struct bytes der, struct ocsp_request *out, struct error *e)
{
	struct der_reader list;

	der_r_init(&list, der);
	if (der_r_peek(&list) < 0)
		return bad(e, "requestList", "empty");
	for (; der_r_peek(&list) >= 0; out->n++) {
		if (out->n == countof(out->id))
			return bad(e, "requestList", "too long");
		if (!read_one(&list, &out->id[out->n], e))
			return false;
	}
	return !list.failed || bad(e, "requestList", "malformed");
}

/* ---- whole ---- */

/* Explicit though it is the default: some libraries write it. */
static bool
version_ok(struct der_reader *in)
{
	struct der_reader v;

	if (der_r_peek(in) != DER_CONTEXT_CONSTRUCTED(0))
		return true;
	der_r_init(&v, der_r_get(in, DER_CONTEXT_CONSTRUCTED(0)));
	return der_r_uint(&v) == 0 && der_r_done(&v);
}

/* TBSRequest ::= { version [0] DEFAULT v1, requestorName [1] OPTIONAL, requestList,
 * requestExtensions [2] OPTIONAL }, all EXPLICIT */
static bool
read_tbs(struct bytes der, struct ocsp_request *out, struct error *e)
{
	struct der_reader in;

	der_r_init(&in, der);
	if (!version_ok(&in))
		return bad(e, "version", "not 1");
	if (der_r_peek(&in) == DER_CONTEXT_CONSTRUCTED(1))
		(void)der_r_get(&in, DER_CONTEXT_CONSTRUCTED(1));
	if (der_r_peek(&in) != DER_SEQUENCE)
		return bad(e, "requestList", "malformed");
	if (!read_list(der_r_get(&in, DER_SEQUENCE), out, e))
		return false;
	if (der_r_peek(&in) == DER_CONTEXT_CONSTRUCTED(2) &&
	    !read_extensions(der_r_get(&in, DER_CONTEXT_CONSTRUCTED(2)), out,
		e))
		return false;
	return der_r_done(&in) || bad(e, "tbsRequest", "malformed");
}

/* Signature ::= { signatureAlgorithm, signature, certs [0] OPTIONAL } */
static bool
signature_ok(struct der_reader *in)
{
	struct der_reader s;

	if (!der_unwrap(der_r_get(in, DER_CONTEXT_CONSTRUCTED(0)), DER_SEQUENCE,
		&s))
		return false;
	(void)der_r_get(&s, DER_SEQUENCE);
	(void)der_r_bit_string(&s);
	if (der_r_peek(&s) == DER_CONTEXT_CONSTRUCTED(0))
		(void)der_r_get(&s, DER_CONTEXT_CONSTRUCTED(0));
	return der_r_done(&s);
}

bool
ocsp_request_hashes_known(const struct ocsp_request *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (!r->id[i].hash_known)
			return false;
	return true;
}

bool
ocsp_request_parse(struct bytes der, struct ocsp_request *out, struct error *e)
{
	struct ocsp_request r = { 0 };
	struct der_reader in;
	struct bytes tbs;

	if (der.n > LIMIT_OCSP_REQUEST_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "OCSPRequest: %zu octets, at most %d", der.n,
		    LIMIT_OCSP_REQUEST_BYTES);
	if (!der_check(der, e))
		return error_context(e, "OCSPRequest");
	if (!der_unwrap(der, DER_SEQUENCE, &in))
		return bad(e, "whole", "malformed");
	tbs = der_r_get(&in, DER_SEQUENCE);
	if (in.failed)
		return bad(e, "tbsRequest", "malformed");
	if (!read_tbs(tbs, &r, e))
		return false;
	r.is_signed = der_r_peek(&in) == DER_CONTEXT_CONSTRUCTED(0);
	if ((r.is_signed && !signature_ok(&in)) || !der_r_done(&in))
		return bad(e, "optionalSignature", "malformed");
	*out = r;
	return true;
}
