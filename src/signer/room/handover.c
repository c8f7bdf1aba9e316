/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/log.h>

#include "room.h"

/*
 * A private key on its way to the one-shot: memory that has a descriptor, locked here for as
 * long as it has contents. Whoever holds the descriptor afterwards (the supervisor, a one-shot
 * that hangs) finds zeros.
 */
struct room_handover {
	int fd;
	void *p;
	size_t n;
};

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

struct room_handover *
room_handover_new(struct bytes secret, struct error *e)
{
	auto_fd int fd =
	    memfd_create("chancery", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct room_handover *h;
	void *p;

	if (fd < 0 || ftruncate(fd, (off_t)secret.n) != 0 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
		error_errno(e, FAIL_IO, "memory for a key's process");
		return NULL;
	}
	p = mmap(NULL, secret.n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		error_errno(e, FAIL_IO, "memory for a key's process");
		return NULL;
	}
	if (mlock(p, secret.n) != 0)
		log_line(LOG_LEVEL_WARNING,
		    "signer: memory of a private key cannot be locked");
	memcpy(p, secret.p, secret.n);
	h = mem_calloc(1, sizeof(*h));
	*h = (struct room_handover){ take_fd(&fd), p, secret.n };
	return h;
}

void
room_handover_free(struct room_handover *h)
{
	if (h == NULL)
		return;
	explicit_bzero(h->p, h->n);
	(void)munmap(h->p, h->n);
	(void)close(h->fd);
	mem_free(h);
}

int
room_handover_fd(const struct room_handover *h)
{
	return h->fd;
}

struct hsm_outside *
room_handover_read(const struct room_handover *h, struct error *e)
{
	return hsm_outside_read(bytes_of(h->p, h->n), e);
}

size_t
room_handover_len(const struct room_handover *h)
{
	return h->n;
}

struct hsm_outside *
room_handover_take(int fd, size_t n, struct error *e)
{
	struct hsm_outside *o;
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < 0 ||
	    (uint64_t)st.st_size != n || n == 0 ||
	    n > LIMIT_PRIVATE_KEY_BYTES) {
		(void)error_set(e, FAIL_BAD_INPUT,
		    "key import: the key did not come");
		return NULL;
	}
	/* The very pages that the signer has locked. */
	p = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		(void)error_errno(e, FAIL_IO, "key import: the key");
		return NULL;
	}
	o = hsm_outside_read(bytes_of(p, n), e);
	(void)munmap(p, n);
	return o;
}
