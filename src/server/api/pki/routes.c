/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the PKI engine, by area; no path is in two of them. */
#include "ocsp.h"
#include "partition.h"

static const struct route *const more[] = { pki_ca_routes, pki_config_routes,
	pki_cert_routes, pki_ocsp_routes, NULL };

static const char *const doc_kinds[] = { "pki-role", "pki-issuer", "pki-key",
	"pki-config", "pki-tidy", PARTITION_KIND, OCSP_KIND, NULL };

const struct backend pki_backend = {
	.type = "pki",
	.about = "Certificates by authorities whose keys lie in an HSM.",
	.routes = pki_leaf_routes,
	.more_routes = more,
	.mount_secret = true,
	.doc_kinds = doc_kinds,
};
