/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The TBSCertList that follows from the register: a pure function of the records
 * before a position and of the list's own INTENT, so that any past list can be
 * written again byte for byte.
 */
#include <chancery/pki/crl.h>
#include <chancery/register/state.h>

/* "partition:1" … */
#define CRL_PARTITION_MAX 1000000
/* The URL of a distribution point. */
#define CRL_URL_MAX 1000

struct crl_text {
	const struct reg_state *state;
	struct sha256 key;
	const struct state_crl *last; /* previous list of the scope, or NULL */
	uint64_t position;            /* records before it count             */
	const char *scope;
	struct crl_params p;
};

/* "full" (*partition is -1) or "partition:N", N from 1. */
bool crl_scope_check(const char *scope, int64_t *partition,
    struct error *e) must_check;
bool crl_text_write(const struct crl_text *t, crl_sink *sink, void *arg,
    uint8_t *digest, size_t *digest_len, uint64_t *tbs_bytes, uint64_t *entries,
    struct error *e) must_check;
