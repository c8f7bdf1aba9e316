/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/alloc.h>
#include <chancery/server/request.h>

/* Bodies hold secret-ids and tokens, answers hold private keys: whatever jansson releases
 * is wiped first. */
void
request_json_init(void)
{
	json_set_alloc_funcs(mem_alloc, mem_free_wiped);
	json_object_seed(0);
}
