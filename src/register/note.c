/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include <chancery/base/alloc.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "notes.h"

#define DASH "\xe2\x80\x94 " /* U+2014 and a space: a signature line begins */

/* The characters of Unicode's White_Space beyond ASCII. */
static const char *const wide_spaces[] = { "\xc2\x85", "\xc2\xa0",
	"\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
	"\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
	"\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a",
	"\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
	"\xe3\x80\x80" };

/* A key name in a note that is UTF-8 as a whole. */
static bool
name_characters(struct bytes name)
{
	size_t i;

	for (i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] == '+')
			return false;
	/* UTF-8 synchronises itself: a match is a character. */
	for (i = 0; i < countof(wide_spaces); i++)
		if (memmem(name.p, name.n, wide_spaces[i],
			strlen(wide_spaces[i])) != NULL)
			return false;
	return name.n > 0;
}

bool
note_name_valid(struct bytes name)
{
	return name.n < NOTE_NAME_MAX && utf8_valid(name) &&
	    name_characters(name);
}

/* C2SP signed-note: SHA-256(name ‖ newline ‖ type ‖ key)[:4] */
static void
key_id(const struct note_key *k, uint8_t id[4])
{
	uint8_t prefix[2] = { '\n', k->type };
	struct sha256 h = sha256_cat(bytes_str(k->name), bytes_of(prefix, 2),
	    bytes_of(k->pub, 32));

	memcpy(id, h.b, 4);
}

void
note_key_init(struct note_key *k, const char *name, uint8_t type,
    const uint8_t pub[32])
{
	struct note_key key = { .type = type };

	assert(note_name_valid(bytes_str(name)));
	memcpy(key.name, name, strlen(name));
	memcpy(key.pub, pub, sizeof(key.pub));
	key_id(&key, key.id);
	*k = key;
}

void
note_vkey_format(const struct note_key *k, struct buf *out)
{
	uint8_t key[1 + 32] = { k->type };

	memcpy(key + 1, k->pub, 32);
	buf_add_str(out, k->name);
	buf_add_byte(out, '+');
	buf_add_hex(out, bytes_of(k->id, 4));
	buf_add_byte(out, '+');
	buf_add_base64(out, bytes_of(key, sizeof(key)));
}

/* The id's eight digits: lower-case, so that a key has one spelling. */
static bool
id_decode(const char *text, size_t n, uint8_t id[4])
{
	char digits[9] = "";
	size_t i;

	if (n != 8)
		return false;
	for (i = 0; i < n; i++)
		if (text[i] >= 'A' && text[i] <= 'F')
			return false;
	memcpy(digits, text, n);
	return hex_decode_fixed(digits, id, 4);
}

bool
note_vkey_parse(const char *vkey, struct note_key *out, struct error *e)
{
	const char *id = strchr(vkey, '+'), *key;
	auto_buf struct buf b = { 0 };
	uint8_t want[4] = { 0 };
	struct note_key k;

	/* The name has no plus; base64 may. */
	if (id == NULL || (key = strchr(id + 1, '+')) == NULL)
		return error_set(e, FAIL_BAD_INPUT, "vkey: not name+id+key");
	auto_mem char *name = mem_printf("%.*s", (int)(id - vkey), vkey);

	if (!note_name_valid(bytes_str(name)))
		return error_set(e, FAIL_BAD_INPUT, "vkey: bad key name");
	if (!id_decode(id + 1, (size_t)(key - id - 1), want))
		return error_set(e, FAIL_BAD_INPUT,
		    "vkey: the key id is not eight lower-case hex digits");
	if (!base64_decode(key + 1, strlen(key + 1), &b) || b.n == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "vkey: the key is not base64");
	if (b.p[0] != NOTE_ED25519 && b.p[0] != NOTE_COSIGNATURE)
		return error_set(e, FAIL_UNSUPPORTED,
		    "vkey: signature type 0x%02x", b.p[0]);
	if (b.n != 1 + sizeof(k.pub))
		return error_set(e, FAIL_BAD_INPUT,
		    "vkey: an Ed25519 key has 32 octets, not %zu", b.n - 1);
	note_key_init(&k, name, b.p[0], b.p + 1);
	if (memcmp(k.id, want, sizeof(want)) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "vkey: the id is not the one of this name and key");
	*out = k;
	return true;
}

bool
ed25519_verify(const uint8_t pub[32], struct bytes message,
    const uint8_t sig[64])
{
	EVP_PKEY *key =
	    EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = key != NULL && ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, sig, 64, message.p, message.n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error(); /* a wrong signature is an answer, no error */
	return ok;
}

bool
note_next_line(struct bytes *rest, struct bytes *line)
{
	const uint8_t *end =
	    rest->n == 0 ? NULL : memchr(rest->p, '\n', rest->n);

	if (end == NULL)
		return false;
	*line = bytes_of(rest->p, (size_t)(end - rest->p));
	rest->n -= line->n + 1;
	rest->p += line->n + 1;
	return true;
}

/* "— name base64": the octets of the id and the signature go to `sig`. */
static bool
signature_line(struct bytes line, struct bytes *name, struct buf *sig)
{
	const size_t dash = strlen(DASH);
	const uint8_t *space;
	struct bytes b64;

	if (line.n <= dash || memcmp(line.p, DASH, dash) != 0)
		return false;
	line.p += dash;
	line.n -= dash;
	space = memchr(line.p, ' ', line.n);
	if (space == NULL)
		return false;
	*name = bytes_of(line.p, (size_t)(space - line.p));
	b64 = bytes_of(space + 1, line.n - name->n - 1);
	buf_reset(sig);
	return note_name_valid(*name) &&
	    base64_decode((const char *)b64.p, b64.n, sig) && sig->n > 4;
}

static bool
check_lines(struct bytes rest, struct error *e)
{
	auto_buf struct buf sig = { 0 };
	struct bytes line, name;
	unsigned n = 0;

	while (note_next_line(&rest, &line)) {
		if (++n > LIMIT_NOTE_SIGNATURES)
			return error_set(e, FAIL_BAD_INPUT,
			    "note: more than %d signatures",
			    LIMIT_NOTE_SIGNATURES);
		if (!signature_line(line, &name, &sig))
			return error_set(e, FAIL_BAD_INPUT,
			    "note: signature line %u is malformed", n);
	}
	if (rest.n != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "note: the last line has no newline");
	if (n == 0)
		return error_set(e, FAIL_BAD_INPUT, "note: no signatures");
	return true;
}

static bool
check_characters(struct bytes note, struct error *e)
{
	size_t i;

	if (note.n > LIMIT_NOTE_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "note: larger than %d bytes", LIMIT_NOTE_BYTES);
	if (!utf8_valid(note))
		return error_set(e, FAIL_BAD_INPUT, "note: not UTF-8");
	for (i = 0; i < note.n; i++)
		if (note.p[i] < ' ' && note.p[i] != '\n')
			return error_set(e, FAIL_BAD_INPUT,
			    "note: control character 0x%02x", note.p[i]);
	return true;
}

bool
note_split(struct bytes note, struct note_parts *out, struct error *e)
{
	const uint8_t *gap;
	struct note_parts p;

	if (!check_characters(note, e))
		return false;
	/* The last empty line: the text may have others. */
	gap = note.n < 2 ? NULL : note.p + note.n - 2;
	while (gap != NULL && memcmp(gap, "\n\n", 2) != 0)
		gap = gap == note.p ? NULL : gap - 1;
	if (gap == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "note: no empty line before signatures");
	p.text = bytes_of(note.p, (size_t)(gap - note.p) + 1);
	p.rest = bytes_of(gap + 2, note.n - p.text.n - 1);
	if (!check_lines(p.rest, e))
		return false;
	*out = p;
	return true;
}

bool
note_next_by(struct note_parts *p, const struct note_key *key, struct buf *sig)
{
	struct bytes line, name;

	while (note_next_line(&p->rest, &line)) {
		if (!signature_line(line, &name, sig) ||
		    !bytes_eq(name, bytes_str(key->name)) ||
		    memcmp(sig->p, key->id, 4) != 0)
			continue;
		memmove(sig->p, sig->p + 4, sig->n - 4);
		sig->n -= 4;
		return true;
	}
	return false;
}

void
note_add_signature(const struct note_key *key, struct bytes sig,
    struct buf *note)
{
	auto_buf struct buf b = { 0 };

	buf_add(&b, key->id, 4);
	buf_add_bytes(&b, sig);
	buf_add_str(note, DASH);
	buf_add_str(note, key->name);
	buf_add_byte(note, ' ');
	buf_add_base64(note, buf_bytes(&b));
	buf_add_byte(note, '\n');
}
