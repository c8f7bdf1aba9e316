/* SPDX-License-Identifier: Apache-2.0 */
/* Start, the loop, the end. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/config/pass.h>
#include <chancery/wire/peer.h>
#include <chancery/wire/supervisor.h>

#include "supervisor.h"

int64_t
now_ms(void)
{
	return clock_mono_ns() / 1000000;
}

/* ---- the rooms' programs and settings ---------------------------------------- */

char *
program_find(const char *rooms_dir, const char *name, struct error *e)
{
	static const char *const places[] = { "", "/../libexec/chancery" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (rooms_dir != NULL) {
		auto_mem char *path = path_join(rooms_dir, name);

		if (access(path, X_OK) == 0)
			return take(path);
		error_errno(e, FAIL_NOT_FOUND, "%s", path);
		return NULL;
	}
	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	for (size_t i = 0; i < countof(places); i++) {
		auto_mem char *path =
		    mem_printf("%s%s/%s", self, places[i], name);

		if (access(path, X_OK) == 0)
			return take(path);
	}
	error_set(e, FAIL_NOT_FOUND,
	    "there is no %s beside chanceryd or in ../libexec/chancery", name);
	return NULL;
}

/* The PINs that stood in the file are wiped since pins_load: what is packed has none. */
int
settings_memfd(const struct supervisor *s, struct error *e)
{
	struct service_config cfg = s->cfg;
	auto_buf struct buf json = { 0 };

	/* The number of lanes is the number of workers. */
	cfg.server.workers = s->workers;
	schema_pack(service_schema, &cfg, &json);
	return peer_memfd(buf_bytes(&json), e);
}

/* ---- open ----------------------------------------------------------------------- */

unsigned
worker_count(const struct service_config *cfg)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (cfg->server.workers > 0)
		return (unsigned)cfg->server.workers;
	if (n < 1)
		return 1;
	return n < SERVICE_WORKERS_MAX ? (unsigned)n : SERVICE_WORKERS_MAX;
}

static bool
open_config(struct supervisor *s, struct error *e)
{
	auto_buf struct buf report = { 0 };

	s->doc = service_config_open(s->home, &s->cfg, &report, e);
	if (s->doc == NULL) {
		if (report.n > 0)
			(void)fwrite(report.p, 1, report.n, stderr);
		return false;
	}
	log_set_level((enum log_level)service_log_level(s->cfg.log_level));
	s->workers = worker_count(&s->cfg);
	return identities_find(&s->cfg, s->identity, e);
}

/* What `chancery init` makes. A register that is not there may also be a disk that is not
 * mounted: nothing is made in its place. */
static bool
check_born(const struct supervisor *s, struct error *e)
{
	const char *const parts[] = { s->cfg.register_dir,
		s->cfg.server.store };

	for (size_t i = 0; i < countof(parts); i++)
		if (access(parts[i], F_OK) != 0)
			return error_set(e, FAIL_NOT_FOUND,
			    "there is no %s; \"chancery init\" makes it at the "
			    "first start",
			    parts[i]);
	return true;
}

static bool
open_lock(struct supervisor *s, struct error *e)
{
	auto_mem char *path = path_join(s->cfg.run_dir, "chanceryd.lock");

	if (!dir_create(s->cfg.run_dir, 0755, e))
		return false;
	s->lock = file_lock(path, e);
	return s->lock >= 0;
}

static bool
open_signals(struct supervisor *s, struct error *e)
{
	static const int ours[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < countof(ours); i++)
		sigaddset(&set, ours[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
	    (s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return error_errno(e, FAIL_IO, "signalfd");
	return true;
}

static bool
open_programs(struct supervisor *s, struct error *e)
{
	static const char *const names[] = { [CHILD_SIGNER] = "signer",
		[CHILD_SERVER] = "server",
		[CHILD_PUBLISHER] = "publisher" };

	for (size_t i = 0; i < CHILD__COUNT; i++) {
		struct child *c = &s->child[i];
		auto_mem char *program = mem_printf("chancery-%s", names[i]);

		c->name = names[i];
		c->control = c->pidfd = c->ended = -1;
		c->state = CHILD_DOWN;
		c->backoff_ms = 0;
		c->path = program_find(s->rooms_dir, program, e);
		if (child_is_wanted(s, (enum child_which)i)) {
			if (c->path == NULL)
				return false;
		} else {
			c->state = CHILD_UNWANTED;
		}
	}
	return true;
}

/* A server whose supervisor was killed answers what it has in flight and holds its
 * addresses until then. */
static bool
open_listeners(struct supervisor *s, const struct listeners *inherited,
    struct error *e)
{
	int64_t until = now_ms() + SUPER_ADDRESS_MS;
	bool told = false;

	/* Those of units come with the server's. */
	while (!s->units.on &&
	    !listeners_open(&s->listeners, inherited, &s->cfg, e)) {
		if (e->why != FAIL_BUSY || now_ms() > until)
			return false;
		if (!told)
			log_line(LOG_LEVEL_WARNING, "%s: waiting", e->msg);
		told = true;
		(void)usleep(SUPER_ADDRESS_PAUSE_US);
	}
	return true;
}

bool
super_open(struct supervisor *s, struct error *e)
{
	struct listeners inherited = { 0 };

	s->lock = s->admin = s->signals = s->keygen.control = -1;
	s->keygen.pidfd = s->keygen.ended = -1;
	s->pins.by_signer = s->units.on;
	memset(s->lane, -1, sizeof(s->lane));
	for (size_t i = 0; i < SUPER_CLIENTS_MAX; i++)
		s->client[i].fd = -1;
	if (!s->units.on)
		listeners_inherit(&inherited);
	notify_init();
	if (!open_config(s, e) || !open_programs(s, e) ||
	    (!s->units.on && !check_born(s, e)) || !open_lock(s, e) ||
	    !units_open(s, e) || !open_listeners(s, &inherited, e))
		return false;
	listeners_close(&inherited);
	if (!pins_load(&s->pins, &s->cfg, e) || !admin_open(s, e) ||
	    !open_signals(s, e))
		return false;
	pins_prompt(&s->pins);
	return true;
}

void
super_close(struct supervisor *s)
{
	admin_close(s);
	units_close(s);
	lanes_drop(s);
	listeners_close(&s->listeners);
	pins_close(&s->pins);
	yaml_doc_free(s->doc);
	for (size_t i = 0; i < CHILD__COUNT; i++)
		mem_free(s->child[i].path);
	if (s->signals >= 0)
		(void)close(s->signals);
	if (s->lock >= 0)
		(void)close(s->lock);
}

/* ---- what others are told ---------------------------------------------------------- */

static bool
is_settled(const struct child *c)
{
	return c->state == CHILD_READY || c->state == CHILD_SEALED ||
	    c->state == CHILD_HALTED || c->restarts > 0;
}

/* Ready is what serves: a sealed signer waits for its PIN, a halted one for an operator, one
 * that has failed for its HSM, while public reads go on. */
void
super_tell(struct supervisor *s)
{
	const struct child *signer = &s->child[CHILD_SIGNER],
			   *server = &s->child[CHILD_SERVER];
	const struct child *publisher = &s->child[CHILD_PUBLISHER];
	bool three = publisher->state != CHILD_UNWANTED;
	char text[sizeof(s->status)];

	(void)snprintf(text, sizeof(text), "server %s, signer %s%s%s",
	    child_state_name(server->state), child_state_name(signer->state),
	    three ? ", publisher " : "",
	    three ? child_state_name(publisher->state) : "");
	if (!s->stopping && !s->told_ready && server->state == CHILD_READY &&
	    is_settled(signer)) {
		s->told_ready = true;
		notify_ready(text);
		log_line(LOG_LEVEL_INFO, "ready: %s", text);
	} else if (strcmp(text, s->status) != 0) {
		notify_status(text);
	}
	memcpy(s->status, text, sizeof(text));
}

/* ---- the loop ------------------------------------------------------------------------- */

static void
reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->keygen.pid)
			keygen_ended(s, status);
		for (size_t i = 0; i < CHILD__COUNT; i++)
			if (pid == s->child[i].pid)
				child_ended(s, (enum child_which)i, status);
	}
}

/* The server first: it has requests in flight that the signer has to finish. */
static void
begin_stop(struct supervisor *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	log_line(LOG_LEVEL_INFO, "stopping");
	notify_stopping();
	child_stop(s, CHILD_SERVER);
}

static void
heard_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info))
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(s);
			break;
		case SIGHUP:
			super_reload(s);
			break;
		default:
			begin_stop(s);
			break;
		}
}

enum {
	POLL_SIGNALS,
	POLL_ADMIN,
	POLL_KEYGEN,
	POLL_CHILDREN,
	POLL_CLIENTS = POLL_CHILDREN + CHILD__COUNT,
	POLL_UNITS = POLL_CLIENTS + SUPER_CLIENTS_MAX,
	POLL_FRESH,
	POLL__COUNT = POLL_FRESH + UNITS_NEW_MAX
};

static void
heard(struct supervisor *s, const struct pollfd *p)
{
	/* Descriptors may change hands below: what was polled is looked at
	 * before anything is closed, and each handler checks its own. */
	if (p[POLL_KEYGEN].revents != 0 && s->keygen.control >= 0)
		keygen_heard(s);
	for (size_t i = 0; i < CHILD__COUNT; i++)
		if (p[POLL_CHILDREN + i].revents != 0)
			child_heard(s, (enum child_which)i);
	for (size_t i = 0; i < SUPER_CLIENTS_MAX; i++)
		if (p[POLL_CLIENTS + i].revents != 0)
			admin_heard(s, i);
	if (p[POLL_ADMIN].revents != 0)
		admin_accept(s);
	for (size_t i = 0; i < UNITS_NEW_MAX; i++)
		if (p[POLL_FRESH + i].revents != 0)
			units_heard(s, i);
	if (p[POLL_UNITS].revents != 0)
		units_accept(s);
	if (p[POLL_SIGNALS].revents != 0)
		heard_signals(s);
}

static void
fill_poll(const struct supervisor *s, struct pollfd *p)
{
	p[POLL_SIGNALS].fd = s->signals;
	p[POLL_ADMIN].fd = s->admin;
	p[POLL_KEYGEN].fd = s->keygen.control;
	for (size_t i = 0; i < CHILD__COUNT; i++)
		p[POLL_CHILDREN + i].fd = s->child[i].control;
	for (size_t i = 0; i < SUPER_CLIENTS_MAX; i++)
		p[POLL_CLIENTS + i].fd = s->client[i].fd;
	p[POLL_UNITS].fd = s->units.fd;
	for (size_t i = 0; i < UNITS_NEW_MAX; i++)
		p[POLL_FRESH + i].fd = s->units.fresh[i].fd;
	for (size_t i = 0; i < POLL__COUNT; i++) {
		p[i].events = POLLIN;
		p[i].revents = 0;
	}
}

static bool
all_off(struct supervisor *s)
{
	if (s->child[CHILD_SERVER].state != CHILD_OFF)
		return false;
	child_stop(s, CHILD_SIGNER);
	child_stop(s, CHILD_PUBLISHER);
	return s->child[CHILD_SIGNER].state == CHILD_OFF &&
	    s->child[CHILD_PUBLISHER].state == CHILD_OFF;
}

int
super_run(struct supervisor *s)
{
	struct pollfd p[POLL__COUNT];
	int watchdog;

	for (;;) {
		child_tick(s);
		keygen_tick(s);
		super_tell(s);
		if (s->stopping && all_off(s))
			return ROOM_EXIT_OK;
		watchdog = notify_watchdog();
		fill_poll(s, p);
		if (poll(p, POLL__COUNT,
			watchdog >= 0 && watchdog < SUPER_TICK_MS
			    ? watchdog
			    : SUPER_TICK_MS) < 0 &&
		    errno != EINTR)
			fatal("poll: %s", strerrordesc_np(errno));
		heard(s, p);
	}
}
