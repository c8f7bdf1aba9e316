/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that caches may keep: conditions, ranges and the fields that go with them. */
#include <stdio.h>
#include <unistd.h>

#include <chancery/server/conditional.h>

#include "engine.h"

static struct bytes
field(const struct call *c, const char *name)
{
	struct bytes v;

	return http_header(c->x, name, &v) ? v : bytes_of(NULL, 0);
}

static int
evaluate(const struct call *c, const struct cached *k, uint64_t length,
    uint64_t *from, uint64_t *n)
{
	const struct http_representation r = { .etag = k->etag,
		.modified_s = k->modified_s,
		.date_exact = k->date_exact,
		.length = length };
	const struct http_asked q = {
		.if_match = field(c, "If-Match"),
		.if_none_match = field(c, "If-None-Match"),
		.if_modified_since = field(c, "If-Modified-Since"),
		.if_unmodified_since = field(c, "If-Unmodified-Since"),
		.if_range = field(c, "If-Range"),
		.range = field(c, "Range"),
		.is_get = bytes_eq(http_method(c->x), bytes_str("GET")),
		.now_s = c->now_s,
	};

	return http_evaluate(&q, &r, from, n);
}

/* A date that has not come yet would be no date (RFC 9110 8.8.2.1): it is left out then. */
static void
set_fields(struct call *c, const struct cached *k)
{
	/* Read when the answer goes, in this thread. */
	static __thread char cache[96];
	char date[HTTP_DATE_SIZE];

	(void)snprintf(cache, sizeof(cache), "public, max-age=%lld%s",
	    (long long)(k->max_age_s > 0 ? k->max_age_s : 0),
	    k->more != NULL ? k->more : "");
	call_cache_control(c, cache);
	http_set_header(c->x, "ETag", k->etag);
	http_set_header(c->x, "Accept-Ranges", "bytes");
	if (k->modified_s > 0 && k->modified_s <= c->now_s) {
		http_date_format(k->modified_s, date);
		http_set_header(c->x, "Last-Modified", date);
	}
	if (k->expires_s > 0) {
		http_date_format(k->expires_s, date);
		http_set_header(c->x, "Expires", date);
	}
}

static void
set_range(struct call *c, int status, uint64_t from, uint64_t n,
    uint64_t length)
{
	char text[80];

	if (status == 206)
		(void)snprintf(text, sizeof(text), "bytes %llu-%llu/%llu",
		    (unsigned long long)from,
		    (unsigned long long)(from + n - 1),
		    (unsigned long long)length);
	else
		(void)snprintf(text, sizeof(text), "bytes */%llu",
		    (unsigned long long)length);
	http_set_header(c->x, "Content-Range", text);
}

/* 304, 412 and 416 have no body. True: it is answered. */
static bool
without_body(struct call *c, const struct cached *k, int status,
    uint64_t length)
{
	if (status == 200 || status == 206)
		return false;
	/* What a cache keeps it gives to others, who did not ask under that condition. */
	if (status == 304)
		set_fields(c, k);
	if (status == 416)
		set_range(c, status, 0, 0, length);
	call_raw(c, status, NULL, bytes_of(NULL, 0));
	return true;
}

int
cached_begin(struct call *c, const struct cached *k, uint64_t length,
    uint64_t *from, uint64_t *n)
{
	int status = evaluate(c, k, length, from, n);

	if (without_body(c, k, status, length))
		return 0;
	set_fields(c, k);
	if (status == 206)
		set_range(c, status, *from, *n, length);
	return status;
}

void
cached_bytes(struct call *c, const struct cached *k, struct bytes body)
{
	uint64_t from, n;
	int status = cached_begin(c, k, body.n, &from, &n);

	if (status != 0)
		call_raw(c, status, k->type, bytes_of(body.p + from, n));
}

void
cached_file(struct call *c, const struct cached *k, int fd, uint64_t length)
{
	uint64_t from, n;
	int status = cached_begin(c, k, length, &from, &n);

	if (status != 0)
		call_file(c, status, k->type, fd, from, n);
	else
		(void)close(fd);
}
