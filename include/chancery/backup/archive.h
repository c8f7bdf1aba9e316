/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The file of a backup: a POSIX tar of plain files below "chancery-backup/", so that tar and
 * sha256sum alone can check it:
 *
 *   FORMAT          first: "chancery backup format 1", then how to check it by hand
 *   …               what was added
 *   SHA256SUMS      last but one: "<hex>  <name>", in the order of the archive
 *   manifest.json   last: canonical JSON, struct manifest; names the hash of SHA256SUMS
 *
 * The reader takes what the writer writes and nothing else: each header has to be, octet by
 * octet, the one that would be written for its name, size, mode and time. So there are no links,
 * devices, extended headers or names that lead elsewhere. Sizes above 8 GiB stand in base 256,
 * as GNU and BSD tar read them.
 *
 * Memory is a chunk, and some 100 octets a file. One thread.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>

#define ARCHIVE_VERSION 1
#define ARCHIVE_ROOT "chancery-backup/"
/* Without the root: ustar has room for 255 in all. */
#define ARCHIVE_NAME_MAX (255 - sizeof(ARCHIVE_ROOT) + 1)

struct manifest {
	char origin[256];  /* of the log */
	uint64_t size;     /* records of the register in it                */
	char *checkpoint;  /* the note, owned; NULL: none was made yet     */
	bool store;        /* there is one, …                              */
	uint64_t position; /* … up to, not including, this record         */
	bool soft_tokens, pins, tls_key;
	/* Filled in by the writer. */
	char software[64], created[32];
	uint64_t files, bytes; /* that SHA256SUMS lists */
	struct sha256 sums;    /* of SHA256SUMS         */
};
void manifest_clear(struct manifest *m);
#define auto_manifest auto_cleanup(manifest_clear)
void manifest_encode(const struct manifest *m, struct buf *json);
/* FAIL_BAD_INPUT; FAIL_UNSUPPORTED: another version of the format. */
bool manifest_decode(struct bytes json, struct manifest *out,
    struct error *e) must_check;

/* Letters, digits, "._-" and "/" between; no part begins with a dot. */
bool archive_name_valid(const char *name);

/* ---- writing ---------------------------------------------------------------- */

struct archive_writer;
/* `path`.partial, under a lock, which becomes `path` at the end. FAIL_EXISTS: `path` is there.
 * FAIL_BUSY: another one is being written. */
struct archive_writer *archive_create(const char *path, const char *software,
    int64_t now_s, struct error *e) must_check;
/* Without archive_finish nothing is left. */
void archive_drop(struct archive_writer *w);
DEFINE_AUTO(archive_writer, struct archive_writer *, archive_drop)
#define auto_archive_writer auto_cleanup(archive_writer_cleanup)
/* Told now and then: the member, and octets so far. */
typedef void archive_progress_fn(void *arg, const char *name, uint64_t bytes);
void archive_on_progress(struct archive_writer *w, archive_progress_fn *tell,
    void *arg);

bool archive_add(struct archive_writer *w, const char *name, unsigned mode,
    struct bytes data, struct error *e) must_check;
/* The first `size` octets of a file, read once; `see` (may be NULL) gets them too. FAIL_IO: it
 * has fewer. */
typedef void archive_see_fn(void *arg, struct bytes part);
struct archive_source {
	int fd;
	uint64_t size;
	archive_see_fn *see;
	void *arg;
};
bool archive_add_file(struct archive_writer *w, const char *name, unsigned mode,
    const struct archive_source *from, struct error *e) must_check;
/* SHA256SUMS and manifest, all of it synced and under its name. *digest: of the whole file. */
bool archive_finish(struct archive_writer *w, struct manifest *m,
    struct sha256 *digest, struct error *e) must_check;

/* ---- reading ---------------------------------------------------------------- */

struct archive_member {
	char name[256]; /* without the root */
	uint64_t size;
	unsigned mode;
};
struct archive_reader;
/* `fd` is borrowed and read to its end; `name` is for messages. FAIL_UNSUPPORTED: a later
 * format. */
struct archive_reader *archive_open(int fd, const char *name,
    struct error *e) must_check;
void archive_close(struct archive_reader *r);
DEFINE_AUTO(archive_reader, struct archive_reader *, archive_close)
#define auto_archive_reader auto_cleanup(archive_reader_cleanup)
/* The next member that was added; what is unread of the last one is passed over. *more is
 * false at the end: then every hash was right, and the manifest is there. */
bool archive_next(struct archive_reader *r, struct archive_member *out,
    bool *more, struct error *e) must_check;
/* Up to `max` octets of it; *n is 0 at its end. */
bool archive_read(struct archive_reader *r, void *p, size_t max, size_t *n,
    struct error *e) must_check;
/* Borrowed; NULL before the end was seen. */
const struct manifest *archive_manifest(const struct archive_reader *r);
