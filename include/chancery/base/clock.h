/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Time. Milliseconds since 1970-01-01T00:00:00Z in an int64_t, always called
 * `*_ms`; whole seconds are called `*_s`. The clock is an object that tests
 * replace; only clock.c calls clock_gettime.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

struct clock {
	int64_t (*wall_ms)(void *arg);
	int64_t (*boot_ms)(void *arg); /* CLOCK_BOOTTIME: runs in suspend   */
	void *arg;
};

extern const struct clock clock_system;

static inline int64_t
clock_wall_ms(const struct clock *c)
{
	return c->wall_ms(c->arg);
}
static inline int64_t
clock_boot_ms(const struct clock *c)
{
	return c->boot_ms(c->arg);
}

/* For waiting and for measuring, never for records: nanoseconds of
 * CLOCK_MONOTONIC, and of this thread's CPU time. */
int64_t clock_mono_ns(void);
int64_t clock_thread_cpu_ns(void);

#define TIME_TEXT_SIZE 32
/* "2026-11-22T02:44:25.123Z" (ms) and "2026-11-22T02:44:25Z" (s): RFC 3339.
 * Years 1970 to 9999. */
void time_format_ms(int64_t t_ms, char out[TIME_TEXT_SIZE]);
void time_format_s(int64_t t_s, char out[TIME_TEXT_SIZE]);
/* Exactly those shapes, existing calendar dates only. */
bool time_parse_ms(const char *s, size_t n, int64_t *t_ms) must_check;
bool time_parse_s(const char *s, size_t n, int64_t *t_s) must_check;
/* Civil date to seconds; no leap seconds. False when out of range. */
bool time_from_civil(int y, int mon, int d, int h, int min, int s,
    int64_t *t_s) must_check;
void time_to_civil(int64_t t_s, int *y, int *mon, int *d, int *h, int *min,
    int *s);
