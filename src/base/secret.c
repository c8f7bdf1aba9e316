/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chancery/base/alloc.h>
#include <chancery/base/secret.h>

struct secret {
	uint8_t *page;
	size_t mapped, cap, len;
	bool locked;
};

struct secret *
secret_new(size_t cap)
{
	struct secret *s = mem_calloc(1, sizeof(*s));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	s->cap = cap;
	/* One byte more, so that a reader notices input that is too long. */
	s->mapped = (cap + 1 + page - 1) / page * page;
	s->page = mmap(NULL, s->mapped, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->page == MAP_FAILED)
		fatal("no memory for a secret");
	s->locked = mlock(s->page, s->mapped) == 0;
	(void)madvise(s->page, s->mapped, MADV_DONTDUMP);
	(void)madvise(s->page, s->mapped, MADV_WIPEONFORK);
	return s;
}

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	explicit_bzero(s->page, s->mapped);
	(void)munmap(s->page, s->mapped);
	mem_free(s);
}

bool
secret_set(struct secret *s, const void *p, size_t n)
{
	if (n > s->cap)
		return false;
	explicit_bzero(s->page, s->mapped);
	if (n > 0)
		memcpy(s->page, p, n);
	s->len = n;
	return true;
}

bool
secret_add(struct secret *s, const void *p, size_t n)
{
	if (n > s->cap - s->len)
		return false;
	if (n > 0)
		memcpy(s->page + s->len, p, n);
	s->len += n;
	return true;
}

uint8_t *
secret_room(struct secret *s, size_t *cap)
{
	*cap = s->cap;
	return s->page;
}

static bool
read_all(struct secret *s, int fd, size_t *n, struct error *e)
{
	ssize_t r;

	*n = 0;
	while (*n <= s->cap) {
		r = read(fd, s->page + *n, s->cap + 1 - *n);
		if (r == 0)
			return true;
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return error_errno(e, FAIL_IO, "reading a secret");
		*n += (size_t)r;
	}
	return error_set(e, FAIL_BAD_INPUT, "secret is longer than %zu bytes",
	    s->cap);
}

static bool
keep(struct secret *s, size_t n, struct error *e)
{
	s->len = n;
	return n > 0 || error_set(e, FAIL_BAD_INPUT, "secret is empty");
}

bool
secret_read_bytes(struct secret *s, int fd, struct error *e)
{
	size_t n;

	s->len = 0;
	if (!read_all(s, fd, &n, e)) {
		explicit_bzero(s->page, s->mapped);
		return false;
	}
	return keep(s, n, e);
}

bool
secret_read_fd(struct secret *s, int fd, struct error *e)
{
	size_t n;

	if (!secret_read_bytes(s, fd, e))
		return false;
	n = s->len;
	if (s->page[n - 1] == '\n')
		n--;
	if (n > 0 && s->page[n - 1] == '\r')
		n--;
	return keep(s, n, e);
}

const uint8_t *
secret_data(const struct secret *s)
{
	return s->page;
}

size_t
secret_len(const struct secret *s)
{
	return s->len;
}

bool
secret_is_locked(const struct secret *s)
{
	return s->locked;
}

void
secret_harden_process(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
