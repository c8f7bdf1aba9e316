/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The check functions of the lint table (lint.c), and what they share. */
#include <chancery/pki/lint.h>

typedef bool lint_check(const struct lint_context *c, struct error *e);

lint_check lint_der, lint_version, lint_serial, lint_algorithm, lint_key,
    lint_time_form, lint_validity, lint_validity_nested, lint_issuer_name,
    lint_aki, lint_subject_key, lint_unique_ids, lint_extensions;

lint_check lint_ca_basic_constraints, lint_ca_key_usage, lint_ca_ski,
    lint_cert_sign, lint_path_len, lint_key_usage_critical,
    lint_key_usage_key_type, lint_criticality, lint_name_constraints,
    lint_subject, lint_subject_strings, lint_san_critical, lint_san_form,
    lint_eku, lint_eku_key_usage, lint_policies, lint_crl_dp, lint_aia,
    lint_self_signed_names;

lint_check lint_house_serial, lint_house_ski, lint_house_crl_dp, lint_house_aia,
    lint_house_san, lint_house_ca_key, lint_house_root_extensions,
    lint_house_root_key_usage, lint_house_root_life, lint_house_root_path_len,
    lint_house_ca_path_len, lint_house_ca_key_usage, lint_house_ca_eku,
    lint_house_ca_life, lint_house_ca_name_constraints, lint_house_ca_subject,
    lint_house_ca_pointers, lint_house_leaf_key_usage, lint_house_leaf_life,
    lint_house_leaf_not_before, lint_house_leaf_revocation,
    lint_house_cn_in_san, lint_house_broker_eku, lint_house_broker_san,
    lint_house_client_eku, lint_house_client_cn, lint_house_kafka_subject,
    lint_house_ocsp_eku, lint_house_ocsp_extensions, lint_house_ocsp_life;

/* FAIL_REFUSED with the text; returns false. */
bool lint_bad(struct error *e, const char *fmt, ...) printf_like(2, 3);

static inline bool
lint_self_signed(const struct lint_context *c)
{
	return c->issuer == NULL;
}

static inline const struct ext *
lint_ext(const struct lint_context *c, enum ext_kind kind)
{
	return exts_find(&c->tbs->exts, kind);
}

/* House helpers (lint_house.c). */
int64_t lint_life_s(const struct lint_context *c);
bool lint_life_at_most(const struct lint_context *c, int64_t days,
    struct error *e) must_check;
/* None of these extensions. */
bool lint_absent(const struct lint_context *c, const enum ext_kind *kinds,
    size_t n, struct error *e) must_check;
/* The purposes are these one or two, in any order, and no other. */
bool lint_eku_exactly(const struct lint_context *c, const char *const *names,
    size_t want, struct error *e) must_check;
