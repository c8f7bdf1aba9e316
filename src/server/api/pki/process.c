/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/log.h>

#include "lease.h"
#include "ocsp.h"
#include "partition.h"
#include "process.h"
#include "publish.h"

struct pki_settings pki_process;

struct event *
process_timer(struct event_base *base, unsigned ms, event_callback_fn tick)
{
	const struct timeval each = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };
	struct event *timer = event_new(base, -1, EV_PERSIST, tick, NULL);

	if (timer == NULL || event_add(timer, &each) != 0)
		fatal("no timer");
	return timer;
}

void
pki_start(const struct pki_settings *s, struct event_base *base,
    struct lane *lane)
{
	pki_process = *s;
	pool_start(s->rsa_pool);
	partition_start();
	keeper_start(base, lane);
	tidier_start(base, lane, s->api);
	leaser_start(base, lane, s->api);
	ocsp_rate_set(s->ocsp_uncached_per_s);
	ocsp_keeper_start(base, lane, s->api);
	publisher_start(base);
}

void
pki_stop(void)
{
	leaser_stop();
	ocsp_keeper_stop();
	publisher_stop();
	tidier_stop();
	keeper_stop();
	pool_stop();
	crl_forget();
	pki_process = (struct pki_settings){ 0 };
}
