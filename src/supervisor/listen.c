/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: our own, or those that systemd holds for us (sd_listen_fds(3)). */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>

#include "supervisor.h"

#define LISTEN_FDS_START 3
#define BACKLOG 4096

static void
add(struct listeners *l, enum room_fd_kind kind, const char *text, int fd)
{
	struct listener *v = &l->v[l->n];

	if (l->n == countof(l->v))
		fatal("more than %zu listening sockets", countof(l->v));
	l->n++;
	v->kind = (uint32_t)kind;
	v->fd = fd;
	(void)snprintf(v->text, sizeof(v->text), "%s", text);
}

/* The i-th of "a:b:c"; not NUL-terminated. */
static struct bytes
name_at(const char *names, size_t i)
{
	while (names != NULL && i > 0) {
		names = strchr(names, ':');
		names = names != NULL ? names + 1 : NULL;
		i--;
	}
	if (names == NULL)
		return (struct bytes){ 0 };
	return bytes_of(names, strcspn(names, ":"));
}

static void
inherit_one(struct listeners *l, int fd, struct bytes name)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);
	enum room_fd_kind kind = ROOM_FD_TLS;

	if (getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
		log_line(LOG_LEVEL_WARNING,
		    "LISTEN_FDS: descriptor %d is no socket", fd);
		return;
	}
	if (a.ss_family == AF_UNIX)
		kind = ROOM_FD_UNIX;
	else if (bytes_eq(name, bytes_str("plain")))
		kind = ROOM_FD_PLAIN;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	l->passed[kind] = true;
	add(l, kind, "", fd);
}

void
listeners_inherit(struct listeners *l)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS"),
		   *names = getenv("LISTEN_FDNAMES");
	uint64_t n, count;

	if (pid == NULL || fds == NULL || !parse_u64(pid, 1, INT32_MAX, &n) ||
	    (pid_t)n != getpid() ||
	    !parse_u64(fds, 0, SERVICE_LISTENERS_MAX, &count))
		return;
	for (size_t i = 0; i < count; i++)
		inherit_one(l, LISTEN_FDS_START + (int)i, name_at(names, i));
}

static int
listen_tcp(const char *text, struct error *e)
{
	struct sockaddr_storage a;
	socklen_t len;
	auto_fd int fd = -1;
	int one = 1;

	if (!service_listen_parse(text, &a, &len, e))
		return -1;
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		error_errno(e, FAIL_IO, "%s: socket", text);
		return -1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* [::] and 0.0.0.0 are two listeners, on every system. */
	if (a.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
		    sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, len) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		error_errno(e, errno == EACCES ? FAIL_PERMISSION : FAIL_BUSY,
		    "listening on %s", text);
		return -1;
	}
	return take_fd(&fd);
}

int
listen_unix(const char *path, int type, unsigned mode, struct error *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	auto_fd int fd =
	    socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	size_t n = strlen(path);
	struct stat st;
	mode_t mask;
	int rc;

	if (fd < 0 || n >= sizeof(a.sun_path)) {
		error_errno(e, FAIL_IO, "%s: socket", path);
		return -1;
	}
	memcpy(a.sun_path, path, n);
	/* Whoever holds the lock of run_dir may clear what the last one left;
	 * anything that is no socket is not ours. */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);
	/* Never more than `mode`, not even for a moment. */
	mask = umask(0777 & ~(mode_t)mode);
	rc = bind(fd, (struct sockaddr *)&a, sizeof(a));
	(void)umask(mask);
	if (rc != 0 || listen(fd, BACKLOG) != 0) {
		error_errno(e, FAIL_IO, "listening on %s", path);
		return -1;
	}
	return take_fd(&fd);
}

/* A socket of before that is still wanted is kept, and with it who waits on it. */
static int
again(const struct listeners *old, enum room_fd_kind kind, const char *text)
{
	for (size_t i = 0; old != NULL && i < old->n; i++)
		if (old->v[i].kind == (uint32_t)kind &&
		    strcmp(old->v[i].text, text) == 0)
			return fcntl(old->v[i].fd, F_DUPFD_CLOEXEC, 0);
	return -1;
}

static bool
open_one(struct listeners *l, const struct listeners *old,
    enum room_fd_kind kind, const char *text, struct error *e)
{
	int fd = again(old, kind, text);

	/* Who may do what over the unix socket is decided by the uid of the
	 * peer, not by who may connect. */
	if (fd < 0)
		fd = kind == ROOM_FD_UNIX
		    ? listen_unix(text, SOCK_STREAM, 0666, e)
		    : listen_tcp(text, e);
	if (fd < 0)
		return false;
	add(l, kind, text, fd);
	return true;
}

static void
keep_passed(struct listeners *l, const struct listeners *old)
{
	memcpy(l->passed, old->passed, sizeof(l->passed));
	for (size_t i = 0; i < old->n; i++)
		if (old->v[i].text[0] == '\0')
			add(l, (enum room_fd_kind)old->v[i].kind, "",
			    fcntl(old->v[i].fd, F_DUPFD_CLOEXEC, 0));
}

static bool
open_all(struct listeners *l, const struct listeners *old,
    enum room_fd_kind kind, const struct yaml_texts *texts, struct error *e)
{
	for (size_t i = 0; !l->passed[kind] && i < texts->n; i++)
		if (!open_one(l, old, kind, texts->v[i], e))
			return false;
	return true;
}

bool
listeners_open(struct listeners *out, const struct listeners *old,
    const struct service_config *cfg, struct error *e)
{
	const struct service_server *c = &cfg->server;
	struct listeners l = { 0 };

	keep_passed(&l, old);
	if (!open_all(&l, old, ROOM_FD_TLS, &c->listen, e) ||
	    !open_all(&l, old, ROOM_FD_PLAIN, &c->plain_listen, e) ||
	    (!l.passed[ROOM_FD_UNIX] &&
		!open_one(&l, old, ROOM_FD_UNIX, c->socket, e))) {
		listeners_close(&l);
		return false;
	}
	*out = l;
	return true;
}

void
listeners_close(struct listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		(void)close(l->v[i].fd);
	l->n = 0;
}
