/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The publisher room: one thread, one loop around curl_multi_poll. A job comes over a port
 * of a server worker (an outlane), becomes an errand, makes calls to an outside service, and
 * is answered over that port; when the port is gone its answer is dropped.
 */
#include <sys/queue.h>

#include <chancery/config/service.h>
#include <chancery/wire/jobs.h>
#include <chancery/wire/port.h>
#include <chancery/wire/room.h>

struct publisher;

/* ---- outside services (outside.c) --------------------------------------- */

/* An address with what is needed to speak to it: authorities, our own credentials. */
struct outside;
struct outsides; /* all of them, and the connections */
struct outsides *outsides_new(const struct service_config *cfg,
    struct error *e) must_check;
void outsides_free(struct outsides *o);
/* Read the files again; on failure the old contents stay. */
bool outsides_reload(struct outsides *o, const struct service_config *cfg,
    struct error *e) must_check;
struct outside *outside_get(struct outsides *o, size_t service);

struct outside_reply {
	enum fail why; /* FAIL_NONE: there is an answer, whatever its status */
	const char *msg;
	long status;
	struct bytes token; /* that was sent */
	struct bytes body;  /* in locked memory, wiped after the call back */
};
typedef void outside_done_fn(void *arg, const struct outside_reply *r);
struct outside_request {
	const char *path;       /* "/v1/auth/token/lookup-self" */
	struct bytes token;     /* X-Vault-Token; copied into locked memory */
	const char *name_space; /* X-Vault-Namespace or NULL */
	int64_t timeout_ms; /* from now on, waiting for a connection included */
	outside_done_fn *done; /* once, later; arg lives until then */
	void *arg;
};
/* GET. FAIL_BUSY beyond LIMIT_OUTSIDE_CALLS, at once. */
bool outside_get_path(struct outside *to, const struct outside_request *q,
    struct error *e) must_check;
/* Wait up to ms for these descriptors and for connections, then do what is due. */
struct curl_waitfd;
void outsides_poll(struct outsides *o, struct curl_waitfd *fds, unsigned n,
    int ms);

/* ---- jobs (jobs.c, vault.c, press.c) ----------------------------------------------- */

struct desk {
	LIST_ENTRY(desk) link;
	struct publisher *room;
	uint32_t index; /* of the server's worker */
	struct port *port;
	LIST_HEAD(, errand) errands;
};
struct errand {
	LIST_ENTRY(errand) link;
	struct desk *desk; /* NULL: nobody waits for it any more */
	struct publisher *room;
	enum job job;
	uint64_t id;
	uint32_t service;
};
/* Takes the descriptor; one of the same index is closed. */
void desk_open(struct publisher *p, uint32_t index, int fd);
/* Read what is there. False: it is closed. */
bool desk_read(struct desk *d) must_check;
bool desk_flush(struct desk *d) must_check;
void desk_close(struct desk *d);

/* Begin it; ends with exactly one errand_answer, perhaps at once. *fd: the descriptor that came
 * with it, or -1; it may be taken. */
typedef void errand_fn(struct errand *e, const struct job_request *q, int *fd);
errand_fn vault_lookup, publish_object;
/* Frees it. */
void errand_answer(struct errand *e, const struct job_answer *a);
void errand_fail(struct errand *e, enum fail why, const char *msg);

/* ---- the room (room.c, control.c, settings.c) ------------------------------ */

#define PUBLISHER_FDS_MAX (SERVICE_WORKERS_MAX + 16)
struct publisher {
	struct yaml_doc *doc;
	struct service_config cfg;
	struct outsides *outsides;
	struct presses *presses; /* press.h */
	LIST_HEAD(, desk) desks;
	bool stopping;
	int64_t alive_ns;
};
/* From the fixed descriptors. */
bool publisher_settings(struct publisher *p, struct error *e) must_check;
bool publisher_settings_read(int fd, struct service_config *out,
    struct yaml_doc **doc, struct error *e) must_check;
bool publisher_desks(struct publisher *p, struct error *e) must_check;
/* Never blocks. */
void publisher_say(enum room_message m, struct bytes body);
void publisher_control(struct publisher *p);
int publisher_run(struct publisher *p);

/* memory.c: what curl, OpenSSL and jansson give back is wiped; all of the process is locked
 * where RLIMIT_MEMLOCK lets it. First of all in main. */
void publisher_memory_init(void);
