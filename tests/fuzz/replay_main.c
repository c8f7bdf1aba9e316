/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a fuzz target without libFuzzer, as an ordinary test in every build:
 * each seed of a corpus directory as it is, then the same mutations every time
 * (truncations, single flipped bits, bytes set to values that DER and text
 * parsers trip over). Passing means that nothing crashed, asserted or was
 * reported by a sanitizer. CHANCERY_FULL=1 lifts the bound on mutations.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chancery/base/alloc.h>
#include <chancery/base/attr.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Of each kind of mutation and seed: keeps the slowest target (one public-key
 * operation an input) at about a second a seed. */
#define MUTATIONS_MAX 2048
#define SEED_BYTES_MAX (1 << 20)

static size_t runs;
static size_t bound = MUTATIONS_MAX;

/* An allocation of exactly n octets, so that ASan sees a read past the end. */
static void
run(const uint8_t *p, size_t n)
{
	uint8_t *copy = n > 0 ? mem_dup(p, n) : mem_alloc(1);

	(void)LLVMFuzzerTestOneInput(copy, n);
	mem_free(copy);
	runs++;
}

/* Distance between tried positions, so that at most `bound` of n are tried. */
static size_t
stride(size_t n)
{
	return n > bound ? (n + bound - 1) / bound : 1;
}

static void
truncations(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += stride(n))
		run(p, i);
}

static void
bit_flips(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n * 8; i += stride(n * 8)) {
		p[i / 8] ^= (uint8_t)(1U << (i % 8));
		run(p, n);
		p[i / 8] ^= (uint8_t)(1U << (i % 8));
	}
}

static void
bad_bytes(uint8_t *p, size_t n)
{
	static const uint8_t bad[] = { 0x00, 0x01, 0x7f, 0x80, 0x84, 0xff, '\n',
		'"' };
	size_t all = n * countof(bad);

	for (size_t i = 0; i < all; i += stride(all)) {
		size_t at = i / countof(bad);
		uint8_t was = p[at];

		p[at] = bad[i % countof(bad)];
		run(p, n);
		p[at] = was;
	}
}

static void
replay(const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s", dir, name);
	uint8_t *p = mem_alloc(SEED_BYTES_MAX);
	FILE *f = fopen(path, "rbe");
	size_t n;

	if (f == NULL)
		err(1, "%s", path);
	n = fread(p, 1, SEED_BYTES_MAX, f);
	if (ferror(f) || !feof(f))
		errx(1, "%s: unreadable, or larger than a seed may be", path);
	(void)fclose(f);

	run(p, n);
	truncations(p, n);
	bit_flips(p, n);
	bad_bytes(p, n);
	mem_free(p);
	mem_free(path);
}

int
main(int argc, char **argv)
{
	struct dirent **names;
	int n, seeds = 0;

	if (argc != 2)
		errx(64, "usage: %s CORPUS-DIRECTORY", argv[0]);
	if (getenv("CHANCERY_FULL") != NULL)
		bound = SIZE_MAX / 16;
	if (LLVMFuzzerInitialize != NULL)
		(void)LLVMFuzzerInitialize(&argc, &argv);

	if ((n = scandir(argv[1], &names, NULL, alphasort)) < 0)
		err(1, "%s", argv[1]);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			replay(argv[1], names[i]->d_name);
			seeds++;
		}
		free(names[i]);
	}
	free(names);
	if (seeds == 0)
		errx(1, "%s: no seeds", argv[1]);

	run((const uint8_t *)"", 0);
	printf("%d seeds, %zu inputs\n", seeds, runs);
	return 0;
}
