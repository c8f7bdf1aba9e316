/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed notes: a verifier key on the first line, then a note that is opened with
 * it; or the whole input as a tlog-proof receipt. What is accepted has one spelling:
 * written again it is the same.
 */
#include <assert.h>

#include <chancery/base/cleanup.h>
#include <chancery/register/receipt.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_key(const char *vkey, struct bytes note)
{
	auto_buf struct buf again = { 0 };
	struct checkpoint c;
	struct note_key key;
	struct error e;
	int64_t t = -1;

	if (!note_vkey_parse(vkey, &key, &e))
		return;
	note_vkey_format(&key, &again);
	assert(strcmp(buf_cstr(&again), vkey) == 0);
	/* With a key of any kind: a log may name one. */
	if (checkpoint_open(note, &key, &c, &e))
		assert(key.type == NOTE_ED25519 &&
		    strcmp(c.origin, key.name) == 0);
	if (key.type == NOTE_COSIGNATURE &&
	    checkpoint_cosigned(note, &key, &t, &e))
		assert(t >= 0);
}

static void
check_note(struct bytes note)
{
	auto_buf struct buf again = { 0 };
	struct checkpoint c;
	struct error e;

	if (!checkpoint_parse(note, &c, &e))
		return;
	checkpoint_text(&c, &again);
	assert(again.n < note.n && memcmp(again.p, note.p, again.n) == 0);
}

static void
check_receipt(struct bytes in)
{
	auto_buf struct buf extra = { 0 }, again = { 0 };
	struct receipt r;
	struct error e;

	if (!receipt_parse(in, &r, &extra, &e))
		return;
	receipt_format(r.index, &r.proof, buf_bytes(&extra), r.note, &again);
	assert(bytes_eq(buf_bytes(&again), in));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *end = n == 0 ? NULL : memchr(p, '\n', n);
	auto_buf struct buf vkey = { 0 };

	check_receipt(bytes_of(p, n));
	check_note(bytes_of(p, n));
	if (end == NULL)
		return 0;
	buf_add(&vkey, p, (size_t)(end - p));
	check_key(buf_cstr(&vkey),
	    bytes_of(end + 1, n - (size_t)(end - p) - 1));
	return 0;
}
