/* SPDX-License-Identifier: Apache-2.0 */
/* sys/policies/acl and the older sys/policy. */
#include <stdio.h>

#include <chancery/base/text.h>

#include "handlers.h"

#define KIND "policy"

/* Names are in lower case. */
static void
policy_name(const struct call *c, char out[256])
{
	lower_text(call_str(c, "name"), out, 256);
}

static bool
name_ok(struct call *c)
{
	size_t n = strlen(call_str(c, "name"));

	if (n == 0 || n > 255)
		bad_name(c, "policy");
	return n > 0 && n <= 255;
}

/* ---- list ---- */

static json_t *
policy_names(struct call *c)
{
	auto_json json_t *keys = doc_names(c, KIND, "");
	json_t *all;

	(void)json_array_append_new(keys, json_string("default"));
	all = names_clean(keys, false);
	(void)json_array_append_new(all, json_string("root"));
	return all;
}

void
policy_list(struct call *c)
{
	call_keys(c, policy_names(c), NULL);
}

void
old_policy_list(struct call *c)
{
	json_t *names = policy_names(c);

	call_ok_flat(c,
	    json_pack("{s:O, s:o}", "keys", names, "policies", names));
}

/* ---- read ---- */

/* NULL: there is none. */
static char *
policy_text(struct call *c, const char *name)
{
	auto_doc const struct doc *d = docs_get(c->docs, KIND, "", name);

	if (strcmp(name, "root") == 0)
		return mem_strdup("");
	if (d != NULL)
		return mem_strdup(doc_str(d->json, "policy"));
	if (strcmp(name, "default") == 0)
		return mem_strdup(policy_default_text);
	return NULL;
}

static json_t *
policy_data(struct call *c, const char *field)
{
	char name[256];
	auto_mem char *text = NULL;

	policy_name(c, name);
	text = policy_text(c, name);
	if (text == NULL) {
		call_not_found(c);
		return NULL;
	}
	return json_pack("{s:s, s:s}", "name", name, field, text);
}

void
policy_read(struct call *c)
{
	json_t *data = policy_data(c, "policy");

	if (data != NULL)
		call_ok(c, data);
}

void
old_policy_read(struct call *c)
{
	json_t *data = policy_data(c, "rules");

	if (data != NULL)
		call_ok_flat(c, data);
}

/* ---- write ---- */

/* Base64 of a policy is no policy, and the other way round. */
static void
text_given(const char *given, struct buf *text)
{
	if (base64_decode(given, strlen(given), text) &&
	    utf8_valid(buf_bytes(text)))
		return;
	buf_reset(text);
	buf_add_str(text, given);
}

static bool
policy_build(struct call *c, struct changes *ch)
{
	char name[256];

	policy_name(c, name);
	change_put(ch, KIND, "", name,
	    json_pack("{s:s}", "policy", (const char *)c->state));
	return true;
}

static void
policy_changed(struct call *c)
{
	/* Tokens carry the rules of their policies with them. */
	auth_forget(c->tokens, NULL);
	changed(c);
}

static void
write_text(struct call *c, const char *given)
{
	auto_buf struct buf text = { 0 };
	auto_policy struct policy *p = NULL;
	struct error e = { 0 };
	char name[256];

	policy_name(c, name);
	text_given(given, &text);
	p = policy_parse(name, buf_bytes(&text), &e);
	if (p == NULL) {
		call_error(c, 400, "failed to parse policy: %s", e.msg);
		return;
	}
	if (policy_is_templated(p))
		call_warn(c,
		    "paths with {{…}} never match: this server has no "
		    "identities");
	c->state = buf_take_str(&text);
	c->state_free = mem_free;
	call_change(c, "policy", policy_build, policy_changed);
}

static void
write_named(struct call *c, const char *given)
{
	char name[256];

	if (!name_ok(c))
		return;
	policy_name(c, name);
	if (strcmp(name, "root") == 0)
		call_error(c, 400, "cannot update \"root\" policy");
	else if (given[0] == '\0')
		call_error(c, 400, "'policy' parameter not supplied or empty");
	else
		write_text(c, given);
}

void
policy_write(struct call *c)
{
	write_named(c, call_str(c, "policy"));
}

void
old_policy_write(struct call *c)
{
	const char *rules = call_str(c, "policy");

	write_named(c, rules[0] != '\0' ? rules : call_str(c, "rules"));
}

/* ---- delete ---- */

static bool
delete_build(struct call *c, struct changes *ch)
{
	char name[256];
	const struct doc *d;

	policy_name(c, name);
	d = docs_get(c->docs, KIND, "", name);
	if (d != NULL)
		change_delete(ch, KIND, "", name);
	docs_put(d);
	return true;
}

void
policy_delete(struct call *c)
{
	char name[256];

	if (!name_ok(c))
		return;
	policy_name(c, name);
	if (strcmp(name, "root") == 0 || strcmp(name, "default") == 0)
		call_error(c, 400, "cannot delete \"%s\" policy", name);
	else
		call_change(c, "policy removed", delete_build, policy_changed);
}
