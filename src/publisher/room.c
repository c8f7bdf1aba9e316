/* SPDX-License-Identifier: Apache-2.0 */
/* Sandbox, loop, end. */
#include <stdlib.h>

#include <curl/curl.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/log.h>
#include <chancery/sandbox/sandbox.h>

#include "press.h"

#define MS INT64_C(1000000)
/* Signs of life come twice as often as they are missed. */
#define ALIVE_EVERY_MS (ROOM_ALIVE_MS / 2)
#define POLL_MS 500

/* ---- sandbox ------------------------------------------------------------------ */

#define PATHS_MAX                                                              \
	(3 * SERVICE_VAULTS_MAX + 7 * SERVICE_TARGETS_MAX +                    \
	    SERVICE_TOKENS_MAX + 12)

static void
add_path(struct sandbox_options *opt, struct sandbox_path *path,
    enum sandbox_kind kind, const char *at)
{
	path[opt->paths++] = (struct sandbox_path){ kind, at };
}

/* No directory may be granted in which these lie. */
static void
add_hidden(const struct service_config *c, struct sandbox_options *opt,
    struct sandbox_path *path)
{
	const char *const others[] = { c->register_dir, c->anchor_dir,
		c->soft_token_dir, c->crl_dir, c->run_dir, c->server.store,
		c->server.socket, c->server.tls.key };
	const struct service_token *t = c->tokens.v;

	for (size_t i = 0; i < countof(others); i++)
		add_path(opt, path, SANDBOX_NEVER, others[i]);
	for (size_t i = 0; i < c->tokens.n && i < SERVICE_TOKENS_MAX; i++)
		add_path(opt, path, SANDBOX_NEVER, service_pin_file(t[i].pin));
}

/* Lists come by descriptor: there is no right to where the signer keeps them. */
static void
add_target(const struct service_target *t, struct sandbox_options *opt,
    struct sandbox_path *path)
{
	const char *const files[] = { t->token_file, t->password_file,
		t->keys_file, t->ca_certificate, t->client_certificate,
		t->client_key };

	for (size_t i = 0; i < countof(files); i++)
		add_path(opt, path, SANDBOX_TLS, files[i]);
	add_path(opt, path, SANDBOX_PUBLISH, t->directory);
}

static bool
enter_sandbox(const struct service_config *c, struct error *e)
{
	struct sandbox_path path[PATHS_MAX];
	struct sandbox_options opt = { .path = path };
	const struct service_vault *v = c->vault.v;
	const struct service_target *t = c->publish.v;
	struct sandbox_status status;

	for (size_t i = 0; i < c->vault.n && i < SERVICE_VAULTS_MAX; i++) {
		add_path(&opt, path, SANDBOX_TLS, v[i].ca_certificate);
		add_path(&opt, path, SANDBOX_TLS, v[i].client_certificate);
		add_path(&opt, path, SANDBOX_TLS, v[i].client_key);
	}
	for (size_t i = 0; i < c->publish.n && i < SERVICE_TARGETS_MAX; i++)
		add_target(&t[i], &opt, path);
	add_hidden(c, &opt, path);
	if (!sandbox_enter(SANDBOX_PUBLISHER, &opt, &status, e))
		return false;
	log_line(LOG_LEVEL_INFO, "publisher: %s", sandbox_text());
	return true;
}

/* ---- the loop -------------------------------------------------------------------- */

static unsigned
fill_fds(const struct publisher *p, struct curl_waitfd *fds)
{
	const struct desk *d;
	unsigned n = 0;

	fds[n++] = (struct curl_waitfd){ ROOM_FD_CONTROL, CURL_WAIT_POLLIN, 0 };
	fds[n++] =
	    (struct curl_waitfd){ presses_fd(p->presses), CURL_WAIT_POLLIN, 0 };
	LIST_FOREACH(d, &p->desks, link)
	fds[n++] = (struct curl_waitfd){ port_fd(d->port),
		(short)(CURL_WAIT_POLLIN |
		    (port_is_full(d->port) ? CURL_WAIT_POLLOUT : 0)),
		0 };
	return n;
}

static void
each_desk(struct publisher *p, bool (*fn)(struct desk *d))
{
	struct desk *d, *next;

	for (d = LIST_FIRST(&p->desks); d != NULL; d = next) {
		next = LIST_NEXT(d, link);
		(void)!fn(d);
	}
}

static void
say_alive(struct publisher *p)
{
	int64_t now = clock_mono_ns();

	if (now - p->alive_ns < ALIVE_EVERY_MS * MS)
		return;
	p->alive_ns = now;
	publisher_say(ROOM_ALIVE, (struct bytes){ 0 });
}

/* What came is begun in the pass that brought it: read, then begin, then wait. */
static void
pass(struct publisher *p)
{
	struct curl_waitfd fds[SERVICE_WORKERS_MAX + 2];
	unsigned n;

	publisher_control(p);
	each_desk(p, desk_read);
	presses_collect(p->presses);
	outsides_poll(p->outsides, NULL, 0, 0);
	each_desk(p, desk_flush);
	n = fill_fds(p, fds);
	outsides_poll(p->outsides, fds, n, POLL_MS);
	each_desk(p, desk_flush);
	say_alive(p);
}

int
publisher_run(struct publisher *p)
{
	struct error e = { 0 };

	LIST_INIT(&p->desks);
	if (!publisher_settings(p, &e) || !publisher_desks(p, &e)) {
		log_line(LOG_LEVEL_ERROR, "publisher: %s", e.msg);
		return ROOM_EXIT_CONFIG;
	}
	log_set_level((enum log_level)service_log_level(p->cfg.log_level));
	if (!enter_sandbox(&p->cfg, &e) ||
	    (p->outsides = outsides_new(&p->cfg, &e)) == NULL ||
	    (p->presses = presses_new(&p->cfg, &e)) == NULL) {
		log_line(LOG_LEVEL_ERROR, "publisher: %s", e.msg);
		return ROOM_EXIT_CONFIG;
	}
	publisher_say(ROOM_READY, bytes_str(sandbox_text()));
	while (!p->stopping)
		pass(p);
	while (!LIST_EMPTY(&p->desks))
		desk_close(LIST_FIRST(&p->desks));
	presses_free(p->presses);
	outsides_free(p->outsides);
	yaml_doc_free(p->doc);
	return ROOM_EXIT_OK;
}
