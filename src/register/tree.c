/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include <chancery/register/tree.h>

void
tree_init(struct tree_frontier *t)
{
	*t = (struct tree_frontier){ 0 };
}

struct sha256
tree_node(const struct sha256 *l, const struct sha256 *r)
{
	/* RFC 6962 2.1: 0x01 keeps nodes and leaves apart. */
	static const uint8_t prefix[1] = { 0x01 };

	return sha256_cat(bytes_of(prefix, 1), sha256_bytes(l),
	    sha256_bytes(r));
}

void
tree_append(struct tree_frontier *t, const struct sha256 *leaf)
{
	struct sha256 node = *leaf;
	uint64_t carry;

	assert(t->size < UINT64_MAX);
	/* As in adding one to a binary number: each one bit that carries is a
	 * subtree of the same height as the new node. */
	for (carry = t->size; (carry & 1) != 0; carry >>= 1)
		node = tree_node(&t->node[--t->n], &node);
	t->node[t->n++] = node;
	t->size++;
}

/* Right to left: the smallest subtrees are the deepest (RFC 6962 2.1). */
static struct sha256
fold(const struct sha256 *node, unsigned n)
{
	struct sha256 h = node[n - 1];

	for (n--; n > 0; n--)
		h = tree_node(&node[n - 1], &h);
	return h;
}

struct sha256
tree_root(const struct tree_frontier *t)
{
	if (t->size == 0)
		return sha256(bytes_of(NULL, 0));
	return fold(t->node, t->n);
}

/* 64 for zero never happens: callers have v > 0. */
static unsigned
log2_floor(uint64_t v)
{
	return 63U - (unsigned)__builtin_clzll(v);
}

/* The k of RFC 6962 2.1: the largest power of two smaller than n, n > 1. */
static uint64_t
split(uint64_t n)
{
	return UINT64_C(1) << log2_floor(n - 1);
}

/* What proofs are read through. */
struct source {
	tree_read_fn *read;
	void *arg;
};

/* MTH(D[start:start+n]) where start is a multiple of a power of two that is not
 * smaller than n: then every piece of n's binary form is a complete subtree. */
static bool
range_hash(const struct source *s, uint64_t start, uint64_t n,
    struct sha256 *out, struct error *e)
{
	struct sha256 node[64];
	unsigned count = 0, level;

	while (n > 0) {
		level = log2_floor(n);
		if (!s->read(s->arg, level, start >> level, &node[count], e))
			return false;
		count++;
		start += UINT64_C(1) << level;
		n -= UINT64_C(1) << level;
	}
	*out = fold(node, count);
	return true;
}

bool
tree_root_at(uint64_t size, tree_read_fn *read, void *arg, struct sha256 *out,
    struct error *e)
{
	struct source s = { read, arg };

	if (size == 0) {
		*out = sha256(bytes_of(NULL, 0));
		return true;
	}
	return range_hash(&s, 0, size, out, e);
}

/* Proofs are collected from the root down and given from the leaf up. */
static void
reverse(struct tree_proof *p)
{
	struct sha256 swap;
	unsigned i;

	for (i = 0; i < p->n / 2; i++) {
		swap = p->node[i];
		p->node[i] = p->node[p->n - 1 - i];
		p->node[p->n - 1 - i] = swap;
	}
}

bool
tree_prove_inclusion(uint64_t index, uint64_t size, tree_read_fn *read,
    void *arg, struct tree_proof *out, struct error *e)
{
	struct source s = { read, arg };
	struct tree_proof p = { .n = 0 };
	uint64_t start = 0, n = size, k;

	if (index >= size)
		return error_set(e, FAIL_NOT_FOUND,
		    "record %llu is not in a tree of %llu",
		    (unsigned long long)index, (unsigned long long)size);
	while (n > 1) { /* RFC 6962 2.1.1, PATH(m, D[n]) */
		bool left;

		k = split(n);
		left = index - start < k;
		if (!range_hash(&s, left ? start + k : start, left ? n - k : k,
			&p.node[p.n], e))
			return false;
		p.n++;
		start += left ? 0 : k;
		n = left ? k : n - k;
	}
	reverse(&p);
	*out = p;
	return true;
}

bool
tree_prove_consistency(uint64_t old_size, uint64_t new_size, tree_read_fn *read,
    void *arg, struct tree_proof *out, struct error *e)
{
	struct source s = { read, arg };
	struct tree_proof p = { .n = 0 };
	uint64_t start = 0, m = old_size, n = new_size, k;

	if (old_size > new_size)
		return error_set(e, FAIL_NOT_FOUND,
		    "tree of %llu is larger than the one of %llu",
		    (unsigned long long)old_size, (unsigned long long)new_size);
	/* RFC 6962 2.1.2, SUBPROOF(m, D[n], b); b is start == 0. */
	while (m > 0 && m < n) {
		bool left;

		k = split(n);
		left = m <= k;
		if (!range_hash(&s, left ? start + k : start, left ? n - k : k,
			&p.node[p.n], e))
			return false;
		p.n++;
		start += left ? 0 : k;
		m -= left ? 0 : k;
		n = left ? k : n - k;
	}
	if (start != 0) { /* the old tree's right edge, not its root */
		if (!range_hash(&s, start, n, &p.node[p.n], e))
			return false;
		p.n++;
	}
	reverse(&p);
	*out = p;
	return true;
}

static bool
same(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->b, b->b, SHA256_LEN) == 0;
}

bool
tree_check_inclusion(uint64_t index, uint64_t size, const struct sha256 *leaf,
    const struct tree_proof *p, const struct sha256 *root)
{
	uint64_t fn = index, sn = size - 1;
	struct sha256 r = *leaf;
	unsigned i;

	if (index >= size)
		return false;
	for (i = 0; i < p->n; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			r = tree_node(&p->node[i], &r);
			for (; (fn & 1) == 0 && fn != 0; sn >>= 1)
				fn >>= 1;
		} else {
			r = tree_node(&r, &p->node[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && same(&r, root);
}

/* RFC 9162 2.1.4.2 from step 3 on: 0 < old < new. */
static bool
check_growth(uint64_t old_size, uint64_t new_size,
    const struct sha256 *old_root, const struct sha256 *new_root,
    const struct tree_proof *p)
{
	uint64_t fn = old_size - 1, sn = new_size - 1;
	struct sha256 fr, sr;
	unsigned i = 0;

	for (; (fn & 1) != 0; sn >>= 1)
		fn >>= 1;
	/* A complete old tree is itself the first node. */
	if (fn != 0 && p->n == 0)
		return false;
	fr = fn == 0 ? *old_root : p->node[i++];
	sr = fr;
	for (; i < p->n; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			fr = tree_node(&p->node[i], &fr);
			sr = tree_node(&p->node[i], &sr);
			for (; (fn & 1) == 0 && fn != 0; sn >>= 1)
				fn >>= 1;
		} else {
			sr = tree_node(&sr, &p->node[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && same(&fr, old_root) && same(&sr, new_root);
}

bool
tree_check_consistency(uint64_t old_size, uint64_t new_size,
    const struct sha256 *old_root, const struct sha256 *new_root,
    const struct tree_proof *p)
{
	struct sha256 empty;

	if (old_size > new_size)
		return false;
	if (old_size == new_size)
		return p->n == 0 && same(old_root, new_root);
	if (old_size == 0) {
		empty = sha256(bytes_of(NULL, 0));
		return p->n == 0 && same(old_root, &empty);
	}
	return check_growth(old_size, new_size, old_root, new_root, p);
}
