/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/signer/logkey.h>

static bool
sign(void *arg, struct bytes message, uint8_t sig[64], struct error *e)
{
	auto_buf struct buf out = { 0 };
	unsigned attempts;

	if (!hsm_sign(arg, SIG_ED25519, message, &out, &attempts, e))
		return false;
	if (out.n != 64)
		return error_set(e, FAIL_CRYPTO,
		    "Ed25519 signature of %zu octets", out.n);
	memcpy(sig, out.p, 64);
	return true;
}

bool
log_key_signer(struct hsm_key *k, const char *name, struct note_signer *out,
    struct error *e)
{
	const struct hsm_key_info *info = hsm_key_get_info(k);

	/* RFC 8410 4: the last 32 octets of the SPKI are the key. */
	if (info->type.alg != KEY_ED25519 || info->spki.n != 44)
		return error_set(e, FAIL_UNSUPPORTED,
		    "log key %s is %s; checkpoints are signed with ed25519",
		    info->label, key_type_name(info->type));
	if (strlen(name) >= NOTE_NAME_MAX)
		return error_set(e, FAIL_BAD_INPUT,
		    "origin: longer than %d bytes", NOTE_NAME_MAX - 1);
	note_key_init(&out->key, name, 0x01, info->spki.p + 12);
	out->sign = sign;
	out->arg = k;
	return true;
}

static bool
anchor_load(void *arg, struct buf *note, struct error *e)
{
	const struct hsm_anchor *a = arg;

	return hsm_data_read(a->token, a->label, note, e);
}

static bool
anchor_store(void *arg, struct bytes note, struct error *e)
{
	const struct hsm_anchor *a = arg;

	return hsm_data_write(a->token, a->label, note, e);
}

struct reg_anchor
log_hsm_anchor(struct hsm_anchor *a, bool read_only)
{
	return (struct reg_anchor){ .name = a->label,
		.load = anchor_load,
		.store = anchor_store,
		.arg = a,
		.read_only = read_only };
}
