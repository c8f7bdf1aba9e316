/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prepared RSA-2048 keys for issue (off by default): a thread of idle priority fills the pool,
 * each key is given out once, what is left is freed (and so wiped by libcrypto) key by key.
 */
#include <pthread.h>
#include <sched.h>

#include <openssl/evp.h>

#include "process.h"

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	pthread_t thread;
	EVP_PKEY *keys[PKI_POOL_MAX];
	unsigned n, size;
	bool running, stop;
} pool = { .mutex = PTHREAD_MUTEX_INITIALIZER,
	.wake = PTHREAD_COND_INITIALIZER };

static const struct key_type pooled = { KEY_RSA, 2048 };

EVP_PKEY *
pool_take(struct key_type t)
{
	EVP_PKEY *k = NULL;

	if (t.alg != pooled.alg || t.bits != pooled.bits)
		return NULL;
	(void)pthread_mutex_lock(&pool.mutex);
	if (pool.n > 0) {
		k = pool.keys[--pool.n];
		pool.keys[pool.n] = NULL;
		(void)pthread_cond_signal(&pool.wake);
	}
	(void)pthread_mutex_unlock(&pool.mutex);
	return k;
}

static bool
wants_one(void)
{
	bool wants;

	(void)pthread_mutex_lock(&pool.mutex);
	while (!pool.stop && pool.n >= pool.size)
		(void)pthread_cond_wait(&pool.wake, &pool.mutex);
	wants = !pool.stop;
	(void)pthread_mutex_unlock(&pool.mutex);
	return wants;
}

static void
put_one(EVP_PKEY *k)
{
	(void)pthread_mutex_lock(&pool.mutex);
	if (!pool.stop && pool.n < pool.size)
		pool.keys[pool.n++] = take(k);
	(void)pthread_mutex_unlock(&pool.mutex);
	EVP_PKEY_free(k);
}

static void *
fill(void *arg)
{
	const struct sched_param none = { 0 };
	struct error e;

	(void)arg;
	/* Requests come first; where that is not allowed, so be it. */
	(void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
	while (wants_one()) {
		EVP_PKEY *k = pki_leafkey_make(pooled, &e);

		if (k == NULL)
			break;
		put_one(k);
	}
	return NULL;
}

void
pool_start(unsigned size)
{
	if (size == 0)
		return;
	pool.size = size < PKI_POOL_MAX ? size : PKI_POOL_MAX;
	pool.stop = false;
	pool.running = pthread_create(&pool.thread, NULL, fill, NULL) == 0;
}

void
pool_stop(void)
{
	if (!pool.running)
		return;
	(void)pthread_mutex_lock(&pool.mutex);
	pool.stop = true;
	(void)pthread_cond_signal(&pool.wake);
	(void)pthread_mutex_unlock(&pool.mutex);
	(void)pthread_join(pool.thread, NULL);
	while (pool.n > 0)
		EVP_PKEY_free(pool.keys[--pool.n]);
	pool.running = false;
}
