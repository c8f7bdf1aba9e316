/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is to be published where (publish_table.c), the timer of worker 0 that sees to it
 * (publish.c), and what is told of it (publish_status.c). One mutex: the timer writes, others
 * read.
 */
#include <pthread.h>
#include <sys/queue.h>

#include <chancery/config/service.h>
#include <chancery/wire/jobs.h>

#include "engine.h"

enum publish_state {
	PUBLISH_CURRENT, /* readers have the newest */
	PUBLISH_BEHIND,  /* it is on its way */
	PUBLISH_FAILING, /* it is tried again */
	PUBLISH_ALARM,   /* somebody has to look: see publish_state_of */
	PUBLISH__COUNT
};
extern const char *const publish_state_names[PUBLISH__COUNT];

/* One object of one target. */
struct publish_object {
	TAILQ_ENTRY(publish_object) link;
	struct publish_object *next; /* in its bucket */
	size_t target;
	char *name, *mount, *issuer; /* issuer: its id */
	enum job_form form;
	struct sha256 key;
	char scope[24];
	unsigned round;  /* the last one that wanted it */
	uint64_t number; /* that readers are to have; certificates: 1 */
	int64_t this_s, next_s;
	/* What they have, as the last publication found; number 0: not known. */
	uint64_t held;
	int64_t held_this_s, held_next_s;
	int64_t confirmed_s; /* steady_s */
	/* Since when it is not what they are to have; 0: it is. */
	int64_t behind_s;
	int64_t not_before_s; /* steady_s, after a failure */
	unsigned failures;    /* in a row */
	bool flying, ahead;   /* ahead: a newer one is there */
	enum publish_state told;
	char why[ERROR_MSG_SIZE];
};
TAILQ_HEAD(publish_objects, publish_object);

struct publish_target {
	const struct service_target *cfg;
	struct publish_objects objects;
	size_t n;
	bool flying;
	int64_t last_success_s;
	uint64_t published, failures;
};

#define PUBLISH_BUCKETS 4096
struct publish_table {
	pthread_mutex_t mutex;
	struct publish_target target[SERVICE_TARGETS_MAX];
	size_t n;
	struct publish_object *bucket[PUBLISH_BUCKETS];
	unsigned round;
	/* When it is filled again (publish_table_refresh): these have changed, a row had to wait
	 * for another one, or so many calls have passed. */
	uint64_t docs_seen, lists_seen;
	bool put_off;
	unsigned rest;
};
extern struct publish_table publish_table;

/* With the mutex held. */
/* All that ought to be there now: rows are added, brought up to date, and removed. */
void publish_table_fill(struct docs *d, int64_t now_s);
/* The same once a second, without looking at every list while nothing can have changed. False:
 * it was not needed. */
bool publish_table_refresh(struct docs *d, int64_t now_s);
void publish_table_clear(void);
enum publish_state publish_state_of(const struct publish_object *o,
    int64_t now_s);
bool publish_is_current(const struct publish_object *o);

/* The newest list of that scope; f->fd -1 and false: none. */
bool publish_open(const struct sha256 *key, const char *scope,
    struct crl_file *f) must_check;

void publisher_start(struct event_base *base);
void publisher_stop(void);
/* All of it is looked at again, soon. Any thread. */
void publish_now(void);
/* Whether an object is in alarm. Any thread. */
bool publish_has_alarm(void) must_check;
call_fn sys_publish_status, sys_publish_now;
