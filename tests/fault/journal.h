/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a program did to files, in order, so that the disk after a power cut at any moment
 * can be made from it: written by the preload library (FAULT_FS_JOURNAL), read by power.c.
 *
 * Each entry: struct journal_entry, the path without a terminator, `size` octets of data
 * (of a write: what was written; of a rename or link: the other path).
 */
#include <stdint.h>

enum journal_kind {
	JOURNAL_WRITE,
	JOURNAL_SYNC,
	JOURNAL_TRUNCATE, /* to `offset` octets */
	JOURNAL_RENAME,   /* the path became the one in the data */
	JOURNAL_LINK,
	JOURNAL_UNLINK
};
struct journal_entry {
	uint32_t kind, path;
	uint64_t offset, size;
};
