/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Memory. Never returns NULL: out of memory is fatal(). The only file that
 * calls malloc (scripts/lint). */
#include <chancery/base/attr.h>

void *mem_alloc(size_t n) must_check __attribute__((malloc, returns_nonnull));
/* n elements of `size` bytes, zeroed; multiplication is checked. */
void *mem_calloc(size_t n, size_t size) must_check
    __attribute__((malloc, returns_nonnull));
void *mem_realloc(void *p, size_t n) must_check
    __attribute__((returns_nonnull));
char *mem_strdup(const char *s) must_check
    __attribute__((malloc, returns_nonnull));
void *mem_dup(const void *p, size_t n) must_check
    __attribute__((malloc, returns_nonnull));
/* printf into fresh memory. */
char *mem_printf(const char *fmt, ...) printf_like(1, 2) must_check;
void mem_free(void *p);

/* For the allocators of other libraries, where secrets pass: the whole block is wiped
 * when it is given back, and when it moves. NULL and 0 as free and realloc take them. */
void mem_free_wiped(void *p);
void *mem_realloc_wiped(void *p, size_t n) must_check
    __attribute__((returns_nonnull));

/* Pages that have lain idle for a while go back to the system: by itself this happens only
 * where there is work. For a timer of about a second. Nothing without jemalloc. */
void mem_decay(void);

/* Grow an array by doubling: *cap elements of `size`, room for one more than
 * `n`. Returns the (moved) array. */
void *mem_grow(void *p, size_t n, size_t *cap, size_t size) must_check;
