/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include <chancery/base/clock.h>
#include <chancery/base/json.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/register/record.h>

/* RFC 8785 3.2.2.3 and json.h: what a double holds exactly. */
#define INT_LIMIT (INT64_C(1) << 53)
/* 9999-12-31T23:59:59Z. */
#define TIME_MAX_S INT64_C(253402300799)

void
record_init(struct record *r, enum record_type type)
{
	assert((unsigned)type < REC_TYPE__COUNT);
	memset(r, 0, sizeof(*r));
	r->type = type;
}

static size_t
field_at(enum record_type type, const char *name)
{
	const struct record_field *f = record_spec(type)->field;

	for (size_t i = 0; i < RECORD_FIELDS_MAX && f[i].name != NULL; i++)
		if (strcmp(f[i].name, name) == 0)
			return i;
	return RECORD_FIELDS_MAX;
}

static struct field_value *
slot(struct record *r, const char *name, enum field_kind kind)
{
	size_t i = field_at(r->type, name);

	assert(i < RECORD_FIELDS_MAX);
	assert(record_spec(r->type)->field[i].kind == kind);
	return &r->value[i];
}

void
record_int(struct record *r, const char *field, int64_t v)
{
	*slot(r, field, FIELD_INT) = (struct field_value){ true, v, { 0 } };
}

void
record_bool(struct record *r, const char *field, bool v)
{
	*slot(r, field, FIELD_BOOL) = (struct field_value){ true, v, { 0 } };
}

void
record_time(struct record *r, const char *field, int64_t t_s)
{
	*slot(r, field, FIELD_TIME) = (struct field_value){ true, t_s, { 0 } };
}

static void
set_bytes(struct record *r, const char *field, enum field_kind kind,
    struct bytes v)
{
	struct field_value *s = slot(r, field, kind);
	size_t i = (size_t)(s - r->value);
	bool required = record_spec(r->type)->field[i].required;

	*s = (struct field_value){ v.n > 0 || (required && v.p != NULL), 0, v };
}

void
record_text(struct record *r, const char *field, const char *v)
{
	set_bytes(r, field, FIELD_TEXT,
	    v == NULL ? (struct bytes){ 0 } : bytes_str(v));
}

void
record_bytes(struct record *r, const char *field, struct bytes v)
{
	size_t i = field_at(r->type, field);

	assert(i < RECORD_FIELDS_MAX);
	set_bytes(r, field,
	    record_spec(r->type)->field[i].kind == FIELD_HEX ? FIELD_HEX
							     : FIELD_BASE64,
	    v);
}

void
record_hash(struct record *r, const char *field, const struct sha256 *v)
{
	set_bytes(r, field, FIELD_HASH, sha256_bytes(v));
}

void
record_json(struct record *r, const char *field, struct bytes v)
{
	set_bytes(r, field, FIELD_JSON, v);
}

static const struct field_value *
value(const struct record *r, const char *field)
{
	size_t i = field_at(r->type, field);

	assert(i < RECORD_FIELDS_MAX);
	return &r->value[i];
}

bool
record_has(const struct record *r, const char *field)
{
	return value(r, field)->present;
}

int64_t
record_get_int(const struct record *r, const char *field)
{
	return value(r, field)->i;
}

struct bytes
record_get(const struct record *r, const char *field)
{
	return value(r, field)->v;
}

bool
record_get_hash(const struct record *r, const char *field, struct sha256 *out)
{
	const struct field_value *v = value(r, field);

	if (!v->present || v->v.n != SHA256_LEN)
		return false;
	memcpy(out->b, v->v.p, SHA256_LEN);
	return true;
}

struct sha256
record_leaf(struct bytes line)
{
	static const uint8_t zero = 0x00;

	return sha256_cat(bytes_of(&zero, 1), line, (struct bytes){ 0 });
}

/* Canonical where it will stand: two objects deep in the line. */
static bool
json_fits(struct bytes v)
{
	struct json_reader r;

	json_read(&r, v);
	r.depth = 2;
	(void)json_get_value(&r);
	return !r.failed && r.at == v.n;
}

static bool
value_ok(enum field_kind kind, const struct field_value *v)
{
	switch (kind) {
	case FIELD_INT:
		return v->i >= -INT_LIMIT && v->i <= INT_LIMIT;
	case FIELD_BOOL:
		return v->i == 0 || v->i == 1;
	case FIELD_TIME:
		return v->i >= 0 && v->i <= TIME_MAX_S;
	case FIELD_TEXT:
		return utf8_valid(v->v);
	case FIELD_HASH:
		return v->v.n == SHA256_LEN;
	case FIELD_JSON:
		return json_fits(v->v);
	case FIELD_HEX:
	case FIELD_BASE64:
		return true;
	}
	return false;
}

static void
write_value(struct json_writer *w, enum field_kind kind,
    const struct field_value *v)
{
	char t[TIME_TEXT_SIZE];

	switch (kind) {
	case FIELD_INT:
		json_int(w, v->i);
		break;
	case FIELD_BOOL:
		json_bool(w, v->i != 0);
		break;
	case FIELD_TEXT:
		json_strn(w, v->v);
		break;
	case FIELD_HEX:
	case FIELD_HASH:
		json_hex(w, v->v);
		break;
	case FIELD_BASE64:
		json_base64(w, v->v);
		break;
	case FIELD_TIME:
		time_format_s(v->i, t);
		json_str(w, t);
		break;
	case FIELD_JSON:
		json_raw(w, v->v);
		break;
	}
}

static bool
write_body(const struct record *r, struct json_writer *w, struct error *e)
{
	const struct record_spec *s = record_spec(r->type);
	const struct record_field *f = s->field;

	json_key(w, "body");
	json_object_begin(w);
	for (size_t i = 0; i < RECORD_FIELDS_MAX && f[i].name != NULL; i++) {
		if (!r->value[i].present && !f[i].required)
			continue;
		if (!r->value[i].present)
			return error_set(e, FAIL_BAD_INPUT,
			    "%s record: field \"%s\" is missing", s->name,
			    f[i].name);
		if (!value_ok(f[i].kind, &r->value[i]))
			return error_set(e, FAIL_BAD_INPUT,
			    "%s record: field \"%s\" holds a value that its "
			    "kind does not allow",
			    s->name, f[i].name);
		json_key(w, f[i].name);
		write_value(w, f[i].kind, &r->value[i]);
	}
	json_object_end(w);
	return true;
}

bool
record_encode(const struct record *r, struct buf *line, struct error *e)
{
	size_t before = line->n;
	struct json_writer w;
	char t[TIME_TEXT_SIZE];

	if (r->n > (uint64_t)INT_LIMIT || r->t_ms < 0 ||
	    r->t_ms > TIME_MAX_S * 1000 + 999)
		return error_set(e, FAIL_BAD_INPUT,
		    "record: number or time out of range");
	json_begin(&w, line);
	json_object_begin(&w);
	if (!write_body(r, &w, e)) {
		line->n = before;
		return false;
	}
	json_kv_int(&w, "n", (int64_t)r->n);
	json_kv_hex(&w, "prev", sha256_bytes(&r->prev));
	if (r->has_priv)
		json_kv_hex(&w, "priv", sha256_bytes(&r->priv));
	time_format_ms(r->t_ms, t);
	json_kv_str(&w, "t", t);
	json_kv_str(&w, "type", record_spec(r->type)->name);
	json_kv_int(&w, "v", 1);
	json_object_end(&w);
	if (line->n - before > LIMIT_RECORD_BYTES) {
		size_t n = line->n - before;

		line->n = before;
		return error_set(e, FAIL_BAD_INPUT,
		    "%s record: %zu octets, at most %d are possible",
		    record_spec(r->type)->name, n, LIMIT_RECORD_BYTES);
	}
	return true;
}

/* ---- reading ---------------------------------------------------------- */

static bool
bad(struct error *e, const char *field)
{
	return error_set(e, FAIL_CORRUPT, "field \"%s\": missing or malformed",
	    field);
}

/* hex.h takes both cases; a line is written one way only. */
static bool
read_hex(struct bytes raw, struct buf *store, struct bytes *out)
{
	size_t at = store->n;

	for (size_t i = 0; i < raw.n; i++)
		if (raw.p[i] >= 'A' && raw.p[i] <= 'F')
			return false;
	if (!hex_decode((const char *)raw.p, raw.n, store))
		return false;
	*out = bytes_of(store->p + at, store->n - at);
	return true;
}

static bool
read_base64(struct bytes raw, struct buf *store, struct bytes *out)
{
	size_t at = store->n;

	if (!base64_decode((const char *)raw.p, raw.n, store))
		return false;
	*out = bytes_of(store->p + at, store->n - at);
	return true;
}

static bool
read_text(struct bytes raw, struct buf *store, struct bytes *out)
{
	size_t at = store->n;
	struct json_reader r;

	if (raw.n == 0 || memchr(raw.p, '\\', raw.n) == NULL) {
		*out = raw;
		return true;
	}
	json_read(&r, bytes_of(raw.p - 1, raw.n + 2));
	if (!json_get_str(&r, store))
		return false;
	*out = bytes_of(store->p + at, store->n - at);
	return true;
}

static bool
read_value(struct json_reader *r, enum field_kind kind, struct buf *store,
    struct field_value *v)
{
	struct bytes raw;

	v->present = true;
	switch (kind) {
	case FIELD_INT:
		v->i = json_get_int(r);
		return !r->failed;
	case FIELD_BOOL:
		v->i = json_get_bool(r);
		return !r->failed;
	case FIELD_JSON:
		v->v = json_get_value(r);
		return !r->failed;
	case FIELD_TEXT:
		raw = json_get_raw_str(r);
		return !r->failed && read_text(raw, store, &v->v);
	case FIELD_HEX:
		raw = json_get_raw_str(r);
		return !r->failed && read_hex(raw, store, &v->v);
	case FIELD_HASH:
		raw = json_get_raw_str(r);
		return !r->failed && raw.n == 2 * (size_t)SHA256_LEN &&
		    read_hex(raw, store, &v->v);
	case FIELD_BASE64:
		raw = json_get_raw_str(r);
		return !r->failed && read_base64(raw, store, &v->v);
	case FIELD_TIME:
		raw = json_get_raw_str(r);
		return !r->failed &&
		    time_parse_s((const char *)raw.p, raw.n, &v->i);
	}
	return false;
}

/* An empty optional value is written as absence, so it may not be read. */
static bool
empty_allowed(const struct record_field *f, const struct field_value *v)
{
	switch (f->kind) {
	case FIELD_INT:
	case FIELD_BOOL:
	case FIELD_TIME:
		return true;
	case FIELD_TEXT:
	case FIELD_HEX:
	case FIELD_HASH:
	case FIELD_BASE64:
	case FIELD_JSON:
		break;
	}
	return f->required || v->v.n > 0;
}

static bool
key_is(struct bytes key, const char *name)
{
	return bytes_eq(key, bytes_str(name));
}

/* Fields of the table and keys of the line are both sorted: one merge. */
static bool
read_body(struct json_reader *r, struct record *out, struct buf *store,
    struct error *e)
{
	const struct record_field *f = record_spec(out->type)->field;
	struct bytes key;
	size_t i = 0;

	json_enter_object(r);
	while (json_next_key(r, &key)) {
		while (i < RECORD_FIELDS_MAX && f[i].name != NULL &&
		    !key_is(key, f[i].name)) {
			if (f[i].required)
				return bad(e, f[i].name);
			i++;
		}
		if (i == RECORD_FIELDS_MAX || f[i].name == NULL)
			return error_set(e, FAIL_CORRUPT,
			    "unknown field \"%.*s\"",
			    (int)(key.n < 32 ? key.n : 32), key.p);
		if (!read_value(r, f[i].kind, store, &out->value[i]) ||
		    !empty_allowed(&f[i], &out->value[i]))
			return bad(e, f[i].name);
		i++;
	}
	if (r->failed)
		return bad(e, "body");
	for (; i < RECORD_FIELDS_MAX && f[i].name != NULL; i++)
		if (f[i].required)
			return bad(e, f[i].name);
	return true;
}

/* The type stands behind the body: …,"type":"X","v":1}. Look there first, so
 * that the body is read once. */
static bool
peek_type(struct bytes line, enum record_type *out)
{
	static const char tail[] = "\",\"v\":1}";
	size_t end, at;

	if (line.n < sizeof(tail) - 1 ||
	    memcmp(line.p + line.n - (sizeof(tail) - 1), tail,
		sizeof(tail) - 1) != 0)
		return false;
	end = line.n - (sizeof(tail) - 1);
	for (at = end; at > 0 && line.p[at - 1] != '"'; at--)
		if (end - at > 32)
			return false;
	return record_type_by_name(bytes_of(line.p + at, end - at), out);
}

static bool
next_is(struct json_reader *r, const char *name)
{
	struct bytes key;

	return json_next_key(r, &key) && key_is(key, name);
}

static bool
get_hash(struct json_reader *r, struct buf *store, struct sha256 *out)
{
	struct bytes raw = json_get_raw_str(r), v;

	if (r->failed || raw.n != 2 * (size_t)SHA256_LEN ||
	    !read_hex(raw, store, &v))
		return false;
	memcpy(out->b, v.p, SHA256_LEN);
	return true;
}

static bool
read_prev_priv_t(struct json_reader *r, struct record *out, struct buf *store,
    struct error *e)
{
	struct bytes key, raw;

	if (!next_is(r, "prev") || !get_hash(r, store, &out->prev))
		return bad(e, "prev");
	if (!json_next_key(r, &key))
		return bad(e, "t");
	if (key_is(key, "priv")) {
		out->has_priv = record_spec(out->type)->private_body;
		if (!out->has_priv || !get_hash(r, store, &out->priv))
			return bad(e, "priv");
		if (!json_next_key(r, &key))
			return bad(e, "t");
	}
	raw = key_is(key, "t") ? json_get_raw_str(r) : (struct bytes){ 0 };
	if (r->failed || raw.n == 0 ||
	    !time_parse_ms((const char *)raw.p, raw.n, &out->t_ms))
		return bad(e, "t");
	return true;
}

static bool
read_envelope(struct json_reader *r, struct record *out, struct buf *store,
    struct error *e)
{
	struct bytes key;
	int64_t n;

	if (!next_is(r, "n"))
		return bad(e, "n");
	n = json_get_int(r);
	if (r->failed || n < 0)
		return bad(e, "n");
	out->n = (uint64_t)n;
	if (!read_prev_priv_t(r, out, store, e))
		return false;
	/* The type was peeked; here it only has to stand in its place. */
	if (!next_is(r, "type") ||
	    !key_is(json_get_raw_str(r), record_spec(out->type)->name))
		return bad(e, "type");
	if (!next_is(r, "v") || json_get_int(r) != 1)
		return bad(e, "v");
	if (json_next_key(r, &key) || !json_done(r))
		return error_set(e, FAIL_CORRUPT, "text after the record");
	return true;
}

bool
record_decode(struct bytes line, struct record *out, struct buf *store,
    struct error *e)
{
	struct json_reader r;
	struct record rec;
	enum record_type type;

	if (line.n > LIMIT_RECORD_BYTES)
		return error_set(e, FAIL_CORRUPT, "line of %zu octets", line.n);
	if (!peek_type(line, &type))
		return error_set(e, FAIL_CORRUPT,
		    "field \"type\" or \"v\": unknown, or not a whole record");
	record_init(&rec, type);
	/* Every value is shorter than its text: nothing moves below. */
	buf_reset(store);
	(void)buf_reserve(store, line.n + 1);
	json_read(&r, line);
	json_enter_object(&r);
	if (!next_is(&r, "body"))
		return bad(e, "body");
	if (!read_body(&r, &rec, store, e) ||
	    !read_envelope(&r, &rec, store, e))
		return false;
	*out = rec;
	return true;
}
