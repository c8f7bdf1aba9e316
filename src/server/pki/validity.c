/* SPDX-License-Identifier: Apache-2.0 */

/* How long (vault-pki-api.md 5.6). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <chancery/base/alloc.h>
#include <chancery/base/clock.h>
#include <chancery/server/pki_cert.h>

#define DEFAULT_BACKDATE_S 30

static const char *const beyond_names[] = {
	[PKI_BEYOND_ERR] = "err",
	[PKI_BEYOND_TRUNCATE] = "truncate",
	[PKI_BEYOND_PERMIT] = "permit",
	[PKI_BEYOND_ALWAYS_ERR] = "always_enforce_err",
};

bool
pki_beyond_parse(const char *name, enum pki_beyond *out)
{
	for (size_t i = 0; i < countof(beyond_names); i++)
		if (strcmp(name, beyond_names[i]) == 0) {
			*out = (enum pki_beyond)i;
			return true;
		}
	return false;
}

const char *
pki_beyond_name(enum pki_beyond b)
{
	return beyond_names[b];
}

void
pki_duration_text(int64_t s, char out[40])
{
	long long h = s / 3600, m = s / 60 % 60, rest = s % 60;

	if (h > 0)
		(void)snprintf(out, 40, "%lldh%lldm%llds", h, m, rest);
	else if (m > 0)
		(void)snprintf(out, 40, "%lldm%llds", m, rest);
	else
		(void)snprintf(out, 40, "%llds", rest);
}

static void warn(struct pki_validity *out, const char *fmt, ...)
    printf_like(2, 3);

static void
warn(struct pki_validity *out, const char *fmt, ...)
{
	struct pki_texts *w = &out->warnings;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->v = mem_realloc(w->v, (w->n + 1) * sizeof(w->v[0]));
	w->v[w->n++] = mem_strdup(text);
}

static int64_t
cap_of(const struct pki_validity_in *in)
{
	return in->role->max_ttl > 0 ? in->role->max_ttl : in->mount_max_s;
}

static int64_t
by_ttl(const struct pki_validity_in *in, struct pki_validity *out)
{
	int64_t ttl = in->ttl_s, cap = cap_of(in);
	char a[40], b[40];

	if (ttl == 0)
		ttl = in->role->ttl > 0 ? in->role->ttl : in->mount_default_s;
	if (ttl > cap) {
		pki_duration_text(ttl, a);
		pki_duration_text(cap, b);
		/* Nobody who asked for nothing wants to hear of it. */
		if (in->ttl_s > 0)
			warn(out,
			    "TTL \"%s\" is longer than permitted maxTTL "
			    "\"%s\", so maxTTL is being used",
			    a, b);
		ttl = cap;
	}
	return in->now_s + ttl;
}

static bool
asked_end(const struct pki_validity_in *in, struct pki_validity *out,
    struct error *e)
{
	const struct pki_role *r = in->role;
	char shown[TIME_TEXT_SIZE];

	if (!pki_time_parse(in->not_after, &out->to_s))
		return error_set(e, FAIL_BAD_INPUT,
		    "not_after: \"%.60s\" is not a time (RFC 3339)",
		    in->not_after);
	if (strcmp(r->not_after_bound, "forbid") == 0)
		return error_set(e, FAIL_REFUSED,
		    "not_after is not allowed by this role");
	if (r->not_after_bound_s != 0 && out->to_s > r->not_after_bound_s)
		return error_set(e, FAIL_REFUSED,
		    "not_after is later than this role allows (%s)",
		    r->not_after_bound);
	/* A CA's end is set by people; a leaf's by its role, whatever spelling the
	 * request has. */
	if (in->ca || strcmp(r->not_after_bound, "permit") == 0 ||
	    out->to_s <= in->now_s + cap_of(in))
		return true;
	out->to_s = in->now_s + cap_of(in);
	time_format_s(out->to_s, shown);
	warn(out, "not_after is later than max_ttl allows, so %s is being used",
	    shown);
	return true;
}

static bool
end_of(const struct pki_validity_in *in, struct pki_validity *out,
    struct error *e)
{
	bool asked = in->not_after[0] != '\0';

	if (in->ttl_s > 0 && (asked || in->role->not_after_s != 0))
		return error_set(e, FAIL_BAD_INPUT,
		    "Either ttl or not_after should be provided. Both should "
		    "not be provided in the same request.");
	if (asked)
		return asked_end(in, out, e);
	out->to_s = in->role->not_after_s != 0 ? in->role->not_after_s
					       : by_ttl(in, out);
	return true;
}

static bool
begin_of(const struct pki_validity_in *in, struct pki_validity *out,
    struct error *e)
{
	const struct pki_role *r = in->role;
	int64_t back = r->not_before_duration > 0 ? r->not_before_duration
						  : DEFAULT_BACKDATE_S;

	out->from_s = in->now_s - back;
	if (r->not_before_s != 0)
		out->from_s = r->not_before_s;
	if (in->not_before[0] != '\0') {
		if (!pki_time_parse(in->not_before, &out->from_s))
			return error_set(e, FAIL_BAD_INPUT,
			    "not_before: \"%.60s\" is not a time (RFC 3339)",
			    in->not_before);
		if (strcmp(r->not_before_bound, "forbid") == 0)
			return error_set(e, FAIL_REFUSED,
			    "not_before is not allowed by this role");
		if (strcmp(r->not_before_bound, "duration") == 0 &&
		    out->from_s < in->now_s - back)
			return error_set(e, FAIL_REFUSED,
			    "not_before is earlier than this role allows");
	}
	/* RFC 5280 6.1.3 needs both valid anyway. */
	if (in->issuer_to_s != 0 && out->from_s < in->issuer_from_s)
		out->from_s = in->issuer_from_s;
	return true;
}

static bool
hold_to_issuer(const struct pki_validity_in *in, struct pki_validity *out,
    struct error *e)
{
	char a[TIME_TEXT_SIZE], b[TIME_TEXT_SIZE];

	if (in->issuer_to_s == 0 || out->to_s <= in->issuer_to_s)
		return true;
	time_format_s(out->to_s, a);
	time_format_s(in->issuer_to_s, b);
	if (in->beyond == PKI_BEYOND_PERMIT) {
		out->beyond = true;
		if (in->ca)
			warn(out,
			    "the certificate ends at %s, after its issuer at "
			    "%s",
			    a, b);
		return true;
	}
	if (in->beyond == PKI_BEYOND_TRUNCATE ||
	    (in->ca && in->beyond == PKI_BEYOND_ERR)) {
		out->to_s = in->issuer_to_s;
		if (in->ca)
			warn(out,
			    "the end asked for, %s, is after that of the "
			    "issuer, so %s is being used",
			    a, b);
		return true;
	}
	return error_set(e, FAIL_REFUSED,
	    "cannot satisfy request, as TTL would result in notAfter of %s "
	    "that is beyond the expiration of the CA certificate at %s",
	    a, b);
}

bool
pki_validity(const struct pki_validity_in *in, struct pki_validity *out,
    struct error *e)
{
	*out = (struct pki_validity){ 0 };
	if (!end_of(in, out, e) || !begin_of(in, out, e) ||
	    !hold_to_issuer(in, out, e))
		return false;
	if (out->to_s <= out->from_s || out->to_s <= in->now_s)
		return error_set(e, FAIL_BAD_INPUT,
		    "the certificate would end before it begins, or lies in "
		    "the past");
	return true;
}
