/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <chancery/base/cleanup.h>

#include "crl_audit.h"

/* Revocations of one key: how many there are, which wait for a list, and the scopes that
 * would have to have one. */

struct scopes {
	uint8_t *partition; /* a bit each */
	bool full;
};

static void
want(struct scopes *s, const struct revoked_entry *v)
{
	if (v->partition > 0 && v->partition <= CRL_PARTITION_MAX)
		s->partition[v->partition / 8] |=
		    (uint8_t)(1U << v->partition % 8);
	else
		s->full = true;
}

static const struct audit_one *
newest(struct auditing *x, const struct state_key *k, const char *scope)
{
	const struct audit_series *s = audit_series_find(x, &k->key, scope);

	return s == NULL || s->newest == SIZE_MAX ? NULL : &x->one[s->newest];
}

/* Records before this one are on the newest full list or its delta. */
static uint64_t
listed_until(struct auditing *x, const struct state_key *k)
{
	const struct audit_one *full = newest(x, k, "full"),
			       *delta = newest(x, k, "delta");

	if (full == NULL)
		return 0;
	return delta != NULL && delta->base == full->intent ? delta->position
							    : full->position;
}

static void
missing(struct auditing *x, const struct state_key *k, const char *scope)
{
	struct audit_series none = { .key = k };

	(void)snprintf(none.text, sizeof(none.text), "%s", scope);
	audit_found(x, RULE_SCOPE_MISSING, &none, 0,
	    "there are unexpired revocations, and no list was ever signed");
}

static void
scopes_check(struct auditing *x, const struct state_key *k,
    const struct scopes *s)
{
	char scope[32];

	if (s->full && newest(x, k, "full") == NULL)
		missing(x, k, "full");
	for (uint32_t i = 1; i <= CRL_PARTITION_MAX; i++) {
		if ((s->partition[i / 8] & 1U << i % 8) == 0)
			continue;
		(void)snprintf(scope, sizeof(scope), "partition:%u", i);
		if (newest(x, k, scope) == NULL)
			missing(x, k, scope);
	}
}

static void
key_check(struct auditing *x, const struct state_key *k)
{
	auto_mem uint8_t *bits = mem_calloc(1, CRL_PARTITION_MAX / 8 + 1);
	struct scopes s = { .partition = bits };
	uint64_t until = listed_until(x, k);
	struct revoked_cursor c;
	struct revoked_entry v;

	revoked_cursor_start(&c, reg_get_state(x->a->reg), &k->key, x->size);
	while (revoked_cursor_next(&c, &v)) {
		x->n->revoked++;
		if (v.not_after_s < x->a->now_s)
			continue;
		x->n->unexpired++;
		if (v.index >= until)
			x->n->waiting++;
		want(&s, &v);
	}
	memset(x->told, 0, sizeof(x->told));
	scopes_check(x, k, &s);
}

void
audit_state(struct auditing *x)
{
	const struct reg_state *state = reg_get_state(x->a->reg);

	for (size_t i = 0; i < reg_state_keys(state); i++) {
		const struct state_key *k = reg_state_key_at(state, i);

		if (x->a->key == NULL ||
		    memcmp(x->a->key, &k->key, sizeof(k->key)) == 0)
			key_check(x, k);
	}
}
