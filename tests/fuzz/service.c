/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as a room takes it from its memfd. What is accepted must pack to the
 * very bytes that came: a second spelling of the same settings would be one that
 * nobody checked. */
#include <assert.h>

#include <chancery/config/pass.h>
#include <chancery/config/service.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_buf struct buf again = { 0 };
	struct service_config c;
	struct error e = { 0 };
	auto_yaml_doc struct yaml_doc *doc =
	    schema_unpack(service_schema, bytes_of(p, n), &c, sizeof(c), &e);

	if (doc == NULL) {
		assert(e.why == FAIL_BAD_INPUT && e.msg[0] != '\0');
		return 0;
	}
	assert(c.origin != NULL && c.tokens.n >= 1 &&
	    c.tokens.n <= SERVICE_TOKENS_MAX);
	schema_pack(service_schema, &c, &again);
	assert(bytes_eq(buf_bytes(&again), bytes_of(p, n)));
	return 0;
}
