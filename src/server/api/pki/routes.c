/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the PKI engine (vault-pki-api.md 4.1): paths, fields, handlers. */
#include "engine.h"

#define END                                                                    \
	{                                                                      \
		NULL, FT_STRING, NULL, NULL, false, false                      \
	}
#define STR(n, d, a)                                                           \
	{                                                                      \
		n, FT_STRING, d, a, false, false                               \
	}
#define BOOL(n, d, a)                                                          \
	{                                                                      \
		n, FT_BOOL, d, a, false, false                                 \
	}
#define INT(n, d, a)                                                           \
	{                                                                      \
		n, FT_INT, d, a, false, false                                  \
	}
#define DUR(n, d, a)                                                           \
	{                                                                      \
		n, FT_DURATION, d, a, false, false                             \
	}
#define LIST(n, d, a)                                                          \
	{                                                                      \
		n, FT_LIST, d, a, false, false                                 \
	}
#define PATH(n, a)                                                             \
	{                                                                      \
		n, FT_STRING, NULL, a, true, false                             \
	}

#define REF PATH("ref", "Issuer: default, its name or its id.")
#define ROLE PATH("role", "Name of the role.")
#define TYPE                                                                   \
	PATH("type",                                                           \
	    "internal (a new key in the HSM), existing (key_ref) or kms (a "   \
	    "label in the HSM); exported is refused.")

/* What makes names. */
#define NAMES                                                                  \
	STR("common_name", NULL, "Common name."),                              \
	    LIST("alt_names", NULL, "More host names and e-mail addresses."),  \
	    LIST("ip_sans", NULL, "IP addresses."),                            \
	    LIST("uri_sans", NULL, "URIs."),                                   \
	    LIST("other_sans", NULL, "otherNames: <oid>;UTF8:<value>."),       \
	    BOOL("exclude_cn_from_sans", NULL,                                 \
		"Keep the common name out of the alternative names."),         \
	    STR("serial_number", NULL,                                         \
		"serialNumber of the subject (not the certificate's)")
#define SUBJECT                                                                \
	LIST("country", NULL, "Subject: C."),                                  \
	    LIST("organization", NULL, "Subject: O."),                         \
	    LIST("ou", NULL, "Subject: OU."),                                  \
	    LIST("locality", NULL, "Subject: L."),                             \
	    LIST("province", NULL, "Subject: ST."),                            \
	    LIST("street_address", NULL, "Subject: street."),                  \
	    LIST("postal_code", NULL, "Subject: postal code.")
#define LIFE                                                                   \
	DUR("ttl", NULL, "Life; 0: the default."),                             \
	    STR("not_after", NULL, "Exact end, RFC 3339, instead of ttl.")
#define FORMAT                                                                 \
	STR("format", "pem", "pem, der or pem_bundle."),                       \
	    STR("private_key_format", "der",                                   \
		"der or pem: the traditional form; pkcs8: PKCS#8.")
#define LEAF                                                                   \
	NAMES, LIFE, FORMAT,                                                   \
	    LIST("user_ids", NULL, "User ids of the subject."),                \
	    STR("not_before", NULL, "Exact begin, RFC 3339 (issue)."),         \
	    BOOL("remove_roots_from_chain", NULL,                              \
		"Leave self-signed certificates out of ca_chain."),            \
	    STR("cert_metadata", NULL, "Accepted, without effect.")
#define CSR STR("csr", NULL, "PKCS#10 request in PEM.")
#define KEY_TYPE(dflt)                                                         \
	STR("key_type", dflt, "rsa, ec or ed25519."),                          \
	    INT("key_bits", NULL, "0: 2048 for rsa, 256 for ec.")
#define KEY                                                                    \
	KEY_TYPE("rsa"), STR("key_name", NULL, "Name for the key."),           \
	    STR("key_ref", "default", "Key for type existing."),               \
	    STR("managed_key_name", NULL, "Label in the HSM for type kms."),   \
	    STR("managed_key_id", NULL, "The same."),                          \
	    STR("external_key_ref", NULL, "The same.")
#define SIGNATURE                                                              \
	INT("signature_bits", NULL, "Hash of an RSA issuer."),                 \
	    BOOL("use_pss", NULL, "RSA issuer: PSS.")
#define CA_CERT                                                                \
	INT("max_path_length", "-1", "Path length; -1: none."),                \
	    DUR("not_before_duration", "30", "How far back the life begins."), \
	    LIST("key_usage", "CertSign,CRLSign",                              \
		"Besides these two DigitalSignature."),                        \
	    LIST("ext_key_usage", NULL, "Purposes by name."),                  \
	    LIST("ext_key_usage_oids", NULL, "Purposes by OID."),              \
	    LIST("permitted_dns_domains", NULL, "Name constraint."),           \
	    LIST("excluded_dns_domains", NULL, "Name constraint."),            \
	    LIST("permitted_ip_ranges", NULL, "Name constraint."),             \
	    LIST("excluded_ip_ranges", NULL, "Name constraint."),              \
	    LIST("permitted_email_addresses", NULL, "Name constraint."),       \
	    LIST("excluded_email_addresses", NULL, "Name constraint."),        \
	    LIST("permitted_uri_domains", NULL, "Name constraint."),           \
	    LIST("excluded_uri_domains", NULL, "Name constraint.")

static const struct field_spec f_ref[] = { REF, END };
static const struct field_spec f_issue[] = { ROLE, REF, LEAF, KEY_TYPE(NULL),
	STR("issuer_ref", NULL, "Ignored: the role says."), END };
static const struct field_spec f_sign[] = { ROLE, REF, LEAF, CSR,
	STR("issuer_ref", NULL, "Ignored: the role says."), END };
static const struct field_spec f_verbatim[] = { ROLE, REF, LEAF, CSR, SIGNATURE,
	LIST("key_usage", "DigitalSignature,KeyAgreement,KeyEncipherment",
	    "Key usages, where the CSR has none."),
	LIST("ext_key_usage", NULL, "Purposes, where the CSR has none."),
	LIST("ext_key_usage_oids", NULL, "Purposes by OID."),
	BOOL("basic_constraints_valid_for_non_ca", NULL,
	    "Write basic constraints."),
	END };
static const struct field_spec f_root[] = { TYPE, NAMES, SUBJECT, LIFE, FORMAT,
	KEY, SIGNATURE, CA_CERT,
	STR("not_before", NULL, "Exact begin, RFC 3339."),
	STR("issuer_name", NULL, "Name for the issuer."), END };
static const struct field_spec f_csr[] = { TYPE, NAMES, SUBJECT, LIFE, FORMAT,
	KEY, SIGNATURE,
	BOOL("add_basic_constraints", NULL,
	    "Put basic constraints with CA:TRUE into the request."),
	LIST("key_usage", NULL, "Key usages to ask for."),
	DUR("not_before_duration", NULL, "Accepted, without effect."), END };
static const struct field_spec f_sub[] = { REF, NAMES, SUBJECT, LIFE, FORMAT,
	CSR, SIGNATURE, CA_CERT,
	BOOL("use_csr_values", NULL,
	    "Subject, alternative names and extensions of the request."),
	STR("skid", NULL, "Subject key identifier in hex."),
	STR("issuer_ref", "default", "Issuer: default, its name or its id."),
	END };
static const struct field_spec f_set_signed[] = {
	STR("certificate", NULL, "Certificates in PEM, the chain too."), END
};
static const struct field_spec f_bundle[] = {
	STR("pem_bundle", NULL, "Certificates in PEM."), END
};
static const struct field_spec f_issuer[] = { REF,
	STR("issuer_name", NULL, "Name."),
	STR("leaf_not_after_behavior", "err", "err, truncate or permit."),
	LIST("usage", "read-only,issuing-certificates,crl-signing,ocsp-signing",
	    "What it may be used for."),
	LIST("manual_chain", NULL, "Chain by references, itself first."),
	STR("revocation_signature_algorithm", NULL, "Such as SHA256WithRSA."),
	LIST("issuing_certificates", NULL, "URLs of its certificate."),
	LIST("crl_distribution_points", NULL, "URLs of its list."),
	LIST("delta_crl_distribution_points", NULL, "Kept."),
	LIST("ocsp_servers", NULL, "URLs of responders."),
	BOOL("enable_aia_url_templating", NULL, "URLs are templates."), END };
static const struct field_spec f_key[] = { PATH("ref",
					       "Key: default, name or id."),
	STR("key_name", NULL, "Name."), END };
static const struct field_spec f_key_new[] = { TYPE, KEY, END };
static const struct field_spec f_cfg_issuers[] = {
	STR("default", NULL, "Reference of the default issuer."),
	BOOL("default_follows_latest_issuer", NULL,
	    "A new issuer with a key becomes the default."),
	END
};
static const struct field_spec f_cfg_keys[] = {
	STR("default", NULL, "Reference of the default key."), END
};
static const struct field_spec f_cfg_urls[] = {
	LIST("issuing_certificates", NULL, "URLs of the issuer's certificate."),
	LIST("crl_distribution_points", NULL, "URLs of the list."),
	LIST("delta_crl_distribution_points", NULL, "Kept."),
	LIST("ocsp_servers", NULL, "URLs of responders."),
	BOOL("enable_templating", NULL,
	    "URLs hold {{issuer_id}}, {{cluster_path}}, "
	    "{{cluster_aia_path}}."),
	END
};
static const struct field_spec f_cfg_crl[] = { STR("expiry", "72h",
						   "Life of a list."),
	BOOL("disable", NULL, "Kept; lists are always made."),
	BOOL("ocsp_disable", NULL, "OCSP answers unauthorized."),
	STR("ocsp_expiry", "12h", "Life of an OCSP answer."),
	BOOL("auto_rebuild", NULL,
	    "A revocation does not wait for the next list."),
	STR("auto_rebuild_grace_period", "12h", "Kept."),
	BOOL("enable_delta", NULL, "Kept."),
	STR("delta_rebuild_interval", "15m", "Kept."),
	BOOL("allow_expired_cert_revocation", NULL,
	    "Expired certificates may be revoked."),
	INT("max_crl_entries", "-1", "Kept; lists have no limit."), END };
static const struct field_spec f_cfg_cluster[] = { STR("path", NULL,
						       "URL of this mount."),
	STR("aia_path", NULL, "URL of its public reads."), END };
static const struct field_spec f_revoke[] = { STR("serial_number", NULL,
						  "Serial number in hex."),
	STR("certificate", NULL, "Or the certificate in PEM."),
	STR("reason", NULL,
	    "Reason of RFC 5280, by name or number: keyCompromise …"),
	STR("revocation_reason", NULL, "The same."), END };
static const struct field_spec f_list[] = {
	{ "after", FT_STRING, NULL, "Begin behind this serial number.", false,
	    true },
	{ "limit", FT_INT, NULL, "At most as many.", false, true }, END
};
static const struct field_spec f_serial[] = {
	PATH("serial", "Serial number in hex."), END
};

#define READ(fn)                                                               \
	{                                                                      \
		[OP_READ] = fn                                                 \
	}
#define WRITE(fn)                                                              \
	{                                                                      \
		[OP_WRITE] = fn                                                \
	}
#define LISTED(fn)                                                             \
	{                                                                      \
		[OP_LIST] = fn                                                 \
	}
#define PUBLIC (ROUTE_UNAUTH | ROUTE_PUBLIC)

static const struct route routes[] = {
	/* leaves */
	{ "issue/:role", "Make a key and a certificate by a role.", 0, f_issue,
	    WRITE(issue_leaf), NULL },
	{ "sign/:role", "Sign a request by a role.", 0, f_sign,
	    WRITE(sign_leaf), NULL },
	{ "sign-verbatim", "Sign a request as it is.", 0, f_verbatim,
	    WRITE(sign_verbatim), NULL },
	{ "sign-verbatim/:role", "Sign a request as it is, for a role's life.",
	    0, f_verbatim, WRITE(sign_verbatim), NULL },
	{ "issuer/:ref/issue/:role", "issue, by that issuer.", 0, f_issue,
	    WRITE(issue_leaf), NULL },
	{ "issuer/:ref/sign/:role", "sign, by that issuer.", 0, f_sign,
	    WRITE(sign_leaf), NULL },
	{ "issuer/:ref/sign-verbatim", "sign-verbatim, by that issuer.", 0,
	    f_verbatim, WRITE(sign_verbatim), NULL },
	{ "issuer/:ref/sign-verbatim/:role", "sign-verbatim, by that issuer.",
	    0, f_verbatim, WRITE(sign_verbatim), NULL },
	{ "roles", "Names of the roles.", 0, NULL, LISTED(role_list), NULL },
	{ "roles/:name", "A role: what leaves may be.", 0, pki_role_fields,
	    { role_read, NULL, role_write, role_patch, role_delete }, NULL },

	/* authorities */
	{ "root/generate/:type", "Make a self-signed root.", 0, f_root,
	    WRITE(root_generate), NULL },
	{ "issuers/generate/root/:type", "Make a self-signed root.", 0, f_root,
	    WRITE(root_generate), NULL },
	{ "root", "Detach all issuers and keys.", ROUTE_SUDO, NULL,
	    { [OP_DELETE] = root_delete }, NULL },
	{ "root/sign-intermediate", "Sign the request of an intermediate.", 0,
	    f_sub, WRITE(sign_intermediate), NULL },
	{ "issuer/:ref/sign-intermediate",
	    "Sign the request of an intermediate.", 0, f_sub,
	    WRITE(sign_intermediate), NULL },
	{ "intermediate/generate/:type",
	    "Make a key and the request of an intermediate.", 0, f_csr,
	    WRITE(intermediate_generate), NULL },
	{ "issuers/generate/intermediate/:type",
	    "Make a key and the request of an intermediate.", 0, f_csr,
	    WRITE(intermediate_generate), NULL },
	{ "intermediate/set-signed", "Take the signed certificate.", 0,
	    f_set_signed, WRITE(set_signed), NULL },
	{ "issuers/import/cert", "Take certificates of authorities.", 0,
	    f_bundle, WRITE(import_bundle), NULL },
	{ "issuers/import/bundle", "Take certificates of authorities.", 0,
	    f_bundle, WRITE(import_bundle), NULL },
	{ "config/ca", "Take certificates of authorities.", 0, f_bundle,
	    WRITE(import_bundle), NULL },
	{ "issuers", "Ids of the issuers.", ROUTE_UNAUTH, NULL,
	    LISTED(issuer_list), NULL },
	{ "issuer/:ref", "An issuer.", 0, f_issuer,
	    { issuer_read, NULL, issuer_write, issuer_patch, issuer_delete },
	    NULL },
	{ "issuer/:ref/json", "Its certificate and chain.", PUBLIC, f_ref,
	    READ(issuer_json_read), NULL },
	{ "issuer/:ref/pem", "Its certificate in PEM.", PUBLIC, f_ref,
	    READ(issuer_pem), NULL },
	{ "issuer/:ref/der", "Its certificate in DER.", PUBLIC, f_ref,
	    READ(issuer_der), NULL },
	{ "keys", "Ids of the keys.", 0, NULL, LISTED(key_list), NULL },
	{ "key/:ref", "A key.", 0, f_key,
	    { key_read, NULL, key_write, NULL, key_delete }, NULL },
	{ "keys/generate/:type", "Make a key.", 0, f_key_new,
	    WRITE(key_generate), NULL },

	/* configuration */
	{ "config/issuers", "Default issuer.", 0, f_cfg_issuers,
	    { config_issuers_read, NULL, config_issuers_write, NULL, NULL },
	    NULL },
	{ "config/keys", "Default key.", 0, f_cfg_keys,
	    { config_keys_read, NULL, config_keys_write, NULL, NULL }, NULL },
	{ "config/urls", "URLs that certificates name.", 0, f_cfg_urls,
	    { config_urls_read, NULL, config_urls_write, NULL, NULL }, NULL },
	{ "config/crl", "Lists of revoked certificates.", 0, f_cfg_crl,
	    { config_crl_read, NULL, config_crl_write, NULL, NULL }, NULL },
	{ "config/cluster", "URLs for templates.", 0, f_cfg_cluster,
	    { config_cluster_read, NULL, config_cluster_write, NULL, NULL },
	    NULL },

	/* certificates and lists */
	{ "revoke", "Revoke a certificate.", 0, f_revoke, WRITE(revoke_cert),
	    NULL },
	{ "certs", "Serial numbers of all certificates.", 0, f_list,
	    LISTED(cert_list), NULL },
	{ "certs/revoked", "Serial numbers of revoked certificates.", 0, f_list,
	    LISTED(revoked_list), NULL },
	{ "cert/:serial", "A certificate.", ROUTE_UNAUTH, f_serial,
	    READ(cert_read), NULL },
	{ "cert/:serial/raw", "A certificate in DER.", ROUTE_UNAUTH, f_serial,
	    READ(cert_raw), NULL },
	{ "cert/:serial/raw/pem", "A certificate in PEM.", ROUTE_UNAUTH,
	    f_serial, READ(cert_raw_pem), NULL },
	{ "cert/ca", "The default issuer's certificate.", ROUTE_UNAUTH, NULL,
	    READ(cert_ca_json), NULL },
	{ "cert/ca/raw", "The default issuer's certificate in DER.", PUBLIC,
	    NULL, READ(ca_der), NULL },
	{ "cert/ca/raw/pem", "The default issuer's certificate in PEM.", PUBLIC,
	    NULL, READ(ca_pem), NULL },
	{ "cert/ca_chain", "The default issuer's chain.", ROUTE_UNAUTH, NULL,
	    READ(cert_chain_json), NULL },
	{ "cert/crl", "The default issuer's list.", ROUTE_UNAUTH, NULL,
	    READ(cert_crl_json), NULL },
	{ "cert/crl/raw", "The default issuer's list in DER.", PUBLIC, NULL,
	    READ(crl_der), NULL },
	{ "cert/crl/raw/pem", "The default issuer's list in PEM.", PUBLIC, NULL,
	    READ(crl_pem), NULL },
	{ "ca", "The default issuer's certificate in DER.", PUBLIC, NULL,
	    READ(ca_der), NULL },
	{ "ca/pem", "The default issuer's certificate in PEM.", PUBLIC, NULL,
	    READ(ca_pem), NULL },
	{ "ca_chain", "The default issuer's chain in PEM.", PUBLIC, NULL,
	    READ(ca_chain), NULL },
	{ "crl", "The default issuer's list in DER.", PUBLIC, NULL,
	    READ(crl_der), NULL },
	{ "crl/pem", "The default issuer's list in PEM.", PUBLIC, NULL,
	    READ(crl_pem), NULL },
	{ "crl/rotate", "Make new lists.", 0, NULL,
	    { crl_rotate, NULL, crl_rotate, NULL, NULL }, NULL },
	{ "issuer/:ref/crl", "Its list, in JSON.", PUBLIC, f_ref,
	    READ(issuer_crl_json), NULL },
	{ "issuer/:ref/crl/pem", "Its list in PEM.", PUBLIC, f_ref,
	    READ(issuer_crl_pem), NULL },
	{ "issuer/:ref/crl/der", "Its list in DER.", PUBLIC, f_ref,
	    READ(issuer_crl_der), NULL },
	{ NULL, NULL, 0, NULL, { NULL }, NULL },
};

static const char *const doc_kinds[] = { "pki-role", "pki-issuer", "pki-key",
	"pki-config", NULL };

const struct backend pki_backend = {
	.type = "pki",
	.about = "Certificates by authorities whose keys lie in an HSM.",
	.routes = routes,
	.mount_secret = true,
	.doc_kinds = doc_kinds,
};
