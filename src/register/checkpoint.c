/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <inttypes.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>

#include "notes.h"

void
checkpoint_text(const struct checkpoint *c, struct buf *out)
{
	buf_addf(out, "%s\n%" PRIu64 "\n", c->origin, c->size);
	buf_add_base64(out, sha256_bytes(&c->root));
	buf_add_byte(out, '\n');
}

bool
checkpoint_sign(const struct checkpoint *c, const struct note_signer *s,
    struct buf *note, struct error *e)
{
	auto_buf struct buf text = { 0 };
	uint8_t sig[64];

	/* tlog-checkpoint: the key's name matches the origin, so that a
	 * reader who holds the vkey knows the log. */
	if (s->key.type != NOTE_ED25519 || strcmp(c->origin, s->key.name) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "checkpoint: %s is not the log key of %s", s->key.name,
		    c->origin);
	if (c->size > INT64_MAX)
		return error_set(e, FAIL_BAD_INPUT, "checkpoint: size");
	checkpoint_text(c, &text);
	if (!s->sign(s->arg, buf_bytes(&text), sig, e))
		return error_context(e, "checkpoint of %s", c->origin);
	if (!ed25519_verify(s->key.pub, buf_bytes(&text), sig))
		return error_set(e, FAIL_CRYPTO,
		    "checkpoint: the log key of %s made a signature that "
		    "does not verify",
		    c->origin);
	buf_add_bytes(note, buf_bytes(&text));
	buf_add_byte(note, '\n');
	note_add_signature(&s->key, bytes_of(sig, sizeof(sig)), note);
	return true;
}

bool
note_parse_size(struct bytes digits, uint64_t *out)
{
	char text[21]; /* UINT64_MAX has 20 digits */

	if (digits.n >= sizeof(text) ||
	    (digits.n > 0 && memchr(digits.p, '\0', digits.n) != NULL))
		return false;
	memcpy(text, digits.p, digits.n);
	text[digits.n] = '\0';
	return parse_u64(text, 0, INT64_MAX, out);
}

static bool
parse_root(struct bytes line, struct sha256 *out)
{
	auto_buf struct buf b = { 0 };

	if (!base64_decode((const char *)line.p, line.n, &b) ||
	    b.n != SHA256_LEN)
		return false;
	memcpy(out->b, b.p, SHA256_LEN);
	return true;
}

/* C2SP tlog-checkpoint: origin, size, root, then extension lines if any. */
static bool
parse_text(struct bytes text, struct checkpoint *out, struct error *e)
{
	struct bytes line;
	struct checkpoint c = { .size = 0 };

	if (!note_next_line(&text, &line) || line.n == 0 ||
	    line.n >= sizeof(c.origin))
		return error_set(e, FAIL_BAD_INPUT, "checkpoint: origin");
	memcpy(c.origin, line.p, line.n);
	if (!note_next_line(&text, &line) || !note_parse_size(line, &c.size))
		return error_set(e, FAIL_BAD_INPUT,
		    "checkpoint: the size is not a canonical number");
	if (!note_next_line(&text, &line) || !parse_root(line, &c.root))
		return error_set(e, FAIL_BAD_INPUT,
		    "checkpoint: the root is not base64 of 32 octets");
	while (note_next_line(&text, &line))
		if (line.n == 0)
			return error_set(e, FAIL_BAD_INPUT,
			    "checkpoint: empty extension line");
	*out = c;
	return true;
}

bool
checkpoint_parse(struct bytes note, struct checkpoint *out, struct error *e)
{
	struct note_parts p;

	return note_split(note, &p, e) && parse_text(p.text, out, e);
}

bool
checkpoint_open(struct bytes note, const struct note_key *key,
    struct checkpoint *out, struct error *e)
{
	auto_buf struct buf sig = { 0 };
	struct note_parts p;
	struct checkpoint c;
	unsigned good = 0;

	if (key->type != NOTE_ED25519)
		return error_set(e, FAIL_UNSUPPORTED,
		    "checkpoint: the key %s is of type %u, not Ed25519",
		    key->name, (unsigned)key->type);
	if (!note_split(note, &p, e) || !parse_text(p.text, &c, e))
		return false;
	if (strcmp(c.origin, key->name) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "checkpoint: its log is not %s", key->name);
	for (; note_next_by(&p, key, &sig); good++)
		if (sig.n != 64 || !ed25519_verify(key->pub, p.text, sig.p))
			return error_set(e, FAIL_CRYPTO,
			    "checkpoint: wrong signature by %s", key->name);
	if (good == 0)
		return error_set(e, FAIL_CRYPTO,
		    "checkpoint: no signature by this key of %s", key->name);
	*out = c;
	return true;
}

static uint64_t
get_u64(const uint8_t *p)
{
	uint64_t v = 0;
	unsigned i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* C2SP tlog-cosignature: big-endian time, then the signature over a header line,
 * the time and the whole text. */
static bool
cosignature_check(struct bytes text, const struct note_key *witness,
    struct bytes sig, int64_t *time_s)
{
	auto_buf struct buf message = { 0 };
	uint64_t t;

	if (sig.n != COSIGNATURE_LEN)
		return false;
	t = get_u64(sig.p);
	if (t > INT64_MAX)
		return false;
	buf_addf(&message, "cosignature/v1\ntime %" PRIu64 "\n", t);
	buf_add_bytes(&message, text);
	*time_s = (int64_t)t;
	return ed25519_verify(witness->pub, buf_bytes(&message), sig.p + 8);
}

bool
checkpoint_cosigned(struct bytes note, const struct note_key *witness,
    int64_t *time_s, struct error *e)
{
	auto_buf struct buf sig = { 0 };
	struct note_parts p;
	struct checkpoint c;
	int64_t t, latest = -1;

	assert(witness->type == NOTE_COSIGNATURE);
	if (!note_split(note, &p, e) || !parse_text(p.text, &c, e))
		return false;
	while (note_next_by(&p, witness, &sig)) {
		if (!cosignature_check(p.text, witness, buf_bytes(&sig), &t))
			return error_set(e, FAIL_CRYPTO,
			    "checkpoint: wrong cosignature by %s",
			    witness->name);
		if (t > latest)
			latest = t;
	}
	if (latest < 0)
		return error_set(e, FAIL_NOT_FOUND,
		    "checkpoint: no cosignature by this key of %s",
		    witness->name);
	*time_s = latest;
	return true;
}
