/* SPDX-License-Identifier: Apache-2.0 */

/* exit_leak [clean]: allocates, forgets, and leaves like the programs do. */
#include <chancery/base/alloc.h>
#include <chancery/hsm/hsm.h>

/* Not inlined, and nothing left of the address in a register or on the stack. */
static void __attribute__((noinline)) allocate(size_t n, bool forget)
{
	char *volatile p = mem_calloc(n, 1);

	if (!forget)
		mem_free(p);
	p = NULL;
}

int
main(int argc, char **argv)
{
	(void)argv;
	for (size_t n = 1000; n < 1010; n++)
		allocate(n, argc == 1);
	hsm_exit(0);
}
