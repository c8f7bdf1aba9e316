/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files: whole reads with a limit, durable exclusive creation, locks. */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

/* Whole file, at most `max` bytes; larger is FAIL_BAD_INPUT, as is a directory. A FIFO
 * is read while it has a writer; one without is an empty file. */
bool file_read(const char *path, size_t max, struct buf *out,
    struct error *e) must_check;
/* As file_read; "-" is standard input. */
bool file_read_arg(const char *path, size_t max, struct buf *out,
    struct error *e) must_check;

/* Create a file that must not exist: written under a temporary name in the same
 * directory, fsynced, linked (or renamed without replacing) to its name, directory
 * fsynced. FAIL_EXISTS leaves
 * the other file untouched; after any failure nothing is left behind. */
bool file_create(const char *path, struct bytes data, unsigned mode,
    struct error *e) must_check;
/* The same, replacing a file of ours atomically (state files only). */
bool file_replace(const char *path, struct bytes data, unsigned mode,
    struct error *e) must_check;
/* The first half of both, for files that get their names together: contents under a temporary
 * name beside `path`, fsynced. That name, which the caller renames or unlinks; NULL: nothing is
 * left. */
char *file_write_beside(const char *path, struct bytes data, unsigned mode,
    struct error *e) must_check;
/* The same under a name that the caller chose and nobody has; errors name `path`, whose
 * contents they are to be. */
bool file_write_as(const char *tmp, const char *path, struct bytes data,
    unsigned mode, struct error *e) must_check;
/* FAIL_EXISTS when there is something at path: asked before costly work whose
 * output goes there. */
bool file_check_absent(const char *path, struct error *e) must_check;
/* The same, and what open(2) says when no file can be made beside it. */
bool file_check_creatable(const char *path, struct error *e) must_check;

/* mkdir one level, 0700 unless told; existing directory is fine. */
bool dir_create(const char *path, unsigned mode, struct error *e) must_check;
/* The same, and its name is on the disk: what lies below is durable by its own syncs. */
bool dir_create_durable(const char *path, unsigned mode,
    struct error *e) must_check;
bool dir_sync(const char *path, struct error *e) must_check;

/* write() all of it; FAIL_DISK_FULL for ENOSPC and EDQUOT, else FAIL_IO. */
bool fd_write_all(int fd, struct bytes data, struct error *e) must_check;

/* Exclusive lock (OFD lock on a file that is created when missing). Returns a
 * descriptor to close, or -1: FAIL_BUSY names the holder's pid when known. */
int file_lock(const char *path, struct error *e) must_check;

/* "dir/name" in fresh memory. */
char *path_join(const char *dir, const char *name) must_check;
/* The directory that a path's last name lies in, in fresh memory: "." where it names none. */
char *path_dir(const char *path) must_check;
/* A name beside `path` that nobody has, short whatever the length of the other. */
char *path_beside(const char *path) must_check;
