/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of a signer on a token share: one rig, made for the group, with a fresh
 * register for each test; and steps that must succeed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "signer_rig.h"

extern struct rig rig;

int rig_group_setup(void **state);
int rig_group_teardown(void **state);
int rig_test_setup(void **state);
int rig_test_teardown(void **state);
#define RIG_TEST(fn)                                                           \
	cmocka_unit_test_setup_teardown(fn, rig_test_setup, rig_test_teardown)

/* Records in the register. */
uint64_t size(void);
/* The names of those from `from` on, as rig_records. */
void expect_records(uint64_t from, const char *want);
void must_certify(const struct sha256 *key);
void must_generate(struct sha256 *key); /* P-256, destroyable */
