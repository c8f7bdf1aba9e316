/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The API as the program sees it: what it stands on, one handler for all HTTP workers,
 * and what it tells about itself. core/ has the way of a request.
 */
#include <chancery/base/cleanup.h>
#include <chancery/config/service.h>
#include <chancery/server/auth.h>
#include <chancery/server/call.h>
#include <chancery/server/docs.h>
#include <chancery/server/http.h>
#include <chancery/server/lane.h>
#include <chancery/server/route.h>
#include <chancery/store/store.h>

/* What sys/seal-status, sys/health and the log say we are compatible with: strict semver,
 * no suffix (vault-pki-api.md D5). */
#define API_VERSION "1.21.0"

/* The backends of this program, NULL ends: sys, token, and what is there to mount. */
extern const struct backend *const api_backends[];
extern const struct backend sys_backend;

struct outlane; /* server/outlane.h */

struct api_config {
	struct store *store;
	struct docs *docs;
	struct auth *tokens;
	const struct service_config *settings; /* outlives the api */
	const struct backend *const *backends;
	unsigned workers;
	call_wrap_fn *wrap; /* NULL: X-Vault-Wrap-TTL is refused */
	const struct clock *clock;
	int access_fd; /* access log; -1: off. Taken over. */
};
struct api *api_new(const struct api_config *cfg) must_check;
/* After all workers have ended. */
void api_free(struct api *a);
/* Before worker `index` runs. The lane is borrowed. */
void api_worker(struct api *a, unsigned index, struct http_worker *w,
    struct lane *lane);
/* Where that worker asks about tokens of other services (settings->vault). */
void api_outlane(struct api *a, unsigned index, struct outlane *o);
/* http_handler_fn; arg is the api. */
void api_handle(void *arg, struct http_exchange *x);
/* http_config's wants_cert: there is a mount where certificates log in. */
bool api_wants_cert(void *arg);
/*
 * A call of the service's own, in the thread of that worker: no exchange, no policy, named
 * `who` in records. `given` is the body (stolen); the answer is borrowed for `done`.
 * Rows that stream or read the exchange are not for it.
 */
typedef void api_done_fn(void *arg, int status, struct bytes body);
struct api_own_call {
	enum operation op;
	const char *path;
	json_t *given;
	const char *who; /* for whom; NULL: "server" */
};
void api_call(struct api *a, unsigned worker, const struct api_own_call *own,
    api_done_fn *done, void *arg);
/* http_refused_fn: a line of the access log for what never became a request. */
void api_refused(void *arg, const char *peer, int status, const char *why);
/* For metrics; before the workers run. */
void api_http(struct api *a, struct http_shared *http);
/* Any thread: a new access log (SIGHUP after rotation); -1: off. Taken over. */
void api_access_reopen(struct api *a, int fd);
/*
 * Where the store is (store.h, store_position): every record of ours below it has its rows.
 * After the catch-up at start, and after each later one: api_caught_up with the position it
 * reached (what is beyond may have an INTENT whose outcome nobody waits for) and when it
 * began (clock_mono_ns). Any thread.
 */
uint64_t api_position(struct api *a);
void api_caught_up(struct api *a, uint64_t next, int64_t began_ns);
/* A reply was lost whose record may exist: the position waits for a catch-up. */
bool api_has_lost(struct api *a) must_check;
/* A change of configuration is in the register or is not: until a catch-up has told, no
 * other one is made. */
bool api_awaits_catch_up(struct api *a) must_check;
/* Any thread, every second: have the workers look at their lanes, and answer changes that
 * have waited too long for their turn; how many lanes were up when they last did. */
void api_look(struct api *a);
unsigned api_lanes_up(struct api *a);
/* Prometheus text. Any thread. */
void api_metrics(struct api *a, struct buf *out);
/* What stands before the rows of one of them; and one that is a number alone. */
void metrics_head(struct buf *out, const char *name, const char *type,
    const char *help);
void metrics_number(struct buf *out, const char *name, const char *type,
    const char *help, uint64_t value);
