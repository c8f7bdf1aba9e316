/* SPDX-License-Identifier: Apache-2.0 */

/* First octet: message; its top bit: an answer. What is taken is written again, octet
 * for octet. */
#include <chancery/base/cleanup.h>
#include <chancery/wire/signer.h>

static bool
again(unsigned m, bool answer, struct bytes body, struct buf *out)
{
	struct wire_request q;
	struct wire_answer a;
	struct error e;

	if (answer)
		return !wire_answer_decode(m, body, &a, &e) ||
		    (wire_answer_encode((enum wire_message)m, &a, out, &e) &&
			bytes_eq(body, buf_bytes(out)));
	return !wire_request_decode(m, body, &q, &e) ||
	    (wire_request_encode((enum wire_message)m, &q, out, &e) &&
		bytes_eq(body, buf_bytes(out)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_buf struct buf out = { 0 };

	if (n == 0)
		return 0;
	if (!again(p[0] & 0x7f, (p[0] & 0x80) != 0, bytes_of(p + 1, n - 1),
		&out))
		fatal("a message that was taken is not written again");
	return 0;
}
