/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in charters. They know no organisation: whoever holds a ceremony copies one
 * and narrows its names. */
#include "internal.h"

static const struct {
	const char *name, *yaml;
} templates[] = {
	{ "root",
	    "# A root: its own certificate once, CA certificates, CRLs.\n"
	    "kinds: [ca, crl]\n"
	    "self_signed: once\n"
	    "path_len: 1\n"
	    "max_life: { ca: 3660d, self_signed: 9150d, crl: 400d }\n"
	    "backdate: 1d\n"
	    "ekus: [serverAuth, clientAuth, OCSPSigning]\n"
	    "key_usage: [digitalSignature]\n"
	    "algs: [any]\n"
	    "subject_keys: [any]\n"
	    "names:\n"
	    "  dn: [any]\n"
	    "  dns: [any]\n"
	    "  ip: [any]\n"
	    "  uri: [any]\n"
	    "  email: [any]\n" },
	{ "intermediate",
	    "# An issuer that may also have issuers below it.\n"
	    "kinds: [leaf, ca, crl, ocsp, csr]\n"
	    "path_len: 0\n"
	    "max_life: { leaf: 398d, ca: 1830d, crl: 31d, ocsp: 10d }\n"
	    "backdate: 1h\n"
	    "ekus: [serverAuth, clientAuth, OCSPSigning]\n"
	    "algs: [any]\n"
	    "subject_keys: [any]\n"
	    "names:\n"
	    "  dn: [any]\n"
	    "  dns: [any]\n"
	    "  ip: [any]\n"
	    "  uri: [any]\n"
	    "  email: [any]\n"
	    "  wildcards: true\n" },
	{ "kafka-issuer",
	    "# Broker and client certificates, and their CRLs.\n"
	    "kinds: [leaf, crl, csr]\n"
	    "max_life: { leaf: 398d, crl: 31d }\n"
	    "backdate: 1h\n"
	    "ekus: [serverAuth, clientAuth, OCSPSigning]\n"
	    "algs: [any]\n"
	    "subject_keys: [any]\n"
	    "names:\n"
	    "  dn: [any]\n"
	    "  dns: [any]\n"
	    "  ip: [any]\n" },
	{ "ocsp-responder",
	    "# OCSP answers and nothing else.\n"
	    "kinds: [ocsp, csr]\n"
	    "max_life: { ocsp: 10d }\n"
	    "backdate: 1h\n"
	    "names: { dn: [any] }\n" },
	{ "open",
	    "# No limits.\n"
	    "open: true\n" },
};

static const char *const names[] = { "root", "intermediate", "kafka-issuer",
	"ocsp-responder", "open", NULL };
_Static_assert(countof(names) == countof(templates) + 1, "one name each");

const char *const *
charter_template_names(void)
{
	return names;
}

const char *
charter_template_yaml(const char *name)
{
	for (size_t i = 0; i < countof(templates); i++)
		if (strcmp(templates[i].name, name) == 0)
			return templates[i].yaml;
	return NULL;
}

struct charter *
charter_template(const char *name)
{
	const char *yaml = charter_template_yaml(name);
	struct charter *c;
	struct error e;

	if (yaml == NULL)
		return NULL;
	c = charter_parse_yaml(bytes_str(yaml), name, NULL, &e);
	if (c == NULL)
		fatal("charter template: %s", e.msg);
	return c;
}
