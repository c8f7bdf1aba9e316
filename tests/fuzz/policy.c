/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's text: what parses becomes rules that answer, and names a place where not. */
#include <assert.h>

#include <chancery/server/auth.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char *const paths[] = { "", "a", "a/b", "pki/issue/web",
	"pki/roles/", "sys/policies/acl/x" };

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct error e = { 0 };
	auto_policy struct policy *policy =
	    policy_parse("fuzz", bytes_of(p, n), &e);
	auto_acl struct acl *a = NULL;
	const struct policy *twice[2] = { policy, policy };
	json_t *params;
	size_t i;

	if (policy == NULL) {
		assert(e.why == FAIL_BAD_INPUT && e.msg[0] != '\0');
		return 0;
	}
	a = acl_new(twice, countof(twice), false, 1000);
	params = json_pack("{s:s, s:[i,s], s:b}", "common_name", "a.example",
	    "ttl", 5, "x", "y", 1);
	for (i = 0; i < countof(paths); i++) {
		struct acl_request r = { .path = paths[i],
			.need = CAP_UPDATE,
			.params = params };
		bool root, allowed = acl_allows(a, &r);

		assert(acl_capabilities(a, paths[i], &root) != 0 && !root);
		/* Whatever is allowed lies below something. */
		assert(!allowed || acl_any_below(a, ""));
		(void)!acl_any_below(a, paths[i]);
	}
	json_decref(params);
	return 0;
}
