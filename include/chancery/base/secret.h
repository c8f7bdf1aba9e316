/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A secret: PIN, token, private key. Its page is locked, left out of core
 * dumps, wiped on fork and on release. Never formatted, logged, copied into a
 * struct buf or compared other than in constant time.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>

struct secret;

/* Room for up to `cap` bytes, empty. Fatal when no page can be had; a lock
 * that the system refuses (RLIMIT_MEMLOCK) is tolerated and told by
 * secret_is_locked. */
struct secret *secret_new(size_t cap) must_check;
void secret_free(struct secret *s);
DEFINE_AUTO(secret, struct secret *, secret_free)
#define auto_secret auto_cleanup(secret_cleanup)

/* Replace the contents. False when longer than the capacity. */
bool secret_set(struct secret *s, const void *p, size_t n) must_check;
/* Append. False, and nothing changed: beyond the capacity. */
bool secret_add(struct secret *s, const void *p, size_t n) must_check;
/* Where a reader that knows its end may write up to *cap bytes, for as long as the contents
 * are not used otherwise; it wipes them itself, or ends with secret_free. */
uint8_t *secret_room(struct secret *s, size_t *cap) must_check;
/* Read a line-shaped secret from a descriptor to its end: one trailing newline
 * (\n or \r\n) is dropped; empty or longer than the capacity is an error. */
bool secret_read_fd(struct secret *s, int fd, struct error *e) must_check;
/* The same for files: every byte counts. */
bool secret_read_bytes(struct secret *s, int fd, struct error *e) must_check;

/* Borrowed; valid until the next change. Not NUL-terminated. */
const uint8_t *secret_data(const struct secret *s);
size_t secret_len(const struct secret *s);
bool secret_is_locked(const struct secret *s);

/* No core dumps, no ptrace by the same user: call once at the start of every
 * program that may hold a secret. */
void secret_harden_process(void);
