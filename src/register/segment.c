/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <chancery/base/file.h>

#include "internal.h"

char *
segment_path(const char *dir, const char *sub, uint64_t n, const char *ext)
{
	return mem_printf("%s/%s/%06llu.%s", dir, sub, (unsigned long long)n,
	    ext);
}

/* "000012.jsonl" → 12; 0 for other names. */
static uint64_t
segment_number(const char *name)
{
	const char *dot = strchr(name, '.');
	uint64_t n = 0;

	if (dot == NULL || dot - name < 6 || dot - name > 12 ||
	    strcmp(dot, ".jsonl") != 0)
		return 0;
	for (; name < dot; name++) {
		if (*name < '0' || *name > '9')
			return 0;
		n = n * 10 + (uint64_t)(*name - '0');
	}
	return n;
}

bool
segment_range(const char *dir, uint64_t *first, uint64_t *last, struct error *e)
{
	auto_mem char *path = path_join(dir, "log");
	auto_dir DIR *d = opendir(path);
	uint64_t lo = UINT64_MAX, hi = 0, count = 0, n;
	const struct dirent *entry;

	if (d == NULL)
		return error_errno(e,
		    errno == ENOENT ? FAIL_NOT_FOUND : FAIL_IO,
		    "no register in %s", dir);
	while ((entry = readdir(d)) != NULL) {
		n = segment_number(entry->d_name);
		if (n == 0)
			continue;
		lo = n < lo ? n : lo;
		hi = n > hi ? n : hi;
		count++;
	}
	if (count == 0)
		return error_set(e, FAIL_NOT_FOUND, "no register in %s", dir);
	if (hi - lo + 1 != count || lo != 1)
		return error_set(e, FAIL_CORRUPT,
		    "%s: segments 1 to %llu should be there, %llu are", path,
		    (unsigned long long)hi, (unsigned long long)count);
	*first = lo;
	*last = hi;
	return true;
}

bool
map_open(const char *path, struct mapped *out, struct error *e)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(e,
		    errno == ENOENT ? FAIL_NOT_FOUND : FAIL_IO, "%s", path);
	if (st.st_size == 0) {
		*out = (struct mapped){ (const uint8_t *)"", 0 };
		return true;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return error_errno(e, FAIL_IO, "%s: mmap", path);
	(void)madvise(p, (size_t)st.st_size, MADV_SEQUENTIAL);
	*out = (struct mapped){ p, (size_t)st.st_size };
	return true;
}

void
map_close(struct mapped *m)
{
	void *p;

	if (m->n > 0) {
		memcpy(&p, &m->p, sizeof(p));
		(void)munmap(p, m->n);
	}
	*m = (struct mapped){ 0 };
}

bool
line_next(struct bytes text, size_t *at, struct bytes *line)
{
	const uint8_t *start = text.p + *at, *end;

	if (*at >= text.n)
		return false;
	end = memchr(start, '\n', text.n - *at);
	if (end == NULL)
		return false;
	*line = bytes_of(start, (size_t)(end - start));
	*at = (size_t)(end - text.p) + 1;
	return true;
}
