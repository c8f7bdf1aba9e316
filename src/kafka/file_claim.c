/* SPDX-License-Identifier: Apache-2.0 */
#include "file_claim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>

/* ".0123456789abcdef.store.tmp": of nobody but file sets. */
#define RANDOM_BYTES 8
#define SUFFIX ".store.tmp"
/* Sweeping a directory takes milliseconds; someone may hold it for longer for purposes of his own
 * (flock DIR chancery …), and then nobody sweeps. */
#define TRIES 100
#define TRY_NS 10000000L

DEFINE_AUTO(dirp, DIR *, closedir)

char *
file_claim_name(const char *path)
{
	auto_mem char *dir = path_dir(path);
	char hex[2 * RANDOM_BYTES + 1];
	uint8_t r[RANDOM_BYTES];

	random_bytes(r, sizeof(r));
	hex_encode(bytes_of(r, sizeof(r)), hex);
	return mem_printf("%s/.%s" SUFFIX, dir, hex);
}

static bool
is_temporary(const char *name)
{
	const size_t digits = (size_t)2 * RANDOM_BYTES;

	return name[0] == '.' &&
	    strspn(name + 1, "0123456789abcdef") == digits &&
	    strcmp(name + 1 + digits, SUFFIX) == 0;
}

static void
sweep(const char *path)
{
	auto_cleanup(dirp_cleanup) DIR *dir = opendir(path);
	const struct dirent *one;
	struct stat st;

	while (dir != NULL && (one = readdir(dir)) != NULL)
		if (is_temporary(one->d_name) &&
		    fstatat(dirfd(dir), one->d_name, &st,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			(void)unlinkat(dirfd(dir), one->d_name, 0);
}

int
file_claim(const char *dir)
{
	const struct timespec wait = { .tv_nsec = TRY_NS };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		sweep(dir);
	for (int i = 0; i < TRIES && flock(fd, LOCK_SH | LOCK_NB) != 0 &&
	     errno == EWOULDBLOCK;
	     i++)
		(void)nanosleep(&wait, NULL);
	return fd;
}
