/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include <chancery/base/alloc.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/register/record.h>

#include "export.h"

#define TILE_WIDTH 256 /* C2SP tlog-tiles */
#define TILE_LEVELS 8

/* The tile of one level that is being filled. */
struct open_tile {
	uint64_t index;
	struct buf hashes;
	struct tree_frontier tree; /* of its hashes */
};
struct exporter {
	char *out, *tmp;
	int fd; /* the directory tmp */
	struct open_tile level[TILE_LEVELS];
	struct buf bundle; /* entries of the level 0 tile */
	struct tree_frontier tree;
};

/* Three digits an element, x before all but the last. */
static void
add_index(struct buf *b, uint64_t index)
{
	uint64_t unit = 1;

	while (index / unit >= 1000)
		unit *= 1000;
	for (; unit > 1; unit /= 1000)
		buf_addf(b, "x%03" PRIu64 "/", index / unit % 1000);
	buf_addf(b, "%03" PRIu64, index % 1000);
}

char *
export_tile_path(const char *level, uint64_t index, size_t width)
{
	auto_buf struct buf b = { 0 };

	buf_addf(&b, "tile/%s/", level);
	add_index(&b, index);
	if (width < TILE_WIDTH)
		buf_addf(&b, ".p/%zu", width);
	return buf_take_str(&b);
}

static bool
make_parents(int dir, const char *path, struct error *e)
{
	auto_mem char *p = mem_strdup(path);
	char *slash = p;

	while ((slash = strchr(slash, '/')) != NULL) {
		*slash = '\0';
		if (mkdirat(dir, p, 0755) != 0 && errno != EEXIST)
			return error_errno(e, FAIL_IO, "mkdir %s", p);
		*slash++ = '/';
	}
	return true;
}

static bool
write_file(struct exporter *x, const char *path, struct bytes data,
    struct error *e)
{
	auto_fd int fd = -1;

	if (!make_parents(x->fd, path, e))
		return false;
	fd = openat(x->fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_errno(e, FAIL_IO, "%s", path);
	return fd_write_all(fd, data, e) || error_context(e, "%s", path);
}

/* The tile of a level, and on level 0 the entries below it. */
static bool
write_tile(struct exporter *x, unsigned level, struct error *e)
{
	struct open_tile *t = &x->level[level];
	auto_mem char *name = mem_printf("%u", level);
	size_t width = (size_t)t->tree.size;
	auto_mem char *tile = export_tile_path(name, t->index, width);
	auto_mem char *entries = export_tile_path("entries", t->index, width);

	if (!write_file(x, tile, buf_bytes(&t->hashes), e) ||
	    (level == 0 && !write_file(x, entries, buf_bytes(&x->bundle), e)))
		return false;
	buf_reset(&t->hashes);
	tree_init(&t->tree);
	t->index++;
	if (level == 0)
		buf_reset(&x->bundle);
	return true;
}

bool
export_line(struct exporter *x, struct bytes line, struct error *e)
{
	struct sha256 h = record_leaf(line);
	unsigned level = 0;

	if (line.n > LIMIT_RECORD_BYTES)
		return error_set(e, FAIL_CORRUPT,
		    "export: record %" PRIu64 " is longer than %d bytes",
		    x->tree.size, LIMIT_RECORD_BYTES);
	buf_add_byte(&x->bundle, (uint8_t)(line.n >> 8));
	buf_add_byte(&x->bundle, (uint8_t)line.n);
	buf_add_bytes(&x->bundle, line);
	tree_append(&x->tree, &h);
	for (level = 0; level < TILE_LEVELS; level++) {
		struct open_tile *t = &x->level[level];

		buf_add(&t->hashes, h.b, SHA256_LEN);
		tree_append(&t->tree, &h);
		if (t->tree.size < TILE_WIDTH)
			break;
		h = tree_root(&t->tree);
		if (!write_tile(x, level, e))
			return false;
	}
	return true;
}

struct exporter *
export_begin(const char *out, struct error *e)
{
	auto_exporter struct exporter *x = mem_calloc(1, sizeof(*x));
	char random[17];
	uint8_t r[8];
	size_t n;

	x->fd = -1;
	x->out = mem_strdup(out);
	for (n = strlen(x->out); n > 1 && x->out[n - 1] == '/'; n--)
		x->out[n - 1] = '\0';
	if (!file_check_absent(x->out, e))
		return NULL;
	random_bytes(r, sizeof(r));
	hex_encode(bytes_of(r, sizeof(r)), random);
	auto_mem char *tmp = mem_printf("%s.%s.tmp", x->out, random);

	if (mkdir(tmp, 0755) != 0) {
		(void)error_errno(e, FAIL_IO, "%s", tmp);
		return NULL;
	}
	x->tmp = take(tmp); /* from here on export_free removes it */
	x->fd = open(x->tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x->fd < 0) {
		(void)error_errno(e, FAIL_IO, "%s", x->tmp);
		return NULL;
	}
	return take(x);
}

/* Without replacing anything, not even an empty directory. */
static bool
rename_new(const char *from, const char *to, struct error *e)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return true;
	if (errno == EEXIST)
		return error_set(e, FAIL_EXISTS, "%s: exists", to);
	if (errno != EINVAL && errno != ENOSYS)
		return error_errno(e, FAIL_IO, "rename to %s", to);
	/* A file system without that flag: NFS. */
	if (!file_check_absent(to, e))
		return false;
	return rename(from, to) == 0 ||
	    error_errno(e, FAIL_IO, "rename to %s", to);
}

static bool
sync_parent(const char *path, struct error *e)
{
	const char *slash = strrchr(path, '/');
	auto_mem char *dir = slash == NULL
	    ? mem_strdup(".")
	    : mem_printf("%.*s", (int)(slash - path) + 1, path);

	return dir_sync(dir, e);
}

static bool
check_tree(const struct exporter *x, const struct checkpoint *c,
    struct error *e)
{
	struct sha256 root = tree_root(&x->tree);

	if (x->tree.size != c->size)
		return error_set(e, FAIL_CORRUPT,
		    "export: %" PRIu64
		    " records, but the checkpoint covers %" PRIu64,
		    x->tree.size, c->size);
	if (memcmp(root.b, c->root.b, SHA256_LEN) != 0)
		return error_set(e, FAIL_CORRUPT,
		    "export: the records do not have the root of the "
		    "checkpoint of size %" PRIu64,
		    c->size);
	return true;
}

bool
export_finish(struct exporter *x, struct bytes note, struct error *e)
{
	struct checkpoint c;
	unsigned level;

	if (!checkpoint_parse(note, &c, e) || !check_tree(x, &c, e))
		return false;
	for (level = 0; level < TILE_LEVELS; level++)
		if (x->level[level].tree.size > 0 && !write_tile(x, level, e))
			return false;
	if (!write_file(x, "checkpoint", note, e))
		return false;
	/* One sync for thousands of files; each has its name before it. */
	if (syncfs(x->fd) != 0)
		return error_errno(e, FAIL_IO, "sync %s", x->tmp);
	if (!rename_new(x->tmp, x->out, e))
		return false;
	mem_free(x->tmp);
	x->tmp = NULL;
	return sync_parent(x->out, e);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path); /* what stays shows in its parent */
	return 0;
}

void
export_free(struct exporter *x)
{
	unsigned level;

	if (x == NULL)
		return;
	if (x->fd >= 0)
		(void)close(x->fd);
	if (x->tmp != NULL)
		(void)nftw(x->tmp, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	for (level = 0; level < TILE_LEVELS; level++)
		buf_free(&x->level[level].hashes);
	buf_free(&x->bundle);
	mem_free(x->out);
	mem_free(x->tmp);
	mem_free(x);
}
