/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* PKCS#10 requests (RFC 2986). */
#include <chancery/base/error.h>
#include <chancery/pki/ext.h>
#include <chancery/pki/spki.h>

struct csr {
	struct buf der;       /* owned; everything below borrows from it      */
	struct bytes info;    /* CertificationRequestInfo, whole              */
	struct bytes subject; /* DER Name, exactly as sent                    */
	struct spki key;
	enum sig_alg alg;
	struct bytes sig;
	struct exts exts; /* extensionRequest (RFC 2985 5.4.2), parsed    */
	bool has_challenge;
};

/* PEM ("CERTIFICATE REQUEST" or "NEW CERTIFICATE REQUEST"; text before and after
 * is ignored, a second block is refused) or DER; ≤ LIMIT_CSR_BYTES. Strict: DER
 * to any depth, no trailing bytes, version 0, name_check, spki_parse, known
 * signature algorithm; extensionRequest and challengePassword at most once, with
 * one value. Other attributes are passed over; the field may be missing, as
 * old encoders have it. `file` names the input in errors, then the field.
 * FAIL_BAD_INPUT malformed, FAIL_UNSUPPORTED algorithms we do not take,
 * FAIL_REFUSED keys out of bounds. Does not verify: csr_verify; nor look for
 * weak keys: spki_check_strong(&out->key). */
bool csr_parse(struct bytes in, const char *file, struct csr *out,
    struct error *e) must_check;
/* The same of a CertificationRequestInfo alone, as a request signed with `alg`; out->sig says
 * nothing. Errors name "request". */
bool csr_parse_info(struct bytes info, enum sig_alg alg, struct csr *out,
    struct error *e) must_check;
void csr_free(struct csr *c);
#define auto_csr auto_cleanup(csr_free)
/* Proof of possession, with a fresh context; reasons as spki_verify. */
bool csr_verify(const struct csr *c, struct error *e) must_check;
