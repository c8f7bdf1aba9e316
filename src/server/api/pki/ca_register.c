/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issuers/import/register: the log of an offline authority. The signer verifies and records it
 * and puts its lists in place; here its certificates become issuers of the mount, without key,
 * and the store gets its rows.
 */
#include <chancery/base/text.h>
#include <chancery/config/service.h>
#include <chancery/server/catchup.h>

#include "engine.h"

struct takein {
	struct import *import;
	json_t *told; /* by the signer */
	struct store *store;
	const char *register_dir;
	struct error why; /* of the rows */
};

static void
takein_free(void *state)
{
	struct takein *t = state;

	ca_import_free(t->import);
	json_decref(t->told);
	mem_free(t);
}

static void
put_rows(void *state)
{
	struct takein *t = state;

	error_clear(&t->why);
	if (!catchup_imports(t->store, t->register_dir, &t->why) &&
	    t->why.why == FAIL_NONE)
		t->why.why = FAIL_INTERNAL;
}

static void
copy_told(const struct takein *t, json_t *data)
{
	static const char *const names[] = { "lists", "n", "origin", "root",
		"size", "vkey" };

	for (size_t i = 0; i < countof(names); i++)
		(void)json_object_set(data, names[i],
		    json_object_get(t->told, names[i]));
}

static void
rows_put(struct call *c)
{
	struct takein *t = c->state;
	json_t *data;

	if (t->why.why != FAIL_NONE)
		call_warn(c,
		    "it is recorded and its lists are served; the store takes "
		    "its certificates at the next start: %s",
		    t->why.msg);
	if (json_array_size(json_object_get(t->told, "issuers")) == 0)
		call_warn(c,
		    "the log has no certificate of its own authority: give it "
		    "to issuers/import/bundle");
	data = import_answer(t->import);
	copy_told(t, data);
	call_ok(c, data);
}

static void
recorded(struct call *c)
{
	if (c->reply->ok)
		call_offload(c, put_rows, rows_put);
	else
		call_fail_reply(c);
}

/* The newest root serves, unless somebody chose another one. */
static bool
build(struct call *c, struct changes *ch)
{
	struct takein *t = c->state;
	const char *top;

	import_changes(c, ch, t->import);
	top = import_top(t->import);
	if (*top != '\0')
		put_default(c, ch, "issuers", top, false);
	return true;
}

static bool
add_issuers(struct takein *t, struct error *e)
{
	const json_t *list = json_object_get(t->told, "issuers"), *one;
	size_t i;

	for (i = 0; (one = json_array_get(list, i)) != NULL; i++) {
		auto_buf struct buf der = { 0 };

		if (!base64_decode(json_string_value(one),
			json_string_length(one), &der))
			return error_set(e, FAIL_INTERNAL,
			    "the signer told no base64");
		if (!import_add(t->import, buf_bytes(&der), e))
			return false;
	}
	return true;
}

static void
taken(struct call *c)
{
	struct takein *t = c->state;
	struct error e;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	t->told =
	    json_loadb((const char *)c->reply->sig.p, c->reply->sig.n, 0, NULL);
	if (add_issuers(t, &e))
		call_change(c, "pki issuers imported", build, recorded);
	else
		call_fail(c, &e);
}

static bool
decode(struct call *c, struct buf *out, struct error *e)
{
	const char *text = call_str(c, "bundle");
	size_t n = strlen(text);

	if (n == 0)
		return error_set(e, FAIL_BAD_INPUT, "bundle: missing");
	/* In base64 four for three. */
	if (n / 4 * 3 > LIMIT_BUNDLE_BYTES + 2)
		return error_set(e, FAIL_BAD_INPUT,
		    "bundle: larger than %d octets", LIMIT_BUNDLE_BYTES);
	return base64_decode(text, n, out) ||
	    error_set(e, FAIL_BAD_INPUT, "bundle: not base64");
}

void
import_register(struct call *c)
{
	struct takein *t = mem_calloc(1, sizeof(*t));
	auto_buf struct buf bundle = { 0 };
	struct lane_import req = { .mount = c->mount->path,
		.vkey = call_str(c, "vkey") };
	struct error e;

	t->import = import_new();
	t->store = c->store;
	t->register_dir = c->settings->register_dir;
	c->state = t;
	c->state_free = takein_free;
	if (!decode(c, &bundle, &e)) {
		call_fail(c, &e);
		return;
	}
	req.bundle = buf_bytes(&bundle);
	call_import(c, &req, taken);
}
