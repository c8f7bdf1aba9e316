/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What runs beside the handlers. */
#include "engine.h"

/* design.md: at most this many keys lie ready. */
#define PKI_POOL_MAX 64
void pool_start(unsigned size);
void pool_stop(void);

void keeper_start(struct event_base *base, struct lane *lane);
void keeper_stop(void);

void tidier_start(struct event_base *base, struct lane *lane, struct api *api);
void tidier_stop(void);
