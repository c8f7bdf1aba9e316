/* SPDX-License-Identifier: Apache-2.0 */
#include "owner.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#define NFTW_FDS 16

/* nftw(3) has no argument for its function. */
static struct stat owner;

static int
give_one(const char *path, const struct stat *st, unused_arg int type,
    unused_arg struct FTW *ftw)
{
	if (st->st_uid != 0)
		return 0;
	return lchown(path, owner.st_uid, owner.st_gid);
}

bool
owner_give_back(const char *dir, struct error *e)
{
	if (geteuid() != 0 || dir == NULL || stat(dir, &owner) != 0 ||
	    owner.st_uid == 0)
		return true;
	return nftw(dir, give_one, NFTW_FDS, FTW_PHYS) == 0 ||
	    error_errno(e, FAIL_PERMISSION,
		"%s: giving back to its owner what root made", dir);
}
