/* SPDX-License-Identifier: Apache-2.0 */

/* A line that is taken writes itself again, octet for octet. */
#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/register/record.h>

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct record r;
	struct error e;

	if (n > 0 && p[n - 1] == '\n')
		n--;
	if (!record_decode(bytes_of(p, n), &r, &store, &e))
		return 0;
	if (n > LIMIT_RECORD_BYTES || !record_encode(&r, &line, &e) ||
	    !bytes_eq(bytes_of(p, n), buf_bytes(&line)))
		fatal("a line that was taken is not written again");
	return 0;
}
