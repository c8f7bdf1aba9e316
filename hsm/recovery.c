/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include <chancery/base/clock.h>

#include "internal.h"

/*
 * The ladder. Level 2: give up our sessions, open, log in. Level 3: finalise and
 * initialise the module, find the token again by label and serial, log in. The
 * operation itself, run again, is the test of the result; a signature is verified
 * before it counts. Recovery happens with the gate seized, once for all callers
 * who failed in the same generation. A refused PIN ends everything.
 */
struct ladder {
	int64_t deadline_ns;
	unsigned relogins, reinits;
	unsigned pause; /* ms before the next step                            */
};

#define PAUSE_FIRST_MS 2
#define PAUSE_DOUBLING_MAX_MS 64
#define PAUSE_LONG_MS 1000
/* Rejections (bad handle and the like) that outlive this many new starts are
 * the key's or the module's own fault. */
#define REINITS_FOR_REJECTION 2

CK_RV
hsm_own_error(struct hsm_call *c, enum fail why, const char *fmt, ...)
{
	char text[ERROR_MSG_SIZE];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->own_error = true;
	c->described = true;
	(void)error_set(c->e, why, "%s", text);
	return CKR_GENERAL_ERROR;
}

/* ---- recovery, gate seized --------------------------------------------- */

static bool
attach(struct hsm_token *t, struct error *e)
{
	if (token_attach(t, e))
		return true;
	t->attach_failed = true;
	t->down = *e;
	return false;
}

static bool
relogin(struct hsm_token *t, struct error *e)
{
	token_detach(t, true);
	return attach(t, e);
}

static bool
reinitialise(struct hsm_token *t, struct error *e)
{
	struct hsm_module *m = t->m;
	CK_RV rv;

	for (struct hsm_token *o = m->tokens; o != NULL; o = o->next)
		token_detach(o, false);
	/* Not initialised, or past help: both are fine to finalise. */
	(void)m->f->C_Finalize(NULL);
	rv = module_initialize(m);
	if (rv == CKR_OK)
		return attach(t, e);
	(void)error_ckr(e, rv, "C_Initialize");
	t->attach_failed = true;
	t->down = *e;
	return false;
}

/* True: run the operation again. A level that fails leads to the next one on
 * the next round; only a refused PIN is final. */
static bool
recover(struct hsm_token *t, uint64_t seen, bool level3, struct ladder *l,
    struct error *e)
{
	bool ok;

	if (!gate_seize(&t->m->gate, l->deadline_ns))
		return error_set(e, FAIL_HSM_GONE,
		    "recovery: a call hangs in the module");
	if (t->up && t->generation != seen)
		ok = true;
	else if (level3)
		ok = reinitialise(t, e);
	else
		ok = relogin(t, e);
	gate_release(&t->m->gate);
	if (ok)
		return true;
	(void)error_context(e, "recovery");
	return e->why != FAIL_PIN;
}

/* SoftHSM does not look again once it could not write the token's file at login. */
bool
hsm_token_renew(struct hsm_token *t, struct error *e)
{
	bool ok;

	if (!gate_seize(&t->m->gate, deadline_after(t->deadline_ms)))
		return error_set(e, FAIL_HSM_GONE,
		    "a call hangs in the module");
	ok = reinitialise(t, e);
	gate_release(&t->m->gate);
	return ok;
}

/* ---- the ladder -------------------------------------------------------- */

static void
ladder_pause(struct ladder *l)
{
	int64_t left = (l->deadline_ns - clock_mono_ns()) / 1000000;
	unsigned ms = l->pause;

	if (l->pause >= PAUSE_DOUBLING_MAX_MS)
		l->pause = PAUSE_LONG_MS;
	else
		l->pause *= 2;
	if (left > 0)
		pause_ms(left < ms ? (unsigned)left : ms);
}

static bool
step_relogin(struct hsm_token *t, const struct hsm_call *c, struct ladder *l,
    struct error *e)
{
	bool level3 = l->relogins++ > 0;

	if (!level3)
		return recover(t, c->generation, false, l, e);
	if (l->reinits++ >= REINITS_FOR_REJECTION)
		return false;
	ladder_pause(l);
	return recover(t, c->generation, true, l, e);
}

static bool
step_reinit(struct hsm_token *t, const struct hsm_call *c, CK_RV rv,
    struct ladder *l, struct error *e)
{
	bool vague = rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED;

	if (vague && l->reinits > 0)
		return false;
	if (l->reinits++ > 0)
		ladder_pause(l);
	return recover(t, c->generation, true, l, e);
}

static bool
ladder_step(struct hsm_token *t, const struct hsm_op *op,
    const struct hsm_call *c, CK_RV rv, struct ladder *l, struct error *e)
{
	if (c->own_error || clock_mono_ns() >= l->deadline_ns)
		return false;
	switch (ckr_class(rv)) {
	case CKR_CLASS_RETRY:
		ladder_pause(l);
		return true;
	case CKR_CLASS_RELOGIN:
		return step_relogin(t, c, l, e);
	case CKR_CLASS_REINIT:
		if (op->once && c->decisive)
			return false;
		return step_reinit(t, c, rv, l, e);
	case CKR_CLASS_FATAL:
	case CKR_CLASS_CALLER:
		return false;
	}
	fatal("corrupt ckr_class");
}

/* ---- one run ----------------------------------------------------------- */

static CK_RV
not_up(struct hsm_token *t, struct hsm_call *c)
{
	c->call = "recovery";
	/* Another token's recovery finalised the module under us. */
	if (!t->attach_failed)
		return CKR_SESSION_HANDLE_INVALID;
	*c->e = t->down;
	(void)error_context(c->e, "recovery");
	c->described = true;
	if (t->pin_refused) {
		c->own_error = true;
		return CKR_PIN_INCORRECT;
	}
	c->e->why = FAIL_HSM_GONE;
	return CKR_TOKEN_NOT_PRESENT;
}

static CK_RV
run_inside(struct hsm_token *t, const struct hsm_op *op, void *arg,
    int64_t deadline_ns, struct hsm_call *c)
{
	CK_RV rv;

	c->generation = t->generation;
	if (!t->up)
		return not_up(t, c);
	c->call = "C_OpenSession";
	rv = session_borrow(t, deadline_ns, &c->s);
	if (rv != CKR_OK)
		return rv;
	rv = op->run(c, arg);
	/* After a failure an operation may still be active in it. */
	if (rv == CKR_OK)
		session_return(t, c->s);
	else
		session_drop(t, c->s);
	return rv;
}

bool
hsm_run(struct hsm_token *t, const struct hsm_op *op, void *arg,
    struct error *e)
{
	struct ladder l = { .deadline_ns = deadline_after(t->deadline_ms),
		.pause = PAUSE_FIRST_MS };

	for (;;) {
		struct hsm_call c = { .t = t, .f = t->m->f, .e = e };
		CK_RV rv;

		if (!gate_enter(&t->m->gate, l.deadline_ns))
			return error_set(e, FAIL_HSM_GONE,
			    "the module is being recovered");
		rv = run_inside(t, op, arg, l.deadline_ns, &c);
		gate_leave(&t->m->gate);
		if (rv == CKR_OK)
			return true;
		if (!c.described)
			(void)error_ckr(e, rv, c.call);
		if (!ladder_step(t, op, &c, rv, &l, e))
			return false;
	}
}
