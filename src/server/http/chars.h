/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which octets may stand where in a request. */
#include <chancery/base/bytes.h>

enum http_char {
	HTTP_TCHAR = 1,  /* token: RFC 9110 5.6.2                          */
	HTTP_VALUE = 2,  /* field value: VCHAR, obs-text, SP, HTAB (5.5)   */
	HTTP_TARGET = 4, /* path and query, "%" apart: RFC 3986 3.3, 3.4   */
	HTTP_HOST = 8,   /* host and port: RFC 3986 3.2.2, 3.2.3 without "," */
	HTTP_HEX = 16
};

extern const uint8_t http_chars[256];

static inline bool
http_is(uint8_t c, enum http_char kind)
{
	return (http_chars[c] & kind) != 0;
}
/* All of s; true when empty. */
bool http_all(struct bytes s, enum http_char kind);
/* ASCII only, whatever the locale. */
bool http_same_name(struct bytes a, struct bytes b);
/* Without SP and HTAB around it. */
struct bytes http_trim(struct bytes s);
/* Cut the next element of a comma-separated list off *rest, trimmed; false at the end.
 * Empty elements are passed over (RFC 9110 5.6.1.2). */
bool http_next_element(struct bytes *rest, struct bytes *element);
