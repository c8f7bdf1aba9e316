/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The signer room: the signer library behind lanes. One thread decides; it never waits
 * for a lane, a token or the supervisor, only for all of them at once:
 *
 *   drain the lanes → submit → signer_turn → answers packed → flush → wait when idle
 *
 * What it was given at start (start.c), what it says to the supervisor (control.c), the
 * lanes (lanes.c), what each message means (messages.c, inquiry.c) and key generation
 * beside signing (genkey.c) are a file each.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/secret.h>
#include <chancery/config/service.h>
#include <chancery/signer/host.h>
#include <chancery/signer/keygen.h>
#include <chancery/wire/peer.h>
#include <chancery/wire/room.h>
#include <chancery/wire/signer.h>

struct room;

/* ---- settings.c -------------------------------------------------------- */

#define ROOM_FDS_MAX 256
/* Everything a start needs; the texts live in `doc`. */
struct room_settings {
	struct yaml_doc *doc;
	struct service_config config;
	struct host_settings host;
	struct buf charter[SIGNER_TOKENS_MAX];
	struct secret *pin[SIGNER_TOKENS_MAX];
	int lane[SERVICE_WORKERS_MAX];
	size_t lanes;
};
/* From the fixed descriptors. False: FAIL_PIN when a PIN source gives none. */
bool room_settings_read(struct room_settings *s, struct error *e) must_check;
/* The PINs, wiped; NULL them. */
void room_settings_forget(struct room_settings *s);
void room_settings_free(struct room_settings *s);
/* A settings memfd alone: a reload. */
bool room_settings_parse(int fd, struct service_config *out,
    struct yaml_doc **doc, struct error *e) must_check;
void room_log_level(const struct service_config *c);
/* Number of the token called `name`, or of the first one for CA keys. */
bool room_find_token(const struct room_settings *s, const char *name,
    size_t *out, struct error *e) must_check;

/* ---- start.c ----------------------------------------------------------- */

enum start_for {
	START_RESIDENT, /* signs; soft tokens are read-only       */
	START_WRITER    /* makes one key                         */
};
/* Module, sandbox, logins. On failure *status is what the process ends with. */
bool room_start(struct room_settings *s, enum start_for what, struct host *h,
    int *status, struct error *e) must_check;
/* So that only this token's PIN is taken for a bad one; UINT32_MAX: any. */
void room_say_refused(uint32_t token);
/* The end status that says so. */
int room_exit_status(const struct error *e);

/* ---- lanes.c ----------------------------------------------------------- */

struct room_lane {
	LIST_ENTRY(room_lane) link;
	struct room *room;
	struct peer *peer; /* NULL: gone, waits for its requests            */
	uint32_t index;
	uint32_t events; /* what epoll has                                  */
	bool ready;      /* something may be there to be read               */
	size_t in_flight;
	/* Serials handed out, the newest `given`; older ones are taken back. */
	uint8_t (*serial)[LIMIT_SERIAL_BYTES];
	size_t ring, given;
};
LIST_HEAD(room_lanes, room_lane);

/* One request on its way through the signer. */
struct room_request {
	struct room_lane *lane;
	uint64_t frame;
	enum wire_message m;
	bool again;
};
bool room_lane_add(struct room *r, uint32_t index, int fd,
    struct error *e) must_check;
/* Read everything that may be read now. */
void room_lanes_drain(struct room *r);
void room_lanes_flush(struct room *r);
bool room_lanes_empty(const struct room *r); /* all sent */
void room_lanes_free(struct room *r);
/* Take *a to the caller, free the request. */
void room_answer(struct room_request *q, const struct wire_answer *a);
void room_fail(struct room_request *q, const struct error *e);
/* n serials for this lane, appended. */
bool room_lane_serials(struct room_lane *l, size_t n, struct buf *out,
    struct error *e) must_check;

/* ---- messages.c, inquiry.c --------------------------------------------- */

/* Decide or submit; the request ends with room_answer or room_fail, now or later. */
void room_message(struct room_request *q, const struct wire_request *in);
void room_settle(struct room_request *q, const struct wire_request *in);
void room_keys(struct room_request *q, const struct wire_request *in);
void room_proof(struct room_request *q, const struct wire_request *in);
void room_status(struct room_request *q, const struct wire_request *in);

/* ---- genkey.c ---------------------------------------------------------- */

/* A private key for the one-shot (handover.c): `secret` is copied to locked memory with a
 * descriptor; free wipes it for everybody. */
struct room_handover;
struct room_handover *room_handover_new(struct bytes secret,
    struct error *e) must_check;
void room_handover_free(struct room_handover *h);
int room_handover_fd(const struct room_handover *h);
size_t room_handover_len(const struct room_handover *h);
struct hsm_outside *room_handover_read(const struct room_handover *h,
    struct error *e) must_check;
/* In the one-shot: the key of n octets in it. */
struct hsm_outside *room_handover_take(int fd, size_t n,
    struct error *e) must_check;

struct room_keygen_queue;
struct room_keygen_queue *room_keygen_new(struct room *r) must_check;
void room_keygen_free(struct room_keygen_queue *k);
void room_generate(struct room_request *q, const struct wire_request *in);
/* What the supervisor's one-shot told: empty text, or why not. */
void room_generated(struct room *r, uint64_t intent, struct bytes made,
    const struct error *why);
/* A thread has finished, or a deadline passed. */
void room_keygen_poll(struct room *r);
/* What an earlier signer began and did not finish. */
void room_keygen_settle(struct room *r);
/* Those that wait are answered: nothing is begun any more. */
void room_keygen_stop(struct room *r);
int room_keygen_fd(const struct room_keygen_queue *k);
/* Nothing is made, or what is made is a one-shot's whose answer nobody would bring: the next
 * signer settles it. */
bool room_keygen_idle(const struct room_keygen_queue *k);

/* ---- takein.c ---------------------------------------------------------- */

/* IMPORT beside signing: one at a time, verified by a thread of its own. */
struct room_takein;
struct room_takein *room_takein_new(struct room *r) must_check;
void room_takein_free(struct room_takein *t);
bool room_import(struct room_request *q, const struct wire_request *in,
    struct error *e) must_check;
/* The thread has finished. */
void room_takein_poll(struct room *r);
int room_takein_fd(const struct room_takein *t);
bool room_takein_idle(const struct room_takein *t);

/* ---- control.c --------------------------------------------------------- */

void room_say(enum room_message m, struct bytes body);
/* With a file beside it; -1: none. */
void room_say_file(enum room_message m, struct bytes body, int fd);
/* Read what the supervisor says. */
void room_control(struct room *r);

/* ---- room.c ------------------------------------------------------------ */

struct room {
	const struct room_settings *settings;
	struct host *host;
	struct signer *signer;
	struct hsm_module_info module;
	struct room_lanes lanes;
	size_t lanes_max;
	struct room_keygen_queue *keygen;
	struct room_takein *takein;
	int epoll;
	bool stopping;
	bool alone;      /* no supervisor any more; `stopping` too */
	int end;         /* status of room_end, or 0 */
	int64_t gone_ns; /* since when the token fails; 0: it does not      */
	size_t answered; /* in this pass */
	uint64_t count[WIRE__COUNT];
	int64_t started_ns, alive_ns, checkpoint_ns;
	uint64_t checkpoint_size;
};
/* End as soon as what is answered has been sent, without waiting for what is in flight:
 * the next signer settles it. The first reason counts. */
void room_end(struct room *r, int status, const struct error *why);
/* What a failed signature says of module and token. */
void room_judge(struct room *r, const struct signer_reply *a);
/* Until it is told to stop; the status to end with. */
int room_run(struct room *r);

/* ---- oneshot.c --------------------------------------------------------- */

/* --keygen: one key, then the status to end with. */
int room_oneshot(void);
