/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>

#include <chancery/base/alloc.h>
#include <chancery/server/request.h>

/*
 * Bodies hold secret-ids and tokens, answers hold private keys: whatever jansson releases
 * is wiped first. It does not say how much that is, so each block carries its size.
 */
struct block {
	size_t n;
	_Alignas(max_align_t) uint8_t p[];
};

void *
wiping_alloc(size_t n)
{
	struct block *b;

	if (n > SIZE_MAX - sizeof(*b))
		return NULL;
	b = mem_alloc(sizeof(*b) + n);
	b->n = n;
	return b->p;
}

void
wiping_free(void *p)
{
	struct block *b;

	if (p == NULL)
		return;
	b = (struct block *)(void *)((uint8_t *)p - offsetof(struct block, p));
	OPENSSL_cleanse(b->p, b->n);
	mem_free(b);
}

void *
wiping_realloc(void *p, size_t n)
{
	const struct block *b;
	void *to;

	if (p == NULL)
		return wiping_alloc(n);
	if (n == 0) {
		wiping_free(p);
		return NULL;
	}
	b = (const struct block *)(const void *)((const uint8_t *)p -
	    offsetof(struct block, p));
	to = wiping_alloc(n);
	if (to != NULL) {
		memcpy(to, p, b->n < n ? b->n : n);
		wiping_free(p);
	}
	return to;
}

void
request_json_init(void)
{
	json_set_alloc_funcs(wiping_alloc, wiping_free);
	json_object_seed(0);
}
