/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The body of an answer, up to a length. It may carry tokens and keys: what it grows out of is
 * wiped, and so is the whole when it goes. */
#include <chancery/base/bytes.h>

struct curl_body {
	struct buf text;
	size_t max;
};
/* CURLOPT_WRITEFUNCTION, with a struct curl_body as CURLOPT_WRITEDATA. */
size_t curl_body_add(char *p, size_t size, size_t n, void *body);
/* Also of what is sent. */
void buf_wipe(struct buf *b);
void curl_body_free(struct curl_body *b);
#define auto_wiped auto_cleanup(buf_wipe)
#define auto_curl_body auto_cleanup(curl_body_free)
