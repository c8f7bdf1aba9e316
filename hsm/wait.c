/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/clock.h>

#include "internal.h"

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL

int64_t
deadline_after(unsigned ms)
{
	return clock_mono_ns() + (int64_t)ms * NS_PER_MS;
}

void
wait_init(pthread_mutex_t *lock, pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	if (pthread_mutex_init(lock, NULL) != 0 ||
	    pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(cond, &attr) != 0)
		fatal("no memory for a lock");
	(void)pthread_condattr_destroy(&attr);
}

bool
wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ns)
{
	const struct timespec ts = { (time_t)(deadline_ns / NS_PER_S),
		(long)(deadline_ns % NS_PER_S) };

	return pthread_cond_timedwait(cond, lock, &ts) == 0 ||
	    clock_mono_ns() < deadline_ns;
}

void
pause_ms(unsigned ms)
{
	const struct timespec ts = { ms / 1000, (long)(ms % 1000) * NS_PER_MS };

	(void)nanosleep(&ts, NULL);
}
