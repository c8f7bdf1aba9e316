/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "../../hsm/uri.h"

/* Any text: refused, or a URI whose parts can be read and, for a key, written
 * out and read again to the same. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_same(P11KitUri *u)
{
	struct bytes label = uri_attr(u, CKA_LABEL), id = uri_attr(u, CKA_ID);
	auto_mem char *text = uri_key("token", "serial", label, id);
	struct error e = { 0 };
	auto_p11_uri P11KitUri *again = uri_parse(text, URI_KEY, &e);

	if (again == NULL) {
		/* Percent-encoding may take it over the limit. */
		if (strlen(text) <= 4096)
			fatal("%s: %s", text, e.msg);
		return;
	}
	if (!bytes_eq(uri_attr(again, CKA_LABEL), label) ||
	    !bytes_eq(uri_attr(again, CKA_ID), id))
		fatal("%s: changed", text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_mem char *text = mem_alloc(n + 1);
	struct error e = { 0 };

	if (n > 0)
		memcpy(text, p, n);
	text[n] = '\0';
	for (int kind = URI_TOKEN; kind <= URI_KEY; kind++) {
		auto_p11_uri P11KitUri *u =
		    uri_parse(text, (enum uri_kind)kind, &e);

		if (u != NULL && kind == URI_KEY)
			check_same(u);
		else if (u == NULL && e.why == FAIL_NONE)
			fatal("refused without a reason");
	}
	return 0;
}
