/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON and form bodies, typed as every type there is. The first octet chooses the
 * Content-Type. What was typed can be written canonically unless it is FT_JSON.
 */
#include <assert.h>

#include <chancery/base/limits.h>
#include <chancery/server/request.h>

static const struct field_spec fields[] = {
	{ "s", FT_STRING, NULL, "", false, false },
	{ "b", FT_BOOL, NULL, "", false, false },
	{ "i", FT_INT, NULL, "", false, false },
	{ "d", FT_DURATION, "1h", "", false, false },
	{ "l", FT_LIST, "a,b", "", false, false },
	{ "m", FT_MAP, NULL, "", false, false },
	{ "t", FT_TIME, NULL, "", false, false },
	{ "j", FT_JSON, NULL, "", false, false },
	{ 0 },
};

static void
check_typed(const json_t *in)
{
	assert(json_is_string(json_object_get(in, "s")));
	assert(json_is_boolean(json_object_get(in, "b")));
	assert(json_is_integer(json_object_get(in, "i")));
	assert(json_integer_value(json_object_get(in, "d")) >= 0);
	assert(json_is_array(json_object_get(in, "l")));
	assert(json_is_object(json_object_get(in, "m")));
	assert(json_is_integer(json_object_get(in, "t")));
	for (size_t i = 0; i < json_array_size(json_object_get(in, "l")); i++)
		assert(json_is_string(
		    json_array_get(json_object_get(in, "l"), i)));
}

/* What the quick parser takes, jansson takes as the same value. */
static void
check_quick(struct bytes s)
{
	auto_json json_t *quick = NULL, *v = NULL;

	/* Its depth is checked before. */
	for (size_t i = 0, depth = 0; i < s.n; i++)
		if ((s.p[i] == '{' || s.p[i] == '[') &&
		    ++depth > LIMIT_JSON_DEPTH)
			return;
	quick = request_json_quick(s);
	if (quick == NULL)
		return;
	v = json_loadb((const char *)s.p, s.n, JSON_REJECT_DUPLICATES, NULL);
	assert(v != NULL && json_equal(quick, v) == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "", "application/json",
		"application/x-www-form-urlencoded" };
	auto_json json_t *body = NULL, *in = NULL, *warnings = json_array();
	auto_json json_t *defaults = fields_defaults(fields);
	auto_buf struct buf canonical = { 0 };
	struct error e = { 0 };

	if (size == 0)
		return 0;
	check_quick(bytes_of(data + 1, size - 1));
	body = request_body(bytes_of(data + 1, size - 1),
	    bytes_str(types[data[0] % countof(types)]), &e);
	if (body == NULL) {
		assert(e.why == FAIL_BAD_INPUT);
		return 0;
	}
	assert(json_is_object(body));
	in = fields_typed(fields, NULL, body, warnings, &e);
	if (in == NULL) {
		assert(e.why == FAIL_BAD_INPUT);
		return 0;
	}
	(void)json_object_update_missing(in, defaults);
	check_typed(in);
	if (!request_canonical(in, &canonical, &e))
		assert(e.why == FAIL_BAD_INPUT && canonical.n == 0);
	return 0;
}
