/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a request says, before anybody acts on it: path, query, body, and fields typed by
 * the table (vault-pki-api.md §1.1). Pure. Errors are FAIL_BAD_INPUT with the text that
 * the client gets.
 */
#include <jansson.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>
#include <chancery/server/route.h>

DEFINE_AUTO(json_t, json_t *, json_decref)
#define auto_json auto_cleanup(json_t_cleanup)

/* For jansson's functions that read and still want it writable. */
static inline json_t *
json_unconst(const json_t *v)
{
	json_t *out;

	memcpy(&out, &v, sizeof(v));
	return out;
}

/* jansson's memory wiped on release, its hash tables seeded: before any thread. */
void request_json_init(void);

/*
 * The one form of a path that routing, policies and handlers see: percent-decoded once,
 * doubled slashes collapsed, no slash at either end. Refused: broken escapes, control
 * characters, what is not UTF-8, "." and ".." segments (written in any way). An encoded
 * slash separates like any other, as in Go's servers; nothing decodes again after this.
 */
bool request_path(struct bytes raw, struct buf *path, bool *trailing_slash,
    struct error *e) must_check;
/* Percent-decoding alone (RFC 3986 2.1), for who needs the path as it was sent. False: a broken
 * escape. */
bool request_unescape(struct bytes raw, struct buf *out) must_check;
/* name → string, or array of strings where it is repeated. */
json_t *request_query(struct bytes query, struct error *e) must_check;
/* Body to an object; NULL: bad. Empty and null are {}. `type` is Content-Type. */
json_t *request_body(struct bytes body, struct bytes type,
    struct error *e) must_check;
/* An object of JSON as most requests have it, at most LIMIT_JSON_DEPTH deep; NULL: jansson
 * has to say (request_body asks it). */
json_t *request_json_quick(struct bytes s) must_check;
/* Go's strconv.ParseBool. */
bool request_bool(const char *text, bool *out) must_check;
/* "3600", "1h30m", "1.5h", "30d". */
bool request_duration(const char *text, int64_t *out_s) must_check;
/* The same, in milliseconds. */
bool request_duration_ms(const char *text, int64_t *out_ms) must_check;
/* RFC 3339 with any offset, or seconds. */
bool request_time(const char *text, int64_t *out_s) must_check;

/* One value to its type; NULL: cannot. */
json_t *field_convert(const struct field_spec *f, const json_t *v,
    struct error *e) must_check;
/*
 * Fields of the row that were captured, or else sent. `warnings` gets the sentences about
 * parameters that were ignored or replaced.
 */
json_t *fields_typed(const struct field_spec *fields, const json_t *captures,
    const json_t *given, json_t *warnings, struct error *e) must_check;
/* What each field of the row is when nothing is said. */
json_t *fields_defaults(const struct field_spec *fields) must_check;
/* The captures alone, as fields_typed does them. */
json_t *fields_captured(const struct field_spec *fields, const json_t *captures,
    struct error *e) must_check;

/* The i-th array of a backend's rows; NULL: past the last. */
const struct route *backend_routes(const struct backend *b, size_t i);

/* A backend's rows, prepared for look-ups: read by all threads. */
struct route_table;
struct route_table *route_table_new(const struct backend *b) must_check;
void route_table_free(struct route_table *t); /* NULL is fine */
struct route_found {
	const struct route *route;
	const json_t *defaults; /* of its fields; the table's */
	json_t *captures;       /* name → string; the caller's */
};
/* The row for a path below its mount. */
bool route_match(const struct route_table *t, const char *path,
    struct route_found *out) must_check;

/* Canonical JSON (base/json.h) of a value: null members are left out; reals, and keys that
 * canonical JSON does not have, are FAIL_BAD_INPUT. */
bool request_canonical(const json_t *v, struct buf *out,
    struct error *e) must_check;

/* An answer's envelope. All borrowed; data, wrap_info, warnings, auth may be NULL; lease_id
 * NULL: nothing is leased. */
struct envelope {
	const char *id, *lease_id;
	int64_t lease_s;
	const json_t *data, *wrap_info, *warnings, *auth;
};
void envelope_write(const struct envelope *v, struct buf *out);
/* Up to the data, and from behind it: for streams. */
void envelope_head(const struct envelope *v, struct buf *out);
void envelope_tail(const struct envelope *v, struct buf *out);
json_t *envelope_json(const struct envelope *v) must_check;
/* JSON text, compact, appended. */
void request_dump(const json_t *v, struct buf *out);

/* ---- what the rows tell ---- */
const char *field_type_name(enum field_type t); /* "string", "duration"… */
/* ?help=1 */
json_t *route_help(const struct route *r) must_check;
/* OpenAPI 3 of mounts: add the paths of one backend below `mount`. */
json_t *openapi_new(const char *version) must_check;
void openapi_add(json_t *doc, const char *mount, const struct backend *b);
/* docs/api.md */
void api_markdown(const struct backend *const *backends, struct buf *out);
