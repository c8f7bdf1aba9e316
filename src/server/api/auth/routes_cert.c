/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of auth/cert. */
#include "cert.h"

#define NAMES(field, what)                                                     \
	FIELD(field, FT_LIST, NULL,                                            \
	    "Globs; one of them fits " what "; none: any certificate.")

static const struct field_spec role_fields[] = { CAPTURE("name",
						     "The role; lower case."),
	FIELD("certificate", FT_STRING, NULL,
	    "PEM: authorities whose certificates log in, or one certificate "
	    "that does itself."),
	FIELD("display_name", FT_STRING, NULL,
	    "Name in logs, behind the mount's; the role's when empty."),
	NAMES("allowed_names", "the common name, a DNS name or an address"),
	NAMES("allowed_common_names", "the common name"),
	NAMES("allowed_dns_sans", "a DNS name of the subjectAltName"),
	NAMES("allowed_email_sans", "an address of the subjectAltName"),
	NAMES("allowed_uri_sans", "a URI of the subjectAltName"),
	NAMES("allowed_organizational_units", "an organizational unit"),
	FIELD("required_extensions", FT_LIST, NULL,
	    "All of them: oid:glob of a text, hex:oid:glob of the value."),
	FIELD("allowed_metadata_extensions", FT_LIST, NULL,
	    "OIDs of extensions that become metadata of the token."),
	FIELD("ocsp_enabled", FT_BOOL, NULL,
	    "Refused when on: nothing is asked over the network."),
	FIELD("ocsp_ca_certificates", FT_STRING, NULL,
	    "Kept; of use with ocsp_enabled."),
	FIELD("ocsp_servers_override", FT_LIST, NULL,
	    "Kept; of use with ocsp_enabled."),
	FIELD("ocsp_fail_open", FT_BOOL, NULL,
	    "Kept; of use with ocsp_enabled."),
	FIELD("ocsp_query_all_servers", FT_BOOL, NULL,
	    "Kept; of use with ocsp_enabled."),
	FIELD("ocsp_this_update_max_age", FT_DURATION, NULL,
	    "Kept; of use with ocsp_enabled."),
	FIELD("ocsp_max_retries", FT_INT, "4",
	    "Kept; of use with ocsp_enabled."),
	TOKEN_PARAM_FIELDS, { .name = NULL } };
static const struct field_spec list_fields[] = { CAPTURE("name", "The list."),
	FIELD("crl", FT_STRING, NULL,
	    "Revoked certificates: a CRL as PEM, or base64 of its DER."),
	FIELD("url", FT_STRING, NULL, "Refused: nothing is fetched."),
	{ .name = NULL } };
static const struct field_spec config_fields[] = {
	FIELD("disable_binding", FT_BOOL, NULL,
	    "Tokens are renewed without their certificate."),
	FIELD("enable_identity_alias_metadata", FT_BOOL, NULL,
	    "Kept: there are no identities."),
	FIELD("ocsp_cache_size", FT_INT, "100", "Kept: OCSP is not asked."),
	FIELD("role_cache_size", FT_INT, "200",
	    "Kept: roles are always in memory."),
	FIELD("enable_metadata_on_failures", FT_BOOL, NULL,
	    "Kept: the access log has the address of failed logins."),
	{ .name = NULL }
};
static const struct field_spec login_fields[] = {
	FIELD("name", FT_STRING, NULL, "The role; all are tried without it."),
	{ .name = NULL }
};

static const struct route routes[] = { { .pattern = "certs",
					   .about = "The names of the roles.",
					   .op = { [OP_LIST] =
						       cert_role_list } },
	{ .pattern = "certs/:name",
	    .about = "A role: which certificates log in, and what that gives.",
	    .fields = role_fields,
	    .op = { [OP_READ] = cert_role_read,
		[OP_WRITE] = cert_role_write,
		[OP_DELETE] = cert_role_delete } },
	{ .pattern = "crls",
	    .about = "The names of the lists of revoked certificates.",
	    .op = { [OP_LIST] = cert_crl_list_row } },
	{ .pattern = "crls/:name",
	    .about = "A list of certificates that cannot log in.",
	    .fields = list_fields,
	    .op = { [OP_READ] = cert_crl_read_row,
		[OP_WRITE] = cert_crl_write_row,
		[OP_DELETE] = cert_crl_delete_row } },
	{ .pattern = "config",
	    .about = "What holds for all roles of the mount.",
	    .fields = config_fields,
	    .op = { [OP_READ] = cert_config_read,
		[OP_WRITE] = cert_config_write } },
	{ .pattern = "login",
	    .about = "Log in with the connection's client certificate.",
	    .flags = ROUTE_UNAUTH,
	    .fields = login_fields,
	    .op = { [OP_WRITE] = cert_login } },
	{ .pattern = NULL } };

static const char *const doc_kinds[] = { CERT_ROLE_KIND, CERT_CRL_KIND,
	CERT_CONFIG_KIND, NULL };

const struct backend auth_cert_backend = {
	.type = "cert",
	.about = "TLS certificates: clients log in with the one they show.",
	.routes = routes,
	.mount_auth = true,
	.doc_kinds = doc_kinds,
	.made = cert_made,
	.removed = cert_removed,
};
