/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ownership by scope: `auto_buf struct buf b = { 0 };`. The closed list of
 * what a scope may own; modules with handles of their own add DEFINE_AUTO to
 * their header. Initialise at the declaration; hand over with take().
 */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include <chancery/base/alloc.h>
#include <chancery/base/bytes.h>

/* NOLINTBEGIN(bugprone-macro-parentheses): `type` is a type. */
#define DEFINE_AUTO(name, type, free_fn)                                       \
	static inline void name##_cleanup(type *p)                             \
	{                                                                      \
		if (*p != NULL)                                                \
			free_fn(*p);                                           \
	}
/* NOLINTEND(bugprone-macro-parentheses) */
#define auto_cleanup(fn) __attribute__((cleanup(fn)))

static inline void
mem_cleanup(void *p)
{
	void *mem;

	memcpy(&mem, p, sizeof(mem));
	mem_free(mem);
}

static inline void
fd_cleanup(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void
file_cleanup(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

static inline void
dir_cleanup(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

#define auto_mem auto_cleanup(mem_cleanup)   /* char *, struct x *          */
#define auto_fd auto_cleanup(fd_cleanup)     /* int, -1 when none           */
#define auto_file auto_cleanup(file_cleanup) /* FILE *                     */
#define auto_dir auto_cleanup(dir_cleanup)   /* DIR *                       */
#define auto_buf auto_cleanup(buf_free)      /* struct buf                  */

/* Move a pointer out of an auto_ variable: the variable becomes NULL. */
#define take(p)                                                                \
	__extension__({                                                        \
		__typeof__(p) taken_ = (p);                                    \
		(p) = NULL;                                                    \
		taken_;                                                        \
	})

/* The same for a descriptor: the variable becomes -1. */
static inline int
take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
