/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <chancery/base/cleanup.h>

#include "pki_util.h"

json_t *
util_list(const char *text)
{
	json_t *list = json_array();

	while (*text != '\0') {
		size_t n = strcspn(text, ",");

		json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == ',');
	}
	return list;
}

static json_t *
typed(const char *name, const char *value)
{
	for (const struct field_spec *f = pki_role_fields; f->name != NULL;
	     f++) {
		if (strcmp(f->name, name) != 0)
			continue;
		if (f->type == FT_LIST || f->type == FT_JSON)
			return util_list(value);
		if (f->type == FT_INT || f->type == FT_DURATION)
			return json_integer(strtoll(value, NULL, 10));
		return json_string(value);
	}
	fail_msg("no field %s", name);
	return NULL;
}

json_t *
util_role_json(const char *text)
{
	json_t *o = json_object();
	char *copy = mem_strdup(text), *word, *at = copy;

	while ((word = strsep(&at, " ")) != NULL) {
		char *eq = strchr(word, '=');

		if (*word == '\0')
			continue;
		if (eq != NULL) {
			*eq = '\0';
			json_object_set_new(o, word, typed(word, eq + 1));
		} else {
			json_object_set_new(o, word + (*word == '!'),
			    json_boolean(*word != '!'));
		}
	}
	mem_free(copy);
	return o;
}

struct pki_role *
util_role(const char *text)
{
	json_t *in = util_role_json(text), *doc = pki_role_document(in);
	struct pki_role *r;
	struct error e;
	bool lease;

	if (!pki_role_normalise(doc, &lease, &e))
		fail_msg("%s: %s", text, e.msg);
	r = pki_role_parse(doc, &e);
	if (r == NULL)
		fail_msg("%s: %s", text, e.msg);
	json_decref(in);
	json_decref(doc);
	return r;
}
