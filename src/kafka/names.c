/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>

#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/kafka/names.h>

#include "judge_names.h"

#define DNS_MAX 253
#define LABEL_MAX 63
#define CN_MAX 64
#define ORDINAL "{{ordinal}}"

struct list {
	char **v;
	size_t n, cap;
};
struct kafka_names {
	struct list dns, ip;
};

struct kafka_names *
kafka_names_new(void)
{
	return mem_calloc(1, sizeof(struct kafka_names));
}

static void
list_free(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		mem_free(l->v[i]);
	mem_free(l->v);
}

void
kafka_names_free(struct kafka_names *n)
{
	if (n == NULL)
		return;
	list_free(&n->dns);
	list_free(&n->ip);
	mem_free(n);
}

static void
list_add(struct list *l, const char *text)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], text) == 0)
			return;
	l->v = mem_grow(l->v, l->n, &l->cap, sizeof(*l->v));
	l->v[l->n++] = mem_strdup(text);
}

/* ---- one name ------------------------------------------------------------------ */

/* In the one spelling that each address has. */
static bool
add_address(struct kafka_names *n, const char *text)
{
	uint8_t bin[16];
	char one[INET6_ADDRSTRLEN];
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, bin) != 1 ||
	    inet_ntop(family, bin, one, sizeof(one)) == NULL)
		return false;
	list_add(&n->ip, one);
	return true;
}

static const char *
label_mistake(const char *name)
{
	for (const char *p = name; *p != '\0';) {
		size_t len = strcspn(p, ".");

		if (len == 0)
			return "has an empty label";
		if (len > LABEL_MAX)
			return "has a label of more than 63 characters";
		if (p[0] == '-' || p[len - 1] == '-')
			return "has a label that begins or ends with a hyphen";
		p += len + (p[len] == '.');
	}
	return NULL;
}

bool
kafka_names_add(struct kafka_names *n, const char *host, struct error *e)
{
	const char *mistake = judge_dns_mistake(bytes_str(host));
	auto_buf struct buf shown = { 0 };
	char lower[DNS_MAX + 1];
	size_t len = strlen(host);

	if (add_address(n, host))
		return true;
	if (mistake == NULL)
		mistake = label_mistake(host);
	if (mistake == NULL && len > DNS_MAX)
		mistake = "is longer than 253 characters";
	/* All digits and dots: an address with a mistake, whatever else. */
	if (mistake == NULL && strspn(host, "0123456789.") == len)
		mistake = "is neither an address nor a host name";
	if (mistake != NULL) {
		buf_add_visible(&shown, bytes_str(host));
		return error_set(e, FAIL_BAD_INPUT, "\"%s\" %s",
		    buf_cstr(&shown), mistake);
	}
	for (size_t i = 0; i <= len; i++)
		lower[i] = (char)tolower((unsigned char)host[i]);
	list_add(&n->dns, lower);
	if (n->dns.n + n->ip.n > LIMIT_SANS)
		return error_set(e, FAIL_BAD_INPUT, "more than %d names",
		    LIMIT_SANS);
	return true;
}

/* ---- listeners --------------------------------------------------------------------- */

static bool
take_part(const char *from, size_t n, char *out, size_t size)
{
	if (n >= size)
		return false;
	memcpy(out, from, n);
	out[n] = '\0';
	return true;
}

/* "host:port" or "[address]:port". */
static bool
take_host(const char *p, size_t n, struct kafka_listener *out)
{
	const char *colon = memrchr(p, ':', n);
	char digits[8];
	uint64_t port;
	size_t host;

	if (colon == NULL)
		return false;
	host = (size_t)(colon - p);
	if (!take_part(colon + 1, n - host - 1, digits, sizeof(digits)) ||
	    !parse_u64(digits, 0, 65535, &port))
		return false;
	out->port = (unsigned)port;
	if (host >= 2 && p[0] == '[' && p[host - 1] == ']')
		return take_part(p + 1, host - 2, out->host, sizeof(out->host));
	return memchr(p, ':', host) == NULL && memchr(p, '[', host) == NULL &&
	    take_part(p, host, out->host, sizeof(out->host));
}

bool
kafka_listener_next(const char **text, struct kafka_listener *out, bool *bad)
{
	const char *p = *text + strspn(*text, " \t"), *scheme;
	size_t n = strcspn(p, ","), end = n;

	*bad = false;
	if (*p == '\0')
		return false;
	while (end > 0 && (p[end - 1] == ' ' || p[end - 1] == '\t'))
		end--;
	scheme = memmem(p, end, "://", 3);
	*bad = scheme == NULL || scheme == p ||
	    !take_part(p, (size_t)(scheme - p), out->name, sizeof(out->name)) ||
	    strspn(out->name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"_-.") != strlen(out->name) ||
	    !take_host(scheme + 3, end - (size_t)(scheme - p) - 3, out) ||
	    /* A comma with nothing behind it. */
	    (p[n] == ',' && p[n + 1 + strspn(p + n + 1, " \t")] == '\0');
	if (*bad)
		return false;
	*text = p + n + (p[n] == ',');
	return true;
}

static char *
with_ordinal(const char *host, unsigned ordinal)
{
	auto_buf struct buf b = { 0 };
	const char *at;

	while ((at = strstr(host, ORDINAL)) != NULL) {
		buf_add(&b, host, (size_t)(at - host));
		buf_addf(&b, "%u", ordinal);
		host = at + sizeof(ORDINAL) - 1;
	}
	buf_add_str(&b, host);
	return buf_take_str(&b);
}

bool
kafka_names_add_listeners(struct kafka_names *n, const char *listeners,
    unsigned ordinal, struct error *e)
{
	auto_mem char *own = with_ordinal(listeners, ordinal);
	const char *text = own;
	struct kafka_listener l;
	bool bad = false;
	size_t found = 0;

	while (kafka_listener_next(&text, &l, &bad)) {
		found++;
		if (l.host[0] == '\0' || strcmp(l.host, "0.0.0.0") == 0 ||
		    strcmp(l.host, "::") == 0)
			return error_set(e, FAIL_BAD_INPUT,
			    "listener %s: \"%s\" is no host that a client can "
			    "reach",
			    l.name, l.host);
		if (!kafka_names_add(n, l.host, e))
			return error_context(e, "listener %s", l.name);
	}
	return (!bad && found > 0) ||
	    error_set(e, FAIL_BAD_INPUT, "listeners: want NAME://HOST:PORT,…");
}

/* ---- Kubernetes ---------------------------------------------------------------------- */

/* `host` below the service's namespace, from the longest to the shortest. */
static bool
add_lengths(struct kafka_names *n, const char *host,
    const struct kafka_statefulset *s, struct error *e)
{
	auto_mem char *full = mem_printf("%s.%s.svc.%s", host, s->name_space,
			  s->domain),
		      *svc = mem_printf("%s.%s.svc", host, s->name_space),
		      *ns = mem_printf("%s.%s", host, s->name_space);

	return kafka_names_add(n, full, e) && kafka_names_add(n, svc, e) &&
	    kafka_names_add(n, ns, e) && kafka_names_add(n, host, e);
}

bool
kafka_names_add_pod(struct kafka_names *n, const struct kafka_statefulset *s,
    unsigned ordinal, struct error *e)
{
	auto_mem char *host =
	    mem_printf("%s-%u.%s", s->name, ordinal, s->service);

	return add_lengths(n, host, s, e);
}

bool
kafka_names_add_service(struct kafka_names *n, const char *service,
    const struct kafka_statefulset *s, struct error *e)
{
	return add_lengths(n, service, s, e);
}

/* ---- what there is ------------------------------------------------------------------------ */

const char *
kafka_names_dns(const struct kafka_names *n, size_t i)
{
	return i < n->dns.n ? n->dns.v[i] : NULL;
}

const char *
kafka_names_ip(const struct kafka_names *n, size_t i)
{
	return i < n->ip.n ? n->ip.v[i] : NULL;
}

void
kafka_names_join(const struct kafka_names *n, bool ip, struct buf *out)
{
	const struct list *l = ip ? &n->ip : &n->dns;

	for (size_t i = 0; i < l->n; i++)
		buf_addf(out, "%s%s", i > 0 ? "," : "", l->v[i]);
}

const char *
kafka_names_common(const struct kafka_names *n)
{
	for (size_t i = 0; i < n->dns.n; i++)
		if (strlen(n->dns.v[i]) <= CN_MAX && n->dns.v[i][0] != '*')
			return n->dns.v[i];
	return n->dns.n == 0 ? kafka_names_ip(n, 0) : NULL;
}
