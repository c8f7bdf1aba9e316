/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>
#include <chancery/wire/jobs.h>

enum kind {
	KIND_U32,
	KIND_U64, /* and int64_t */
	KIND_BOOL,
	KIND_TEXT,
	KIND_TEXTS,
	KIND_BYTES,
	KIND_MESSAGE, /* a text for people: mended, not refused */
	KIND_SECRET   /* its length; port_send puts it behind the body */
};
struct field {
	const char *name;
	enum kind kind;
	size_t offset, max;
};

#define Q(f) offsetof(struct job_request, f)
#define A(f) offsetof(struct job_answer, f)

/* In this order on the wire. The position of a row is its bit in `jobs`; what is secret
 * comes last. */
enum {
	Q_SERVICE,
	Q_FORM,
	Q_NAME,
	Q_NUMBER,
	Q_ISSUER,
	Q_SECRET
};
static const struct field request_fields[] = {
	[Q_SERVICE] = { "service", KIND_U32, Q(service), 0 },
	[Q_FORM] = { "form", KIND_U32, Q(form), 0 },
	[Q_NAME] = { "name", KIND_TEXT, Q(name), LIMIT_OBJECT_NAME_BYTES },
	[Q_NUMBER] = { "number", KIND_U64, Q(number), 0 },
	[Q_ISSUER] = { "issuer", KIND_BYTES, Q(issuer), LIMIT_CERT_BYTES },
	[Q_SECRET] = { "secret", KIND_SECRET, Q(secret),
	    LIMIT_FOREIGN_TOKEN_BYTES },
};

enum {
	A_EXPIRES,
	A_TTL,
	A_USES,
	A_ACCESSOR,
	A_DISPLAY_NAME,
	A_NAMESPACE,
	A_POLICIES,
	A_CIDRS,
	A_NUMBER,
	A_THIS,
	A_NEXT,
	A_CHANGED
};
static const struct field answer_fields[] = {
	[A_EXPIRES] = { "expires", KIND_BOOL, A(expires), 0 },
	[A_TTL] = { "ttl", KIND_U64, A(ttl_s), 0 },
	[A_USES] = { "uses", KIND_U64, A(uses), 0 },
	[A_ACCESSOR] = { "accessor", KIND_TEXT, A(accessor), 39 },
	[A_DISPLAY_NAME] = { "display_name", KIND_TEXT, A(display_name), 255 },
	[A_NAMESPACE] = { "namespace", KIND_TEXT, A(name_space), 255 },
	[A_POLICIES] = { "policies", KIND_TEXTS, A(policies), 255 },
	[A_CIDRS] = { "cidrs", KIND_TEXTS, A(cidrs), 64 },
	[A_NUMBER] = { "number", KIND_U64, A(number), 0 },
	[A_THIS] = { "this", KIND_U64, A(this_s), 0 },
	[A_NEXT] = { "next", KIND_U64, A(next_s), 0 },
	[A_CHANGED] = { "changed", KIND_BOOL, A(changed), 0 },
};
/* In front of every answer, behind its reason. */
static const struct field message_field = { "msg", KIND_MESSAGE, A(msg),
	ERROR_MSG_SIZE };

#define B(x) (1u << (x))

static const struct {
	const char *name;
	uint32_t request, answer;
} jobs[JOB__COUNT] = {
	[JOB_VAULT_LOOKUP] = { "VAULT_LOOKUP", B(Q_SERVICE) | B(Q_SECRET),
	    B(A_EXPIRES) | B(A_TTL) | B(A_USES) | B(A_ACCESSOR) |
		B(A_DISPLAY_NAME) | B(A_NAMESPACE) | B(A_POLICIES) |
		B(A_CIDRS) },
	[JOB_PUBLISH] = { "PUBLISH",
	    B(Q_SERVICE) | B(Q_FORM) | B(Q_NAME) | B(Q_NUMBER) | B(Q_ISSUER),
	    B(A_NUMBER) | B(A_THIS) | B(A_NEXT) | B(A_CHANGED) },
};

static bool
known(unsigned j)
{
	return j < JOB__COUNT && jobs[j].name != NULL;
}

const char *
job_name(enum job j)
{
	return known(j) ? jobs[j].name : "unknown";
}

bool
job_has_file(enum job j, const struct job_request *q)
{
	return j == JOB_PUBLISH &&
	    (q->form == JOB_FORM_LIST || q->form == JOB_FORM_LIST_PEM);
}

/* ---- writing ----------------------------------------------------------- */

static bool
write_texts(const struct field *f, const struct job_texts *v, struct buf *out)
{
	wire_u32(out, (uint32_t)v->n);
	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i] == NULL || !wire_text_ok(v->v[i], f->max))
			return false;
		wire_text(out, v->v[i]);
	}
	return v->n <= JOB_TEXTS_MAX;
}

static bool
write_value(const struct field *f, const void *in, struct buf *out)
{
	const struct bytes *octets = in;
	const char *text;
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
	case KIND_TEXTS:
		return write_texts(f, in, out);
	case KIND_BYTES:
		wire_bytes(out, *octets);
		return octets->n <= f->max;
	case KIND_SECRET:
		wire_u32(out, (uint32_t)octets->n);
		return octets->n <= f->max;
	case KIND_MESSAGE:
	case KIND_TEXT:
		break;
	}
	memcpy(&text, in, sizeof(text));
	if (f->kind == KIND_MESSAGE)
		wire_message(out, text, f->max);
	else if (wire_text_ok(text, f->max))
		wire_text(out, text);
	else
		return false;
	return true;
}

static bool
write_fields(const struct field *f, size_t n, uint32_t which, const void *base,
    struct buf *out, struct error *e)
{
	for (size_t i = 0; i < n; i++)
		if ((which & B(i)) != 0 &&
		    !write_value(&f[i], (const char *)base + f[i].offset, out))
			return error_set(e, FAIL_BAD_INPUT,
			    "%s: too long, too many, or not UTF-8", f[i].name);
	return true;
}

bool
job_request_encode(enum job j, const struct job_request *in, struct buf *out,
    struct error *e)
{
	return write_fields(request_fields, countof(request_fields),
	    jobs[j].request, in, out, e);
}

/* What failed has no fields: they would be zeros. */
bool
job_answer_encode(enum job j, const struct job_answer *in, struct buf *out,
    struct error *e)
{
	wire_u32(out, (uint32_t)in->why);
	if (!write_fields(&message_field, 1, ~0u, in, out, e))
		return false;
	return in->why != FAIL_NONE ||
	    write_fields(answer_fields, countof(answer_fields), jobs[j].answer,
		in, out, e);
}

/* ---- reading ----------------------------------------------------------- */

static void
read_texts(const struct field *f, struct wire_reader *r, struct job_texts *out)
{
	uint32_t n = wire_get_u32(r);

	if (n > JOB_TEXTS_MAX)
		r->failed = true;
	for (out->n = 0; !r->failed && out->n < n; out->n++) {
		out->v[out->n] = wire_get_text(r, f->max);
		if (out->v[out->n] == NULL)
			r->failed = true;
	}
}

static void
read_value(const struct field *f, struct wire_reader *r, void *to)
{
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
	case KIND_TEXTS:
		read_texts(f, r, to);
		break;
	case KIND_BYTES:
	case KIND_SECRET:
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
			read_value(&f[i], r, (char *)base + f[i].offset);
}

static bool
complete(const struct wire_reader *r, unsigned j, const char *what,
    struct error *e)
{
	return wire_done(r) ||
	    error_set(e, FAIL_BAD_INPUT, "%s %s: malformed at octet %zu",
		jobs[j].name, what, r->at);
}

static bool
is_job(unsigned j, struct error *e)
{
	return known(j) ||
	    error_set(e, FAIL_BAD_INPUT, "job of type %u: unknown", j);
}

bool
job_request_decode(unsigned j, struct bytes body, struct job_request *out,
    struct error *e)
{
	struct job_request q = { 0 };
	struct wire_reader r;

	if (!is_job(j, e))
		return false;
	wire_read(&r, body);
	read_fields(request_fields, countof(request_fields), jobs[j].request,
	    &r, &q);
	if (!complete(&r, j, "request", e))
		return false;
	*out = q;
	return true;
}

bool
job_answer_decode(unsigned j, struct bytes body, struct job_answer *out,
    struct error *e)
{
	struct job_answer a = { 0 };
	struct wire_reader r;
	uint32_t why;

	if (!is_job(j, e))
		return false;
	wire_read(&r, body);
	why = wire_get_u32(&r);
	if (why >= FAIL__COUNT)
		r.failed = true;
	else
		a.why = (enum fail)why;
	read_fields(&message_field, 1, ~0u, &r, &a);
	if (!r.failed && a.why == FAIL_NONE)
		read_fields(answer_fields, countof(answer_fields),
		    jobs[j].answer, &r, &a);
	if (!complete(&r, j, "answer", e))
		return false;
	*out = a;
	return true;
}
