/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How the supervisor starts a room (design.md, "Rooms"). A room is an exec'd binary
 * without arguments that matter; what it needs it finds on fixed descriptors:
 *
 *   0 /dev/null   1 /dev/null   2 the log (base/log.h)
 *   3 ROOM_FD_CONTROL   SOCK_SEQPACKET to the supervisor
 *   4 ROOM_FD_SETTINGS  sealed memfd: the configuration as canonical JSON
 *                       (config/pass.h); without an inline PIN for the server
 *   5 ROOM_FD_TABLE     sealed memfd: one struct room_fd a passed descriptor
 *   6… what the table names
 *
 * Everything else is closed. The supervisor has checked the settings; a room reads
 * them again through the same schema and ends with ROOM_EXIT_CONFIG when it cannot.
 */
#include <chancery/base/error.h>

enum {
	ROOM_FD_CONTROL = 3,
	ROOM_FD_SETTINGS = 4,
	ROOM_FD_TABLE = 5,
	ROOM_FD_FIRST = 6
};

enum room_fd_kind {
	ROOM_FD_LANE,  /* server worker `index` <-> signer            */
	ROOM_FD_TLS,   /* listening socket: the API over TLS          */
	ROOM_FD_UNIX,  /* listening unix socket: the API, peer credentials */
	ROOM_FD_PLAIN, /* listening socket: CRL, CA and OCSP reads only */
	ROOM_FD_PIN, /* sealed memfd: PIN of token `index`; the supervisor never reads it */
	ROOM_FD_OUTLANE, /* server worker `index` <-> publisher       */
	ROOM_FD__COUNT
};
struct room_fd {
	uint32_t kind, index;
};

/* Exit statuses that the supervisor understands; anything else is a crash and is
 * answered by a restart with back-off. */
enum {
	ROOM_EXIT_OK = 0,
	ROOM_EXIT_CONFIG = 78, /* EX_CONFIG: no restart until SIGHUP     */
	ROOM_EXIT_PIN = 77, /* a PIN was refused: sealed; no restart with that
	                           PIN until `chancery unseal` or a changed file  */
	ROOM_EXIT_REGISTER =
	    76 /* the register refuses (rollback, clock, corrupt):
	                           no restart, an operator has to act              */
};

/* Messages on the control socket, one packet each: u32 type, then what the row says,
 * little-endian. */
enum room_message {
	/* room → supervisor */
	ROOM_READY = 1, /* serving (sd_notify READY when all rooms are); then
	                    sandbox_text(), for `chancery status`             */
	ROOM_ALIVE,     /* at least every ROOM_ALIVE_MS: else it hangs. Server:
	                    only while the loops of all its workers turn      */
	ROOM_KEYGEN,    /* signer: struct room_keygen: run a one-shot writer
	                    (chancery-signer --keygen) on that token, with the
	                    same settings and PIN descriptors, and give it this
	                    very packet, and the descriptor that came with it,
	                    on its control socket. It answers there
	                    with ROOM_KEYGEN_DONE and ends with 0               */
	/* supervisor → room */
	ROOM_STOP,     /* finish what is in flight, then end with 0         */
	ROOM_RELOAD,   /* + SCM_RIGHTS: a new settings memfd                */
	ROOM_NEW_LANE, /* u32 index + SCM_RIGHTS. Server: the signer is new;
	                    signer: the server is new                         */
	ROOM_SIGNER_GONE, /* server: u32 enum room_gone: lanes are dead        */
	ROOM_KEYGEN_DONE, /* signer: the packet of the one-shot, as it came: u32 0,
	                    u64 intent of its ROOM_KEYGEN, then canonical JSON
	                    (≤ 60 KiB). When it ended without one: u32 exit status
	                    (never 0), u64 intent, then a UTF-8 sentence. An
	                    earlier signer's one-shot may still answer         */
	/* room → supervisor */
	ROOM_PIN_REFUSED, /* signer, before ROOM_EXIT_PIN: u32 token. Without it
	                    the PINs of all tokens count as refused            */
	/* supervisor → room */
	ROOM_NEW_OUTLANE, /* u32 index + SCM_RIGHTS. Server: the publisher is new;
	                    publisher: the server is new                      */
	/* room → supervisor */
	ROOM_ENDED /* u32 status that it ends with; last. What a supervisor that is not its
	              parent knows of its end                                  */
};
#define ROOM_ALIVE_MS 2000

/* In a room: ROOM_ENDED; the status again. */
int room_ended(int status);
/* In a room: SIGTERM is what the end of the supervisor is: no more is taken on, what is in
 * flight is finished. chanceryd starts its rooms with the signal ignored, and that stays. */
void room_end_on_sigterm(void);
/* Whether it came: then the supervisor may still be there. */
bool room_had_sigterm(void);

/*
 * Rooms that are units of their own (docs/architecture.md). `chanceryd --room NAME` connects to a
 * SOCK_SEQPACKET unix socket of `chanceryd --units`, says who it is, and waits. When it is its turn it
 * gets one packet: u32 descriptors, with SCM_RIGHTS: control, settings, table, and what the table
 * names; then it becomes the room. Both see the other's uid (SO_PEERCRED).
 */
#define ROOM_UNITS_SOCKET "rooms.sock" /* below run_dir */
#define ROOM_UNITS_VERSION 1
/* SCM_MAX_FD of Linux. */
#define ROOM_UNITS_FDS_MAX 253
struct room_visit {
	uint32_t version,
	    which; /* place in: signer, server, publisher, keygen */
};

enum room_gone {
	ROOM_GONE_RESTARTING, /* wait: it comes back                         */
	ROOM_GONE_SEALED,     /* ROOM_EXIT_PIN: 503 sealed                   */
	ROOM_GONE_STOPPED     /* ROOM_EXIT_REGISTER, _CONFIG: 503, operator  */
};

#define ROOM_LABEL_MAX 128
#define ROOM_ID_MAX 64
struct room_keygen {
	uint32_t token; /* index in the configuration                   */
	uint32_t type;  /* enum key_alg */
	uint32_t bits;
	uint32_t id_len;
	uint8_t
	    id[ROOM_ID_MAX]; /* CKA_ID, chosen and recorded (KEYGEN-INTENT) */
	char label[ROOM_LABEL_MAX];
	uint32_t destroyable;
	uint32_t sacrifice; /* first show the template on a throw-away key */
	uint32_t settle;    /* make nothing: what did an earlier one leave? */
	/* 1: the key comes from outside, as PKCS#8 in the file that is passed beside this
	 * packet (SCM_RIGHTS): locked memory of the signer, which wipes it in the end. */
	uint32_t imported;
	uint32_t pkcs8_len;
	uint64_t intent; /* record of the KEYGEN-INTENT                  */
};
