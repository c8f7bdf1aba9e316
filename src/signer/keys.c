/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/text.h>

#include "internal.h"

struct signer_key *
signer_key_find(struct signer *s, const struct sha256 *id)
{
	size_t i;

	for (i = 0; i < s->keys_n; i++)
		if (memcmp(s->keys[i]->id.b, id->b, SHA256_LEN) == 0)
			return s->keys[i];
	return NULL;
}

bool
signer_key_usable(const struct signer_key *k, struct error *e)
{
	if (!k->can_sign) {
		*e = k->open_error;
		return false;
	}
	if (!k->spki_ok)
		return error_set(e, FAIL_UNSUPPORTED,
		    "key: its public key is of a kind we cannot check");
	if (k->charter == NULL)
		return error_set(e, FAIL_REFUSED,
		    "key: it has no charter yet and signs nothing");
	return true;
}

static struct hsm_token *
token_of(struct signer *s, const char *serial)
{
	size_t i;

	for (i = 0; i < s->cfg.tokens; i++)
		if (strcmp(hsm_token_get_info(s->cfg.token[i].token)->serial,
			serial) == 0)
			return s->cfg.token[i].token;
	return NULL;
}

/* RFC 7512: every octet of the CKA_ID percent-encoded. */
struct hsm_key *
signer_open_by_id(struct hsm_token *t, struct bytes id, struct bytes spki,
    struct error *e)
{
	auto_buf struct buf uri = { 0 };
	size_t i;

	buf_add_str(&uri, "pkcs11:type=private;id=");
	for (i = 0; i < id.n; i++)
		buf_addf(&uri, "%%%02x", id.p[i]);
	return hsm_key_open(t, buf_cstr(&uri), spki, e);
}

/* A key that cannot be opened stays known; why is told when it is asked for. */
static void
open_handle(struct signer *s, struct signer_key *k, const struct state_key *st)
{
	struct hsm_token *t = token_of(s, st->token);

	if (st->destroyed || st->released) {
		(void)error_set(&k->open_error, FAIL_NOT_FOUND, "key %s: %s",
		    st->label,
		    st->destroyed ? "was destroyed"
				  : "was released to another log");
		return;
	}
	if (t == NULL) {
		(void)error_set(&k->open_error, FAIL_NOT_FOUND,
		    "key %s: its token (serial %s) is not configured here",
		    st->label, st->token);
		return;
	}
	k->handle = signer_open_by_id(t, bytes_of(st->id, st->id_len), st->spki,
	    &k->open_error);
	k->can_sign = k->handle != NULL;
}

static struct signer_key *
add_key(struct signer *s, const struct state_key *st)
{
	struct signer_key *k = mem_calloc(1, sizeof(*k));
	struct error ignored;

	k->id = st->key;
	buf_add_bytes(&k->spki_der, st->spki);
	k->spki_ok = spki_parse(buf_bytes(&k->spki_der), &k->spki, &ignored);
	if (k->spki_ok)
		spki_key_id(&k->spki, k->key_id);
	open_handle(s, k, st);
	/* A test that signs for itself needs no handle. */
	k->can_sign |= s->cfg.sign != NULL;
	s->keys = mem_grow(s->keys, s->keys_n, &s->keys_cap,
	    sizeof(struct signer_key *));
	s->keys[s->keys_n++] = k;
	return k;
}

static bool
load_charter(struct signer_key *k, const struct state_key *st, struct error *e)
{
	struct charter *c;

	if (st->charter.n == 0 ||
	    (k->charter != NULL && k->charter_index == st->charter_index))
		return true;
	c = charter_parse_json(st->charter, e);
	if (c == NULL)
		return error_context(e, "record %llu: charter",
		    (unsigned long long)st->charter_index);
	charter_free(k->charter);
	k->charter = c;
	k->charter_index = st->charter_index;
	return true;
}

static void
close_handle(struct signer_key *k, const struct state_key *st)
{
	if (k->handle == NULL || (!st->destroyed && !st->released))
		return;
	hsm_key_close(k->handle);
	k->handle = NULL;
	k->can_sign = false;
	(void)error_set(&k->open_error, FAIL_NOT_FOUND, "key %s: was %s",
	    st->label, st->destroyed ? "destroyed" : "released to another log");
}

bool
signer_keys_refresh(struct signer *s, struct error *e)
{
	const struct reg_state *state = reg_get_state(s->reg);
	const struct state_key *st;
	struct signer_key *k;
	size_t i;

	for (i = 0; i < reg_state_keys(state); i++) {
		st = reg_state_key_at(state, i);
		k = signer_key_find(s, &st->key);
		if (k == NULL)
			k = add_key(s, st);
		close_handle(k, st);
		if (!load_charter(k, st, e))
			return false;
	}
	return true;
}

void
signer_keys_free(struct signer *s)
{
	size_t i;

	for (i = 0; i < s->keys_n; i++) {
		if (s->keys[i]->handle != NULL)
			hsm_key_close(s->keys[i]->handle);
		charter_free(s->keys[i]->charter);
		buf_free(&s->keys[i]->spki_der);
		mem_free(s->keys[i]);
	}
	mem_free(s->keys);
}

bool
signer_issuer_ok(struct signer *s, const struct signer_key *k,
    struct bytes name)
{
	const struct state_key *st =
	    reg_state_key(reg_get_state(s->reg), &k->id);
	size_t i;

	for (i = 0; i < st->names_n; i++)
		if (bytes_eq(st->names[i], name))
			return true;
	return st->names_n == 0;
}

void
signer_usage(struct signer *s, const struct signer_key *k,
    struct charter_usage *u, int64_t now_s)
{
	const struct state_key *st =
	    reg_state_key(reg_get_state(s->reg), &k->id);

	u->now_s = now_s;
	u->signatures = st->signatures;
	u->self_signed = st->self_signed;
	u->in_hour = st->hour == (uint64_t)now_s / 3600 ? st->in_hour : 0;
}

struct hsm_key *
signer_key_handle(struct signer *s, const struct sha256 *key)
{
	struct signer_key *k = signer_key_find(s, key);

	return k == NULL ? NULL : k->handle;
}
