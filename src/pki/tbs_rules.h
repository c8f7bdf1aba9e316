/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/pki/tbs.h>

/* What the profile and the issuer say of one request; `subject` is what will be
 * written. FAIL_REFUSED (FAIL_BAD_INPUT for malformed values) names the field. */
bool tbs_rules(const struct profile *p, const struct tbs_issuer *issuer,
    const struct tbs_request *r, struct bytes subject, const uint8_t key_id[20],
    struct error *e) must_check;

/* Parts of it that hold for every certificate. */
bool tbs_check_serial(struct bytes serial, struct error *e) must_check;
bool tbs_check_times(int64_t not_before_s, int64_t not_after_s,
    struct error *e) must_check;
bool tbs_check_characters(struct bytes subject, struct error *e) must_check;
