/* SPDX-License-Identifier: Apache-2.0 */
/* tidy, tidy-cancel, tidy-status: what callers see of it. */
#include <chancery/server/api.h>
#include <chancery/server/request.h>

#include "tidy.h"

struct start {
	json_t *options;
};

static void
start_free(void *state)
{
	struct start *s = state;

	json_decref(s->options);
	mem_free(s);
}

static const struct doc *
state_doc(struct call *c)
{
	return docs_get(c->docs, TIDY_KIND, c->mount->path, TIDY_STATE);
}

static const char *
state_word(const struct doc *doc)
{
	const char *s = doc != NULL
	    ? json_string_value(json_object_get(doc->json, "state"))
	    : NULL;

	return s != NULL ? s : "Inactive";
}

static bool
is_running(const struct doc *doc)
{
	return strcmp(state_word(doc), "Running") == 0;
}

/* ---- tidy --------------------------------------------------------------------------- */

static bool
build_start(struct call *c, struct changes *ch)
{
	const struct start *s = c->state;
	auto_doc const struct doc *now = state_doc(c);

	if (is_running(now)) {
		call_warn(c, "Tidy operation already in progress.");
		call_ok(c, NULL);
		return false;
	}
	change_put(ch, TIDY_KIND, c->mount->path, TIDY_STATE,
	    json_pack("{s:O,s:s,s:I,s:I,s:I,s:s,s:I,s:i,s:i,s:i}", "options",
		s->options, "state", "Running", "started", (json_int_t)c->now_s,
		"finished", (json_int_t)0, "last",
		(json_int_t)(now != NULL ? tidy_int(now->json, "finished") : 0),
		"at", "", "below", (json_int_t)api_position(c->api), "certs", 0,
		"revoked", 0, "issuers", 0));
	return true;
}

static void
started(struct call *c)
{
	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	tidier_wanted(c->mount->path);
	call_warn(c,
	    "Tidy operation successfully started. tidy-status tells how far "
	    "it is.");
	call_accepted(c);
}

void
tidy_start(struct call *c)
{
	struct start *s = mem_calloc(1, sizeof(*s));
	auto_json json_t *in = call_all(c);
	struct error e;

	c->state = s;
	c->state_free = start_free;
	/* As upstream: one buffer for both, unless told otherwise. */
	if (!call_given(c, "revoked_safety_buffer"))
		(void)json_object_set(in, "revoked_safety_buffer",
		    json_object_get(in, "safety_buffer"));
	s->options = tidy_options(in, &e);
	if (s->options == NULL) {
		call_fail(c, &e);
	} else if (!tidy_wants_any(s->options)) {
		call_warn(c,
		    "Manual tidy requested but no tidy operations were set. "
		    "Enable at least one tidy operation to be run "
		    "(tidy_cert_store / tidy_revoked_certs / "
		    "tidy_expired_issuers).");
		call_accepted(c);
	} else {
		call_change(c, "pki tidy begun", build_start, started);
	}
}

/* ---- tidy-status -------------------------------------------------------------------- */

static json_t *
when(int64_t s)
{
	char text[TIME_TEXT_SIZE];

	if (s == 0)
		return json_null();
	time_format_s(s, text);
	return json_string(text);
}

static const char *const counted[][2] = {
	{ "cert_store_deleted_count", "certs" },
	{ "revoked_cert_deleted_count", "revoked" },
	/* Every row names its issuer's key; ACME is not here. */
	{ "missing_issuer_cert_count", "" },
	{ "total_acme_account_count", "" },
	{ "acme_account_deleted_count", "" },
	{ "acme_account_revoked_count", "" },
	{ "acme_orders_deleted_count", "" },
};

/* Everything null, as when none ever ran. */
static json_t *
blank(struct call *c)
{
	static const char *const others[] = { "error", "message",
		"time_started", "time_finished", "page_size", "pause_duration",
		"current_cert_store_count", "current_revoked_cert_count" };
	json_t *o = json_pack("{s:s,s:s}", "state", "Inactive",
	    "internal_backend_uuid", c->mount->uuid);

	for (size_t i = 0; i < countof(others); i++)
		(void)json_object_set_new(o, others[i], json_null());
	for (size_t i = 0; i < countof(counted); i++)
		(void)json_object_set_new(o, counted[i][0], json_null());
	for (size_t i = 0; tidy_switches[i] != NULL; i++)
		(void)json_object_set_new(o, tidy_switches[i], json_null());
	for (size_t i = 0; tidy_buffers[i] != NULL; i++)
		(void)json_object_set_new(o, tidy_buffers[i], json_null());
	return o;
}

static void
add_options(json_t *o, const json_t *options)
{
	for (size_t i = 0; tidy_switches[i] != NULL; i++)
		(void)json_object_set(o, tidy_switches[i],
		    json_object_get(options, tidy_switches[i]));
	for (size_t i = 0; tidy_buffers[i] != NULL; i++)
		(void)json_object_set(o, tidy_buffers[i],
		    json_object_get(options, tidy_buffers[i]));
	(void)json_object_set_new(o, "pause_duration",
	    tidy_pause_json(tidy_int(options, "pause_ms")));
	(void)json_object_set_new(o, "page_size",
	    json_integer(tidy_int(options, "page_size")));
}

static const char *
shown_state(const struct doc *doc, const char *mount)
{
	return is_running(doc) && tidier_is_cancelled(mount) ? "Cancelling"
							     : state_word(doc);
}

static void
add_run(json_t *o, const struct doc *doc, const char *mount)
{
	const json_t *d = doc->json;
	int64_t finished = tidy_int(d, "finished"),
		last = finished != 0 ? finished : tidy_int(d, "last");
	const char *error = json_string_value(json_object_get(d, "error"));

	(void)json_object_set_new(o, "state",
	    json_string(shown_state(doc, mount)));
	(void)json_object_set_new(o, "time_started",
	    when(tidy_int(d, "started")));
	(void)json_object_set_new(o, "time_finished", when(finished));
	if (last != 0)
		(void)json_object_set_new(o, "last_auto_tidy_finished",
		    when(last));
	if (error != NULL)
		(void)json_object_set_new(o, "error", json_string(error));
	for (size_t i = 0; i < countof(counted); i++)
		(void)json_object_set_new(o, counted[i][0],
		    json_integer(tidy_int(d, counted[i][1])));
	add_options(o, json_object_get(d, "options"));
}

/* They are counted all the time; shown to who asked for them. */
static void
add_counts(struct call *c, json_t *o)
{
	auto_json json_t *cfg =
	    config_get(c->docs, c->mount->path, "auto-tidy");
	uint64_t certs, revoked;
	struct error ignored;

	if (!tidy_bool(cfg, "maintain_stored_certificate_counts") ||
	    !store_cert_count(c->store, c->mount->path, &certs, &revoked,
		&ignored))
		return;
	(void)json_object_set_new(o, "current_cert_store_count",
	    json_integer((json_int_t)certs));
	(void)json_object_set_new(o, "current_revoked_cert_count",
	    json_integer((json_int_t)revoked));
}

void
tidy_status(struct call *c)
{
	auto_doc const struct doc *doc = state_doc(c);
	json_t *o = blank(c);

	if (doc != NULL)
		add_run(o, doc, c->mount->path);
	add_counts(c, o);
	call_ok(c, o);
}

void
tidy_cancel(struct call *c)
{
	auto_doc const struct doc *doc = state_doc(c);

	if (!is_running(doc)) {
		call_warn(c,
		    "Tidy operation cannot be cancelled as none is currently "
		    "running.");
		call_ok(c, NULL);
		return;
	}
	tidier_cancel(c->mount->path);
	tidy_status(c);
}
