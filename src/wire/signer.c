/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>
#include <chancery/wire/signer.h>

enum kind {
	KIND_U32,
	KIND_U64, /* and int64_t */
	KIND_BOOL,
	KIND_HASH,
	KIND_KEY_ID, /* 20 octets */
	KIND_BYTES,
	KIND_TEXT,
	KIND_MESSAGE /* a text for people: mended, not refused */
};
struct field {
	const char *name;
	enum kind kind;
	size_t offset, max;
};

#define Q(f) offsetof(struct wire_request, f)
#define A(f) offsetof(struct wire_answer, f)

/* In this order on the wire. The position of a row is its bit in `messages`. */
enum {
	Q_VERSION,
	Q_COUNT,
	Q_CERT,
	Q_PERIOD,
	Q_INVALIDITY,
	Q_ALG,
	Q_BITS,
	Q_REASON,
	Q_KIND,
	Q_FLAG,
	Q_KEY,
	Q_KEY_ID,
	Q_DATA,
	Q_ISSUER,
	Q_ID,
	Q_WHO,
	Q_WHY,
	Q_PROFILE,
	Q_SCOPE,
	Q_URL,
	Q_TOKEN,
	Q_LABEL,
	Q_WHAT,
	Q_VKEY,
	Q_BUNDLE, /* data, with room for a whole bundle */
	Q_SECRET  /* data; the last one, see WIRE_SECRET_IN */
};
static const struct field request_fields[] = {
	[Q_VERSION] = { "version", KIND_U64, Q(version), 0 },
	[Q_COUNT] = { "count", KIND_U64, Q(count), 0 },
	[Q_CERT] = { "cert", KIND_U64, Q(cert), 0 },
	[Q_PERIOD] = { "period", KIND_U64, Q(period_s), 0 },
	[Q_INVALIDITY] = { "invalidity", KIND_U64, Q(invalidity_s), 0 },
	[Q_ALG] = { "alg", KIND_U32, Q(alg), 0 },
	[Q_BITS] = { "bits", KIND_U32, Q(bits), 0 },
	[Q_REASON] = { "reason", KIND_U32, Q(reason), 0 },
	[Q_KIND] = { "kind", KIND_U32, Q(kind), 0 },
	[Q_FLAG] = { "flag", KIND_BOOL, Q(flag), 0 },
	[Q_KEY] = { "key", KIND_HASH, Q(key), 0 },
	[Q_KEY_ID] = { "key_id", KIND_KEY_ID, Q(key_id), 0 },
	[Q_DATA] = { "data", KIND_BYTES, Q(data), LIMIT_PRIVATE_BYTES },
	[Q_ISSUER] = { "issuer", KIND_BYTES, Q(issuer), LIMIT_TBS_BYTES },
	[Q_ID] = { "id", KIND_BYTES, Q(id), 32 },
	[Q_WHO] = { "who", KIND_TEXT, Q(who), LIMIT_WHO_BYTES },
	[Q_WHY] = { "why", KIND_TEXT, Q(why), LIMIT_WHY_BYTES },
	[Q_PROFILE] = { "profile", KIND_TEXT, Q(profile), LIMIT_WHO_BYTES },
	[Q_SCOPE] = { "scope", KIND_TEXT, Q(scope), 64 },
	[Q_URL] = { "url", KIND_TEXT, Q(url), LIMIT_CRL_URLS_BYTES },
	[Q_TOKEN] = { "token", KIND_TEXT, Q(token), LIMIT_WHO_BYTES },
	[Q_LABEL] = { "label", KIND_TEXT, Q(label), 127 },
	[Q_WHAT] = { "what", KIND_TEXT, Q(what), LIMIT_WHO_BYTES },
	[Q_VKEY] = { "vkey", KIND_TEXT, Q(vkey), LIMIT_WHY_BYTES },
	[Q_BUNDLE] = { "bundle", KIND_BYTES, Q(data), LIMIT_BUNDLE_BYTES },
	[Q_SECRET] = { "private key", KIND_BYTES, Q(data),
	    LIMIT_PRIVATE_KEY_BYTES },
};

enum {
	A_VERSION,
	A_COUNT,
	A_SIZE,
	A_INTENT,
	A_INDEX,
	A_CRL,
	A_ENTRIES,
	A_BYTES,
	A_TIME,
	A_OUTCOME,
	A_KEY,
	A_SIG,
	A_SPKI,
	A_TEXT,
	A_ORIGIN,
	A_VKEY,
	A_LABEL,
	A_TOKEN,
	A_PATH,
	A_IMPORTED
};
static const struct field answer_fields[] = {
	[A_VERSION] = { "version", KIND_U64, A(version), 0 },
	[A_COUNT] = { "count", KIND_U64, A(count), 0 },
	[A_SIZE] = { "size", KIND_U64, A(size), 0 },
	[A_INTENT] = { "intent", KIND_U64, A(intent), 0 },
	[A_INDEX] = { "index", KIND_U64, A(index), 0 },
	[A_CRL] = { "crl", KIND_U64, A(crl_number), 0 },
	[A_ENTRIES] = { "entries", KIND_U64, A(entries), 0 },
	[A_BYTES] = { "bytes", KIND_U64, A(bytes), 0 },
	[A_TIME] = { "t", KIND_U64, A(t_s), 0 },
	[A_OUTCOME] = { "outcome", KIND_U32, A(outcome), 0 },
	[A_KEY] = { "key", KIND_HASH, A(key), 0 },
	[A_SIG] = { "sig", KIND_BYTES, A(sig), LIMIT_ANSWER_BYTES },
	[A_SPKI] = { "spki", KIND_BYTES, A(spki), LIMIT_TBS_BYTES },
	[A_TEXT] = { "text", KIND_BYTES, A(text), LIMIT_PRIVATE_BYTES },
	[A_ORIGIN] = { "origin", KIND_TEXT, A(origin), LIMIT_WHY_BYTES },
	[A_VKEY] = { "vkey", KIND_TEXT, A(vkey), LIMIT_WHY_BYTES },
	[A_LABEL] = { "label", KIND_TEXT, A(label), 127 },
	[A_TOKEN] = { "token", KIND_TEXT, A(token), LIMIT_WHO_BYTES },
	[A_PATH] = { "path", KIND_TEXT, A(path), 4096 },
	[A_IMPORTED] = { "imported", KIND_BOOL, A(imported), 0 },
};
/* In front of every answer, behind its reason. */
static const struct field failure_fields[] = {
	{ "msg", KIND_MESSAGE, A(msg), ERROR_MSG_SIZE },
	{ "rule", KIND_TEXT, A(rule), 64 },
	{ "field", KIND_MESSAGE, A(field), 64 },
};

#define B(x) (1u << (x))
#define CLAIM (B(Q_ID) | B(Q_WHO) | B(Q_WHY))
#define SIGNATURE (B(A_INTENT) | B(A_INDEX) | B(A_TIME) | B(A_SIG))
#define LIST (B(A_CRL) | B(A_ENTRIES) | B(A_BYTES) | B(A_PATH))

static const struct {
	const char *name;
	uint32_t request, answer;
} messages[WIRE__COUNT] = {
	[WIRE_HELLO] = { "HELLO", B(Q_VERSION),
	    B(A_VERSION) | B(A_SIZE) | B(A_ORIGIN) | B(A_VKEY) },
	[WIRE_SERIALS] = { "SERIALS", B(Q_COUNT), B(A_SIG) },
	[WIRE_KEYS] = { "KEYS", B(Q_COUNT),
	    B(A_COUNT) | B(A_OUTCOME) | B(A_KEY) | B(A_SPKI) | B(A_TEXT) |
		B(A_LABEL) | B(A_TOKEN) | B(A_IMPORTED) },
	[WIRE_KEY_GENERATE] = { "KEY_GENERATE",
	    B(Q_ALG) | B(Q_BITS) | B(Q_FLAG) | B(Q_PROFILE) | B(Q_TOKEN) |
		B(Q_LABEL) | B(Q_SECRET) | CLAIM,
	    B(A_KEY) | B(A_SPKI) },
	[WIRE_CERTIFY] = { "CERTIFY",
	    B(Q_KEY) | B(Q_DATA) | B(Q_PROFILE) | CLAIM, SIGNATURE },
	[WIRE_SIGN_CSR] = { "SIGN_CSR", B(Q_KEY) | B(Q_DATA) | CLAIM,
	    SIGNATURE },
	[WIRE_SIGN_OCSP] = { "SIGN_OCSP", B(Q_KEY) | B(Q_DATA) | CLAIM,
	    SIGNATURE },
	[WIRE_SIGN_CRL] = { "SIGN_CRL",
	    B(Q_KEY) | B(Q_DATA) | B(Q_ISSUER) | B(Q_KEY_ID) | B(Q_ALG) |
		B(Q_SCOPE) | B(Q_PERIOD) | B(Q_URL) | CLAIM,
	    SIGNATURE | LIST },
	[WIRE_REVOKE] = { "REVOKE",
	    B(Q_KEY) | B(Q_CERT) | B(Q_DATA) | B(Q_REASON) | B(Q_INVALIDITY) |
		CLAIM,
	    B(A_INDEX) | B(A_TIME) },
	[WIRE_SETTLE] = { "SETTLE", B(Q_ID), B(A_OUTCOME) | SIGNATURE | LIST },
	[WIRE_RECORD] = { "RECORD", B(Q_KIND) | B(Q_WHAT) | B(Q_DATA) | CLAIM,
	    B(A_INDEX) | B(A_TIME) },
	[WIRE_CHARTER] = { "CHARTER", B(Q_KEY) | B(Q_DATA) | CLAIM,
	    B(A_INDEX) | B(A_TIME) },
	[WIRE_PROOF] = { "PROOF", B(Q_COUNT), B(A_TEXT) },
	[WIRE_STATUS] = { "STATUS", 0, B(A_TEXT) },
	[WIRE_IMPORT] = { "IMPORT", B(Q_WHAT) | B(Q_VKEY) | B(Q_BUNDLE) | CLAIM,
	    B(A_INDEX) | B(A_TIME) | B(A_SIZE) | B(A_TEXT) },
};

const char *
wire_message_name(enum wire_message m)
{
	return m < WIRE__COUNT && messages[m].name != NULL ? messages[m].name
							   : "unknown";
}

/* ---- writing ----------------------------------------------------------- */

static bool
write_checked(const struct field *f, const void *in, struct buf *out)
{
	const char *const *text = in;
	const struct bytes *v = in;

	if (f->kind == KIND_BYTES) {
		if (v->n > f->max)
			return false;
		wire_bytes(out, *v);
		return true;
	}
	if (!wire_text_ok(*text, f->max))
		return false;
	wire_text(out, *text);
	return true;
}

static bool
write_field(const struct field *f, const void *base, struct buf *out,
    struct error *e)
{
	const void *in = (const char *)base + f->offset;
	uint64_t u64;
	uint32_t u32;

	switch (f->kind) {
	case KIND_U32:
		memcpy(&u32, in, sizeof(u32));
		wire_u32(out, u32);
		return true;
	case KIND_U64:
		memcpy(&u64, in, sizeof(u64));
		wire_u64(out, u64);
		return true;
	case KIND_BOOL:
		wire_u32(out, *(const bool *)in ? 1 : 0);
		return true;
	case KIND_HASH:
		buf_add(out, in, SHA256_LEN);
		return true;
	case KIND_KEY_ID:
		buf_add(out, in, 20);
		return true;
	case KIND_MESSAGE:
		wire_message(out, *(const char *const *)in, f->max);
		return true;
	case KIND_BYTES:
	case KIND_TEXT:
		return write_checked(f, in, out) ||
		    error_set(e, FAIL_BAD_INPUT,
			"%s: longer than %zu bytes, or not UTF-8", f->name,
			f->max);
	}
	return false;
}

static bool
write_fields(const struct field *f, size_t n, uint32_t which, const void *base,
    struct buf *out, struct error *e)
{
	for (size_t i = 0; i < n; i++)
		if ((which & B(i)) != 0 && !write_field(&f[i], base, out, e))
			return false;
	return true;
}

bool
wire_request_encode(enum wire_message m, const struct wire_request *in,
    struct buf *out, struct error *e)
{
	return write_fields(request_fields, countof(request_fields),
	    messages[m].request, in, out, e);
}

bool
wire_answer_encode(enum wire_message m, const struct wire_answer *in,
    struct buf *out, struct error *e)
{
	wire_u32(out, (uint32_t)in->why);
	return write_fields(failure_fields, countof(failure_fields), ~0u, in,
		   out, e) &&
	    write_fields(answer_fields, countof(answer_fields),
		messages[m].answer, in, out, e);
}

/* ---- reading ----------------------------------------------------------- */

static void
read_field(const struct field *f, struct wire_reader *r, void *base)
{
	void *to = (char *)base + f->offset;

	switch (f->kind) {
	case KIND_U32:
		*(uint32_t *)to = wire_get_u32(r);
		break;
	case KIND_U64:
		*(uint64_t *)to = wire_get_u64(r);
		break;
	case KIND_BOOL:
		*(bool *)to = wire_get_bool(r);
		break;
	case KIND_HASH:
		wire_get_fixed(r, to, SHA256_LEN);
		break;
	case KIND_KEY_ID:
		wire_get_fixed(r, to, 20);
		break;
	case KIND_BYTES:
		*(struct bytes *)to = wire_get_bytes(r, f->max);
		break;
	case KIND_TEXT:
	case KIND_MESSAGE:
		*(const char **)to = wire_get_text(r, f->max);
		break;
	}
}

static void
read_fields(const struct field *f, size_t n, uint32_t which,
    struct wire_reader *r, void *base)
{
	for (size_t i = 0; i < n; i++)
		if ((which & B(i)) != 0)
			read_field(&f[i], r, base);
}

static bool
known(unsigned m, struct error *e)
{
	return (m < WIRE__COUNT && messages[m].name != NULL) ||
	    error_set(e, FAIL_BAD_INPUT, "message of type %u: unknown", m);
}

static bool
complete(const struct wire_reader *r, unsigned m, const char *what,
    struct error *e)
{
	return wire_done(r) ||
	    error_set(e, FAIL_BAD_INPUT, "%s %s: malformed at octet %zu",
		messages[m].name, what, r->at);
}

bool
wire_request_decode(unsigned m, struct bytes body, struct wire_request *out,
    struct error *e)
{
	struct wire_request q = { 0 };
	struct wire_reader r;

	if (!known(m, e))
		return false;
	wire_read(&r, body);
	read_fields(request_fields, countof(request_fields),
	    messages[m].request, &r, &q);
	if (!complete(&r, m, "request", e))
		return false;
	*out = q;
	return true;
}

bool
wire_answer_decode(unsigned m, struct bytes body, struct wire_answer *out,
    struct error *e)
{
	struct wire_answer a = { 0 };
	struct wire_reader r;
	uint32_t why;

	if (!known(m, e))
		return false;
	wire_read(&r, body);
	why = wire_get_u32(&r);
	r.failed |= why >= FAIL__COUNT;
	read_fields(failure_fields, countof(failure_fields), ~0u, &r, &a);
	read_fields(answer_fields, countof(answer_fields), messages[m].answer,
	    &r, &a);
	if (!complete(&r, m, "answer", e))
		return false;
	a.why = (enum fail)why;
	*out = a;
	return true;
}
