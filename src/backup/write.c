/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>

#include "tar.h"

struct archive_writer {
	char *path, *partial;
	int fd; /* of the partial file, locked; -1: finished */
	int64_t mtime_s;
	struct digest *all;
	struct buf sums;
	uint64_t files, bytes, written;
	char software[64];
	uint8_t *chunk; /* may pass secrets: wiped */
	archive_progress_fn *tell;
	void *tell_arg;
};

static const char how_to[] = ARCHIVE_FORMAT_LINE
    "1\n"
    "\n"
    "To check it without Chancery, in an empty directory:\n"
    "\n"
    "    tar xf FILE && cd chancery-backup && sha256sum --check SHA256SUMS\n"
    "    sha256sum SHA256SUMS      is \"sums\" in manifest.json\n"
    "\n"
    "register/ is a transparency log (docs/auditor.md); manifest.json has its\n"
    "origin, its number of records (lines) and its newest checkpoint.\n";

static bool
put(struct archive_writer *w, struct bytes v, struct error *e)
{
	digest_add(w->all, v);
	w->written += v.n;
	return fd_write_all(w->fd, v, e) || error_context(e, "%s", w->partial);
}

static bool
put_header(struct archive_writer *w, const char *name, unsigned mode,
    uint64_t size, struct error *e)
{
	struct tar_entry t = { .size = size,
		.mode = mode & 0777,
		.mtime_s = w->mtime_s };
	uint8_t block[TAR_BLOCK];

	if (!archive_name_valid(name))
		return error_set(e, FAIL_UNSUPPORTED,
		    "%s: no such name can stand in a backup (letters, digits, "
		    "\"._-\")",
		    name);
	(void)snprintf(t.name, sizeof(t.name), ARCHIVE_ROOT "%s", name);
	tar_encode(&t, block);
	return put(w, bytes_of(block, sizeof(block)), e);
}

static bool
put_padding(struct archive_writer *w, uint64_t size, struct error *e)
{
	static const uint8_t zeros[TAR_BLOCK];

	return put(w, bytes_of(zeros, tar_padding(size)), e);
}

static void
count(struct archive_writer *w, const char *name, uint64_t size,
    struct digest *d)
{
	uint8_t out[DIGEST_MAX];
	struct sha256 h;

	(void)digest_finish(d, out);
	memcpy(h.b, out, sizeof(h.b));
	sums_add(&w->sums, &h, name);
	w->files++;
	w->bytes += size;
	if (w->tell != NULL)
		w->tell(w->tell_arg, name, w->written);
}

bool
archive_add(struct archive_writer *w, const char *name, unsigned mode,
    struct bytes data, struct error *e)
{
	struct digest *d;

	if (!put_header(w, name, mode, data.n, e) || !put(w, data, e) ||
	    !put_padding(w, data.n, e))
		return false;
	d = digest_new(DIGEST_SHA256);
	digest_add(d, data);
	count(w, name, data.n, d);
	return true;
}

static bool
copy_chunk(struct archive_writer *w, const struct archive_source *from,
    uint64_t left, size_t *n, struct error *e)
{
	size_t want = left < ARCHIVE_CHUNK ? (size_t)left : ARCHIVE_CHUNK;
	ssize_t got = read(from->fd, w->chunk, want);

	*n = 0;
	if (got < 0 && errno == EINTR)
		return true;
	if (got < 0)
		return error_errno(e, FAIL_IO, "read");
	if (got == 0)
		return error_set(e, FAIL_IO,
		    "it became shorter while it was read");
	*n = (size_t)got;
	if (from->see != NULL)
		from->see(from->arg, bytes_of(w->chunk, *n));
	return put(w, bytes_of(w->chunk, *n), e);
}

static bool
copy(struct archive_writer *w, const char *name,
    const struct archive_source *from, struct digest *d, struct error *e)
{
	uint64_t done = 0;
	size_t n;

	for (; done < from->size; done += n) {
		if (!copy_chunk(w, from, from->size - done, &n, e))
			return error_context(e, "%s", name);
		digest_add(d, bytes_of(w->chunk, n));
		if (w->tell != NULL)
			w->tell(w->tell_arg, name, w->written);
	}
	return true;
}

bool
archive_add_file(struct archive_writer *w, const char *name, unsigned mode,
    const struct archive_source *from, struct error *e)
{
	struct digest *d;

	if (!put_header(w, name, mode, from->size, e))
		return false;
	d = digest_new(DIGEST_SHA256);
	if (!copy(w, name, from, d, e) || !put_padding(w, from->size, e)) {
		digest_free(d);
		return false;
	}
	count(w, name, from->size, d);
	return true;
}

/* ---- birth and end ---------------------------------------------------------------- */

struct archive_writer *
archive_create(const char *path, const char *software, int64_t now_s,
    struct error *e)
{
	auto_archive_writer struct archive_writer *w =
	    mem_calloc(1, sizeof(*w));

	w->fd = -1;
	w->path = mem_strdup(path);
	w->partial = mem_printf("%s.partial", path);
	w->mtime_s = now_s;
	(void)snprintf(w->software, sizeof(w->software), "%s", software);
	w->chunk = mem_alloc(ARCHIVE_CHUNK);
	w->all = digest_new(DIGEST_SHA256);
	if (!file_check_absent(path, e))
		return NULL;
	/* What one that was killed left is taken over. */
	w->fd = file_lock(w->partial, e);
	if (w->fd < 0)
		return NULL;
	if (ftruncate(w->fd, 0) != 0) {
		error_errno(e, FAIL_IO, "%s", w->partial);
		return NULL;
	}
	return archive_add(w, ARCHIVE_FORMAT, 0644, bytes_str(how_to), e)
	    ? take(w)
	    : NULL;
}

void
archive_on_progress(struct archive_writer *w, archive_progress_fn *tell,
    void *arg)
{
	w->tell = tell;
	w->tell_arg = arg;
}

void
archive_drop(struct archive_writer *w)
{
	if (w->fd >= 0) {
		(void)unlink(w->partial);
		(void)close(w->fd);
	}
	explicit_bzero(w->chunk, ARCHIVE_CHUNK);
	mem_free(w->chunk);
	digest_free(w->all);
	buf_free(&w->sums);
	mem_free(w->partial);
	mem_free(w->path);
	mem_free(w);
}

/* Never over another file; some file systems have no links. */
static bool
put_name(struct archive_writer *w, struct error *e)
{
	const char *slash = strrchr(w->path, '/');
	auto_mem char *dir = slash == NULL
	    ? mem_strdup(".")
	    : mem_printf("%.*s/", (int)(slash - w->path), w->path);

	if (fsync(w->fd) != 0)
		return error_errno(e, FAIL_IO, "%s: fsync", w->partial);
	if (renameat2(AT_FDCWD, w->partial, AT_FDCWD, w->path,
		RENAME_NOREPLACE) != 0 &&
	    ((errno != EINVAL && errno != ENOSYS) ||
		link(w->partial, w->path) != 0 || unlink(w->partial) != 0))
		return error_errno(e, errno == EEXIST ? FAIL_EXISTS : FAIL_IO,
		    "%s", w->path);
	(void)close(w->fd);
	w->fd = -1;
	return dir_sync(dir, e);
}

bool
archive_finish(struct archive_writer *w, struct manifest *m,
    struct sha256 *digest, struct error *e)
{
	static const uint8_t zeros[2 * TAR_BLOCK];
	auto_buf struct buf json = { 0 };
	uint8_t out[DIGEST_MAX];

	m->files = w->files;
	m->bytes = w->bytes;
	m->sums = sha256(buf_bytes(&w->sums));
	time_format_s(w->mtime_s, m->created);
	(void)snprintf(m->software, sizeof(m->software), "%s", w->software);
	manifest_encode(m, &json);
	if (!put_header(w, ARCHIVE_SUMS, 0644, w->sums.n, e) ||
	    !put(w, buf_bytes(&w->sums), e) || !put_padding(w, w->sums.n, e) ||
	    !put_header(w, ARCHIVE_MANIFEST, 0644, json.n, e) ||
	    !put(w, buf_bytes(&json), e) || !put_padding(w, json.n, e) ||
	    !put(w, bytes_of(zeros, sizeof(zeros)), e))
		return false;
	(void)digest_finish(w->all, out);
	w->all = NULL;
	memcpy(digest->b, out, sizeof(digest->b));
	return put_name(w, e);
}
