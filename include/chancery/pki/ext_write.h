/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whole Extensions (RFC 5280 4.2), written backwards into a der_writer: what is written
 * last stands first. `max` bounds lists, which a NULL may end earlier. Nothing is
 * checked but what says so.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>
#include <chancery/pki/der.h>
#include <chancery/pki/ext.h>
#include <chancery/pki/profile.h>

/* The value stands since `mark`: OCTET STRING, critical, OID around it. */
void ext_w_wrap(struct der_writer *w, const char *oid, bool critical,
    size_t mark);
/* Any extension: OBJECT IDENTIFIER contents and OCTET STRING contents. */
void ext_w_raw(struct der_writer *w, struct bytes oid, bool critical,
    struct bytes value);
void ext_w_basic_constraints(struct der_writer *w, int path_len);
/* CA:FALSE by an empty sequence, critical, as Go's crypto/x509 writes it. */
void ext_w_basic_constraints_leaf(struct der_writer *w);
void ext_w_key_usage(struct der_writer *w, unsigned bits);
void ext_w_eku(struct der_writer *w, const char *const *eku, size_t max);
void ext_w_ski(struct der_writer *w, const uint8_t id[20]);
void ext_w_ski_bytes(struct der_writer *w, struct bytes id);
void ext_w_aki(struct der_writer *w, const uint8_t id[20]);
void ext_w_general_name(struct der_writer *w, const struct general_name *g);
void ext_w_san(struct der_writer *w, const struct general_name *names, size_t n,
    bool critical);
void ext_w_crl_dp(struct der_writer *w, const char *const *urls, size_t max,
    unsigned partition);
/* One DistributionPoint a URL. */
void ext_w_crl_dp_each(struct der_writer *w, const char *const *urls,
    size_t max, unsigned partition);
void ext_w_aia(struct der_writer *w, const char *const *ocsp, size_t ocsp_max,
    const char *const *ca_issuers, size_t ca_max);
/* A policy with its qualifiers (RFC 5280 4.2.1.4); NULL: none. */
struct policy_info {
	const char *oid, *cps /* IA5String */, *notice /* UTF8String */;
};
void ext_w_policies(struct der_writer *w, const struct policy_info *v,
    size_t n);
void ext_w_nocheck(struct der_writer *w);
void ext_w_must_staple(struct der_writer *w);
/* Critical; both sides empty: nothing. */
void ext_w_constraints(struct der_writer *w,
    const struct general_name *permitted, size_t permitted_n,
    const struct general_name *excluded, size_t excluded_n);
/* Nothing when the profile has no constraints. */
bool ext_w_name_constraints(struct der_writer *w, const struct profile *p,
    struct error *e) must_check;

bool url_has_partition(const char *url);
/* [6] URI with "{partition}" replaced. */
void der_w_url(struct der_writer *w, const char *url, unsigned partition);
