/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdio.h>

#include "internal.h"

/* The signer's rule for a serial that is not, or no longer, one of its own. */
#define RULE_SERIAL "serial-not-outstanding"

static bool
is_ok(const struct lane_request *r, const struct wire_answer *a)
{
	/* Whoever revoked it, perhaps this very request before its signer went. */
	return a->why == FAIL_NONE ||
	    (r->again && r->m == WIRE_REVOKE && a->why == FAIL_EXISTS);
}

static struct lane_reply
reply_of(const struct lane_request *r, const struct wire_answer *a)
{
	struct lane_reply p = { .ok = is_ok(r, a),
		.rule = a->rule,
		.field = a->field,
		.intent = a->intent,
		.index = a->index,
		.sig = a->text.n > 0 ? a->text : a->sig,
		.t_s = a->t_s,
		.key = a->key,
		.spki = a->spki,
		.path = a->path,
		.crl_number = a->crl_number,
		.entries = a->entries,
		.bytes = a->bytes };

	if (!p.ok)
		error_set(&p.err, a->why, "%s", a->msg != NULL ? a->msg : "");
	p.stale_serial = !p.ok && r->m == WIRE_CERTIFY && a->rule != NULL &&
	    strcmp(a->rule, RULE_SERIAL) == 0;
	return p;
}

static _Atomic uint64_t lists;

uint64_t
lane_lists(void)
{
	return atomic_load(&lists);
}

void
lane_reply(struct lane *l, struct lane_request *r, const struct wire_answer *a)
{
	const struct lane_reply p = reply_of(r, a);
	lane_done_fn *done = r->done;
	void *arg = r->arg;

	if (r->m == WIRE_SIGN_CRL || r->m == WIRE_IMPORT)
		(void)atomic_fetch_add(&lists, 1);
	lane_drop(l, &l->sent, r);
	if (done != NULL)
		done(arg, &p);
}

static bool
take_hello(struct lane *l, const struct wire_answer *a, struct error *e)
{
	if (a->why != FAIL_NONE || a->version != WIRE_VERSION)
		return error_set(e, FAIL_UNSUPPORTED,
		    "the signer speaks version %llu, the server %d: %s",
		    (unsigned long long)a->version, WIRE_VERSION,
		    a->msg != NULL ? a->msg : "");
	mem_free(l->origin);
	mem_free(l->vkey);
	l->origin = mem_strdup(a->origin != NULL ? a->origin : "");
	l->vkey = mem_strdup(a->vkey != NULL ? a->vkey : "");
	l->hello = (struct lane_hello){ .origin = l->origin,
		.vkey = l->vkey,
		.size = a->size,
		.software = a->version };
	l->state = LANE_UP;
	/* A new signer finishes what the last one began. */
	(void)atomic_fetch_add(&lists, 1);
	lane_recover(l);
	return true;
}

bool
lane_frame(void *arg, const struct frame *f, struct bytes body, struct error *e)
{
	struct lane *l = arg;
	struct lane_request *r;
	struct wire_answer a;

	if ((f->flags & FRAME_ANSWER) == 0)
		return error_set(e, FAIL_BAD_INPUT, "not an answer");
	if (!wire_answer_decode(f->type, body, &a, e))
		return false;
	if (f->id == LANE_FRAME_HELLO)
		return take_hello(l, &a, e);
	if (f->id == LANE_FRAME_SERIALS) {
		lane_serials_take(l, &a);
		return true;
	}
	r = lane_find(l, f->id);
	if (r == NULL ||
	    f->type != (r->settling ? (unsigned)WIRE_SETTLE : (unsigned)r->m))
		return error_set(e, FAIL_BAD_INPUT,
		    "an answer (%s) that nobody waits for",
		    wire_message_name(f->type));
	if (r->settling)
		lane_settled(l, r, &a);
	else
		lane_reply(l, r, &a);
	return true;
}
