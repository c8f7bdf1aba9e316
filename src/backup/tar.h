/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One header of a POSIX tar (ustar), for a plain file of nobody in particular. */
#include <chancery/backup/archive.h>
#include <chancery/base/error.h>

#define TAR_BLOCK 512
struct tar_entry {
	char name[256]; /* with the root */
	uint64_t size;
	unsigned mode;
	int64_t mtime_s;
};
void tar_encode(const struct tar_entry *t, uint8_t block[TAR_BLOCK]);
/* FAIL_BAD_INPUT: not what tar_encode makes of any entry. */
bool tar_decode(const uint8_t block[TAR_BLOCK], struct tar_entry *out,
    struct error *e) must_check;
/* From the end of the contents to the next header. */
static inline size_t
tar_padding(uint64_t size)
{
	return (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

/* What archive.h's files are called, and the text of the first. */
#define ARCHIVE_FORMAT "FORMAT"
#define ARCHIVE_SUMS "SHA256SUMS"
#define ARCHIVE_MANIFEST "manifest.json"
#define ARCHIVE_FORMAT_LINE "chancery backup format "
#define ARCHIVE_CHUNK 65536
/* FORMAT is a few lines; the checkpoint in a manifest is at most LIMIT_NOTE_BYTES. */
#define ARCHIVE_FORMAT_MAX 4096
/* SHA256SUMS: a year of checkpoints, one every ten seconds, are three million files. */
#define ARCHIVE_SUMS_MAX (1UL << 30)
void sums_add(struct buf *sums, const struct sha256 *h, const char *name);
