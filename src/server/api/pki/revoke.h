/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One revocation on its way: found (revoke_find.c), recorded (revoke.c), listed. */
#include "engine.h"

struct revocation {
	struct store_cert cert;
	struct buf mem; /* what cert points to */
	struct lane_revoke req;
	struct cert given;        /* handed in as PEM */
	const struct doc *issuer; /* held; NULL: gone */
	int64_t time_s;
	int64_t invalidity_s; /* 0: none */
	int reason;
	bool foreign; /* not in the store */
	bool again;   /* it was revoked before */
	bool waits;   /* for lists */
	call_fn *next;
	/* revoke-with-key */
	const char *key_pem;
	struct spki key;
	struct error refusal;
};

/* c->state becomes a fresh one. */
struct revocation *revocation_new(struct call *c);
/* By serial_number or certificate of the request; one of them is given. */
bool revocation_find(struct call *c, struct revocation *r,
    struct error *e) must_check;
/* That certificate under that issuer: its row, or what a row would be. */
bool revocation_of_cert(struct call *c, struct revocation *r,
    const struct doc *issuer, const struct cert *cert,
    struct error *e) must_check;
/* Recorded by the signer, then the store; `next` runs with r->time_s. Errors are
 * answered. */
void revocation_record(struct call *c, call_fn *next);
/* Recorded, with its issuer: the lists that are to have it are asked for when next runs, and
 * made where it `waits`, config/crl has it so and they are short. */
void revocation_list(struct call *c, bool waits, call_fn *next);
