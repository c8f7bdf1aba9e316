/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/signer/host.h>

#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

#include <chancery/base/file.h>

bool
host_load(struct host *h, const struct host_settings *s, struct error *e)
{
	const struct hsm_module_config cfg = { .path = s->module,
		.init_args = s->module_args };

	h->settings = s;
	if (s->soft_token_dir != NULL) {
		auto_mem char *conf =
		    path_join(s->soft_token_dir, "softhsm2.conf");

		if (!hsm_softtoken_mend(s->soft_token_dir, e))
			return false;
		if (setenv("SOFTHSM2_CONF", conf, 1) != 0)
			return error_errno(e, FAIL_INTERNAL, "setenv");
	}
	h->module = hsm_module_load(&cfg, e);
	return h->module != NULL;
}

static bool
open_token(struct host *h, size_t i, unsigned flags, host_pin_fn *pin,
    void *arg, struct error *e)
{
	const struct host_token *t = &h->settings->token[i];
	const struct hsm_token_config cfg = { .uri = t->uri,
		.read_write = (flags & (HOST_WRITE | HOST_CREATE)) != 0 ||
		    (h->settings->anchor_object && t->log) };
	struct secret *p = pin(arg, i, e);

	if (p == NULL)
		return error_context(e, "token %s", t->name);
	h->token[i] = hsm_token_open(h->module, &cfg, p, e);
	secret_free(p);
	return h->token[i] != NULL || error_context(e, "token %s", t->name);
}

bool
host_open_tokens(struct host *h, unsigned flags, host_pin_fn *pin, void *arg,
    struct error *e)
{
	for (size_t i = 0; i < h->settings->tokens; i++)
		if (!open_token(h, i, flags, pin, arg, e))
			return false;
	return h->settings->soft_token_dir == NULL ||
	    (flags & HOST_CONFINED) != 0 ||
	    hsm_softtoken_keep(h->settings->soft_token_dir, e);
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
log_token(const struct host_settings *s, size_t *out, struct error *e)
{
	bool found = false;

	for (size_t i = 0; i < s->tokens; i++) {
		if (!s->token[i].log)
			continue;
		if (found)
			return error_set(e, FAIL_EXISTS,
			    "tokens %s and %s are both of role log",
			    s->token[*out].name, s->token[i].name);
		*out = i;
		found = true;
	}
	return found || error_set(e, FAIL_NOT_FOUND, "no token of role log");
}

static bool
open_log_key(struct host *h, struct error *e)
{
	auto_mem char *uri = object_uri(h->settings->log_key);
	size_t at = 0;

	if (!log_token(h->settings, &at, e))
		return false;
	/* A second attempt: the register was not there yet. */
	if (h->log_key != NULL)
		return true;
	h->log_key = hsm_key_open(h->token[at], uri, bytes_of(NULL, 0), e);
	if (h->log_key == NULL)
		return error_context(e, "log key");
	return log_key_signer(h->log_key, h->settings->origin, &h->log, e);
}

/* An anchor where the log key is: rolling back the disk does not roll back the
 * token. */
static void
add_token_anchor(struct host *h, struct signer_config *cfg)
{
	for (size_t i = 0; i < h->settings->tokens; i++)
		if (h->settings->token[i].log) {
			h->anchor = (struct hsm_anchor){ h->token[i],
				"chancery checkpoint" };
			cfg->reg.anchor[cfg->reg.anchors++] =
			    log_hsm_anchor(&h->anchor, false);
			return;
		}
}

static void
signer_settings(struct host *h, unsigned flags, struct signer_config *cfg)
{
	const struct host_settings *s = h->settings;

	*cfg = (struct signer_config){
		.reg = { .dir = s->register_dir,
		    .origin = s->origin,
		    .log_key = &h->log,
		    .anchor_dir = s->anchor_dir,
		    .software = "chancery " CHANCERY_VERSION },
		.tokens = s->tokens,
		.workers = s->workers,
		.module_name = s->module,
		.crl_dir = s->crl_dir,
		.create = (flags & HOST_CREATE) != 0,
	};
	if (s->anchor_object)
		add_token_anchor(h, cfg);
	for (size_t i = 0; i < s->tokens; i++)
		cfg->token[i] = (struct signer_token){
			.token = h->token[i],
			.charter_template = s->token[i].charter,
			.charter_json = s->token[i].charter_json,
		};
}

/* Made at the log's birth only: later a directory that is not there is a disk that
 * is not mounted, and an anchor written in its place would guard nothing. */
static bool
check_anchor_dir(const char *dir, bool create, struct error *e)
{
	if (dir == NULL)
		return true;
	if (create)
		return dir_create(dir, 0755, e);
	return access(dir, X_OK) == 0 ||
	    error_errno(e, FAIL_NOT_FOUND,
		"anchor_dir %s (is its disk mounted?)", dir);
}

bool
host_signer(struct host *h, unsigned flags, struct signer_config *out,
    struct error *e)
{
	if (!check_anchor_dir(h->settings->anchor_dir,
		(flags & HOST_CREATE) != 0, e) ||
	    !open_log_key(h, e) || !dir_create(h->settings->crl_dir, 0755, e))
		return false;
	signer_settings(h, flags, out);
	return true;
}

void
host_explain(struct error *e)
{
	if (e->why == FAIL_CLOCK)
		error_context(e,
		    "set the clock right, or \"register accept --clock\" if "
		    "it was wrong earlier");
	else if (e->why == FAIL_ROLLBACK)
		error_context(e,
		    "bring back the newest register, or \"register accept "
		    "--anchor\" if it is lost");
}

void
host_close(struct host *h)
{
	if (h->log_key != NULL)
		hsm_key_close(take(h->log_key));
	for (size_t i = 0; i < SIGNER_TOKENS_MAX; i++)
		if (h->token[i] != NULL)
			hsm_token_close(take(h->token[i]));
	if (h->module != NULL)
		hsm_module_unload(take(h->module));
}
