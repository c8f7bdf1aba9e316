/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <chancery/base/json.h>
#include <chancery/server/request.h>

/* What base/json.h can read back: printable ASCII without escapes. */
static bool
key_ok(const char *key)
{
	for (const char *s = key; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e || *s == '"' || *s == '\\')
			return false;
	return true;
}

static int
compare_keys(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static bool write_value(struct json_writer *w, const json_t *v,
    struct error *e);

/* NOLINTBEGIN(misc-no-recursion): as deep as the writer allows, which is checked. */
static bool
write_object(struct json_writer *w, const json_t *v, struct error *e)
{
	size_t n = 0;
	auto_mem const char **keys =
	    mem_calloc(json_object_size(v) + 1, sizeof(*keys));
	const char *key;
	json_t *value;

	json_object_foreach(json_unconst(v), key, value)
	{
		if (json_is_null(value))
			continue;
		if (!key_ok(key))
			return error_set(e, FAIL_BAD_INPUT,
			    "names may hold printable ASCII without quotes and "
			    "backslashes only");
		keys[n++] = key;
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	json_object_begin(w);
	for (size_t i = 0; i < n; i++) {
		json_key(w, keys[i]);
		if (!write_value(w, json_object_get(v, keys[i]), e))
			return false;
	}
	json_object_end(w);
	return true;
}

static bool
write_array(struct json_writer *w, const json_t *v, struct error *e)
{
	json_array_begin(w);
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!write_value(w, json_array_get(v, i), e))
			return false;
	json_array_end(w);
	return true;
}

static bool
write_value(struct json_writer *w, const json_t *v, struct error *e)
{
	static const json_int_t most = (json_int_t)1 << 53;

	if (w->depth + 1 >= JSON_DEPTH_MAX)
		return error_set(e, FAIL_BAD_INPUT, "nested too deeply");
	if (json_is_object(v))
		return write_object(w, v, e);
	if (json_is_array(v))
		return write_array(w, v, e);
	if (json_is_string(v))
		json_strn(w,
		    bytes_of(json_string_value(v), json_string_length(v)));
	else if (json_is_boolean(v))
		json_bool(w, json_is_true(v));
	else if (json_is_integer(v) && json_integer_value(v) <= most &&
	    json_integer_value(v) >= -most)
		json_int(w, json_integer_value(v));
	else
		return error_set(e, FAIL_BAD_INPUT,
		    "only whole numbers up to 2^53 can be kept");
	return true;
}
/* NOLINTEND(misc-no-recursion) */

bool
request_canonical(const json_t *v, struct buf *out, struct error *e)
{
	struct json_writer w;
	size_t start = out->n;

	json_begin(&w, out);
	if (write_value(&w, v, e))
		return true;
	out->n = start;
	return false;
}
