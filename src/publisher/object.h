/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One object that is to be published: octets of a known length, read from front to end as
 * often as needed, and what is known of them. A list stays in its file.
 */
#include <chancery/base/cleanup.h>
#include <chancery/config/service.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/crl.h>
#include <chancery/wire/jobs.h>

/* What of a list says which is the newer one, and that it is of the same kind. */
struct facts {
	uint64_t number;
	int64_t this_s, next_s;
	bool delta;
	struct sha256 url; /* of its distribution point; of nothing: none */
};

struct facts facts_of(const struct crl_view *v);

struct object {
	enum job_form form;
	const char *name;
	uint64_t length;
	struct cert issuer;
	struct facts facts; /* of a list */
	/* Where it lies. */
	int fd; /* -1: in `memory` */
	uint64_t file_n;
	struct buf memory;
	/* Reading. */
	uint64_t at; /* octets of fd or memory that were taken */
	struct buf pem;
	size_t pem_at;
	uint64_t pem_made; /* octets of its text so far */
};

/* `fd` is borrowed; -1 for certificates. The list is parsed, its signature verified with the
 * issuer's key, its number compared; `stop` ends it (FAIL_ABORTED). */
bool object_open(struct object *o, const struct job_request *q, int fd,
    const _Atomic bool *stop, struct error *e) must_check;
void object_close(struct object *o);
#define auto_object auto_cleanup(object_close)
bool object_is_list(const struct object *o) must_check;
bool object_is_pem(const struct object *o) must_check;

void object_rewind(struct object *o);
/* Up to n octets into p; 0 with *ok: the end. */
size_t object_read(struct object *o, void *p, size_t n, bool *ok);
bool object_hash(struct object *o, struct sha256 *out,
    struct error *e) must_check;

/* ---- what somebody else has under that name ---- */
enum there {
	THERE_NOTHING,
	THERE_SAME,
	THERE_OLDER,
	THERE_NEWER,
	THERE_OTHER /* no list of this issuer and kind: it is no reason to wait */
};
struct look;
struct look *look_new(struct object *ours) must_check;
void look_free(struct look *l);
DEFINE_AUTO(look, struct look *, look_free)
#define auto_look auto_cleanup(look_cleanup)
/* The next octets that are there. False: what comes cannot matter any more. */
bool look_add(struct look *l, struct bytes piece) must_check;
/* All came. `facts` of a list that is older or newer. FAIL_UNSUPPORTED: nobody can tell. */
bool look_end(struct look *l, enum there *out, struct facts *facts,
    struct error *e) must_check;
