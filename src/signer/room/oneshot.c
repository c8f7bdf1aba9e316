/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>

#include <chancery/base/log.h>
#include <chancery/wire/packet.h>

#include "room.h"

/* One key on one token, with write access, in a process that lives as long as that
 * takes. */

static bool
spec_of(const struct room_keygen *m, struct keygen_spec *out, struct error *e)
{
	if (m->type >= KEY_ALG__COUNT || m->id_len == 0 ||
	    m->id_len > sizeof(out->id) ||
	    memchr(m->label, '\0', sizeof(m->label)) == NULL ||
	    m->token >= SIGNER_TOKENS_MAX)
		return error_set(e, FAIL_BAD_INPUT, "key generation: request");
	*out = (struct keygen_spec){
		.type = { (enum key_alg)m->type, m->bits },
		.id_len = m->id_len,
		.destroyable = m->destroyable != 0,
		.sacrifice = m->sacrifice != 0,
		.settle = m->settle != 0,
		.imported = m->imported != 0,
	};
	memcpy(out->id, m->id, m->id_len);
	memcpy(out->label, m->label, strlen(m->label) + 1);
	return true;
}

/* The only packet that comes. */
static bool
read_request(struct room_keygen *out, int *file, struct error *e)
{
	struct pollfd p = { .fd = ROOM_FD_CONTROL, .events = POLLIN };
	uint8_t packet[4 + sizeof(*out)];
	struct wire_reader r;
	bool whole;
	ssize_t n;

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		continue;
	n = packet_receive(ROOM_FD_CONTROL, packet, sizeof(packet), file,
	    &whole);
	if (n < 0)
		return error_errno(e, FAIL_IO, "control socket");
	wire_read(&r, bytes_of(packet, sizeof(packet)));
	if (!whole || n != (ssize_t)sizeof(packet) ||
	    wire_get_u32(&r) != ROOM_KEYGEN)
		return error_set(e, FAIL_BAD_INPUT,
		    "control socket: not a key generation");
	memcpy(out, packet + 4, sizeof(*out));
	return true;
}

static bool
answer(uint64_t intent, struct bytes made, struct error *e)
{
	auto_buf struct buf b = { 0 };

	wire_u32(&b, ROOM_KEYGEN_DONE);
	wire_u32(&b, 0);
	wire_u64(&b, intent);
	buf_add_bytes(&b, made);
	return send(ROOM_FD_CONTROL, b.p, b.n, MSG_NOSIGNAL) == (ssize_t)b.n ||
	    error_errno(e, FAIL_IO, "control socket");
}

/*
 * That of a supervisor that was killed may still be at work: what looks for its leavings would
 * find nothing yet. The lock ends with the process; the supervisor watches how long it takes.
 */
static bool
wait_for_others(const char *token_dir, int *lock, struct error *e)
{
	if (token_dir == NULL)
		return true;
	*lock = open(token_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (*lock >= 0 && flock(*lock, LOCK_EX) != 0)
		if (errno != EINTR)
			return error_errno(e, FAIL_IO, "%s", token_dir);
	return *lock >= 0 || error_errno(e, FAIL_IO, "%s", token_dir);
}

/* The others stay closed: each login rewrites a file. */
static void
only_token(struct room_settings *s, size_t at)
{
	const struct host_token one = s->host.token[at];
	struct secret *pin = take(s->pin[at]);

	room_settings_forget(s);
	s->host.token[0] = one;
	s->host.tokens = 1;
	s->pin[0] = pin;
}

static bool
make(struct room_settings *s, struct host *h, int *status, struct error *e)
{
	auto_buf struct buf made = { 0 };
	auto_hsm_outside struct hsm_outside *from = NULL;
	auto_fd int file = -1, lock = -1;
	struct keygen_spec spec;
	struct room_keygen m;

	*status = ROOM_EXIT_CONFIG;
	if (!room_settings_read(s, e)) {
		*status = e->why == FAIL_PIN ? ROOM_EXIT_PIN : ROOM_EXIT_CONFIG;
		return false;
	}
	if (!read_request(&m, &file, e) || !spec_of(&m, &spec, e))
		return false;
	if (m.token >= s->host.tokens)
		return error_set(e, FAIL_BAD_INPUT, "token %u", m.token);
	if (spec.imported && !spec.settle) {
		from = room_handover_take(file, m.pkcs8_len, e);
		if (from == NULL)
			return false;
		spec.from = from;
	}
	only_token(s, m.token);
	if (!wait_for_others(s->host.soft_token_dir, &lock, e) ||
	    !room_start(s, START_WRITER, h, status, e))
		return false;
	keygen_make(h->token[0], &spec, &made);
	*status = EXIT_FAILURE;
	if (!answer(m.intent, buf_bytes(&made), e))
		return false;
	*status = ROOM_EXIT_OK;
	return true;
}

int
room_oneshot(void)
{
	struct room_settings settings = { 0 };
	struct host host = { 0 };
	struct error e;
	int status;

	if (!make(&settings, &host, &status, &e))
		log_line(LOG_LEVEL_ERROR, "key generation: %s", e.msg);
	host_close(&host);
	room_settings_free(&settings);
	return status;
}
