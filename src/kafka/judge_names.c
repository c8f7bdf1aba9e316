/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/kafka/bundle.h>

#include "judge_names.h"
#include "ossl.h"

/* Behind ours: its macros have the names of our KU_ constants. */
#include <openssl/x509v3.h>

static struct general_name *
sans_of(const struct cert *leaf, size_t *n)
{
	const struct ext *x = exts_find(&leaf->tbs.exts, EXT_SAN);
	struct general_name *v = mem_calloc(LIMIT_SANS, sizeof(*v));
	struct error ignored;

	*n = 0;
	if (x == NULL || !ext_san(x, v, LIMIT_SANS, n, &ignored))
		*n = 0;
	if (*n > LIMIT_SANS)
		*n = LIMIT_SANS;
	return v;
}

static void
add_address(struct bytes ip, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	int family = ip.n == 4 ? AF_INET : AF_INET6;

	if ((ip.n == 4 || ip.n == 16) &&
	    inet_ntop(family, ip.p, text, sizeof(text)) != NULL)
		buf_add_str(out, text);
	else
		buf_add_hex(out, ip);
}

void
kafka_names_text(const struct cert *leaf, struct buf *out)
{
	size_t n;
	auto_mem struct general_name *v = sans_of(leaf, &n);
	const char *sep = "";

	for (size_t i = 0; i < n; i++) {
		if (v[i].kind != GN_DNS && v[i].kind != GN_IP)
			continue;
		buf_addf(out, "%s%s:", sep, v[i].kind == GN_DNS ? "DNS" : "IP");
		if (v[i].kind == GN_IP)
			add_address(v[i].value, out);
		else
			buf_add_visible(out, v[i].value);
		sep = ", ";
	}
}

bool
kafka_is_address(const char *host)
{
	uint8_t bin[16];

	return inet_pton(AF_INET, host, bin) == 1 ||
	    inet_pton(AF_INET6, host, bin) == 1;
}

bool
kafka_name_matches(const struct cert *leaf, const char *host)
{
	auto_x509 X509 *x = kafka_x509(leaf);

	if (x == NULL)
		return false;
	if (kafka_is_address(host))
		return X509_check_ip_asc(x, host, 0) == 1;
	return X509_check_host(x, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
		   NULL) == 1;
}

bool
kafka_has_name(const struct cert *leaf, const char *name)
{
	size_t n, len = strlen(name);
	auto_mem struct general_name *v = sans_of(leaf, &n);
	uint8_t bin[16];
	bool v4 = inet_pton(AF_INET, name, bin) == 1,
	     v6 = !v4 && inet_pton(AF_INET6, name, bin) == 1;
	struct bytes address = bytes_of(bin, v4 ? 4 : 16);

	for (size_t i = 0; i < n; i++)
		if (v4 || v6
			? v[i].kind == GN_IP && bytes_eq(v[i].value, address)
			: v[i].kind == GN_DNS && v[i].value.n == len &&
			    strncasecmp((const char *)v[i].value.p, name,
				len) == 0)
			return true;
	return false;
}

/* LDH labels (RFC 1123 2.1), the first one also "*". What is wrong, or NULL. */
const char *
judge_dns_mistake(struct bytes name)
{
	bool wild = name.n > 1 && name.p[0] == '*';

	if (name.n == 0)
		return "is empty";
	if (name.p[name.n - 1] == '.')
		return "ends in a dot: no client matches it";
	if (name.n == 1 && name.p[0] == '*')
		return "is a bare wildcard: no client matches it";
	if (wild && name.p[1] != '.')
		return "has a wildcard for part of a label: OpenSSL refuses it";
	for (size_t i = wild ? 1 : 0; i < name.n; i++) {
		if (name.p[i] == '*')
			return "has a wildcard that is not its first label";
		if (name.p[i] == '_')
			return "has an underscore: Java refuses to match it";
		if (!isalnum(name.p[i]) && name.p[i] != '-' && name.p[i] != '.')
			return "is not a host name";
	}
	return NULL;
}

static void
judge_one(const struct general_name *g, struct kafka_findings *f)
{
	auto_buf struct buf text = { 0 };
	const char *mistake;

	if (g->kind != GN_DNS)
		return;
	mistake = judge_dns_mistake(g->value);
	buf_add_visible(&text, g->value);
	if (mistake != NULL)
		kafka_find(f, KAFKA_WARNING, "bad-name", "the name \"%s\" %s",
		    buf_cstr(&text), mistake);
	else if (kafka_is_address(buf_cstr(&text)))
		kafka_find(f, KAFKA_WARNING, "bad-name",
		    "the address %s stands there as a DNS name: no client "
		    "matches it",
		    buf_cstr(&text));
}

static size_t
judge_each(const struct cert *leaf, struct kafka_findings *f)
{
	size_t n, usable = 0;
	auto_mem struct general_name *v = sans_of(leaf, &n);

	for (size_t i = 0; i < n; i++) {
		judge_one(&v[i], f);
		usable += v[i].kind == GN_DNS || v[i].kind == GN_IP;
	}
	return usable;
}

void
judge_names(const struct cert *leaf, const struct kafka_judge *j,
    struct kafka_findings *f)
{
	auto_buf struct buf names = { 0 };

	if (judge_each(leaf, f) == 0)
		kafka_find(f, KAFKA_WRONG, "no-san",
		    "it has no DNS name or address (subjectAltName): clients "
		    "that check host names refuse the broker");
	kafka_names_text(leaf, &names);
	for (size_t i = 0; i < j->hosts_n; i++)
		if (!kafka_name_matches(leaf, j->hosts[i]))
			kafka_find(f, KAFKA_WRONG, "name",
			    "%s is not among its names (%s)", j->hosts[i],
			    names.n > 0 ? buf_cstr(&names) : "none");
}
