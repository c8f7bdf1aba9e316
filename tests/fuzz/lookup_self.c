/* SPDX-License-Identifier: Apache-2.0 */

/* The first line is the token, the rest what a Vault answers about it. What is taken can be
 * passed on, or is refused there by its limits; it never lacks what rights hang on. */
#include <chancery/base/cleanup.h>

#include "../../src/publisher/lookup.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *end = n > 0 ? memchr(p, '\n', n) : NULL;
	size_t token = end != NULL ? (size_t)(end - p) : 0;
	struct bytes body =
	    end != NULL ? bytes_of(end + 1, n - token - 1) : bytes_of(p, n);
	auto_buf struct buf out = { 0 };
	struct job_answer back;
	struct lookup l = { 0 };
	struct error e;

	(void)!lookup_is_refusal(body);
	if (!lookup_read(body, bytes_of(p, token), &l, &e))
		return 0;
	if (l.answer.why != FAIL_NONE || l.answer.display_name == NULL ||
	    l.answer.ttl_s < 0 || l.answer.policies.n > JOB_TEXTS_MAX)
		fatal("half an answer was taken");
	if (job_answer_encode(JOB_VAULT_LOOKUP, &l.answer, &out, &e) &&
	    !job_answer_decode(JOB_VAULT_LOOKUP, buf_bytes(&out), &back, &e))
		fatal("what was passed on is not taken: %s", e.msg);
	lookup_free(&l);
	return 0;
}
