/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery-server: TLS, HTTP, JSON, who may, roles, requests, TBS. Started by chanceryd
 * (wire/room.h); never loads a PKCS#11 module, never sees a PIN.
 */
#include <signal.h>
#include <stdio.h>

#include <chancery/base/clock.h>
#include <chancery/base/log.h>
#include <chancery/base/secret.h>
#include <chancery/sandbox/sandbox.h>
#include <chancery/server/http.h>
#include <chancery/server/request.h>

#include "room.h"

/* The directory of a path; mem_free. */
static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return mem_printf("%.*s", slash != NULL ? (int)(slash - path) : 1,
	    slash != NULL ? path : ".");
}

/* No directory of ours may be granted in which these lie. */
static void
add_pin_files(const struct service_config *c, struct sandbox_options *opt,
    struct sandbox_path *path)
{
	const struct service_token *t = c->tokens.v;

	for (size_t i = 0; i < c->tokens.n && i < SERVICE_TOKENS_MAX; i++)
		path[opt->paths++] = (struct sandbox_path){ SANDBOX_NEVER,
			service_pin_file(t[i].pin) };
}

#define PATHS 8
static bool
enter_sandbox(const struct room *r, struct error *e)
{
	const struct service_config *c = &r->cfg;
	const struct service_tls *t = &c->server.tls;
	const char *log = c->server.access_log;
	auto_mem char *store = directory_of(c->server.store);
	struct sandbox_path paths[PATHS + SERVICE_TOKENS_MAX] = {
		{ SANDBOX_STORE, store },
		{ SANDBOX_REGISTER, c->register_dir },
		{ SANDBOX_CRL, c->crl_dir },
		{ SANDBOX_TLS, t->certificate },
		{ SANDBOX_TLS, t->key },
		{ SANDBOX_TLS, t->client_ca },
		{ SANDBOX_LOG, log != NULL && *log == '/' ? log : NULL },
		{ SANDBOX_NEVER, c->soft_token_dir },
	};
	struct sandbox_options opt = { .path = paths, .paths = PATHS };
	struct sandbox_status status;
	char text[SANDBOX_TEXT_SIZE];

	add_pin_files(c, &opt, paths);
	if (!sandbox_enter(SANDBOX_SERVER, &opt, &status, e))
		return false;
	sandbox_status_text(&status, text);
	log_line(LOG_LEVEL_INFO, "server: %s", text);
	return true;
}

static int
complain(const struct error *e, int status)
{
	log_line(LOG_LEVEL_ERROR, "server: %s", e->msg);
	return status;
}

static int
serve_room(void)
{
	static struct room room;
	struct error e = { 0 };

	if (!room_read_settings(&room, &e) || !room_read_table(&room, &e))
		return complain(&e, ROOM_EXIT_CONFIG);
	log_set_level((enum log_level)service_log_level(room.cfg.log_level));
	if (!enter_sandbox(&room, &e))
		return complain(&e, ROOM_EXIT_CONFIG);
	if (!room_open(&room, &e))
		return complain(&e,
		    e.why == FAIL_ROLLBACK ? ROOM_EXIT_REGISTER : 1);
	if (!room_start(&room, &e) || !room_control(&room, &e) ||
	    !room_close(&room, &e))
		return complain(&e, 1);
	yaml_doc_free(room.doc);
	return ROOM_EXIT_OK;
}

static int
print_markdown(void)
{
	auto_buf struct buf out = { 0 };

	api_markdown(api_backends, &out);
	return fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0
	    ? 0
	    : 1;
}

int
main(int argc, char **argv)
{
	http_memory_init();
	if (argc == 2 && strcmp(argv[1], "--api-markdown") == 0)
		return print_markdown();
	if (argc != 1) {
		(void)fprintf(stderr,
		    "chancery-server is started by chanceryd; "
		    "--api-markdown prints docs/api.md\n");
		return 64;
	}
	secret_harden_process();
	room_end_on_sigterm();
	request_json_init();
	return room_ended(serve_room());
}
