/* SPDX-License-Identifier: Apache-2.0 */

/* Extensions, written backwards: value first, then its wrapping. */
#include <chancery/pki/ext_write.h>

#include <stdio.h>

#include <chancery/base/alloc.h>

#include "internal.h"

#define OID_AIA_OCSP "1.3.6.1.5.5.7.48.1"
#define OID_AIA_CA_ISSUERS "1.3.6.1.5.5.7.48.2"
#define OID_QT_CPS "1.3.6.1.5.5.7.2.1"
#define OID_QT_UNOTICE "1.3.6.1.5.5.7.2.2"
#define TLS_FEATURE_STATUS_REQUEST 5 /* RFC 7633, RFC 6066 */

static const char partition_mark[] = "{partition}";

void
ext_w_wrap(struct der_writer *w, const char *oid, bool critical, size_t mark)
{
	der_w_wrap(w, DER_OCTET_STRING, mark);
	if (critical)
		der_w_bool(w, true);
	der_w_oid(w, oid);
	der_w_wrap(w, DER_SEQUENCE, mark);
}

/* As ext_w_wrap, with the OID as it is: SKI and SAN are written per certificate. */
static void
wrap(struct der_writer *w, enum ext_kind kind, bool critical, size_t mark)
{
	der_w_wrap(w, DER_OCTET_STRING, mark);
	if (critical)
		der_w_bool(w, true);
	der_w_tlv(w, DER_OID, ext_kind_der(kind));
	der_w_wrap(w, DER_SEQUENCE, mark);
}

void
ext_w_raw(struct der_writer *w, struct bytes oid, bool critical,
    struct bytes value)
{
	size_t mark = der_w_mark(w);

	der_w_tlv(w, DER_OCTET_STRING, value);
	if (critical)
		der_w_bool(w, true);
	der_w_tlv(w, DER_OID, oid);
	der_w_wrap(w, DER_SEQUENCE, mark);
}

void
ext_w_basic_constraints_leaf(struct der_writer *w)
{
	size_t mark = der_w_mark(w);

	der_w_wrap(w, DER_SEQUENCE, mark);
	wrap(w, EXT_BASIC_CONSTRAINTS, true, mark);
}

/* RFC 5280 4.2.1.9: critical in a CA certificate. */
void
ext_w_basic_constraints(struct der_writer *w, int path_len)
{
	size_t mark = der_w_mark(w);

	if (path_len >= 0)
		der_w_uint(w, (uint64_t)path_len);
	der_w_bool(w, true);
	der_w_wrap(w, DER_SEQUENCE, mark);
	wrap(w, EXT_BASIC_CONSTRAINTS, true, mark);
}

/* X.690 11.2.2: trailing zero bits of a named bit list are cut. */
void
ext_w_key_usage(struct der_writer *w, unsigned bits)
{
	size_t mark = der_w_mark(w);
	uint8_t v[3] = { 0 };
	unsigned last = 0;

	for (unsigned i = 0; i < 9; i++) {
		if ((bits & 1u << i) == 0)
			continue;
		v[1 + i / 8] |= (uint8_t)(0x80 >> i % 8);
		last = i;
	}
	v[0] = (uint8_t)(7 - last % 8);
	der_w_tlv(w, DER_BIT_STRING, bytes_of(v, 2 + last / 8));
	wrap(w, EXT_KEY_USAGE, true, mark);
}

static size_t
count(const char *const *list, size_t max)
{
	size_t n = 0;

	while (n < max && list[n] != NULL)
		n++;
	return n;
}

void
ext_w_eku(struct der_writer *w, const char *const *eku, size_t max)
{
	size_t mark = der_w_mark(w);

	for (size_t i = count(eku, max); i-- > 0;) {
		const char *oid = eku_oid_by_name(eku[i]);

		der_w_oid(w, oid != NULL ? oid : eku[i]);
	}
	der_w_wrap(w, DER_SEQUENCE, mark);
	wrap(w, EXT_EKU, false, mark);
}

void
ext_w_ski(struct der_writer *w, const uint8_t id[20])
{
	ext_w_ski_bytes(w, bytes_of(id, 20));
}

void
ext_w_ski_bytes(struct der_writer *w, struct bytes id)
{
	size_t mark = der_w_mark(w);

	der_w_tlv(w, DER_OCTET_STRING, id);
	wrap(w, EXT_SKI, false, mark);
}

void
ext_w_aki(struct der_writer *w, const uint8_t id[20])
{
	size_t mark = der_w_mark(w);

	der_w_tlv(w, DER_CONTEXT(0), bytes_of(id, 20));
	der_w_wrap(w, DER_SEQUENCE, mark);
	wrap(w, EXT_AKI, false, mark);
}

void
ext_w_general_name(struct der_writer *w, const struct general_name *g)
{
	static const uint8_t tags[] = {
		[GN_EMAIL] = DER_CONTEXT(1),
		[GN_DNS] = DER_CONTEXT(2),
		[GN_DIRNAME] = DER_CONTEXT_CONSTRUCTED(4),
		[GN_URI] = DER_CONTEXT(6),
		[GN_IP] = DER_CONTEXT(7),
	};

	if (g->kind == GN_OTHER)
		der_w_raw(w, g->value);
	else
		der_w_tlv(w, tags[g->kind], g->value);
}

void
ext_w_san(struct der_writer *w, const struct general_name *names, size_t n,
    bool critical)
{
	size_t mark = der_w_mark(w);

	while (n-- > 0)
		ext_w_general_name(w, &names[n]);
	der_w_wrap(w, DER_SEQUENCE, mark);
	wrap(w, EXT_SAN, critical, mark);
}

bool
url_has_partition(const char *url)
{
	return strstr(url, partition_mark) != NULL;
}

static void
write_number(struct der_writer *w, unsigned n)
{
	char text[12];

	(void)snprintf(text, sizeof(text), "%u", n);
	der_w_raw(w, bytes_str(text));
}

void
der_w_url(struct der_writer *w, const char *url, unsigned partition)
{
	const char *at = strstr(url, partition_mark);
	size_t mark = der_w_mark(w);

	if (at == NULL) {
		der_w_raw(w, bytes_str(url));
	} else {
		der_w_raw(w, bytes_str(at + sizeof(partition_mark) - 1));
		write_number(w, partition);
		der_w_raw(w, bytes_of(url, (size_t)(at - url)));
	}
	der_w_wrap(w, DER_CONTEXT(6), mark);
}

/* One DistributionPoint; several URLs are several ways to the same list. */
void
ext_w_crl_dp(struct der_writer *w, const char *const *urls, size_t max,
    unsigned partition)
{
	size_t mark = der_w_mark(w);

	for (size_t i = count(urls, max); i-- > 0;)
		der_w_url(w, urls[i], partition);
	der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), mark); /* fullName */
	der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), mark); /* distributionPoint */
	der_w_wrap(w, DER_SEQUENCE, mark);
	der_w_wrap(w, DER_SEQUENCE, mark);
	wrap(w, EXT_CRL_DP, false, mark);
}

void
ext_w_crl_dp_each(struct der_writer *w, const char *const *urls, size_t max,
    unsigned partition)
{
	size_t mark = der_w_mark(w);

	for (size_t i = count(urls, max); i-- > 0;) {
		size_t one = der_w_mark(w);

		der_w_url(w, urls[i], partition);
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), one); /* fullName */
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), one);
		der_w_wrap(w, DER_SEQUENCE, one);
	}
	der_w_wrap(w, DER_SEQUENCE, mark);
	wrap(w, EXT_CRL_DP, false, mark);
}

static void
access_descriptions(struct der_writer *w, const char *method,
    const char *const *urls, size_t max)
{
	for (size_t i = count(urls, max); i-- > 0;) {
		size_t mark = der_w_mark(w);

		der_w_url(w, urls[i], 0);
		der_w_oid(w, method);
		der_w_wrap(w, DER_SEQUENCE, mark);
	}
}

void
ext_w_aia(struct der_writer *w, const char *const *ocsp, size_t ocsp_max,
    const char *const *ca_issuers, size_t ca_max)
{
	size_t mark = der_w_mark(w);

	access_descriptions(w, OID_AIA_CA_ISSUERS, ca_issuers, ca_max);
	access_descriptions(w, OID_AIA_OCSP, ocsp, ocsp_max);
	der_w_wrap(w, DER_SEQUENCE, mark);
	wrap(w, EXT_AIA, false, mark);
}

/* PolicyQualifierInfo of both kinds; nothing when there is neither. */
static void
policy_qualifiers(struct der_writer *w, const struct policy_info *p)
{
	size_t mark = der_w_mark(w), one = mark;

	if (p->notice != NULL) {
		der_w_tlv(w, DER_UTF8_STRING, bytes_str(p->notice));
		der_w_wrap(w, DER_SEQUENCE, mark);
		der_w_oid(w, OID_QT_UNOTICE);
		der_w_wrap(w, DER_SEQUENCE, mark);
		one = der_w_mark(w);
	}
	if (p->cps != NULL) {
		der_w_tlv(w, DER_IA5_STRING, bytes_str(p->cps));
		der_w_oid(w, OID_QT_CPS);
		der_w_wrap(w, DER_SEQUENCE, one);
	}
	if (der_w_mark(w) > mark)
		der_w_wrap(w, DER_SEQUENCE, mark);
}

void
ext_w_policies(struct der_writer *w, const struct policy_info *v, size_t n)
{
	size_t mark = der_w_mark(w);

	while (n-- > 0) {
		size_t one = der_w_mark(w);

		policy_qualifiers(w, &v[n]);
		der_w_oid(w, v[n].oid);
		der_w_wrap(w, DER_SEQUENCE, one);
	}
	der_w_wrap(w, DER_SEQUENCE, mark);
	wrap(w, EXT_POLICIES, false, mark);
}

/* RFC 6960 4.2.2.2.1 */
void
ext_w_nocheck(struct der_writer *w)
{
	size_t mark = der_w_mark(w);

	der_w_tlv(w, DER_NULL, bytes_of(NULL, 0));
	wrap(w, EXT_OCSP_NOCHECK, false, mark);
}

void
ext_w_must_staple(struct der_writer *w)
{
	size_t mark = der_w_mark(w);

	der_w_uint(w, TLS_FEATURE_STATUS_REQUEST);
	der_w_wrap(w, DER_SEQUENCE, mark);
	wrap(w, EXT_TLS_FEATURE, false, mark);
}

static void
subtree(struct der_writer *w, enum general_name_kind kind, struct bytes v)
{
	struct general_name g = { kind, v };
	size_t mark = der_w_mark(w);

	ext_w_general_name(w, &g);
	der_w_wrap(w, DER_SEQUENCE, mark);
}

static void
dns_subtrees(struct der_writer *w, const char *const *v)
{
	for (size_t i = count(v, PROFILE_CONSTRAINTS_MAX); i-- > 0;)
		subtree(w, GN_DNS, bytes_str(v[i]));
}

static bool
ip_subtrees(struct der_writer *w, const char *const *v, struct error *e)
{
	uint8_t ip[32];
	size_t n;

	for (size_t i = count(v, PROFILE_CONSTRAINTS_MAX); i-- > 0;) {
		if (!cidr_parse(v[i], ip, &n))
			return error_set(e, FAIL_BAD_INPUT,
			    "name constraint \"%.60s\" is not a CIDR", v[i]);
		subtree(w, GN_IP, bytes_of(ip, n));
	}
	return true;
}

static bool
dn_subtrees(struct der_writer *w, const char *const *v, struct error *e)
{
	for (size_t i = count(v, PROFILE_CONSTRAINTS_MAX); i-- > 0;) {
		auto_buf struct buf der = { 0 };

		if (!name_parse(v[i], &der, e))
			return error_context(e, "name constraint");
		subtree(w, GN_DIRNAME, buf_bytes(&der));
	}
	return true;
}

/* RFC 5280 4.2.1.10: critical, never both sides empty. */
void
ext_w_constraints(struct der_writer *w, const struct general_name *permitted,
    size_t permitted_n, const struct general_name *excluded, size_t excluded_n)
{
	size_t mark = der_w_mark(w), side;

	while (excluded_n-- > 0)
		subtree(w, excluded[excluded_n].kind,
		    excluded[excluded_n].value);
	if (der_w_mark(w) > mark)
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(1), mark);
	side = der_w_mark(w);
	while (permitted_n-- > 0)
		subtree(w, permitted[permitted_n].kind,
		    permitted[permitted_n].value);
	if (der_w_mark(w) > side)
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), side);
	if (der_w_mark(w) == mark)
		return;
	der_w_wrap(w, DER_SEQUENCE, mark);
	wrap(w, EXT_NAME_CONSTRAINTS, true, mark);
}

bool
ext_w_name_constraints(struct der_writer *w, const struct profile *p,
    struct error *e)
{
	size_t mark = der_w_mark(w), side;

	if (!ip_subtrees(w, p->excluded_ip, e))
		return false;
	dns_subtrees(w, p->excluded_dns);
	if (der_w_mark(w) > mark)
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(1), mark);
	side = der_w_mark(w);
	if (!dn_subtrees(w, p->permitted_dn, e) ||
	    !ip_subtrees(w, p->permitted_ip, e))
		return false;
	dns_subtrees(w, p->permitted_dns);
	if (der_w_mark(w) > side)
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), side);
	if (der_w_mark(w) == mark)
		return true;
	der_w_wrap(w, DER_SEQUENCE, mark);
	wrap(w, EXT_NAME_CONSTRAINTS, true, mark);
	return true;
}
