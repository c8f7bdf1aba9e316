/* SPDX-License-Identifier: Apache-2.0 */
/* The auth object, and a token's way into the store. */
#include <stdio.h>

#include <chancery/base/clock.h>

#include "handlers.h"

json_t *
time_or_null(int64_t t_s)
{
	char text[TIME_TEXT_SIZE];

	if (t_s == 0)
		return json_null();
	time_format_s(t_s, text);
	return json_string(text);
}

void
answer_auth(struct call *c, const struct token *t, json_t *client_token,
    int64_t ttl_s)
{
	json_t *meta = t->meta == NULL ? json_null() : json_deep_copy(t->meta);

	c->auth = json_pack("{s:o, s:s, s:o, s:o, s:o, s:I, s:b, s:s, s:s, "
			    "s:b, s:n, s:I}",
	    "client_token", client_token, "accessor", t->accessor, "policies",
	    names_of(t->policies, t->policies_n), "token_policies",
	    names_of(t->policies, t->policies_n), "metadata", meta,
	    "lease_duration", (json_int_t)ttl_s, "renewable", t->renewable,
	    "entity_id", "", "token_type", "service", "orphan", t->orphan,
	    "mfa_requirement", "num_uses", (json_int_t)t->uses_left);
	if (c->auth == NULL)
		fatal("answer_auth");
	call_auth(c);
}

void
warn_missing_policies(struct call *c, const struct token *t)
{
	size_t i;

	for (i = 0; i < t->policies_n; i++) {
		const char *name = t->policies[i];
		auto_doc const struct doc *d =
		    docs_get(c->docs, "policy", "", name);

		if (d == NULL && strcmp(name, "root") != 0 &&
		    strcmp(name, "default") != 0)
			call_warn(c, "Policy \"%s\" does not exist", name);
	}
}

void
token_issue_free(void *state)
{
	struct issue *i = state;

	token_clear(&i->token);
	secret_free(i->text);
	mem_free(i);
}

void
issue_name(struct issue *i, struct bytes text)
{
	i->text = secret_new(TOKEN_TEXT_MAX);
	if (text.n == 0 || !secret_set(i->text, text.p, text.n))
		token_text_random(i->text, TOKEN_PREFIX);
	token_accessor_random(i->token.accessor);
	i->token.key =
	    token_hash(bytes_of(secret_data(i->text), secret_len(i->text)));
}

void
issue_answer(struct call *c)
{
	struct issue *i = c->state;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	answer_auth(c, &i->token,
	    json_stringn((const char *)secret_data(i->text),
		secret_len(i->text)),
	    i->token.ttl_s);
}

bool
has_sudo(const struct call *c)
{
	struct acl_request r = { .path = c->why, .need = CAP_SUDO };

	return acl_allows(c->token->acl, &r);
}

static const struct field_spec *
field_of(const struct call *c, const char *name)
{
	const struct field_spec *f;

	for (f = c->route->fields; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	fatal("%s: no field %s", c->route->pattern, name);
}

static bool
name_add(void *arg, const struct doc *d)
{
	(void)json_array_append_new(arg, json_string(d->name));
	return true;
}

json_t *
doc_names(const struct call *c, const char *kind, const char *scope)
{
	json_t *names = json_array();

	docs_each(c->docs, kind, scope, name_add, names);
	return names;
}

json_t *
doc_merged(const struct call *c, const json_t *old, const char *const *names)
{
	json_t *doc = old == NULL ? json_object() : json_deep_copy(old);

	for (; *names != NULL; names++) {
		const struct field_spec *f = field_of(c, *names);
		json_t *v = call_get(c, f->name);

		if (call_given(c, f->name) ||
		    json_object_get(doc, f->name) == NULL)
			(void)json_object_set_new(doc, f->name,
			    json_deep_copy(v));
	}
	return doc;
}

void
lower_text(const char *in, char *out, size_t size)
{
	size_t i;

	for (i = 0; in[i] != '\0' && i + 1 < size; i++)
		out[i] = (char)(in[i] >= 'A' && in[i] <= 'Z' ? in[i] - 'A' + 'a'
							     : in[i]);
	out[i] = '\0';
}

void
changed(struct call *c)
{
	if (c->reply->ok)
		call_no_content(c);
	else
		call_fail_reply(c);
}

void
bad_name(struct call *c, const char *what)
{
	call_error(c, 400, "%s: a name of 1 to 255 octets", what);
}
