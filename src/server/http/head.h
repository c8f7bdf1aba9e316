/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The lines of a request's head. Each function is given one without its CRLF, of octets
 * that may stand in a field value; false: p is BAD. */
#include "parse.h"

bool http_head_request_line(struct http_parse *p, struct http_span line);
bool http_head_field(struct http_parse *p, struct http_span line);
/* After the empty line: what only the whole head tells. */
bool http_head_finish(struct http_parse *p, size_t body_max);

/* Set BAD; returns false. */
bool http_parse_bad(struct http_parse *p, int status, const char *why);
