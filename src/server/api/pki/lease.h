/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Leases of certificates: lease.c makes and ends them, leaser.c carries out what is due,
 * lease_sweep.c drops what no mount has any more. */
#include "engine.h"

/* The role says so, and keeps its certificates. */
bool lease_wanted(const struct work *w);
/* Before anything is signed. False: answered. */
bool lease_check(struct call *c, const struct work *w);
/* The certificate is stored: its lease, then w->answer. Errors are answered. */
void lease_make(struct call *c);
/* Row of its own: the certificate is revoked, then its lease is gone. */
call_fn lease_revoke;

struct event_base;
struct api;
void leaser_start(struct event_base *base, struct lane *lane, struct api *api);
void leaser_stop(void);
/* One round over the leases whose mount is gone. Leaser's thread. */
void lease_sweep(void);
