/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <chancery/ceremony/home.h>
#include <chancery/hsm/hsm.h>

#include "cli.h"
#include "daemon.h"

DEFINE_AUTO(json, json_t *, json_decref)
#define auto_json auto_cleanup(json_cleanup)

static struct yaml_doc *
service_of(const struct cli *c, struct service_config *cfg, struct error *e)
{
	const char *dir = cli_home_dir(c, e);

	return dir != NULL ? service_config_open(dir, cfg, NULL, e) : NULL;
}

/* Valid until the JSON goes. */
static const char *
text_of(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	return s != NULL ? s : "";
}

static int64_t
number_of(const json_t *v, const char *key)
{
	return json_integer_value(json_object_get(v, key));
}

/* ---- status ----------------------------------------------------------------- */

static void
room_row(struct doc *d, const json_t *room)
{
	struct doc *row = doc_row(d, "rooms", "rooms");

	doc_text(row, "name", "room", text_of(room, "name"));
	doc_text(row, "state", "state", text_of(room, "state"));
	doc_int(row, "pid", "pid", number_of(room, "pid"));
	doc_int(row, "restarts", "restarts", number_of(room, "restarts"));
	doc_int(row, "seconds", "for seconds", number_of(room, "seconds"));
	doc_text(row, "sandbox", "sandbox", text_of(room, "sandbox"));
	doc_text(row, "why", "why", text_of(room, "why"));
}

static void
token_row(struct doc *d, const json_t *token)
{
	struct doc *row = doc_row(d, "tokens", "tokens");

	doc_text(row, "name", "token", text_of(token, "name"));
	doc_text(row, "pin", "PIN", text_of(token, "pin"));
}

static json_t *
supervisor_json(const struct service_config *cfg, struct error *e)
{
	auto_buf struct buf text = { 0 };
	json_t *v;

	if (!supervisor_status(cfg, &text, e))
		return NULL;
	v = json_loadb((const char *)text.p, text.n, 0, NULL);
	if (v == NULL)
		error_set(e, FAIL_INTERNAL, "chanceryd answers no JSON");
	return v;
}

/* For what watches the service: signatures are to be had, or the reason why not. */
static bool
check_ready(const json_t *rooms, struct error *e)
{
	const json_t *room;
	size_t i;

	for (i = 0; (room = json_array_get(rooms, i)) != NULL; i++)
		if (strcmp(text_of(room, "state"), "ready") != 0)
			return error_set(e, FAIL_BUSY, "%s: %s: %s",
			    text_of(room, "name"), text_of(room, "state"),
			    text_of(room, "why"));
	return true;
}

/* sys/health answers 200, 429, 472, 473, 501, 503 with the same body: all are answers. */
static void
health_of(const struct cli *c, const struct service_config *cfg)
{
	auto_json json_t *health = NULL;
	struct error e = { 0 };
	long status = 0;

	if (!daemon_call(cfg, "GET", "sys/health", NULL, &status, &health,
		&e)) {
		doc_text(c->doc, "api", "API", "no answer");
		return;
	}
	doc_text(c->doc, "api", "API", "answers");
	doc_bool(c->doc, "initialized", "initialised",
	    json_is_true(json_object_get(health, "initialized")));
	doc_bool(c->doc, "sealed", "sealed",
	    json_is_true(json_object_get(health, "sealed")));
}

/* The worst that is said of a place: "current", "behind", "failing", "alarm". */
static void
publication_of(const struct cli *c, const struct service_config *cfg)
{
	static const char *const order[] = { "current", "behind", "failing",
		"alarm" };
	auto_json json_t *answer = NULL;
	struct error e = { 0 };
	const char *name;
	size_t worst = 0;
	json_t *t;

	if (cfg->publish.n == 0 ||
	    !daemon_ask(cfg, "GET", "sys/internal/chancery/publish", NULL,
		&answer, &e))
		return;
	json_object_foreach(json_object_get(json_object_get(answer, "data"),
				"targets"),
	    name, t)
	{
		for (size_t i = worst; i < countof(order); i++)
			if (strcmp(text_of(t, "state"), order[i]) == 0)
				worst = i;
	}
	doc_text(c->doc, "publication", "publication", order[worst]);
}

static bool
run_status(struct cli *c, struct error *e)
{
	struct service_config cfg;
	auto_yaml_doc struct yaml_doc *doc = service_of(c, &cfg, e);
	auto_json json_t *v = doc != NULL ? supervisor_json(&cfg, e) : NULL;
	const json_t *one;
	size_t i;

	if (v == NULL ||
	    (cli_has(c, "ready") &&
		!check_ready(json_object_get(v, "rooms"), e)))
		return false;
	doc_text(c->doc, "version", "chanceryd", text_of(v, "version"));
	doc_int(c->doc, "pid", "pid", number_of(v, "pid"));
	doc_text(c->doc, "users", "users",
	    json_is_true(json_object_get(v, "single_user")) ? "single-user"
							    : "one a room");
	doc_text(c->doc, "sandbox", "sandbox", text_of(v, "sandbox"));
	health_of(c, &cfg);
	publication_of(c, &cfg);
	doc_list(c->doc, "rooms", "rooms");
	for (i = 0;
	     (one = json_array_get(json_object_get(v, "rooms"), i)) != NULL;
	     i++)
		room_row(c->doc, one);
	doc_list(c->doc, "tokens", "tokens");
	for (i = 0;
	     (one = json_array_get(json_object_get(v, "tokens"), i)) != NULL;
	     i++)
		token_row(c->doc, one);
	return true;
}

/* ---- unseal ------------------------------------------------------------------ */

/* The token that lacks one, when nobody said which. */
static char *
token_to_unseal(const struct service_config *cfg, struct error *e)
{
	auto_json json_t *v = supervisor_json(cfg, e);
	const char *found = NULL;
	const json_t *one;
	size_t i;

	if (v == NULL)
		return NULL;
	for (i = 0;
	     (one = json_array_get(json_object_get(v, "tokens"), i)) != NULL;
	     i++) {
		if (strcmp(text_of(one, "pin"), "known") == 0)
			continue;
		if (found != NULL) {
			error_set(e, FAIL_USAGE,
			    "tokens %s and %s lack a PIN: say which one", found,
			    text_of(one, "name"));
			return NULL;
		}
		found = text_of(one, "name");
	}
	if (found != NULL)
		return mem_strdup(found);
	error_set(e, FAIL_NOT_FOUND, "no token lacks a PIN");
	return NULL;
}

static struct secret *
read_pin(const struct cli *c, struct error *e)
{
	const char *source = cli_flag(c, "pin");
	struct hsm_pin_source src;

	if (!hsm_pin_source_parse(source != NULL ? source : "prompt", &src, e))
		return NULL;
	return hsm_pin_read(&src, e);
}

static bool
run_unseal(struct cli *c, struct error *e)
{
	struct service_config cfg;
	auto_yaml_doc struct yaml_doc *doc = service_of(c, &cfg, e);
	auto_mem char *token = NULL;
	struct secret *pin;
	bool ok;

	if (doc == NULL)
		return false;
	token = c->args > 0 ? mem_strdup(c->arg[0]) : token_to_unseal(&cfg, e);
	if (token == NULL || (pin = read_pin(c, e)) == NULL)
		return false;
	ok = supervisor_unseal(&cfg, token, pin, e);
	secret_free(pin);
	if (!ok)
		return false;
	doc_text(c->doc, "token", "PIN given for", token);
	doc_say(c->doc,
	    "\"chancery status\" tells what the signer says to it.");
	return true;
}

/* ---- token root ---------------------------------------------------------------- */

static bool
run_token_root(struct cli *c, struct error *e)
{
	struct service_config cfg;
	auto_yaml_doc struct yaml_doc *doc = service_of(c, &cfg, e);
	auto_json json_t *answer = NULL;
	auto_json json_t *body = json_object();
	const json_t *data;

	if (doc == NULL)
		return false;
	if (!daemon_ask(&cfg, "POST", "sys/internal/chancery/root-token", body,
		&answer, e))
		return false;
	data = json_object_get(answer, "data");
	if (*text_of(data, "token") == '\0')
		return error_set(e, FAIL_INTERNAL, "an answer without a token");
	/* Alone on its line: VAULT_TOKEN=$(chancery token root). */
	doc_text(c->doc, "token", NULL, text_of(data, "token"));
	doc_text(c->doc, "accessor", NULL, text_of(data, "accessor"));
	doc_say(c->doc, "%s", text_of(data, "token"));
	return true;
}

static const struct flag status_flags[] = {
	{ "ready", NULL,
	    "fail unless both rooms are ready: for what watches the service",
	    false, false },
	{ 0 },
};
static const struct flag unseal_flags[] = {
	{ "pin", "SOURCE",
	    "fd:N, file:PATH, credential:NAME; prompt by default", false,
	    false },
	{ 0 },
};

const struct command service_commands[] = {
	{ "status", "", "what chanceryd and its rooms do", 0, 0, status_flags,
	    true, run_status, "Fails when it does not run." },
	{ "unseal", "[TOKEN]", "give chanceryd the PIN of a token", 0, 1,
	    unseal_flags, true, run_unseal,
	    "For a token whose PIN is missing or was refused: a refused PIN is "
	    "not tried again by itself. The PIN goes to the signer unread." },
	{ "token root", "", "a root token of the running service", 0, 0, NULL,
	    true, run_token_root,
	    "Over the unix socket: for root, the service's own user and "
	    "socket_root_uids. Recorded in the register." },
};
const size_t service_commands_n = countof(service_commands);
