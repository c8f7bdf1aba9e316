/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The server room: what the supervisor gave it, what runs in it. */
#include <pthread.h>
#include <stdatomic.h>

#include <chancery/config/pass.h>
#include <chancery/config/service.h>
#include <chancery/server/api.h>
#include <chancery/server/http.h>
#include <chancery/server/lane.h>
#include <chancery/server/outlane.h>
#include <chancery/wire/room.h>

/* Descriptors beyond the fixed ones: lanes and listeners. */
#define ROOM_FDS_MAX (2 * SERVICE_WORKERS_MAX + 2 * SERVICE_LISTENERS_MAX + 16)

struct room;
struct room_worker {
	struct room *room;
	unsigned index;
	int lane_fd, outlane_fd; /* -1: none yet */
	struct http_worker *http;
	struct lane *lane;
	struct outlane *outlane; /* NULL: nothing is asked outside */
	pthread_t thread;
	_Atomic bool ended;
	/* tick.c: asked for a sign of life since then, and has not given it. */
	_Atomic bool asked;
	int64_t asked_ms;
};

/* authority.c: the server's certificate from an own mount */
enum authority_state {
	AUTHORITY_IDLE,
	AUTHORITY_ASKED,
	AUTHORITY_ISSUED
};
struct authority {
	_Atomic int state;
	int64_t try_ms, renew_s;
	struct evp_pkey_st *key; /* of the request on its way */
};

struct room {
	struct yaml_doc *doc; /* of the settings */
	struct service_config cfg;
	struct room_fd table[ROOM_FDS_MAX];
	size_t fds;
	struct store *store;
	struct doc_kind *doc_kinds;
	struct docs *docs;
	struct auth *tokens;
	struct api *api;
	struct http_tls *tls;
	struct http_shared *http;
	unsigned workers;
	struct room_worker *worker;
	_Atomic unsigned running;
	bool stopping;
	struct authority authority;
	/* tick.c */
	int64_t position_at_ms, tidy_at_ms;
	uint64_t position;
	pthread_t catcher;
	_Atomic int catching; /* 0 none, 1 runs, 2 has ended */
	atomic_bool catch_stop;
	bool was_up;
	int64_t catch_at_ms, catch_began_ns;
	uint64_t caught_up; /* its position */
};

/* fds.c: settings and table; ROOM_EXIT_CONFIG when they are not as they must be. */
bool room_read_settings(struct room *r, struct error *e) must_check;
bool room_read_table(struct room *r, struct error *e) must_check;

/* access_file.c: -1 and false of *ok: cannot. */
int access_open(const char *where, bool *ok, struct error *e) must_check;

/* tls.c: certificate and key as the settings say; new or into t. */
bool room_tls(struct room *r, struct error *e) must_check;
/* selfsigned.c: kept beside the store, made anew when its names changed or its end is
 * near. PEM into both. */
bool selfsigned_get(const struct service_config *cfg, int64_t now_s,
    struct buf *certificate, struct buf *key, struct error *e) must_check;

/* authority.c: what was issued last, if it is still good; when to renew it. */
bool authority_kept(const struct service_config *cfg, int64_t now_s,
    struct buf *certificate, struct buf *key, int64_t *renew_s) must_check;
void authority_tick(struct room *r, int64_t now_ms);

/* run.c */
bool room_open(struct room *r, struct error *e) must_check;
bool room_start(struct room *r, struct error *e) must_check;
/* After all workers have ended. */
bool room_close(struct room *r, struct error *e) must_check;

/* control.c: until the supervisor says stop and all workers have ended. */
bool room_control(struct room *r, struct error *e) must_check;

/* tick.c: several times a second, from the control loop. */
void room_tick(struct room *r);
/* Every worker's loop has turned lately, else this room hangs, whatever its main thread
 * does. One that has ended does not count. Asks them as well. */
bool room_workers_alive(struct room *r, int64_t now_ms);
/* Reads the register from the store's position; sets the api's. */
bool room_catch_up(struct room *r, struct error *e) must_check;
