/* SPDX-License-Identifier: Apache-2.0 */
/* A transcript: parsed, and both reports made from it. */
#include <assert.h>

#include "../../src/ceremony/internal.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct error e = { 0 };
	auto_buf struct buf text = { 0 }, html = { 0 };
	auto_journal struct journal *j = journal_parse(bytes_of(p, n), &e);

	if (j == NULL) {
		assert(e.why == FAIL_CORRUPT);
		return 0;
	}
	report_text(j, &text);
	report_html(j, &html);
	return 0;
}
