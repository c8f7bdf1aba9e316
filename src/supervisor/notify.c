/* SPDX-License-Identifier: Apache-2.0 */
/* sd_notify(3) and its watchdog: a datagram of lines. By hand, because libsystemd and its
 * compressors have no place in the process that starts the one with the keys. */
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/text.h>

#include "supervisor.h"

static struct {
	struct sockaddr_un to;
	socklen_t len;
	int64_t watchdog_ms, fed_ms;
} notify;

/* systemd gives half the time as the rhythm (sd_watchdog_enabled(3)). */
static void
init_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"),
		   *pid = getenv("WATCHDOG_PID");
	uint64_t n;

	if (usec == NULL || !parse_u64(usec, 2000, UINT32_MAX * 1000ULL, &n))
		return;
	notify.watchdog_ms = (int64_t)n / 2000;
	if (pid != NULL &&
	    (!parse_u64(pid, 1, INT32_MAX, &n) || (pid_t)n != getpid()))
		notify.watchdog_ms = 0;
}

void
notify_init(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path != NULL ? strlen(path) : 0;

	memset(&notify, 0, sizeof(notify));
	if (n == 0 || n >= sizeof(notify.to.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	notify.to.sun_family = AF_UNIX;
	memcpy(notify.to.sun_path, path, n);
	/* The abstract name space. */
	if (path[0] == '@')
		notify.to.sun_path[0] = '\0';
	notify.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n +
	    (path[0] == '@' ? 0 : 1));
	init_watchdog();
}

static void
tell(struct buf *text)
{
	auto_fd int fd = -1;

	if (notify.len == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)sendto(fd, text->p, text->n, MSG_NOSIGNAL,
		    (const struct sockaddr *)&notify.to, notify.len);
}

void
notify_ready(const char *status)
{
	auto_buf struct buf b = { 0 };

	buf_addf(&b, "READY=1\nSTATUS=%s\nMAINPID=%d\n", status, (int)getpid());
	tell(&b);
}

void
notify_status(const char *status)
{
	auto_buf struct buf b = { 0 };

	buf_addf(&b, "STATUS=%s\n", status);
	tell(&b);
}

void
notify_reloading(void)
{
	auto_buf struct buf b = { 0 };

	buf_addf(&b, "RELOADING=1\nMONOTONIC_USEC=%lld\n",
	    (long long)(clock_mono_ns() / 1000));
	tell(&b);
}

void
notify_stopping(void)
{
	auto_buf struct buf b = { 0 };

	buf_add_str(&b, "STOPPING=1\n");
	tell(&b);
}

int
notify_watchdog(void)
{
	auto_buf struct buf b = { 0 };
	int64_t now = now_ms(), due = notify.fed_ms + notify.watchdog_ms;

	if (notify.watchdog_ms == 0)
		return -1;
	if (now < due)
		return (int)(due - now);
	buf_add_str(&b, "WATCHDOG=1\n");
	tell(&b);
	notify.fed_ms = now;
	return (int)notify.watchdog_ms;
}
