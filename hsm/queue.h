/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Between the two sides of the key queue: queue.c, which the owner calls, and
 * queue_work.c, the workers.
 *
 * A job belongs to the queue's lists until a worker takes it, to that worker
 * while it runs, and to the queue again when done. A job past its deadline is
 * answered at once: a waiting one is freed, a running one is marked abandoned
 * and freed by its worker, should it ever return. Because of the latter a job
 * owns a copy of its input, and the queue lives until its last thread is gone.
 */
#include <chancery/hsm/queue.h>

#include "internal.h"

struct job {
	struct job *next;
	struct key_job j;
	uint8_t small[DIGEST_MAX]; /* input, unless it is longer              */
	int64_t deadline_ns;
	bool abandoned;
	struct key_done done;
};

struct job_list {
	struct job *head, **tail;
	size_t n;
};

struct worker {
	struct key_queue *q;
	struct worker *next_idle;
	pthread_t thread;
	pthread_cond_t wake;
	bool idle;
	struct job *job; /* that it runs                                      */
	int64_t since_ns; /* when it began                                    */
	unsigned runs;
};

/* What jobs take: times of one, smoothed. */
struct pace {
	int64_t job_ns;  /* begin to end; 0: none was seen                    */
	int64_t wait_16; /* of the shortest in this window: end to end over CPU,
	                    in sixteenths; 0: none yet                        */
	unsigned seen;   /* in this window                                    */
	int64_t short_ns; /* the shortest of the last window; 0: none yet     */
	int64_t next_ns; /* …and of this one                                 */
};

struct key_queue {
	struct key_queue_config cfg;
	/* The owner's alone. */
	struct job_list fresh; /* submitted, not handed over                  */
	struct job *spare;     /* memory of earlier ones                      */
	size_t in_flight;
	int fd;
	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t finished; /* enough are done, or a thread is gone      */
	struct job_list waiting, done;
	struct worker *worker;
	struct worker *idle; /* last in, first out: few stay warm             */
	unsigned started, idle_n, busy, max;
	unsigned limit; /* of those at work, without…                         */
	unsigned late; /* …those whose call takes too long to wait for       */
	struct pace pace;
	bool told;         /* the owner knows, or is being told, of `done`    */
	uint64_t unread;   /* times that fd was, or is being, written         */
	bool stop, closed; /* closed: the owner has left                      */
	unsigned threads;  /* not yet gone                                    */
};

/* ---- queue_job.c ------------------------------------------------------- */

void list_init(struct job_list *l);
void list_add(struct job_list *l, struct job *j);
void list_append(struct job_list *to, struct job_list *from);
struct job *list_take(struct job_list *l);
void list_free(struct job_list *l);
struct job *job_new(struct key_queue *q, const struct key_job *job) must_check;
void job_free(struct job *j);
/* The call itself; fills j->done. */
void job_run(const struct key_queue_config *cfg, struct job *j);
/* What it did goes out, its memory to the next. */
void job_done(struct key_queue *q, struct job *j, struct key_done *out);

/* ---- queue.c, queue_work.c --------------------------------------------- */

void queue_destroy(struct key_queue *q);

/* With the lock held. */
bool queue_enough_done(const struct key_queue *q);
/* A worker for each job that waits, as far as the limit goes. */
void queue_wake(struct key_queue *q);
/* What the limits are at the start. */
void queue_size(struct key_queue *q);
/* Time in which one more of them ends; 0: not known. */
int64_t queue_interval_ns(const struct key_queue *q);
