/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The disk after a power cut, from a journal (journal.h). */
#include <stddef.h>
#include <stdint.h>

struct power;
/* `below`: the directory that the journal is of. */
struct power *power_open(const char *journal, const char *below);
void power_free(struct power *p);
/* Calls in the journal: a cut is before call n, 0 … count. */
size_t power_count(const struct power *p);
/* Bring `dir`, a copy of the directory as it was at the beginning, to what a cut before
 * call `n` may leave. */
void power_cut(const struct power *p, size_t n, uint64_t seed, const char *dir);
