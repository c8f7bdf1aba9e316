/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What runs beside the handlers. */
#include <event2/event.h>

#include <chancery/base/clock.h>

#include "engine.h"

/* A timer of worker 0, again and again. event_free. */
struct event *process_timer(struct event_base *base, unsigned ms,
    event_callback_fn tick) must_check;
static inline int64_t
now_s(void)
{
	return clock_wall_ms(pki_process.clock) / 1000;
}
/* For pauses after failures and what is done again and again: a clock that nobody sets. By the
 * other one a pause that began while it ran ahead would last until it is that late again. */
static inline int64_t
steady_s(void)
{
	return clock_mono_ns() / 1000000000;
}

/* design.md: at most this many keys lie ready. */
#define PKI_POOL_MAX 64
void pool_start(unsigned size);
void pool_stop(void);

void keeper_start(struct event_base *base, struct lane *lane);
void keeper_stop(void);

void tidier_start(struct event_base *base, struct lane *lane, struct api *api);
void tidier_stop(void);
