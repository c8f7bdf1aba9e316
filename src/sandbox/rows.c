/* SPDX-License-Identifier: Apache-2.0 */
/* What each room may do. The lists began with what was seen in steady state and grew by
 * what strace showed of libevent, SQLite, OpenSSL and SoftHSM; a call that no room makes
 * has no place here. */
#include "rows.h"

/* Memory, threads, clocks, events: what every program of ours lives on. */
static const char *const basic_calls[] = { "read", "write", "readv", "writev",
	"close", "fstat", "newfstatat", "statx", "lseek", "munmap", "brk",
	"mremap", "madvise", "mlock", "mlock2", "munlock", "rt_sigaction",
	"rt_sigprocmask", "rt_sigreturn", "sigaltstack", "futex", "sched_yield",
	"sched_getaffinity", "getpid", "gettid", "getuid", "geteuid", "getgid",
	"getegid", "getppid", "clock_gettime", "clock_getres",
	"clock_nanosleep", "nanosleep", "gettimeofday", "time", "exit",
	"exit_group", "getrandom", "epoll_create1", "epoll_ctl", "epoll_wait",
	"epoll_pwait", "epoll_pwait2", "poll", "ppoll", "eventfd2", "pipe2",
	"fcntl", "dup", "dup2", "set_robust_list", "get_robust_list", "rseq",
	"restart_syscall", "sysinfo", "uname", "membarrier", "umask", NULL };

/* Between rooms: packets and sealed memfds. */
static const char *const room_calls[] = { "recvfrom", "recvmsg", "sendto",
	"sendmsg", "getsockopt", "setsockopt", "shutdown", "memfd_create",
	"ftruncate", NULL };

/* landlock says which files. */
static const char *const reading_calls[] = { "openat", "open", "stat", "lstat",
	"access", "faccessat", "faccessat2", "readlink", "readlinkat",
	"getdents64", "getcwd", "pread64", "fstatfs", "statfs", "fadvise64",
	"flock", NULL };
static const char *const writing_calls[] = { "pwrite64", "fsync", "fdatasync",
	"sync_file_range", "fallocate", "unlink", "unlinkat", "rename",
	"renameat2", "link", "linkat", "mkdir", "mkdirat", "rmdir", "fchmod",
	"fchown", "msync", NULL };

/* What modules of vendors may use beyond that; none of it leads out of the row. */
static const char *const module_calls[] = { "select", "pselect6", "times",
	"getrusage", "getcpu", "timerfd_create", "timerfd_settime",
	"timerfd_gettime", "dup3", "chmod", "fchmodat", "utimensat", NULL };

/* Connections that others open. */
static const char *const listening_calls[] = { "accept4", "accept",
	"getsockname", "getpeername", "sendfile", NULL };

/* Threads that give way: keys made ahead of their use run at idle priority. */
static const char *const idle_calls[] = { "sched_setscheduler", NULL };

const char *const sandbox_network_calls[] = { "socket", "connect", "bind",
	"listen", "accept4", "accept", "getsockname", "getpeername",
	"socketpair", NULL };

/* Connections to others, by name: the sockets themselves are a rule of their own
 * (seccomp.c). */
static const char *const outbound_calls[] = { "connect", "getsockname",
	"getpeername", "sendmmsg", NULL };

/* What no room of ours does, and what every way out of one begins with. For the
 * supervisor, whose filter its rooms inherit: there a list of what is allowed would
 * have to hold all that any of them needs. */
static const char *const supervisor_denied[] = { "ptrace", "process_vm_readv",
	"process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd", "bpf",
	"perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
	"io_uring_register", "mount", "umount2", "move_mount", "open_tree",
	"fsopen", "fsmount", "pivot_root", "chroot", "unshare", "setns",
	"init_module", "finit_module", "delete_module", "kexec_load",
	"kexec_file_load", "reboot", "swapon", "swapoff", "acct", "quotactl",
	"keyctl", "add_key", "request_key", "name_to_handle_at",
	"open_by_handle_at", "iopl", "ioperm", "modify_ldt", "settimeofday",
	"clock_settime", "clock_adjtime", "adjtimex", "sethostname",
	"setdomainname", "syslog", "personality", NULL };

const struct sandbox_row sandbox_rows[SANDBOX__COUNT] = {
	[SANDBOX_SERVER] = {
		.name = "server",
		.kind = {
			[SANDBOX_STORE] = ACCESS_WRITE,
			[SANDBOX_REGISTER] = ACCESS_READ,
			[SANDBOX_CRL] = ACCESS_READ,
			[SANDBOX_TLS] = ACCESS_READ_SELF,
			[SANDBOX_LOG] = ACCESS_WRITE_SELF,
			[SANDBOX_NEVER] = ACCESS_HIDDEN,
		},
		.calls = { basic_calls, room_calls, reading_calls,
		    writing_calls, listening_calls, idle_calls },
		.files = true,
		.threads = true,
	},
	[SANDBOX_SIGNER] = {
		.name = "signer",
		.kind = {
			[SANDBOX_REGISTER] = ACCESS_WRITE,
			[SANDBOX_CRL] = ACCESS_WRITE,
			[SANDBOX_ANCHOR] = ACCESS_WRITE,
			[SANDBOX_TOKENS] = ACCESS_READ,
			[SANDBOX_MODULE] = ACCESS_READ_SELF,
			[SANDBOX_DATA] = ACCESS_READ,
		},
		.calls = { basic_calls, room_calls, reading_calls,
		    writing_calls, module_calls },
		.files = true,
		.exec_map = true,
		.threads = true,
	},
	[SANDBOX_KEYGEN] = {
		.name = "keygen",
		.kind = {
			[SANDBOX_TOKENS] = ACCESS_WRITE,
			[SANDBOX_MODULE] = ACCESS_READ_SELF,
			[SANDBOX_DATA] = ACCESS_READ,
		},
		.calls = { basic_calls, room_calls, reading_calls,
		    writing_calls, module_calls },
		.files = true,
		.exec_map = true,
		.threads = true,
	},
	[SANDBOX_PUBLISHER] = {
		.name = "publisher",
		.kind = {
			[SANDBOX_TLS] = ACCESS_READ_SELF,
			[SANDBOX_PUBLISH] = ACCESS_WRITE,
			[SANDBOX_NEVER] = ACCESS_HIDDEN,
		},
		.calls = { basic_calls, room_calls, reading_calls,
		    writing_calls, outbound_calls },
		.files = true,
		.threads = true,
		.outbound = true,
	},
	[SANDBOX_SUPERVISOR] = {
		.name = "supervisor",
		.kind = {
			[SANDBOX_PROGRAM] = ACCESS_EXECUTE,
		},
		.denied = supervisor_denied,
	},
};
