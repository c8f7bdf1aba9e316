/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of certificates and lists (vault-pki-api.md 4.1): paths, fields, handlers. */
#include "lease.h"
#include "lease_row.h"
#include "routes_fields.h"

static const struct field_spec f_ref[] = { REF, END };
#define REVOKE                                                                 \
	STR("serial_number", NULL, "Serial number in hex."),                   \
	    STR("certificate", NULL, "Or the certificate in PEM."),            \
	    STR("reason", NULL,                                                \
		"Reason of RFC 5280, by name or number: keyCompromise …"),     \
	    STR("revocation_reason", NULL, "The same."),                       \
	{                                                                      \
		"invalidity_date", FT_TIME, NULL,                              \
		    "Since when the key is no longer trusted, RFC 3339.",      \
		    false, false                                               \
	}

static const struct field_spec f_revoke[] = { REVOKE, END };
static const struct field_spec f_revoke_key[] = { REVOKE,
	STR("private_key", NULL, "The certificate's private key in PEM."),
	END };
static const struct field_spec f_lease[] = { REVOKE,
	STR("lease_id", NULL, "Its lease."),
	BOOL("wait", NULL, "Until a list has it."), END };
static const struct field_spec f_list[] = {
	{ "after", FT_STRING, NULL, "Begin behind this serial number.", false,
	    true },
	{ "limit", FT_INT, NULL, "At most as many.", false, true }, END
};
#define LIST_NAME                                                              \
	PATH("list",                                                           \
	    "partition-K: that of the certificates that point to it; full: "   \
	    "all.")
static const struct field_spec f_named[] = { LIST_NAME, END };
static const struct field_spec f_ref_named[] = { REF, LIST_NAME, END };
static const struct field_spec f_serial[] = {
	PATH("serial", "Serial number in hex."), END
};

#define LIST_OF_CALLER                                                         \
	INT("crl_number", NULL, "Number of the list."),                        \
	    INT("delta_crl_base_number", "-1", "Of a delta list."),            \
	    STR("next_update", "72h", "Life of the list."),                    \
	    STR("format", "pem", "pem or der.")

static const struct field_spec f_resign[] = { REF, LIST_OF_CALLER,
	LIST("crls", NULL, "Lists in PEM."), END };
static const struct field_spec f_sign_list[] = { REF, LIST_OF_CALLER,
	{ "revoked_certs", FT_JSON, NULL,
	    "Entries: serial_number, revocation_time, extensions.", false,
	    false },
	{ "extensions", FT_JSON, NULL,
	    "Extensions: id, critical, value in base64.", false, false },
	END };

const struct route pki_cert_routes[] = {
	{ "revoke", "Revoke a certificate.", 0, f_revoke, WRITE(revoke_cert),
	    NULL },
	{ "revoke-with-key", "Revoke a certificate by who has its private key.",
	    0, f_revoke_key, WRITE(revoke_with_key), NULL },
	{ LEASE_REVOKE, "End a lease.", ROUTE_OWN, f_lease, WRITE(lease_revoke),
	    NULL },
	{ "certs", "Serial numbers of all certificates.", 0, f_list,
	    LISTED(cert_list), NULL },
	{ "certs/revoked", "Serial numbers of revoked certificates.", 0, f_list,
	    LISTED(revoked_list), NULL },
	{ "certs/detailed", "Certificates with what they are about.", 0, f_list,
	    LISTED(cert_list_detailed), NULL },
	{ "certs/unified-revoked", "certs/revoked: there is one place.", 0,
	    f_list, LISTED(revoked_list), NULL },
	{ "certs/revocation-queue", "Always empty: there is one place.", 0,
	    NULL, LISTED(revocation_queue), NULL },
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
	{ "crl/delta", "The default issuer's delta list in DER.", PUBLIC, NULL,
	    READ(delta_der), NULL },
	{ "crl/delta/pem", "The default issuer's delta list in PEM.", PUBLIC,
	    NULL, READ(delta_pem), NULL },
	{ "crl/:list", "A list of a partition in DER.", PUBLIC, f_named,
	    READ(crl_der), NULL },
	{ "crl/:list/der", "The same.", PUBLIC, f_named, READ(crl_der), NULL },
	{ "crl/:list/pem", "A list of a partition in PEM.", PUBLIC, f_named,
	    READ(crl_pem), NULL },
	{ "crl/rotate", "Make new lists.", 0, NULL,
	    { crl_rotate, NULL, crl_rotate, NULL, NULL }, NULL },
	{ "crl/rotate-delta", "Make new delta lists.", 0, NULL,
	    { crl_rotate_delta, NULL, crl_rotate_delta, NULL, NULL }, NULL },
	{ "cert/delta-crl", "The default issuer's delta list.", ROUTE_UNAUTH,
	    NULL, READ(cert_delta_json), NULL },
	{ "issuer/:ref/crl", "Its list, in JSON.", PUBLIC, f_ref,
	    READ(crl_json), NULL },
	{ "issuer/:ref/crl/pem", "Its list in PEM.", PUBLIC, f_ref,
	    READ(crl_pem), NULL },
	{ "issuer/:ref/crl/der", "Its list in DER.", PUBLIC, f_ref,
	    READ(crl_der), NULL },
	{ "issuer/:ref/crl/delta", "Its delta list, in JSON.", PUBLIC, f_ref,
	    READ(delta_json), NULL },
	{ "issuer/:ref/crl/delta/pem", "Its delta list in PEM.", PUBLIC, f_ref,
	    READ(delta_pem), NULL },
	{ "issuer/:ref/crl/delta/der", "Its delta list in DER.", PUBLIC, f_ref,
	    READ(delta_der), NULL },
	{ "issuer/:ref/crl/:list", "Its list of a partition in DER.", PUBLIC,
	    f_ref_named, READ(crl_der), NULL },
	{ "issuer/:ref/crl/:list/der", "The same.", PUBLIC, f_ref_named,
	    READ(crl_der), NULL },
	{ "issuer/:ref/crl/:list/pem", "Its list of a partition in PEM.",
	    PUBLIC, f_ref_named, READ(crl_pem), NULL },
	{ "unified-crl", "crl: there is one place.", PUBLIC, NULL,
	    READ(crl_der), NULL },
	{ "unified-crl/pem", "crl/pem: there is one place.", PUBLIC, NULL,
	    READ(crl_pem), NULL },
	{ "cert/unified-crl", "cert/crl: there is one place.", ROUTE_UNAUTH,
	    NULL, READ(cert_crl_json), NULL },
	{ "issuer/:ref/unified-crl", "issuer/:ref/crl.", PUBLIC, f_ref,
	    READ(crl_json), NULL },
	{ "issuer/:ref/unified-crl/pem", "issuer/:ref/crl/pem.", PUBLIC, f_ref,
	    READ(crl_pem), NULL },
	{ "issuer/:ref/unified-crl/der", "issuer/:ref/crl/der.", PUBLIC, f_ref,
	    READ(crl_der), NULL },
	{ "unified-crl/delta", "crl/delta: there is one place.", PUBLIC, NULL,
	    READ(delta_der), NULL },
	{ "unified-crl/delta/pem", "crl/delta/pem: there is one place.", PUBLIC,
	    NULL, READ(delta_pem), NULL },
	{ "cert/unified-delta-crl", "cert/delta-crl: there is one place.",
	    ROUTE_UNAUTH, NULL, READ(cert_delta_json), NULL },
	{ "issuer/:ref/unified-crl/delta", "issuer/:ref/crl/delta.", PUBLIC,
	    f_ref, READ(delta_json), NULL },
	{ "issuer/:ref/unified-crl/delta/pem", "issuer/:ref/crl/delta/pem.",
	    PUBLIC, f_ref, READ(delta_pem), NULL },
	{ "issuer/:ref/unified-crl/delta/der", "issuer/:ref/crl/delta/der.",
	    PUBLIC, f_ref, READ(delta_der), NULL },
	{ "issuer/:ref/resign-crls",
	    "Join lists of the issuer into one with the caller's number.", 0,
	    f_resign, WRITE(resign_crls), NULL },
	{ "issuer/:ref/sign-revocation-list",
	    "A list with the caller's entries and number.", 0, f_sign_list,
	    WRITE(sign_revocation_list), NULL },
	{ NULL, NULL, 0, NULL, { NULL }, NULL },
};
