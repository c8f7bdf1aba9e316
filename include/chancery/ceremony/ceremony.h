/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The ceremony engine: the steps of a plan, one after the other, each written to the
 * journal before it begins and after it is done. An abort after any point is resumed
 * by the same call; the register, not the journal, says which keys and signatures
 * exist.
 *
 *   <home>/chancery.yaml       configuration, written by the first step
 *   <home>/ceremony/journal    the journal
 *   <home>/<outputs>/…         certificates, CRL, transcript, reports
 *   <home>/rehearsal-N/        the same again for a rehearsal, with its soft token
 */
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>
#include <chancery/ceremony/plan.h>

/* The people in the room. */
struct ceremony_io {
	/* Text to be read; lines end with newline. */
	void (*say)(void *arg, const char *text);
	/* One typed line without its end. FAIL_ABORTED at the end of input. */
	bool (*ask)(void *arg, const char *prompt, struct buf *line,
	    struct error *e);
	void *arg;
};

struct ceremony_options {
	const char *home, *who;
	bool rehearse;
	bool yes; /* confirm by itself: rehearsals only      */
	bool resume;
	const char
	    *soft_module; /* for rehearsals; NULL: the plan's or SoftHSM */
	const char *stop_after; /* step: rehearsals only                   */
	const struct ceremony_io *io;
};

struct ceremony_result {
	char *transcript, *report; /* paths */
	struct sha256 transcript_hash;
};
void ceremony_result_free(struct ceremony_result *r);

/* FAIL_ABORTED: a person said no, or input ended; `resume` goes on. FAIL_EXISTS: an
 * output, register or journal is in the way. FAIL_REFUSED: no rehearsal of this
 * plan, key attributes or attacks not as required. */
bool ceremony_perform(const struct plan *p, const struct ceremony_options *opt,
    struct ceremony_result *out, struct error *e) must_check;

/* What a plan will do. */
struct ceremony_step_text {
	char id[64];
	const char *title, *about, *words; /* words NULL: nothing is typed */
};
size_t ceremony_step_count(const struct plan *p);
void ceremony_step_text(const struct plan *p, size_t i,
    struct ceremony_step_text *out);

/* Verify the chain of a transcript and write reports from it; NULL paths are left
 * out; the text report is appended to `text_out` too. */
bool ceremony_report(const char *transcript, const char *html, const char *text,
    struct buf *text_out, struct error *e) must_check;
