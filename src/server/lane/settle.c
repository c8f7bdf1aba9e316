/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/log.h>

#include "internal.h"

/*
 * After the signer changed: each request that the old one had is settled by its id, or
 * sent again where doing it twice does no harm (FRAME_AGAIN tells the signer).
 */

/* Signers that one request may see going away. */
#define DEATHS_MAX 2

static bool
has_intent(enum wire_message m)
{
	return m == WIRE_CERTIFY || m == WIRE_SIGN_CSR || m == WIRE_SIGN_CRL;
}

static bool
survived_before(struct lane *l, const struct lane_request *r)
{
	const size_t held =
	    l->survivors < LANE_SURVIVORS ? l->survivors : LANE_SURVIVORS;

	for (size_t i = 0; i < held; i++)
		if (memcmp(l->survivor[i], r->id, sizeof(l->survivor[i])) == 0)
			return true;
	memcpy(l->survivor[l->survivors++ % LANE_SURVIVORS], r->id,
	    sizeof(l->survivor[0]));
	return false;
}

/* Nothing came of it, or nothing that anybody got: with a fresh serial it may be tried
 * again, once. */
static void
stale(struct lane *l, struct lane_list *from, struct lane_request *r)
{
	struct error e;

	if (from == &l->sent && survived_before(l, r)) {
		error_set(&e, FAIL_HSM_GONE,
		    "the signer ended twice while it had this request");
	} else {
		r->stale = true;
		error_set(&e, FAIL_HSM_GONE,
		    "the signer is new: its serials are others");
	}
	lane_fail(l, from, r, &e);
}

static void
recover_sent(struct lane *l, struct lane_request *r, struct lane_list *out)
{
	struct error e;

	if (r->done == NULL) {
		lane_drop(l, &l->sent, r);
		return;
	}
	if (r->told) {
		error_set(&e, FAIL_HSM_GONE,
		    "the signer ended while it had this request");
		lane_fail(l, &l->sent, r, &e);
		return;
	}
	if (++r->deaths > DEATHS_MAX) {
		error_set(&e, FAIL_HSM_GONE,
		    "the signer ended %u times while it had this request",
		    r->deaths);
		lane_fail(l, &l->sent, r, &e);
		return;
	}
	r->settling = has_intent(r->m);
	r->again = !r->settling;
	TAILQ_REMOVE(&l->sent, r, link);
	l->in_flight--;
	TAILQ_INSERT_TAIL(out, r, link);
}

void
lane_recover(struct lane *l)
{
	struct lane_list again = TAILQ_HEAD_INITIALIZER(again);
	struct lane_request *r, *next;
	size_t n = l->in_flight;

	while ((r = TAILQ_FIRST(&l->sent)) != NULL)
		recover_sent(l, r, &again);
	for (r = TAILQ_FIRST(&l->queued); r != NULL; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->m == WIRE_CERTIFY && r->generation != l->generation &&
		    !r->settling)
			stale(l, &l->queued, r);
	}
	TAILQ_CONCAT(&again, &l->queued, link);
	TAILQ_CONCAT(&l->queued, &again, link);
	if (n > 0)
		log_line(LOG_LEVEL_INFO,
		    "lane: %zu requests were in flight and are settled", n);
	lane_schedule(l);
}

/* Back to the queue, as itself. */
static void
resend(struct lane *l, struct lane_request *r)
{
	r->settling = false;
	TAILQ_REMOVE(&l->sent, r, link);
	l->in_flight--;
	TAILQ_INSERT_TAIL(&l->queued, r, link);
	lane_schedule(l);
}

void
lane_settled(struct lane *l, struct lane_request *r,
    const struct wire_answer *a)
{
	if (a->why != FAIL_NONE || a->outcome == WIRE_OUTCOME_SIGNED)
		lane_reply(l, r, a);
	else if (r->done == NULL)
		lane_drop(l, &l->sent, r);
	else if (r->m == WIRE_CERTIFY)
		/* One that may have been signed is revoked and nobody has it. */
		stale(l, &l->sent, r);
	else
		resend(l, r);
}
