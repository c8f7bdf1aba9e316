/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock by its system calls: the C library has no wrappers, and the headers of older
 * releases know less than the kernel does. Rights and their ABI: landlock(7). */
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>

#include "rows.h"

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule 445
#define __NR_landlock_restrict_self 446
#endif

#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_REMOVE_DIR (1ULL << 4)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_DIR (1ULL << 7)
#define FS_MAKE_REG (1ULL << 8)
#define FS_ABI_1 ((1ULL << 13) - 1)
#define FS_REFER (1ULL << 13)     /* ABI 2 */
#define FS_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define FS_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define NET_BIND_TCP (1ULL << 0)  /* ABI 4 */
#define NET_ABI_4 3ULL            /* bind and connect by TCP */
#define SCOPE_ABI_6 3ULL          /* abstract unix sockets, signals */

#define RIGHTS_FILE (FS_WRITE_FILE | FS_READ_FILE | FS_EXECUTE | FS_TRUNCATE)
#define RIGHTS_READ (FS_READ_FILE | FS_READ_DIR)
#define RIGHTS_WRITE                                                           \
	(RIGHTS_READ | FS_WRITE_FILE | FS_TRUNCATE | FS_REMOVE_DIR |           \
	    FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_REFER)

#define CREATE_VERSION 1U
#define RULE_PATH_BENEATH 1

struct ruleset_attr {
	uint64_t fs, net, scope;
};
struct path_attr {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

struct ruleset {
	int fd;
	uint64_t fs; /* handled: others must not stand in a rule */
	const struct sandbox_options *opt;
};

static const uint64_t rights[] = {
	[ACCESS_NONE] = 0,
	[ACCESS_READ] = RIGHTS_READ,
	[ACCESS_WRITE] = RIGHTS_WRITE,
	[ACCESS_READ_SELF] = RIGHTS_READ,
	[ACCESS_WRITE_SELF] =
	    FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG,
	[ACCESS_EXECUTE] = FS_EXECUTE | FS_READ_FILE,
	[ACCESS_HIDDEN] = 0,
};

static int
abi_version(void)
{
	long abi =
	    syscall(__NR_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static struct ruleset_attr
handled(const struct sandbox_row *row, bool network, int abi)
{
	struct ruleset_attr a = { .fs = FS_ABI_1 };

	/* The supervisor's domain is inherited by its rooms, whose own rows say
	 * what they may read. */
	if (!row->files)
		return (struct ruleset_attr){ .fs = FS_EXECUTE };
	if (abi >= 2)
		a.fs |= FS_REFER;
	if (abi >= 3)
		a.fs |= FS_TRUNCATE;
	if (abi >= 4 && !network)
		a.net = row->outbound ? NET_BIND_TCP : NET_ABI_4;
	if (abi >= 5)
		a.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		a.scope = SCOPE_ABI_6;
	return a;
}

static size_t
attr_size(int abi)
{
	if (abi < 4)
		return offsetof(struct ruleset_attr, net);
	return abi < 6 ? offsetof(struct ruleset_attr, scope)
		       : sizeof(struct ruleset_attr);
}

/* Whether path is dir, or lies below it. */
static bool
is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n > 0 && dir[n - 1] == '/')
		n--;
	return strncmp(path, dir, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}

/* What is hidden, or has rules of its own: a home with all in it is no directory of
 * certificates. */
static bool
covers_others(const struct ruleset *r, const char *dir)
{
	for (size_t i = 0; i < r->opt->paths; i++) {
		const struct sandbox_path *p = &r->opt->path[i];

		if (p->kind != SANDBOX_TLS && p->kind != SANDBOX_LOG &&
		    p->kind != SANDBOX_MODULE && p->path != NULL &&
		    is_below(p->path, dir))
			return true;
	}
	return false;
}

static bool
add_path(const struct ruleset *r, const char *path, uint64_t access,
    struct error *e)
{
	auto_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct path_attr a = { access & r->fs, fd };
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ||
		    error_errno(e, FAIL_PERMISSION, "sandbox: %s", path);
	if (fstat(fd, &st) != 0)
		return error_errno(e, FAIL_IO, "sandbox: %s", path);
	if (!S_ISDIR(st.st_mode))
		a.access &= RIGHTS_FILE;
	if (syscall(__NR_landlock_add_rule, r->fd, RULE_PATH_BENEATH, &a, 0) !=
	    0)
		return error_errno(e, FAIL_INTERNAL, "landlock: %s", path);
	return true;
}

/* The directory of a file, so that a file which is renamed to its place can be opened,
 * too; unless that would open what is not meant. */
static bool
add_self(const struct ruleset *r, const char *path, uint64_t access,
    struct error *e)
{
	auto_mem char *dir = mem_strdup(path);
	char *slash = strrchr(dir, '/');

	if (slash == NULL || slash == dir)
		return add_path(r, path, access, e);
	*slash = '\0';
	return add_path(r, covers_others(r, dir) ? path : dir, access, e);
}

static bool
add_one(const struct ruleset *r, const struct sandbox_row *row,
    const struct sandbox_path *p, struct error *e)
{
	enum sandbox_access access = row->kind[p->kind];

	if (p->path == NULL || access == ACCESS_HIDDEN)
		return true;
	if (access == ACCESS_READ_SELF || access == ACCESS_WRITE_SELF)
		return add_self(r, p->path, rights[access], e);
	return add_path(r, p->path, rights[access], e);
}

/* What the C library and OpenSSL may read at any time: nothing secret lies there. */
static bool
add_system(const struct ruleset *r, const struct sandbox_row *row,
    struct error *e)
{
	static const char *const always[] = {
		"/dev/null",
		"/dev/urandom",
		"/etc/localtime",
		"/usr/share/zoneinfo",
		"/sys/devices/system/cpu",
		"/proc/sys/crypto/fips_enabled",
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
		"/proc", /* the search for leaks reads its threads */
#endif
	};
	static const char *const libraries[] = { "/usr/lib", "/lib", "/lib64",
		"/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache",
		"/etc/ssl/openssl.cnf", "/etc/softhsm", "/etc/pkcs11" };
	/* How names become addresses. */
	static const char *const resolver[] = { "/etc/hosts",
		"/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf",
		"/etc/gai.conf" };

	if (!row->files)
		return true;
	for (size_t i = 0; i < countof(always); i++)
		if (!add_path(r, always[i],
			RIGHTS_READ | (i == 0 ? FS_WRITE_FILE : 0), e))
			return false;
	for (size_t i = 0; row->exec_map && i < countof(libraries); i++)
		if (!add_path(r, libraries[i], RIGHTS_READ, e))
			return false;
	for (size_t i = 0; row->outbound && i < countof(resolver); i++)
		if (!add_path(r, resolver[i], RIGHTS_READ, e))
			return false;
	return true;
}

bool
landlock_enter(const struct sandbox_row *row, const struct sandbox_options *opt,
    int *abi, struct error *e)
{
	int version = abi_version();
	struct ruleset_attr attr = handled(row, opt->network, version);
	auto_fd int fd = -1;
	struct ruleset r = { .fs = attr.fs, .opt = opt };

	*abi = version;
	if (version == 0)
		return true;
	fd = (int)syscall(__NR_landlock_create_ruleset, &attr,
	    attr_size(version), 0);
	if (fd < 0)
		return error_errno(e, FAIL_INTERNAL, "landlock_create_ruleset");
	r.fd = fd;
	if (!add_system(&r, row, e))
		return false;
	for (size_t i = 0; i < opt->paths; i++)
		if (!add_one(&r, row, &opt->path[i], e))
			return false;
	if (syscall(__NR_landlock_restrict_self, fd, 0) != 0)
		return error_errno(e, FAIL_INTERNAL, "landlock_restrict_self");
	return true;
}
