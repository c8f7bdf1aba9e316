/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include <chancery/base/crypto.h>

#define FLAGS (JSON_REJECT_DUPLICATES)

static json_t *
load(struct bytes body)
{
	return json_loadb((const char *)body.p, body.n, FLAGS, NULL);
}

static bool
bad(struct error *e, const char *what)
{
	return error_set(e, FAIL_BAD_INPUT,
	    "its answer is not one of lookup-self: %s", what);
}

static bool
read_text(const json_t *data, const char *key, bool required, const char **out,
    struct error *e)
{
	const json_t *v = json_object_get(data, key);

	*out = json_string_value(v);
	if (*out == NULL && (required || (v != NULL && !json_is_null(v))))
		return bad(e, key);
	return true;
}

static bool
read_number(const json_t *data, const char *key, int64_t *out, struct error *e)
{
	const json_t *v = json_object_get(data, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return bad(e, key);
	*out = json_integer_value(v);
	return true;
}

/* Appended; null and absent are none, unless it is required. */
static bool
read_texts(const json_t *data, const char *key, bool required,
    struct job_texts *out, struct error *e)
{
	const json_t *list = json_object_get(data, key);

	if (!required && (list == NULL || json_is_null(list)))
		return true;
	if (!json_is_array(list) ||
	    json_array_size(list) > JOB_TEXTS_MAX - out->n)
		return bad(e, key);
	for (size_t i = 0; i < json_array_size(list); i++) {
		out->v[out->n] = json_string_value(json_array_get(list, i));
		if (out->v[out->n++] == NULL)
			return bad(e, key);
	}
	return true;
}

/* A token without end has no expire_time; "ttl":0 with one has just ended. */
static bool
read_end(const json_t *data, struct job_answer *a, struct error *e)
{
	const json_t *end = json_object_get(data, "expire_time");

	if (end != NULL && !json_is_null(end) && !json_is_string(end))
		return bad(e, "expire_time");
	if (!read_number(data, "ttl", &a->ttl_s, e))
		return false;
	a->expires = json_is_string(end) || a->ttl_s > 0;
	return true;
}

/* A cache or a proxy on the way may have mixed up two callers. */
static bool
is_about(const json_t *data, struct bytes token, struct error *e)
{
	const json_t *id = json_object_get(data, "id");

	if (!json_is_string(id))
		return bad(e, "id");
	return (json_string_length(id) == token.n &&
		   crypto_equal(json_string_value(id), token.p, token.n)) ||
	    error_set(e, FAIL_BAD_INPUT, "its answer is about another token");
}

static bool
read_data(const json_t *data, struct bytes token, struct job_answer *a,
    struct error *e)
{
	int64_t uses;

	if (!json_is_object(data))
		return bad(e, "data");
	if (!is_about(data, token, e))
		return false;
	if (!read_text(data, "accessor", false, &a->accessor, e) ||
	    !read_text(data, "display_name", true, &a->display_name, e) ||
	    !read_text(data, "namespace_path", false, &a->name_space, e) ||
	    !read_texts(data, "policies", true, &a->policies, e) ||
	    !read_texts(data, "identity_policies", false, &a->policies, e) ||
	    !read_texts(data, "bound_cidrs", false, &a->cidrs, e) ||
	    !read_number(data, "num_uses", &uses, e) || !read_end(data, a, e))
		return false;
	a->uses = (uint64_t)uses;
	return true;
}

bool
lookup_read(struct bytes body, struct bytes token, struct lookup *out,
    struct error *e)
{
	struct lookup l = { .doc = load(body) };

	if (!json_is_object(l.doc)) {
		lookup_free(&l);
		return bad(e, "not a JSON object");
	}
	if (!read_data(json_object_get(l.doc, "data"), token, &l.answer, e)) {
		lookup_free(&l);
		return false;
	}
	*out = l;
	return true;
}

void
lookup_free(struct lookup *l)
{
	json_decref(l->doc);
	l->doc = NULL;
}

bool
lookup_is_refusal(struct bytes body)
{
	json_t *doc = load(body);
	bool is = json_is_array(json_object_get(doc, "errors"));

	json_decref(doc);
	return is;
}
