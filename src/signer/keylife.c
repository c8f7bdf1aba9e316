/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/json.h>

#include "keygen.h"

/* KEY_ADOPT, KEY_DESTROY, CHARTER: the life of a key after it was made. */

/* The log's own key signs checkpoints and nothing else, ever. RFC 8410 4: the last
 * 32 octets of an Ed25519 SubjectPublicKeyInfo are the key. */
static bool
not_log_key(const struct signer *s, const struct hsm_key_info *info,
    struct error *e)
{
	const struct note_signer *log = s->cfg.reg.log_key;

	if (log == NULL || info->type.alg != KEY_ED25519 ||
	    info->spki.n != 44 ||
	    memcmp(info->spki.p + 12, log->key.pub, 32) != 0)
		return true;
	return error_set(e, FAIL_REFUSED, "key %s: signs the register itself",
	    info->label);
}

static bool
append_adopt(struct signer *s, size_t token, const struct hsm_key_info *info,
    const struct sha256 *key, const struct signer_claim *who, struct error *e)
{
	struct record rec;
	uint64_t n;

	record_init(&rec, REC_ADOPT);
	record_bytes(&rec, "id", bytes_of(info->id, info->id_len));
	record_hash(&rec, "key", key);
	record_text(&rec, "label", info->label);
	record_text(&rec, "origin", "token");
	record_bytes(&rec, "spki", info->spki);
	record_text(&rec, "token",
	    hsm_token_get_info(s->cfg.token[token].token)->serial);
	keygen_claim(&rec, who);
	return signer_append_commit(s, &rec, (struct bytes){ 0 }, &n, e);
}

bool
signer_key_adopt(struct signer *s, size_t token, const char *uri,
    struct bytes charter_json, const struct signer_claim *who,
    struct sha256 *key, struct error *e)
{
	auto_hsm_key struct hsm_key *k = NULL;
	auto_charter struct charter *c = NULL;
	const struct hsm_key_info *info;
	struct hsm_custody custody;
	struct sha256 id;

	if (!signer_alive(s, e) || !signer_claim_check(who, e) ||
	    !keygen_token_check(s, token, e))
		return false;
	c = keygen_charter(s, token, false, charter_json, e);
	if (c == NULL)
		return false;
	k = hsm_key_open(s->cfg.token[token].token, uri, (struct bytes){ 0 },
	    e);
	if (k == NULL)
		return false;
	info = hsm_key_get_info(k);
	if (!not_log_key(s, info, e))
		return false;
	id = sha256(info->spki);
	if (!append_adopt(s, token, info, &id, who, e) ||
	    !keygen_examine(s, k, &id, "adopted key", &custody, e) ||
	    !keygen_append_charter(s, &id, c, who, e))
		return false;
	*key = id;
	return true;
}

/* Both halves, and the proof. A key that an interrupted destruction took already
 * is known by its CKA_ID; one that cannot be opened for another reason may be
 * somebody else's and is left alone. */
static bool
destroy_objects(struct signer *s, struct signer_key *k, unsigned *n,
    struct error *e)
{
	const struct state_key *st =
	    reg_state_key(reg_get_state(s->reg), &k->id);
	size_t token;

	if (k->handle == NULL &&
	    (st->destroyed || st->released ||
		k->open_error.why != FAIL_NOT_FOUND)) {
		*e = k->open_error;
		return false;
	}
	if (!keygen_find_token(s, bytes_str(st->token), &token, e) ||
	    !hsm_object_destroy(s->cfg.token[token].token,
		bytes_of(st->id, st->id_len), n, e))
		return false;
	if (k->handle != NULL)
		hsm_key_close(take(k->handle));
	k->can_sign = false;
	(void)error_set(&k->open_error, FAIL_NOT_FOUND, "key %s: was destroyed",
	    st->label);
	return true;
}

bool
signer_key_destroy(struct signer *s, const struct sha256 *key,
    const struct signer_claim *who, struct error *e)
{
	struct signer_key *k = signer_key_find(s, key);
	auto_buf struct buf proof = { 0 };
	struct json_writer w;
	struct record rec;
	unsigned destroyed;
	uint64_t n;

	if (!signer_alive(s, e) || !signer_claim_check(who, e))
		return false;
	if (k == NULL)
		return error_set(e, FAIL_NOT_FOUND,
		    "key: not one of this register's keys");
	if (s->in_flight > 0)
		return error_set(e, FAIL_BUSY, "%zu requests are in flight",
		    s->in_flight);
	if (!destroy_objects(s, k, &destroyed, e))
		return false;
	json_begin(&w, &proof);
	json_object_begin(&w);
	json_kv_int(&w, "destroyed", destroyed);
	json_kv_int(&w, "found_afterwards", 0);
	json_object_end(&w);
	record_init(&rec, REC_DESTROY);
	record_hash(&rec, "key", key);
	record_json(&rec, "proof", buf_bytes(&proof));
	keygen_claim(&rec, who);
	return signer_append_commit(s, &rec, (struct bytes){ 0 }, &n, e);
}

/* The first charter of a key whose making ended before it had one. */
static bool
first_charter(struct signer *s, const struct sha256 *key,
    const struct charter *next, struct error *e)
{
	const struct state_key *st = reg_state_key(reg_get_state(s->reg), key);
	size_t token;

	return s->cfg.reg.offline ||
	    (keygen_find_token(s, bytes_str(st->token), &token, e) &&
		keygen_first_charter_ok(s, token, next, e));
}

bool
signer_charter(struct signer *s, const struct sha256 *key,
    struct bytes charter_json, const struct signer_claim *who, struct error *e)
{
	struct signer_key *k = signer_key_find(s, key);
	auto_charter struct charter *next = NULL;
	const char *field = NULL;

	if (!signer_alive(s, e) || !signer_claim_check(who, e))
		return false;
	if (k == NULL)
		return error_set(e, FAIL_NOT_FOUND,
		    "key: not one of this register's keys");
	next = charter_parse_json(charter_json, e);
	if (next == NULL)
		return false;
	if (k->charter == NULL && !first_charter(s, key, next, e))
		return false;
	if (k->charter != NULL && !charter_is_tighter(k->charter, next, &field))
		return error_set(e, FAIL_QUORUM,
		    "%s: would be wider than the key's charter; that needs "
		    "its custodians' approval",
		    field);
	return keygen_append_charter(s, key, next, who, e);
}
