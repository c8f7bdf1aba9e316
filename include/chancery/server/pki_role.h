/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A role of the PKI engine (vault-pki-api.md 5.1): which names and keys a leaf may have
 * and what its certificate looks like. One table: the fields of the API, the document
 * that is stored (which is what GET answers) and the struct.
 */
#include <jansson.h>

#include <chancery/base/bytes.h>
#include <chancery/base/error.h>
#include <chancery/server/route.h>

/* Owned texts. */
struct pki_texts {
	char **v;
	size_t n;
};
void pki_texts_free(struct pki_texts *t);
/* From an array of strings; NULL: none. Replaces what is there. */
void pki_texts_set(struct pki_texts *t, const json_t *array);

/* B bool, I int, D duration in seconds, S string, L list, J list in JSON: name, default as
 * text, help. */
#define PKI_ROLE_FIELDS(B, I, D, S, L, J)                                      \
	B(allow_any_name, NULL, "Skip the tests of allowed_domains.")          \
	B(allow_bare_domains, NULL, "Allow the listed domains themselves.")    \
	B(allow_glob_domains, NULL, "Entries with * are globs.")               \
	B(allow_globs_in_identity_templates, NULL, "Kept, without effect.")    \
	B(allow_ip_sans, "true", "Allow IP addresses.")                        \
	B(allow_localhost, "true", "Allow localhost and localdomain.")         \
	B(allow_subdomains, NULL, "Allow names below the listed domains.")     \
	B(allow_token_displayname, NULL, "Kept, without effect.")              \
	B(allow_wildcard_certificates, "true", "Allow names with *.")          \
	L(allowed_domains, NULL, "Domains that names are held against.")       \
	B(allowed_domains_template, NULL,                                      \
	    "Entries may be identity templates (which match nothing here).")   \
	L(allowed_ip_sans_cidr, NULL, "Networks that IP addresses lie in.")    \
	L(allowed_other_sans, NULL,                                            \
	    "otherNames: <oid>;UTF8:<glob>, or * for all.")                    \
	L(allowed_serial_numbers, NULL, "Globs for the subject's serial.")     \
	L(allowed_uri_sans, NULL, "Globs for URIs.")                           \
	B(allowed_uri_sans_template, NULL,                                     \
	    "Entries may be identity templates (which match nothing here).")   \
	L(allowed_user_ids, NULL, "Globs for user ids.")                       \
	B(basic_constraints_valid_for_non_ca, NULL,                            \
	    "Write basic constraints into leaves.")                            \
	B(client_flag, "true", "Purpose: TLS client.")                         \
	L(cn_validations, "email,hostname",                                    \
	    "What a common name may be: email, hostname; or disabled.")        \
	B(code_signing_flag, NULL, "Purpose: code signing.")                   \
	L(country, NULL, "Subject: C.")                                        \
	B(email_protection_flag, NULL, "Purpose: e-mail.")                     \
	B(enforce_hostnames, "true", "Names must be valid host names.")        \
	L(ext_key_usage, NULL, "More purposes, by name.")                      \
	L(ext_key_usage_oids, NULL, "More purposes, by OID.")                  \
	B(generate_lease, NULL, "Answers have a lease.")                       \
	S(issuer_ref, "default", "Issuer by name or id.")                      \
	I(key_bits, NULL, "Least size of a key; 0: 2048, or 256 for ec.")      \
	S(key_type, "rsa", "rsa, ec, ed25519 or any.")                         \
	L(key_usage, "DigitalSignature,KeyAgreement,KeyEncipherment",          \
	    "Key usages by name; empty: no extension.")                        \
	L(locality, NULL, "Subject: L.")                                       \
	D(max_ttl, NULL, "Longest life; 0: the mount's.")                      \
	B(no_store, NULL, "Do not keep the certificates.")                     \
	S(not_after, NULL, "Fixed end, RFC 3339.")                             \
	S(not_after_bound, "ttl-limited",                                      \
	    "permit, forbid, ttl-limited, or the latest end in RFC 3339.")     \
	S(not_before, NULL, "Fixed begin, RFC 3339.")                          \
	S(not_before_bound, "permit", "permit, duration or forbid.")           \
	D(not_before_duration, "30", "How far back a life begins.")            \
	L(organization, NULL, "Subject: O.")                                   \
	L(ou, NULL, "Subject: OU.")                                            \
	J(policy_identifiers, NULL,                                            \
	    "Policies: OIDs, or objects with oid, cps, notice.")               \
	L(postal_code, NULL, "Subject: postal code.")                          \
	L(province, NULL, "Subject: ST.")                                      \
	B(require_cn, "true", "A common name is needed.")                      \
	S(serial_number_source, "json-csr",                                    \
	    "json-csr, or json: not the request's own.")                       \
	B(server_flag, "true", "Purpose: TLS server.")                         \
	I(signature_bits, NULL, "Hash of an RSA issuer: 256, 384, 512.")       \
	L(street_address, NULL, "Subject: street.")                            \
	D(ttl, NULL, "Life; 0: the mount's.")                                  \
	B(use_csr_common_name, "true", "Take the CN of the request.")          \
	B(use_csr_sans, "true", "Take the SAN of the request.")                \
	B(use_pss, NULL, "RSA issuer: PSS.")

#define PKI_ROLE_BOOL(n, d, a) bool n;
#define PKI_ROLE_INT(n, d, a) int64_t n;
#define PKI_ROLE_TEXT(n, d, a) char *n;
#define PKI_ROLE_LIST(n, d, a) struct pki_texts n;
struct pki_role {
	PKI_ROLE_FIELDS(PKI_ROLE_BOOL, PKI_ROLE_INT, PKI_ROLE_INT,
	    PKI_ROLE_TEXT, PKI_ROLE_LIST, PKI_ROLE_LIST)
	unsigned key_usage_bits; /* of key_usage */
	/* Dotted, in the order of the certificate; borrowed from a table or a list. */
	const char **eku;
	size_t eku_n;
	int64_t not_after_s, not_before_s, not_after_bound_s; /* 0: none */
};

/* With the capture "name" first; NULL-name ended. */
extern const struct field_spec pki_role_fields[];

/* The whole document from typed fields: what `in` lacks takes its default. */
json_t *pki_role_document(const json_t *in) must_check;
/* A copy of the document with the fields of `in` that `given` names. */
json_t *pki_role_merge(const json_t *doc, const json_t *in,
    const json_t *given) must_check;
/* What is settled at writing: sizes where 0 was given, leases that exclude no_store
 * (*no_lease: a warning is due), policy_identifiers as a list of texts. */
bool pki_role_normalise(json_t *doc, bool *no_lease,
    struct error *e) must_check;
/* FAIL_BAD_INPUT names the field. */
struct pki_role *pki_role_parse(const json_t *doc, struct error *e) must_check;
void pki_role_free(struct pki_role *r); /* NULL is fine */

/* A role that allows everything: CA certificates and sign-verbatim without one. */
const struct pki_role *pki_role_open(void);

/* KU_ bits of names such as "DigitalSignature"; unknown ones are left out. */
unsigned pki_key_usage_bits(const struct pki_texts *names);
/* Dotted OID of a purpose such as "ServerAuth", any case; NULL: unknown. */
const char *pki_eku_oid(const char *name);
/* Purposes in the order of certificates: `flags` of the four (server, client, code,
 * e-mail), names, then oids. Borrowed texts in a fresh array (mem_free). */
const char **pki_eku_list(const bool flags[4], const struct pki_texts *names,
    const struct pki_texts *oids, size_t *n) must_check;
/* "rsa" 3072 → type; 0 bits: the default size. False: no such key (text in e). */
struct key_type;
bool pki_key_type(const char *type, int64_t bits, struct key_type *out,
    struct error *e) must_check;
/* Dotted OID that can be written. */
bool pki_oid_valid(const char *dotted) must_check;
/* "2027-01-01T00:00:00Z", with an offset or a fraction too. */
bool pki_time_parse(const char *text, int64_t *t_s) must_check;
/* Names of roles, issuers and keys (4.0). */
bool pki_name_valid(const char *name) must_check;
/* `*` matches any run; case is folded where `fold`. */
bool pki_glob(const char *pattern, struct bytes text, bool fold) must_check;
