/* SPDX-License-Identifier: Apache-2.0 */

/* What a role may say. Texts that clients know are theirs (vault-pki-api.md 5.1). */
#include "role_check.h"

#include <string.h>

#include <chancery/base/alg.h>
#include <chancery/base/alloc.h>
#include <chancery/base/cleanup.h>

#include "names_part.h"

static bool
among(const char *v, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(v, *list) == 0)
			return true;
	return false;
}

static bool
bad(const char *field, const char *value, struct error *e)
{
	return error_set(e, FAIL_BAD_INPUT, "%s: \"%.100s\" is not valid",
	    field, value);
}

static bool
check_key(const struct pki_role *r, struct error *e)
{
	struct key_type ignored;

	if (r->signature_bits != 0 && r->signature_bits != 256 &&
	    r->signature_bits != 384 && r->signature_bits != 512)
		return error_set(e, FAIL_BAD_INPUT,
		    "unsupported hash signature algorithm: %lld",
		    (long long)r->signature_bits);
	if (strcmp(r->key_type, "any") == 0)
		return true;
	return pki_key_type(r->key_type, r->key_bits, &ignored, e);
}

static bool
check_validations(const struct pki_role *r, struct error *e)
{
	static const char *const known[] = { "email", "hostname", "disabled",
		NULL };
	const struct pki_texts *v = &r->cn_validations;

	if (v->n == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "cn_validations: email, hostname or disabled");
	for (size_t i = 0; i < v->n; i++)
		if (!among(v->v[i], known) ||
		    (v->n > 1 && strcmp(v->v[i], "disabled") == 0))
			return bad("cn_validations", v->v[i], e);
	return true;
}

static bool
check_oids(const char *field, const struct pki_texts *list, struct error *e)
{
	for (size_t i = 0; i < list->n; i++)
		if (!pki_oid_valid(list->v[i]))
			return error_set(e, FAIL_BAD_INPUT,
			    "\"%.100s\" could not be parsed as a valid OID "
			    "(%s)",
			    list->v[i], field);
	return true;
}

/* An OID, or an object as text (role.c puts it that way). */
static bool
check_policy(const char *text, struct error *e)
{
	json_t *o = text[0] == '{' ? json_loads(text, 0, NULL) : NULL;
	const char *oid = text[0] == '{'
	    ? json_string_value(json_object_get(o, "oid"))
	    : text;
	bool ok = oid != NULL && pki_oid_valid(oid);

	json_decref(o);
	return ok || bad("policy_identifiers", text, e);
}

static bool
check_lists(const struct pki_role *r, struct error *e)
{
	uint8_t ip[32];
	size_t n;
	struct other_rule ignored;

	for (size_t i = 0; i < r->allowed_ip_sans_cidr.n; i++)
		if (!name_cidr(r->allowed_ip_sans_cidr.v[i], ip, &n))
			return bad("allowed_ip_sans_cidr",
			    r->allowed_ip_sans_cidr.v[i], e);
	for (size_t i = 0; i < r->allowed_other_sans.n; i++)
		if (strcmp(r->allowed_other_sans.v[i], "*") != 0 &&
		    !other_parse(r->allowed_other_sans.v[i], &ignored))
			return bad("allowed_other_sans",
			    r->allowed_other_sans.v[i], e);
	for (size_t i = 0; i < r->policy_identifiers.n; i++)
		if (!check_policy(r->policy_identifiers.v[i], e))
			return false;
	return check_oids("ext_key_usage_oids", &r->ext_key_usage_oids, e);
}

static bool
check_times(struct pki_role *r, struct error *e)
{
	static const char *const after[] = { "permit", "forbid", "ttl-limited",
		"", NULL };
	static const char *const before[] = { "permit", "duration", "forbid",
		"", NULL };

	if (r->ttl < 0 || r->max_ttl < 0 || r->not_before_duration < 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "ttl, max_ttl and not_before_duration: not negative");
	if (r->max_ttl > 0 && r->ttl > r->max_ttl)
		return error_set(e, FAIL_BAD_INPUT,
		    "\"ttl\" value must be less than \"max_ttl\" value");
	if (r->not_after[0] != '\0' &&
	    !pki_time_parse(r->not_after, &r->not_after_s))
		return bad("not_after", r->not_after, e);
	if (r->not_before[0] != '\0' &&
	    !pki_time_parse(r->not_before, &r->not_before_s))
		return bad("not_before", r->not_before, e);
	if (!among(r->not_after_bound, after) &&
	    !pki_time_parse(r->not_after_bound, &r->not_after_bound_s))
		return bad("not_after_bound", r->not_after_bound, e);
	return among(r->not_before_bound, before) ||
	    bad("not_before_bound", r->not_before_bound, e);
}

bool
role_check(struct pki_role *r, struct error *e)
{
	static const char *const sources[] = { "json-csr", "json", "", NULL };

	if (!check_times(r, e) || !check_key(r, e) ||
	    !check_validations(r, e) || !check_lists(r, e))
		return false;
	if (!among(r->serial_number_source, sources))
		return bad("serial_number_source", r->serial_number_source, e);
	return pki_name_valid(r->issuer_ref) ||
	    bad("issuer_ref", r->issuer_ref, e);
}

/* ---- at writing ---------------------------------------------------------- */

static int
add_piece(const char *piece, size_t n, void *arg)
{
	buf_add(arg, piece, n);
	return 0;
}

static void
add_policy(json_t *list, const json_t *v)
{
	auto_buf struct buf text = { 0 };

	if (json_is_string(v))
		buf_add_str(&text, json_string_value(v));
	else
		(void)json_dump_callback(v, add_piece, &text,
		    JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	(void)json_array_append_new(list, json_string(buf_cstr(&text)));
}

static void
add_split(json_t *list, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, ","), skip = strspn(text, " ");

		if (n > skip)
			(void)json_array_append_new(list,
			    json_stringn(text + skip, n - skip));
		text += n + (text[n] == ',');
	}
}

/* A comma list, a list, or a list of objects, each also as JSON inside a string. */
static bool
policies(json_t *doc, struct error *e)
{
	json_t *v = json_object_get(doc, "policy_identifiers"),
	       *list = json_array(), *parsed = NULL;
	const char *text = json_string_value(v);
	size_t i;
	json_t *one;

	if (text != NULL && text[0] == '[')
		v = parsed = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	else if (text != NULL)
		add_split(list, text);
	if (text == NULL || text[0] == '[') {
		json_array_foreach(v, i, one) add_policy(list, one);
	}
	json_decref(parsed);
	if ((text == NULL && !json_is_array(v) && !json_is_null(v)) ||
	    (text != NULL && text[0] == '[' && parsed == NULL)) {
		json_decref(list);
		return error_set(e, FAIL_BAD_INPUT,
		    "policy_identifiers: neither OIDs nor a list of objects");
	}
	(void)json_object_set_new(doc, "policy_identifiers", list);
	return true;
}

bool
pki_role_normalise(json_t *doc, bool *no_lease, struct error *e)
{
	const char *type = json_string_value(json_object_get(doc, "key_type"));
	const char *ref = json_string_value(json_object_get(doc, "issuer_ref"));
	int64_t bits = json_integer_value(json_object_get(doc, "key_bits"));

	/* null and "" are no issuer's name: as if nothing had been said. */
	if (ref != NULL && ref[0] == '\0')
		(void)json_object_set_new(doc, "issuer_ref",
		    json_string("default"));
	*no_lease = json_is_true(json_object_get(doc, "no_store")) &&
	    json_is_true(json_object_get(doc, "generate_lease"));
	if (*no_lease)
		(void)json_object_set_new(doc, "generate_lease", json_false());
	if (type != NULL && bits == 0 && strcmp(type, "rsa") == 0)
		(void)json_object_set_new(doc, "key_bits", json_integer(2048));
	if (type != NULL && bits == 0 && strcmp(type, "ec") == 0)
		(void)json_object_set_new(doc, "key_bits", json_integer(256));
	return policies(doc, e);
}
