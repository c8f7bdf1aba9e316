/* SPDX-License-Identifier: Apache-2.0 */
/* A ceremony plan: nothing it says may crash, and what is accepted has a core that is
 * canonical JSON. The directory does not exist, so no charter file is read. */
#include <assert.h>

#include <chancery/base/json.h>
#include <chancery/ceremony/plan.h>

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct error e = { 0 };
	auto_buf struct buf report = { 0 }, core = { 0 };
	auto_plan struct plan *plan =
	    plan_parse(bytes_of(p, n), "plan", "/nonexistent", &report, &e);

	if (plan == NULL) {
		assert(e.why != FAIL_NONE);
		return 0;
	}
	plan_core_json(plan, &core);
	assert(json_valid(buf_bytes(&core)));
	return 0;
}
