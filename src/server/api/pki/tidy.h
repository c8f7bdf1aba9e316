/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tidy: expired certificates and issuers of a mount are forgotten (vault-pki-api.md 4.16). What
 * is to be done and how far it got is a document, "pki-tidy" "state", so that a restart goes on
 * with it. Each page is a change of that document, and the store does what it says
 * (store.h): the register tells exactly what went. Neither the register nor the signer's
 * revocations are touched.
 *
 *   options  the switches, safety buffers in seconds, page_size, pause_ms
 *   state    "Running", "Finished", "Cancelled", "Error"
 *   started, finished, last (of the run before, while one runs)
 *   at       serial up to which it got; below: records that it is about
 *   certs, revoked, issuers    counts
 */
#include "engine.h"

#define TIDY_KIND STORE_KIND_TIDY
#define TIDY_STATE "state"

/* Of a request (tidy) or the document of config/auto-tidy. NULL: FAIL_BAD_INPUT. */
json_t *tidy_options(const json_t *from, struct error *e) must_check;
/* Whether one of the switches that do something is on. */
bool tidy_wants_any(const json_t *options) must_check;
extern const char *const tidy_switches[]; /* NULL ends */
extern const char *const tidy_buffers[];  /* NULL ends */
/* "1h30m0s", "1.5s", as Go prints a duration. */
json_t *tidy_pause_json(int64_t ms) must_check;
static inline int64_t
tidy_int(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}
static inline bool
tidy_bool(const json_t *o, const char *name)
{
	return json_is_true(json_object_get(o, name));
}

/* ---- the runner (tidier.c): worker 0, one page after the other ---- */
/* Any thread: there is something to do in that mount; it is to stop. */
void tidier_wanted(const char *mount);
void tidier_cancel(const char *mount);
bool tidier_is_cancelled(const char *mount) must_check;
