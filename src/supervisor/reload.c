/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP: a configuration with mistakes is reported and the old one stays. */
#include <unistd.h>

#include <chancery/config/pass.h>

#include "supervisor.h"

static bool
same(const struct service_config *a, const struct service_config *b)
{
	auto_buf struct buf x = { 0 }, y = { 0 };

	schema_pack(service_schema, a, &x);
	schema_pack(service_schema, b, &y);
	return bytes_eq(buf_bytes(&x), buf_bytes(&y));
}

/* The signer has no business with the sections of the other rooms at all, except for the
 * number of lanes. */
static struct service_config
with_others(const struct service_config *old, const struct service_config *new)
{
	struct service_config c = *old;
	uint64_t workers = old->server.workers;

	c.log_level = new->log_level;
	c.server = new->server;
	c.server.workers = workers;
	c.vault = new->vault;
	c.publish = new->publish;
	c.user_publisher = new->user_publisher;
	return c;
}

/* And the publisher has its own, and those lanes. */
static struct service_config
with_publisher(const struct service_config *old,
    const struct service_config *new)
{
	struct service_config c = *new;

	c.server.workers = old->server.workers;
	c.vault = old->vault;
	c.publish = old->publish;
	c.user_publisher = old->user_publisher;
	return c;
}

static void
new_settings(struct supervisor *s, enum child_which which, bool restart)
{
	struct child *c = &s->child[which];
	struct error e = { 0 };
	int fd;

	if (c->state == CHILD_HALTED || c->state == CHILD_UNWANTED) {
		if (!child_is_wanted(s, which)) {
			c->state = CHILD_UNWANTED;
			return;
		}
		c->state = CHILD_DOWN;
		c->retry_ms = now_ms();
		c->backoff_ms = SUPER_BACKOFF_MIN_MS;
		return;
	}
	if (!child_is_up(c)) {
		if (!child_is_wanted(s, which))
			c->state = CHILD_UNWANTED;
		return;
	}
	if (restart) {
		log_line(LOG_LEVEL_INFO, "%s: %s for its new settings", c->name,
		    child_is_wanted(s, which) ? "restarted" : "stopped");
		child_stop(s, which);
		return;
	}
	fd = settings_memfd(s, &e);
	if (fd < 0 ||
	    !control_send(c->control, ROOM_RELOAD, (struct bytes){ 0 }, fd))
		log_line(LOG_LEVEL_ERROR, "%s: takes no settings", c->name);
	if (fd >= 0)
		(void)close(fd);
}

static void
report_lines(const struct buf *report)
{
	size_t at = 0;

	while (at < report->n) {
		const uint8_t *end =
		    memchr(report->p + at, '\n', report->n - at);
		size_t n = end != NULL ? (size_t)(end - report->p) - at
				       : report->n - at;

		log_line(LOG_LEVEL_ERROR, "%.*s", (int)n, report->p + at);
		at += n + 1;
	}
}

struct next {
	struct service_config cfg;
	struct yaml_doc *doc;
	struct identity identity[CHILD__COUNT];
	struct listeners listeners;
};

static bool
read_next(struct supervisor *s, struct next *n, struct error *e)
{
	auto_buf struct buf report = { 0 };

	n->doc = service_config_open(s->home, &n->cfg, &report, e);
	if (n->doc == NULL) {
		report_lines(&report);
		return false;
	}
	/* The lock and our own socket lie there. */
	if (strcmp(n->cfg.run_dir, s->cfg.run_dir) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "run_dir cannot change while chanceryd runs");
	if (service_has_publisher(&n->cfg) &&
	    s->child[CHILD_PUBLISHER].path == NULL)
		return error_set(e, FAIL_NOT_FOUND,
		    "vault, publish: chancery-publisher was not installed when "
		    "chanceryd was started");
	return identities_find(&n->cfg, n->identity, e) &&
	    (s->units.on ||
		listeners_open(&n->listeners, &s->listeners, &n->cfg, e));
}

static void
take_over(struct supervisor *s, struct next *n)
{
	bool server, signer, publisher;
	struct service_config c;

	n->cfg.server.workers = worker_count(&n->cfg);
	s->cfg.server.workers = s->workers;
	/* A server takes over what its files hold (certificates, the log), not
	 * other settings: it is started anew, and who connects meanwhile waits
	 * in the listening socket, which stays. */
	server = !same(&s->cfg, &n->cfg);
	c = with_others(&s->cfg, &n->cfg);
	signer = !same(&c, &n->cfg);
	c = with_publisher(&s->cfg, &n->cfg);
	publisher = !same(&c, &n->cfg);
	listeners_close(&s->listeners);
	s->listeners = n->listeners;
	memcpy(s->identity, n->identity, sizeof(s->identity));
	yaml_doc_free(s->doc);
	s->doc = n->doc;
	s->cfg = n->cfg;
	s->workers = (unsigned)n->cfg.server.workers;
	log_set_level((enum log_level)service_log_level(s->cfg.log_level));
	if (signer)
		lanes_drop(s);
	new_settings(s, CHILD_SERVER, server);
	new_settings(s, CHILD_SIGNER, signer);
	new_settings(s, CHILD_PUBLISHER, publisher);
}

void
super_reload(struct supervisor *s)
{
	struct error e = { 0 };
	struct next n = { 0 };

	if (s->stopping)
		return;
	notify_reloading();
	if (read_next(s, &n, &e) && pins_load(&s->pins, &n.cfg, &e)) {
		take_over(s, &n);
		log_line(LOG_LEVEL_INFO, "configuration read again");
	} else {
		listeners_close(&n.listeners);
		yaml_doc_free(n.doc);
		log_line(LOG_LEVEL_ERROR,
		    "configuration not changed, the old one stays: %s", e.msg);
	}
	notify_ready(s->status);
}
