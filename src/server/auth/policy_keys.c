/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <chancery/base/clock.h>
#include <chancery/base/text.h>

#include "internal.h"

bool
policy_fail(unsigned line, unsigned col, struct error *e, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(e, FAIL_BAD_INPUT, "%u:%u: %s", line, col, text);
}

static bool
value_fail(const struct hcl_value *v, struct error *e, const char *what)
{
	return policy_fail(v->line, v->col, e, "%s", what);
}

/* `scan` is OpenBao's, `subscribe` and `recover` are Vault's: there is nothing here that
 * they could allow. */
static const struct {
	const char *name;
	unsigned cap;
} capability_names[] = {
	{ "deny", CAP_DENY },
	{ "create", CAP_CREATE },
	{ "read", CAP_READ },
	{ "update", CAP_UPDATE },
	{ "delete", CAP_DELETE },
	{ "list", CAP_LIST },
	{ "sudo", CAP_SUDO },
	{ "patch", CAP_PATCH },
	{ "scan", 0 },
	{ "subscribe", 0 },
	{ "recover", 0 },
};

/* The form before Vault 0.5. */
static const struct {
	const char *name;
	unsigned caps;
} old_policies[] = {
	{ "deny", CAP_DENY },
	{ "read", CAP_READ | CAP_LIST },
	{ "write", CAP_CREATE | CAP_READ | CAP_UPDATE | CAP_DELETE | CAP_LIST },
	{ "sudo",
	    CAP_CREATE | CAP_READ | CAP_UPDATE | CAP_DELETE | CAP_LIST |
		CAP_SUDO },
};

static bool
capability_add(const struct hcl_value *v, struct rule *r, struct error *e)
{
	size_t i;

	if (v->kind != HCL_STRING)
		return value_fail(v, e, "a capability is a string");
	for (i = 0; i < countof(capability_names); i++) {
		if (strcmp(v->text, capability_names[i].name) == 0) {
			r->caps |= capability_names[i].cap;
			return true;
		}
	}
	return policy_fail(v->line, v->col, e, "invalid capability \"%.40s\"",
	    v->text);
}

static bool
read_capabilities(const struct hcl_value *v, struct rule *r, struct error *e)
{
	size_t i;

	/* One string for a list of one, as HCL decodes it. */
	if (v->kind == HCL_STRING)
		return capability_add(v, r, e);
	if (v->kind != HCL_LIST)
		return value_fail(v, e, "capabilities is a list of strings");
	for (i = 0; i < v->n; i++)
		if (!capability_add(v->items[i].value, r, e))
			return false;
	return true;
}

static bool
read_old_policy(const struct hcl_value *v, struct rule *r, struct error *e)
{
	size_t i;

	if (v->kind != HCL_STRING)
		return value_fail(v, e, "policy is a string");
	for (i = 0; i < countof(old_policies); i++) {
		if (strcmp(v->text, old_policies[i].name) == 0) {
			r->caps |= old_policies[i].caps;
			return true;
		}
	}
	return policy_fail(v->line, v->col, e, "invalid policy \"%.40s\"",
	    v->text);
}

static json_t *
number_json(const char *text)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 0);
	if (*end == '\0' && errno == 0)
		return json_integer(v);
	return json_real(strtod(text, NULL));
}

static json_t *
/* NOLINTNEXTLINE(misc-no-recursion): LIMIT_POLICY_DEPTH */
value_json(const struct hcl_value *v)
{
	json_t *out = NULL;
	size_t i;

	switch (v->kind) {
	case HCL_STRING:
		return json_string(v->text);
	case HCL_BOOL:
		return json_boolean(v->flag);
	case HCL_NUMBER:
		return number_json(v->text);
	case HCL_LIST:
		out = json_array();
		for (i = 0; i < v->n; i++)
			(void)json_array_append_new(out,
			    value_json(v->items[i].value));
		return out;
	case HCL_OBJECT:
		out = json_object();
		for (i = 0; i < v->n; i++)
			(void)json_object_set_new(out, v->items[i].key,
			    value_json(v->items[i].value));
		return out;
	}
	fatal("corrupt hcl_kind %d", (int)v->kind);
}

/* Parameter names are compared in lower case (ASCII). */
static char *
lowered(const char *s)
{
	char *low = mem_strdup(s), *p;

	for (p = low; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return low;
}

static bool
parameter_add(const struct hcl_item *item, json_t *into, struct error *e)
{
	auto_mem char *name = lowered(item->key);

	if (item->value->kind != HCL_LIST)
		return policy_fail(item->value->line, item->value->col, e,
		    "\"%.40s\": the values are a list", item->key);
	if (json_object_get(into, name) != NULL)
		return policy_fail(item->line, item->col, e,
		    "\"%.40s\" stands twice", item->key);
	(void)json_object_set_new(into, name, value_json(item->value));
	return true;
}

static bool
read_parameters(const struct hcl_value *v, json_t **out, struct error *e)
{
	auto_json json_t *names = json_object();
	size_t i;

	if (v->kind != HCL_OBJECT)
		return value_fail(v, e, "an object of name = [values]");
	for (i = 0; i < v->n; i++)
		if (!parameter_add(&v->items[i], names, e))
			return false;
	*out = take(names);
	return true;
}

static bool
read_allowed(const struct hcl_value *v, struct rule *r, struct error *e)
{
	return read_parameters(v, &r->allowed, e);
}

static bool
read_denied(const struct hcl_value *v, struct rule *r, struct error *e)
{
	return read_parameters(v, &r->denied, e);
}

static bool
read_required(const struct hcl_value *v, struct rule *r, struct error *e)
{
	auto_json json_t *names = json_array();
	size_t i;

	if (v->kind != HCL_LIST)
		return value_fail(v, e, "required_parameters is a list");
	for (i = 0; i < v->n; i++) {
		const struct hcl_value *one = v->items[i].value;
		auto_mem char *name = NULL;

		if (one->kind != HCL_STRING)
			return value_fail(one, e, "a parameter's name");
		name = lowered(one->text);
		(void)json_array_append_new(names, json_string(name));
	}
	r->required = take(names);
	return true;
}

static bool
read_seconds(const struct hcl_value *v, int64_t *out, struct error *e)
{
	if ((v->kind != HCL_STRING && v->kind != HCL_NUMBER) ||
	    !parse_duration(v->text, out))
		return value_fail(v, e, "a duration: \"90s\", \"1h\", 90");
	return true;
}

static bool
read_wrap_min(const struct hcl_value *v, struct rule *r, struct error *e)
{
	return read_seconds(v, &r->wrap_min_s, e);
}

static bool
read_wrap_max(const struct hcl_value *v, struct rule *r, struct error *e)
{
	return read_seconds(v, &r->wrap_max_s, e);
}

static bool
read_expiration(const struct hcl_value *v, struct rule *r, struct error *e)
{
	uint64_t epoch;

	if (v->kind == HCL_STRING &&
	    time_parse_s(v->text, strlen(v->text), &r->expires_s))
		return true;
	if ((v->kind == HCL_STRING || v->kind == HCL_NUMBER) &&
	    parse_u64(v->text, 1, INT64_MAX, &epoch)) {
		r->expires_s = (int64_t)epoch;
		return true;
	}
	return value_fail(v, e,
	    "a time: \"2027-01-31T12:00:00Z\" or seconds since 1970");
}

static bool
read_comment(const struct hcl_value *v, struct rule *r, struct error *e)
{
	(void)r;
	return v->kind == HCL_STRING || value_fail(v, e, "comment is a string");
}

/* Without a function: they would narrow what the stanza allows; read and not obeyed they
 * would be holes. */
static const struct stanza_key {
	const char *name;
	bool (
	    *read)(const struct hcl_value *v, struct rule *r, struct error *e);
} stanza_keys[] = {
	{ "capabilities", read_capabilities },
	{ "policy", read_old_policy },
	{ "allowed_parameters", read_allowed },
	{ "denied_parameters", read_denied },
	{ "required_parameters", read_required },
	{ "min_wrapping_ttl", read_wrap_min },
	{ "max_wrapping_ttl", read_wrap_max },
	{ "expiration", read_expiration },
	{ "comment", read_comment },
	{ "mfa_methods", NULL },
	{ "control_group", NULL },
	{ "pagination_limit", NULL },
	{ "list_scan_response_keys_filter_path", NULL },
};

static bool
stanza_key(const struct hcl_item *item, unsigned *seen, struct rule *r,
    struct error *e)
{
	size_t i;

	for (i = 0; i < countof(stanza_keys); i++) {
		if (strcmp(item->key, stanza_keys[i].name) != 0)
			continue;
		if ((*seen & 1U << i) != 0)
			return policy_fail(item->line, item->col, e,
			    "%s stands twice", item->key);
		*seen |= 1U << i;
		if (stanza_keys[i].read == NULL)
			return policy_fail(item->line, item->col, e,
			    "%s is not supported by this server", item->key);
		return stanza_keys[i].read(item->value, r, e);
	}
	return policy_fail(item->line, item->col, e, "unknown key \"%.40s\"",
	    item->key);
}

bool
policy_stanza(const struct hcl_value *stanza, struct rule *r, struct error *e)
{
	unsigned seen = 0;
	size_t i;

	if (stanza->kind != HCL_OBJECT)
		return value_fail(stanza, e, "a path's rules are an object");
	for (i = 0; i < stanza->n; i++)
		if (!stanza_key(&stanza->items[i], &seen, r, e))
			return false;
	if (r->wrap_min_s > 0 && r->wrap_max_s > 0 &&
	    r->wrap_max_s < r->wrap_min_s)
		return value_fail(stanza, e,
		    "max_wrapping_ttl is less than min_wrapping_ttl");
	/* Next to a deny nothing else counts. */
	if ((r->caps & CAP_DENY) != 0)
		r->caps = CAP_DENY;
	return true;
}
