/* SPDX-License-Identifier: Apache-2.0 */

/* Whether a profile, built in or made by a plan or a role, holds together. */
#include <arpa/inet.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/pki/lint.h>
#include <chancery/pki/profile.h>

#include "internal.h"

#define ALL_BITS ((unsigned)((KU_DECIPHER_ONLY << 1) - 1))

static bool
bad(const struct profile *p, const char *field, const char *what,
    struct error *e)
{
	return error_set(e, FAIL_BAD_INPUT, "profile %s: %s: %s", p->name,
	    field, what);
}

static bool
bad_at(const struct profile *p, const char *field, size_t i, const char *text,
    struct error *e)
{
	return error_set(e, FAIL_BAD_INPUT, "profile %s: %s[%zu]: \"%.100s\"",
	    p->name, field, i, text);
}

bool
der_oid_valid(const char *dotted)
{
	uint64_t arc, first = 0;
	char part[24];
	size_t n = 0;

	for (const char *s = dotted;; n++) {
		size_t len = strcspn(s, ".");

		if (len == 0 || len >= sizeof(part) || n == 32)
			return false;
		memcpy(part, s, len);
		part[len] = '\0';
		if (!parse_u64(part, 0, n == 0 ? 2 : UINT32_MAX, &arc) ||
		    (n == 1 && first < 2 && arc > 39))
			return false;
		first = n == 0 ? arc : first;
		if (s[len] == '\0')
			return n >= 1;
		s += len + 1;
	}
}

/* "10.0.0.0/8" → address and mask; host bits must be zero. */
bool
cidr_parse(const char *text, uint8_t out[32], size_t *n)
{
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN];
	uint8_t v[32] = { 0 };
	uint64_t bits;
	size_t len;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(addr))
		return false;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	len = strchr(addr, ':') != NULL ? 16 : 4;
	if (inet_pton(len == 16 ? AF_INET6 : AF_INET, addr, v) != 1 ||
	    !parse_u64(slash + 1, 0, 8 * len, &bits))
		return false;
	for (size_t i = 0; i < bits; i++)
		v[len + i / 8] |= (uint8_t)(0x80 >> i % 8);
	for (size_t i = 0; i < len; i++)
		if ((v[i] & ~v[len + i]) != 0)
			return false;
	memcpy(out, v, 2 * len);
	*n = 2 * len;
	return true;
}

static bool
ldh_label(const uint8_t *p, size_t n)
{
	if (n == 0 || n > 63 || p[0] == '-' || p[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((p[i] >= 'a' && p[i] <= 'z') ||
			(p[i] >= 'A' && p[i] <= 'Z') ||
			(p[i] >= '0' && p[i] <= '9') || p[i] == '-'))
			return false;
	return true;
}

/* RFC 5280 4.2.1.6: preferred name syntax; a wildcard only as the whole first
 * of at least three labels, as no client accepts others reliably. */
bool
dns_valid(struct bytes name, bool wildcard)
{
	size_t start = 0, labels = 0;
	bool digits_only = true;

	if (name.n == 0 || name.n > 253)
		return false;
	if (wildcard && name.n > 2 && name.p[0] == '*' && name.p[1] == '.') {
		if (memchr(name.p + 2, '.', name.n - 2) == NULL)
			return false;
		start = 2;
	}
	for (size_t i = start; i <= name.n; i++) {
		if (i < name.n && name.p[i] != '.')
			continue;
		if (!ldh_label(name.p + start, i - start))
			return false;
		digits_only = true;
		for (size_t j = start; j < i; j++)
			digits_only &= name.p[j] >= '0' && name.p[j] <= '9';
		start = i + 1;
		labels++;
	}
	/* A name whose last label is a number is an IPv4 address to some. */
	return labels > 0 && !digits_only;
}

bool
url_valid(struct bytes url, const char *const *schemes)
{
	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] >= 0x7f)
			return false;
	for (; *schemes != NULL; schemes++) {
		size_t n = strlen(*schemes);

		if (url.n > n && memcmp(url.p, *schemes, n) == 0 &&
		    url.p[n] != '/')
			return true;
	}
	return false;
}

static bool
check_urls(const struct profile *p, const char *field, const char *const *urls,
    bool partition, struct error *e)
{
	static const char *const http[] = { "http://", NULL };

	/* Fetching these over https needs a certificate to check first. */
	for (size_t i = 0; i < PROFILE_URLS_MAX && urls[i] != NULL; i++)
		if (!url_valid(bytes_str(urls[i]), http) ||
		    (!partition && strchr(urls[i], '{') != NULL))
			return bad_at(p, field, i, urls[i], e);
	return true;
}

static bool
check_oids(const struct profile *p, struct error *e)
{
	for (size_t i = 0; i < PROFILE_EKUS_MAX && p->eku[i] != NULL; i++)
		if (eku_oid_by_name(p->eku[i]) == NULL &&
		    !der_oid_valid(p->eku[i]))
			return bad_at(p, "eku", i, p->eku[i], e);
	for (size_t i = 0; i < PROFILE_POLICIES_MAX && p->policy_oid[i] != NULL;
	     i++)
		if (!der_oid_valid(p->policy_oid[i]))
			return bad_at(p, "policy_oid", i, p->policy_oid[i], e);
	return true;
}

static bool
dns_constraint_valid(const char *text)
{
	struct bytes v = bytes_str(text);

	if (v.n > 1 && v.p[0] == '.')
		v = bytes_of(v.p + 1, v.n - 1);
	return dns_valid(v, false);
}

static bool
ip_constraint_valid(const char *text)
{
	uint8_t v[32];
	size_t n;

	return cidr_parse(text, v, &n);
}

static bool
dn_constraint_valid(const char *text)
{
	auto_buf struct buf der = { 0 };
	struct error ignored;

	return name_parse(text, &der, &ignored);
}

static bool
check_constraints(const struct profile *p, struct error *e)
{
	const struct {
		const char *field;
		const char *const *v;
		bool (*valid)(const char *);
	} lists[] = {
		{ "permitted_dns", p->permitted_dns, dns_constraint_valid },
		{ "excluded_dns", p->excluded_dns, dns_constraint_valid },
		{ "permitted_ip", p->permitted_ip, ip_constraint_valid },
		{ "excluded_ip", p->excluded_ip, ip_constraint_valid },
		{ "permitted_dn", p->permitted_dn, dn_constraint_valid },
	};

	for (size_t l = 0; l < countof(lists); l++)
		for (size_t i = 0;
		     i < PROFILE_CONSTRAINTS_MAX && lists[l].v[i] != NULL; i++)
			if (!p->ca)
				return bad(p, lists[l].field,
				    "only a CA has name constraints", e);
			else if (!lists[l].valid(lists[l].v[i]))
				return bad_at(p, lists[l].field, i,
				    lists[l].v[i], e);
	return true;
}

static bool
check_ca(const struct profile *p, struct error *e)
{
	unsigned both = p->key_usage_rsa | p->key_usage_ec;

	if ((both & ~ALL_BITS) != 0)
		return bad(p, "key_usage", "unknown bits", e);
	if (!p->ca && p->path_len != -1)
		return bad(p, "path_len", "only a CA has one", e);
	if (p->path_len < -1 || p->path_len > 255)
		return bad(p, "path_len", "not in -1 to 255", e);
	if (!p->ca && (both & KU_CERT_SIGN) != 0)
		return bad(p, "key_usage", "keyCertSign is for a CA", e);
	if (p->ca && (p->key_usage_rsa & p->key_usage_ec & KU_CERT_SIGN) == 0)
		return bad(p, "key_usage", "a CA needs keyCertSign", e);
	if (p->ca && (p->san_required || p->ocsp_nocheck || p->must_staple))
		return bad(p, "ca",
		    "does not go with SAN, nocheck or "
		    "must_staple",
		    e);
	return true;
}

static bool
check_life(const struct profile *p, struct error *e)
{
	if (p->life_s <= 0 || p->life_s > p->life_max_s)
		return bad(p, "life", "not between 1 s and life_max", e);
	if (p->backdate_s < 0)
		return bad(p, "backdate", "negative", e);
	return true;
}

static bool
check_san(const struct profile *p, struct error *e)
{
	if (p->san_required && !p->san_allowed)
		return bad(p, "san_required", "but not allowed", e);
	if (p->cn_in_san && !p->san_allowed)
		return bad(p, "cn_in_san", "but no SAN is allowed", e);
	return true;
}

static bool
is_house_rule(const char *name)
{
	for (size_t i = 0; i < lint_rules_count; i++)
		if (lint_rules[i].set == LINT_HOUSE &&
		    strcmp(lint_rules[i].name, name) == 0)
			return true;
	return false;
}

static bool
check_house_rules(const struct profile *p, struct error *e)
{
	for (size_t i = 0;
	     i < countof(p->house_rules) && p->house_rules[i] != NULL; i++)
		if (!is_house_rule(p->house_rules[i]))
			return bad_at(p, "house_rules", i, p->house_rules[i],
			    e);
	return true;
}

bool
profile_check(const struct profile *p, struct error *e)
{
	return check_ca(p, e) && check_life(p, e) && check_san(p, e) &&
	    check_oids(p, e) && check_constraints(p, e) &&
	    check_urls(p, "crl_url", p->crl_url, true, e) &&
	    check_urls(p, "ca_url", p->ca_url, false, e) &&
	    check_urls(p, "ocsp_url", p->ocsp_url, false, e) &&
	    check_house_rules(p, e);
}
