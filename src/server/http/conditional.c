/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/server/conditional.h>

#include <stdio.h>

#include <chancery/base/clock.h>

#include "chars.h"

/* ---- dates ------------------------------------------------------------------ */

static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue",
	"Wed" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

void
http_date_format(int64_t t_s, char out[HTTP_DATE_SIZE])
{
	int y, mon, d, h, m, s;

	time_to_civil(t_s, &y, &mon, &d, &h, &m, &s);
	(void)snprintf(out, HTTP_DATE_SIZE,
	    "%s, %02d %s %04d %02d:%02d:%02d GMT", days[t_s / 86400 % 7],
	    d % 100, months[(mon - 1) % 12], y % 10000, h % 100, m % 100,
	    s % 100);
}

/* The three forms of RFC 9110 5.6.7: D day, B month's name, Y year, y its last two digits,
 * d day with a space for the ten, h m s; other characters are themselves. What stands
 * before is the name of the day, which is not looked at. */
static const char *const forms[] = { ", D B Y h:m:s GMT", ", D-B-y h:m:s GMT",
	" B d h:m:s Y" };

struct scan {
	struct bytes rest;
	int year, month, day, hour, minute, second;
	bool short_year;
};

static bool
scan_digits(struct scan *s, size_t n, int *out)
{
	int v = 0;

	if (s->rest.n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = s->rest.p[i];

		if (c < '0' || c > '9')
			return false;
		v = v * 10 + (c - '0');
	}
	s->rest = bytes_of(s->rest.p + n, s->rest.n - n);
	*out = v;
	return true;
}

static bool
scan_month(struct scan *s)
{
	for (int i = 0; i < 12; i++)
		if (s->rest.n >= 3 && memcmp(s->rest.p, months[i], 3) == 0) {
			s->month = i + 1;
			s->rest = bytes_of(s->rest.p + 3, s->rest.n - 3);
			return true;
		}
	return false;
}

static bool
scan_one(struct scan *s, char what)
{
	switch (what) {
	case 'D':
		return scan_digits(s, 2, &s->day);
	case 'd':
		if (s->rest.n < 2 || s->rest.p[0] != ' ')
			return scan_digits(s, 2, &s->day);
		s->rest = bytes_of(s->rest.p + 1, s->rest.n - 1);
		return scan_digits(s, 1, &s->day);
	case 'B':
		return scan_month(s);
	case 'Y':
		return scan_digits(s, 4, &s->year);
	case 'y':
		s->short_year = true;
		return scan_digits(s, 2, &s->year);
	case 'h':
		return scan_digits(s, 2, &s->hour);
	case 'm':
		return scan_digits(s, 2, &s->minute);
	case 's':
		return scan_digits(s, 2, &s->second);
	}
	if (s->rest.n == 0 || s->rest.p[0] != (uint8_t)what)
		return false;
	s->rest = bytes_of(s->rest.p + 1, s->rest.n - 1);
	return true;
}

static bool
scan_form(struct scan *s, const char *form)
{
	for (; *form != '\0'; form++)
		if (!scan_one(s, *form))
			return false;
	return s->rest.n == 0;
}

/* More than 50 years ahead is the past (RFC 9110 5.6.7). */
static int
full_year(int two, int64_t now_s)
{
	int y, mon, d, h, m, s, guess;

	time_to_civil(now_s, &y, &mon, &d, &h, &m, &s);
	guess = y - y % 100 + two;
	return guess > y + 50 ? guess - 100 : guess;
}

bool
http_date_parse(struct bytes v, int64_t now_s, int64_t *t_s)
{
	size_t name = 0;

	while (name < v.n && v.p[name] != ',' && v.p[name] != ' ')
		name++;
	for (size_t i = 0; i < countof(forms); i++) {
		struct scan s = { .rest = bytes_of(v.p + name, v.n - name) };

		if (!scan_form(&s, forms[i]))
			continue;
		if (s.short_year)
			s.year = full_year(s.year, now_s);
		return time_from_civil(s.year, s.month, s.day, s.hour, s.minute,
		    s.second == 60 ? 59 : s.second, t_s);
	}
	return false;
}

/* ---- entity tags ------------------------------------------------------------- */

/* The next of a list: W/"…" or "…". Commas stand inside of quotes too. */
static bool
next_tag(struct bytes *rest, bool *weak, struct bytes *tag)
{
	size_t at = 0, end;

	while (at < rest->n &&
	    (rest->p[at] == ',' || rest->p[at] == ' ' || rest->p[at] == '\t'))
		at++;
	*weak = rest->n - at >= 2 && memcmp(rest->p + at, "W/", 2) == 0;
	at += *weak ? 2 : 0;
	if (at >= rest->n || rest->p[at] != '"')
		return false;
	for (end = at + 1; end < rest->n && rest->p[end] != '"';)
		end++;
	if (end == rest->n)
		return false;
	*tag = bytes_of(rest->p + at, end + 1 - at);
	*rest = http_trim(bytes_of(rest->p + end + 1, rest->n - end - 1));
	return rest->n == 0 || rest->p[0] == ',';
}

/* `strong`: a weak tag is never the same (RFC 9110 8.8.3.2). */
static bool
tag_listed(struct bytes list, const char *etag, bool strong)
{
	struct bytes tag;
	bool weak;

	if (bytes_eq(http_trim(list), bytes_str("*")))
		return true;
	while (next_tag(&list, &weak, &tag))
		if (bytes_eq(tag, bytes_str(etag)) && !(strong && weak))
			return true;
	return false;
}

/* ---- ranges ------------------------------------------------------------------- */

static bool
digits(struct bytes v, uint64_t *out)
{
	*out = 0;
	if (v.n == 0 || v.n > 18)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		*out = *out * 10 + (uint64_t)(v.p[i] - '0');
	}
	return true;
}

struct range {
	bool suffix, open_end; /* "-500", "500-" */
	uint64_t first, last;
};

/* "bytes=0-499", "bytes=500-", "bytes=-500". */
static bool
parse_range(struct bytes v, struct range *r)
{
	struct bytes spec, first, last;
	const uint8_t *dash;

	if (v.n < 6 || !http_same_name(bytes_of(v.p, 6), bytes_str("bytes=")))
		return false;
	spec = http_trim(bytes_of(v.p + 6, v.n - 6));
	dash = spec.n > 0 ? memchr(spec.p, '-', spec.n) : NULL;
	if (dash == NULL)
		return false;
	first = bytes_of(spec.p, (size_t)(dash - spec.p));
	last = bytes_of(dash + 1, spec.n - first.n - 1);
	*r = (struct range){ .suffix = first.n == 0, .open_end = last.n == 0 };
	return (r->suffix || digits(first, &r->first)) &&
	    (r->open_end || digits(last, &r->last)) &&
	    !(r->suffix && r->open_end) &&
	    (r->suffix || r->open_end || r->first <= r->last);
}

static int
one_range(struct bytes v, uint64_t length, uint64_t *from, uint64_t *n)
{
	struct range r;

	if (!parse_range(v, &r))
		return 200;
	if (length == 0 || (r.suffix ? r.last == 0 : r.first >= length))
		return 416;
	if (r.suffix)
		r.first = r.last < length ? length - r.last : 0;
	if (r.suffix || r.open_end || r.last >= length)
		r.last = length - 1;
	*from = r.first;
	*n = r.last - r.first + 1;
	return 206;
}

/* ---- all of it, in the order of RFC 9110 13.2.2 --------------------------------- */

static bool
date_of(const struct http_asked *q, struct bytes v, int64_t *t_s)
{
	return v.p != NULL && http_date_parse(v, q->now_s, t_s);
}

static bool
failed(const struct http_asked *q, const struct http_representation *r)
{
	int64_t t;

	if (q->if_match.p != NULL)
		return !tag_listed(q->if_match, r->etag, true);
	return r->modified_s > 0 && date_of(q, q->if_unmodified_since, &t) &&
	    r->modified_s > t;
}

static bool
same(const struct http_asked *q, const struct http_representation *r)
{
	int64_t t;

	if (q->if_none_match.p != NULL)
		return tag_listed(q->if_none_match, r->etag, false);
	return r->modified_s > 0 && date_of(q, q->if_modified_since, &t) &&
	    (r->date_exact ? r->modified_s == t : r->modified_s <= t);
}

/* Whether the parts that the client has are of this very version. */
static bool
range_counts(const struct http_asked *q, const struct http_representation *r)
{
	int64_t t;

	if (!q->is_get || q->range.p == NULL)
		return false;
	if (q->if_range.p == NULL)
		return true;
	if (q->if_range.n > 0 &&
	    (q->if_range.p[0] == '"' || q->if_range.p[0] == 'W'))
		return bytes_eq(q->if_range, bytes_str(r->etag));
	return date_of(q, q->if_range, &t) && t == r->modified_s;
}

int
http_evaluate(const struct http_asked *q, const struct http_representation *r,
    uint64_t *from, uint64_t *n)
{
	*from = 0;
	*n = r->length;
	if (failed(q, r))
		return 412;
	if (same(q, r))
		return 304;
	return range_counts(q, r) ? one_range(q->range, r->length, from, n)
				  : 200;
}
