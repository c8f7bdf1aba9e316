/* SPDX-License-Identifier: Apache-2.0 */

/* Memory of the names of one certificate: freed as one. */
#include <string.h>
#include <strings.h>

#include <chancery/base/alloc.h>

#include "names_part.h"

#define BLOCK 2048

struct block {
	struct block *next;
	size_t n, cap;
	uint8_t data[];
};
struct name_arena {
	struct block *head;
};

struct name_arena *
arena_new(void)
{
	return mem_calloc(1, sizeof(struct name_arena));
}

void
arena_free(struct name_arena *a)
{
	struct block *b, *next;

	if (a == NULL)
		return;
	for (b = a->head; b != NULL; b = next) {
		next = b->next;
		mem_free(b);
	}
	mem_free(a);
}

struct bytes
arena_add(struct name_arena *a, struct bytes v)
{
	struct block *b = a->head;
	uint8_t *at;

	if (b == NULL || b->cap - b->n <= v.n) {
		size_t cap = v.n + 1 > BLOCK ? v.n + 1 : BLOCK;

		b = mem_alloc(sizeof(*b) + cap);
		*b = (struct block){ .next = a->head, .cap = cap };
		a->head = b;
	}
	at = b->data + b->n;
	if (v.n > 0)
		memcpy(at, v.p, v.n);
	at[v.n] = '\0';
	b->n += v.n + 1;
	return bytes_of(at, v.n);
}

void
name_list_add(struct name_list *l, struct bytes v)
{
	l->v = mem_grow(l->v, l->n, &l->cap, sizeof(l->v[0]));
	l->v[l->n++] = v;
}

void
name_list_add_once(struct name_list *l, struct bytes v, bool fold)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].n == v.n &&
		    (fold ? strncasecmp((const char *)l->v[i].p,
				(const char *)v.p, v.n) == 0
			  : memcmp(l->v[i].p, v.p, v.n) == 0))
			return;
	name_list_add(l, v);
}
