/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <chancery/base/log.h>
#include <chancery/wire/packet.h>

#include "room.h"

/* A control packet: a struct room_keygen at most, or the text of a one-shot. */
#define CONTROL_MAX 65536

/* Never blocks: a supervisor that does not read misses signs of life, and then acts. */
void
room_say(enum room_message m, struct bytes body)
{
	room_say_file(m, body, -1);
}

void
room_say_file(enum room_message m, struct bytes body, int fd)
{
	auto_buf struct buf b = { 0 };

	wire_u32(&b, (uint32_t)m);
	buf_add_bytes(&b, body);
	if (packet_send(ROOM_FD_CONTROL, buf_bytes(&b), fd) < 0 &&
	    m != ROOM_ALIVE)
		log_line(LOG_LEVEL_WARNING,
		    "signer: the supervisor does not listen (message %d)",
		    (int)m);
}

static void
on_stop(struct room *r, unused_arg struct bytes body, unused_arg int *fd)
{
	r->stopping = true;
	room_keygen_stop(r);
}

static void
/* NOLINTNEXTLINE(readability-non-const-parameter): a row of the table below */
on_reload(unused_arg struct room *r, unused_arg struct bytes body, int *fd)
{
	auto_yaml_doc struct yaml_doc *doc = NULL;
	struct service_config c;
	struct error e;

	if (*fd >= 0 && room_settings_parse(*fd, &c, &doc, &e))
		room_log_level(&c);
}

static void
on_new_lane(struct room *r, struct bytes body, int *fd)
{
	struct wire_reader in;
	uint32_t index;
	struct error e;

	wire_read(&in, body);
	index = wire_get_u32(&in);
	if (!wire_done(&in) || *fd < 0) {
		log_line(LOG_LEVEL_ERROR, "signer: a lane without descriptor");
		return;
	}
	if (!room_lane_add(r, index, take_fd(fd), &e))
		log_line(LOG_LEVEL_ERROR, "signer: lane %u: %s", index, e.msg);
}

static void
on_keygen_done(struct room *r, struct bytes body, unused_arg int *fd)
{
	struct wire_reader in;
	uint32_t status;
	uint64_t intent;
	struct bytes text;
	struct error why = { 0 };

	wire_read(&in, body);
	status = wire_get_u32(&in);
	intent = wire_get_u64(&in);
	if (in.failed)
		return;
	text = bytes_of(body.p + in.at, body.n - in.at);
	if (status != 0)
		error_set(&why, FAIL_HSM_GONE,
		    "the key's process ended with %u: %.*s", status,
		    (int)text.n, (const char *)text.p);
	room_generated(r, intent, text, &why);
}

static const struct {
	enum room_message m;
	void (*act)(struct room *r, struct bytes body, int *fd);
} acts[] = {
	{ ROOM_STOP, on_stop },
	{ ROOM_RELOAD, on_reload },
	{ ROOM_NEW_LANE, on_new_lane },
	{ ROOM_KEYGEN_DONE, on_keygen_done },
};

static void
act(struct room *r, struct bytes packet, int *fd)
{
	struct wire_reader in;
	uint32_t m;

	wire_read(&in, packet);
	m = wire_get_u32(&in);
	for (size_t i = 0; i < countof(acts); i++)
		if (!in.failed && (uint32_t)acts[i].m == m)
			acts[i].act(r, bytes_of(packet.p + 4, packet.n - 4),
			    fd);
}

/* Without a supervisor there is no room, and nobody who could answer. Its descriptor would be
 * readable for ever. */
static void
left_alone(struct room *r)
{
	log_line(LOG_LEVEL_WARNING, "signer: the supervisor is gone: it ends");
	(void)epoll_ctl(r->epoll, EPOLL_CTL_DEL, ROOM_FD_CONTROL, NULL);
	r->alone = r->stopping = true;
	room_keygen_stop(r);
}

void
room_control(struct room *r)
{
	static uint8_t packet[CONTROL_MAX];
	auto_fd int fd = -1;
	ssize_t n;

	if (r->alone)
		return;
	n = packet_receive(ROOM_FD_CONTROL, packet, sizeof(packet), &fd, NULL);
	if (n > 0)
		act(r, bytes_of(packet, (size_t)n), &fd);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		left_alone(r);
}
