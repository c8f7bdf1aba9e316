/* SPDX-License-Identifier: Apache-2.0 */
#include "curl_body.h"

#include <chancery/base/alloc.h>

size_t
curl_body_add(char *p, size_t size, size_t n, void *body)
{
	struct curl_body *b = body;
	size_t want = b->text.n + size * n;

	if (want > b->max)
		return 0;
	if (want > b->text.cap) {
		b->text.cap = want * 2;
		b->text.p = mem_realloc_wiped(b->text.p, b->text.cap);
	}
	buf_add(&b->text, p, size * n);
	return size * n;
}

void
buf_wipe(struct buf *b)
{
	mem_free_wiped(b->p);
	*b = (struct buf){ 0 };
}

void
curl_body_free(struct curl_body *b)
{
	buf_wipe(&b->text);
}
