/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The lists that are kept (keeper.c), what is said about them (alarms.c). Worker 0 alone. */
#include "partition.h"

/* One list of one key. */
struct kept {
	struct kept *next; /* of its bucket */
	struct sha256 key;
	unsigned part;
	unsigned round; /* in which its issuer was last there */
	bool wanted;    /* by somebody, or because it is due */
	bool flying;    /* asked for */
	bool touched;   /* delta: something was revoked since */
	bool there;     /* as of the last look */
	bool
	    elsewhere; /* its key makes lists elsewhere, as often as it likes */
	int64_t due_s; /* by the wall clock; 0: look at the file */
	int64_t rest_ns;   /* not before, by CLOCK_MONOTONIC */
	unsigned failures; /* since the last one that was made */
	int64_t this_s, next_s;
	uint64_t bytes;
};

static inline int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is due when, by its file and config/crl. */
void kept_look(struct kept *k, struct docs *d, const char *mount,
    int64_t now_s);

/* ---- what calls want: crl_wanted (keeper_wanted.c) ---- */
struct event_base;
/* `woken` is called in the thread of the base when there is something to take. */
void wanted_open(struct event_base *base, void (*woken)(void));
void wanted_take(void (*take_one)(const struct sha256 *key, unsigned part));
void wanted_close(void);

/* ---- alarms (alarms.c) ---- */
/* A round: begin, every list with its issuer, end. */
void alarms_begin(void);
void alarms_add(const char *mount, const struct doc *issuer,
    const struct kept *k);
void alarms_end(void);
/* Each second: what began and what ended goes to the log. */
void alarms_tell(int64_t now_s);
void alarms_stop(void);

/* ---- alarms of the signer itself (signer_alarms.c) ---- */
/* Each second; `ask`: with a look at the signer's clock. */
void signer_alarms_tick(struct lane *lane, bool ask);
/* Names of those that are on are added. Any thread. */
void signer_alarms_add(json_t *names);
void signer_alarms_metrics(struct buf *out);
