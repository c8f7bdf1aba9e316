/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <chancery/base/clock.h>

static int64_t
read_clock_ns(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		fatal("clock_gettime failed");
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t
read_clock(clockid_t id)
{
	return read_clock_ns(id) / 1000000;
}

int64_t
clock_mono_ns(void)
{
	return read_clock_ns(CLOCK_MONOTONIC);
}

int64_t
clock_thread_cpu_ns(void)
{
	return read_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int64_t
system_wall(unused_arg void *arg)
{
	return read_clock(CLOCK_REALTIME);
}

static int64_t
system_boot(unused_arg void *arg)
{
	return read_clock(CLOCK_BOOTTIME);
}

const struct clock clock_system = { system_wall, system_boot, NULL };

/* Days since 1970-01-01 of a proleptic Gregorian date, by counting 400-year
 * eras that begin on 1 March (so that the leap day is the last of its year). */
static int64_t
days_from_civil(int64_t y, int mon, int d)
{
	int64_t era, yoe, doy;

	if (mon <= 2)
		y--;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (mon + (mon > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int
days_in_month(int y, int mon)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	if (mon == 2 && ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0))
		return 29;
	return days[mon - 1];
}

bool
time_from_civil(int y, int mon, int d, int h, int min, int s, int64_t *t_s)
{
	if (y < 1950 || y > 9999 || mon < 1 || mon > 12 || d < 1 ||
	    d > days_in_month(y, mon) || h < 0 || h > 23 || min < 0 ||
	    min > 59 || s < 0 || s > 59)
		return false;
	*t_s = days_from_civil(y, mon, d) * 86400 + h * 3600 + min * 60 + s;
	return true;
}

void
time_to_civil(int64_t t_s, int *y, int *mon, int *d, int *h, int *min, int *s)
{
	int64_t days = t_s / 86400, rest = t_s % 86400, era, doe, yoe, doy, mp;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*mon = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = (int)(yoe + era * 400 + (*mon <= 2));
	*h = (int)(rest / 3600);
	*min = (int)(rest / 60 % 60);
	*s = (int)(rest % 60);
}

static void
two(char *p, int v)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
}

/* By hand, not by snprintf: once per register record. */
static void
format_civil(int64_t t_s, char *out)
{
	int y, mon, d, h, min, s;

	time_to_civil(t_s, &y, &mon, &d, &h, &min, &s);
	memcpy(out, "0000-00-00T00:00:00", 19);
	two(out, y / 100);
	two(out + 2, y % 100);
	two(out + 5, mon);
	two(out + 8, d);
	two(out + 11, h);
	two(out + 14, min);
	two(out + 17, s);
}

void
time_format_s(int64_t t_s, char out[TIME_TEXT_SIZE])
{
	format_civil(t_s, out);
	memcpy(out + 19, "Z", 2);
}

void
time_format_ms(int64_t t_ms, char out[TIME_TEXT_SIZE])
{
	int64_t t_s = t_ms / 1000, ms = t_ms % 1000;

	if (ms < 0) {
		ms += 1000;
		t_s--;
	}
	format_civil(t_s, out);
	out[19] = '.';
	out[20] = (char)('0' + ms / 100);
	two(out + 21, (int)(ms % 100));
	memcpy(out + 23, "Z", 2);
}

/* A fixed shape in which every 0 is a digit. */
static bool
matches(const char *s, const char *shape, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (shape[i] == '0' ? s[i] < '0' || s[i] > '9'
				    : s[i] != shape[i])
			return false;
	return true;
}

static int
number(const char *s, size_t n)
{
	int v = 0;
	size_t i;

	for (i = 0; i < n; i++)
		v = v * 10 + (s[i] - '0');
	return v;
}

static bool
parse_civil(const char *s, int64_t *t_s)
{
	return time_from_civil(number(s, 4), number(s + 5, 2), number(s + 8, 2),
	    number(s + 11, 2), number(s + 14, 2), number(s + 17, 2), t_s);
}

bool
time_parse_s(const char *s, size_t n, int64_t *t_s)
{
	return n == 20 && matches(s, "0000-00-00T00:00:00Z", n) &&
	    parse_civil(s, t_s);
}

bool
time_parse_ms(const char *s, size_t n, int64_t *t_ms)
{
	int64_t t_s;

	if (n != 24 || !matches(s, "0000-00-00T00:00:00.000Z", n) ||
	    !parse_civil(s, &t_s))
		return false;
	*t_ms = t_s * 1000 + number(s + 20, 3);
	return true;
}
