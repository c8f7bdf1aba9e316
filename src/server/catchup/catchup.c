/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* "Enough" ends a walk and is not a failure: the caller looks at the reason. */
static bool
enough(struct error *e)
{
	return error_set(e, FAIL_NONE, "enough");
}

static bool
first_record(void *arg, const struct record *r, unused_arg struct bytes body,
    struct error *e)
{
	struct catchup *c = arg;
	struct bytes origin;

	if (r->type != REC_LOG_OPEN)
		return error_set(e, FAIL_CORRUPT,
		    "record 0: the register does not begin with LOG-OPEN");
	origin = record_get(r, "origin");
	if (origin.n > STORE_NAME_MAX)
		return error_set(e, FAIL_UNSUPPORTED,
		    "record 0: an origin above %d octets", STORE_NAME_MAX);
	memcpy(c->r.origin, origin.p, origin.n);
	return enough(e);
}

static bool
read_origin(struct catchup *c, const char *dir, struct error *e)
{
	if (!reg_walk_private(dir, 0, first_record, c, e) &&
	    e->why != FAIL_NONE)
		return false;
	return c->r.origin[0] != '\0' ||
	    error_set(e, FAIL_NOT_FOUND, "register %s: no record yet", dir);
}

/* Everything below it is in the store: an INTENT that is still open will be needed. */
static uint64_t
position(const struct catchup *c)
{
	uint64_t at = c->r.next;

	for (size_t i = 0; i < OPEN_BUCKETS; i++)
		for (const struct open_intent *o = c->open[i]; o != NULL;
		     o = o->chain)
			at = o->n < at ? o->n : at;
	return at;
}

static bool
put_position(struct catchup *c, struct error *e)
{
	return store_room(c->store, e) &&
	    store_position_put(c->store, c->r.origin, position(c), e);
}

static bool
step(struct catchup *c, struct error *e)
{
	if (c->r.next % CATCHUP_STEP != 0)
		return true;
	if (c->opt->stop != NULL && atomic_load(c->opt->stop))
		return error_set(e, FAIL_ABORTED, "stopped");
	if (c->opt->progress != NULL)
		c->opt->progress(c->opt->arg, c->r.next, c->r.certs);
	return put_position(c, e);
}

static bool
each_record(void *arg, const struct record *r, struct bytes body,
    struct error *e)
{
	struct catchup *c = arg;

	if (r->n >= c->until)
		return enough(e);
	if (r->n < c->r.from) {
		c->seen = true;
		return true;
	}
	if (!catchup_record(c, r, body, e))
		return false;
	c->r.next = r->n + 1;
	return step(c, e);
}

void
catchup_clear(struct catchup *c)
{
	struct open_intent *o;

	for (size_t i = 0; i < OPEN_BUCKETS; i++)
		while ((o = c->open[i]) != NULL) {
			c->open[i] = o->chain;
			mem_free(o);
		}
	mounts_clear(&c->mounts);
	buf_free(&c->der);
}

static bool
run(struct catchup *c, const char *dir, struct error *e)
{
	uint64_t gaps = store_gaps(c->store);

	if (!read_origin(c, dir, e) ||
	    !store_position(c->store, c->r.origin, &c->r.from, e) ||
	    !mounts_load(&c->mounts, c->store, e))
		return false;
	c->r.next = c->r.from;
	c->seen = c->r.from == 0;
	if (!reg_walk_private(dir, c->seen ? 0 : c->r.from - 1, each_record, c,
		e) &&
	    e->why != FAIL_NONE)
		return false;
	/* The store is an anchor too: what it knows must be there. */
	if (!c->seen)
		return error_set(e, FAIL_ROLLBACK,
		    "the store has %llu records of %s, the register fewer: it "
		    "is older than the store",
		    (unsigned long long)c->r.from, c->r.origin);
	if (!imports_apply(c->store, dir, &c->mounts, c->r.next, e))
		return false;
	c->r.position = position(c);
	store_gaps_closed(c->store, gaps);
	return put_position(c, e) && store_sync(c->store, e);
}

bool
catchup_run(struct store *s, const char *register_dir,
    const struct catchup_options *opt, struct catchup_report *out,
    struct error *e)
{
	static const struct catchup_options none;
	struct catchup *c = mem_calloc(1, sizeof(*c));
	bool ok;

	c->store = s;
	c->opt = opt == NULL ? &none : opt;
	c->until = c->opt->until == 0 ? UINT64_MAX : c->opt->until;
	ok = run(c, register_dir, e);
	if (ok && out != NULL)
		*out = c->r;
	catchup_clear(c);
	mem_free(c);
	return ok;
}
