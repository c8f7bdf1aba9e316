/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/alloc.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/register/receipt.h>

#include "../../src/register/notes.h"
#include "note_key.h"

#define ORIGIN "acme.example/chancery/root"
#define DASH "\xe2\x80\x94"

static uint8_t log_seed = 7, witness_seed = 9, other_seed = 11;

static struct checkpoint
some_checkpoint(void)
{
	struct checkpoint c = { .origin = ORIGIN, .size = 20852163 };

	memset(c.root.b, 0x5a, sizeof(c.root.b));
	return c;
}

static void
signed_checkpoint(struct buf *note)
{
	struct note_signer s =
	    test_note_signer(ORIGIN, NOTE_ED25519, &log_seed);
	struct checkpoint c = some_checkpoint();
	struct error e = { 0 };

	assert_true(checkpoint_sign(&c, &s, note, &e));
}

/* A line by `name` over the note's text, whatever that is. */
static void
add_line(struct buf *note, const char *name, uint8_t *seed)
{
	struct note_signer s = test_note_signer(name, NOTE_ED25519, seed);
	struct error e = { 0 };
	const char *text = buf_cstr(note);
	size_t n = (size_t)(strstr(text, "\n\n") - text) + 1;
	uint8_t sig[64];

	assert_true(s.sign(s.arg, bytes_of(text, n), sig, &e));
	note_add_signature(&s.key, bytes_of(sig, sizeof(sig)), note);
}

/* tlog-cosignature over the note's text at `t`. */
static void
add_cosignature(struct buf *note, const char *name, uint8_t *seed, uint64_t t)
{
	struct note_signer s = test_note_signer(name, NOTE_COSIGNATURE, seed);
	auto_buf struct buf m = { 0 };
	struct error e = { 0 };
	const char *text = buf_cstr(note);
	uint8_t sig[8 + 64];
	unsigned i;

	buf_addf(&m, "cosignature/v1\ntime %llu\n", (unsigned long long)t);
	buf_add(&m, text, (size_t)(strstr(text, "\n\n") - text) + 1);
	for (i = 0; i < 8; i++)
		sig[i] = (uint8_t)(t >> (56 - 8 * i));
	assert_true(s.sign(s.arg, buf_bytes(&m), sig + 8, &e));
	note_add_signature(&s.key, bytes_of(sig, sizeof(sig)), note);
}

/* The two notes and keys that the specification and Go's package publish. */
static void
test_published(void **state)
{
	static const struct {
		const char *vkey, *note;
	} rows[] = {
		{ "example.com/foo+530d903a+"
		  "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		    "This is an example message.\n\n" DASH
		    " example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2"
		    "ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n" },
		{ "PeterNeumann+c74f20a3+"
		  "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		    "If you think cryptography is the answer to your "
		    "problem,\n"
		    "then you don't know what your problem is.\n\n" DASH
		    " PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZI"
		    "nNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n" },
	};
	unsigned i;

	(void)state;
	for (i = 0; i < countof(rows); i++) {
		auto_buf struct buf sig = { 0 }, again = { 0 };
		struct error e = { 0 };
		struct note_parts p;
		struct note_key k;

		assert_true(note_vkey_parse(rows[i].vkey, &k, &e));
		assert_int_equal(k.type, NOTE_ED25519);
		note_vkey_format(&k, &again);
		assert_string_equal(buf_cstr(&again), rows[i].vkey);
		assert_true(note_split(bytes_str(rows[i].note), &p, &e));
		assert_true(note_next_by(&p, &k, &sig));
		assert_int_equal(sig.n, 64);
		assert_true(ed25519_verify(k.pub, p.text, sig.p));
		sig.p[63] ^= 1;
		assert_false(ed25519_verify(k.pub, p.text, sig.p));
		sig.p[63] ^= 1;
		p.text.n--;
		assert_false(ed25519_verify(k.pub, p.text, sig.p));
		assert_false(note_next_by(&p, &k, &sig));
	}
}

static void
test_vkey_refused(void **state)
{
	static const char good[] =
	    "example.com/foo+530d903a+"
	    "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
	static const struct {
		const char *name, *vkey;
		enum fail why;
	} rows[] = {
		{ "empty", "", FAIL_BAD_INPUT },
		{ "no plus", "example.com/foo", FAIL_BAD_INPUT },
		{ "one plus", "example.com/foo+530d903a", FAIL_BAD_INPUT },
		{ "no name",
		    "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		    FAIL_BAD_INPUT },
		{ "space in the name",
		    "example.com foo+530d903a+"
		    "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		    FAIL_BAD_INPUT },
		{ "other name",
		    "example.com/fop+530d903a+"
		    "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		    FAIL_BAD_INPUT },
		{ "id in capitals",
		    "example.com/foo+530D903A+"
		    "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		    FAIL_BAD_INPUT },
		{ "short id",
		    "example.com/foo+530d903+"
		    "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		    FAIL_BAD_INPUT },
		{ "other id",
		    "example.com/foo+530d903b+"
		    "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		    FAIL_BAD_INPUT },
		{ "not base64",
		    "example.com/foo+530d903a+"
		    "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",
		    FAIL_BAD_INPUT },
		{ "newline behind it",
		    "example.com/foo+530d903a+"
		    "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
		    FAIL_BAD_INPUT },
		{ "no key", "example.com/foo+530d903a+", FAIL_BAD_INPUT },
		{ "short key", "example.com/foo+530d903a+AQID",
		    FAIL_BAD_INPUT },
		{ "ECDSA", "example.com/foo+530d903a+AgID", FAIL_UNSUPPORTED },
		{ "ML-DSA", "example.com/foo+530d903a+BgID", FAIL_UNSUPPORTED },
	};
	struct error e = { 0 };
	struct note_key k;
	unsigned i;

	(void)state;
	assert_true(note_vkey_parse(good, &k, &e));
	for (i = 0; i < countof(rows); i++) {
		struct note_key out = k;

		error_clear(&e);
		if (note_vkey_parse(rows[i].vkey, &out, &e))
			fail_msg("accepted: %s", rows[i].name);
		if (e.why != rows[i].why)
			fail_msg("%s: %s", rows[i].name, e.msg);
		assert_memory_equal(&out, &k, sizeof(k));
	}
	auto_mem char *name = mem_calloc(1, NOTE_NAME_MAX + 1);

	memset(name, 'a', NOTE_NAME_MAX);
	assert_false(note_name_valid(bytes_str(name)));
	auto_mem char *vkey = mem_printf("%s%s", name, good);

	assert_false(note_vkey_parse(vkey, &k, &e));
	assert_true(note_name_valid(bytes_of(name, NOTE_NAME_MAX - 1)));
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		bool ok;
	} rows[] = {
		{ "example.com/log42", true },
		{ "h\xc3\xb6he.example/\xe6\x97\xa5", true }, { "", false },
		{ "a b", false }, { "a+b", false }, { "a\nb", false },
		{ "a\tb", false },
		{ "a\xc2\xa0"
		  "b",
		    false }, /* no-break space */
		{ "\xc2\x85", false }, { "a\xe2\x80\x83", false },
		{ "\xe3\x80\x80z", false }, { "\xe2\x80\xa9z", false },
		{ "a\xff", false },
		{ "a\xe2\x80\x8b", true }, /* zero-width: not White_Space */
	};
	unsigned i;

	(void)state;
	for (i = 0; i < countof(rows); i++)
		if (note_name_valid(bytes_str(rows[i].name)) != rows[i].ok)
			fail_msg("row %u: %s", i, rows[i].name);
}

static void
test_checkpoint(void **state)
{
	auto_buf struct buf note = { 0 }, text = { 0 };
	struct checkpoint c = some_checkpoint(), got = { .size = 1 };
	struct note_signer s =
	    test_note_signer(ORIGIN, NOTE_ED25519, &log_seed);
	struct error e = { 0 };

	(void)state;
	checkpoint_text(&c, &text);
	assert_string_equal(buf_cstr(&text),
	    ORIGIN "\n20852163\n"
		   "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=\n");
	signed_checkpoint(&note);
	assert_memory_equal(note.p, text.p, text.n);
	assert_memory_equal(note.p + text.n, "\n" DASH " " ORIGIN " ",
	    1 + 4 + strlen(ORIGIN) + 1);
	assert_true(checkpoint_open(buf_bytes(&note), &s.key, &got, &e));
	assert_string_equal(got.origin, ORIGIN);
	assert_int_equal(got.size, c.size);
	assert_memory_equal(got.root.b, c.root.b, SHA256_LEN);
}

/* Every bit of the note counts, and every length. */
static void
test_checkpoint_altered(void **state)
{
	auto_buf struct buf note = { 0 };
	struct note_signer s =
	    test_note_signer(ORIGIN, NOTE_ED25519, &log_seed);
	struct checkpoint before, got;
	struct error e = { 0 };
	size_t i;

	(void)state;
	memset(&before, 0x33, sizeof(before));
	got = before;
	signed_checkpoint(&note);
	for (i = 0; i < note.n * 8; i++) {
		note.p[i / 8] ^= (uint8_t)(1U << i % 8);
		if (checkpoint_open(buf_bytes(&note), &s.key, &got, &e))
			fail_msg("bit %zu", i);
		assert_true(e.why == FAIL_BAD_INPUT || e.why == FAIL_CRYPTO);
		note.p[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	for (i = 0; i < note.n; i++)
		assert_false(
		    checkpoint_open(bytes_of(note.p, i), &s.key, &got, &e));
	assert_memory_equal(&got, &before, sizeof(got));
}

static void
test_checkpoint_others(void **state)
{
	auto_buf struct buf note = { 0 };
	struct note_signer s = test_note_signer(ORIGIN, NOTE_ED25519,
			       &log_seed),
			   other = test_note_signer("other.example",
			       NOTE_ED25519, &other_seed),
			   same_name = test_note_signer(ORIGIN, NOTE_ED25519,
			       &other_seed);
	struct checkpoint got;
	struct error e = { 0 };
	struct note_key bad_id;
	int i;

	(void)state;
	signed_checkpoint(&note);
	/* Unknown keys, one of them with our name, one with our id, and one
	 * of a type that is not known here. */
	add_line(&note, "other.example", &other_seed);
	add_line(&note, ORIGIN, &other_seed);
	bad_id = other.key;
	memcpy(bad_id.id, s.key.id, 4);
	note_add_signature(&bad_id, bytes_str("x"), &note);
	for (i = 0; i < 40; i++)
		add_cosignature(&note, "w.example", &witness_seed, 1);
	assert_true(checkpoint_open(buf_bytes(&note), &s.key, &got, &e));
	assert_true(
	    checkpoint_open(buf_bytes(&note), &same_name.key, &got, &e));

	/* Another log's key: its signature is good, the log is not its. */
	assert_false(checkpoint_open(buf_bytes(&note), &other.key, &got, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);

	/* A wrong signature by the key itself spoils the good one. */
	note_add_signature(&s.key,
	    bytes_str("0123456789012345678901234567890123456789"
		      "012345678901234567890123"),
	    &note);
	assert_false(checkpoint_open(buf_bytes(&note), &s.key, &got, &e));
	assert_int_equal(e.why, FAIL_CRYPTO);
	assert_true(
	    checkpoint_open(buf_bytes(&note), &same_name.key, &got, &e));
}

/* A key that opens no checkpoint, as a hostile log may name it: refused, not asserted. */
static void
test_checkpoint_by_cosignature_key(void **state)
{
	auto_buf struct buf note = { 0 };
	struct note_signer s =
	    test_note_signer(ORIGIN, NOTE_COSIGNATURE, &log_seed);
	struct checkpoint got;
	struct error e = { 0 };

	(void)state;
	signed_checkpoint(&note);
	assert_false(checkpoint_open(buf_bytes(&note), &s.key, &got, &e));
	assert_int_equal(e.why, FAIL_UNSUPPORTED);
}

static void
test_checkpoint_unsigned(void **state)
{
	auto_buf struct buf note = { 0 };
	struct note_signer s =
	    test_note_signer(ORIGIN, NOTE_ED25519, &other_seed);
	struct checkpoint got;
	struct error e = { 0 };

	(void)state;
	signed_checkpoint(&note);
	assert_false(checkpoint_open(buf_bytes(&note), &s.key, &got, &e));
	assert_int_equal(e.why, FAIL_CRYPTO);
	assert_true(checkpoint_parse(buf_bytes(&note), &got, &e));
}

static bool
sign_wrongly(void *arg, struct bytes message, uint8_t sig[64], struct error *e)
{
	bool ok = test_note_sign(arg, message, sig, e);

	sig[5] ^= 4;
	return ok;
}

static bool
sign_not(void *arg, struct bytes message, uint8_t sig[64], struct error *e)
{
	(void)arg;
	(void)message;
	(void)sig;
	return error_set(e, FAIL_HSM_GONE, "token removed");
}

static void
test_sign_refused(void **state)
{
	struct note_signer s =
	    test_note_signer(ORIGIN, NOTE_ED25519, &log_seed);
	struct checkpoint c = some_checkpoint();
	auto_buf struct buf note = { 0 };
	struct error e = { 0 };

	(void)state;
	s.sign = sign_wrongly;
	assert_false(checkpoint_sign(&c, &s, &note, &e));
	assert_int_equal(e.why, FAIL_CRYPTO);
	s.sign = sign_not;
	assert_false(checkpoint_sign(&c, &s, &note, &e));
	assert_int_equal(e.why, FAIL_HSM_GONE);
	s = test_note_signer("acme.example/other", NOTE_ED25519, &log_seed);
	assert_false(checkpoint_sign(&c, &s, &note, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	s = test_note_signer(ORIGIN, NOTE_COSIGNATURE, &log_seed);
	assert_false(checkpoint_sign(&c, &s, &note, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	s = test_note_signer(ORIGIN, NOTE_ED25519, &log_seed);
	c.size = UINT64_MAX;
	assert_false(checkpoint_sign(&c, &s, &note, &e));
	assert_int_equal(note.n, 0);
}

#define ROOT "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo="
#define SIG "\n" DASH " k.example AAAAAAA=\n"

static void
test_parse(void **state)
{
	static const struct {
		const char *name, *note;
		bool ok;
	} rows[] = {
		{ "plain", "o\n5\n" ROOT "\n" SIG, true },
		{ "empty tree", "o\n0\n" ROOT "\n" SIG, true },
		{ "largest", "o\n9223372036854775807\n" ROOT "\n" SIG, true },
		{ "extensions", "o\n5\n" ROOT "\nx\ny z\n" SIG, true },
		{ "origin with spaces", "my log\n5\n" ROOT "\n" SIG, true },
		{ "two signatures",
		    "o\n5\n" ROOT "\n" SIG DASH " k2 AAAAAAA=\n", true },
		{ "too large", "o\n9223372036854775808\n" ROOT "\n" SIG,
		    false },
		{ "21 digits", "o\n100000000000000000000\n" ROOT "\n" SIG,
		    false },
		{ "leading zero", "o\n05\n" ROOT "\n" SIG, false },
		{ "plus", "o\n+5\n" ROOT "\n" SIG, false },
		{ "negative", "o\n-5\n" ROOT "\n" SIG, false },
		{ "hexadecimal", "o\n0x5\n" ROOT "\n" SIG, false },
		{ "space behind", "o\n5 \n" ROOT "\n" SIG, false },
		{ "no size", "o\n\n" ROOT "\n" SIG, false },
		{ "no origin", "\n5\n" ROOT "\n" SIG, false },
		{ "no root", "o\n5\n" SIG, false },
		{ "short root", "o\n5\nWlpa\n" SIG, false },
		{ "root not canonical",
		    "o\n5\n"
		    "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlp=\n" SIG,
		    false },
		{ "root without padding",
		    "o\n5\nWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo\n" SIG,
		    false },
		{ "empty extension", "o\n5\n" ROOT "\n\nx\n" SIG, false },
		{ "carriage return", "o\r\n5\n" ROOT "\n" SIG, false },
		{ "tab", "o\n5\n" ROOT "\n\tx\n" SIG, false },
		{ "not UTF-8", "o\xff\n5\n" ROOT "\n" SIG, false },
		{ "no signatures", "o\n5\n" ROOT "\n\n", false },
		{ "no empty line", "o\n5\n" ROOT SIG, false },
		{ "no last newline",
		    "o\n5\n" ROOT "\n\n" DASH " k.example AAAAAAA=", false },
		{ "hyphen for the dash",
		    "o\n5\n" ROOT "\n\n- k.example AAAAAAA=\n", false },
		{ "no name", "o\n5\n" ROOT "\n\n" DASH "  AAAAAAA=\n", false },
		{ "plus in the name",
		    "o\n5\n" ROOT "\n\n" DASH " k+e AAAAAAA=\n", false },
		{ "no-break space in the name",
		    "o\n5\n" ROOT "\n\n" DASH " k\xc2\xa0z AAAAAAA=\n", false },
		{ "no signature", "o\n5\n" ROOT "\n\n" DASH " k.example\n",
		    false },
		{ "only an id", "o\n5\n" ROOT "\n\n" DASH " k AAAAAA==\n",
		    false },
		{ "third word", "o\n5\n" ROOT "\n\n" DASH " k AAAAAAA= x\n",
		    false },
		{ "not base64", "o\n5\n" ROOT "\n\n" DASH " k AAAAAAA\n",
		    false },
		{ "bad second line", "o\n5\n" ROOT "\n" SIG "rubbish\n",
		    false },
		{ "nothing", "", false },
		{ "two newlines", "\n\n", false },
	};
	struct checkpoint c;
	struct error e = { 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < countof(rows); i++) {
		error_clear(&e);
		if (checkpoint_parse(bytes_str(rows[i].note), &c, &e) !=
		    rows[i].ok)
			fail_msg("%s: %s", rows[i].name, e.msg);
		if (!rows[i].ok)
			assert_int_equal(e.why, FAIL_BAD_INPUT);
	}
}

static void
test_limits(void **state)
{
	auto_buf struct buf note = { 0 };
	struct checkpoint c;
	struct error e = { 0 };
	int i;

	(void)state;
	signed_checkpoint(&note);
	for (i = 1; i < LIMIT_NOTE_SIGNATURES; i++)
		buf_add_str(&note, DASH " k AAAAAAA=\n");
	assert_true(checkpoint_parse(buf_bytes(&note), &c, &e));
	buf_add_str(&note, DASH " k AAAAAAA=\n");
	assert_false(checkpoint_parse(buf_bytes(&note), &c, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);

	buf_reset(&note);
	buf_add_str(&note, "o\n5\n" ROOT "\n");
	for (i = 0; i < LIMIT_NOTE_BYTES; i++)
		buf_add_byte(&note, 'x');
	buf_add_str(&note, "\n" SIG);
	assert_false(checkpoint_parse(buf_bytes(&note), &c, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
}

static void
test_cosigned(void **state)
{
	auto_buf struct buf note = { 0 };
	struct note_key w =
	    test_note_signer("w.example", NOTE_COSIGNATURE, &witness_seed).key;
	struct note_key plain =
	    test_note_signer("w.example", NOTE_ED25519, &witness_seed).key;
	struct error e = { 0 };
	int64_t t = 77;
	size_t i, signed_n;

	(void)state;
	signed_checkpoint(&note);
	assert_false(checkpoint_cosigned(buf_bytes(&note), &w, &t, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	/* The same key as an ordinary signer is another key. */
	assert_memory_not_equal(plain.id, w.id, 4);
	add_line(&note, "w.example", &witness_seed);
	add_cosignature(&note, "v.example", &witness_seed, 5);
	assert_false(checkpoint_cosigned(buf_bytes(&note), &w, &t, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_int_equal(t, 77);

	signed_n = note.n;
	add_cosignature(&note, "w.example", &witness_seed, 1679315147);
	assert_true(checkpoint_cosigned(buf_bytes(&note), &w, &t, &e));
	assert_int_equal(t, 1679315147);
	/* In the line: the time and the signature count. */
	for (i = signed_n + 14; i + 2 < note.n; i++) {
		note.p[i] = note.p[i] == 'A' ? 'B' : 'A';
		assert_false(checkpoint_cosigned(buf_bytes(&note), &w, &t, &e));
		note.n = signed_n;
		add_cosignature(&note, "w.example", &witness_seed, 1679315147);
	}
	add_cosignature(&note, "w.example", &witness_seed, 1679315000);
	assert_true(checkpoint_cosigned(buf_bytes(&note), &w, &t, &e));
	assert_int_equal(t, 1679315147);

	/* tlog-cosignature: not beyond 2^63 - 1. */
	add_cosignature(&note, "w.example", &witness_seed, UINT64_C(1) << 63);
	assert_false(checkpoint_cosigned(buf_bytes(&note), &w, &t, &e));
	assert_int_equal(e.why, FAIL_CRYPTO);

	/* A plain signature under the witness's id is too short. */
	note.n = signed_n;
	note_add_signature(&w, bytes_of(ROOT ROOT, 64), &note);
	assert_false(checkpoint_cosigned(buf_bytes(&note), &w, &t, &e));
	assert_int_equal(e.why, FAIL_CRYPTO);

	assert_false(checkpoint_cosigned(bytes_str("x"), &w, &t, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_int_equal(t, 1679315147);
}

/* The text that is cosigned includes extension lines. */
static void
test_cosigned_extension(void **state)
{
	auto_buf struct buf note = { 0 };
	struct note_key w =
	    test_note_signer("w.example", NOTE_COSIGNATURE, &witness_seed).key;
	struct error e = { 0 };
	int64_t t = 0;

	(void)state;
	buf_add_str(&note, "o\n5\n" ROOT "\nextension\n" SIG);
	add_cosignature(&note, "w.example", &witness_seed, 1);
	assert_true(checkpoint_cosigned(buf_bytes(&note), &w, &t, &e));
	memcpy(strstr((char *)note.p, "extension"), "EXTENSION", 9);
	assert_false(checkpoint_cosigned(buf_bytes(&note), &w, &t, &e));
	assert_int_equal(e.why, FAIL_CRYPTO);
}

/* ---- receipts --------------------------------------------------------- */

/* A tree of five leaves "0"…"4" and the receipt of number 3. */
struct sample {
	struct note_signer s;
	struct sha256 leaf[5];
	struct tree_proof proof;
	struct checkpoint c;
	struct buf note, receipt;
};

static struct sha256
leaf_of(struct bytes line)
{
	return sha256_cat(bytes_of("", 1), line, bytes_of(NULL, 0));
}

static void
sample_make(struct sample *x, const char *extra)
{
	struct error e = { 0 };
	struct tree_frontier t;
	struct sha256 h01;
	unsigned i;

	*x = (struct sample){
		.s = test_note_signer(ORIGIN, NOTE_ED25519, &log_seed),
		.c = { .origin = ORIGIN, .size = 5 },
	};
	tree_init(&t);
	for (i = 0; i < 5; i++) {
		char digit = (char)('0' + i);

		x->leaf[i] = leaf_of(bytes_of(&digit, 1));
		tree_append(&t, &x->leaf[i]);
	}
	x->c.root = tree_root(&t);
	h01 = tree_node(&x->leaf[0], &x->leaf[1]);
	x->proof = (struct tree_proof){ .node = { x->leaf[2], h01, x->leaf[4] },
		.n = 3 };
	assert_true(checkpoint_sign(&x->c, &x->s, &x->note, &e));
	receipt_format(3, &x->proof, bytes_str(extra), buf_bytes(&x->note),
	    &x->receipt);
}

static void
sample_free(struct sample *x)
{
	buf_free(&x->note);
	buf_free(&x->receipt);
}

static void
test_receipt(void **state)
{
	static const char *const extras[] = { "3", "" };
	unsigned i;

	(void)state;
	for (i = 0; i < countof(extras); i++) {
		auto_buf struct buf extra = { 0 };
		struct error e = { 0 };
		struct checkpoint c;
		struct receipt r;
		struct sample x;

		sample_make(&x, extras[i]);
		assert_true(
		    receipt_parse(buf_bytes(&x.receipt), &r, &extra, &e));
		assert_int_equal(r.index, 3);
		assert_int_equal(r.proof.n, 3);
		assert_string_equal(buf_cstr(&extra), extras[i]);
		assert_true(bytes_eq(r.note, buf_bytes(&x.note)));
		assert_true(receipt_check(&r, &x.leaf[3], &x.s.key, &c, &e));
		assert_int_equal(c.size, 5);

		assert_false(receipt_check(&r, &x.leaf[2], &x.s.key, &c, &e));
		assert_int_equal(e.why, FAIL_CRYPTO);
		r.index = 2;
		assert_false(receipt_check(&r, &x.leaf[3], &x.s.key, &c, &e));
		r.index = 5;
		assert_false(receipt_check(&r, &x.leaf[3], &x.s.key, &c, &e));
		r.index = 3;
		r.proof.n = 2;
		assert_false(receipt_check(&r, &x.leaf[3], &x.s.key, &c, &e));
		assert_int_equal(e.why, FAIL_CRYPTO);
		r.proof.n = 3;
		x.s = test_note_signer(ORIGIN, NOTE_ED25519, &other_seed);
		assert_false(receipt_check(&r, &x.leaf[3], &x.s.key, &c, &e));
		assert_int_equal(e.why, FAIL_CRYPTO);
		sample_free(&x);
	}
}

/* Whatever bit is turned, the receipt is refused or its extra is another. */
static void
test_receipt_altered(void **state)
{
	struct error e = { 0 };
	struct checkpoint c;
	struct receipt r;
	struct sample x;
	size_t i;

	(void)state;
	sample_make(&x, "3");
	for (i = 0; i < x.receipt.n * 8; i++) {
		auto_buf struct buf extra = { 0 };

		x.receipt.p[i / 8] ^= (uint8_t)(1U << i % 8);
		if (receipt_parse(buf_bytes(&x.receipt), &r, &extra, &e)) {
			struct sha256 leaf = leaf_of(buf_bytes(&extra));

			if (receipt_check(&r, &leaf, &x.s.key, &c, &e))
				fail_msg("bit %zu", i);
		}
		x.receipt.p[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	for (i = 0; i < x.receipt.n; i++) {
		auto_buf struct buf extra = { 0 };

		assert_false(
		    receipt_parse(bytes_of(x.receipt.p, i), &r, &extra, &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		assert_int_equal(extra.n, 0);
	}
	sample_free(&x);
}

static void
test_receipt_refused(void **state)
{
	static const struct {
		const char *name, *head;
		bool ok;
	} rows[] = {
		{ "plain", "c2sp.org/tlog-proof@v1\nindex 0\n\n", true },
		{ "extra", "c2sp.org/tlog-proof@v1\nextra eA==\nindex 0\n\n",
		    true },
		{ "other version", "c2sp.org/tlog-proof@v2\nindex 0\n\n",
		    false },
		{ "index first", "index 0\n\n", false },
		{ "leading zero", "c2sp.org/tlog-proof@v1\nindex 00\n\n",
		    false },
		{ "no index", "c2sp.org/tlog-proof@v1\n\n", false },
		{ "no number", "c2sp.org/tlog-proof@v1\nindex \n\n", false },
		{ "long number",
		    "c2sp.org/tlog-proof@v1\nindex 111111111111111111111\n\n",
		    false },
		{ "extra not base64",
		    "c2sp.org/tlog-proof@v1\nextra x\nindex 0\n\n", false },
		{ "extra empty", "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n",
		    false },
		{ "extra twice",
		    "c2sp.org/tlog-proof@v1\nextra eA==\nextra eA==\n"
		    "index 0\n\n",
		    false },
		{ "extra after index",
		    "c2sp.org/tlog-proof@v1\nindex 0\nextra eA==\n\n", false },
		{ "short hash", "c2sp.org/tlog-proof@v1\nindex 0\neA==\n\n",
		    false },
		{ "no empty line", "c2sp.org/tlog-proof@v1\nindex 0\n", false },
		{ "two empty lines", "c2sp.org/tlog-proof@v1\nindex 0\n\n\n",
		    false },
	};
	auto_buf struct buf b = { 0 };
	struct error e = { 0 };
	struct receipt r;
	unsigned i;

	(void)state;
	for (i = 0; i < countof(rows); i++) {
		auto_buf struct buf extra = { 0 };

		buf_reset(&b);
		buf_add_str(&b, rows[i].head);
		buf_add_str(&b, "o\n5\n" ROOT "\n" SIG);
		if (receipt_parse(buf_bytes(&b), &r, &extra, &e) != rows[i].ok)
			fail_msg("%s: %s", rows[i].name, e.msg);
	}
	buf_reset(&b);
	buf_add_str(&b, "c2sp.org/tlog-proof@v1\nindex 0\n");
	for (i = 0; i <= TREE_PROOF_MAX; i++)
		buf_add_str(&b, ROOT "\n");
	buf_add_str(&b, "\no\n5\n" ROOT "\n" SIG);
	assert_false(receipt_parse(buf_bytes(&b), &r, &b, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	while (b.n <= LIMIT_RECEIPT_BYTES)
		buf_add_str(&b, ROOT "\n");
	assert_false(receipt_parse(buf_bytes(&b), &r, &b, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
}

static void
test_proof_text(void **state)
{
	auto_buf struct buf b = { 0 };
	struct tree_proof p = { .n = 2 };
	struct sha256 root = { { 0 } };

	(void)state;
	memset(p.node[1].b, 0xff, SHA256_LEN);
	proof_text_format(3, 10, &root, &p, &b);
	assert_string_equal(buf_cstr(&b),
	    "index 3\nsize 10\n"
	    "root AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	    "//////////////////////////////////////////8=\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_vkey_refused),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_checkpoint_altered),
		cmocka_unit_test(test_checkpoint_others),
		cmocka_unit_test(test_checkpoint_by_cosignature_key),
		cmocka_unit_test(test_checkpoint_unsigned),
		cmocka_unit_test(test_sign_refused),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_cosigned),
		cmocka_unit_test(test_cosigned_extension),
		cmocka_unit_test(test_receipt),
		cmocka_unit_test(test_receipt_altered),
		cmocka_unit_test(test_receipt_refused),
		cmocka_unit_test(test_proof_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
