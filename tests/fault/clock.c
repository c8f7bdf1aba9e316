/* SPDX-License-Identifier: Apache-2.0 */

/*
 * LD_PRELOAD library: the wall clock of a process, moved. FAULT_CLOCK names a file of eight
 * octets, an int64_t of milliseconds in the machine's order, which is added to the true time; it
 * is mapped before main, so that a room moves with it after its sandbox was closed. Clocks that
 * nobody can set (CLOCK_MONOTONIC, CLOCK_BOOTTIME) stay as they are. README.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define NS_A_MS 1000000
#define NS_A_S 1000000000

static _Atomic int64_t none;
static _Atomic int64_t *moved_ms = &none;

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("FAULT_CLOCK");
	void *map;
	int fd;

	if (path == NULL)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	map = fd < 0
	    ? MAP_FAILED
	    : mmap(NULL, sizeof(*moved_ms), PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		(void)fprintf(stderr, "FAULT_CLOCK: %s: not mapped\n", path);
		abort();
	}
	(void)close(fd);
	moved_ms = map;
}

/* Not libc's, which is this one: allocators ask for the time before anything is set up. */
static int
true_time(clockid_t id, struct timespec *ts)
{
	return (int)syscall(SYS_clock_gettime, id, ts);
}

EXPORT int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t ns, ms;

	if (true_time(id, ts) != 0)
		return -1;
	if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)
		return 0;
	ms = atomic_load_explicit(moved_ms, memory_order_relaxed);
	ns = ts->tv_nsec + ms % 1000 * NS_A_MS;
	ts->tv_sec += ms / 1000 + (ns < 0 ? -1 : ns / NS_A_S);
	ts->tv_nsec = ns < 0 ? ns + NS_A_S : ns % NS_A_S;
	return 0;
}

EXPORT int
gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec ts;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

EXPORT time_t
time(time_t *out)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
