/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The kinds of targets: each knows how to look at an object and how to put one there. */
#include <stdatomic.h>

#include "object.h"

/* One publication on its way: in the thread of its target, which may wait. */
struct passage {
	const struct service_target *target;
	struct object *object;
	const _Atomic bool *stop;
	int64_t deadline_ns; /* clock_mono_ns */
	struct web *web;     /* http, s3 */
	char etag[160]; /* of what is there, for If-Match; "": none was told */
};

/* What is at the target; THERE_NOTHING where nothing is. */
typedef bool target_look_fn(struct passage *p, enum there *there,
    struct facts *facts, struct error *e);
/* Readers see the old object or the new one, and in the end the new one. `there` is what was
 * seen before. */
typedef bool target_put_fn(struct passage *p, enum there there,
    struct error *e);
target_look_fn files_look, web_look;
target_put_fn files_put, web_put;

/* What readers get from public_url. */
bool public_look(struct passage *p, enum there *there, struct facts *facts,
    struct error *e) must_check;

/* ---- HTTP (web.c) ---- */
struct web;
/* Reads the credentials. */
struct web *web_new(const struct passage *p, struct error *e) must_check;
void web_free(struct web *w);
DEFINE_AUTO(web, struct web *, web_free)
#define auto_web auto_cleanup(web_cleanup)

/* A sleep that the end of the publisher and the deadline cut short; false then. */
bool passage_rest(const struct passage *p, int64_t ms) must_check;

/* The stages, one after the other; see publish.c. */
bool publish(struct passage *p, struct job_answer *out,
    struct error *e) must_check;
