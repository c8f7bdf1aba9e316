/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timer of worker 0: leases whose token has ended are due (store.h), and what they lease is
 * revoked here, some at once, one round after the other. What fails stays due.
 */
#include <chancery/base/log.h>
#include <chancery/server/api.h>
#include <chancery/server/request.h>

#include "lease.h"
#include "lease_row.h"
#include "process.h"

/* Calls under way at once: they share the signer's batches. */
#define AT_ONCE 64
/* After a round in which one failed: the signer may be away. */
#define RETRY_S 10

static struct {
	struct event *timer;
	struct api *api;
	struct lane *lane;
	struct buf after; /* where the round is */
	unsigned flying, failed;
	int64_t not_before_s; /* steady_s */
} leaser;

static void go_on(void);

struct due {
	char *id, *scope;
};

static void
due_free(struct due *d)
{
	mem_free(d->id);
	mem_free(d->scope);
	mem_free(d);
}

/* An orphan is the sweep's. */
static void
revoked(void *arg, int status, struct bytes body)
{
	struct due *d = arg;

	leaser.flying--;
	if (!lease_row_ended(status) &&
	    !lease_row_is_orphan(pki_process.docs, d->scope) &&
	    leaser.failed++ == 0)
		log_line(LOG_LEVEL_WARNING, "lease %s: status %d: %.*s", d->id,
		    status, (int)(body.n < 200 ? body.n : 200),
		    (const char *)body.p);
	due_free(d);
	if (leaser.flying == 0)
		go_on();
}

static void
revoke_due(const struct store_secret *row)
{
	struct due *d = mem_calloc(1, sizeof(*d));

	d->id = mem_strdup(row->alias);
	d->scope = mem_strdup(row->scope);
	leaser.flying++;
	lease_row_end(leaser.api, 0, row, false, NULL, revoked, d);
}

/* The next ones behind those before; false: there is none. */
static bool
next_due(struct store_secret *row, struct buf *mem)
{
	struct error e;

	if (store_secret_next(pki_process.store, STORE_KIND_LEASE_DUE,
		buf_cstr(&leaser.after), "\xff", now_s(), row, mem, &e))
		return true;
	if (e.why != FAIL_NOT_FOUND)
		log_line(LOG_LEVEL_WARNING, "leases: %s", e.msg);
	return false;
}

static void
round_ends(void)
{
	buf_reset(&leaser.after);
	if (leaser.failed > 0)
		leaser.not_before_s = steady_s() + RETRY_S;
	leaser.failed = 0;
}

static void
go_on(void)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret row;

	/* One that is answered at once must not start the next round within this one. */
	leaser.flying++;
	for (unsigned n = 0; n < AT_ONCE && next_due(&row, &mem); n++) {
		buf_reset(&leaser.after);
		buf_add_str(&leaser.after, row.alias);
		revoke_due(&row);
	}
	leaser.flying--;
	if (leaser.flying == 0)
		round_ends();
}

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	lease_sweep();
	if (leaser.flying == 0 && steady_s() >= leaser.not_before_s &&
	    lane_get_state(leaser.lane) == LANE_UP)
		go_on();
}

void
leaser_start(struct event_base *base, struct lane *lane, struct api *api)
{
	leaser.lane = lane;
	leaser.api = api;
	leaser.timer = process_timer(base, 1000, tick);
}

void
leaser_stop(void)
{
	if (leaser.timer != NULL)
		event_free(leaser.timer);
	buf_free(&leaser.after);
	memset(&leaser, 0, sizeof(leaser));
}
