/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/wire/peer.h>

/* With these nobody can change what was checked. */
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int
peer_memfd(struct bytes v, struct error *e)
{
	auto_fd int fd =
	    memfd_create("chancery", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0) {
		error_errno(e, FAIL_IO, "memfd_create");
		return -1;
	}
	if (!fd_write_all(fd, v, e))
		return -1;
	if (fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
		error_errno(e, FAIL_IO, "memfd: seals");
		return -1;
	}
	return take_fd(&fd);
}

bool
peer_memfd_read(int fd, size_t max, struct buf *out, struct error *e)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	size_t at = 0;
	ssize_t n;
	uint8_t *p;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "not a sealed memfd that was passed");
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return error_set(e, FAIL_BAD_INPUT,
		    "memfd of %lld bytes, at most %zu", (long long)st.st_size,
		    max);
	p = buf_reserve(out, (size_t)st.st_size);
	for (; at < (size_t)st.st_size; at += (size_t)n) {
		n = pread(fd, p + at, (size_t)st.st_size - at, (off_t)at);
		if (n <= 0)
			return error_errno(e, FAIL_IO, "memfd");
	}
	buf_commit(out, at);
	return true;
}
