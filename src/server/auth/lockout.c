/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong passwords, counted by user in a table of fixed size: where a set is full, the count
 * that is oldest goes. A password takes 80 ms, so that in LIMIT_LOCKOUT_S no more can be
 * tried than there is room for. */
#include <pthread.h>

#include <chancery/base/limits.h>

#include "password.h"

#define WAYS 4
#define SETS (LIMIT_LOCKOUT_USERS / WAYS)

struct count {
	struct sha256 user;
	int64_t last_s;
	unsigned failures, pending;
};
struct lockout {
	pthread_mutex_t lock;
	uint8_t seed[16]; /* nobody chooses whose set he shares */
	unsigned pending; /* of all */
	struct count sets[SETS][WAYS];
};

struct lockout *
lockout_new(void)
{
	struct lockout *l = mem_calloc(1, sizeof(*l));

	random_bytes(l->seed, sizeof(l->seed));
	(void)pthread_mutex_init(&l->lock, NULL);
	return l;
}

void
lockout_free(struct lockout *l)
{
	if (l == NULL)
		return;
	(void)pthread_mutex_destroy(&l->lock);
	mem_free(l);
}

static struct count *
set_of(struct lockout *l, const struct sha256 *user)
{
	struct sha256 h = sha256_cat(bytes_of(l->seed, sizeof(l->seed)),
	    sha256_bytes(user), bytes_of(NULL, 0));

	return l->sets[((unsigned)h.b[0] | (unsigned)h.b[1] << 8) % SETS];
}

static struct count *
find(struct lockout *l, const struct sha256 *user)
{
	struct count *set = set_of(l, user);

	for (size_t i = 0; i < WAYS; i++)
		if ((set[i].failures > 0 || set[i].pending > 0) &&
		    memcmp(&set[i].user, user, sizeof(*user)) == 0)
			return &set[i];
	return NULL;
}

/* NULL: all of the set are being looked at. */
static struct count *
make(struct lockout *l, const struct sha256 *user)
{
	struct count *set = set_of(l, user), *oldest = NULL;

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].pending == 0 &&
		    (oldest == NULL || set[i].failures == 0 ||
			set[i].last_s < oldest->last_s))
			oldest = &set[i];
	if (oldest != NULL)
		*oldest = (struct count){ .user = *user };
	return oldest;
}

static enum lockout_verdict
judge(struct lockout *l, const struct sha256 *user, int64_t now_s)
{
	struct count *c = find(l, user);

	if (c != NULL && c->pending == 0 &&
	    c->last_s + LIMIT_LOCKOUT_S <= now_s)
		c->failures = 0;
	if (c != NULL && c->failures >= LIMIT_LOCKOUT_FAILURES)
		return LOCKOUT_LOCKED;
	/* Guesses at once are no more than guesses one after the other. */
	if (l->pending >= LIMIT_PASSWORDS_AT_ONCE ||
	    (c != NULL && c->failures + c->pending >= LIMIT_LOCKOUT_FAILURES))
		return LOCKOUT_BUSY;
	if (c == NULL)
		c = make(l, user);
	if (c == NULL)
		return LOCKOUT_BUSY;
	c->pending++;
	l->pending++;
	return LOCKOUT_GO;
}

enum lockout_verdict
lockout_begin(struct lockout *l, const struct sha256 *user, int64_t now_s)
{
	enum lockout_verdict v;

	(void)pthread_mutex_lock(&l->lock);
	v = judge(l, user, now_s);
	(void)pthread_mutex_unlock(&l->lock);
	return v;
}

void
lockout_end(struct lockout *l, const struct sha256 *user, bool good,
    int64_t now_s)
{
	struct count *c;

	(void)pthread_mutex_lock(&l->lock);
	l->pending--;
	c = find(l, user);
	if (c == NULL)
		fatal("a login ends that did not begin");
	c->pending--;
	if (good) {
		c->failures = 0;
	} else {
		c->failures++;
		c->last_s = now_s;
	}
	(void)pthread_mutex_unlock(&l->lock);
}

bool
lockout_clear(struct lockout *l, const struct sha256 *user)
{
	struct count *c;
	bool was;

	(void)pthread_mutex_lock(&l->lock);
	c = find(l, user);
	was = c != NULL && c->failures >= LIMIT_LOCKOUT_FAILURES;
	if (c != NULL)
		c->failures = 0;
	(void)pthread_mutex_unlock(&l->lock);
	return was;
}
