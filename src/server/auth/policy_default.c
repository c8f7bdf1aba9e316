/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that are there from the beginning, and the kinds that are ours. */
#include "cert.h"
#include "internal.h"

/* What every token may do for itself (vault-pki-api.md 7.5). */
const char policy_default_text[] =
    "# What a token may do for itself.\n"
    "path \"auth/token/lookup-self\" {\n"
    "    capabilities = [\"read\"]\n"
    "}\n"
    "path \"auth/token/renew-self\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"auth/token/revoke-self\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "\n"
    "# What it may do elsewhere.\n"
    "path \"sys/capabilities-self\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"sys/internal/ui/resultant-acl\" {\n"
    "    capabilities = [\"read\"]\n"
    "}\n"
    "\n"
    "# Leases: who knows an id may ask for it.\n"
    "path \"sys/renew\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"sys/leases/renew\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"sys/leases/lookup\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "\n"
    "# Answers wrapped in a token that works once.\n"
    "path \"sys/wrapping/wrap\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"sys/wrapping/lookup\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"sys/wrapping/unwrap\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "\n"
    "# A place of its own.\n"
    "path \"cubbyhole/*\" {\n"
    "    capabilities = [\"create\", \"read\", \"update\", \"delete\", "
    "\"list\"]\n"
    "}\n";

static void *
policy_doc_parse(const char *scope, const char *name, const json_t *json,
    struct error *e)
{
	(void)scope;
	return policy_parse(name, bytes_str(doc_str(json, "policy")), e);
}

static void
policy_doc_free(void *parsed)
{
	policy_free(parsed);
}

const struct doc_kind auth_doc_kinds[] = {
	{ "policy", policy_doc_parse, policy_doc_free },
	{ CERT_ROLE_KIND, cert_role_parse, cert_role_release },
	{ CERT_CRL_KIND, cert_crl_parse_doc, cert_crl_release },
	{ NULL, NULL, NULL },
};
