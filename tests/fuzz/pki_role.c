/* SPDX-License-Identifier: Apache-2.0 */
/* A role document and names, one a line behind it: what parses can decide. */
#include <assert.h>

#include <chancery/base/cleanup.h>
#include <chancery/server/pki_names.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
decide(const struct pki_role *r, const char *lines)
{
	auto_mem char *copy = mem_strdup(lines);
	char *line, *at = copy;
	char ascii[256];

	while ((line = strsep(&at, "\n")) != NULL) {
		bool allowed = pki_role_allows_name(r, line);

		/* What enforce_hostnames lets pass is one in ASCII. */
		assert(!allowed || !r->enforce_hostnames ||
		    strpbrk(line, "@*") != NULL ||
		    (pki_idna(line, ascii) == PKI_IDNA_OK &&
			pki_hostname_valid(ascii)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *end = n > 0 ? memchr(p, '\n', n) : NULL;
	size_t head = end != NULL ? (size_t)(end - p) : n;
	json_t *in =
	    json_loadb((const char *)p, head, JSON_REJECT_DUPLICATES, NULL);
	auto_buf struct buf rest = { 0 };
	struct pki_role *r = NULL;
	struct error e;
	bool lease;
	json_t *doc;

	if (!json_is_object(in)) {
		json_decref(in);
		return 0;
	}
	doc = pki_role_document(in);
	if (pki_role_normalise(doc, &lease, &e))
		r = pki_role_parse(doc, &e);
	if (r != NULL && end != NULL) {
		buf_add(&rest, end + 1, n - head - 1);
		decide(r, buf_cstr(&rest));
	}
	pki_role_free(r);
	json_decref(doc);
	json_decref(in);
	return 0;
}
