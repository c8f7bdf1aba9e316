/* SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>

#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/server/request.h>

/*
 * jansson recurses once a level and would take 2,048 of them, and a parsed value takes
 * fifty times the room of its text: what is deeper or has more values than any request of
 * the API is refused before it is parsed. Strings are skipped as they stand; a text that
 * is not JSON is found out by the parser.
 */
static const char *
shape_fault(struct bytes s)
{
	unsigned depth = 0, values = 0;
	bool string = false;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				string = false;
		} else if (c == '"') {
			string = true;
		} else if (c == '{' || c == '[') {
			values++;
			if (++depth > LIMIT_JSON_DEPTH)
				return "nested too deep";
		} else if (c == ',') {
			values++;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
		if (values > LIMIT_JSON_VALUES)
			return "too many values";
	}
	return NULL;
}

static struct bytes
trim(struct bytes s)
{
	while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL && s.p[0] != 0)
		s = bytes_of(s.p + 1, s.n - 1);
	while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL &&
	    s.p[s.n - 1] != 0)
		s.n--;
	return s;
}

/* Larger bodies are rare, and would need their size once more. */
#define QUICK_BYTES 65536

/* "type/subtype" without parameters, any case. */
static bool
is_form(struct bytes type)
{
	static const char form[] = "application/x-www-form-urlencoded";
	size_t n = 0;

	while (n < type.n && type.p[n] != ';')
		n++;
	type = trim(bytes_of(type.p, n));
	return type.n == sizeof(form) - 1 &&
	    strncasecmp((const char *)type.p, form, type.n) == 0;
}

json_t *
request_body(struct bytes body, struct bytes type, struct error *e)
{
	struct bytes s = trim(body);
	const char *fault;
	json_error_t why;
	json_t *v;

	if (s.n == 0 || bytes_eq(s, bytes_str("null")))
		return json_object();
	/* curl -d sends this type whatever the body is. */
	if (is_form(type) && s.p[0] != '{' && s.p[0] != '[')
		return request_query(s, e);
	if ((fault = shape_fault(s)) != NULL) {
		(void)error_set(e, FAIL_BAD_INPUT,
		    "failed to parse JSON input: %s", fault);
		return NULL;
	}
	if (s.n <= QUICK_BYTES && (v = request_json_quick(s)) != NULL)
		return v;
	v = json_loadb((const char *)s.p, s.n, JSON_REJECT_DUPLICATES, &why);
	if (v == NULL) {
		(void)error_set(e, FAIL_BAD_INPUT,
		    "failed to parse JSON input: line %d column %d: %s",
		    why.line, why.column, why.text);
		return NULL;
	}
	if (!json_is_object(v)) {
		json_decref(v);
		(void)error_set(e, FAIL_BAD_INPUT,
		    "failed to parse JSON input: expected an object");
		return NULL;
	}
	return v;
}
