/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/session.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/soft.h>
#include <chancery/signer/logkey.h>

struct hsm_module *
session_load_module(const struct home *h, struct error *e)
{
	struct hsm_module_config cfg = { .path = h->module,
		.init_args = h->module_args };

	if (h->soft_token_dir != NULL) {
		auto_mem char *conf =
		    path_join(h->soft_token_dir, "softhsm2.conf");

		if (!hsm_softtoken_mend(h->soft_token_dir, e))
			return NULL;
		if (setenv("SOFTHSM2_CONF", conf, 1) != 0) {
			error_errno(e, FAIL_INTERNAL, "setenv");
			return NULL;
		}
	}
	return hsm_module_load(&cfg, e);
}

static bool
open_token(struct session *s, size_t i, unsigned flags, struct error *e)
{
	const struct home_token *t = &s->home->token[i];
	struct hsm_token_config cfg = { .uri = t->uri,
		.read_write = (flags & (SESSION_WRITE | SESSION_CREATE)) != 0 ||
		    (s->home->anchor_object && t->role == HOME_ROLE_LOG) };
	struct secret *pin;

	pin = home_token_pin(t, e);
	if (pin == NULL)
		return false;
	s->token[i] = hsm_token_open(s->module, &cfg, pin, e);
	secret_free(pin);
	if (s->token[i] == NULL)
		return error_context(e, "token %s", t->name);
	return true;
}

/* RFC 7512 2.3: what is not unreserved is percent-encoded. */
static char *
object_uri(const char *label)
{
	auto_buf struct buf b = { 0 };

	buf_add_str(&b, "pkcs11:object=");
	for (const char *p = label; *p != '\0'; p++)
		if (isalnum((unsigned char)*p) || strchr("-._~", *p) != NULL)
			buf_add_byte(&b, (uint8_t)*p);
		else
			buf_addf(&b, "%%%02X", (unsigned char)*p);
	buf_add_str(&b, ";type=private");
	return buf_take_str(&b);
}

static bool
open_log_key(struct session *s, struct error *e)
{
	const struct home_token *t = home_role_token(s->home, HOME_ROLE_LOG, e);
	auto_mem char *uri = object_uri(s->home->log_key);

	if (t == NULL)
		return false;
	/* A second attempt: the register was not there yet. */
	if (s->log_key != NULL)
		return true;
	s->log_key = hsm_key_open(s->token[t - s->home->token], uri,
	    bytes_of(NULL, 0), e);
	if (s->log_key == NULL)
		return error_context(e, "log key");
	return log_key_signer(s->log_key, s->home->origin, &s->log, e);
}

/* An anchor where the log key is: rolling back the disk does not roll back the
 * token. */
static void
add_token_anchor(struct session *s, struct signer_config *cfg)
{
	for (size_t i = 0; i < s->home->tokens; i++)
		if (s->home->token[i].role == HOME_ROLE_LOG) {
			s->anchor = (struct hsm_anchor){ s->token[i],
				"chancery checkpoint" };
			cfg->reg.anchor[cfg->reg.anchors++] =
			    log_hsm_anchor(&s->anchor, false);
			return;
		}
}

static void
signer_settings(struct session *s, const struct session_options *opt,
    struct signer_config *cfg)
{
	const struct home *h = s->home;

	cfg->reg = (struct reg_config){
		.dir = h->register_dir,
		.origin = h->origin,
		.log_key = &s->log,
		.anchor_dir = h->anchor_dir,
		.software = "chancery " CHANCERY_VERSION,
		.who = opt->who,
		.offline = true,
		.clear_clock = opt->clear_clock,
		.accept_anchor = opt->accept_anchor,
	};
	if (h->anchor_object)
		add_token_anchor(s, cfg);
	cfg->tokens = h->tokens;
	for (size_t i = 0; i < h->tokens; i++)
		cfg->token[i] = (struct signer_token){
			.token = s->token[i],
			.charter_template = h->token[i].charter,
			.charter_json = buf_bytes(&h->token[i].charter_json),
		};
	cfg->workers = (unsigned)h->workers;
	cfg->module_name = h->module;
	cfg->crl_dir = h->crl_dir;
	cfg->create = (opt->flags & SESSION_CREATE) != 0;
}

/* Made at the log's birth only: later a directory that is not there is a disk that
 * is not mounted, and an anchor written in its place would guard nothing. */
static bool
check_anchor_dir(const struct home *h, bool create, struct error *e)
{
	if (h->anchor_dir == NULL)
		return true;
	if (create)
		return dir_create(h->anchor_dir, 0755, e);
	return access(h->anchor_dir, X_OK) == 0 ||
	    error_errno(e, FAIL_NOT_FOUND,
		"anchor_dir %s (is its disk mounted?)", h->anchor_dir);
}

/* What an operator can do about it. */
static bool
refused_start(struct error *e)
{
	if (e->why == FAIL_CLOCK)
		return error_context(e,
		    "set the clock right, or \"register accept --clock\" if "
		    "it was wrong earlier");
	if (e->why == FAIL_ROLLBACK)
		return error_context(e,
		    "bring back the newest register, or \"register accept "
		    "--anchor\" if it is lost");
	return false;
}

bool
session_start_signer(struct session *s, const struct session_options *opt,
    struct error *e)
{
	struct signer_config cfg = { 0 };

	if (!check_anchor_dir(s->home, (opt->flags & SESSION_CREATE) != 0, e) ||
	    !open_log_key(s, e) || !dir_create(s->home->crl_dir, 0755, e))
		return false;
	signer_settings(s, opt, &cfg);
	s->signer = signer_open(&cfg, e);
	return s->signer != NULL || refused_start(e);
}

struct session *
session_open(const struct home *h, const struct session_options *opt,
    struct error *e)
{
	auto_session struct session *s = mem_calloc(1, sizeof(*s));

	s->home = h;
	secret_harden_process();
	s->module = session_load_module(h, e);
	if (s->module == NULL)
		return NULL;
	for (size_t i = 0; i < h->tokens; i++)
		if (!open_token(s, i, opt->flags, e))
			return NULL;
	if (h->soft_token_dir != NULL &&
	    !hsm_softtoken_keep(h->soft_token_dir, e))
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
	if (s->log_key != NULL)
		hsm_key_close(s->log_key);
	for (size_t i = 0; i < SIGNER_TOKENS_MAX; i++)
		if (s->token[i] != NULL)
			hsm_token_close(s->token[i]);
	if (s->module != NULL)
		hsm_module_unload(s->module);
	mem_free(s);
}

bool
session_close(struct session *s, struct error *e)
{
	bool ok = s->signer == NULL || signer_close(s->signer, e);

	s->signer = NULL;
	session_free(s);
	return ok;
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
