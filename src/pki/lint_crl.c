/* SPDX-License-Identifier: Apache-2.0 */

/* Rules of certificate revocation lists. */
#include <chancery/base/limits.h>
#include <chancery/pki/lint.h>

#include "lint_checks.h"

#define DAY ((int64_t)86400)
#define LEAF_CRL_DAYS 10 /* BR 4.9.7 */
#define CRL_DAYS 366     /* BR 4.9.7: of a CA, twelve months */

static bool
check_version(const struct lint_crl_context *c, struct error *e)
{
	return c->crl->version == 2 || lint_bad(e, "not version 2");
}

static bool
check_issuer(const struct lint_crl_context *c, struct error *e)
{
	return bytes_eq(c->crl->issuer, c->issuer_name) ||
	    lint_bad(e, "issuer is not the issuer's subject");
}

static bool
check_aki(const struct lint_crl_context *c, struct error *e)
{
	return (c->crl->has_aki &&
		   bytes_eq(c->crl->aki, bytes_of(c->issuer_key_id, 20))) ||
	    lint_bad(e, "authority key identifier is not the issuer's");
}

/* A list and its deltas share one series; scopes have their own. */
static bool
check_number(const struct lint_crl_context *c, struct error *e)
{
	if (!c->crl->has_number)
		return lint_bad(e, "no CRL number");
	return c->previous == NULL || c->crl->number > c->previous->number ||
	    lint_bad(e, "number %ju, the previous list has %ju",
		(uintmax_t)c->crl->number, (uintmax_t)c->previous->number);
}

static bool
check_times(const struct lint_crl_context *c, struct error *e)
{
	if (c->crl->next_update_s <= c->crl->this_update_s)
		return lint_bad(e, "nextUpdate is not after thisUpdate");
	if (c->crl->this_update_s > c->now_s + LIMIT_FUTURE_S)
		return lint_bad(e, "thisUpdate is in the future");
	return c->previous == NULL ||
	    c->crl->this_update_s >= c->previous->this_update_s ||
	    lint_bad(e, "thisUpdate is before the previous list's");
}

static bool
check_period(const struct lint_crl_context *c, struct error *e)
{
	int64_t days = c->crl->idp_only_user ? LEAF_CRL_DAYS : CRL_DAYS;

	return c->crl->next_update_s - c->crl->this_update_s <= days * DAY ||
	    lint_bad(e, "valid for more than %jd days", (intmax_t)days);
}

static bool
check_idp(const struct lint_crl_context *c, struct error *e)
{
	if (!c->crl->has_idp)
		return true;
	if (!c->crl->idp_critical)
		return lint_bad(e, "issuing distribution point not critical");
	if (c->crl->idp_other || (c->crl->idp_only_user && c->crl->idp_only_ca))
		return lint_bad(e, "indirect or contradicting scope");
	return c->crl->idp_url.n > 0 || c->crl->idp_only_user ||
	    c->crl->idp_only_ca || lint_bad(e, "empty distribution point");
}

static bool
check_scope(const struct lint_crl_context *c, struct error *e)
{
	return c->previous == NULL ||
	    (c->crl->has_idp == c->previous->has_idp &&
		bytes_eq(c->crl->idp_url, c->previous->idp_url)) ||
	    lint_bad(e, "the previous list has another scope");
}

static bool
check_delta(const struct lint_crl_context *c, struct error *e)
{
	if (!c->crl->has_delta)
		return true;
	if (!c->crl->delta_critical)
		return lint_bad(e, "delta indicator not critical");
	return c->crl->delta_base < c->crl->number ||
	    lint_bad(e, "delta base is not below its number");
}

static bool
check_one(const struct lint_crl_context *c, const struct crl_entry *now,
    const struct crl_entry *last, size_t n, struct error *e)
{
	if (n > 0 &&
	    memcmp(last->serial, now->serial, sizeof(now->serial)) >= 0)
		return lint_bad(e, "entry %zu: not in ascending order", n);
	if (now->revoked_s > c->crl->this_update_s)
		return lint_bad(e, "entry %zu: revoked after thisUpdate", n);
	if (now->reason == CRL_HOLD)
		return lint_bad(e, "entry %zu: certificateHold", n);
	return now->reason != CRL_REMOVE || c->crl->has_delta ||
	    lint_bad(e, "entry %zu: removeFromCRL in a full list", n);
}

static bool
check_entries(const struct lint_crl_context *c, struct error *e)
{
	struct crl_entry now, last = { 0 };
	size_t at = 0, n = 0;

	if (c->crl->empty_list)
		return lint_bad(e, "an empty list that stands there");
	for (; crl_next_entry(c->crl, &at, &now, e); n++) {
		if (!check_one(c, &now, &last, n, e))
			return false;
		last = now;
	}
	return e->why == FAIL_NONE;
}

const struct lint_crl_rule lint_crl_rules[] = {
	{ "crl-version", "RFC 5280 5.1.2.1", "version 2", check_version },
	{ "crl-issuer", "RFC 5280 5.1.2.3",
	    "issuer is the issuer's subject, octet for octet", check_issuer },
	{ "crl-aki", "RFC 5280 5.2.1",
	    "authority key identifier is the issuer's", check_aki },
	{ "crl-number", "RFC 5280 5.2.3",
	    "a number, greater than that of the list before", check_number },
	{ "crl-times", "RFC 5280 5.1.2.4, 5.1.2.5",
	    "thisUpdate not ahead, nextUpdate after it", check_times },
	{ "crl-period", "BR 4.9.7",
	    "ten days for leaves only, twelve months otherwise", check_period },
	{ "crl-idp", "RFC 5280 5.2.5, BR 7.2.2.1",
	    "scope critical, direct and not contradicting", check_idp },
	{ "crl-scope", "RFC 5280 5.2.5", "same scope as the list before",
	    check_scope },
	{ "crl-delta", "RFC 5280 5.2.4",
	    "delta indicator critical, its base below its number",
	    check_delta },
	{ "crl-entries", "RFC 5280 5.3, BR 7.2.2",
	    "ascending, dated before the list, no hold; absent when empty",
	    check_entries },
};
const size_t lint_crl_rules_count = countof(lint_crl_rules);

bool
lint_crl(const struct crl_view *crl, const struct crl_view *previous,
    struct bytes issuer_name, const uint8_t issuer_key_id[20], int64_t now_s,
    struct error *e)
{
	struct lint_crl_context c = { crl, previous, issuer_name, issuer_key_id,
		now_s };

	for (size_t i = 0; i < countof(lint_crl_rules); i++)
		if (!lint_crl_rules[i].check(&c, e))
			return error_context(e, "%s", lint_crl_rules[i].name);
	return true;
}
