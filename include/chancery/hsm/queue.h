/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The key half (design.md, "Inside the signer"): jobs in, completions out. The
 * decision half never calls Cryptoki and never waits in it; a worker that hangs
 * costs its job, not the register.
 *
 * One producer thread (the decision half) calls every function here. Workers are
 * threads; with 0 workers jobs run inside key_queue_collect (a local token).
 * Tests put a fake worker behind the same interface.
 */
#include <limits.h>

#include <chancery/base/alg.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>

struct hsm_key;
struct key_queue;

struct key_job {
	uint64_t id;         /* caller's; unique among jobs in flight         */
	struct hsm_key *key; /* opaque to the queue; the worker's business    */
	enum sig_alg alg;
	struct bytes in; /* digest or message; copied by submit, because a
	                        hung worker may read it after the completion */
};

struct key_done {
	uint64_t id;
	bool ok;
	uint8_t sig[1024]; /* LIMIT_SIG_BYTES */
	size_t sig_len;
	unsigned attempts; /* C_Sign calls that may have signed: 0 proves that
	                        no signature exists (also for FAIL_TIMEOUT of
	                        a job that no worker had begun)               */
	struct error err;  /* when !ok; FAIL_TIMEOUT: the call may still be
	                        running; its late result is dropped           */
};

/* How a worker signs. hsm_sign has this shape; a fake has its own. */
typedef bool key_sign_fn(void *arg, struct hsm_key *key, enum sig_alg alg,
    struct bytes in, struct buf *sig, unsigned *attempts, struct error *e);

/* As many workers at once as the calls have use for, from what they take: one a processor
 * while they compute; where they wait for a device, as many more as they wait longer than
 * they compute. At most LIMIT_HSM_SESSIONS. */
#define KEY_WORKERS_AUTO UINT_MAX

struct key_queue_config {
	unsigned workers;     /* 0: inline; or KEY_WORKERS_AUTO              */
	unsigned deadline_ms; /* per job from submit, 0: none; checked in
	                          collect, so call it at least that often;
	                          none inline                                 */
	key_sign_fn *sign;    /* NULL: hsm_sign                              */
	void *arg;
};

struct key_queue *key_queue_new(const struct key_queue_config *cfg) must_check;
/* Drops what waits, lets running jobs end up to the deadline, then abandons
 * them: a hung worker keeps its thread and its key (which must stay open). */
void key_queue_free(struct key_queue *q);
DEFINE_AUTO(key_queue, struct key_queue *, key_queue_free)
#define auto_key_queue auto_cleanup(key_queue_cleanup)

/* Never blocks. False (FAIL_BUSY) beyond LIMIT_IN_FLIGHT. The workers get it with the
 * next key_queue_start or key_queue_collect: a round of jobs for one lock. */
bool key_queue_submit(struct key_queue *q, const struct key_job *job,
    struct error *e) must_check;
void key_queue_start(struct key_queue *q);
/* Up to `max` completions, in the order in which they ended; with timeout_ms > 0
 * waits for the first, -1 waits without bound while anything is in flight, 0
 * does not wait. Returns how many. Inline: runs up to `max` jobs. */
size_t key_queue_collect(struct key_queue *q, struct key_done *out, size_t max,
    int timeout_ms);
/* Readable while completions wait (eventfd, written once for a batch); -1 with
 * 0 workers. Only poll it: collect reads it. Deadlines do not make it readable. */
int key_queue_fd(const struct key_queue *q);
size_t key_queue_in_flight(const struct key_queue *q);
/* The workers have enough to do for now, and what is done is not enough yet to make the
 * descriptor readable: whoever brings more work may as well wait for that. */
bool key_queue_is_gathering(struct key_queue *q);
/* Workers that may run at once: what KEY_WORKERS_AUTO has come to. */
unsigned key_queue_workers(struct key_queue *q);
