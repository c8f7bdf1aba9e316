/* SPDX-License-Identifier: Apache-2.0 */
/* Weak typing (vault-pki-api.md §1.1): the CLI sends every value as a string. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include <chancery/base/clock.h>
#include <chancery/base/text.h>
#include <chancery/server/request.h>

bool
request_bool(const char *text, bool *out)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = { { "1", true }, { "t", true }, { "T", true },
		{ "TRUE", true }, { "true", true }, { "True", true },
		{ "0", false }, { "f", false }, { "F", false },
		{ "FALSE", false }, { "false", false }, { "False", false } };

	for (size_t i = 0; i < countof(words); i++)
		if (strcmp(text, words[i].text) == 0) {
			*out = words[i].value;
			return true;
		}
	return false;
}

/* Decimal or 0x…, signed; no leading zeros: Go would read those as octal. */
static bool
parse_int(const char *s, int64_t *out)
{
	const char *digits = s + (*s == '-' || *s == '+');
	bool hex = digits[0] == '0' && (digits[1] | 0x20) == 'x';
	char *end;
	long long v;

	if (hex ? digits[2] == '\0'
		: (digits[0] < '0' || digits[0] > '9' ||
		      (digits[0] == '0' && digits[1] != '\0')))
		return false;
	errno = 0;
	v = strtoll(s, &end, hex ? 16 : 10);
	if (*end != '\0' || errno != 0)
		return false;
	*out = v;
	return true;
}

struct unit {
	const char *name;
	double seconds;
};
/* Longest name first where one begins another. */
static const struct unit units[] = { { "ms", 1e-3 }, { "us", 1e-6 },
	{ "µs", 1e-6 }, { "ns", 1e-9 }, { "s", 1 }, { "m", 60 }, { "h", 3600 },
	{ "d", 86400 } };

static const struct unit *
unit_of(const char *s)
{
	for (size_t i = 0; i < countof(units); i++)
		if (strncmp(s, units[i].name, strlen(units[i].name)) == 0)
			return &units[i];
	return NULL;
}

/* Digits with at most one point; false when there are none. */
static bool
scan_number(const char **s, double *out)
{
	const char *p = *s;
	double v = 0, scale = 1;
	bool any = false;

	for (; *p >= '0' && *p <= '9'; p++, any = true)
		v = v * 10 + (*p - '0');
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, any = true)
			v += (*p - '0') * (scale /= 10);
	*s = p;
	*out = v;
	return any;
}

/* Hundreds of years fit; more is a mistake. */
#define DURATION_MAX_S 1e11

static bool
scan_duration(const char *text, double *out_s)
{
	const char *s = text;
	double total = 0, v;
	int64_t whole;

	*out_s = 0;
	if (strpbrk(text, "xX") == NULL && parse_int(text, &whole)) {
		*out_s = (double)whole;
		return *out_s >= -DURATION_MAX_S && *out_s <= DURATION_MAX_S;
	}
	if (*s == '+')
		s++;
	do {
		const struct unit *u;

		if (!scan_number(&s, &v))
			return false;
		u = unit_of(s);
		if (u == NULL)
			return false;
		total += v * u->seconds;
		s += strlen(u->name);
	} while (*s != '\0');
	*out_s = total;
	return total <= DURATION_MAX_S;
}

/* Less than a second is one: cut to nothing it would be no wish at all, and the longest life. */
static int64_t
whole_seconds(double s)
{
	return s > 0 && s < 1 ? 1 : (int64_t)s;
}

bool
request_duration(const char *text, int64_t *out_s)
{
	double s;

	if (!scan_duration(text, &s))
		return false;
	*out_s = whole_seconds(s);
	return true;
}

bool
request_duration_ms(const char *text, int64_t *out_ms)
{
	double s;

	if (!scan_duration(text, &s))
		return false;
	*out_ms = (int64_t)(s * 1000 + 0.5);
	return true;
}

/* "+02:00" → 7200; "Z" → 0. */
static bool
parse_offset(const char *s, int64_t *out)
{
	int64_t h, m;

	if (strcasecmp(s, "z") == 0) {
		*out = 0;
		return true;
	}
	if (strlen(s) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':')
		return false;
	for (size_t i = 1; i < 6; i++)
		if (i != 3 && (s[i] < '0' || s[i] > '9'))
			return false;
	h = (s[1] - '0') * 10 + s[2] - '0';
	m = (s[4] - '0') * 10 + s[5] - '0';
	if (h > 23 || m > 59)
		return false;
	*out = (s[0] == '-' ? -1 : 1) * (h * 3600 + m * 60);
	return true;
}

bool
request_time(const char *text, int64_t *out_s)
{
	char local[32];
	size_t at = 19; /* "2006-01-02T15:04:05" */
	int64_t t, offset;

	if (parse_int(text, out_s))
		return true;
	if (strlen(text) < at + 1)
		return false;
	memcpy(local, text, at);
	local[10] = (char)(local[10] == 't' ? 'T' : local[10]);
	memcpy(local + at, "Z", 2);
	if (text[at] == '.') /* fractions are dropped */
		for (at++; text[at] >= '0' && text[at] <= '9';)
			at++;
	if (!time_parse_s(local, 20, &t) || !parse_offset(text + at, &offset))
		return false;
	*out_s = t - offset;
	return true;
}

static json_t *
refuse(const struct field_spec *f, struct error *e, const char *expected)
{
	(void)error_set(e, FAIL_BAD_INPUT,
	    "Field validation failed: error converting input for field \"%s\": "
	    "expected %s",
	    f->name, expected);
	return NULL;
}

/* A number as text: integers as they are, reals as short as they go. */
static json_t *
number_text(const json_t *v)
{
	char s[40];

	if (json_is_integer(v))
		(void)snprintf(s, sizeof(s), "%lld", json_integer_value(v));
	else
		(void)snprintf(s, sizeof(s), "%.15g", json_real_value(v));
	return json_string(s);
}

/* What stands for a string, or NULL. */
static json_t *
as_text(const json_t *v)
{
	if (json_is_string(v))
		return json_copy(json_unconst(v));
	if (json_is_number(v))
		return number_text(v);
	if (json_is_boolean(v))
		return json_string(json_is_true(v) ? "1" : "0");
	return NULL;
}

static json_t *
to_string(const struct field_spec *f, const json_t *v, struct error *e)
{
	json_t *s = as_text(v);

	return s != NULL ? s : refuse(f, e, "a string");
}

static json_t *
to_bool(const struct field_spec *f, const json_t *v, struct error *e)
{
	bool b;

	if (json_is_boolean(v))
		return json_boolean(json_is_true(v));
	if (json_is_number(v))
		return json_boolean(json_number_value(v) != 0);
	if (json_is_string(v) && json_string_length(v) == 0)
		return json_false();
	if (json_is_string(v) && request_bool(json_string_value(v), &b))
		return json_boolean(b);
	return refuse(f, e, "true or false");
}

static json_t *
to_int(const struct field_spec *f, const json_t *v, struct error *e)
{
	int64_t n;

	if (json_is_integer(v))
		return json_integer(json_integer_value(v));
	if (json_is_boolean(v))
		return json_integer(json_is_true(v));
	if (json_is_string(v) && json_string_length(v) == 0)
		return json_integer(0);
	if (json_is_string(v) && parse_int(json_string_value(v), &n))
		return json_integer(n);
	return refuse(f, e, "a whole number");
}

static json_t *
to_duration(const struct field_spec *f, const json_t *v, struct error *e)
{
	int64_t s = 0;
	bool ok = false;

	if (json_is_integer(v)) {
		s = json_integer_value(v);
		ok = (double)s <= DURATION_MAX_S;
	} else if (json_is_real(v)) {
		ok = fabs(json_real_value(v)) <= DURATION_MAX_S;
		s = ok ? whole_seconds(json_real_value(v)) : 0;
	} else if (json_is_string(v)) {
		ok = json_string_length(v) == 0 ||
		    request_duration(json_string_value(v), &s);
	}
	if (!ok)
		return refuse(f, e,
		    "a duration such as 3600, \"90m\" or \"30d\"");
	if (s < 0)
		return refuse(f, e, "a duration that is not negative");
	return json_integer(s);
}

static json_t *
to_time(const struct field_spec *f, const json_t *v, struct error *e)
{
	int64_t s = 0;

	if (json_is_integer(v))
		return json_integer(json_integer_value(v));
	if (json_is_string(v) &&
	    (json_string_length(v) == 0 ||
		request_time(json_string_value(v), &s)))
		return json_integer(s);
	return refuse(f, e, "a time by RFC 3339, or seconds since 1970");
}

static void
append_trimmed(json_t *list, const char *s, size_t n)
{
	for (; n > 0 && strchr(" \t\r\n", s[0]) != NULL; n--)
		s++;
	while (n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL)
		n--;
	(void)json_array_append_new(list, json_stringn(s, n));
}

static json_t *
split_commas(const char *s)
{
	json_t *list = json_array();

	while (*s != '\0') {
		size_t n = strcspn(s, ",");

		append_trimmed(list, s, n);
		s += n;
		if (*s == ',' && *++s == '\0')
			append_trimmed(list, s, 0);
	}
	return list;
}

static json_t *
to_list(const struct field_spec *f, const json_t *v, struct error *e)
{
	auto_json json_t *list = json_array();

	if (json_is_string(v))
		return split_commas(json_string_value(v));
	if (json_is_number(v)) {
		(void)json_array_append_new(list, number_text(v));
		return take(list);
	}
	if (!json_is_array(v))
		return refuse(f, e, "a list");
	for (size_t i = 0; i < json_array_size(v); i++) {
		auto_json json_t *s = as_text(json_array_get(v, i));

		if (s == NULL)
			return refuse(f, e, "a list of strings");
		append_trimmed(list, json_string_value(s),
		    json_string_length(s));
	}
	return take(list);
}

/* "k=v" into the object; false without '='. */
static bool
add_equation(json_t *out, const char *s, size_t n)
{
	const char *eq = memchr(s, '=', n);
	auto_json json_t *pair = json_array();
	const char *key;

	if (eq == NULL)
		return false;
	append_trimmed(pair, s, (size_t)(eq - s));
	append_trimmed(pair, eq + 1, n - (size_t)(eq + 1 - s));
	key = json_string_value(json_array_get(pair, 0));
	if (*key == '\0')
		return false;
	(void)json_object_set(out, key, json_array_get(pair, 1));
	return true;
}

static bool
add_object(json_t *out, const json_t *v)
{
	const char *key;
	json_t *value;

	json_object_foreach(json_unconst(v), key, value)
	{
		json_t *s = as_text(value);

		if (s == NULL)
			return false;
		(void)json_object_set_new(out, key, s);
	}
	return true;
}

/* "k=v,k=v", or base64 of a JSON object. */
static bool
add_text(json_t *out, const char *text)
{
	auto_buf struct buf plain = { 0 };
	auto_json json_t *v = NULL;
	struct error e = { 0 };

	if (base64_decode(text, strlen(text), &plain) && plain.n > 0 &&
	    plain.p[0] == '{') {
		v = request_body(buf_bytes(&plain), bytes_str(""), &e);
		return v != NULL && add_object(out, v);
	}
	while (*text != '\0') {
		size_t n = strcspn(text, ",");

		if (!add_equation(out, text, n))
			return false;
		text += n + (text[n] == ',');
	}
	return true;
}

static json_t *
to_map(const struct field_spec *f, const json_t *v, struct error *e)
{
	auto_json json_t *out = json_object();
	bool ok = true;

	if (json_is_object(v))
		ok = add_object(out, v);
	else if (json_is_string(v))
		ok = add_text(out, json_string_value(v));
	else if (!json_is_array(v))
		ok = false;
	for (size_t i = 0; ok && i < json_array_size(v); i++) {
		const json_t *s = json_array_get(v, i);

		ok = json_is_string(s) &&
		    add_equation(out, json_string_value(s),
			json_string_length(s));
	}
	return ok ? take(out) : refuse(f, e, "key=value pairs");
}

static json_t *
to_any(const struct field_spec *f, const json_t *v, struct error *e)
{
	(void)f;
	(void)e;
	return json_deep_copy(v);
}

/* What a field is when nothing was given. */
static json_t *
no_text(void)
{
	return json_string("");
}

static json_t *
no_number(void)
{
	return json_integer(0);
}

/* jansson's are macros. */
static json_t *
no_bool(void)
{
	return json_false();
}

static json_t *
no_value(void)
{
	return json_null();
}

static const struct {
	const char *name;
	json_t *(*convert)(const struct field_spec *f, const json_t *v,
	    struct error *e);
	json_t *(*zero)(void);
} types[] = {
	[FT_STRING] = { "string", to_string, no_text },
	[FT_BOOL] = { "boolean", to_bool, no_bool },
	[FT_INT] = { "integer", to_int, no_number },
	[FT_DURATION] = { "duration", to_duration, no_number },
	[FT_LIST] = { "list", to_list, json_array },
	[FT_MAP] = { "map", to_map, json_object },
	[FT_TIME] = { "time", to_time, no_number },
	[FT_JSON] = { "any", to_any, no_value },
};

const char *
field_type_name(enum field_type t)
{
	return types[t].name;
}

json_t *
field_convert(const struct field_spec *f, const json_t *v, struct error *e)
{
	if (v == NULL || json_is_null(v))
		return types[f->type].zero();
	return types[f->type].convert(f, v, e);
}
