/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A list that the caller writes, on its way (caller_list.c, caller_resign.c). */
#include <chancery/pki/crl.h>

#include "engine.h"

struct listing {
	const struct doc *issuer; /* held */
	struct crl_entry *v;
	size_t n, cap, next;
	struct buf *more; /* of the entries: v[i].more borrows */
	size_t more_n, more_cap;
	struct buf extra, tbs;
	struct crl_params p;
	bool der;
};

/* c->state becomes a fresh one. */
struct listing *listing_new(struct call *c);
/* An empty entry; lives until the next one. */
struct crl_entry *listing_add(struct listing *l);
/* Numbers, life and format; l->issuer is there. */
bool listing_common(struct call *c, struct listing *l,
    struct error *e) must_check;
/* Ascending; of several entries for one serial the earliest, where they may be there. */
bool listing_order(struct listing *l, bool merge, struct error *e) must_check;
/* Written, signed, answered. */
void listing_sign(struct call *c, struct listing *l);
