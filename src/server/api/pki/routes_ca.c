/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of authorities and their keys (vault-pki-api.md 4.1): paths, fields, handlers. */
#include "routes_fields.h"

static const struct field_spec f_ref[] = { REF, END };
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
static const struct field_spec f_self_issued[] = { REF,
	STR("certificate", NULL, "Self-signed certificate of a CA in PEM."),
	BOOL("require_matching_certificate_algorithms", NULL,
	    "Refuse a key of another algorithm than the issuer's."),
	STR("issuer_ref", "default", "Issuer: default, its name or its id."),
	END };
static const struct field_spec f_key_import[] = {
	STR("pem_bundle", NULL,
	    "A private key in PEM (PKCS#1, SEC1, PKCS#8), without passphrase."),
	STR("key_name", NULL, "Name for the key."), END
};
static const struct field_spec f_replace[] = {
	STR("default", "next", "Reference of the new default issuer."), END
};
static const struct field_spec f_key[] = { PATH("ref",
					       "Key: default, name or id."),
	STR("key_name", NULL, "Name."), END };
static const struct field_spec f_key_new[] = { TYPE, KEY, END };
static const struct field_spec f_certs[] = {
	STR("pem_bundle", NULL, "Certificates in PEM."), END
};
static const struct field_spec f_bundle[] = {
	STR("pem_bundle", NULL,
	    "Certificates in PEM, and at most one private key (see "
	    "keys/import)."),
	END
};
static const struct field_spec f_register[] = {
	STR("bundle", NULL,
	    "What `chancery register bundle` wrote, in base64."),
	STR("vkey", NULL, "Verifier key of that log; needed the first time."),
	END
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

const struct route pki_ca_routes[] = {
	{ "root/generate/:type", "Make a self-signed root.", 0, f_root,
	    WRITE(root_generate), NULL },
	{ "issuers/generate/root/:type", "Make a self-signed root.", 0, f_root,
	    WRITE(root_generate), NULL },
	{ "root/rotate/:type", "Make a root beside the one that is there.", 0,
	    f_root, WRITE(root_rotate), NULL },
	{ "root/replace", "Make that issuer the default.", 0, f_replace,
	    WRITE(root_replace), NULL },
	{ "root", "Detach all issuers and keys.", ROUTE_SUDO, NULL,
	    { [OP_DELETE] = root_delete }, NULL },
	{ "root/sign-intermediate", "Sign the request of an intermediate.", 0,
	    f_sub, WRITE(sign_intermediate), NULL },
	{ "issuer/:ref/sign-intermediate",
	    "Sign the request of an intermediate.", 0, f_sub,
	    WRITE(sign_intermediate), NULL },
	{ "root/sign-self-issued", "Sign the root of somebody else.",
	    ROUTE_SUDO, f_self_issued, WRITE(sign_self_issued), NULL },
	{ "issuer/:ref/sign-self-issued", "Sign the root of somebody else.",
	    ROUTE_SUDO, f_self_issued, WRITE(sign_self_issued), NULL },
	{ "intermediate/generate/:type",
	    "Make a key and the request of an intermediate.", 0, f_csr,
	    WRITE(intermediate_generate), NULL },
	{ "issuers/generate/intermediate/:type",
	    "Make a key and the request of an intermediate.", 0, f_csr,
	    WRITE(intermediate_generate), NULL },
	{ "intermediate/cross-sign",
	    "The request of a key that the mount has, for another issuer.", 0,
	    f_csr, WRITE(intermediate_cross_sign), NULL },
	{ "intermediate/set-signed", "Take the signed certificate.", 0,
	    f_set_signed, WRITE(set_signed), NULL },
	{ "issuers/import/cert", "Take certificates of authorities.", 0,
	    f_certs, WRITE(import_certs), NULL },
	{ "issuers/import/bundle", "Take certificates of authorities.", 0,
	    f_bundle, WRITE(import_bundle), NULL },
	{ "issuers/import/register",
	    "Take in the log of an offline authority (`chancery import`): "
	    "verified, recorded, its certificates, revocations and lists "
	    "served under this mount.",
	    ROUTE_SUDO, f_register, WRITE(import_register), NULL },
	{ "config/ca", "Take certificates of authorities.", 0, f_bundle,
	    WRITE(import_bundle), NULL },
	{ "issuers", "Ids of the issuers.", ROUTE_UNAUTH, NULL,
	    LISTED(issuer_list), NULL },
	{ "issuer/:ref", "An issuer.", 0, f_issuer,
	    { issuer_read, NULL, issuer_write, issuer_patch, issuer_delete },
	    NULL },
	{ "issuer/:ref/revoke",
	    "Revoke an issuer; it signs no certificates any more.", 0, f_ref,
	    WRITE(issuer_revoke), NULL },
	{ "issuer/:ref/json", "Its certificate and chain.", PUBLIC, f_ref,
	    READ(issuer_json_read), NULL },
	{ "issuer/:ref/pem", "Its certificate in PEM.", PUBLIC, f_ref,
	    READ(issuer_pem), NULL },
	{ "issuer/:ref/der", "Its certificate in DER.", PUBLIC, f_ref,
	    READ(issuer_der), NULL },
	{ "keys", "Ids of the keys.", 0, NULL, LISTED(key_list), NULL },
	{ "key/:ref", "A key.", 0, f_key,
	    { key_read, NULL, key_write, NULL, key_delete }, NULL },
	{ "keys/import",
	    "Take a private key into the HSM, where the charter of the token "
	    "has imported_keys: allow; it is said of it for ever.",
	    0, f_key_import, WRITE(key_import), NULL },
	{ "keys/generate/:type", "Make a key.", 0, f_key_new,
	    WRITE(key_generate), NULL },
	{ NULL, NULL, 0, NULL, { NULL }, NULL },
};
