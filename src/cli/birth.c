/* SPDX-License-Identifier: Apache-2.0 */
#include "birth.h"

#include <string.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/store/store.h>

#define LOG_KEY_ID_BYTES 20
#define SO_PIN_BYTES 12

/* ---- register ------------------------------------------------------------- */

static bool
has_key(struct hsm_token *t, const char *label, bool *has, struct error *e)
{
	struct hsm_key_list l = { 0 };

	if (!hsm_keys(t, &l, e))
		return false;
	*has = false;
	for (size_t i = 0; i < l.n; i++)
		*has = *has || strcmp(l.v[i].label, label) == 0;
	hsm_key_list_free(&l);
	return true;
}

/* Killed before the register was born, the key stays and is found by its label. */
static bool
make_log_key(const struct home *h, struct session *s, struct error *e)
{
	const struct home_token *t = home_role_token(h, HOME_ROLE_LOG, e);
	const char *dropped[HSM_DROPPED_MAX + 1] = { NULL };
	uint8_t id[LOG_KEY_ID_BYTES];
	struct hsm_keygen spec = { .type = { .alg = KEY_ED25519 },
		.label = h->log_key,
		.id = bytes_of(id, sizeof(id)),
		.destroyable = true };
	auto_hsm_key struct hsm_key *k = NULL;
	struct hsm_token *token;
	bool has;

	if (t == NULL)
		return false;
	token = s->host.token[t - h->token];
	if (!has_key(token, h->log_key, &has, e))
		return false;
	if (has)
		return true;
	random_bytes(id, sizeof(id));
	k = hsm_key_generate(token, &spec, dropped, e);
	return k != NULL;
}

bool
birth_register(const struct home *h, const char *who, bool new_log_key,
    struct buf *vkey, struct error *e)
{
	auto_session struct session *s = NULL;
	struct session_options opt = {
		.flags = SESSION_CREATE | SESSION_WRITE | SESSION_TOKENS,
		.who = who,
	};

	if (!file_check_absent(h->register_dir, e) ||
	    (s = session_open(h, &opt, e)) == NULL)
		return false;
	if (new_log_key && !make_log_key(h, s, e))
		return false;
	if (!session_start_signer(s, &opt, e))
		return false;
	note_vkey_format(&s->host.log.key, vkey);
	return session_close(take(s), e);
}

/* ---- soft tokens ----------------------------------------------------------- */

/* The token's label in its URI (RFC 7512 2.3). */
static bool
label_of(const struct home_token *t, struct buf *out, struct error *e)
{
	static const char key[] = "token=";
	const char *at = strstr(t->uri, key);
	size_t n;

	if (at == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "token %s: a soft token is made by its label: uri needs "
		    "token=",
		    t->name);
	at += strlen(key);
	n = strcspn(at, ";?");
	for (size_t i = 0; i < n; i++) {
		if (at[i] != '%')
			buf_add_byte(out, (uint8_t)at[i]);
		else if (n - i > 2 && hex_decode(at + i + 1, 2, out))
			i += 2;
		else
			return error_set(e, FAIL_BAD_INPUT,
			    "token %s: uri: a percent sign without two digits",
			    t->name);
	}
	return true;
}

/* SoftHSM wants one to make a token; it opens no key. Kept: it can set a new PIN. */
static struct secret *
so_pin(const char *dir, struct error *e)
{
	auto_mem char *path = path_join(dir, "so-pin");
	uint8_t raw[SO_PIN_BYTES];
	char hex[2 * sizeof(raw) + 1];
	auto_buf struct buf have = { 0 };
	struct secret *s = secret_new(sizeof(hex));
	bool ok;

	if (access(path, F_OK) == 0) {
		ok = file_read(path, sizeof(hex), &have, e) &&
		    secret_set(s, have.p, have.n);
		if (have.n > 0)
			explicit_bzero(have.p, have.n);
	} else {
		random_bytes(raw, sizeof(raw));
		hex_encode(bytes_of(raw, sizeof(raw)), hex);
		ok = secret_set(s, hex, strlen(hex)) &&
		    file_create(path, bytes_str(hex), 0600, e);
		explicit_bzero(hex, sizeof(hex));
	}
	if (ok)
		return s;
	secret_free(s);
	return NULL;
}

static bool
make_token(const struct home *h, const struct home_token *t,
    const struct secret *so, unsigned *made, struct error *e)
{
	auto_buf struct buf label = { 0 };
	struct secret *pin;
	bool ok;

	if (!label_of(t, &label, e) || (pin = home_token_pin(t, e)) == NULL)
		return false;
	ok = hsm_softtoken_create(h->module, h->soft_token_dir,
	    buf_cstr(&label), so, pin, e);
	secret_free(pin);
	if (ok)
		(*made)++;
	return ok || e->why == FAIL_EXISTS;
}

bool
birth_tokens(const struct home *h, unsigned *made, struct error *e)
{
	struct secret *so;
	bool ok = true;

	*made = 0;
	if (h->soft_token_dir == NULL)
		return true;
	if (!dir_create(h->soft_token_dir, 0700, e))
		return false;
	so = so_pin(h->soft_token_dir, e);
	if (so == NULL)
		return false;
	for (size_t i = 0; ok && i < h->tokens; i++)
		ok = make_token(h, &h->token[i], so, made, e);
	secret_free(so);
	return ok && (*made == 0 || hsm_softtoken_keep(h->soft_token_dir, e));
}

/* ---- database ---------------------------------------------------------------- */

static bool
make_parent(const char *path, struct error *e)
{
	auto_mem char *dir = mem_strdup(path);
	char *slash = strrchr(dir, '/');

	if (slash == NULL || slash == dir)
		return true;
	*slash = '\0';
	return dir_create(dir, 0700, e);
}

bool
birth_store(const char *path, bool *made, struct error *e)
{
	struct store_config cfg = { .path = path, .create = true };
	struct store *s;

	*made = false;
	if (access(path, F_OK) == 0)
		return true;
	if (!make_parent(path, e) || (s = store_open(&cfg, e)) == NULL)
		return false;
	*made = true;
	return store_close(s, e);
}
