/* SPDX-License-Identifier: Apache-2.0 */
/* What the store says of a serial. Certificates that were not kept (no_store) have a row. */
#include "ocsp.h"

/* INTEGER contents → right-aligned; false: no certificate of ours has it. */
static bool
magnitude(struct bytes v, uint8_t out[LIMIT_SERIAL_BYTES])
{
	if (v.n == 0 || (v.p[0] & 0x80) != 0)
		return false;
	if (v.p[0] == 0)
		v = bytes_of(v.p + 1, v.n - 1);
	if (v.n == 0 || v.n > LIMIT_SERIAL_BYTES)
		return false;
	memset(out, 0, LIMIT_SERIAL_BYTES);
	memcpy(out + LIMIT_SERIAL_BYTES - v.n, v.p, v.n);
	return true;
}

static const struct ocsp_status_of never = { .status = OCSP_UNKNOWN,
	.never_issued = true };

bool
ocsp_status_get(struct store *s, const char *mount,
    const struct ocsp_issuer *issuer, const struct ocsp_cert_id *id,
    struct ocsp_status_of *out, struct error *e)
{
	auto_buf struct buf mem = { 0 };
	uint8_t serial[LIMIT_SERIAL_BYTES];
	struct store_cert row;

	*out = never;
	if (issuer == NULL) {
		out->never_issued = false;
		return true;
	}
	if (!magnitude(id->serial, serial))
		return true;
	if (!store_cert_get(s, mount, serial, &row, &mem, e))
		return e->why == FAIL_NOT_FOUND;
	if (memcmp(row.issuer_key.b, issuer->issuer->key.b, SHA256_LEN) != 0)
		return true;
	*out =
	    (struct ocsp_status_of){ .status = row.revoked_s != 0 ? OCSP_REVOKED
								  : OCSP_GOOD,
		    .revoked_s = row.revoked_s,
		    .reason = (enum crl_reason)row.reason };
	return true;
}
