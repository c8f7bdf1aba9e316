/* SPDX-License-Identifier: Apache-2.0 */
#include "acl.h"

static const struct rule *
exact_find(const struct acl *a, const char *path, size_t n)
{
	size_t low = a->first[RULE_EXACT], high = a->first[RULE_EXACT + 1], mid;
	int order;

	while (low < high) {
		mid = low + (high - low) / 2;
		order = bytes_cmp(bytes_of(a->rules[mid].rule.path,
				      a->rules[mid].length),
		    bytes_of(path, n));
		if (order == 0)
			return &a->rules[mid].rule;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* The longest prefix. */
static const struct acl_entry *
prefix_find(const struct acl *a, struct bytes path)
{
	const struct acl_entry *best = NULL, *r;
	size_t i;

	for (i = a->first[RULE_PREFIX]; i < a->first[RULE_PREFIX + 1]; i++) {
		r = &a->rules[i];
		if (r->length <= path.n &&
		    memcmp(r->rule.path, path.p, r->length) == 0 &&
		    (best == NULL || r->length > best->length))
			best = r;
	}
	return best;
}

/* Up to the next '/', which is taken off too; `last`: there was none. */
static struct bytes
segment_next(struct bytes *path, bool *last)
{
	const uint8_t *slash =
	    path->n == 0 ? NULL : memchr(path->p, '/', path->n);
	struct bytes segment = *path;

	*last = slash == NULL;
	if (*last)
		return segment;
	segment.n = (size_t)(slash - path->p);
	*path = bytes_of(slash + 1, path->n - segment.n - 1);
	return segment;
}

static bool
segments_match(const struct acl_entry *r, struct bytes path)
{
	struct bytes pattern = bytes_of(r->rule.path, r->length), want, have;
	bool want_last = false, have_last = false;

	while (!want_last) {
		if (have_last)
			return false;
		want = segment_next(&pattern, &want_last);
		have = segment_next(&path, &have_last);
		if (bytes_eq(want, bytes_str("+")) || bytes_eq(want, have))
			continue;
		return want_last && r->rule.prefix && have.n >= want.n &&
		    (want.n == 0 || memcmp(have.p, want.p, want.n) == 0);
	}
	return have_last || r->rule.prefix;
}

static size_t
wildcards(const struct rule *r)
{
	struct bytes path = bytes_str(r->path);
	bool last = false;
	size_t n = 0;

	if (r->kind != RULE_SEGMENTS)
		return 0;
	while (!last)
		n += bytes_eq(segment_next(&path, &last), bytes_str("+"));
	return n;
}

/* §7.5, resolution 2: whether x goes before y. */
static bool
outranks(const struct acl_entry *x, const struct acl_entry *y)
{
	size_t wx, wy;

	if (x->wild_at != y->wild_at)
		return x->wild_at > y->wild_at;
	if (x->rule.prefix != y->rule.prefix)
		return !x->rule.prefix;
	wx = wildcards(&x->rule);
	wy = wildcards(&y->rule);
	if (wx != wy)
		return wx < wy;
	if (x->length != y->length)
		return x->length > y->length;
	return strcmp(x->rule.path, y->rule.path) > 0;
}

static const struct rule *
wild_find(const struct acl *a, const char *path, size_t n)
{
	struct bytes text = bytes_of(path, n);
	const struct acl_entry *best = prefix_find(a, text), *r;
	size_t i;

	for (i = a->first[RULE_SEGMENTS]; i < a->first[RULE_SEGMENTS + 1];
	     i++) {
		r = &a->rules[i];
		if (segments_match(r, text) &&
		    (best == NULL || outranks(r, best)))
			best = r;
	}
	return best == NULL ? NULL : &best->rule;
}

const struct rule *
acl_find(const struct acl *a, const char *path, bool list)
{
	const struct rule *r;
	size_t n, bare;

	while (path[0] == '/')
		path++;
	n = strlen(path);
	bare = n - (n > 0 && path[n - 1] == '/');
	r = exact_find(a, path, n);
	if (r == NULL && list && bare < n)
		r = exact_find(a, path, bare);
	if (r == NULL)
		r = wild_find(a, path, n);
	/* Last, a list of "a/b/" is covered by what covers "a/b": as OpenBao 2.7 has it,
	 * Vault looks at this before the line above. */
	if (r == NULL && list && bare < n)
		r = wild_find(a, path, bare);
	return r;
}

static bool
wrapping_allowed(const struct rule *r, int64_t ttl_s)
{
	if (r->wrap_min_s == 0 && r->wrap_max_s == 0)
		return true;
	/* Merging may have left no ttl that does. */
	return ttl_s > 0 && ttl_s >= r->wrap_min_s &&
	    (r->wrap_max_s == 0 || ttl_s <= r->wrap_max_s);
}

bool
acl_allows(const struct acl *a, const struct acl_request *r)
{
	const unsigned writes = CAP_CREATE | CAP_UPDATE | CAP_PATCH;
	const struct rule *rule;

	if (a->root)
		return true;
	rule = acl_find(a, r->path, (r->need & CAP_LIST) != 0);
	if (rule == NULL || (rule->caps & CAP_DENY) != 0 ||
	    (rule->caps & r->need) != r->need || r->need == 0)
		return false;
	if (!wrapping_allowed(rule, r->wrap_ttl_s))
		return false;
	return (r->need & writes) == 0 || acl_parameters(rule, r->params);
}

unsigned
acl_capabilities(const struct acl *a, const char *path, bool *root)
{
	const struct rule *rule;

	*root = a->root;
	if (a->root)
		return CAP_PATCH * 2 - 1 - CAP_DENY;
	/* As for a list: the widest reading of what counts here. */
	rule = acl_find(a, path, true);
	return rule == NULL || rule->caps == 0 ? CAP_DENY : rule->caps;
}

/* Whether a path exists that both match: one of them begins like the other, segment by
 * segment. */
static bool
reaches(const struct acl_entry *r, struct bytes prefix)
{
	struct bytes pattern = bytes_of(r->rule.path, r->length), want, have;
	bool want_last = false, have_last = false;

	for (;;) {
		want = segment_next(&pattern, &want_last);
		have = segment_next(&prefix, &have_last);
		/* "a/" ends in an empty segment: whatever is below. */
		if (have_last && have.n == 0)
			return true;
		if (want_last && r->rule.prefix)
			return have.n >= want.n &&
			    (want.n == 0 ||
				memcmp(have.p, want.p, want.n) == 0);
		if (!bytes_eq(want, bytes_str("+")) && !bytes_eq(want, have))
			return false;
		if (want_last || have_last)
			return have_last;
	}
}

bool
acl_any_below(const struct acl *a, const char *prefix)
{
	size_t i;

	if (a->root)
		return true;
	for (i = 0; i < a->n; i++) {
		const struct acl_entry *r = &a->rules[i];

		if ((r->rule.caps & ~(unsigned)CAP_DENY) != 0 &&
		    reaches(r, bytes_str(prefix)))
			return true;
	}
	return false;
}
