/* SPDX-License-Identifier: Apache-2.0 */
/* What a client shows at the TLS listener: metadata, constraints, and a verdict by a role of
 * the same certificates. */
#include <assert.h>

#include <chancery/pki/cert.h>

#include "../../src/server/auth/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool
never(void *arg, const struct cert_link *link, struct error *e)
{
	(void)arg;
	(void)link;
	(void)e;
	return false;
}

static void
judge(const struct client_cert *c, struct bytes der, const json_t *lists)
{
	auto_buf struct buf pem = { 0 };
	auto_json json_t *doc = NULL;
	struct cert_role *r;
	struct error e = { 0 };

	pem_encode("CERTIFICATE", der, &pem);
	doc = json_pack("{s:s}", "certificate", buf_cstr(&pem));
	r = cert_role_new(doc, &e);
	if (r == NULL) {
		assert(e.why == FAIL_BAD_INPUT && e.msg[0] != '\0');
		return;
	}
	(void)!cert_role_judge(r, lists, c, 1800000000, never, NULL, &e);
	cert_role_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char text[] =
	    "{\"allowed_names\":[\"*\"],\"allowed_common_names\":[\"*\"],"
	    "\"allowed_dns_sans\":[\"*\"],\"allowed_email_sans\":[\"*\"],"
	    "\"allowed_uri_sans\":[\"*\"],"
	    "\"allowed_organizational_units\":[\"*\"],"
	    "\"required_extensions\":[\"1.2.3.4:*l*\",\"hex:1.2.3.5:*\"]}";
	static const char oids[] = "[\"1.2.3.4\",\"1.2.3.5\",\"2.5.29.17\"]";
	struct error e = { 0 };
	auto_client_cert struct client_cert *c =
	    client_cert_new(bytes_of(p, n), &e);
	auto_json json_t *lists = NULL, *extensions = NULL, *meta = NULL;

	if (c == NULL) {
		assert(e.why == FAIL_BAD_INPUT && e.msg[0] != '\0');
		return 0;
	}
	lists = json_loads(text, 0, NULL);
	extensions = json_loads(oids, 0, NULL);
	meta = client_cert_metadata(c, extensions);
	/* The serial is always there, so it is the same certificate again. */
	assert(client_cert_continues(c, meta));
	(void)!cert_role_fits(lists, c);
	judge(c, bytes_of(p, n), lists);
	return 0;
}
