/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The PKI engine in its room: what main and core need of it. A mount of type "pki" is an
 * authority; its documents are "pki-role", "pki-issuer" and "pki-key" (by UUID), and
 * "pki-config" (urls, crl, issuers, keys, cluster, auto-tidy), "pki-tidy", "pki-partition", scope: the mount's path.
 */
#include <jansson.h>

#include <chancery/base/clock.h>
#include <chancery/server/docs.h>
#include <chancery/server/lane.h>
#include <chancery/server/route.h>
#include <chancery/store/store.h>

extern const struct backend pki_backend;
/* NULL-kind ended. */
extern const struct doc_kind pki_doc_kinds[];

struct event_base;
struct api;
struct outlane;
struct yaml_list;
struct pki_settings {
	struct docs *docs;
	struct store *store;
	struct api *api; /* for calls of its own */
	const struct clock *clock;
	const char
	    *crl_dir; /* where the signer writes: <key>/<scope>/<number>.crl */
	int64_t ocsp_responder_life_s;
	bool ocsp_in_memory; /* keys of responders: here, not in the HSM */
	unsigned
	    ocsp_uncached_per_s; /* answers with a nonce, about what never was */
	unsigned rsa_pool;       /* prepared RSA-2048 keys for issue; 0: none */
	/* Of worker 0; NULL: there is no publisher. */
	struct outlane *outlane;
	const struct yaml_list *targets; /* struct service_target */
};
/*
 * Once, before any worker runs. The texts must live as long. CRLs of every issuer are
 * renewed, and tidies run, by timers in the loop of `base` (worker 0) through its lane.
 */
void pki_start(const struct pki_settings *s, struct event_base *base,
    struct lane *lane);
/* After the workers have ended: ends the pool's thread, wipes its keys, frees timers. */
void pki_stop(void);
/* Per worker, when its thread ends: caches of templates. */
void pki_worker_end(void);

/* Of lists of revoked certificates, as of some seconds ago. Any thread. */
/* Words such as "crl-overdue" that hold somewhere: a fresh array. */
json_t *pki_alarms(void) must_check;
/* Rows of Prometheus text, a bounded number. */
void pki_metrics(struct buf *out, int64_t now_s);
void pki_ocsp_metrics(struct buf *out);
/* The same of what is published. */
void publish_metrics(struct buf *out);
