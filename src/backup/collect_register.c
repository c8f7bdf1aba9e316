/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The register while its writer goes on. Segments but the last never change. Of the last one,
 * what stands there up to a line's end is made durable by us and then read: a copy that has
 * what the original lost in a power cut would be a fork of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "collect.h"

#define FILE_MODE 0640U

struct reading {
	struct archive_writer *w;
	const char *member, *dir;
	uint64_t lines, segments;
};

static char *
name_of(const char *sub, uint64_t n)
{
	return mem_printf("%s/%06llu.jsonl", sub, (unsigned long long)n);
}

static void
count_lines(void *arg, struct bytes part)
{
	struct reading *r = arg;
	const uint8_t *p = part.p, *end = part.p + part.n;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		r->lines++;
		p++;
	}
}

/* Behind the last newline of the first `size` octets; a line and its newline fit the buffer,
 * unless it is a private body. */
static bool
whole_lines(int fd, uint64_t *size, struct error *e)
{
	auto_mem uint8_t *p = mem_alloc(LIMIT_RECORD_BYTES + 1);

	while (*size > 0) {
		size_t n = *size < LIMIT_RECORD_BYTES + 1
		    ? (size_t)*size
		    : LIMIT_RECORD_BYTES + 1;
		const uint8_t *last;

		if (pread(fd, p, n, (off_t)(*size - n)) != (ssize_t)n)
			return error_errno(e, FAIL_IO, "read");
		last = memrchr(p, '\n', n);
		if (last != NULL) {
			*size -= n - (size_t)(last - p) - 1;
			return true;
		}
		*size -= n;
	}
	return true;
}

/* *there is false, and nothing was added, when there is no such file. */
static bool
add_lines(struct reading *r, const char *name, bool count, bool *there,
    struct error *e)
{
	auto_mem char *path = path_join(r->dir, name);
	auto_mem char *inside = path_join(r->member, name);
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct archive_source from = { .fd = fd,
		.see = count ? count_lines : NULL,
		.arg = r };
	struct stat st;

	*there = fd >= 0;
	if (fd < 0)
		return errno == ENOENT || error_errno(e, FAIL_IO, "%s", path);
	if (fstat(fd, &st) != 0)
		return error_errno(e, FAIL_IO, "%s", path);
	from.size = (uint64_t)st.st_size;
	if (!whole_lines(fd, &from.size, e))
		return error_context(e, "%s", path);
	if (fdatasync(fd) != 0)
		return error_errno(e, FAIL_IO, "%s: fdatasync", path);
	return archive_add_file(r->w, inside, FILE_MODE, &from, e);
}

/* Whether there is a next one is asked before this one is measured: then it is complete. */
static bool
add_log(struct reading *r, struct error *e)
{
	bool there = true, last = false;

	for (uint64_t n = 1; !last; n++) {
		auto_mem char *name = name_of("log", n);
		auto_mem char *next = name_of("log", n + 1);
		auto_mem char *path = path_join(r->dir, next);

		last = access(path, F_OK) != 0;
		if (!add_lines(r, name, true, &there, e))
			return false;
		if (!there)
			return error_set(e, FAIL_NOT_FOUND, "no register in %s",
			    r->dir);
		r->segments = n;
	}
	return true;
}

/* Written before their lines, so after them there are at least as many. */
static bool
add_private(struct reading *r, struct error *e)
{
	bool there;

	for (uint64_t n = 1; n <= r->segments; n++) {
		auto_mem char *name = name_of("private", n);

		if (!add_lines(r, name, false, &there, e))
			return false;
	}
	return true;
}

/* ---- what lies beside the lines ------------------------------------------------------ */

/* "000012.json", "000012.<key>.revoked" of a segment before the last. */
static bool
is_snapshot(const struct reading *r, const char *name)
{
	static const char *const ends[] = { ".json", ".revoked" };
	size_t digits = strspn(name, "0123456789"), n = strlen(name);
	auto_mem char *number = mem_printf("%.*s", (int)digits, name);
	bool ours = false;

	for (size_t i = 0; i < countof(ends); i++)
		ours = ours ||
		    (n > strlen(ends[i]) &&
			strcmp(name + n - strlen(ends[i]), ends[i]) == 0);
	return ours && digits >= 6 && digits <= 12 && name[digits] == '.' &&
	    strtoull(number, NULL, 10) < r->segments;
}

/* "00000000000000000412": one of so many records. */
static bool
is_checkpoint(const struct reading *r, const char *name)
{
	return strlen(name) == 20 && strspn(name, "0123456789") == 20 &&
	    strtoull(name, NULL, 10) <= r->lines;
}

static bool
add_chosen(struct reading *r, const char *sub,
    bool (*is)(const struct reading *r, const char *name), struct error *e)
{
	auto_mem char *dir = path_join(r->dir, sub);
	auto_mem char *member = path_join(r->member, sub);
	auto_dir DIR *d = opendir(dir);
	const struct dirent *entry;

	if (d == NULL)
		return errno == ENOENT || error_errno(e, FAIL_IO, "%s", dir);
	while ((entry = readdir(d)) != NULL) {
		auto_mem char *path = path_join(dir, entry->d_name);
		auto_mem char *inside = path_join(member, entry->d_name);

		if (is(r, entry->d_name) &&
		    !collect_file(r->w, inside, path, e) &&
		    e->why != FAIL_NOT_FOUND)
			return false;
	}
	return true;
}

/* The newest one is read before the lines, so that they are not fewer than it says. */
static bool
newest_checkpoint(const char *dir, struct buf *note, struct error *e)
{
	auto_mem char *path = path_join(dir, "checkpoint");

	return file_read(path, LIMIT_NOTE_BYTES, note, e) ||
	    e->why == FAIL_NOT_FOUND;
}

/* ---- other logs that were taken in ------------------------------------------------------ */

/* An import is there as a whole, or not yet: a folder with a dot is being made. */
static bool
add_tree(struct reading *r, const char *dir, const char *member, bool top,
    struct error *e)
{
	auto_dir DIR *d = opendir(dir);
	const struct dirent *entry;
	struct stat st;

	if (d == NULL)
		return errno == ENOENT || error_errno(e, FAIL_IO, "%s", dir);
	while ((entry = readdir(d)) != NULL) {
		auto_mem char *path = path_join(dir, entry->d_name);
		auto_mem char *inside = path_join(member, entry->d_name);

		if (entry->d_name[0] == '.' ||
		    (top && strchr(entry->d_name, '.') != NULL) ||
		    stat(path, &st) != 0)
			continue;
		if (!(S_ISDIR(st.st_mode)
			    ? add_tree(r, path, inside, false, e)
			    : collect_file(r->w, inside, path, e)) &&
		    e->why != FAIL_NOT_FOUND)
			return false;
	}
	return true;
}

static bool
add_imports(struct reading *r, struct error *e)
{
	auto_mem char *dir = path_join(r->dir, "imports");
	auto_mem char *member = path_join(r->member, "imports");

	return add_tree(r, dir, member, true, e);
}

bool
collect_register(struct archive_writer *w, const char *member, const char *dir,
    struct manifest *m, struct error *e)
{
	struct reading r = { .w = w, .member = member, .dir = dir };
	auto_buf struct buf note = { 0 };
	auto_mem char *checkpoint = path_join(member, "checkpoint");

	if (!newest_checkpoint(dir, &note, e) || !add_log(&r, e) ||
	    !add_private(&r, e) ||
	    !add_chosen(&r, "snapshot", is_snapshot, e) ||
	    !add_chosen(&r, "checkpoints", is_checkpoint, e) ||
	    !add_imports(&r, e))
		return false;
	m->size = r.lines;
	if (note.n == 0)
		return true;
	m->checkpoint = mem_strdup(buf_cstr(&note));
	return archive_add(w, checkpoint, FILE_MODE, buf_bytes(&note), e);
}
