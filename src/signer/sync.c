/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* Submit, turn until the answer is there, hand it back. */

struct waiter {
	bool done;
	struct signer_reply reply;
	struct buf *sig;
};

static void
answer(void *arg, const struct signer_reply *r)
{
	struct waiter *w = arg;

	w->reply = *r;
	if (w->sig != NULL && r->ok)
		buf_add_bytes(w->sig, r->sig);
	/* Borrowed for the call only. */
	w->reply.sig = (struct bytes){ 0 };
	w->reply.path = NULL;
	w->done = true;
}

static bool
wait_for(struct signer *s, struct waiter *w, struct signer_reply *out,
    struct error *e)
{
	while (!w->done)
		if (!signer_turn(s, true, e) && !w->done)
			return false;
	*out = w->reply;
	if (!w->reply.ok)
		*e = w->reply.err;
	return w->reply.ok;
}

bool
signer_certify_wait(struct signer *s, const struct signer_certify *req,
    struct buf *sig, struct signer_reply *out, struct error *e)
{
	struct waiter w = { .sig = sig };

	return signer_certify(s, req, answer, &w, e) && wait_for(s, &w, out, e);
}

bool
signer_sign_crl_wait(struct signer *s, const struct signer_crl *req,
    struct signer_reply *out, struct error *e)
{
	struct waiter w = { 0 };

	return signer_sign_crl(s, req, answer, &w, e) &&
	    wait_for(s, &w, out, e);
}

bool
signer_revoke_wait(struct signer *s, const struct signer_revoke *req,
    struct signer_reply *out, struct error *e)
{
	struct waiter w = { 0 };

	return signer_revoke(s, req, answer, &w, e) && wait_for(s, &w, out, e);
}

bool
signer_sign_csr_wait(struct signer *s, const struct signer_csr *req,
    struct buf *sig, struct signer_reply *out, struct error *e)
{
	struct waiter w = { .sig = sig };

	return signer_sign_csr(s, req, answer, &w, e) &&
	    wait_for(s, &w, out, e);
}

bool
signer_sign_ocsp_wait(struct signer *s, const struct signer_ocsp *req,
    struct buf *sigs, struct signer_reply *out, struct error *e)
{
	struct waiter w = { .sig = sigs };

	return signer_sign_ocsp(s, req, answer, &w, e) &&
	    wait_for(s, &w, out, e);
}
