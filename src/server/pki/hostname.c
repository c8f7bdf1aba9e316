/* SPDX-License-Identifier: Apache-2.0 */

/* Host names, wildcards, globs, addresses: texts alone. */
#include <arpa/inet.h>
#include <idn2.h>
#include <string.h>

#include <chancery/base/alloc.h>
#include <chancery/base/clock.h>
#include <chancery/base/text.h>

#include "names_part.h"

#define LABEL_MAX 63
#define NAME_MAX_OCTETS 253

static bool
alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

static bool
label_valid(const char *p, size_t n)
{
	if (n == 0 || !alnum(p[0]) || !alnum(p[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!alnum(p[i]) && p[i] != '-')
			return false;
	return true;
}

bool
pki_hostname_valid(const char *name)
{
	if (strncmp(name, "*.", 2) == 0)
		name += 2;
	for (;;) {
		size_t n = strcspn(name, ".");

		if (!label_valid(name, n))
			return false;
		name += n;
		/* One trailing dot is fine. */
		if (name[0] == '\0' || name[1] == '\0')
			return true;
		name++;
	}
}

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((*s & 0x80) != 0)
			return false;
	return true;
}

/* RFC 1035 2.3.4. The root's empty label does not count as one: a name with a trailing
 * dot matches nothing in TLS. */
static bool
lengths_fit(const char *name)
{
	if (strlen(name) > NAME_MAX_OCTETS)
		return false;
	for (;;) {
		size_t n = strcspn(name, ".");

		if (n == 0 || n > LABEL_MAX)
			return false;
		if (name[n] == '\0')
			return true;
		name += n + 1;
	}
}

enum pki_idna
pki_idna(const char *name, char out[256])
{
	char *ascii = NULL;
	int rc;

	if (is_ascii(name)) {
		if (!lengths_fit(name))
			return PKI_IDNA_LONG;
		memcpy(out, name, strlen(name) + 1);
		return PKI_IDNA_OK;
	}
	rc = idn2_to_ascii_8z(name, &ascii,
	    IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
	if (rc == IDN2_TOO_BIG_LABEL || rc == IDN2_TOO_BIG_DOMAIN)
		return PKI_IDNA_LONG;
	if (rc != IDN2_OK)
		return PKI_IDNA_NOT;
	rc = lengths_fit(ascii) && strlen(ascii) < 256;
	if (rc)
		memcpy(out, ascii, strlen(ascii) + 1);
	idn2_free(ascii);
	return rc ? PKI_IDNA_OK : PKI_IDNA_LONG;
}

static char
low(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
same(char a, char b, bool fold)
{
	return fold ? low(a) == low(b) : a == b;
}

/* Backtracks to the last star only: linear in practice, never exponential. */
bool
pki_glob(const char *p, struct bytes text, bool fold)
{
	const char *t = (const char *)text.p, *end = t + text.n;
	const char *star = NULL, *resume = t;

	while (t < end) {
		if (*p == '*') {
			star = p++;
			resume = t;
		} else if (*p != '\0' && same(*p, *t, fold)) {
			p++;
			t++;
		} else if (star != NULL) {
			p = star + 1;
			t = ++resume;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return *p == '\0';
}

/* ---- 5.4 ------------------------------------------------------------------- */

/* `*`, `*x`, `x*` or `x*y`, x and y labels. */
static bool
wild_label_valid(const char *p, size_t n)
{
	const char *star = memchr(p, '*', n);
	size_t before = star != NULL ? (size_t)(star - p) : 0;

	return star != NULL && (before == 0 || label_valid(p, before)) &&
	    (before + 1 == n || label_valid(star + 1, n - before - 1));
}

struct tested {
	const char *name;  /* whole */
	const char *host;  /* behind '@' or the wildcard label */
	const char *label; /* the wildcard label */
	size_t label_n;
	bool email, wild;
};

/* Steps 1 and 2. */
static bool
take_apart(const struct pki_role *r, const char *name, struct tested *t)
{
	const char *at = strchr(name, '@'), *dot, *star;

	*t = (struct tested){ .name = name, .host = name };
	if (at != NULL) {
		if (strchr(at + 1, '@') != NULL)
			return false;
		t->email = true;
		t->host = at + 1;
	}
	star = strchr(t->host, '*');
	if (star == NULL)
		return true;
	dot = strchr(t->host, '.');
	if (!r->allow_wildcard_certificates || t->email ||
	    strchr(star + 1, '*') != NULL || (dot != NULL && dot < star))
		return false;
	t->wild = true;
	t->label = t->host;
	t->label_n = dot != NULL ? (size_t)(dot - t->host) : strlen(t->host);
	t->host = dot != NULL ? dot + 1 : t->host + t->label_n;
	return true;
}

/* Step 3. */
static bool
form_ok(const struct tested *t)
{
	char ascii[256];

	if (t->host[0] != '\0' &&
	    (pki_idna(t->host, ascii) != PKI_IDNA_OK ||
		!pki_hostname_valid(ascii)))
		return false;
	return !t->wild || wild_label_valid(t->label, t->label_n);
}

static bool
same_text(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

/* `host` has something and a dot before `domain`. RFC 4343: without case, where
 * Vault compares octets. */
static bool
is_below(const char *host, const char *domain)
{
	size_t n = strlen(host), m = strlen(domain);

	return n > m && host[n - m - 1] == '.' &&
	    strcasecmp(host + n - m, domain) == 0;
}

/* Step 5. */
static bool
local_ok(const struct pki_role *r, const struct tested *t)
{
	static const char *const names[] = { "localhost", "localdomain" };

	for (size_t i = 0; i < countof(names); i++)
		if (same_text(t->host, names[i]) ||
		    (r->allow_subdomains && is_below(t->host, names[i])))
			return true;
	return false;
}

/* Step 6. */
static bool
domain_ok(const struct pki_role *r, const struct tested *t, const char *d)
{
	/* There are no identities here: a template stands for nothing. */
	if (d[0] == '\0' ||
	    (r->allowed_domains_template && strstr(d, "{{") != NULL))
		return false;
	if (r->allow_bare_domains &&
	    (same_text(t->name, d) || (t->email && same_text(t->host, d))))
		return true;
	if (r->allow_subdomains &&
	    (is_below(t->host, d) || (t->wild && same_text(t->host, d))))
		return true;
	return r->allow_glob_domains && strchr(d, '*') != NULL &&
	    pki_glob(d, bytes_str(t->name), true);
}

bool
pki_role_allows_name(const struct pki_role *r, const char *name)
{
	struct tested t;

	if (name[0] == '\0' || !take_apart(r, name, &t) ||
	    (r->enforce_hostnames && !form_ok(&t)))
		return false;
	if (r->allow_any_name || (r->allow_localhost && local_ok(r, &t)))
		return true;
	for (size_t i = 0; i < r->allowed_domains.n; i++)
		if (domain_ok(r, &t, r->allowed_domains.v[i]))
			return true;
	return false;
}

/* ---- addresses ------------------------------------------------------------- */

bool
name_ip(const char *text, uint8_t out[16], size_t *n)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET, text, out) == 1) {
		*n = 4;
		return true;
	}
	if (inet_pton(AF_INET6, text, out) != 1)
		return false;
	*n = 16;
	if (memcmp(out, mapped, sizeof(mapped)) == 0) {
		memmove(out, out + 12, 4);
		*n = 4;
	}
	return true;
}

bool
name_cidr(const char *text, uint8_t out[32], size_t *n)
{
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN];
	uint8_t ip[16];
	uint64_t bits;
	size_t len;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(addr))
		return false;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (!name_ip(addr, ip, &len) ||
	    !parse_u64(slash + 1, 0, 8 * len, &bits))
		return false;
	memset(out, 0, 32);
	for (size_t i = 0; i < bits; i++)
		out[len + i / 8] |= (uint8_t)(0x80 >> i % 8);
	for (size_t i = 0; i < len; i++)
		out[i] = ip[i] & out[len + i];
	*n = 2 * len;
	return true;
}

bool
name_ip_in(const uint8_t *ip, size_t n, const char *cidr)
{
	uint8_t net[32];
	size_t m;

	if (!name_cidr(cidr, net, &m) || m != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((ip[i] & net[n + i]) != net[i])
			return false;
	return true;
}

/* ---- names of things, times ------------------------------------------------- */

static bool
word(char c)
{
	return alnum(c) || c == '_';
}

bool
pki_name_valid(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 255 || !word(name[0]) || !word(name[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!word(name[i]) && name[i] != '-' && name[i] != '.')
			return false;
	return true;
}

/* "+02:00" or "-0130" are not UTC yet. */
static bool
offset(const char *s, int64_t *seconds)
{
	uint64_t h, m;
	char hh[3] = { 0 }, mm[3] = { 0 };

	if (strlen(s) != 6 || s[3] != ':')
		return false;
	memcpy(hh, s + 1, 2);
	memcpy(mm, s + 4, 2);
	if (!parse_u64(hh[0] == '0' ? hh + 1 : hh, 0, 23, &h) ||
	    !parse_u64(mm[0] == '0' ? mm + 1 : mm, 0, 59, &m))
		return false;
	*seconds = (int64_t)(h * 3600 + m * 60) * (s[0] == '-' ? -1 : 1);
	return true;
}

bool
pki_time_parse(const char *text, int64_t *t_s)
{
	char utc[21];
	const char *rest;
	int64_t off = 0, t;

	if (strlen(text) < 20)
		return false;
	memcpy(utc, text, 19);
	utc[19] = 'Z';
	rest = text + 19;
	/* Fractions are cut, as X.509 has none. */
	if (rest[0] == '.' && strspn(rest + 1, "0123456789") > 0)
		rest += 1 + strspn(rest + 1, "0123456789");
	if (strcmp(rest, "Z") != 0 &&
	    ((rest[0] != '+' && rest[0] != '-') || !offset(rest, &off)))
		return false;
	if (!time_parse_s(utc, 20, &t))
		return false;
	*t_s = t - off;
	return true;
}
