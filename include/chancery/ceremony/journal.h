/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The journal of a ceremony: written ahead, one fsynced line of canonical JSON for
 * everything that is about to happen, was shown, typed or done:
 *
 *   {"data":{…},"n":7,"prev":"<SHA-256 of line 6>","step":"root-key",
 *    "t":"2026-11-22T02:44:25.123Z","what":"begin"}
 *
 * At the end it is the transcript. A torn last line (power cut) is cut off and noted
 * when the journal is opened again; anything else that is wrong is FAIL_CORRUPT and
 * names the line.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>

struct journal_entry {
	uint64_t n;
	int64_t t_ms;
	struct sha256 prev;
	char what[24], step[64];
	struct bytes
	    data; /* canonical JSON object; borrowed from the journal */
};

struct journal;
/* A new journal; FAIL_EXISTS when there is one. One writer (lock). */
struct journal *journal_create(const char *path, const struct clock *clock,
    struct error *e) must_check;
/* The one that is there. FAIL_NOT_FOUND. */
struct journal *journal_open(const char *path, const struct clock *clock,
    struct error *e) must_check;
/* Read only: no lock, a torn tail is left alone. */
struct journal *journal_read(const char *path, struct error *e) must_check;
/* The same from memory. */
struct journal *journal_parse(struct bytes text, struct error *e) must_check;
void journal_close(struct journal *j);
DEFINE_AUTO(journal, struct journal *, journal_close)
#define auto_journal auto_cleanup(journal_cleanup)

/* Durable on return. `data` is a canonical JSON object, or empty for {}. */
bool journal_add(struct journal *j, const char *what, const char *step,
    struct bytes data, struct error *e) must_check;

size_t journal_size(const struct journal *j);
/* Borrowed until the next journal_add. */
const struct journal_entry *journal_at(const struct journal *j, size_t i);
/* The last one of that kind, NULL when none; `step` NULL: any. */
const struct journal_entry *journal_find(const struct journal *j,
    const char *what, const char *step);
/* Hash of the last line. */
struct sha256 journal_head(const struct journal *j);
/* All the lines. */
struct bytes journal_text(const struct journal *j);

/* A text field of an entry's data, decoded; false when it is not there. */
bool journal_get_text(const struct journal_entry *j, const char *key,
    struct buf *out);
