/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

bool
gate_enter(struct gate *g, int64_t deadline_ns)
{
	bool ok = true;

	(void)pthread_mutex_lock(&g->lock);
	while (ok && (g->closed || g->waiting > 0))
		ok = wait_until(&g->changed, &g->lock, deadline_ns);
	if (ok)
		g->inside++;
	(void)pthread_mutex_unlock(&g->lock);
	return ok;
}

void
gate_leave(struct gate *g)
{
	(void)pthread_mutex_lock(&g->lock);
	if (--g->inside == 0 && g->waiting > 0)
		(void)pthread_cond_broadcast(&g->changed);
	(void)pthread_mutex_unlock(&g->lock);
}

bool
gate_seize(struct gate *g, int64_t deadline_ns)
{
	bool ok = true;

	(void)pthread_mutex_lock(&g->lock);
	g->waiting++;
	while (ok && (g->closed || g->inside > 0))
		ok = wait_until(&g->changed, &g->lock, deadline_ns);
	g->waiting--;
	if (ok)
		g->closed = true;
	else
		(void)pthread_cond_broadcast(&g->changed);
	(void)pthread_mutex_unlock(&g->lock);
	return ok;
}

void
gate_release(struct gate *g)
{
	(void)pthread_mutex_lock(&g->lock);
	g->closed = false;
	(void)pthread_cond_broadcast(&g->changed);
	(void)pthread_mutex_unlock(&g->lock);
}

void
pool_init(struct session_pool *p, unsigned limit)
{
	wait_init(&p->lock, &p->freed);
	p->idle = mem_calloc(limit, sizeof(*p->idle));
	p->limit = limit;
	p->max = limit;
}

void
pool_free(struct session_pool *p)
{
	mem_free(p->idle);
	(void)pthread_cond_destroy(&p->freed);
	(void)pthread_mutex_destroy(&p->lock);
}

static CK_RV
session_open(struct hsm_token *t, CK_SESSION_HANDLE *out)
{
	CK_FLAGS flags =
	    CKF_SERIAL_SESSION | (t->read_write ? CKF_RW_SESSION : 0);

	return t->m->f->C_OpenSession(t->slot, flags, NULL, NULL, out);
}

/* With the pool locked; unlocks for the call. */
static CK_RV
pool_grow(struct hsm_token *t, CK_SESSION_HANDLE *out)
{
	struct session_pool *p = &t->pool;
	CK_RV rv;

	p->opened++;
	(void)pthread_mutex_unlock(&p->lock);
	rv = session_open(t, out);
	(void)pthread_mutex_lock(&p->lock);
	if (rv != CKR_OK) {
		p->opened--;
		(void)pthread_cond_signal(&p->freed);
	}
	return rv;
}

static CK_RV
pool_take(struct hsm_token *t, int64_t deadline_ns, CK_SESSION_HANDLE *out)
{
	struct session_pool *p = &t->pool;

	for (;;) {
		CK_RV rv;

		if (p->idle_n > 0) {
			*out = p->idle[--p->idle_n];
			return CKR_OK;
		}
		if (p->opened < p->max) {
			rv = pool_grow(t, out);
			/* The token has fewer than it said: share ours. */
			if (rv != CKR_SESSION_COUNT || p->opened == 0)
				return rv;
			p->max = p->opened;
		} else if (!wait_until(&p->freed, &p->lock, deadline_ns)) {
			return CKR_SESSION_COUNT;
		}
	}
}

CK_RV
session_borrow(struct hsm_token *t, int64_t deadline_ns, CK_SESSION_HANDLE *out)
{
	CK_RV rv;

	(void)pthread_mutex_lock(&t->pool.lock);
	rv = pool_take(t, deadline_ns, out);
	(void)pthread_mutex_unlock(&t->pool.lock);
	return rv;
}

void
session_return(struct hsm_token *t, CK_SESSION_HANDLE s)
{
	struct session_pool *p = &t->pool;

	(void)pthread_mutex_lock(&p->lock);
	p->idle[p->idle_n++] = s;
	(void)pthread_cond_signal(&p->freed);
	(void)pthread_mutex_unlock(&p->lock);
}

void
session_drop(struct hsm_token *t, CK_SESSION_HANDLE s)
{
	struct session_pool *p = &t->pool;

	(void)t->m->f->C_CloseSession(s);
	(void)pthread_mutex_lock(&p->lock);
	p->opened--;
	(void)pthread_cond_signal(&p->freed);
	(void)pthread_mutex_unlock(&p->lock);
}

void
token_detach(struct hsm_token *t, bool close)
{
	struct session_pool *p = &t->pool;

	if (close) {
		while (p->idle_n > 0)
			(void)t->m->f->C_CloseSession(p->idle[--p->idle_n]);
		if (t->login != CK_INVALID_HANDLE)
			(void)t->m->f->C_CloseSession(t->login);
	}
	p->idle_n = 0;
	p->opened = 0;
	p->max = p->limit;
	t->login = CK_INVALID_HANDLE;
	t->up = false;
	t->attach_failed = false;
	t->generation++;
}
