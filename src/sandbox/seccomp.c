/* SPDX-License-Identifier: Apache-2.0 */
#include <asm/termbits.h>
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rows.h"

/* A sanitizer makes calls of its own (its search for leaks traces the process), which
 * would end it: in such builds what is forbidden is only logged. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NOT_LISTED SCMP_ACT_LOG
#else
#define NOT_LISTED SCMP_ACT_KILL_PROCESS
#endif

struct filter {
	scmp_filter_ctx ctx;
	struct error *e;
	bool ok;
};

static void
check(struct filter *f, int rc, const char *what)
{
	if (rc >= 0 || !f->ok)
		return;
	errno = -rc;
	f->ok = error_errno(f->e, FAIL_INTERNAL, "seccomp: %s", what);
}

/* -1: this architecture has no such call. A name that none has is our own mistake. */
static int
call_number(struct filter *f, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR)
		check(f, -EINVAL, name);
	return nr;
}

static void
add_all(struct filter *f, uint32_t action, const char *const *names)
{
	for (; *names != NULL; names++) {
		int nr = call_number(f, *names);

		if (nr >= 0)
			check(f, seccomp_rule_add(f->ctx, action, nr, 0),
			    *names);
	}
}

static void
add_if(struct filter *f, uint32_t action, const char *name,
    struct scmp_arg_cmp arg)
{
	int nr = call_number(f, name);

	if (nr >= 0)
		check(f, seccomp_rule_add(f->ctx, action, nr, 1, arg), name);
}

/* Code that was not there at start is what a dlopen brings, or an attacker: it fails as
 * on a file system without execution, so that a library that only tries goes on. */
static void
add_mapping(struct filter *f, bool exec_map)
{
	static const char *const names[] = { "mmap", "mprotect",
		"pkey_mprotect" };

	for (size_t i = 0; i < countof(names); i++) {
		add_if(f, SCMP_ACT_ALLOW, names[i],
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
		add_if(f, exec_map ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES),
		    names[i],
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	}
}

/* Threads, not processes. clone3 hides its flags in memory: glibc goes on with clone
 * when there is none. */
static void
add_threads(struct filter *f)
{
	add_if(f, SCMP_ACT_ALLOW, "clone",
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	check(f,
	    seccomp_rule_add(f->ctx, SCMP_ACT_ERRNO(ENOSYS),
		call_number(f, "clone3"), 0),
	    "clone3");
}

/* Calls of which only some forms are harmless. */
static void
add_partly(struct filter *f)
{
	static const unsigned requests[] = { TCGETS, FIONREAD, FIONBIO,
		TIOCGWINSZ };
	static const unsigned options[] = { PR_SET_NAME, PR_GET_NAME,
		PR_GET_DUMPABLE };

	for (size_t i = 0; i < countof(requests); i++)
		add_if(f, SCMP_ACT_ALLOW, "ioctl",
		    SCMP_A1(SCMP_CMP_EQ, requests[i], 0));
	for (size_t i = 0; i < countof(options); i++)
		add_if(f, SCMP_ACT_ALLOW, "prctl",
		    SCMP_A0(SCMP_CMP_EQ, options[i], 0));
	/* Libraries name their memory (PR_SET_VMA): without it they go on. */
	add_if(f, SCMP_ACT_ERRNO(EINVAL), "prctl",
	    SCMP_A0(SCMP_CMP_EQ, 0x53564d41, 0));
	/* abort(), and a thread of ours; nobody else. */
	add_if(f, SCMP_ACT_ALLOW, "tgkill",
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	/* Reading limits; not those of others, and setting none. */
	add_if(f, SCMP_ACT_ALLOW, "prlimit64", SCMP_A2(SCMP_CMP_EQ, 0, 0));
	/* Both ends are ours. */
	add_if(f, SCMP_ACT_ALLOW, "socketpair",
	    SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
}

/* Internet alone. A unix socket would lead to our own API, where one user for all rooms is
 * root; the C library asks for one (nscd) and for netlink, and goes on without. It also binds
 * while it looks for addresses; listening is in no list. */
static void
add_outbound(struct filter *f)
{
	static const unsigned families[] = { AF_INET, AF_INET6 };
	static const unsigned others[] = { AF_UNIX, AF_NETLINK };

	for (size_t i = 0; i < countof(families); i++)
		add_if(f, SCMP_ACT_ALLOW, "socket",
		    SCMP_A0(SCMP_CMP_EQ, families[i], 0));
	for (size_t i = 0; i < countof(others); i++)
		add_if(f, SCMP_ACT_ERRNO(EACCES), "socket",
		    SCMP_A0(SCMP_CMP_EQ, others[i], 0));
	check(f,
	    seccomp_rule_add(f->ctx, SCMP_ACT_ERRNO(EACCES),
		call_number(f, "bind"), 0),
	    "bind");
}

static void
fill(struct filter *f, const struct sandbox_row *row, bool network)
{
	if (row->denied != NULL) {
		add_all(f, NOT_LISTED, row->denied);
		return;
	}
	for (size_t i = 0; row->calls[i] != NULL; i++)
		add_all(f, SCMP_ACT_ALLOW, row->calls[i]);
	add_mapping(f, row->exec_map);
	if (row->threads)
		add_threads(f);
	add_partly(f);
	if (row->outbound)
		add_outbound(f);
	if (network)
		add_all(f, SCMP_ACT_ALLOW, sandbox_network_calls);
	else if (row->exec_map)
		/* syslog(3) of a module that could not write its token: there
		 * is none. */
		add_if(f, SCMP_ACT_ERRNO(EACCES), "socket",
		    SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
}

bool
seccomp_enter(const struct sandbox_row *row, bool network, struct error *e)
{
	struct filter f = { .e = e, .ok = true };

	f.ctx = seccomp_init(row->denied != NULL ? SCMP_ACT_ALLOW : NOT_LISTED);
	if (f.ctx == NULL)
		return error_set(e, FAIL_INTERNAL, "seccomp_init");
	fill(&f, row, network);
	/* Threads that are there already come along. */
	check(&f, seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_TSYNC, 1), "TSYNC");
	if (f.ok)
		check(&f, seccomp_load(f.ctx), "load");
	seccomp_release(f.ctx);
	return f.ok;
}
