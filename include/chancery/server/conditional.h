/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a request for a stored representation asks for beyond its path: conditions
 * (RFC 9110 13) and a range (14). Pure functions over field values.
 */
#include <chancery/base/bytes.h>

#define HTTP_DATE_SIZE 32
/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7); years 1970 to 9999. */
void http_date_format(int64_t t_s, char out[HTTP_DATE_SIZE]);
/* That form and the two older ones; a year of two digits is the one closest to `now_s`. */
bool http_date_parse(struct bytes v, int64_t now_s, int64_t *t_s) must_check;

/* Field values as they came; p NULL: the field is not there. */
struct http_asked {
	struct bytes if_match, if_none_match, if_modified_since,
	    if_unmodified_since, if_range, range;
	bool is_get; /* only GET has ranges */
	int64_t now_s;
};
struct http_representation {
	const char *etag;   /* strong, in its quotes */
	int64_t modified_s; /* 0: not told */
	/* The date says nothing of the order of two versions: only the very same one counts
	 * as not modified. */
	bool date_exact;
	uint64_t length;
};
/* 200, 206 (from, n are set), 304, 412 or 416. Several ranges, and what is no range of
 * octets, is the whole: RFC 9110 14.2 leaves it to the server. */
int http_evaluate(const struct http_asked *q,
    const struct http_representation *r, uint64_t *from,
    uint64_t *n) must_check;
