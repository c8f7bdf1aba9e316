/* SPDX-License-Identifier: Apache-2.0 */
/* What the wiping allocators give back holds nothing: looked at in free itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/alloc.h>

#define BLOCK 4000

static const uint8_t *watched;
static int freed;
void __real_free(void *p);
void __wrap_free(void *p);
void
__wrap_free(void *p)
{
	if (p != NULL && p == watched) {
		freed++;
		for (size_t i = 0; i < BLOCK; i++)
			assert_int_equal(watched[i], 0);
	}
	__real_free(p);
}

static uint8_t *
secret_block(void)
{
	uint8_t *p = mem_alloc(BLOCK);

	for (size_t i = 0; i < BLOCK; i++)
		p[i] = (uint8_t)(i % 255 + 1);
	watched = p;
	freed = 0;
	return p;
}

static void
check_kept(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], i % 255 + 1);
}

static void
test_given_back(unused_arg void **state)
{
	mem_free_wiped(secret_block());
	assert_int_equal(freed, 1);
	mem_free_wiped(NULL);
}

static void
test_grow(unused_arg void **state)
{
	uint8_t *p = mem_realloc_wiped(secret_block(), (size_t)BLOCK * 10);

	assert_int_equal(freed, 1);
	check_kept(p, BLOCK);
	mem_free_wiped(p);
}

static void
test_shrink(unused_arg void **state)
{
	uint8_t *p = mem_realloc_wiped(secret_block(), 100);

	assert_int_equal(freed, 1);
	check_kept(p, 100);
	mem_free_wiped(p);
}

static void
test_shrink_a_little(unused_arg void **state)
{
	uint8_t *p = mem_realloc_wiped(secret_block(), BLOCK - 100);

	check_kept(p, BLOCK - 100);
	mem_free_wiped(p);
	assert_int_equal(freed, 1);
	watched = NULL;
	p = mem_realloc_wiped(NULL, 10);
	p[9] = 1;
	mem_free_wiped(p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_given_back),
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_shrink),
		cmocka_unit_test(test_shrink_a_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
