/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inside chanceryd: one thread, one poll loop. It owns the configuration, the listening
 * sockets, the PIN sources and the rooms' processes; it reads nothing that comes from
 * outside this machine and no PIN.
 */
#include <sys/types.h>

#include <chancery/base/log.h>
#include <chancery/config/service.h>
#include <chancery/wire/room.h>

/* A room's start: a module that hangs while it is loaded, a register that is replayed. */
#define SUPER_START_MS 600000
/* A room that says nothing for so long hangs. More than LIMIT_SIGN_DEADLINE_MS: a signer
 * without key workers of its own is silent while it climbs the ladder of recovery. Less
 * than the 20 s that callers wait. */
#define SUPER_SILENCE_MS (7 * ROOM_ALIVE_MS)
/* In-flight work ends within 20 s (LIMIT_SIGN_DEADLINE_MS, queues); then some. */
#define SUPER_STOP_MS 30000
/* An address that another process has may become free. */
#define SUPER_ADDRESS_MS 10000
#define SUPER_ADDRESS_PAUSE_US 200000
/* RSA-4096 on a slow card. */
#define SUPER_KEYGEN_MS 600000
/* An order waits so long for its unit: systemd starts it anew within seconds. */
#define SUPER_KEYGEN_WAIT_MS 60000
/* From the second start on; the first one after a good run is made at once. */
#define SUPER_BACKOFF_MIN_MS 1000
#define SUPER_BACKOFF_MAX_MS 30000
/* Running for so long, a room counts as healthy again. */
#define SUPER_HEALTHY_MS 60000
/* How often deadlines and changed PIN files are looked at. */
#define SUPER_TICK_MS 500
#define SUPER_PACKET_MAX 65536
#define SUPER_FDS_MAX (2 * SERVICE_WORKERS_MAX + 2 * SERVICE_LISTENERS_MAX + 16)
#define SUPER_KEYGENS_MAX 16
#define SUPER_CLIENTS_MAX 8

int64_t now_ms(void);

/* ---- PINs (pins.c, prompt.c) --------------------------------------------- */

/* What tells that a file is another one than before. */
struct pin_mark {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
};
struct pin {
	char *token, *source; /* owned; source NULL: stood in the file */
	int memfd; /* sealed: prompted, passed to us, or inline; else -1 */
	struct pin_mark mark; /* of the file when it was last passed on */
	bool refused; /* by the token                                     */
	bool failed;  /* could not be opened at the last start            */
};
struct pins {
	struct pin v[SERVICE_TOKENS_MAX];
	size_t n;
	bool
	    by_signer; /* what lies in files it opens itself: rooms are units */
	bool unsure;   /* one of those marked was refused, nobody said which */
};
/* Take over a configuration's sources; what was typed or given for a token whose source
 * is the same stays, as does that it was refused. Wipes inline PINs in cfg. */
bool pins_load(struct pins *p, struct service_config *cfg,
    struct error *e) must_check;
/* Ask on the terminal for what has to be typed; without one it stays missing. */
void pins_prompt(struct pins *p);
void pins_close(struct pins *p);
/* A fresh descriptor of each token's PIN, -1: the signer opens it itself. FAIL_PIN: a source is missing, or what it has
 * was refused before; e names the token. */
bool pins_open(struct pins *p, int fd[SERVICE_TOKENS_MAX],
    struct error *e) must_check;
/* The signer refused that of token i; UINT32_MAX: it did not say which. */
void pins_refused(struct pins *p, uint32_t i);
/* Whether a start could do better than the last one: nothing refused or missing. Looks at
 * the files. */
bool pins_ready(struct pins *p);
/* `chancery unseal`: takes the memfd. */
bool pins_give(struct pins *p, const char *token, int memfd,
    struct error *e) must_check;
/* Why token i cannot be used now; NULL when nothing is known against it. */
const char *pin_trouble(const struct pin *p);

/* A sealed memfd with what is typed, written by a process of its own; -1: none. */
int prompt_pin(const char *text, struct error *e) must_check;

/* ---- sockets (listen.c) --------------------------------------------------- */

struct listener {
	uint32_t kind; /* ROOM_FD_TLS, _UNIX, _PLAIN */
	int fd;
	char text[112]; /* where, as configured; "": passed by systemd */
};
struct listeners {
	struct listener v[2 * SERVICE_LISTENERS_MAX + 8];
	size_t n;
	bool passed[ROOM_FD__COUNT]; /* by systemd: ours are not opened     */
};
/* LISTEN_FDS of systemd: once, before anything else is opened. */
void listeners_inherit(struct listeners *l);
/* What cfg wants; what `old` has of it is shared, the caller closes that. */
bool listeners_open(struct listeners *out, const struct listeners *old,
    const struct service_config *cfg, struct error *e) must_check;
void listeners_close(struct listeners *l);
/* A listening unix socket; one that a dead process left is replaced. */
int listen_unix(const char *path, int type, unsigned mode,
    struct error *e) must_check;

/* ---- processes (spawn.c) --------------------------------------------------- */

struct identity {
	bool change;
	uid_t uid;
	gid_t gid;
};
/* The uid that a unit of that room has: of its user, or ours. */
bool identity_uid(const char *user, uid_t *out, struct error *e) must_check;
/* With a NULL user: stay who we are. */
bool identity_find(const char *user, struct identity *out,
    struct error *e) must_check;
bool identities_find(const struct service_config *cfg, struct identity *out,
    struct error *e) must_check; /* of each room */

struct spawn {
	const char *path;     /* the program */
	const char *argument; /* or NULL */
	const struct identity *identity;
	int settings;
	struct room_fd table[SUPER_FDS_MAX];
	int fd[SUPER_FDS_MAX]; /* borrowed */
	size_t n;
};
void spawn_add(struct spawn *s, enum room_fd_kind kind, uint32_t index, int fd);
/* In a process that is to be the room: descriptors to their places, all others closed, exec. A unit
 * keeps what systemd gave it: the user, credentials, SIGTERM. */
_Noreturn void spawn_become(const struct spawn *s, int control, int table,
    bool unit);
/* *control: our end of its socket. */
bool spawn_room(const struct spawn *s, pid_t *pid, int *control,
    struct error *e) must_check;

/* ---- the control sockets (control.c) ---------------------------------------- */

/* One packet, with a descriptor unless fd is -1. False: nobody reads. */
bool control_send(int control, uint32_t type, struct bytes rest,
    int fd) must_check;
bool control_send_u32(int control, uint32_t type, uint32_t value,
    int fd) must_check;
/* The same with several. */
bool control_send_fds(int control, uint32_t type, const int *fd,
    size_t n) must_check;

/* ---- systemd (notify.c) ------------------------------------------------------ */

void notify_init(void);
void notify_ready(const char *status);
void notify_status(const char *status);
void notify_reloading(void);
void notify_stopping(void);
/* When due; returns the ms until the next one, -1: no watchdog. */
int notify_watchdog(void);

/* ---- rooms (child.c, tick.c, lanes.c, keygen.c) --------------------------------------- */

enum child_state {
	CHILD_DOWN,     /* waits for its retry                              */
	CHILD_STARTING, /* has not said ROOM_READY                          */
	CHILD_READY,
	CHILD_STOPPING, /* was told to                                      */
	CHILD_SEALED,   /* ROOM_EXIT_PIN, or a PIN is missing               */
	CHILD_HALTED,   /* ROOM_EXIT_CONFIG, ROOM_EXIT_REGISTER             */
	CHILD_OFF,      /* ended because we stop                            */
	CHILD_UNWANTED  /* the configuration does not ask for it            */
};
enum child_which {
	CHILD_SIGNER,
	CHILD_SERVER,
	CHILD_PUBLISHER, /* last: it needs a server to be of use */
	CHILD__COUNT
};
struct child {
	const char *name;
	char *path; /* NULL: not installed, and not wanted */
	enum child_state state;
	pid_t pid; /* 0: none */
	int pidfd; /* of a unit's process; else -1 */
	int control;
	int ended; /* of a unit: the status that it told, or -1        */
	int64_t started_ms, ready_ms, heard_ms, retry_ms, stop_by_ms;
	int64_t backoff_ms; /* before the next start; 0: at once           */
	unsigned restarts;
	bool killed; /* by us, for its silence                               */
	char why[160]; /* how it ended last                                  */
	int passed; /* the descriptor that came with what is being heard, or -1 */
	char sandbox[64]; /* what confines it, in its words                  */
};

struct keygen {
	pid_t pid;
	int pidfd, ended; /* as a child's */
	int control;
	int64_t by_ms;
	bool answered;
	uint8_t request[4 + sizeof(struct room_keygen)];
	int file; /* that goes with it, until it went; -1 */
};

struct client {
	int fd; /* -1: free */
};

/* ---- rooms that are units (units.c, unit.c) ---------------------------------------------- */

/* Who has connected and waits for its turn: a process that will be a room. */
struct visitor {
	int fd, pidfd; /* -1: none */
	pid_t pid;
	uid_t uid;
};
#define UNIT_KEYGEN CHILD__COUNT
#define UNITS__COUNT (CHILD__COUNT + 1)
#define UNITS_NEW_MAX 8
struct units {
	bool on; /* --units: we start no process */
	int fd;  /* they connect here */
	uid_t uid[UNITS__COUNT];
	struct visitor fresh[UNITS_NEW_MAX]; /* have not said who they are */
	struct visitor waiting[UNITS__COUNT];
};

struct supervisor {
	const char *home;
	const char *rooms_dir; /* --rooms, or NULL */
	struct service_config cfg;
	struct yaml_doc *doc;
	int lock;
	struct listeners listeners;
	struct pins pins;
	struct identity identity[CHILD__COUNT];
	struct child child[CHILD__COUNT];
	unsigned workers;              /* lanes */
	int lane[SERVICE_WORKERS_MAX]; /* the server's ends that it has not yet
	                                  got, or -1 */
	struct units units;
	struct keygen keygen;
	struct {
		uint8_t v[SUPER_KEYGENS_MAX][4 + sizeof(struct room_keygen)];
		int file[SUPER_KEYGENS_MAX]; /* -1: none; never looked into */
		size_t n;
		int64_t by_ms; /* the first has to begin, when none runs */
	} keygens;             /* that wait */
	int admin;
	struct client client[SUPER_CLIENTS_MAX];
	int signals;
	int64_t ticked_ms; /* the last child_tick; 0: none yet */
	bool stopping, told_ready;
	bool pin_named;   /* the signer said which PIN was refused */
	char status[200]; /* as systemd was told */
};

/* The rooms' settings as a sealed memfd, or -1. */
int settings_memfd(const struct supervisor *s, struct error *e) must_check;
unsigned worker_count(const struct service_config *cfg);
/* Where the program is: --rooms, beside ours, ../libexec/chancery. */
char *program_find(const char *rooms_dir, const char *name,
    struct error *e) must_check;

/* Start, if it is down and due. */
void child_start(struct supervisor *s, enum child_which which);
/* Ask it to end; it is started again when we do not stop. */
void child_stop(struct supervisor *s, enum child_which which);
void child_ended(struct supervisor *s, enum child_which which, int status);
/* A packet from it, or the end of its socket. */
void child_heard(struct supervisor *s, enum child_which which);
/* Deadlines, retries, changed PIN files. Time in which the supervisor did not run counts
 * against no room's deadline. */
void child_tick(struct supervisor *s);
bool child_is_up(const struct child *c);
/* Whether the configuration asks for that room. */
bool child_is_wanted(const struct supervisor *s, enum child_which which);
const char *child_state_name(enum child_state state);

/* Pairs for a start of `which`: its ends into sp, those of the other room to it, or kept
 * for it. */
bool lanes_make(struct supervisor *s, enum child_which which, struct spawn *sp,
    struct error *e) must_check;
void lanes_drop(struct supervisor *s);
/* The same between server and publisher: when both are there. */
bool outlanes_make(struct supervisor *s, enum child_which which,
    struct spawn *sp, struct error *e) must_check;

/* Ends a process of ours, or of a unit, at once. */
void room_kill(pid_t pid, int pidfd);
bool units_open(struct supervisor *s, struct error *e) must_check;
void units_close(struct supervisor *s);
void units_accept(struct supervisor *s);
void units_heard(struct supervisor *s, size_t fresh);
/* Whether somebody waits to be that room. */
bool units_has(const struct supervisor *s, size_t which);
/* What spawn_room is where we start processes. */
bool units_hand(struct supervisor *s, size_t which, const struct spawn *sp,
    pid_t *pid, int *pidfd, int *control, struct error *e) must_check;
/* The process of such a unit: waits, and becomes the room. */
struct unit {
	const char *room;      /* "signer" … "keygen" */
	const char *socket;    /* path */
	const char *peer;      /* user that chanceryd has to be; NULL: root */
	const char *rooms_dir; /* or NULL */
};
int unit_run(const struct unit *u);
/* "signer", "server", "publisher", "keygen"; UNITS__COUNT: none of them. */
size_t unit_by_name(const char *name);

/* The next one that waits may begin. */
void keygen_next(struct supervisor *s);
/* Takes `file`. */
void keygen_ask(struct supervisor *s, struct bytes packet, int file);
void keygen_heard(struct supervisor *s);
void keygen_ended(struct supervisor *s, int status);
void keygen_tick(struct supervisor *s);
/* Its orders came from a signer that is gone. */
void keygen_cancel(struct supervisor *s);

/* ---- the whole (supervisor.c, reload.c, admin.c) -------------------------------- */

/* The lock, the sockets, the PINs. On failure what was wrong in the configuration went
 * to standard error. */
bool super_open(struct supervisor *s, struct error *e) must_check;
int super_run(struct supervisor *s);
void super_close(struct supervisor *s);
void super_reload(struct supervisor *s);
/* systemd and the log learn of a change. */
void super_tell(struct supervisor *s);

bool admin_open(struct supervisor *s, struct error *e) must_check;
void admin_accept(struct supervisor *s);
void admin_heard(struct supervisor *s, size_t client);
void admin_close(struct supervisor *s);
