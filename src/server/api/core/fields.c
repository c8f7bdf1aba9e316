/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <chancery/server/request.h>

static const struct field_spec *
field_find(const struct field_spec *fields, const char *name)
{
	for (const struct field_spec *f = fields; f != NULL && f->name != NULL;
	     f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

/* What it is without being given. Defaults are part of the table: one that does not
 * convert is our own bug. */
static json_t *
field_default(const struct field_spec *f)
{
	struct error e = { 0 };
	auto_json json_t *text = NULL;
	json_t *v;

	if (f->dflt != NULL)
		text = json_string(f->dflt);
	v = field_convert(f, text, &e);
	if (v == NULL)
		fatal("default of field %s: %s", f->name, e.msg);
	return v;
}

static int
compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* "… [a b c]", the names in order as Go prints a sorted slice. */
static void
warn_names(json_t *warnings, const char *sentence, const char **names, size_t n)
{
	auto_buf struct buf text = { 0 };

	if (n == 0)
		return;
	qsort(names, n, sizeof(*names), compare_names);
	buf_add_str(&text, sentence);
	for (size_t i = 0; i < n; i++)
		buf_addf(&text, "%s%s", i == 0 ? ": [" : " ", names[i]);
	buf_add_byte(&text, ']');
	(void)json_array_append_new(warnings, json_string(buf_cstr(&text)));
}

static void
warn_about(const struct field_spec *fields, const json_t *captures,
    const json_t *given, json_t *warnings)
{
	size_t n = json_object_size(given) + 1, ignored_n = 0, replaced_n = 0;
	auto_mem const char **ignored = mem_calloc(n, sizeof(*ignored));
	auto_mem const char **replaced = mem_calloc(n, sizeof(*replaced));
	const char *name;
	json_t *value;

	json_object_foreach(json_unconst(given), name, value)
	{
		if (json_object_get(captures, name) != NULL)
			replaced[replaced_n++] = name;
		else if (field_find(fields, name) == NULL)
			ignored[ignored_n++] = name;
	}
	warn_names(warnings, "Endpoint ignored these unrecognized parameters",
	    ignored, ignored_n);
	warn_names(warnings,
	    "Endpoint replaced the value of these parameters with the values "
	    "captured from the endpoint's path",
	    replaced, replaced_n);
}

/* Those of `from` that are fields, but not those that `not_in` has. */
static bool
add_typed(const struct field_spec *fields, const json_t *from,
    const json_t *not_in, json_t *out, struct error *e)
{
	const char *name;
	json_t *v;

	json_object_foreach(json_unconst(from), name, v)
	{
		const struct field_spec *f = field_find(fields, name);
		json_t *typed;

		if (f == NULL || json_object_get(not_in, name) != NULL)
			continue;
		typed = field_convert(f, v, e);
		if (typed == NULL)
			return false;
		(void)json_object_set_new(out, name, typed);
	}
	return true;
}

json_t *
fields_typed(const struct field_spec *fields, const json_t *captures,
    const json_t *given, json_t *warnings, struct error *e)
{
	auto_json json_t *out = json_object();

	if (!add_typed(fields, captures, NULL, out, e) ||
	    !add_typed(fields, given, captures, out, e))
		return NULL;
	if (warnings != NULL)
		warn_about(fields, captures, given, warnings);
	return take(out);
}

json_t *
fields_defaults(const struct field_spec *fields)
{
	json_t *out = json_object();

	for (const struct field_spec *f = fields; f != NULL && f->name != NULL;
	     f++)
		(void)json_object_set_new(out, f->name, field_default(f));
	return out;
}

json_t *
fields_captured(const struct field_spec *fields, const json_t *captures,
    struct error *e)
{
	return fields_typed(fields, captures, NULL, NULL, e);
}
