/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that no cache can hold: anybody may ask for as many as he likes, and each is a
 * signature and a part of a record. So many a second are made, whoever asks.
 */
#include <pthread.h>

#include <chancery/base/clock.h>

#include "ocsp.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned per_s, left;
static int64_t second;

void
ocsp_rate_set(unsigned answers_per_s)
{
	per_s = answers_per_s;
}

bool
ocsp_rate_take(void)
{
	int64_t now = clock_mono_ns() / 1000000000;
	bool ok;

	(void)pthread_mutex_lock(&mutex);
	if (now != second) {
		second = now;
		left = per_s;
	}
	ok = left > 0;
	left -= ok;
	(void)pthread_mutex_unlock(&mutex);
	return ok;
}
