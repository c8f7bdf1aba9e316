/* SPDX-License-Identifier: Apache-2.0 */
/* wire/supervisor.h, the command's side. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/wire/supervisor.h>

#include "daemon.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define ANSWER_S 10

static int
reach(const struct service_config *cfg, struct error *e)
{
	auto_mem char *path = path_join(cfg->run_dir, SUPERVISOR_SOCKET);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = ANSWER_S };
	auto_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	size_t n = strlen(path);

	if (fd < 0 || n >= sizeof(a.sun_path)) {
		error_errno(e, FAIL_IO, "%s", path);
		return -1;
	}
	memcpy(a.sun_path, path, n);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		error_errno(e,
		    errno == EACCES || errno == EPERM ? FAIL_PERMISSION
						      : FAIL_NOT_FOUND,
		    "chanceryd does not run in this home: %s", path);
		return -1;
	}
	return take_fd(&fd);
}

union rights {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

/* It closes on whom it does not hear. */
static bool
not_heard(struct error *e)
{
	return error_set(e, FAIL_PERMISSION,
	    "chanceryd hears root and its own user alone");
}

static bool
ask(int to, enum supervisor_ask what, const char *token, int fd,
    struct error *e)
{
	struct supervisor_request r = { .version = SUPERVISOR_VERSION,
		.ask = (uint32_t)what };
	union rights c = { 0 };
	struct iovec v = { &r, sizeof(r) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *h;

	if (strlen(token) >= sizeof(r.token))
		return error_set(e, FAIL_BAD_INPUT, "token \"%s\": too long",
		    token);
	memcpy(r.token, token, strlen(token));
	if (fd >= 0) {
		m.msg_control = &c;
		m.msg_controllen = sizeof(c.room);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(int));
	}
	return sendmsg(to, &m, MSG_NOSIGNAL) == sizeof(r) || not_heard(e);
}

static bool
answer(int from, struct buf *text, struct error *e)
{
	uint8_t packet[SUPERVISOR_TEXT_MAX];
	ssize_t n = recv(from, packet, sizeof(packet), MSG_TRUNC);
	uint32_t why;

	if (n == 0)
		return not_heard(e);
	if (n < (ssize_t)sizeof(why) || (size_t)n > sizeof(packet))
		return error_errno(e,
		    n < 0 && errno == EAGAIN ? FAIL_TIMEOUT : FAIL_IO,
		    "chanceryd");
	memcpy(&why, packet, sizeof(why));
	if (why == FAIL_NONE) {
		buf_add(text, packet + sizeof(why), (size_t)n - sizeof(why));
		return true;
	}
	return error_set(e, why < FAIL__COUNT ? (enum fail)why : FAIL_IO,
	    "%.*s", (int)((size_t)n - sizeof(why)), packet + sizeof(why));
}

bool
supervisor_status(const struct service_config *cfg, struct buf *json,
    struct error *e)
{
	auto_fd int fd = reach(cfg, e);

	return fd >= 0 && ask(fd, SUPERVISOR_STATUS, "", -1, e) &&
	    answer(fd, json, e);
}

bool
supervisor_is_up(const struct service_config *cfg)
{
	auto_buf struct buf json = { 0 };
	struct error e;

	return supervisor_status(cfg, &json, &e);
}

static int
pin_memfd(const struct secret *pin, struct error *e)
{
	auto_fd int fd = memfd_create("pin", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 ||
	    write(fd, secret_data(pin), secret_len(pin)) !=
		(ssize_t)secret_len(pin) ||
	    fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
		error_errno(e, FAIL_IO, "memfd");
		return -1;
	}
	return take_fd(&fd);
}

bool
supervisor_unseal(const struct service_config *cfg, const char *token,
    const struct secret *pin, struct error *e)
{
	auto_fd int fd = reach(cfg, e), given = -1;
	auto_buf struct buf text = { 0 };

	if (fd < 0 || (given = pin_memfd(pin, e)) < 0)
		return false;
	return ask(fd, SUPERVISOR_UNSEAL, token, given, e) &&
	    answer(fd, &text, e);
}
