/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a room: start, health, end, and what comes after its end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/wire/packet.h>

#include "supervisor.h"

static const struct {
	const char *name;
	bool up; /* there is a process */
} states[] = {
	[CHILD_DOWN] = { "restarting", false },
	[CHILD_STARTING] = { "starting", true },
	[CHILD_READY] = { "ready", true },
	[CHILD_STOPPING] = { "stopping", true },
	[CHILD_SEALED] = { "sealed", false },
	[CHILD_HALTED] = { "halted", false },
	[CHILD_OFF] = { "stopped", false },
	[CHILD_UNWANTED] = { "not configured", false },
};

const char *
child_state_name(enum child_state state)
{
	return states[state].name;
}

bool
child_is_up(const struct child *c)
{
	return states[c->state].up;
}

bool
child_is_wanted(const struct supervisor *s, enum child_which which)
{
	return which != CHILD_PUBLISHER || service_has_publisher(&s->cfg);
}

static void say_why(struct child *c, const char *fmt, ...) printf_like(2, 3);
static void
say_why(struct child *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
}

static void
control_close(struct child *c)
{
	if (c->control >= 0)
		(void)close(c->control);
	c->control = -1;
}

/* ---- the server has to know about the signer --------------------------------- */

static void
tell_server(struct supervisor *s)
{
	const struct child *signer = &s->child[CHILD_SIGNER];
	const struct child *server = &s->child[CHILD_SERVER];
	enum room_gone gone = ROOM_GONE_RESTARTING;

	if (child_is_up(signer) || !child_is_up(server))
		return;
	if (signer->state == CHILD_SEALED)
		gone = ROOM_GONE_SEALED;
	else if (signer->state == CHILD_HALTED)
		gone = ROOM_GONE_STOPPED;
	if (!control_send_u32(server->control, ROOM_SIGNER_GONE, (uint32_t)gone,
		-1))
		log_line(LOG_LEVEL_WARNING, "the server takes no message");
}

/* ---- start --------------------------------------------------------------------- */

static bool
prepare_signer(struct supervisor *s, struct spawn *sp,
    int pin[SERVICE_TOKENS_MAX], struct error *e)
{
	if (!pins_open(&s->pins, pin, e))
		return false;
	for (size_t i = 0; i < s->pins.n; i++)
		if (pin[i] >= 0)
			spawn_add(sp, ROOM_FD_PIN, (uint32_t)i, pin[i]);
	return true;
}

static void
prepare_server(struct supervisor *s, struct spawn *sp)
{
	uint32_t index[ROOM_FD__COUNT] = { 0 };

	for (size_t i = 0; i < s->listeners.n; i++) {
		const struct listener *l = &s->listeners.v[i];

		spawn_add(sp, (enum room_fd_kind)l->kind, index[l->kind]++,
		    l->fd);
	}
}

static bool
start(struct supervisor *s, enum child_which which, struct spawn *sp,
    struct error *e)
{
	struct child *c = &s->child[which];
	int pin[SERVICE_TOKENS_MAX];
	size_t pins = 0;
	bool ok = true;

	if (which == CHILD_SIGNER) {
		if (!prepare_signer(s, sp, pin, e))
			return false;
		pins = s->pins.n;
	} else if (which == CHILD_SERVER) {
		prepare_server(s, sp);
	}
	sp->settings = settings_memfd(s, e);
	ok = sp->settings >= 0 &&
	    (which == CHILD_PUBLISHER || lanes_make(s, which, sp, e)) &&
	    outlanes_make(s, which, sp, e) &&
	    (s->units.on ? units_hand(s, which, sp, &c->pid, &c->pidfd,
			       &c->control, e)
			 : spawn_room(sp, &c->pid, &c->control, e));
	for (size_t i = 0; i < pins; i++)
		if (pin[i] >= 0)
			(void)close(pin[i]);
	if (sp->settings >= 0)
		(void)close(sp->settings);
	return ok;
}

static void
retry_later(struct child *c)
{
	c->state = CHILD_DOWN;
	c->retry_ms = now_ms() + c->backoff_ms;
	c->backoff_ms = c->backoff_ms * 2 < SUPER_BACKOFF_MAX_MS
	    ? c->backoff_ms * 2
	    : SUPER_BACKOFF_MAX_MS;
	if (c->backoff_ms == 0)
		c->backoff_ms = SUPER_BACKOFF_MIN_MS;
}

void
child_start(struct supervisor *s, enum child_which which)
{
	struct child *c = &s->child[which];
	struct spawn sp = { .path = c->path, .identity = &s->identity[which] };
	struct error e = { 0 };
	bool ok = start(s, which, &sp, &e);

	/* The lanes' ends were for the process alone. */
	for (size_t i = 0; i < sp.n; i++)
		if (sp.table[i].kind == ROOM_FD_LANE ||
		    sp.table[i].kind == ROOM_FD_OUTLANE)
			(void)close(sp.fd[i]);
	if (ok) {
		c->state = CHILD_STARTING;
		c->started_ms = c->heard_ms = now_ms();
		c->ready_ms = 0;
		c->killed = false;
		c->ended = -1;
		log_line(LOG_LEVEL_INFO, "%s: started, pid %d", c->name,
		    (int)c->pid);
		tell_server(s);
		return;
	}
	say_why(c, "%s", e.msg);
	if (e.why == FAIL_PIN) {
		c->state = CHILD_SEALED;
		log_line(LOG_LEVEL_ERROR, "%s: not started: %s", c->name,
		    e.msg);
	} else {
		/* A start that fails is no run that served. */
		if (c->backoff_ms == 0)
			c->backoff_ms = SUPER_BACKOFF_MIN_MS;
		retry_later(c);
		log_line(LOG_LEVEL_ERROR, "%s: not started: %s; again later",
		    c->name, e.msg);
	}
	tell_server(s);
}

/* ---- the end --------------------------------------------------------------------- */

/* What a status means beyond "it crashed". */
static const struct {
	int status;
	enum child_state state;
	const char *why;
} reserved[] = {
	{ ROOM_EXIT_PIN, CHILD_SEALED,
	    "the PIN was refused; it is not tried again until \"chancery "
	    "unseal\" or another PIN file" },
	{ ROOM_EXIT_CONFIG, CHILD_HALTED,
	    "it cannot work with this configuration; mend it, then SIGHUP" },
	{ ROOM_EXIT_REGISTER, CHILD_HALTED,
	    "the register refuses; an operator has to act, then SIGHUP" },
};

static void
why_it_crashed(struct child *c, int status)
{
	if (c->killed)
		say_why(c, "it said nothing for %d s: killed",
		    SUPER_SILENCE_MS / 1000);
	else if (c->pidfd >= 0 && c->ended < 0)
		say_why(c, "its unit ended it, or it crashed");
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		say_why(c, "ended by its sandbox (SIGSYS)");
	else if (WIFSIGNALED(status))
		say_why(c, "ended by signal %d", WTERMSIG(status));
	else
		say_why(c, "ended with status %d", WEXITSTATUS(status));
}

static bool
is_reserved(struct supervisor *s, struct child *c, int status)
{
	for (size_t i = 0; i < countof(reserved); i++) {
		if (!WIFEXITED(status) ||
		    WEXITSTATUS(status) != reserved[i].status)
			continue;
		c->state = reserved[i].state;
		say_why(c, "%s", reserved[i].why);
		log_line(LOG_LEVEL_ERROR, "%s: %s", c->name, c->why);
		if (c->state == CHILD_SEALED && !s->pin_named)
			pins_refused(&s->pins, UINT32_MAX);
		return true;
	}
	return false;
}

/* What served well is missed: it comes back at once. What never did, or does so again and
 * again, waits longer each time. */
static void
crashed(struct child *c, int status)
{
	int64_t now = now_ms();

	why_it_crashed(c, status);
	c->restarts++;
	if (c->ready_ms != 0 && now - c->ready_ms >= SUPER_HEALTHY_MS)
		c->backoff_ms = 0;
	else if (c->ready_ms == 0 && c->backoff_ms == 0)
		c->backoff_ms = SUPER_BACKOFF_MIN_MS;
	retry_later(c);
	log_line(LOG_LEVEL_ERROR, "%s: %s; again in %lld s", c->name, c->why,
	    (long long)(c->retry_ms - now + 500) / 1000);
}

void
child_ended(struct supervisor *s, enum child_which which, int status)
{
	struct child *c = &s->child[which];
	bool asked = c->state == CHILD_STOPPING;

	/* What it said last may still lie in the socket. */
	child_heard(s, which);
	control_close(c);
	c->pid = 0;
	if (which == CHILD_SIGNER) {
		lanes_drop(s);
		keygen_cancel(s);
	}
	if (s->stopping) {
		c->state = CHILD_OFF;
		why_it_crashed(c, status);
		log_line(LOG_LEVEL_INFO, "%s: %s", c->name, c->why);
	} else if (!is_reserved(s, c, status)) {
		if (asked) {
			c->state = CHILD_DOWN;
			c->retry_ms = now_ms();
		} else {
			crashed(c, status);
		}
	}
	s->pin_named = false;
	if (c->pidfd >= 0)
		(void)close(c->pidfd);
	c->pidfd = -1;
	if (!s->stopping && !child_is_wanted(s, which))
		c->state = CHILD_UNWANTED;
	if (which == CHILD_SIGNER)
		tell_server(s);
}

void
child_stop(struct supervisor *s, enum child_which which)
{
	struct child *c = &s->child[which];

	if (!child_is_up(c)) {
		if (s->stopping)
			c->state = CHILD_OFF;
		return;
	}
	if (c->state == CHILD_STOPPING)
		return;
	c->state = CHILD_STOPPING;
	c->stop_by_ms = now_ms() + SUPER_STOP_MS;
	if (!control_send(c->control, ROOM_STOP, (struct bytes){ 0 }, -1))
		room_kill(c->pid, c->pidfd);
}

/* ---- what it says ------------------------------------------------------------------ */

/* A room's own words: letters, figures, commas and blanks, or nothing. */
static void
keep_sandbox(struct child *c, struct bytes all)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789, ";
	size_t n = all.n - sizeof(uint32_t);

	if (n >= sizeof(c->sandbox))
		n = 0;
	memcpy(c->sandbox, all.p + sizeof(uint32_t), n);
	c->sandbox[n] = '\0';
	if (strspn(c->sandbox, allowed) != n)
		c->sandbox[0] = '\0';
}

static void
heard_ready(unused_arg struct supervisor *s, struct child *c, struct bytes all)
{
	if (c->state != CHILD_STARTING)
		return;
	keep_sandbox(c, all);
	c->state = CHILD_READY;
	c->ready_ms = now_ms();
	log_line(LOG_LEVEL_INFO, "%s: ready after %lld ms", c->name,
	    (long long)(c->ready_ms - c->started_ms));
}

static void
heard_alive(unused_arg struct supervisor *s, unused_arg struct child *c,
    unused_arg struct bytes all)
{
}

static void
heard_keygen(struct supervisor *s, struct child *c, struct bytes all)
{
	if (c == &s->child[CHILD_SIGNER])
		keygen_ask(s, all, take_fd(&c->passed));
}

static void
heard_pin(struct supervisor *s, struct child *c, struct bytes all)
{
	uint32_t token;

	if (c != &s->child[CHILD_SIGNER] || all.n != 2 * sizeof(token))
		return;
	memcpy(&token, all.p + sizeof(token), sizeof(token));
	if (token >= s->pins.n)
		return;
	pins_refused(&s->pins, token);
	s->pin_named = true;
}

static void
heard_ended(unused_arg struct supervisor *s, struct child *c, struct bytes all)
{
	uint32_t status;

	if (all.n != 2 * sizeof(status))
		return;
	memcpy(&status, all.p + sizeof(status), sizeof(status));
	c->ended = (int)(status & 0xff);
}

/* We are not its parent: what it told last is all that we know, and one that only closed its socket
 * would live on beside the next. */
static void
unit_ended(struct supervisor *s, enum child_which which)
{
	const struct child *c = &s->child[which];

	if (!s->units.on || !child_is_up(c))
		return;
	room_kill(c->pid, c->pidfd);
	child_ended(s, which,
	    c->ended >= 0 ? W_EXITCODE(c->ended, 0) : SIGKILL);
}

static const struct {
	uint32_t type;
	void (*heard)(struct supervisor *s, struct child *c, struct bytes all);
} messages[] = {
	{ ROOM_READY, heard_ready },
	{ ROOM_ALIVE, heard_alive },
	{ ROOM_KEYGEN, heard_keygen },
	{ ROOM_PIN_REFUSED, heard_pin },
	{ ROOM_ENDED, heard_ended },
};

static void
dispatch(struct supervisor *s, struct child *c, struct bytes all)
{
	uint32_t type = 0;

	if (all.n >= sizeof(type))
		memcpy(&type, all.p, sizeof(type));
	for (size_t i = 0; i < countof(messages); i++)
		if (messages[i].type == type) {
			c->heard_ms = now_ms();
			messages[i].heard(s, c, all);
			return;
		}
	log_line(LOG_LEVEL_WARNING, "%s: a message that is none: %u", c->name,
	    type);
}

void
child_heard(struct supervisor *s, enum child_which which)
{
	static uint8_t packet[SUPER_PACKET_MAX];
	struct child *c = &s->child[which];

	while (c->control >= 0) {
		auto_fd int left = -1;
		bool whole;
		/* A descriptor comes at most: the signer's for a one-shot. */
		ssize_t n = packet_receive(c->control, packet, sizeof(packet),
		    &c->passed, &whole);

		/* Most often the end of the process, and SIGCHLD will say how;
		 * a room that only closed it is silent from now on. */
		if (n == 0) {
			control_close(c);
			unit_ended(s, which);
		}
		if (n > 0 && whole)
			dispatch(s, c, bytes_of(packet, (size_t)n));
		left = take_fd(&c->passed);
		if (n <= 0)
			return;
	}
}
