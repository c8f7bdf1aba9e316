/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "tar.h"

struct archive_reader {
	int fd; /* borrowed */
	char *name;
	struct tar_entry at;
	uint64_t left;    /* of the member */
	struct digest *d; /* of the member; NULL: none is open */
	int64_t mtime_s;
	struct buf sums;
	uint64_t files, bytes;
	struct manifest m;
	bool ended;
	uint8_t *chunk; /* may pass secrets: wiped */
};

static bool
bad(const struct archive_reader *r, struct error *e, const char *what)
{
	return error_set(e, FAIL_BAD_INPUT, "%s: %s", r->name, what);
}

/* *n is less than `max` at the end of the file only. */
static bool
get_some(const struct archive_reader *r, uint8_t *p, size_t max, size_t *n,
    struct error *e)
{
	size_t have = 0;

	while (have < max) {
		ssize_t got = read(r->fd, p + have, max - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(e, FAIL_IO, "%s", r->name);
		if (got == 0)
			break;
		have += (size_t)got;
	}
	*n = have;
	return true;
}

static bool
get(const struct archive_reader *r, uint8_t *p, size_t want, struct error *e)
{
	size_t n;

	if (!get_some(r, p, want, &n, e))
		return false;
	return n == want || bad(r, e, "cut off");
}

static bool
is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static const char *
short_name(const struct archive_reader *r)
{
	return r->at.name + strlen(ARCHIVE_ROOT);
}

static bool
is_at(const struct archive_reader *r, const char *name)
{
	return strcmp(short_name(r), name) == 0;
}

/* ---- members ------------------------------------------------------------------ */

/* The end is two blocks of zeros, and then nothing. */
static bool
header(struct archive_reader *r, bool *end, struct error *e)
{
	uint8_t block[TAR_BLOCK];
	size_t n;

	if (!get(r, block, sizeof(block), e))
		return false;
	*end = is_zero(block, sizeof(block));
	if (*end) {
		if (!get(r, block, sizeof(block), e))
			return false;
		if (!is_zero(block, sizeof(block)))
			return bad(r, e, "something stands behind its end");
		if (!get_some(r, block, 1, &n, e))
			return false;
		return n == 0 || bad(r, e, "something stands behind its end");
	}
	if (!tar_decode(block, &r->at, e))
		return error_context(e, "%s", r->name);
	if (r->at.mtime_s != r->mtime_s && r->mtime_s >= 0)
		return bad(r, e, "a member of another time");
	r->mtime_s = r->at.mtime_s;
	r->left = r->at.size;
	r->d = digest_new(DIGEST_SHA256);
	return true;
}

bool
archive_read(struct archive_reader *r, void *p, size_t max, size_t *n,
    struct error *e)
{
	size_t want = r->left < max ? (size_t)r->left : max;

	if (!get(r, p, want, e))
		return error_context(e, "%s", short_name(r));
	digest_add(r->d, bytes_of(p, want));
	r->left -= want;
	*n = want;
	return true;
}

/* What is left of the open member; its hash. */
static bool
finish_member(struct archive_reader *r, struct sha256 *h, struct error *e)
{
	uint8_t pad[TAR_BLOCK], out[DIGEST_MAX];
	size_t n;

	while (r->left > 0)
		if (!archive_read(r, r->chunk, ARCHIVE_CHUNK, &n, e))
			return false;
	n = tar_padding(r->at.size);
	if (!get(r, pad, n, e))
		return false;
	if (!is_zero(pad, n))
		return bad(r, e, "something stands between two members");
	(void)digest_finish(r->d, out);
	r->d = NULL;
	memcpy(h->b, out, sizeof(h->b));
	return true;
}

static bool
count_member(struct archive_reader *r, struct error *e)
{
	struct sha256 h;

	if (!finish_member(r, &h, e))
		return false;
	sums_add(&r->sums, &h, short_name(r));
	r->files++;
	r->bytes += r->at.size;
	return r->sums.n <= ARCHIVE_SUMS_MAX || bad(r, e, "too many files");
}

/* A small member, whole. */
static bool
read_whole(struct archive_reader *r, size_t max, struct buf *out,
    struct error *e)
{
	size_t n;

	if (r->at.size > max)
		return error_set(e, FAIL_BAD_INPUT,
		    "%s: %s has more than %zu octets", r->name, short_name(r),
		    max);
	if (!archive_read(r, buf_reserve(out, (size_t)r->at.size),
		(size_t)r->at.size, &n, e))
		return false;
	buf_commit(out, n);
	return true;
}

/* ---- first and last --------------------------------------------------------------- */

static bool
read_format(struct archive_reader *r, struct error *e)
{
	auto_buf struct buf text = { 0 };
	uint64_t version;
	size_t n = strlen(ARCHIVE_FORMAT_LINE);
	char *line;
	bool end;

	if (!header(r, &end, e))
		return false;
	if (end || !is_at(r, ARCHIVE_FORMAT))
		return bad(r, e, "not a backup: no " ARCHIVE_FORMAT);
	if (!read_whole(r, ARCHIVE_FORMAT_MAX, &text, e))
		return false;
	(void)buf_cstr(&text);
	line = (char *)text.p;
	if (strncmp(line, ARCHIVE_FORMAT_LINE, n) != 0)
		return bad(r, e, "not a backup: " ARCHIVE_FORMAT);
	line[strcspn(line, "\n")] = '\0';
	if (!parse_u64(line + n, 1, UINT32_MAX, &version))
		return bad(r, e, "not a backup: " ARCHIVE_FORMAT);
	if (version != ARCHIVE_VERSION)
		return error_set(e, FAIL_UNSUPPORTED,
		    "%s: format %llu; this release reads %d", r->name,
		    (unsigned long long)version, ARCHIVE_VERSION);
	return true;
}

/* Ours against theirs, without holding theirs. */
static bool
check_sums(struct archive_reader *r, struct sha256 *h, struct error *e)
{
	size_t done = 0, n;
	bool equal = r->at.size == r->sums.n;

	for (; equal && done < r->sums.n; done += n) {
		if (!archive_read(r, r->chunk, ARCHIVE_CHUNK, &n, e))
			return false;
		equal = memcmp(r->chunk, r->sums.p + done, n) == 0;
	}
	if (!equal)
		return error_set(e, FAIL_CORRUPT,
		    "%s: a file is not the one that " ARCHIVE_SUMS
		    " names: see \"sha256sum --check\"",
		    r->name);
	return finish_member(r, h, e);
}

static bool
check_manifest(struct archive_reader *r, const struct sha256 *sums,
    struct error *e)
{
	auto_buf struct buf json = { 0 };
	char when[TIME_TEXT_SIZE];
	struct sha256 ignored;
	bool end;

	if (!header(r, &end, e))
		return false;
	if (end || !is_at(r, ARCHIVE_MANIFEST))
		return bad(r, e,
		    "no " ARCHIVE_MANIFEST " behind " ARCHIVE_SUMS);
	if (!read_whole(r, 4 * LIMIT_NOTE_BYTES, &json, e) ||
	    !finish_member(r, &ignored, e))
		return false;
	if (!manifest_decode(buf_bytes(&json), &r->m, e))
		return error_context(e, "%s", r->name);
	time_format_s(r->mtime_s, when);
	if (r->m.files != r->files || r->m.bytes != r->bytes ||
	    memcmp(&r->m.sums, sums, sizeof(*sums)) != 0 ||
	    strcmp(r->m.created, when) != 0)
		return error_set(e, FAIL_CORRUPT,
		    "%s: " ARCHIVE_MANIFEST " is of another backup", r->name);
	return true;
}

static bool
read_end(struct archive_reader *r, struct error *e)
{
	struct sha256 sums;
	bool end;

	if (!check_sums(r, &sums, e) || !check_manifest(r, &sums, e) ||
	    !header(r, &end, e))
		return false;
	if (!end)
		return bad(r, e, "something stands behind " ARCHIVE_MANIFEST);
	r->ended = true;
	return true;
}

/* ---- the whole ------------------------------------------------------------------------ */

struct archive_reader *
archive_open(int fd, const char *name, struct error *e)
{
	auto_archive_reader struct archive_reader *r =
	    mem_calloc(1, sizeof(*r));

	r->fd = fd;
	r->name = mem_strdup(name);
	r->mtime_s = -1;
	r->chunk = mem_alloc(ARCHIVE_CHUNK);
	return read_format(r, e) ? take(r) : NULL;
}

void
archive_close(struct archive_reader *r)
{
	explicit_bzero(r->chunk, ARCHIVE_CHUNK);
	mem_free(r->chunk);
	digest_free(r->d);
	buf_free(&r->sums);
	manifest_clear(&r->m);
	mem_free(r->name);
	mem_free(r);
}

bool
archive_next(struct archive_reader *r, struct archive_member *out, bool *more,
    struct error *e)
{
	bool end;

	if (!count_member(r, e) || !header(r, &end, e))
		return false;
	if (end)
		return bad(r, e, "it ends before its " ARCHIVE_SUMS);
	*more = !is_at(r, ARCHIVE_SUMS);
	if (!*more)
		return read_end(r, e);
	if (is_at(r, ARCHIVE_FORMAT) || is_at(r, ARCHIVE_MANIFEST))
		return error_set(e, FAIL_BAD_INPUT, "%s: %s is out of place",
		    r->name, short_name(r));
	(void)snprintf(out->name, sizeof(out->name), "%s", short_name(r));
	out->size = r->at.size;
	out->mode = r->at.mode;
	return true;
}

const struct manifest *
archive_manifest(const struct archive_reader *r)
{
	return r->ended ? &r->m : NULL;
}
