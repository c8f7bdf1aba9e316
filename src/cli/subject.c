/* SPDX-License-Identifier: Apache-2.0 */
#include "subject.h"

#include <arpa/inet.h>
#include <string.h>

#include <chancery/base/text.h>

#define LABEL_MAX 64

static bool
san_room(const struct san_list *l, struct error *e)
{
	return l->n < SANS_MAX ||
	    error_set(e, FAIL_USAGE, "more than %d alternative names",
		SANS_MAX);
}

static bool
add_ip(struct san_list *l, const char *text, struct error *e)
{
	uint8_t *to = l->ip[l->n];
	size_t n = 0;

	if (inet_pton(AF_INET, text, to) == 1)
		n = 4;
	else if (inet_pton(AF_INET6, text, to) == 1)
		n = 16;
	else
		return error_set(e, FAIL_USAGE,
		    "--ip \"%s\" is not an IP address", text);
	l->v[l->n++] =
	    (struct general_name){ .kind = GN_IP, .value = bytes_of(to, n) };
	return true;
}

static const struct {
	const char *flag;
	enum general_name_kind kind;
} text_names[] = {
	{ "dns", GN_DNS },
	{ "uri", GN_URI },
	{ "email", GN_EMAIL },
};

bool
san_from_flags(const struct cli *c, struct san_list *out, struct error *e)
{
	const char *v;

	for (size_t k = 0; k < countof(text_names); k++)
		for (size_t i = 0;
		     (v = cli_flag_at(c, text_names[k].flag, i)) != NULL; i++) {
			if (!san_room(out, e))
				return false;
			out->v[out->n++] = (struct general_name){
				.kind = text_names[k].kind,
				.value = bytes_str(v),
			};
		}
	for (size_t i = 0; (v = cli_flag_at(c, "ip", i)) != NULL; i++)
		if (!san_room(out, e) || !add_ip(out, v, e))
			return false;
	return true;
}

bool
san_from_request(const struct csr *csr, struct san_list *out, struct error *e)
{
	const struct ext *x = exts_find(&csr->exts, EXT_SAN);

	if (x == NULL)
		return true;
	if (!ext_san(x, out->v, SANS_MAX, &out->n, e))
		return false;
	if (out->n > SANS_MAX)
		return error_set(e, FAIL_REFUSED,
		    "subjectAltName of the request: %zu names, limit %d",
		    out->n, SANS_MAX);
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i].kind == GN_OTHER || out->v[i].kind == GN_DIRNAME)
			return error_set(e, FAIL_REFUSED,
			    "subjectAltName[%zu] of the request is of a kind "
			    "that is not certified: name them with flags",
			    i);
	return true;
}

static bool
copy_flags(const struct cli *c, const char *flag, const char **to, size_t max,
    struct error *e)
{
	const char *v;
	size_t n = 0;

	for (; (v = cli_flag_at(c, flag, n)) != NULL; n++) {
		if (n == max - 1)
			return error_set(e, FAIL_USAGE,
			    "--%s more than %zu times", flag, max - 1);
		to[n] = v;
	}
	if (n > 0)
		to[n] = NULL;
	return true;
}

static bool
ca_flags(const struct cli *c, struct profile *p, struct error *e)
{
	const size_t max = PROFILE_CONSTRAINTS_MAX;
	const char *v = cli_flag(c, "path-len");
	uint64_t n;

	if (v != NULL) {
		if (!parse_u64(v, 0, 16, &n))
			return error_set(e, FAIL_USAGE,
			    "--path-len \"%s\": must be 0 to 16", v);
		p->path_len = (int)n;
	}
	return copy_flags(c, "permit-dns", p->permitted_dns, max, e) &&
	    copy_flags(c, "exclude-dns", p->excluded_dns, max, e) &&
	    copy_flags(c, "permit-ip", p->permitted_ip, max, e) &&
	    copy_flags(c, "exclude-ip", p->excluded_ip, max, e) &&
	    copy_flags(c, "permit-dn", p->permitted_dn, max, e);
}

bool
label_flag_check(const struct cli *c, struct error *e)
{
	const char *v = cli_flag(c, "label");

	return (v[0] != '.' && strlen(v) <= LABEL_MAX &&
		   v[strspn(v,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		       "0123456789-_.")] == '\0') ||
	    error_set(e, FAIL_USAGE,
		"--label \"%s\": must be letters, digits, '-', '_' and '.', "
		"at most %d",
		v, LABEL_MAX);
}

bool
life_flag(const struct cli *c, int64_t *life_s, struct error *e)
{
	const char *v = cli_flag(c, "life");

	*life_s = 0;
	if (v == NULL)
		return true;
	/* A number alone would be seconds, which nobody means. */
	if (v[strspn(v, "0123456789")] == '\0' || !parse_duration(v, life_s) ||
	    *life_s <= 0)
		return error_set(e, FAIL_USAGE,
		    "--life \"%s\" is not a duration such as 90d", v);
	return true;
}

bool
profile_from_flags(const struct cli *c, struct profile *p, struct error *e)
{
	if (!copy_flags(c, "crl-url", p->crl_url, PROFILE_URLS_MAX, e) ||
	    !copy_flags(c, "ca-url", p->ca_url, PROFILE_URLS_MAX, e) ||
	    !copy_flags(c, "ocsp-url", p->ocsp_url, PROFILE_URLS_MAX, e))
		return false;
	if (p->ca && !ca_flags(c, p, e))
		return false;
	return profile_check(p, e);
}

static const struct {
	const char *name;
	enum name_rule rule;
} policy_rules[] = {
	{ "match", NAME_MATCH },
	{ "supplied", NAME_SUPPLIED },
	{ "optional", NAME_OPTIONAL },
};

static bool
policy_row(const char *text, char *type, size_t size,
    struct name_policy_row *out, struct error *e)
{
	const char *eq = strchr(text, '=');
	size_t n = eq != NULL ? (size_t)(eq - text) : 0;

	if (n == 0 || n >= size)
		return error_set(e, FAIL_USAGE,
		    "--policy \"%s\": must be TYPE=RULE, such as O=match",
		    text);
	memcpy(type, text, n);
	type[n] = '\0';
	out->type = type;
	for (size_t i = 0; i < countof(policy_rules); i++)
		if (strcmp(policy_rules[i].name, eq + 1) == 0) {
			out->rule = policy_rules[i].rule;
			return true;
		}
	return error_set(e, FAIL_USAGE,
	    "--policy \"%s\": the rule must be match, supplied or optional",
	    text);
}

bool
policy_from_flags(const struct cli *c, struct profile *p,
    struct policy_types *types, struct error *e)
{
	const char *v;
	size_t n = 0;

	for (; (v = cli_flag_at(c, "policy", n)) != NULL; n++) {
		if (n == PROFILE_ROWS_MAX - 1)
			return error_set(e, FAIL_USAGE, "more than %d --policy",
			    PROFILE_ROWS_MAX - 1);
		if (!policy_row(v, types->v[n], sizeof(types->v[n]),
			&p->subject[n], e))
			return false;
	}
	if (n > 0)
		p->subject[n].type = NULL;
	return true;
}
