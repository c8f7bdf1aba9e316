/* SPDX-License-Identifier: Apache-2.0 */
/* Times of lists on disk. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/pki/crl.h>

#include "engine.h"

/* Numbers that were burned by a crash lie between two lists; and of one second there are no
 * more lists than a signer makes in it. */
#define GAP_MAX 4
#define CHAIN_LISTS 16

bool
crl_read_times(int fd, size_t size, int64_t *this_s, int64_t *next_s)
{
	struct crl_view v;
	auto_buf struct buf owned = { 0 };
	struct error ignored;
	void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	bool ok;

	if (map == MAP_FAILED)
		return false;
	ok = crl_parse(bytes_of(map, size), "crl", &owned, &v, &ignored);
	if (ok) {
		*this_s = v.this_update_s;
		*next_s = v.next_update_s;
	}
	(void)munmap(map, size);
	return ok;
}

static bool
list_this_s(const char *dir, uint64_t number, int64_t *this_s)
{
	auto_mem char *path =
	    mem_printf("%s/%llu.crl", dir, (unsigned long long)number);
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int64_t next_s;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 &&
	    crl_read_times(fd, (size_t)st.st_size, this_s, &next_s);
}

/* The list before `number`, which is moved there. */
static bool
one_before(const char *dir, uint64_t *number, int64_t *this_s)
{
	for (uint64_t n = *number - 1; n > 0 && n + GAP_MAX >= *number; n--)
		if (list_this_s(dir, n, this_s)) {
			*number = n;
			return true;
		}
	return false;
}

/* t(n) = max(this(n), t(n - 1) + 1), looked up from the newest down: with i lists in between,
 * the one whose thisUpdate is t pushes this one to t + i + 1. */
int64_t
crl_modified_s(const char *dir, uint64_t number, int64_t this_s)
{
	int64_t modified = this_s, before;

	for (int64_t i = 1; i <= CHAIN_LISTS; i++) {
		if (number == 0 || !one_before(dir, &number, &before) ||
		    before + CHAIN_LISTS < this_s)
			break;
		if (before + i > modified)
			modified = before + i;
	}
	return modified;
}
