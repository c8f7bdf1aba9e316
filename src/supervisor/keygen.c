/* SPDX-License-Identifier: Apache-2.0 */
/* File-backed tokens are read-only for the resident signer. What writes one is a process
 * that lives for a single key, on the signer's recorded order. */
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>

#include "supervisor.h"

#define STATUS_NONE 1

/* The signer learns of an end without an answer. */
static void
failed(struct supervisor *s, const uint8_t *request, uint32_t status,
    const char *text)
{
	auto_buf struct buf b = { 0 };
	struct room_keygen asked;
	const struct child *signer = &s->child[CHILD_SIGNER];

	log_line(LOG_LEVEL_ERROR, "key generation: %s", text);
	memcpy(&asked, request + 4, sizeof(asked));
	buf_add(&b, &status, sizeof(status));
	buf_add(&b, &asked.intent, sizeof(asked.intent));
	buf_add_str(&b, text);
	if (child_is_up(signer) &&
	    !control_send(signer->control, ROOM_KEYGEN_DONE, buf_bytes(&b), -1))
		log_line(LOG_LEVEL_WARNING, "the signer takes no message");
}

static bool
spawn(struct supervisor *s, struct error *e)
{
	struct spawn sp = { .path = s->child[CHILD_SIGNER].path,
		.argument = "--keygen",
		.identity = &s->identity[CHILD_SIGNER] };
	int pin[SERVICE_TOKENS_MAX];
	bool ok;

	if (!pins_open(&s->pins, pin, e))
		return false;
	for (size_t i = 0; i < s->pins.n; i++)
		if (pin[i] >= 0)
			spawn_add(&sp, ROOM_FD_PIN, (uint32_t)i, pin[i]);
	sp.settings = settings_memfd(s, e);
	ok = sp.settings >= 0 &&
	    (s->units.on
		    ? units_hand(s, UNIT_KEYGEN, &sp, &s->keygen.pid,
			  &s->keygen.pidfd, &s->keygen.control, e)
		    : spawn_room(&sp, &s->keygen.pid, &s->keygen.control, e));
	for (size_t i = 0; i < s->pins.n; i++)
		if (pin[i] >= 0)
			(void)close(pin[i]);
	if (sp.settings >= 0)
		(void)close(sp.settings);
	return ok;
}

static void
forget(int *file)
{
	if (*file >= 0)
		(void)close(*file);
	*file = -1;
}

static void
start(struct supervisor *s)
{
	struct keygen *k = &s->keygen;
	struct error e = { 0 };

	if (!spawn(s, &e)) {
		forget(&k->file);
		failed(s, k->request, STATUS_NONE, e.msg);
		return;
	}
	k->by_ms = now_ms() + SUPER_KEYGEN_MS;
	k->answered = false;
	k->ended = -1;
	log_line(LOG_LEVEL_INFO, "key generation: pid %d", (int)k->pid);
	if (!control_send(k->control, ROOM_KEYGEN,
		bytes_of(k->request + 4, sizeof(k->request) - 4), k->file))
		room_kill(k->pid, k->pidfd);
	forget(&k->file);
}

static void
take_first(struct supervisor *s)
{
	memcpy(s->keygen.request, s->keygens.v[0], sizeof(s->keygen.request));
	s->keygen.file = s->keygens.file[0];
	s->keygens.n--;
	memmove(s->keygens.file, s->keygens.file + 1,
	    s->keygens.n * sizeof(s->keygens.file[0]));
	memmove(s->keygens.v[0], s->keygens.v[1],
	    s->keygens.n * sizeof(s->keygens.v[0]));
}

/* One at a time: the token's files have one writer. */
void
keygen_next(struct supervisor *s)
{
	while (s->keygen.pid == 0 && s->keygens.n > 0 &&
	    (!s->units.on || units_has(s, UNIT_KEYGEN))) {
		take_first(s);
		start(s);
	}
}

void
keygen_ask(struct supervisor *s, struct bytes packet, int file)
{
	auto_fd int own = file;

	if (packet.n != sizeof(s->keygens.v[0])) {
		log_line(LOG_LEVEL_ERROR,
		    "key generation: the signer's order has a wrong size");
		return;
	}
	if (s->keygens.n == SUPER_KEYGENS_MAX) {
		failed(s, packet.p, STATUS_NONE, "too many wait");
		return;
	}
	if (s->keygens.n == 0)
		s->keygens.by_ms = now_ms() + SUPER_KEYGEN_WAIT_MS;
	s->keygens.file[s->keygens.n] = take_fd(&own);
	memcpy(s->keygens.v[s->keygens.n++], packet.p, packet.n);
	keygen_next(s);
}

/* Its packet goes on as it came. */
void
keygen_heard(struct supervisor *s)
{
	static uint8_t packet[SUPER_PACKET_MAX];
	const struct child *signer = &s->child[CHILD_SIGNER];
	struct keygen *k = &s->keygen;
	uint32_t type;

	for (;;) {
		ssize_t n = recv(k->control, packet, sizeof(packet),
		    MSG_DONTWAIT | MSG_TRUNC);

		if (n == 0 && s->units.on && k->pid != 0) {
			/* One that only closed its socket would go on writing. */
			room_kill(k->pid, k->pidfd);
			keygen_ended(s,
			    k->ended >= 0 ? W_EXITCODE(k->ended, 0) : SIGKILL);
		}
		if (n < (ssize_t)sizeof(type) || (size_t)n > sizeof(packet))
			return;
		memcpy(&type, packet, sizeof(type));
		if (type == ROOM_ENDED && n == 2 * (ssize_t)sizeof(type))
			k->ended = packet[sizeof(type)];
		if (type != ROOM_KEYGEN_DONE || k->answered)
			continue;
		k->answered = child_is_up(signer) &&
		    send(signer->control, packet, (size_t)n,
			MSG_DONTWAIT | MSG_NOSIGNAL) == n;
	}
}

void
keygen_ended(struct supervisor *s, int status)
{
	struct keygen *k = &s->keygen;
	char text[80];
	uint32_t code = WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 0;

	k->pid = 0;
	s->keygens.by_ms = now_ms() + SUPER_KEYGEN_WAIT_MS;
	keygen_heard(s);
	(void)close(k->control);
	k->control = -1;
	if (k->pidfd >= 0)
		(void)close(k->pidfd);
	k->pidfd = -1;
	(void)snprintf(text, sizeof(text), "it ended %s %d",
	    WIFEXITED(status) ? "with status" : "by signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	if (code == ROOM_EXIT_PIN)
		pins_refused(&s->pins, UINT32_MAX);
	if (!k->answered)
		failed(s, k->request, code != 0 ? code : STATUS_NONE, text);
	if (!s->stopping)
		keygen_next(s);
}

void
keygen_cancel(struct supervisor *s)
{
	while (s->keygens.n > 0)
		forget(&s->keygens.file[--s->keygens.n]);
}

/* Its unit does not run. The signer must not give up first: who begins then would answer for another
 * order. */
static void
give_up_first(struct supervisor *s)
{
	take_first(s);
	forget(&s->keygen.file);
	s->keygens.by_ms = now_ms() + SUPER_KEYGEN_WAIT_MS;
	failed(s, s->keygen.request, STATUS_NONE,
	    "chancery-keygen does not run");
}

void
keygen_tick(struct supervisor *s)
{
	if (s->keygen.pid == 0 && s->keygens.n > 0 &&
	    now_ms() >= s->keygens.by_ms)
		give_up_first(s);
	if (s->keygen.pid == 0 || now_ms() < s->keygen.by_ms)
		return;
	log_line(LOG_LEVEL_ERROR, "key generation: hangs; killed");
	s->keygen.by_ms = INT64_MAX;
	room_kill(s->keygen.pid, s->keygen.pidfd);
}
