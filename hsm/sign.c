/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* ---- mechanisms -------------------------------------------------------- */

/* RFC 8017 9.2, note 1: DigestInfo up to the hash. */
static const uint8_t prefix_sha256[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09,
	0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
	0x20 };
static const uint8_t prefix_sha384[] = { 0x30, 0x41, 0x30, 0x0d, 0x06, 0x09,
	0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04,
	0x30 };
static const uint8_t prefix_sha512[] = { 0x30, 0x51, 0x30, 0x0d, 0x06, 0x09,
	0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04,
	0x40 };
#define PREFIX_LEN sizeof(prefix_sha256)

static const struct {
	const uint8_t *digest_info;
	CK_MECHANISM_TYPE hash;
	CK_RSA_PKCS_MGF_TYPE mgf;
} hashes[] = {
	[DIGEST_SHA256] = { prefix_sha256, CKM_SHA256, CKG_MGF1_SHA256 },
	[DIGEST_SHA384] = { prefix_sha384, CKM_SHA384, CKG_MGF1_SHA384 },
	[DIGEST_SHA512] = { prefix_sha512, CKM_SHA512, CKG_MGF1_SHA512 },
};

struct sign_op {
	struct hsm_key *k;
	CK_MECHANISM mech;
	CK_RSA_PKCS_PSS_PARAMS pss;
	uint8_t info[PREFIX_LEN + DIGEST_MAX];
	struct bytes in;
	/* Large enough for any: a "too small" would leave the operation
	 * active, and asking for the length is a third call. */
	uint8_t out[LIMIT_SIG_BYTES];
	CK_ULONG out_len;
	unsigned attempts;
};

static void
prepare_rsa(struct sign_op *s, const struct sig_alg_info *a)
{
	if (a->pss) {
		s->pss = (CK_RSA_PKCS_PSS_PARAMS){ hashes[a->digest].hash,
			hashes[a->digest].mgf, digest_len(a->digest) };
		s->mech =
		    (CK_MECHANISM){ CKM_RSA_PKCS_PSS, &s->pss, sizeof(s->pss) };
		return;
	}
	memcpy(s->info, hashes[a->digest].digest_info, PREFIX_LEN);
	memcpy(s->info + PREFIX_LEN, s->in.p, s->in.n);
	s->in = bytes_of(s->info, PREFIX_LEN + s->in.n);
	s->mech.mechanism = CKM_RSA_PKCS;
}

static void
prepare(struct sign_op *s, const struct sig_alg_info *a)
{
	if (a->rsa)
		prepare_rsa(s, a);
	else
		s->mech.mechanism = a->ec ? CKM_ECDSA : CKM_EDDSA;
}

bool
hsm_key_can(const struct hsm_key *k, enum sig_alg alg)
{
	const struct sig_alg_info *a = sig_alg_info(alg);

	if (!sig_alg_fits(alg, k->info.type))
		return false;
	if (a->rsa)
		return a->pss ? k->can_pss : k->can_pkcs1;
	return a->ec ? k->can_ecdsa : k->can_eddsa;
}

/* ---- the call ---------------------------------------------------------- */

static CK_RV
sign_run(struct hsm_call *c, void *arg)
{
	struct sign_op *s = arg;
	CK_OBJECT_HANDLE h;
	CK_RV rv = key_handle(c, s->k, &h);

	if (rv != CKR_OK)
		return rv;
	rv = CK_CALL(c, C_SignInit, c->s, &s->mech, h);
	if (rv != CKR_OK)
		return rv;
	s->attempts++;
	s->out_len = sizeof(s->out);
	rv = CK_CALL(c, C_Sign, c->s, unconst(s->in.p), s->in.n, s->out,
	    &s->out_len);
	if (rv == CKR_OK && s->out_len > sizeof(s->out))
		return hsm_own_error(c, FAIL_HSM,
		    "C_Sign claims a signature of %lu bytes", s->out_len);
	return rv;
}

/* ---- the result -------------------------------------------------------- */

static void
add_integer(struct buf *out, const uint8_t *p, size_t n)
{
	while (n > 1 && p[0] == 0) {
		p++;
		n--;
	}
	buf_add_byte(out, 0x02);
	buf_add_byte(out, (uint8_t)(n + (p[0] >> 7)));
	if ((p[0] & 0x80) != 0)
		buf_add_byte(out, 0);
	buf_add(out, p, n);
}

/* 2.40 2.3.1 gives r || s, X.509 wants Ecdsa-Sig-Value (RFC 3279 2.2.3). */
static bool
ecdsa_der(struct bytes raw, struct buf *out, struct error *e)
{
	auto_buf struct buf ints = { 0 };
	size_t half = raw.n / 2;

	if (raw.n == 0 || raw.n % 2 != 0 || half > 66)
		return error_set(e, FAIL_CRYPTO,
		    "C_Sign: ECDSA signature of %zu bytes", raw.n);
	add_integer(&ints, raw.p, half);
	add_integer(&ints, raw.p + half, half);
	buf_add_byte(out, 0x30);
	/* P-521 needs the long form. */
	if (ints.n >= 0x80)
		buf_add_byte(out, 0x81);
	buf_add_byte(out, (uint8_t)ints.n);
	buf_add_bytes(out, buf_bytes(&ints));
	return true;
}

static bool
check_request(const struct hsm_key *k, enum sig_alg alg, struct bytes in,
    struct error *e)
{
	const struct sig_alg_info *a = sig_alg_info(alg);

	if (!hsm_key_can(k, alg))
		return error_set(e, FAIL_UNSUPPORTED,
		    "key '%s' (%s) makes no %s signatures on this token",
		    k->info.label, key_type_name(k->info.type), a->name);
	/* SoftHSM would truncate and sign anything. */
	if (a->prehash && in.n != digest_len(a->digest))
		return error_set(e, FAIL_BAD_INPUT,
		    "%s: digest of %zu bytes, not %zu", a->name, in.n,
		    digest_len(a->digest));
	return true;
}

/* A device that is there and logged in, but whose key gives errors for ever. */
static bool
sign_failed(const struct hsm_key *k, struct error *e)
{
	if (e->why == FAIL_HSM)
		e->why = FAIL_HSM_KEY;
	return error_context(e, "key '%s'", k->info.label);
}

bool
hsm_sign(struct hsm_key *k, enum sig_alg alg, struct bytes in, struct buf *sig,
    unsigned *attempts, struct error *e)
{
	static const struct hsm_op op = { sign_run, false };
	const struct sig_alg_info *a = sig_alg_info(alg);
	auto_buf struct buf der = { 0 };
	struct bytes out;
	struct sign_op s;
	bool ok;

	*attempts = 0;
	if (!check_request(k, alg, in, e))
		return false;
	s.k = k;
	s.in = in;
	s.mech = (CK_MECHANISM){ 0 };
	s.attempts = 0;
	prepare(&s, a);
	ok = hsm_run(k->t, &op, &s, e);
	*attempts = s.attempts;
	if (!ok)
		return sign_failed(k, e);
	out = bytes_of(s.out, s.out_len);
	if (a->ec) {
		if (!ecdsa_der(out, &der, e))
			return sign_failed(k, e);
		out = buf_bytes(&der);
	}
	if (!signature_verify(k, alg, in, out, e))
		return sign_failed(k, e);
	buf_add_bytes(sig, out);
	return true;
}
