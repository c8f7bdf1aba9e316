/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The table of what each room may do, and the two mechanisms that read it. */
#include <chancery/sandbox/sandbox.h>

enum sandbox_access {
	ACCESS_NONE,
	ACCESS_READ,       /* files and directories below                   */
	ACCESS_WRITE,      /* the same, and create, write, rename, remove    */
	ACCESS_READ_SELF,  /* a file, or what takes its place: its directory  */
	ACCESS_WRITE_SELF, /* likewise, written                             */
	ACCESS_EXECUTE,    /* a program                                     */
	ACCESS_HIDDEN      /* SANDBOX_NEVER                                 */
};

struct sandbox_row {
	const char *name;
	enum sandbox_access kind[SANDBOX_KIND__COUNT];
	/* Lists of system calls, NULL-ended. Empty: everything but `denied`. */
	const char *const *calls[8];
	const char *const *denied;
	bool files; /* landlock: files beyond the row are closed             */
	bool
	    exec_map; /* code may be mapped: modules load libraries           */
	bool threads;
	bool outbound; /* TCP and UDP to others, names resolved; no listening */
};
extern const struct sandbox_row sandbox_rows[SANDBOX__COUNT];
/* What a module that speaks to a network HSM needs. */
extern const char *const sandbox_network_calls[];

bool seccomp_enter(const struct sandbox_row *row, bool network,
    struct error *e) must_check;
/* *abi is 0 when the kernel has no landlock. */
bool landlock_enter(const struct sandbox_row *row,
    const struct sandbox_options *opt, int *abi, struct error *e) must_check;
