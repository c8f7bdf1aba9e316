/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Login with a TLS client certificate (vault-pki-api.md 7.3): whom a role trusts, what a
 * client shows, and whether the one is good for the other. Chains are OpenSSL's business
 * (X509_verify_cert); names and extensions are read here.
 *
 * Documents of a mount (scope: its path): "cert-role" by lower-case name, "cert-crl", and one
 * "cert-config" named "config", which is there as long as the mount is.
 */
#include <openssl/x509.h>

#include "token.h"

#define CERT_ROLE_KIND "cert-role"
#define CERT_CRL_KIND "cert-crl"
#define CERT_CONFIG_KIND "cert-config"

/* ---- what a client shows ---- */
struct client_cert;
/* Certificates in DER, one behind the other, leaf first, as http_peer_cert gives them.
 * FAIL_BAD_INPUT. */
struct client_cert *client_cert_new(struct bytes der,
    struct error *e) must_check;
void client_cert_free(struct client_cert *c);
DEFINE_AUTO(client_cert, struct client_cert *, client_cert_free)
#define auto_client_cert auto_cleanup(client_cert_cleanup)
/* {common_name, serial_number (decimal), subject_key_id, authority_key_id (hex with colons)}
 * and of the extensions named by dotted OID those that it has, as "1-2-3": text. */
json_t *client_cert_metadata(const struct client_cert *c,
    const json_t *extensions) must_check;
/* Of a token's metadata: made with this certificate, with another one of the same key, or
 * with an earlier one of the same name from the same authority. */
bool client_cert_continues(const struct client_cert *c,
    const json_t *metadata) must_check;

/* ---- whom a role trusts: kind "cert-role", shared by all threads ---- */
struct cert_role;
/* The document's fields "certificate" (PEM, one or more) …; FAIL_BAD_INPUT. */
struct cert_role *cert_role_new(const json_t *doc, struct error *e) must_check;
void cert_role_free(struct cert_role *r);
/* Its first certificate is no authority: only that very one logs in. */
bool cert_role_is_leaf(const struct cert_role *r);

/* One certificate of a chain that has been found: for lists of revoked ones. */
struct cert_link {
	const X509_NAME *issuer;
	uint8_t serial[LIMIT_SERIAL_BYTES]; /* right-aligned magnitude */
	/* Hash of the SPKI that signed it; NULL where the chain ends before its issuer. */
	const struct sha256 *issuer_key;
};
/* Whether it is revoked: false with e->why set where that cannot be said. */
typedef bool cert_revoked_fn(void *arg, const struct cert_link *link,
    struct error *e);
enum cert_verdict {
	CERT_GOOD,
	CERT_UNKNOWN, /* signed by nobody whom the role trusts */
	CERT_BROKEN,  /* by one of them, but not good: e says why */
	CERT_UNFIT, /* names or extensions are not the role's, or it is revoked */
	CERT_UNDECIDED /* e: what failed */
};
/* `doc` is the role's: allowed_names, … required_extensions. */
enum cert_verdict cert_role_judge(const struct cert_role *r, const json_t *doc,
    const struct client_cert *c, int64_t now_s, cert_revoked_fn *revoked,
    void *arg, struct error *e) must_check;
/* The constraints alone. */
bool cert_role_fits(const json_t *doc, const struct client_cert *c) must_check;

/* ---- lists that were handed in: kind "cert-crl" ---- */
struct cert_crl;
/* PEM, DER, or base64 of DER (which JSON cannot carry as it is) to DER, appended; it is one
 * that can be held against certificates. */
bool cert_crl_read(struct bytes in, struct buf *der,
    struct error *e) must_check;
struct cert_crl *cert_crl_new(const json_t *doc, struct error *e) must_check;
void cert_crl_free(struct cert_crl *l);
/* By the name of the issuer (as RFC 5280 7.1 compares) and the serial: whoever may hand in a
 * list is trusted with it, its signature is not looked at. */
bool cert_crl_has(const struct cert_crl *l,
    const struct cert_link *c) must_check;
/* {"<decimal>": {}, …} */
json_t *cert_crl_serials(const struct cert_crl *l) must_check;

/* ---- small ---- */
/* Magnitude to 20 octets; false: negative or longer. */
bool cert_serial(const ASN1_INTEGER *i,
    uint8_t out[LIMIT_SERIAL_BYTES]) must_check;
/* For the table of kinds. */
void *cert_role_parse(const char *scope, const char *name, const json_t *json,
    struct error *e) must_check;
void *cert_crl_parse_doc(const char *scope, const char *name,
    const json_t *json, struct error *e) must_check;
void cert_role_release(void *parsed);
void cert_crl_release(void *parsed);
