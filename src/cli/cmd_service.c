/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <chancery/base/secret_source.h>
#include <chancery/ceremony/home.h>

#include "cli.h"
#include "daemon.h"

/* ---- status ----------------------------------------------------------------- */

static void
room_row(struct doc *d, const json_t *room)
{
	struct doc *row = doc_row(d, "rooms", "rooms");

	doc_text(row, "name", "room", json_text(room, "name"));
	doc_text(row, "state", "state", json_text(room, "state"));
	doc_int(row, "pid", "pid", json_number(room, "pid"));
	doc_int(row, "restarts", "restarts", json_number(room, "restarts"));
	doc_int(row, "seconds", "for seconds", json_number(room, "seconds"));
	doc_text(row, "sandbox", "sandbox", json_text(room, "sandbox"));
	doc_text(row, "why", "why", json_text(room, "why"));
}

static void
token_row(struct doc *d, const json_t *token)
{
	struct doc *row = doc_row(d, "tokens", "tokens");

	doc_text(row, "name", "token", json_text(token, "name"));
	doc_text(row, "pin", "PIN", json_text(token, "pin"));
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
		if (strcmp(json_text(room, "state"), "ready") != 0)
			return error_set(e, FAIL_BUSY, "%s: %s: %s",
			    json_text(room, "name"), json_text(room, "state"),
			    json_text(room, "why"));
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
			if (strcmp(json_text(t, "state"), order[i]) == 0)
				worst = i;
	}
	doc_text(c->doc, "publication", "publication", order[worst]);
}

static bool
run_status(struct cli *c, struct error *e)
{
	struct service_config cfg;
	auto_yaml_doc struct yaml_doc *doc = daemon_config(c, &cfg, e);
	auto_json json_t *v = doc != NULL ? supervisor_json(&cfg, e) : NULL;
	const json_t *one;
	size_t i;

	if (v == NULL ||
	    (cli_has(c, "ready") &&
		!check_ready(json_object_get(v, "rooms"), e)))
		return false;
	doc_text(c->doc, "version", "chanceryd", json_text(v, "version"));
	doc_int(c->doc, "pid", "pid", json_number(v, "pid"));
	doc_text(c->doc, "users", "users",
	    json_is_true(json_object_get(v, "single_user")) ? "single-user"
							    : "one a room");
	doc_text(c->doc, "sandbox", "sandbox", json_text(v, "sandbox"));
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
		if (strcmp(json_text(one, "pin"), "known") == 0)
			continue;
		if (found != NULL) {
			error_set(e, FAIL_USAGE,
			    "tokens %s and %s lack a PIN: say which one", found,
			    json_text(one, "name"));
			return NULL;
		}
		found = json_text(one, "name");
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

	return secret_from(source != NULL ? source : "prompt", "PIN",
	    LIMIT_PIN_BYTES, e);
}

static bool
run_unseal(struct cli *c, struct error *e)
{
	struct service_config cfg;
	auto_yaml_doc struct yaml_doc *doc = daemon_config(c, &cfg, e);
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
	auto_yaml_doc struct yaml_doc *doc = daemon_config(c, &cfg, e);
	auto_json json_t *answer = NULL;
	auto_json json_t *body = json_object();
	const json_t *data;

	if (doc == NULL)
		return false;
	if (!daemon_ask(&cfg, "POST", "sys/internal/chancery/root-token", body,
		&answer, e))
		return false;
	data = json_object_get(answer, "data");
	if (*json_text(data, "token") == '\0')
		return error_set(e, FAIL_INTERNAL, "an answer without a token");
	/* Alone on its line: VAULT_TOKEN=$(chancery token root). */
	doc_text(c->doc, "token", NULL, json_text(data, "token"));
	doc_text(c->doc, "accessor", NULL, json_text(data, "accessor"));
	doc_say(c->doc, "%s", json_text(data, "token"));
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
