/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <chancery/base/limits.h>

#include "token.h"

int64_t
member_int(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

bool
member_bool(const json_t *o, const char *key, bool dflt)
{
	const json_t *v = json_object_get(o, key);

	return v == NULL ? dflt : json_is_true(v);
}

bool
member_durations_ok(const json_t *o, const char *const *keys, struct error *e)
{
	for (; *keys != NULL; keys++)
		if (member_int(o, *keys) > LIMIT_TTL_S)
			return error_set(e, FAIL_BAD_INPUT, "%s is too long",
			    *keys);
	return true;
}

const char *
doc_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s == NULL ? "" : s;
}

json_t *
json_walkable(const json_t *v)
{
	json_t *same;

	memcpy(&same, &v, sizeof(same));
	return same;
}

static int
dump_piece(const char *p, size_t n, void *arg)
{
	buf_add(arg, p, n);
	return 0;
}

void
json_canonical(const json_t *v, struct buf *out)
{
	if (json_dump_callback(v, dump_piece, out,
		JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) != 0)
		fatal("json_dump_callback");
}

bool
text_glob(const char *pattern, const char *text)
{
	size_t n = strlen(pattern), len = strlen(text);
	bool head, tail;

	/* A single "*" is itself. */
	if (n < 2)
		return strcmp(pattern, text) == 0;
	head = pattern[0] == '*';
	tail = pattern[n - 1] == '*';
	if (head && tail)
		return n == 2 || memmem(text, len, pattern + 1, n - 2) != NULL;
	if (head)
		return len >= n - 1 &&
		    strcmp(text + len - (n - 1), pattern + 1) == 0;
	if (tail)
		return strncmp(text, pattern, n - 1) == 0;
	return strcmp(pattern, text) == 0;
}

bool
names_have(const json_t *names, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(names); i++)
		if (strcmp(json_string_value(json_array_get(names, i)), name) ==
		    0)
			return true;
	return false;
}

/* A star takes as little as it can; where the rest does not fit, the last one takes more. */
bool
name_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

bool
names_match(const json_t *globs, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(globs); i++)
		if (name_glob(json_string_value(json_array_get(globs, i)),
			name))
			return true;
	return false;
}

static int
text_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Trimmed and lower case; NULL when nothing is left. */
static char *
name_clean(const char *name)
{
	size_t n = strlen(name), i;
	char *out;

	for (; n > 0 && strchr(" \t\r\n", name[0]) != NULL; n--)
		name++;
	while (n > 0 && strchr(" \t\r\n", name[n - 1]) != NULL)
		n--;
	if (n == 0)
		return NULL;
	out = mem_calloc(n + 1, 1);
	for (i = 0; i < n; i++)
		out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z'
			? name[i] - 'A' + 'a'
			: name[i]);
	return out;
}

static json_t *
sorted_unique(char **names, size_t n)
{
	json_t *out = json_array();
	size_t i;

	qsort(names, n, sizeof(names[0]), text_cmp);
	for (i = 0; i < n; i++)
		if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
			(void)json_array_append_new(out, json_string(names[i]));
	return out;
}

json_t *
names_clean(const json_t *names, bool add_default)
{
	size_t size = json_array_size(names), n = 0, i;
	char **list = mem_calloc(size + 1, sizeof(*list));
	bool root = false;
	json_t *out;

	for (i = 0; i < size; i++) {
		list[n] =
		    name_clean(json_string_value(json_array_get(names, i)));
		if (list[n] == NULL)
			continue;
		root |= strcmp(list[n++], "root") == 0;
	}
	if (add_default)
		list[n++] = mem_strdup("default");
	out = root ? json_pack("[s]", "root") : sorted_unique(list, n);
	for (i = 0; i < n; i++)
		mem_free(list[i]);
	mem_free(list);
	return out;
}

json_t *
names_of(char *const *names, size_t n)
{
	json_t *out = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(out, json_string(names[i]));
	return out;
}
