/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responders of which the keys lie in this process (ocsp_key: memory), of all workers: one for
 * each issuer, gone with the process. A new certificate takes the place of the old one; who
 * signs meanwhile goes on holding that.
 */
#include <pthread.h>
#include <stdio.h>

#include "ocsp.h"

struct place {
	struct place *next;
	char *mount, name[OCSP_NAME_SIZE];
	struct ocsp_responder *r; /* held */
	unsigned round;           /* in which its issuer was last there */
};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct place *places; /* under it; as many as issuers */
static unsigned round_;      /* likewise */
static _Atomic uint64_t changes;

uint64_t
ocsp_memory_changes(void)
{
	return atomic_load(&changes);
}

void
ocsp_memory_release(const struct ocsp_responder *held)
{
	struct ocsp_responder *r = (struct ocsp_responder *)(uintptr_t)held;

	if (r != NULL && atomic_fetch_sub(&r->refs, 1) == 1)
		ocsp_responder_free(r);
}

/* Under the mutex. */
static struct place *
place_of(const char *mount, const char *name)
{
	struct place *p;

	for (p = places; p != NULL; p = p->next)
		if (strcmp(p->name, name) == 0 && strcmp(p->mount, mount) == 0)
			return p;
	return NULL;
}

const struct ocsp_responder *
ocsp_memory_get(const char *mount, const char *name)
{
	struct ocsp_responder *r = NULL;
	const struct place *p;

	(void)pthread_mutex_lock(&mutex);
	p = place_of(mount, name);
	if (p != NULL) {
		r = p->r;
		atomic_fetch_add(&r->refs, 1);
	}
	(void)pthread_mutex_unlock(&mutex);
	return r;
}

/* Takes it over. */
static void
put(const char *mount, const char *name, struct ocsp_responder *r)
{
	struct ocsp_responder *old;
	struct place *p;

	r->refs = 1;
	(void)pthread_mutex_lock(&mutex);
	p = place_of(mount, name);
	if (p == NULL) {
		p = mem_calloc(1, sizeof(*p));
		p->mount = mem_strdup(mount);
		(void)snprintf(p->name, sizeof(p->name), "%s", name);
		p->next = places;
		places = p;
	}
	old = p->r;
	p->r = r;
	p->round = round_;
	atomic_fetch_add(&changes, 1);
	(void)pthread_mutex_unlock(&mutex);
	ocsp_memory_release(old);
}

void
ocsp_memory_keep(const char *mount, const char *name)
{
	struct place *p;

	(void)pthread_mutex_lock(&mutex);
	p = place_of(mount, name);
	if (p != NULL)
		p->round = round_;
	(void)pthread_mutex_unlock(&mutex);
}

static void
place_free(struct place *p)
{
	ocsp_memory_release(p->r);
	mem_free(p->mount);
	mem_free(p);
}

void
ocsp_memory_sweep(void)
{
	struct place **at = &places, *p;

	(void)pthread_mutex_lock(&mutex);
	while ((p = *at) != NULL) {
		if (p->round == round_) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		place_free(p);
		atomic_fetch_add(&changes, 1);
	}
	round_++;
	(void)pthread_mutex_unlock(&mutex);
}

bool
ocsp_memory_add(const char *mount, const char *name, struct bytes spki,
    struct bytes cert, struct ocsp_key **key, struct error *e)
{
	struct ocsp_responder *r = ocsp_responder_new(spki, cert, e);

	if (r == NULL)
		return false;
	r->key_here = take(*key);
	put(mount, name, r);
	return true;
}

void
ocsp_memory_free(void)
{
	struct place *p;

	while ((p = places) != NULL) {
		places = p->next;
		place_free(p);
	}
}
