/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/cleanup.h>
#include <chancery/store/store.h>

/* A store in a directory of its own. */
struct store_fixture {
	char dir[64], path[96];
	struct store *s;
};
int store_setup(void **state);
int store_teardown(void **state);
/* Closed cleanly, opened again. */
void store_reopen(struct store_fixture *f);
#define ok(call)                                                               \
	do {                                                                   \
		struct error e;                                                \
                                                                               \
		if (!(call))                                                   \
			fail_msg("%s: %s", #call, e.msg);                      \
	} while (0)
#define fails(reason, call)                                                    \
	do {                                                                   \
		struct error e;                                                \
                                                                               \
		assert_false(call);                                            \
		if (e.why != (reason))                                         \
			fail_msg("%s: %s: %s", #call, fail_name(e.why),        \
			    e.msg);                                            \
	} while (0)

#define ORIGIN "test.example/log"
/* Certificate `n` of a mount: serial, DER and times follow from n. */
struct store_cert sample_cert(const char *mount, uint32_t n, struct buf *der);
void put_sample(struct store *s, const char *mount, uint32_t n);
void revoke_sample(struct store *s, uint32_t n, int64_t when);
bool has_sample(struct store *s, const char *mount, uint32_t n,
    struct store_cert *out, struct buf *mem);
struct sha256 store_sum(struct store *s);
void apply_docs(struct store *s, uint64_t index, const char *json);
/* Written and answered: why not, or FAIL_NONE. */
enum fail store_write(struct store *s, const struct store_secret_change *c,
    size_t n);
