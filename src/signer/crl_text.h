/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The TBSCertList that follows from the register: a pure function of the records
 * before a position and of the list's own INTENT, so that any past list can be
 * written again byte for byte.
 */
#include <chancery/base/limits.h>
#include <chancery/pki/crl.h>
#include <chancery/register/register.h>
#include <chancery/register/state.h>

/* "partition:1" … */
#define CRL_PARTITION_MAX 1000000

enum crl_scope_kind {
	CRL_FULL,
	CRL_PARTITION,
	CRL_DELTA,
	CRL_CALLER, /* its text is the caller's */
	/* A sealed list of an emergency kit: the full list, and as revoked the certificates of
	 * these authorities too. "kit", "kit:12+345": records of their INTENTs. */
	CRL_KIT
};
#define CRL_KIT_CERTS_MAX 8
struct crl_scope {
	enum crl_scope_kind kind;
	uint32_t partition;
	uint64_t cert[CRL_KIT_CERTS_MAX]; /* ascending */
	size_t certs;
};
/* Whether its numbers are those of the full lists. */
static inline bool
crl_scope_is_full_series(enum crl_scope_kind kind)
{
	return kind == CRL_FULL || kind == CRL_DELTA || kind == CRL_KIT;
}
/* FAIL_BAD_INPUT names the scopes there are. `text` may be NULL. */
bool crl_scope_parse(const char *text, struct crl_scope *out,
    struct error *e) must_check;
/* The folder of a scope's lists: <root>/<key>/<scope, ':' as '-'>. */
char *crl_list_dir(const char *root, const struct sha256 *key,
    const char *scope) must_check;
/* The same, made where it is missing; NULL: it cannot be. */
char *crl_list_dir_make(const char *root, const struct sha256 *key,
    const char *scope, struct error *e) must_check;

struct crl_text {
	const struct reg_state *state;
	struct sha256 key;
	/* crl_text_after: the previous list of the scope, or NULL; and its position: what was
	 * recorded from there until its own INTENT is not on it. */
	const struct state_crl *last;
	uint64_t listed;
	uint64_t position; /* records before it count             */
	uint64_t
	    since; /* of a delta: records from here on, its base's position */
	struct crl_scope scope; /* not CRL_CALLER */
	/* Of a kit: entries beyond the records, in ascending order. */
	struct crl_entry extra[CRL_KIT_CERTS_MAX];
	size_t extra_n;
	struct crl_params p;
};
/* t->extra of t->scope, dated t->p.this_update_s. FAIL_BAD_INPUT: a record is not the INTENT of
 * an authority's certificate by that key, before t->position. */
bool crl_kit_entries(struct reg *r, struct crl_text *t,
    struct error *e) must_check;

/* t->last, which is borrowed, and t->listed. */
bool crl_text_after(struct crl_text *t, const struct state_crl *last,
    struct reg *r, struct error *e) must_check;

/* Bit by bit; REVOKEs and segment ends in between do no harm. `t` is borrowed. */
struct crl_text_writer;
struct crl_text_writer *crl_text_writer_new(const struct crl_text *t,
    crl_sink *sink, void *arg, struct error *e) must_check;
void crl_text_writer_free(struct crl_text_writer *w); /* NULL is fine */
/* Looks at no more than *left records, and takes off as many as it did. */
bool crl_text_go_on(struct crl_text_writer *w, uint64_t *left, bool *done,
    struct error *e) must_check;
const struct crl_written *crl_text_written(const struct crl_text_writer *w);

/* At once. */
bool crl_text_write(const struct crl_text *t, crl_sink *sink, void *arg,
    uint8_t *digest, size_t *digest_len, uint64_t *tbs_bytes, uint64_t *entries,
    struct error *e) must_check;
