/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/session.h>

#include <string.h>

#include <chancery/base/secret_source.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/soft.h>
#include <chancery/config/service.h>

static void
settings_of(const struct home *h, struct host_settings *out)
{
	*out = (struct host_settings){ .register_dir = h->register_dir,
		.origin = h->origin,
		.anchor_dir = h->anchor_dir,
		.module = h->module,
		.module_args = h->module_args,
		.soft_token_dir = h->soft_token_dir,
		.crl_dir = h->crl_dir,
		.log_key = h->log_key,
		.anchor_object = h->anchor_object,
		/* One at a time is asked for: it may as well sign itself. */
		.workers = h->workers == SERVICE_KEY_WORKERS_AUTO
		    ? 0
		    : (unsigned)h->workers,
		.tokens = h->tokens };
	for (size_t i = 0; i < h->tokens; i++)
		out->token[i] = (struct host_token){
			.name = h->token[i].name,
			.uri = h->token[i].uri,
			.log = h->token[i].role == HOME_ROLE_LOG,
			.charter = h->token[i].charter,
			.charter_json = buf_bytes(&h->token[i].charter_json),
		};
}

struct hsm_module *
session_load_module(const struct home *h, struct error *e)
{
	struct host_settings settings;
	struct host host = { 0 };

	settings_of(h, &settings);
	return host_load(&host, &settings, e) ? host.module : NULL;
}

static struct secret *
read_pin(void *arg, size_t token, struct error *e)
{
	const struct session *s = arg;

	return secret_from(s->home->token[token].pin, "PIN", LIMIT_PIN_BYTES,
	    e);
}

static unsigned
host_flags(const struct session_options *opt)
{
	return ((opt->flags & SESSION_WRITE) != 0 ? HOST_WRITE : 0u) |
	    ((opt->flags & SESSION_CREATE) != 0 ? HOST_CREATE : 0u);
}

bool
session_start_signer(struct session *s, const struct session_options *opt,
    struct error *e)
{
	struct signer_config cfg;

	if (!host_signer(&s->host, host_flags(opt), &cfg, e))
		return false;
	cfg.reg.who = opt->who;
	cfg.reg.offline = true;
	cfg.reg.clear_clock = opt->clear_clock;
	cfg.reg.accept_anchor = opt->accept_anchor;
	s->signer = signer_open(&cfg, e);
	if (s->signer == NULL)
		host_explain(e);
	return s->signer != NULL;
}

struct session *
session_open(const struct home *h, const struct session_options *opt,
    struct error *e)
{
	auto_session struct session *s = mem_calloc(1, sizeof(*s));

	s->home = h;
	settings_of(h, &s->settings);
	secret_harden_process();
	if (!host_load(&s->host, &s->settings, e) ||
	    !host_open_tokens(&s->host, host_flags(opt), read_pin, s, e))
		return NULL;
	if ((opt->flags & SESSION_TOKENS) == 0 &&
	    !session_start_signer(s, opt, e))
		return NULL;
	return take(s);
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	signer_free(s->signer);
	host_close(&s->host);
	mem_free(s);
}

bool
session_close(struct session *s, struct error *e)
{
	const struct home *h = s->home;
	bool ok = s->signer == NULL || signer_close(s->signer, e);

	s->signer = NULL;
	session_free(s);
	return ok && home_give_back(h, e);
}

size_t
session_token_index(const struct session *s, const char *name)
{
	return (size_t)(home_find_token(s->home, name) - s->home->token);
}

struct reg *
session_read_register(const struct home *h, struct error *e)
{
	struct reg_config cfg = { .dir = h->register_dir,
		.origin = h->origin,
		.anchor_dir = h->anchor_dir,
		.offline = true };

	return reg_open_read(&cfg, e);
}

static bool
key_matches(const struct state_key *k, const char *name)
{
	char hex[2 * SHA256_LEN + 1];
	size_t n = strlen(name);

	if (strcmp(k->label, name) == 0)
		return true;
	hex_encode(sha256_bytes(&k->key), hex);
	return n >= 8 && n <= 2 * SHA256_LEN && strncasecmp(hex, name, n) == 0;
}

static bool
list_keys(const struct reg_state *state, const char *name, struct error *e)
{
	auto_buf struct buf b = { 0 };

	for (size_t i = 0; i < reg_state_keys(state); i++)
		buf_addf(&b, "%s%s", i > 0 ? ", " : "",
		    reg_state_key_at(state, i)->label);
	return error_set(e, FAIL_NOT_FOUND,
	    "no key \"%s\" in the register; it has: %s", name,
	    b.n > 0 ? buf_cstr(&b) : "none");
}

const struct state_key *
find_key(const struct reg_state *state, const char *name, struct error *e)
{
	const struct state_key *found = NULL;

	for (size_t i = 0; i < reg_state_keys(state); i++) {
		const struct state_key *k = reg_state_key_at(state, i);

		if (k->destroyed || k->released || !key_matches(k, name))
			continue;
		if (found != NULL) {
			error_set(e, FAIL_EXISTS,
			    "\"%s\" names more than one key: give its hash",
			    name);
			return NULL;
		}
		found = k;
	}
	if (found == NULL)
		(void)list_keys(state, name, e);
	return found;
}
