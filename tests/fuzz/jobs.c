/* SPDX-License-Identifier: Apache-2.0 */

/* First octet: job; its top bit: an answer. What is taken is written again, octet for
 * octet. */
#include <chancery/base/cleanup.h>
#include <chancery/wire/jobs.h>

static bool
again(unsigned j, bool answer, struct bytes body, struct buf *out)
{
	struct job_request q;
	struct job_answer a;
	struct error e;

	if (answer)
		return !job_answer_decode(j, body, &a, &e) ||
		    (job_answer_encode((enum job)j, &a, out, &e) &&
			bytes_eq(body, buf_bytes(out)));
	if (!job_request_decode(j, body, &q, &e))
		return true;
	if (!job_request_encode((enum job)j, &q, out, &e))
		return false;
	buf_add_bytes(out, q.secret);
	return bytes_eq(body, buf_bytes(out));
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
