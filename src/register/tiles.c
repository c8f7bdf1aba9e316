/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <chancery/base/alloc.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/register/tree.h>

#define TILE_HEIGHT 8 /* C2SP tlog-tiles */
#define TILE_WIDTH (1U << TILE_HEIGHT)
#define TILE_LEVELS (64 / TILE_HEIGHT)

/* One file: entries on disk, then those that wait for a flush. */
struct level {
	int fd; /* -1: no file yet                       */
	uint64_t stored;
	struct buf pending;        /* SHA256_LEN each                       */
	struct tree_frontier tile; /* the last, partial tile                */
};
struct tile_store {
	char *dir; /* …/tree */
	bool writable;
	struct level level[TILE_LEVELS];
};

static uint64_t
level_count(const struct level *l)
{
	return l->stored + l->pending.n / SHA256_LEN;
}

uint64_t
tile_store_size(const struct tile_store *s)
{
	return level_count(&s->level[0]);
}

static bool
pread_all(int fd, void *p, size_t n, uint64_t offset, struct error *e)
{
	uint8_t *at = p;
	ssize_t got;

	while (n > 0) {
		got = pread(fd, at, n, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(e, FAIL_IO, "read hash tiles");
		if (got == 0)
			return error_set(e, FAIL_CORRUPT,
			    "hash tiles are shorter than they were");
		at += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return true;
}

static enum fail
write_failure(void)
{
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG
	    ? FAIL_DISK_FULL
	    : FAIL_IO;
}

static bool
pwrite_all(int fd, struct bytes data, uint64_t offset, struct error *e)
{
	ssize_t put;

	while (data.n > 0) {
		put = pwrite(fd, data.p, data.n, (off_t)offset);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return error_errno(e, write_failure(),
			    "write hash tiles");
		data.p += put;
		data.n -= (size_t)put;
		offset += (uint64_t)put;
	}
	return true;
}

/* `n` entries from `first`; they exist. */
static bool
level_read(const struct level *l, uint64_t first, size_t n, struct sha256 *out,
    struct error *e)
{
	size_t disk = 0, skip;

	if (first < l->stored)
		disk = l->stored - first < n ? (size_t)(l->stored - first) : n;
	if (disk > 0 &&
	    !pread_all(l->fd, out, disk * SHA256_LEN, first * SHA256_LEN, e))
		return false;
	if (disk == n)
		return true;
	skip = (size_t)(first + disk - l->stored);
	memcpy(out + disk, l->pending.p + skip * SHA256_LEN,
	    (n - disk) * SHA256_LEN);
	return true;
}

/* The partial tile at the end of a level, from its entries. */
static bool
level_load(struct level *l, struct error *e)
{
	struct sha256 entry[TILE_WIDTH];
	uint64_t count = level_count(l);
	size_t i, n = (size_t)(count % TILE_WIDTH);

	if (!level_read(l, count - n, n, entry, e))
		return false;
	tree_init(&l->tile);
	for (i = 0; i < n; i++)
		tree_append(&l->tile, &entry[i]);
	return true;
}

/* True when that made a whole tile, whose root belongs to the next level. */
static bool
level_append(struct level *l, const struct sha256 *h, struct sha256 *root)
{
	buf_add(&l->pending, h->b, SHA256_LEN);
	tree_append(&l->tile, h);
	if (l->tile.size < TILE_WIDTH)
		return false;
	*root = tree_root(&l->tile);
	tree_init(&l->tile);
	return true;
}

void
tile_store_append(struct tile_store *s, const struct sha256 *leaf)
{
	struct sha256 h = *leaf;
	unsigned i;

	for (i = 0; i < TILE_LEVELS; i++)
		if (!level_append(&s->level[i], &h, &h))
			return;
}

static bool
level_cut(struct level *l, uint64_t count, bool writable, struct error *e)
{
	if (count >= l->stored) {
		l->pending.n = (size_t)(count - l->stored) * SHA256_LEN;
		return level_load(l, e);
	}
	if (writable && ftruncate(l->fd, (off_t)(count * SHA256_LEN)) != 0)
		return error_errno(e, FAIL_IO, "cut hash tiles");
	l->stored = count;
	buf_reset(&l->pending);
	return level_load(l, e);
}

bool
tile_store_truncate(struct tile_store *s, uint64_t size, struct error *e)
{
	unsigned i;

	if (size > tile_store_size(s))
		return error_set(e, FAIL_NOT_FOUND,
		    "hash tiles hold %llu records, not %llu",
		    (unsigned long long)tile_store_size(s),
		    (unsigned long long)size);
	/* Upper levels first: cut short, they are made again from below. */
	for (i = TILE_LEVELS; i-- > 0;)
		if (!level_cut(&s->level[i], size >> (TILE_HEIGHT * i),
			s->writable, e))
			return false;
	return true;
}

static bool
level_open(const char *dir, unsigned number, bool writable, struct level *l,
    struct error *e)
{
	auto_mem char *path = mem_printf("%s/%u", dir, number);
	struct stat st;

	l->fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (l->fd < 0 && errno == ENOENT)
		return true;
	if (l->fd < 0 || fstat(l->fd, &st) != 0)
		return error_errno(e, FAIL_IO, "%s", path);
	l->stored = (uint64_t)st.st_size / SHA256_LEN;
	/* Half an entry at the end is a torn write. */
	if (writable && st.st_size % SHA256_LEN != 0 &&
	    ftruncate(l->fd, (off_t)(l->stored * SHA256_LEN)) != 0)
		return error_errno(e, FAIL_IO, "%s", path);
	return true;
}

/* Bring `up` to one entry for each whole tile of `low`. */
static bool
level_match(struct level *up, const struct level *low, bool writable,
    struct error *e)
{
	uint64_t want = level_count(low) / TILE_WIDTH, i;
	struct sha256 entry[TILE_WIDTH], unused;
	struct tree_frontier t;
	size_t k;

	if (level_count(up) > want)
		return level_cut(up, want, writable, e);
	if (!level_load(up, e))
		return false;
	for (i = level_count(up); i < want; i++) {
		if (!level_read(low, i * TILE_WIDTH, TILE_WIDTH, entry, e))
			return false;
		tree_init(&t);
		for (k = 0; k < TILE_WIDTH; k++)
			tree_append(&t, &entry[k]);
		entry[0] = tree_root(&t);
		(void)level_append(up, &entry[0], &unused);
	}
	return true;
}

void
tile_store_close(struct tile_store *s)
{
	unsigned i;

	if (s == NULL)
		return;
	for (i = 0; i < TILE_LEVELS; i++) {
		if (s->level[i].fd >= 0)
			(void)close(s->level[i].fd);
		buf_free(&s->level[i].pending);
	}
	mem_free(s->dir);
	mem_free(s);
}

static bool
open_levels(struct tile_store *s, struct error *e)
{
	unsigned i;

	for (i = 0; i < TILE_LEVELS; i++)
		if (!level_open(s->dir, i, s->writable, &s->level[i], e))
			return false;
	if (!level_load(&s->level[0], e))
		return false;
	for (i = 1; i < TILE_LEVELS; i++)
		if (!level_match(&s->level[i], &s->level[i - 1], s->writable,
			e))
			return false;
	return true;
}

struct tile_store *
tile_store_open(const char *dir, bool writable, struct error *e)
{
	struct tile_store *s = mem_calloc(1, sizeof(*s));
	unsigned i;

	s->dir = path_join(dir, "tree");
	s->writable = writable;
	for (i = 0; i < TILE_LEVELS; i++)
		s->level[i].fd = -1;
	if ((writable && !dir_create(s->dir, 0750, e)) || !open_levels(s, e)) {
		(void)error_context(e, "%s", s->dir);
		tile_store_close(s);
		return NULL;
	}
	return s;
}

static bool
level_flush(const char *dir, unsigned number, struct level *l, struct error *e)
{
	auto_mem char *path = NULL;

	if (l->pending.n == 0)
		return true;
	if (l->fd < 0) {
		path = mem_printf("%s/%u", dir, number);
		l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
		if (l->fd < 0)
			return error_errno(e, FAIL_IO, "%s", path);
	}
	/* At the offset that the count says: whatever a failed flush left
	 * behind is overwritten by the next one. */
	if (!pwrite_all(l->fd, buf_bytes(&l->pending), l->stored * SHA256_LEN,
		e))
		return false;
	l->stored += l->pending.n / SHA256_LEN;
	buf_reset(&l->pending);
	return true;
}

bool
tile_store_flush(struct tile_store *s, struct error *e)
{
	unsigned i;

	if (!s->writable)
		return error_set(e, FAIL_INTERNAL,
		    "%s is open for reading only", s->dir);
	for (i = 0; i < TILE_LEVELS; i++)
		if (!level_flush(s->dir, i, &s->level[i], e))
			return false;
	return true;
}

bool
tile_store_read(void *arg, unsigned level, uint64_t index, struct sha256 *out,
    struct error *e)
{
	const struct tile_store *s = arg;
	struct sha256 entry[TILE_WIDTH / 2];
	const struct level *l;
	unsigned rest = level % TILE_HEIGHT;
	struct tree_frontier t;
	size_t i, n = (size_t)1 << rest;

	if (level >= 64 ||
	    index >= level_count(&s->level[level / TILE_HEIGHT]) >> rest)
		return error_set(e, FAIL_NOT_FOUND,
		    "hash tiles: no node %llu at level %u",
		    (unsigned long long)index, level);
	l = &s->level[level / TILE_HEIGHT];
	if (!level_read(l, index << rest, n, entry, e))
		return false;
	tree_init(&t);
	for (i = 0; i < n; i++)
		tree_append(&t, &entry[i]);
	*out = tree_root(&t);
	return true;
}

bool
tile_store_frontier(struct tile_store *s, struct tree_frontier *out,
    struct error *e)
{
	uint64_t start = 0, left = tile_store_size(s);
	struct tree_frontier t = { .size = left };
	unsigned level;

	for (; left > 0; left -= UINT64_C(1) << level) {
		level = 63U - (unsigned)__builtin_clzll(left);
		if (!tile_store_read(s, level, start >> level, &t.node[t.n], e))
			return false;
		t.n++;
		start += UINT64_C(1) << level;
	}
	*out = t;
	return true;
}
