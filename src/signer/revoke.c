/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/pki/cert.h>

#include "crl_text.h"
#include "internal.h"

/* URLs in the distribution points of one certificate. */
#define CERT_DPS_MAX 16

/* REVOKE: serial, notAfter and partition are read from the certificate itself. */

/* What is recorded must be writable into every later list: one entry that is not
 * would end them all. removeFromCRL belongs to delta lists (RFC 5280 5.3.1). */
static bool
reason_ok(enum crl_reason reason, struct error *e)
{
	if (crl_reason_valid((uint64_t)reason) && reason != CRL_REMOVE)
		return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "reason: %d is not one to revoke for", (int)reason);
}

static bool
times_ok(struct signer *s, const struct signer_revoke *req, struct error *e)
{
	int64_t now_ms;

	if (!reg_now(s->reg, &now_ms, e))
		return false;
	if (req->invalidity_s >= 0 && req->invalidity_s <= now_ms / 1000)
		return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "invalidity date: not between 1970 and now");
}

bool
signer_revoke(struct signer *s, const struct signer_revoke *req,
    signer_done_fn *done, void *arg, struct error *e)
{
	struct request *r;

	if (req->cert == UINT64_MAX && req->cert_der.n == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "neither a record index nor a certificate");
	if (req->cert_der.n > LIMIT_CERT_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "certificate: larger than %d bytes", LIMIT_CERT_BYTES);
	if (!times_ok(s, req, e) || !reason_ok(req->reason, e))
		return false;
	r = request_new(s, &request_revoke, &req->key, &req->claim, done, arg,
	    e);
	if (r == NULL)
		return false;
	r->cert = req->cert;
	buf_add_bytes(&r->data, req->cert_der);
	r->reason = req->reason;
	r->invalidity_s = req->invalidity_s;
	request_queue(s, r);
	return true;
}

/* Magnitude of an INTEGER's contents in 20 octets, right-aligned (RFC 5280
 * 4.1.2.2: positive, at most 20). */
bool
serial_magnitude(struct bytes v, uint8_t out[20], struct error *e)
{
	bool negative = v.n > 0 && (v.p[0] & 0x80) != 0;

	while (v.n > 0 && v.p[0] == 0)
		v = bytes_of(v.p + 1, v.n - 1);
	if (negative || v.n == 0 || v.n > 20 ||
	    (v.n == 20 && (v.p[0] & 0x80) != 0))
		return error_set(e, FAIL_UNSUPPORTED,
		    "serialNumber: not positive in at most 20 octets; no list "
		    "can carry it");
	memset(out, 0, 20);
	memcpy(out + 20 - v.n, v.p, v.n);
	return true;
}

int64_t
partition_of_url(struct bytes url)
{
	static const char mark[] = "partition-";
	const uint8_t *at = memmem(url.p, url.n, mark, sizeof(mark) - 1);
	const uint8_t *end = url.p + url.n;
	int64_t v = 0;

	if (at == NULL)
		return 0;
	for (at += sizeof(mark) - 1; at < end && *at >= '0' && *at <= '9'; at++)
		if ((v = v * 10 + (*at - '0')) > CRL_PARTITION_MAX)
			return -1;
	return v;
}

bool
partition_of_cert(const struct tbs_view *t, int64_t *out)
{
	const struct ext *dp = exts_find(&t->exts, EXT_CRL_DP);
	struct bytes uri[CERT_DPS_MAX];
	struct error ignored;
	size_t n, i;
	int64_t v;

	*out = 0;
	if (dp == NULL)
		return true;
	if (!ext_crl_dp(dp, uri, countof(uri), &n, &ignored) ||
	    n > countof(uri))
		return false;
	for (i = 0; i < n; i++) {
		v = partition_of_url(uri[i]);
		if (v < 0 || (v > 0 && *out > 0 && v != *out))
			return false;
		*out = v > 0 ? v : *out;
	}
	return true;
}

bool
revoke_append(struct signer *s, const struct signer_key *issuer,
    const struct tbs_view *tbs, uint64_t cert, struct bytes foreign,
    enum crl_reason reason, int64_t invalidity_s, const char *who,
    const char *why, struct revoked_at *at, struct error *e)
{
	struct revoked_entry old;
	uint8_t serial[20];
	int64_t now_ms, partition;
	struct record rec;
	uint64_t n;

	/* Others' certificates may say what they like: the full list has them. */
	if (!partition_of_cert(tbs, &partition))
		partition = 0;
	if (!serial_magnitude(tbs->serial, serial, e) ||
	    !reg_now(s->reg, &now_ms, e))
		return false;
	if (reg_state_revoked(reg_get_state(s->reg), &issuer->id, serial,
		&old)) {
		if (at != NULL)
			*at = (struct revoked_at){ old.index, old.date_s };
		return error_set(e, FAIL_EXISTS,
		    "already revoked by record %llu",
		    (unsigned long long)old.index);
	}
	record_init(&rec, REC_REVOKE);
	if (cert != UINT64_MAX)
		record_int(&rec, "cert", (int64_t)cert);
	record_time(&rec, "date", now_ms / 1000);
	record_bytes(&rec, "der", foreign);
	if (invalidity_s != 0)
		record_time(&rec, "invalidity", invalidity_s);
	record_hash(&rec, "key", &issuer->id);
	record_time(&rec, "not_after", tbs->not_after_s);
	record_int(&rec, "partition", partition);
	record_text(&rec, "reason", crl_reason_name(reason));
	record_bytes(&rec, "serial", tbs->serial);
	record_text(&rec, "who", who);
	record_text(&rec, "why", why);
	if (!reg_append(s->reg, &rec, (struct bytes){ 0 }, &n, e))
		return false;
	if (at != NULL)
		*at = (struct revoked_at){ n, now_ms / 1000 };
	return true;
}

/* SIGNED → its INTENT → the TBS. */
static bool
recorded_tbs(struct signer *s, const struct request *r, struct buf *line,
    struct buf *store, struct bytes *tbs, struct error *e)
{
	struct record rec;
	struct sha256 key;
	int64_t intent;

	if (!reg_read(s->reg, r->cert, line, &rec, store, e))
		return false;
	if (rec.type != REC_SIGNED)
		return error_set(e, FAIL_BAD_INPUT,
		    "record %llu is not a SIGNED", (unsigned long long)r->cert);
	intent = record_get_int(&rec, "intent");
	buf_reset(line);
	buf_reset(store);
	if (!reg_read(s->reg, (uint64_t)intent, line, &rec, store, e))
		return false;
	if (!record_get_hash(&rec, "key", &key) ||
	    memcmp(key.b, r->key->id.b, SHA256_LEN) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "record %llu was signed by another key",
		    (unsigned long long)r->cert);
	if (!record_has(&rec, "serial"))
		return error_set(e, FAIL_BAD_INPUT,
		    "record %llu is not a certificate",
		    (unsigned long long)r->cert);
	*tbs = record_get(&rec, "tbs");
	return true;
}

static bool
admit_recorded(struct signer *s, struct request *r, struct revoked_at *at,
    struct error *e)
{
	auto_buf struct buf line = { 0 };
	auto_buf struct buf store = { 0 };
	struct tbs_view t;
	struct bytes tbs = { 0 };

	return recorded_tbs(s, r, &line, &store, &tbs, e) &&
	    tbs_parse(tbs, &t, e) &&
	    revoke_append(s, r->key, &t, r->cert, (struct bytes){ 0 },
		r->reason, r->invalidity_s, r->who, r->why, at, e);
}

/* A certificate that another register (or none) made: it must verify. */
static bool
admit_foreign(struct signer *s, struct request *r, struct revoked_at *at,
    struct error *e)
{
	auto_cert struct cert c = { 0 };

	return cert_parse(buf_bytes(&r->data), "certificate", &c, e) &&
	    cert_verify_signature(&c, &r->key->spki, e) &&
	    revoke_append(s, r->key, &c.tbs, UINT64_MAX, buf_bytes(&c.der),
		r->reason, r->invalidity_s, r->who, r->why, at, e);
}

static bool
admit(struct signer *s, struct request *r, struct error *e)
{
	struct revoked_at at = { UINT64_MAX, 0 };
	bool ok;

	r->kind = "revoke";
	if (!r->key->spki_ok)
		return error_set(e, FAIL_UNSUPPORTED,
		    "key: its public key is of a kind we cannot check");
	ok = r->cert != UINT64_MAX ? admit_recorded(s, r, &at, e)
				   : admit_foreign(s, r, &at, e);
	r->record = at.index;
	r->record_s = at.date_s;
	return ok;
}

const struct request_type request_revoke = {
	.name = "revoke",
	.no_signature = true,
	.admit = admit,
};
