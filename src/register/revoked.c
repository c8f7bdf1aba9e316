/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Revoked serials of one issuer: a sorted file mapped read-only, and a skip list
 * for what came after it. The list never moves or frees an entry before the next
 * merge, so a CRL may be streamed while revocations arrive.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>

#include "state_internal.h"

#define LEVELS 12 /* a quarter rises: 4^12 entries between two merges */
#define MAGIC "CHREVOK1"

struct revoked_node {
	struct revoked_entry entry;
	struct revoked_node *next[];
};

static struct revoked_node *
node_new(unsigned levels)
{
	return mem_calloc(1,
	    sizeof(struct revoked_node) +
		levels * sizeof(struct revoked_node *));
}

struct revoked_shard *
revoked_shard_new(const struct sha256 *key)
{
	struct revoked_shard *s = mem_calloc(1, sizeof(*s));

	s->key = *key;
	s->head = node_new(LEVELS);
	s->rng = 0x9e3779b97f4a7c15;
	return s;
}

static void
drop_delta(struct revoked_shard *s)
{
	struct revoked_node *n = s->head->next[0], *next;

	for (; n != NULL; n = next) {
		next = n->next[0];
		mem_free(n);
	}
	memset(s->head->next, 0, LEVELS * sizeof(struct revoked_node *));
	s->delta_count = 0;
}

static void
drop_base(struct revoked_shard *s)
{
	if (s->map != NULL)
		(void)munmap(s->map, s->map_len);
	mem_free(s->heap);
	s->map = NULL;
	s->heap = NULL;
	s->base = NULL;
	s->base_count = 0;
}

void
revoked_shard_free(struct revoked_shard *s)
{
	if (s == NULL)
		return;
	drop_delta(s);
	drop_base(s);
	mem_free(s->head);
	mem_free(s);
}

static unsigned
random_level(struct revoked_shard *s)
{
	unsigned levels = 1;
	uint64_t x = s->rng;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	s->rng = x;
	for (x >>= 8; (x & 3) == 0 && levels < LEVELS; x >>= 2)
		levels++;
	return levels;
}

/* Last node before `serial` on each level. */
static void
find_before(const struct revoked_shard *s, const uint8_t serial[20],
    struct revoked_node *before[LEVELS])
{
	struct revoked_node *n = s->head;

	for (unsigned l = LEVELS; l-- > 0;) {
		while (n->next[l] != NULL &&
		    memcmp(n->next[l]->entry.serial, serial, 20) < 0)
			n = n->next[l];
		before[l] = n;
	}
}

void
revoked_shard_add(struct revoked_shard *s, const struct revoked_entry *e)
{
	struct revoked_node *before[LEVELS], *n;
	unsigned levels = random_level(s);

	find_before(s, e->serial, before);
	n = node_new(levels);
	n->entry = *e;
	for (unsigned l = 0; l < levels; l++) {
		n->next[l] = before[l]->next[l];
		before[l]->next[l] = n;
	}
	s->delta_count++;
}

/* ---- entries of the file ---------------------------------------------- */

static void
put_u32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static void
put_u64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static uint32_t
get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint64_t
get_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static void
entry_encode(const struct revoked_entry *e, uint8_t p[REVOKED_ENTRY])
{
	memset(p, 0, REVOKED_ENTRY);
	memcpy(p, e->serial, 20);
	put_u32(p + 20, e->partition);
	put_u64(p + 24, (uint64_t)e->date_s);
	put_u64(p + 32, (uint64_t)e->invalidity_s);
	put_u64(p + 40, (uint64_t)e->not_after_s);
	put_u64(p + 48, e->index);
	p[56] = e->reason;
}

static void
entry_decode(const uint8_t p[REVOKED_ENTRY], struct revoked_entry *e)
{
	memset(e, 0, sizeof(*e));
	memcpy(e->serial, p, 20);
	e->partition = get_u32(p + 20);
	e->date_s = (int64_t)get_u64(p + 24);
	e->invalidity_s = (int64_t)get_u64(p + 32);
	e->not_after_s = (int64_t)get_u64(p + 40);
	e->index = get_u64(p + 48);
	e->reason = p[56];
}

/* First entry of the base that is not below `serial`. */
static uint64_t
base_seek(const struct revoked_shard *s, const uint8_t serial[20])
{
	uint64_t lo = 0, hi = s->base_count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (memcmp(s->base + mid * REVOKED_ENTRY, serial, 20) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
revoked_shard_find(const struct revoked_shard *s, const uint8_t serial[20],
    struct revoked_entry *out)
{
	struct revoked_node *before[LEVELS];
	uint64_t at = base_seek(s, serial);

	if (at < s->base_count &&
	    memcmp(s->base + at * REVOKED_ENTRY, serial, 20) == 0) {
		entry_decode(s->base + at * REVOKED_ENTRY, out);
		return true;
	}
	find_before(s, serial, before);
	if (before[0]->next[0] == NULL ||
	    memcmp(before[0]->next[0]->entry.serial, serial, 20) != 0)
		return false;
	*out = before[0]->next[0]->entry;
	return true;
}

/* ---- cursor ----------------------------------------------------------- */

void
revoked_cursor_start(struct revoked_cursor *c, const struct reg_state *s,
    const struct sha256 *key, uint64_t position)
{
	const struct revoked_shard *shard = state_shard_find(s, key);

	*c = (struct revoked_cursor){ .state = s,
		.key = *key,
		.position = position,
		.shard = shard };
	if (shard == NULL)
		return;
	c->node = shard->head;
	c->generation = shard->generation;
}

/* The base was replaced under the cursor: go behind what it gave last. */
static void
cursor_seek(struct revoked_cursor *c, const struct revoked_shard *s)
{
	struct revoked_node *before[LEVELS];

	c->generation = s->generation;
	c->base_at = 0;
	c->node = s->head;
	if (!c->begun)
		return;
	c->base_at = base_seek(s, c->last);
	if (c->base_at < s->base_count &&
	    memcmp(s->base + c->base_at * REVOKED_ENTRY, c->last, 20) == 0)
		c->base_at++;
	find_before(s, c->last, before);
	c->node = before[0];
	if (before[0]->next[0] != NULL &&
	    memcmp(before[0]->next[0]->entry.serial, c->last, 20) == 0)
		c->node = before[0]->next[0];
}

static bool
cursor_step(struct revoked_cursor *c, const struct revoked_shard *s,
    struct revoked_entry *out)
{
	const struct revoked_node *at = c->node, *n = at->next[0];
	const uint8_t *b = NULL;

	if (c->base_at < s->base_count)
		b = s->base + c->base_at * REVOKED_ENTRY;
	if (b == NULL && n == NULL)
		return false;
	if (n == NULL || (b != NULL && memcmp(b, n->entry.serial, 20) < 0)) {
		entry_decode(b, out);
		c->base_at++;
		return true;
	}
	*out = n->entry;
	c->node = n;
	return true;
}

bool
revoked_cursor_next(struct revoked_cursor *c, struct revoked_entry *out)
{
	const struct revoked_shard *s = c->shard;
	struct revoked_entry entry;

	/* The issuer's first revocation may come after the cursor. */
	if (s == NULL)
		return false;
	if (c->generation != s->generation)
		cursor_seek(c, s);
	do {
		if (!cursor_step(c, s, &entry))
			return false;
		memcpy(c->last, entry.serial, 20);
		c->begun = true;
	} while (entry.index >= c->position);
	*out = entry;
	return true;
}

/* ---- merging ---------------------------------------------------------- */

struct merge_out {
	FILE *f;     /* the new file, or */
	uint8_t *at; /* memory           */
	struct digest *hash;
	bool ok;
};

static void
merge_put(struct merge_out *o, const uint8_t *p, size_t n)
{
	digest_add(o->hash, bytes_of(p, n));
	if (o->f != NULL) {
		o->ok = o->ok && fwrite(p, 1, n, o->f) == n;
		return;
	}
	memcpy(o->at, p, n);
	o->at += n;
}

static void
merge_stream(const struct revoked_shard *s, struct merge_out *o)
{
	struct revoked_cursor c = { .shard = s,
		.node = s->head,
		.generation = s->generation,
		.position = UINT64_MAX };
	struct revoked_entry entry;
	uint8_t p[REVOKED_ENTRY] = { 0 };

	memcpy(p, MAGIC, 8);
	memcpy(p + 8, s->key.b, SHA256_LEN);
	put_u64(p + 40, revoked_shard_count(s));
	merge_put(o, p, sizeof(p));
	while (cursor_step(&c, s, &entry)) {
		entry_encode(&entry, p);
		merge_put(o, p, sizeof(p));
	}
}

/* The merged file under a temporary name, synced. */
static bool
merge_to_file(const struct revoked_shard *s, const char *tmp,
    struct sha256 *hash, struct error *e)
{
	auto_file FILE *f = fopen(tmp, "we");
	struct merge_out o = { .f = f, .ok = true };

	if (f == NULL)
		return error_errno(e, FAIL_IO, "%s", tmp);
	o.hash = digest_new(DIGEST_SHA256);
	merge_stream(s, &o);
	(void)digest_finish(o.hash, hash->b);
	if (!o.ok || fflush(f) != 0)
		return error_errno(e,
		    errno == ENOSPC || errno == EDQUOT ? FAIL_DISK_FULL
						       : FAIL_IO,
		    "%s", tmp);
	if (fsync(fileno(f)) != 0)
		return error_errno(e, FAIL_IO, "%s: fsync", tmp);
	return true;
}

static bool
map_file(const char *path, void **map, size_t *len, struct error *e)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(e,
		    errno == ENOENT ? FAIL_NOT_FOUND : FAIL_IO, "%s", path);
	if (st.st_size < REVOKED_HEADER)
		return error_set(e, FAIL_CORRUPT, "%s: too short", path);
	*len = (size_t)st.st_size;
	*map = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (*map == MAP_FAILED)
		return error_errno(e, FAIL_IO, "%s: mmap", path);
	return true;
}

static void
use_map(struct revoked_shard *s, void *map, size_t len)
{
	drop_base(s);
	s->map = map;
	s->map_len = len;
	s->base = (const uint8_t *)map + REVOKED_HEADER;
	s->base_count = (len - REVOKED_HEADER) / REVOKED_ENTRY;
	s->generation++;
}

static void
merge_to_memory(struct revoked_shard *s)
{
	uint64_t count = revoked_shard_count(s);
	uint8_t *p = mem_alloc(REVOKED_HEADER + count * REVOKED_ENTRY);
	struct merge_out o = { .at = p,
		.ok = true,
		.hash = digest_new(DIGEST_SHA256) };

	merge_stream(s, &o);
	(void)digest_finish(o.hash, s->base_hash.b);
	drop_base(s);
	s->heap = p;
	s->base = p + REVOKED_HEADER;
	s->base_count = count;
	s->generation++;
}

bool
revoked_shard_merge(struct revoked_shard *s, uint64_t segment, const char *path,
    struct error *e)
{
	auto_mem char *tmp = NULL;
	struct sha256 hash = { 0 };
	size_t len = 0;
	void *map = NULL;

	if (s->delta_count == 0)
		return true;
	if (path == NULL) {
		merge_to_memory(s);
	} else {
		tmp = mem_printf("%s.tmp", path);
		if (!merge_to_file(s, tmp, &hash, e)) {
			(void)unlink(tmp);
			return false;
		}
		if (rename(tmp, path) != 0)
			return error_errno(e, FAIL_IO, "%s", path);
		if (!map_file(path, &map, &len, e))
			return false;
		use_map(s, map, len);
		s->base_hash = hash;
	}
	if (s->base_segment != segment)
		s->before_segment = s->base_segment;
	s->base_segment = segment;
	drop_delta(s);
	return true;
}

/* ---- reading ---------------------------------------------------------- */

bool
revoked_file_check(struct bytes file, const struct sha256 *key, uint64_t count,
    struct error *e)
{
	static const uint8_t zero[16];
	const uint8_t *p = file.p, *last = NULL;

	if (file.n < REVOKED_HEADER ||
	    (file.n - REVOKED_HEADER) / REVOKED_ENTRY != count ||
	    (file.n - REVOKED_HEADER) % REVOKED_ENTRY != 0 ||
	    memcmp(p, MAGIC, 8) != 0 || get_u64(p + 40) != count ||
	    memcmp(p + 8, key->b, SHA256_LEN) != 0 ||
	    memcmp(p + 48, zero, 16) != 0)
		return error_set(e, FAIL_CORRUPT, "bad header or length");
	for (uint64_t i = 0; i < count; i++, last = p) {
		p = file.p + REVOKED_HEADER + i * REVOKED_ENTRY;
		if ((last != NULL && memcmp(last, p, 20) >= 0) ||
		    memcmp(p + 57, zero, 7) != 0)
			return error_set(e, FAIL_CORRUPT,
			    "entry %llu is out of order or malformed",
			    (unsigned long long)i);
	}
	return true;
}

bool
revoked_shard_load(struct revoked_shard *s, const char *path, struct error *e)
{
	struct sha256 hash;
	uint64_t count = s->base_count;
	size_t len = 0;
	void *map = NULL;
	bool ok;

	if (!map_file(path, &map, &len, e))
		return false;
	hash = sha256(bytes_of(map, len));
	ok = memcmp(&hash, &s->base_hash, sizeof(hash)) == 0;
	if (!ok)
		(void)error_set(e, FAIL_CORRUPT,
		    "%s: not the file of its snapshot", path);
	else
		ok = revoked_file_check(bytes_of(map, len), &s->key, count, e);
	if (!ok) {
		(void)munmap(map, len);
		return false;
	}
	s->base_count = 0;
	use_map(s, map, len);
	return true;
}

bool
revoked_reason(struct bytes name, uint8_t *out)
{
	/* RFC 5280 5.3.1; 7 is not used. */
	static const char *const reasons[] = { "unspecified", "keyCompromise",
		"cACompromise", "affiliationChanged", "superseded",
		"cessationOfOperation", "certificateHold", NULL,
		"removeFromCRL", "privilegeWithdrawn", "aACompromise" };

	for (size_t i = 0; i < countof(reasons); i++) {
		if (reasons[i] == NULL ||
		    !bytes_eq(name, bytes_str(reasons[i])))
			continue;
		*out = (uint8_t)i;
		return true;
	}
	return false;
}
