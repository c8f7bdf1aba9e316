/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A token as it is counted. */
#include <stdatomic.h>

#include "token.h"

struct token_box {
	struct token token; /* first */
	atomic_uint refs;
	struct acl *acl;
	/* Past it the row is read again: a parent's expiry, a rule's expiration. */
	int64_t check_s;
	struct sha256 *above; /* its parent, that one's parent … */
	size_t above_n, above_cap;
};
