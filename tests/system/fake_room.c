/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A room without contents, for tests of the supervisor: it does what wire/room.h wants and
 * writes down what it got, in $FAKE_ROOM_DIR/<program>.log. What it shall do differently
 * stands in $FAKE_ROOM_DIR/<program>.do when it starts:
 *
 *   exit N     end with that status
 *   silent     ready, then no word more
 *   tell       ask the supervisor for a key, if it is the signer
 *   open       close only the control socket, stay
 *   exec       try to run a program that is no room
 *
 * A signer that finds a PIN "wrong" tells so and ends, as the real one does; one that
 * finds "vague" does not tell which. With --keygen it is the one-shot writer.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/config/pass.h>
#include <chancery/config/service.h>
#include <chancery/wire/peer.h>
#include <chancery/wire/room.h>

#define LANES 64

static char name[64];
static char doing[64];
static int lane[LANES];
static struct room_fd table[256];
static size_t table_n;

static void note(const char *fmt, ...) printf_like(1, 2);
static void
note(const char *fmt, ...)
{
	auto_mem char *path =
	    mem_printf("%s/%s.log", getenv("FAKE_ROOM_DIR"), name);
	FILE *f = fopen(path, "ae");
	va_list ap;

	if (f == NULL)
		_exit(99);
	va_start(ap, fmt);
	(void)vfprintf(f, fmt, ap);
	va_end(ap);
	(void)fputc('\n', f);
	(void)fclose(f);
}

static void
say(uint32_t type, const void *rest, size_t n)
{
	uint8_t packet[1024];

	memcpy(packet, &type, sizeof(type));
	if (n > 0)
		memcpy(packet + sizeof(type), rest, n);
	if (send(ROOM_FD_CONTROL, packet, sizeof(type) + n, MSG_NOSIGNAL) < 0)
		_exit(98);
}

static void
read_doing(void)
{
	auto_mem char *path =
	    mem_printf("%s/%s.do", getenv("FAKE_ROOM_DIR"), name);
	auto_file FILE *f = fopen(path, "re");

	if (f != NULL && fgets(doing, sizeof(doing), f) != NULL)
		doing[strcspn(doing, "\n")] = '\0';
}

/* Whatever is open beyond what the table names was left open. */
static void
note_strays(void)
{
	auto_dir DIR *d = opendir("/proc/self/fd");
	const struct dirent *entry;

	while ((entry = readdir(d)) != NULL) {
		long fd = strtol(entry->d_name, NULL, 10);

		if (fd >= (long)(ROOM_FD_FIRST + table_n) && fd != dirfd(d))
			note("stray %ld", fd);
	}
}

static void
note_settings(int fd, const char *what)
{
	auto_buf struct buf json = { 0 };
	struct service_config c;
	struct error e = { 0 };
	auto_yaml_doc struct yaml_doc *d = NULL;

	if (!peer_memfd_read(fd, 1 << 20, &json, &e) ||
	    (d = schema_unpack(service_schema, buf_bytes(&json), &c, sizeof(c),
		 &e)) == NULL) {
		note("settings: %s", e.msg);
		return;
	}
	note("%s workers=%llu level=%s inline=%d", what,
	    (unsigned long long)c.server.workers, c.log_level,
	    strstr(buf_cstr(&json), "i_accept_the_risk") != NULL);
}

static void
read_table(void)
{
	auto_buf struct buf b = { 0 };
	struct error e = { 0 };

	if (!peer_memfd_read(ROOM_FD_TABLE, sizeof(table), &b, &e))
		_exit(97);
	table_n = b.n / sizeof(table[0]);
	if (b.n > 0)
		memcpy(table, b.p, b.n);
}

static void
use_pin(uint32_t token, int fd)
{
	char pin[64] = "";
	ssize_t n = read(fd, pin, sizeof(pin) - 1);

	pin[n > 0 ? n : 0] = '\0';
	pin[strcspn(pin, "\r\n")] = '\0';
	note("pin %u %s", token, pin);
	if (strcmp(pin, "wrong") == 0)
		say(ROOM_PIN_REFUSED, &token, sizeof(token));
	if (strcmp(pin, "wrong") == 0 || strcmp(pin, "vague") == 0)
		_exit(ROOM_EXIT_PIN);
}

static void
use_table(void)
{
	static const char *const kinds[] = { "lane", "tls", "unix", "plain",
		"pin", "outlane" };

	memset(lane, -1, sizeof(lane));
	for (size_t i = 0; i < table_n; i++) {
		int fd = ROOM_FD_FIRST + (int)i;

		note("fd %s %u", kinds[table[i].kind], table[i].index);
		if (table[i].kind == ROOM_FD_LANE)
			lane[table[i].index] = fd;
		if (table[i].kind == ROOM_FD_PIN)
			use_pin(table[i].index, fd);
	}
}

/* A server says its pid on each lane; a signer notes what it hears. */
static void
greet(uint32_t i)
{
	char text[32];

	if (strcmp(name, "chancery-server") != 0)
		return;
	(void)snprintf(text, sizeof(text), "from %d", (int)getpid());
	if (send(lane[i], text, strlen(text), MSG_NOSIGNAL) < 0)
		note("lane %u is dead", i);
}

static void
hear_lanes(void)
{
	for (uint32_t i = 0; i < LANES; i++) {
		char text[32];
		ssize_t n = lane[i] < 0
		    ? -1
		    : recv(lane[i], text, sizeof(text), MSG_DONTWAIT);

		if (n > 0)
			note("lane %u heard %.*s", i, (int)n, text);
		if (n == 0) {
			(void)close(lane[i]);
			lane[i] = -1;
		}
	}
}

union rights {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

static size_t
receive(uint8_t *packet, size_t size, int *fd)
{
	union rights c;
	struct iovec v = { packet, size };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = sizeof(c.room) };
	ssize_t n = recvmsg(ROOM_FD_CONTROL, &m, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	*fd = -1;
	if (h != NULL)
		memcpy(fd, CMSG_DATA(h), sizeof(int));
	if (n <= 0) {
		note("supervisor gone");
		_exit(0);
	}
	return (size_t)n;
}

static void
hear(void)
{
	uint8_t packet[1024];
	uint32_t type, value = 0;
	int fd;
	size_t n = receive(packet, sizeof(packet), &fd);

	memcpy(&type, packet, sizeof(type));
	if (n >= 2 * sizeof(type))
		memcpy(&value, packet + sizeof(type), sizeof(value));
	switch (type) {
	case ROOM_STOP:
		note("stop");
		_exit(0);
	case ROOM_RELOAD:
		note_settings(fd, "reload");
		break;
	case ROOM_NEW_LANE:
		note("new lane %u", value);
		lane[value] = fd;
		greet(value);
		break;
	case ROOM_NEW_OUTLANE:
		note("new outlane %u", value);
		break;
	case ROOM_SIGNER_GONE:
		note("signer gone %u", value);
		break;
	case ROOM_KEYGEN_DONE:
		note("key %u %.*s", value, (int)(n - 16), packet + 16);
		break;
	default:
		note("message %u", type);
	}
}

static void
keygen(void)
{
	uint8_t packet[1024];
	struct room_keygen k;
	/* Status and intent, each 0. */
	static const char answer[] = "\0\0\0\0\0\0\0\0\0\0\0\0"
				     "{\"made\":true}";
	int fd;

	if (receive(packet, sizeof(packet), &fd) != 4 + sizeof(k))
		_exit(96);
	memcpy(&k, packet + 4, sizeof(k));
	note("keygen %s on %u", k.label, k.token);
	if (strcmp(k.label, "bad") == 0)
		_exit(70);
	say(ROOM_KEYGEN_DONE, answer, sizeof(answer) - 1);
	_exit(0);
}

static void
do_it(void)
{
	struct room_keygen k = { .token = 1, .label = "good" };
	char program[] = "/bin/true";
	char *argv[] = { program, NULL };

	if (strncmp(doing, "exit ", 5) == 0)
		_exit((int)strtol(doing + 5, NULL, 10));
	if (strcmp(doing, "tell") == 0) {
		say(ROOM_KEYGEN, &k, sizeof(k));
		memcpy(k.label, "bad", 4);
		say(ROOM_KEYGEN, &k, sizeof(k));
	}
	if (strcmp(doing, "open") == 0) {
		(void)close(ROOM_FD_CONTROL);
		for (;;)
			pause();
	}
	if (strcmp(doing, "exec") == 0) {
		(void)execv(program, argv);
		note("exec: %s", strerror(errno));
	}
}

int
main(unused_arg int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');

	(void)snprintf(name, sizeof(name), "%s",
	    slash != NULL ? slash + 1 : argv[0]);
	read_doing();
	read_table();
	note("start %d uid=%u dump=%d notify=%d", (int)getpid(), geteuid(), 0,
	    getenv("NOTIFY_SOCKET") != NULL);
	note_strays();
	note_settings(ROOM_FD_SETTINGS, "settings");
	use_table();
	if (argv[1] != NULL)
		keygen();
	do_it();
	say(ROOM_READY, NULL, 0);
	for (uint32_t i = 0; i < LANES; i++)
		if (lane[i] >= 0)
			greet(i);
	for (;;) {
		struct pollfd p = { ROOM_FD_CONTROL, POLLIN, 0 };

		if (poll(&p, 1, 100) > 0)
			hear();
		hear_lanes();
		if (strcmp(doing, "silent") != 0)
			say(ROOM_ALIVE, NULL, 0);
	}
}
