/* SPDX-License-Identifier: Apache-2.0 */
/* A user per room: who owns what in the home. */
#include <errno.h>
#include <ftw.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/attr.h>
#include <chancery/base/cleanup.h>
#include <chancery/config/service.h>

#include "birth.h"

#define NFTW_FDS 16

/* nftw(3) has no argument for its function. */
static struct {
	uid_t uid;
	gid_t gid;
	mode_t dir, file; /* 0: modes stay */
} give;

static int
give_one(const char *path, const struct stat *st, unused_arg int type,
    unused_arg struct FTW *ftw)
{
	mode_t mode = S_ISDIR(st->st_mode) ? give.dir : give.file;

	if (S_ISLNK(st->st_mode))
		return 0;
	/* Before the modes: a change of owner clears the set-group-ID bit. */
	if (chown(path, give.uid, give.gid) != 0)
		return -1;
	return mode == 0 ? 0 : chmod(path, mode);
}

static bool
give_tree(const char *path, struct error *e)
{
	if (path == NULL || access(path, F_OK) != 0)
		return true;
	return nftw(path, give_one, NFTW_FDS, FTW_PHYS) == 0 ||
	    error_errno(e, FAIL_PERMISSION, "%s: changing the owner", path);
}

static bool
user_of(const char *name, uid_t *uid, gid_t *gid, struct error *e)
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL)
		return error_set(e, FAIL_NOT_FOUND, "no user \"%s\"", name);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return true;
}

static bool
give_signer(const struct service_config *cfg, gid_t server_group,
    struct error *e)
{
	/* New files take the directory's group: the server's, which may read. */
	give.gid = server_group;
	give.dir = S_ISGID | 0750;
	give.file = 0640;
	if (!give_tree(cfg->register_dir, e) || !give_tree(cfg->crl_dir, e))
		return false;
	give.dir = give.file = 0;
	return give_tree(cfg->anchor_dir, e) &&
	    give_tree(cfg->soft_token_dir, e);
}

/* Files of the server inside the home; what lies elsewhere (a certificate that another
 * program renews) is its owner's business. */
static bool
give_file(const char *path, const char *home, bool dir_too, struct error *e)
{
	size_t n = strlen(home);
	auto_mem char *dir = NULL;
	char *slash;

	if (path == NULL || strncmp(path, home, n) != 0 || path[n] != '/')
		return true;
	dir = mem_strdup(path);
	slash = strrchr(dir, '/');
	*slash = '\0';
	if (dir_too && strlen(dir) > n && chown(dir, give.uid, give.gid) != 0)
		return error_errno(e, FAIL_PERMISSION, "%s", dir);
	return access(path, F_OK) != 0 ||
	    chown(path, give.uid, give.gid) == 0 ||
	    error_errno(e, FAIL_PERMISSION, "%s", path);
}

static bool
give_server_files(const struct service_server *s, const char *home,
    struct error *e)
{
	return give_file(s->tls.certificate, home, true, e) &&
	    give_file(s->tls.key, home, true, e) &&
	    give_file(s->tls.client_ca, home, false, e) &&
	    (*s->access_log != '/' || give_file(s->access_log, home, true, e));
}

bool
birth_owners(const struct service_config *cfg, const char *home,
    struct error *e)
{
	auto_mem char *store = mem_strdup(cfg->server.store);
	char *slash = strrchr(store, '/');
	uid_t server = (uid_t)-1, signer = (uid_t)-1;
	gid_t server_group = (gid_t)-1, signer_group = (gid_t)-1;

	if (geteuid() != 0 || cfg->user_server == NULL)
		return true;
	if (!user_of(cfg->user_server, &server, &server_group, e) ||
	    !user_of(cfg->user_signer, &signer, &signer_group, e))
		return false;
	if (slash != NULL)
		*slash = '\0';
	give.uid = signer;
	if (!give_signer(cfg, server_group, e))
		return false;
	give.uid = server;
	give.gid = server_group;
	give.dir = 0700;
	give.file = 0600;
	/* Through the home, not into it. */
	return give_tree(store, e) &&
	    give_server_files(&cfg->server, home, e) &&
	    (chmod(home, 0711) == 0 ||
		error_errno(e, FAIL_PERMISSION, "%s", home));
}
