/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One API request on its way: what a handler is given and how it ends. A handler runs
 * in a worker's thread and ends with exactly one of: an answer (call_ok and its kin), or
 * a step (call_certify …) whose continuation is called in the same thread later with
 * c->reply filled; errors of a step are answered by call_fail_reply unless the
 * continuation looks itself. It never blocks.
 */
#include <jansson.h>

#include <chancery/base/cleanup.h>
#include <chancery/server/docs.h>
#include <chancery/server/http.h>
#include <chancery/server/lane.h>
#include <chancery/server/route.h>
#include <chancery/store/store.h>

struct token; /* server/auth.h */
struct auth;
struct api;
struct service_config; /* config/service.h */

struct mount {
	char path
	    [256]; /* "kafka-int-ca", "auth/approle", "sys", without slashes at the ends */
	char type[32]; /* "pki", "approle", "token", "system" */
	char accessor[32], uuid[40];
	char description[512];
	int64_t default_ttl_s,
	    max_ttl_s;         /* effective: system default where 0 */
	const struct doc *doc; /* its document; NULL for built-in ones */
};

struct call {
	struct api *api;
	struct http_exchange *x;
	struct lane *lane;
	struct store *store;
	struct docs *docs;
	struct auth *tokens;
	const struct service_config *settings;
	const struct route *route;
	enum operation op;
	const struct mount *mount; /* lives as long as the call */
	const char *path; /* below the mount, without leading slash, decoded */
	/* Fields after typing that were sent or captured; what the others are. Read through
	 * call_get and its kin. */
	json_t *typed;
	const json_t *defaults; /* of the row, shared by all its calls */
	json_t *
	    given; /* what the caller sent, name → value before typing (PATCH: null
	                  resets); captures not included */
	const struct token *token; /* NULL on ROUTE_UNAUTH without a token */
	int64_t now_s;
	int64_t wrap_ttl_s; /* X-Vault-Wrap-TTL; 0: none */
	char id[37];        /* request id as UUID text */
	json_t *warnings;   /* NULL or array */
	json_t *data;       /* answer being built; NULL */
	json_t *auth;       /* auth object of logins; NULL */
	char
	    *lease_id; /* of what is answered; owned; NULL: nothing is leased */
	int64_t lease_s;
	const struct lane_reply *reply; /* in a continuation only */
	void *state;                    /* handler's own, between steps */
	void (*state_free)(void *state);
	char who[300]; /* claim: "token:<display name>" */
	char why[512]; /* claim: full path, as policies see it */
};

/* ---- fields, with their defaults: typed reads (a name that the row lacks is a bug: fatal).
 * What is borrowed here is not changed: defaults are everybody's. ---- */
const char *call_str(const struct call *c,
    const char *field); /* "" when empty */
int64_t call_int(const struct call *c,
    const char *field); /* INT, DURATION, TIME */
bool call_bool(const struct call *c, const char *field);
/* Borrowed; NULL: the row lacks it. */
json_t *call_get(const struct call *c, const char *field);
/* All fields of the row, fresh; its members are shared. */
json_t *call_all(const struct call *c);
json_t *call_list(const struct call *c, const char *field); /* borrowed array */
json_t *call_json(const struct call *c, const char *field); /* borrowed */
bool call_given(const struct call *c, const char *field);   /* caller sent it */

/* ---- answers: each ends the call ---- */
void call_ok(struct call *c, json_t *data); /* 200, envelope; steals data */
void call_no_content(struct call *c);       /* 204, or 200 with warnings */
void call_accepted(struct call *c);         /* 202, data null: it goes on */
void call_not_found(struct call *c);        /* 404 {"errors":[]} */
void call_error(struct call *c, int status, const char *fmt, ...)
    printf_like(3, 4);
/* 400 for the caller's faults (BAD_INPUT, REFUSED …), 403 PERMISSION, 404 NOT_FOUND, 503
 * + Retry-After for what passes (BUSY, TIMEOUT, HSM_GONE, PIN: "sealed"), 500 else. */
void call_fail(struct call *c, const struct error *e);
void call_fail_reply(struct call *c); /* c->reply->err, rule and field told */
void call_end_reply(struct call *c);  /* call_no_content or call_fail_reply */
void call_auth(struct call *c);       /* c->auth in the envelope, data null */
void call_raw(struct call *c, int status, const char *type, struct bytes body);
/* Data that holds a private key: serialised into locked memory, wiped. Steals. */
void call_ok_secret(struct call *c, json_t *data);
/* Flat answers without envelope (sys/health, sys/seal-status). Steals. */
void call_flat(struct call *c, int status, json_t *body);
/* As call_ok, long: next() appends the JSON text of `data` in pieces (http_send_stream). */
void call_ok_stream(struct call *c, http_next_fn *next,
    void (*release)(void *arg), void *arg);
/* The worker has as many calls as it takes; this one is answered from what is at hand
 * (ROUTE_SPARE, ROUTE_PUBLIC). */
bool call_is_spare(const struct call *c) must_check;
/* `length` octets of a file from an offset on, by descriptor, taken over (CRLs). */
void call_file(struct call *c, int status, const char *type, int fd,
    uint64_t from, uint64_t length);
/* As call_raw, of a body that next() makes in pieces, `length` octets in all
 * (http_send_stream_sized). */
void call_stream(struct call *c, int status, const char *type, uint64_t length,
    http_next_fn *next, void (*release)(void *arg), void *arg);
/* Instead of "no-store", for what is public; before the answer. */
void call_cache_control(struct call *c, const char *value);
/* Data whose keys also stand at the top level (sys/mounts …). Steals. */
void call_ok_flat(struct call *c, json_t *data);
/* {"keys":[…],"key_info":{…}}; 404 when there are none. Steals both; info may be NULL. */
void call_keys(struct call *c, json_t *keys, json_t *info);
void call_warn(struct call *c, const char *fmt, ...) printf_like(2, 3);
/*
 * Response wrapping. When the caller asked for it, call_ok, call_ok_secret, call_auth and
 * call_keys hand the whole envelope to this instead of sending it; it stores it and ends with
 * call_wrap_info (data null), or with an error. api.h names the one that is used.
 */
typedef void call_wrap_fn(struct call *c, json_t *envelope); /* steals */
void call_wrap_info(struct call *c, json_t *wrap_info);      /* steals */
/* The answer that was wrapped, as it is: request_id and all. Steals. */
void call_envelope(struct call *c, json_t *envelope);

/* ---- steps ---- */
void call_certify(struct call *c, const struct sha256 *key, struct bytes tbs,
    const char *profile, call_fn *next);
void call_sign_csr(struct call *c, const struct sha256 *key, struct bytes info,
    call_fn *next);
void call_sign_crl(struct call *c, const struct lane_crl *req, call_fn *next);
void call_revoke(struct call *c, const struct lane_revoke *req, call_fn *next);
void call_key_generate(struct call *c, const struct lane_keygen *req,
    call_fn *next);
/* IMPORT of another log; what it brings to the store is not put by it (server/catchup.h). */
void call_import(struct call *c, const struct lane_import *req, call_fn *next);
/* A serial, at once or when the signer sends more; `out` lies in the call's state. */
void call_serial(struct call *c, uint8_t out[LIMIT_SERIAL_BYTES],
    call_fn *next);
/*
 * Change documents. Changes of the whole process are made one after another: `build` runs when
 * it is this call's turn, reads what is there, and puts changes with change_put / change_delete;
 * returning false it has answered the call itself (nothing changes). Then the
 * CONFIG record is made durable, the store commits, the cache follows, next runs.
 */
struct changes;
typedef bool build_fn(struct call *c, struct changes *ch);
void call_change(struct call *c, const char *what, build_fn *build,
    call_fn *next); /* failed: c->reply->ok is false, as after every step */
/* An EVENT record, durable. */
void call_event(struct call *c, const char *what, json_t *body, call_fn *next);
/* value is stolen; it is stored as canonical JSON. */
void change_put(struct changes *ch, const char *kind, const char *scope,
    const char *name, json_t *value);
void change_delete(struct changes *ch, const char *kind, const char *scope,
    const char *name);
/* Write secrets, durable; next sees c->reply->ok. */
void call_secrets(struct call *c, const struct store_secret_change *ch,
    size_t n, call_fn *next); /* copies; on failure c->reply->err */
/* Run fn(c->state) on a helper thread (key generation in software, PBKDF), then next
 * here. */
void call_offload(struct call *c, void (*fn)(void *state), call_fn *next);
/* Wait for another call of this worker, whose continuation wakes it with a reply; it has to
 * come for certain, and soon. */
void call_wait(struct call *c, call_fn *next);
void call_wake(struct call *c, const struct lane_reply *r);

/* ---- mounts ---- */
/* The mount object of exactly that path ("pki/int", "auth/approle"), or a built-in one;
 * false: there is none. mount_release gives its document back. */
bool mount_find(struct docs *d, const struct service_config *cfg,
    const char *path, struct mount *out) must_check;
void mount_release(struct mount *m);
