/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whole Extensions, written backwards. `max` bounds NULL-ended lists. */
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>
#include <chancery/pki/der.h>
#include <chancery/pki/ext.h>
#include <chancery/pki/profile.h>

/* The value stands since `mark`: OCTET STRING, critical, OID around it. */
void ext_w_wrap(struct der_writer *w, const char *oid, bool critical,
    size_t mark);
void ext_w_basic_constraints(struct der_writer *w, int path_len);
void ext_w_key_usage(struct der_writer *w, unsigned bits);
void ext_w_eku(struct der_writer *w, const char *const *eku, size_t max);
void ext_w_ski(struct der_writer *w, const uint8_t id[20]);
void ext_w_aki(struct der_writer *w, const uint8_t id[20]);
void ext_w_general_name(struct der_writer *w, const struct general_name *g);
void ext_w_san(struct der_writer *w, const struct general_name *names, size_t n,
    bool critical);
void ext_w_crl_dp(struct der_writer *w, const char *const *urls, size_t max,
    unsigned partition);
void ext_w_aia(struct der_writer *w, const struct profile *p);
void ext_w_policies(struct der_writer *w, const struct profile *p);
void ext_w_nocheck(struct der_writer *w);
void ext_w_must_staple(struct der_writer *w);
/* Nothing when the profile has no constraints. */
bool ext_w_name_constraints(struct der_writer *w, const struct profile *p,
    struct error *e) must_check;

bool url_has_partition(const char *url);
/* [6] URI with "{partition}" replaced. */
void der_w_url(struct der_writer *w, const char *url, unsigned partition);
