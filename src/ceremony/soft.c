/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/soft.h>

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include <chancery/base/attr.h>

#define NFTW_FDS 16

static int
remove_one(const char *path, unused_arg const struct stat *st,
    unused_arg int type, unused_arg struct FTW *ftw)
{
	return remove(path);
}

bool
soft_tokens_remove(const char *dir, struct error *e)
{
	if (access(dir, F_OK) != 0)
		return true;
	return nftw(dir, remove_one, NFTW_FDS, FTW_DEPTH | FTW_PHYS) == 0 ||
	    error_errno(e, FAIL_IO, "%s", dir);
}
