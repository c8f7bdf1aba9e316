/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How rows and their fields are written down, and the fields that several rows share. */
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

#define READ(fn)                                                               \
	{                                                                      \
		[OP_READ] = (fn)                                               \
	}
#define WRITE(fn)                                                              \
	{                                                                      \
		[OP_WRITE] = (fn)                                              \
	}
#define LISTED(fn)                                                             \
	{                                                                      \
		[OP_LIST] = (fn)                                               \
	}
#define PUBLIC (ROUTE_UNAUTH | ROUTE_PUBLIC)
