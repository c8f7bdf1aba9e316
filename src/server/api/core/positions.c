/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

void
positions_init(struct positions *p)
{
	*p = (struct positions){ .next = 0 };
	TAILQ_INIT(&p->flying);
	(void)pthread_mutex_init(&p->mutex, NULL);
}

struct position *
position_begin(struct positions *p)
{
	struct position *at = mem_alloc(sizeof(*at));

	(void)pthread_mutex_lock(&p->mutex);
	at->next = p->next;
	TAILQ_INSERT_TAIL(&p->flying, at, link);
	(void)pthread_mutex_unlock(&p->mutex);
	return at;
}

void
position_end(struct positions *p, struct position *at, uint64_t next)
{
	(void)pthread_mutex_lock(&p->mutex);
	if (next > p->next)
		p->next = next;
	TAILQ_REMOVE(&p->flying, at, link);
	(void)pthread_mutex_unlock(&p->mutex);
	mem_free(at);
}

void
position_lost(struct positions *p, struct position *at)
{
	(void)pthread_mutex_lock(&p->mutex);
	if (!p->has_lost || at->next < p->lost)
		p->lost = at->next;
	p->has_lost = true;
	p->lost_ns = clock_mono_ns();
	TAILQ_REMOVE(&p->flying, at, link);
	(void)pthread_mutex_unlock(&p->mutex);
	mem_free(at);
}

uint64_t
api_position(struct api *a)
{
	struct positions *p = &a->positions;
	const struct position *first;
	uint64_t at;

	(void)pthread_mutex_lock(&p->mutex);
	first = TAILQ_FIRST(&p->flying);
	at = first != NULL ? first->next : p->next;
	if (p->has_lost && p->lost < at)
		at = p->lost;
	(void)pthread_mutex_unlock(&p->mutex);
	return at;
}

bool
api_has_lost(struct api *a)
{
	bool lost;

	(void)pthread_mutex_lock(&a->positions.mutex);
	lost = a->positions.has_lost;
	(void)pthread_mutex_unlock(&a->positions.mutex);
	return lost;
}

/* By then whatever the signer still did about a request that nobody waits for is in the
 * register. */
#define SETTLED_NS (INT64_C(60) * 1000 * 1000 * 1000)

void
api_caught_up(struct api *a, uint64_t next, int64_t began_ns)
{
	struct positions *p = &a->positions;

	(void)pthread_mutex_lock(&p->mutex);
	if (p->has_lost && p->lost_ns + SETTLED_NS < began_ns)
		p->has_lost = false;
	if (p->lost < next)
		p->lost = next;
	if (next > p->next)
		p->next = next;
	(void)pthread_mutex_unlock(&p->mutex);
	changes_caught_up(a, began_ns);
}
