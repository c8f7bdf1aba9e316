/* SPDX-License-Identifier: Apache-2.0 */

/* Lines into state: the one path for start, reading and verifying. */
#include "internal.h"

void
replay_init(struct replay *p)
{
	memset(p, 0, sizeof(*p));
	p->state = reg_state_new();
	tree_init(&p->at.tree);
}

void
replay_clear(struct replay *p)
{
	reg_state_free(p->state);
	buf_free(&p->store);
	memset(p, 0, sizeof(*p));
}

static bool
chained(const struct replay *p, struct error *e)
{
	const struct record *r = &p->rec;
	unsigned long long n = p->state->n;

	if (r->n != p->state->n)
		return error_set(e, FAIL_CORRUPT,
		    "record %llu: the line says n = %llu", n,
		    (unsigned long long)r->n);
	if (memcmp(&r->prev, &p->at.prev, sizeof(r->prev)) != 0)
		return error_set(e, FAIL_CORRUPT,
		    "record %llu: \"prev\" is not the hash of the line before",
		    n);
	return true;
}

/* A segment but the first begins with the snapshot of the one before; no other
 * line is one. */
static bool
placed(const struct replay *p, uint64_t segment, bool first, struct error *e)
{
	const struct record *r = &p->rec;
	bool want = first && segment > 1;

	if ((r->type == REC_SNAPSHOT) != want ||
	    (want && record_get_int(r, "segment") != (int64_t)segment - 1))
		return error_set(e, FAIL_CORRUPT,
		    "record %llu (%s): rule snapshot-place: segment %llu must "
		    "begin with the snapshot of the one before, and only so",
		    (unsigned long long)r->n, record_spec(r->type)->name,
		    (unsigned long long)segment);
	return true;
}

enum line_fault
replay_line(struct replay *p, struct bytes line, uint64_t segment, bool first,
    struct error *e)
{
	if (!record_decode(line, &p->rec, &p->store, e)) {
		(void)error_context(e, "record %llu",
		    (unsigned long long)p->state->n);
		return LINE_BROKEN;
	}
	if (!chained(p, e))
		return LINE_BROKEN;
	if (!placed(p, segment, first, e) ||
	    !reg_state_apply(p->state, &p->rec, e))
		return LINE_RULE;
	p->leaf = record_leaf(line);
	p->at.prev = p->leaf;
	tree_append(&p->at.tree, &p->leaf);
	if (p->observe != NULL && !p->observe(p->observe_arg, &p->rec, e))
		return LINE_RULE;
	return LINE_OK;
}

enum line_fault
replay_segment(struct replay *p, struct bytes text, uint64_t segment,
    size_t *at, struct error *e)
{
	struct bytes line;
	size_t next = *at;
	enum line_fault fault;

	while (line_next(text, &next, &line)) {
		fault = replay_line(p, line, segment, *at == 0, e);
		if (fault != LINE_OK)
			return fault;
		*at = next;
	}
	return LINE_OK;
}
