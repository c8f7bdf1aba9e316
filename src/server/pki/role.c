/* SPDX-License-Identifier: Apache-2.0 */

/* Roles as one table: document, struct and fields of the API. */
#include <chancery/server/pki_role.h>

#include <stdlib.h>
#include <string.h>

#include <chancery/base/alloc.h>
#include <chancery/base/cleanup.h>
#include <chancery/pki/ext.h>

#include "role_check.h"

#define FIELD_B(n, d, a) { #n, FT_BOOL, d, a, false, false },
#define FIELD_I(n, d, a) { #n, FT_INT, d, a, false, false },
#define FIELD_D(n, d, a) { #n, FT_DURATION, d, a, false, false },
#define FIELD_S(n, d, a) { #n, FT_STRING, d, a, false, false },
#define FIELD_L(n, d, a) { #n, FT_LIST, d, a, false, false },
#define FIELD_J(n, d, a) { #n, FT_JSON, d, a, false, false },

const struct field_spec pki_role_fields[] = {
	{ "name", FT_STRING, NULL, "Name of the role.", true, false },
	PKI_ROLE_FIELDS(FIELD_B, FIELD_I, FIELD_D, FIELD_S, FIELD_L,
	    FIELD_J){ NULL, 0, NULL, NULL, false, false },
};

#define OFFSET(n, d, a) offsetof(struct pki_role, n),
static const size_t offsets[] = { PKI_ROLE_FIELDS(OFFSET, OFFSET, OFFSET,
    OFFSET, OFFSET, OFFSET) };
_Static_assert(countof(offsets) == countof(pki_role_fields) - 2,
    "one offset per field");

/* Behind the capture. */
static const struct field_spec *const fields = &pki_role_fields[1];

void
pki_texts_free(struct pki_texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		mem_free(t->v[i]);
	mem_free(t->v);
	*t = (struct pki_texts){ 0 };
}

void
pki_texts_set(struct pki_texts *t, const json_t *array)
{
	size_t n = json_array_size(array);

	pki_texts_free(t);
	t->v = mem_calloc(n + 1, sizeof(t->v[0]));
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(array, i));

		if (s != NULL)
			t->v[t->n++] = mem_strdup(s);
	}
}

static json_t *
split(const char *text)
{
	json_t *list = json_array();

	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, ",");

		(void)json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == ',');
	}
	return list;
}

static json_t *
dflt(const struct field_spec *f)
{
	switch (f->type) {
	case FT_BOOL:
		return json_boolean(f->dflt != NULL);
	case FT_INT:
	case FT_DURATION:
	case FT_TIME:
		return json_integer(
		    f->dflt != NULL ? strtoll(f->dflt, NULL, 10) : 0);
	case FT_STRING:
		return json_string(f->dflt != NULL ? f->dflt : "");
	case FT_LIST:
	case FT_JSON:
	case FT_MAP:
		return split(f->dflt);
	}
	fatal("corrupt field_type %d", (int)f->type);
}

json_t *
pki_role_document(const json_t *in)
{
	json_t *doc = json_object();

	for (const struct field_spec *f = fields; f->name != NULL; f++) {
		json_t *v = json_object_get(in, f->name);

		(void)json_object_set_new(doc, f->name,
		    v != NULL && !json_is_null(v) ? json_deep_copy(v)
						  : dflt(f));
	}
	return doc;
}

json_t *
pki_role_merge(const json_t *doc, const json_t *in, const json_t *given)
{
	json_t *out = json_deep_copy(doc);

	for (const struct field_spec *f = fields; f->name != NULL; f++) {
		json_t *v = json_object_get(in, f->name);

		if (v != NULL && json_object_get(given, f->name) != NULL)
			(void)json_object_set_new(out, f->name,
			    json_deep_copy(v));
	}
	return out;
}

static bool
wrong(const struct field_spec *f, struct error *e)
{
	return error_set(e, FAIL_BAD_INPUT, "%s: not of its type", f->name);
}

/* One member from its value; the document's types are strict. */
static bool
read_field(struct pki_role *r, size_t i, const json_t *v, struct error *e)
{
	const struct field_spec *f = &fields[i];
	void *at = (char *)r + offsets[i];

	switch (f->type) {
	case FT_BOOL:
		*(bool *)at = json_is_true(v);
		return json_is_boolean(v) || wrong(f, e);
	case FT_INT:
	case FT_DURATION:
	case FT_TIME:
		*(int64_t *)at = json_integer_value(v);
		return json_is_integer(v) || wrong(f, e);
	case FT_STRING:
		if (!json_is_string(v))
			return wrong(f, e);
		*(char **)at = mem_strdup(json_string_value(v));
		return true;
	case FT_LIST:
	case FT_JSON:
	case FT_MAP:
		pki_texts_set(at, v);
		return json_is_array(v) || wrong(f, e);
	}
	fatal("corrupt field_type %d", (int)f->type);
}

DEFINE_AUTO(pki_role, struct pki_role *, pki_role_free)

struct pki_role *
pki_role_parse(const json_t *doc, struct error *e)
{
	auto_cleanup(pki_role_cleanup) struct pki_role *r =
	    mem_calloc(1, sizeof(*r));

	for (size_t i = 0; i < countof(offsets); i++) {
		json_t *stored = json_object_get(doc, fields[i].name);
		/* A field that an older version did not have. */
		json_t *v = stored != NULL ? NULL : dflt(&fields[i]);
		bool ok = read_field(r, i, stored != NULL ? stored : v, e);

		json_decref(v);
		if (!ok)
			return NULL;
	}
	if (!role_check(r, e))
		return NULL;
	r->key_usage_bits = pki_key_usage_bits(&r->key_usage);
	r->eku =
	    pki_eku_list((const bool[4]){ r->server_flag, r->client_flag,
			     r->code_signing_flag, r->email_protection_flag },
		&r->ext_key_usage, &r->ext_key_usage_oids, &r->eku_n);
	return take(r);
}

void
pki_role_free(struct pki_role *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < countof(offsets); i++) {
		void *at = (char *)r + offsets[i];

		if (fields[i].type == FT_STRING)
			mem_free(*(char **)at);
		else if (fields[i].type == FT_LIST || fields[i].type == FT_JSON)
			pki_texts_free(at);
	}
	mem_free(r->eku);
	mem_free(r);
}

const struct pki_role *
pki_role_open(void)
{
	static char any[] = "any", permit[] = "permit", empty[] = "",
		    all[] = "*", disabled[] = "disabled",
		    dflt_ref[] = "default";
	static char *all_v[] = { all }, *disabled_v[] = { disabled };
	static const struct pki_role role = {
		.allow_any_name = true,
		.allow_ip_sans = true,
		.allow_wildcard_certificates = true,
		.allowed_other_sans = { all_v, 1 },
		.allowed_serial_numbers = { all_v, 1 },
		.allowed_uri_sans = { all_v, 1 },
		.allowed_user_ids = { all_v, 1 },
		.cn_validations = { disabled_v, 1 },
		.issuer_ref = dflt_ref,
		.key_type = any,
		.not_after = empty,
		.not_after_bound = permit,
		.not_before = empty,
		.not_before_bound = permit,
		.not_before_duration = 30,
		.serial_number_source = empty,
		.use_csr_common_name = true,
		.use_csr_sans = true,
	};

	return &role;
}
