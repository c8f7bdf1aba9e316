/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's socket. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/log.h>
#include <chancery/wire/packet.h>

#include "publisher.h"

void
publisher_say(enum room_message m, struct bytes body)
{
	auto_buf struct buf b = { 0 };

	wire_u32(&b, (uint32_t)m);
	buf_add_bytes(&b, body);
	/* A supervisor that does not read misses signs of life, and then acts. */
	(void)!send(ROOM_FD_CONTROL, b.p, b.n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
on_stop(struct publisher *p, unused_arg uint32_t value, unused_arg int *fd)
{
	p->stopping = true;
}

/* Certificates and keys are read again; other settings come with a new process. */
static void
on_reload(struct publisher *p, unused_arg uint32_t value, int *fd)
{
	auto_yaml_doc struct yaml_doc *doc = NULL;
	struct service_config c;
	struct error e = { 0 };

	if (*fd < 0 || !publisher_settings_read(*fd, &c, &doc, &e) ||
	    !outsides_reload(p->outsides, &p->cfg, &e)) {
		log_line(LOG_LEVEL_ERROR, "publisher: reload: %s", e.msg);
		return;
	}
	log_set_level((enum log_level)service_log_level(c.log_level));
	log_line(LOG_LEVEL_INFO, "publisher: certificates reloaded");
}

static void
on_new_lane(struct publisher *p, uint32_t value, int *fd)
{
	if (*fd >= 0 && value < SERVICE_WORKERS_MAX)
		desk_open(p, value, take_fd(fd));
}

static const struct {
	uint32_t type;
	void (*act)(struct publisher *p, uint32_t value, int *fd);
} acts[] = {
	{ ROOM_STOP, on_stop },
	{ ROOM_RELOAD, on_reload },
	{ ROOM_NEW_OUTLANE, on_new_lane },
};

/* False: nothing there. */
static bool
one_message(struct publisher *p)
{
	uint32_t v[2] = { 0 };
	auto_fd int fd = -1;
	ssize_t n = packet_receive(ROOM_FD_CONTROL, v, sizeof(v), &fd, NULL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* Without a supervisor there is no room. */
	if (n < (ssize_t)sizeof(v[0])) {
		p->stopping = true;
		return false;
	}
	for (size_t i = 0; i < countof(acts); i++)
		if (acts[i].type == v[0])
			acts[i].act(p, v[1], &fd);
	return true;
}

void
publisher_control(struct publisher *p)
{
	while (one_message(p))
		continue;
}
