/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens that another service made (settings->vault): the publisher asks there, its answer is
 * mapped to policies here, and believed for a short time. A call waits for it; nothing else of
 * the worker does.
 */
#include <strings.h>

#include <chancery/config/service.h>
#include <chancery/server/outlane.h>

#include "core.h"

/* The publisher has its own deadline; this one is for a publisher that is not there. */
#define PUBLISHER_MS 1000

/* ---- policies ------------------------------------------------------------ */

static void
add_texts(json_t *list, const struct yaml_texts *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		(void)json_array_append_new(list, json_string(texts->v[i]));
}

static const struct service_vault_policy *
find_policy(const struct service_vault *v, const char *name)
{
	const struct service_vault_policy *p = v->policies.v;

	for (size_t i = 0; i < v->policies.n; i++)
		if (strcmp(p[i].name, name) == 0)
			return &p[i];
	return NULL;
}

static json_t *
policies_here(const struct service_vault *v, const struct job_texts *there)
{
	json_t *list = json_array();

	for (size_t i = 0; i < there->n; i++) {
		const struct service_vault_policy *p =
		    find_policy(v, there->v[i]);

		if (p != NULL)
			add_texts(list, &p->here);
		else if (v->same_name && strcasecmp(there->v[i], "root") != 0)
			(void)json_array_append_new(list,
			    json_string(there->v[i]));
	}
	return list;
}

/* ---- an answer ----------------------------------------------------------- */

static bool
same_namespace(const char *configured, const char *told)
{
	size_t n;

	if (configured == NULL)
		return told == NULL || *told == '\0' ||
		    strcmp(told, "root") == 0;
	if (told == NULL)
		return false;
	n = strlen(configured);
	if (n > 0 && configured[n - 1] == '/')
		n--;
	return strncmp(told, configured, n) == 0 &&
	    (told[n] == '\0' || strcmp(told + n, "/") == 0);
}

/* What no policy here can be for. */
static bool
acceptable(const struct service_vault *v, const struct job_answer *a,
    struct error *e)
{
	if (a->uses > 0)
		return error_set(e, FAIL_REFUSED,
		    "a token with a number of uses is not accepted here: "
		    "asking Vault \"%s\" about it costs one",
		    v->name);
	if (!same_namespace(v->name_space, a->name_space))
		return error_set(e, FAIL_REFUSED,
		    "the token is of another namespace of Vault \"%s\"",
		    v->name);
	if (a->expires && a->ttl_s <= 0)
		return error_set(e, FAIL_PERMISSION, "the token has expired");
	return true;
}

static bool
accept_token(struct flight *f, const struct service_vault *v, struct bytes text,
    const struct job_answer *a, struct error *e)
{
	struct call *c = &f->c;
	auto_json json_t *policies = policies_here(v, &a->policies);
	auto_json json_t *cidrs = json_array();
	struct token_foreign t = { .service = v->name,
		.text = text,
		.accessor = a->accessor != NULL ? a->accessor : "",
		.display_name = a->display_name != NULL ? a->display_name : "",
		.policies = policies,
		.bound_cidrs = cidrs,
		.expires = a->expires,
		.ttl_s = a->ttl_s,
		.cache_s = v->cache_s };

	if (!acceptable(v, a, e))
		return false;
	for (size_t i = 0; i < a->cidrs.n; i++)
		(void)json_array_append_new(cidrs, json_string(a->cidrs.v[i]));
	/* Another call that waited for the same answer may have been first. */
	c->token = auth_token_get(c->tokens, text, c->now_s, e);
	if (c->token != NULL)
		return true;
	c->token = auth_token_foreign(c->tokens, &t, c->now_s, e);
	if (c->token == NULL && e->why == FAIL_PERMISSION)
		e->why = FAIL_REFUSED;
	return c->token != NULL;
}

/* Nobody knows: not the caller's fault, and nothing to remember. */
static void
unknown(const struct service_vault *v, const struct job_answer *a,
    struct error *e)
{
	(void)error_set(e, a->why == FAIL_TIMEOUT ? FAIL_TIMEOUT : FAIL_BUSY,
	    "Vault \"%s\" cannot be asked about the token: %s", v->name,
	    a->msg != NULL ? a->msg : "");
}

static bool
judge(struct flight *f, const struct service_vault *v, struct bytes text,
    const struct job_answer *a, struct error *e)
{
	if (a->why == FAIL_NONE)
		return accept_token(f, v, text, a, e);
	if (a->why == FAIL_PERMISSION)
		return error_set(e, FAIL_PERMISSION, "permission denied");
	unknown(v, a, e);
	return false;
}

static const struct service_vault *
vault_of(const struct call *c, struct bytes text, size_t *index)
{
	const struct service_vault *v = c->settings->vault.v;

	return service_vault_for(c->settings, text, index) ? &v[*index] : NULL;
}

static void
end(struct flight *f, const struct error *e)
{
	f->reply = (struct lane_reply){ .ok = f->c.token != NULL, .err = *e };
	step_end(f, &f->reply);
}

static void
answered(void *arg, const struct job_answer *a)
{
	struct flight *f = arg;
	struct call *c = &f->c;
	struct bytes text = token_of(c->x);
	size_t index;
	const struct service_vault *v = vault_of(c, text, &index);
	struct error e = { 0 };
	int64_t now_s = clock_wall_ms(c->api->cfg.clock) / 1000;

	if (!judge(f, v, text, a, &e) &&
	    (e.why == FAIL_PERMISSION || e.why == FAIL_REFUSED))
		auth_foreign_refuse(c->tokens, text,
		    now_s + LIMIT_FOREIGN_REFUSED_S, &e);
	if (c->token != NULL)
		error_clear(&e);
	end(f, &e);
}

/* ---- the question ---------------------------------------------------------- */

bool
foreign_ask(struct flight *f, struct bytes text, call_fn *next)
{
	struct call *c = &f->c;
	struct outlane_ask ask = { .job = JOB_VAULT_LOOKUP };
	const struct service_vault *v;
	struct error e = { 0 };
	size_t index = 0;

	if (f->w->outlane == NULL || text.n > LIMIT_FOREIGN_TOKEN_BYTES ||
	    auth_text_is_ours(text) || (v = vault_of(c, text, &index)) == NULL)
		return false;
	if (f->spare) {
		/* Who asks with any text would hold the places that are for others. */
		serve_overloaded(c);
		return true;
	}
	step_begin(f, next);
	if (auth_foreign_refused(c->tokens, text, c->now_s, &e)) {
		end(f, &e);
		return true;
	}
	ask.request =
	    (struct job_request){ .service = (uint32_t)index, .secret = text };
	ask.key = sha256(text);
	ask.timeout_ms = v->timeout_s * 1000 + PUBLISHER_MS;
	outlane_ask(f->w->outlane, &ask, answered, f);
	return true;
}
