/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/register/receipt.h>

#include "notes.h"

#define MAGIC "c2sp.org/tlog-proof@v1"

static void
add_hashes(const struct tree_proof *p, struct buf *out)
{
	unsigned i;

	for (i = 0; i < p->n; i++) {
		buf_add_base64(out, sha256_bytes(&p->node[i]));
		buf_add_byte(out, '\n');
	}
}

void
receipt_format(uint64_t index, const struct tree_proof *proof,
    struct bytes extra, struct bytes note, struct buf *out)
{
	buf_add_str(out, MAGIC "\n");
	if (extra.n > 0) {
		buf_add_str(out, "extra ");
		buf_add_base64(out, extra);
		buf_add_byte(out, '\n');
	}
	buf_addf(out, "index %" PRIu64 "\n", index);
	add_hashes(proof, out);
	buf_add_byte(out, '\n');
	buf_add_bytes(out, note);
}

void
proof_text_format(uint64_t index, uint64_t size, const struct sha256 *root,
    const struct tree_proof *proof, struct buf *out)
{
	buf_addf(out, "index %" PRIu64 "\nsize %" PRIu64 "\nroot ", index,
	    size);
	buf_add_base64(out, sha256_bytes(root));
	buf_add_byte(out, '\n');
	add_hashes(proof, out);
}

/* What follows "word " on the line; false when the line is another one. */
static bool
after_word(struct bytes line, const char *word, struct bytes *value)
{
	size_t n = strlen(word);

	if (line.n <= n || memcmp(line.p, word, n) != 0 || line.p[n] != ' ')
		return false;
	*value = bytes_of(line.p + n + 1, line.n - n - 1);
	return true;
}

static bool
parse_index(struct bytes line, uint64_t *out)
{
	struct bytes digits;

	return after_word(line, "index", &digits) &&
	    note_parse_size(digits, out);
}

/* Up to the empty line, which is taken off too. */
static bool
parse_hashes(struct bytes *rest, struct tree_proof *out)
{
	auto_buf struct buf b = { 0 };
	struct bytes line;

	out->n = 0;
	while (note_next_line(rest, &line)) {
		if (line.n == 0)
			return true;
		buf_reset(&b);
		if (out->n == TREE_PROOF_MAX ||
		    !base64_decode((const char *)line.p, line.n, &b) ||
		    b.n != SHA256_LEN)
			return false;
		memcpy(out->node[out->n++].b, b.p, SHA256_LEN);
	}
	return false;
}

bool
receipt_parse(struct bytes in, struct receipt *out, struct buf *extra,
    struct error *e)
{
	auto_buf struct buf data = { 0 };
	struct bytes rest = in, line, value;
	struct checkpoint unused;
	struct receipt r;

	if (in.n > LIMIT_RECEIPT_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "receipt: larger than %d bytes", LIMIT_RECEIPT_BYTES);
	if (!note_next_line(&rest, &line) || !bytes_eq(line, bytes_str(MAGIC)))
		return error_set(e, FAIL_BAD_INPUT, "receipt: not a " MAGIC);
	if (!note_next_line(&rest, &line))
		return error_set(e, FAIL_BAD_INPUT, "receipt: cut short");
	/* "If no extra data is present, this line is omitted." */
	if (after_word(line, "extra", &value) &&
	    (!base64_decode((const char *)value.p, value.n, &data) ||
		data.n == 0 || !note_next_line(&rest, &line)))
		return error_set(e, FAIL_BAD_INPUT, "receipt: extra line");
	if (!parse_index(line, &r.index))
		return error_set(e, FAIL_BAD_INPUT, "receipt: index line");
	if (!parse_hashes(&rest, &r.proof))
		return error_set(e, FAIL_BAD_INPUT, "receipt: proof lines");
	if (!checkpoint_parse(rest, &unused, e))
		return error_context(e, "receipt");
	r.note = rest;
	buf_add_bytes(extra, buf_bytes(&data));
	*out = r;
	return true;
}

bool
receipt_check(const struct receipt *r, const struct sha256 *leaf,
    const struct note_key *log, struct checkpoint *out, struct error *e)
{
	struct checkpoint c;

	if (!checkpoint_open(r->note, log, &c, e))
		return error_context(e, "receipt");
	if (!tree_check_inclusion(r->index, c.size, leaf, &r->proof, &c.root))
		return error_set(e, FAIL_CRYPTO,
		    "receipt: the proof does not lead from record %" PRIu64
		    " to the checkpoint's root",
		    r->index);
	*out = c;
	return true;
}
