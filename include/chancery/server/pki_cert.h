/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Certificates as the PKI engine writes them (vault-pki-api.md 5.2, 5.6, 5.7): subject,
 * validity, extensions in the order of Go's encoder, keys of leaves. Pure.
 */
#include <jansson.h>
#include <openssl/types.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/secret.h>
#include <chancery/pki/csr.h>
#include <chancery/server/pki_names.h>

/* ---- subject ---- */
struct pki_subject {
	/* NULL: none. Written as C, ST, L, street, postal code, O, OU, CN, serial
	 * number, UID: what OpenBao 2.7.2 writes, and an order that Kafka's principals
	 * depend on. Several values of one stand in one RDN, as Go's encoder has them. */
	const struct pki_texts *country, *organization, *ou, *locality,
	    *province, *street_address, *postal_code;
	const char *common_name, *serial_number; /* ""  or NULL: none */
	const struct bytes *user_ids;
	size_t user_ids_n;
};
/* Appends the Name: PrintableString where possible, else UTF8String. */
bool pki_subject_encode(const struct pki_subject *s, struct buf *der,
    struct error *e) must_check;
/* The lists of a role and what the pipeline chose. */
void pki_subject_of_role(const struct pki_role *r, const struct pki_names *n,
    struct pki_subject *out);

/* ---- validity ---- */
enum pki_beyond { /* leaf_not_after_behavior */
	PKI_BEYOND_ERR,
	PKI_BEYOND_TRUNCATE,
	PKI_BEYOND_PERMIT,
	PKI_BEYOND_ALWAYS_ERR,
	PKI_BEYOND__COUNT
};
bool pki_beyond_parse(const char *name, enum pki_beyond *out) must_check;
const char *pki_beyond_name(enum pki_beyond b);

struct pki_validity_in {
	const struct pki_role *role;
	int64_t now_s;
	int64_t ttl_s;                      /* of the request; 0: none */
	const char *not_after, *not_before; /* of the request; "": none */
	int64_t mount_default_s, mount_max_s;
	int64_t issuer_from_s, issuer_to_s; /* 0, 0: self-signed */
	enum pki_beyond beyond;
	bool
	    ca; /* role limits do not apply; beyond the issuer: cut, with a warning */
};
struct pki_validity {
	int64_t from_s, to_s;
	bool beyond; /* may end behind the issuer: somebody permitted it */
	struct pki_texts warnings;
};
/* not_after of a request is capped like a ttl, with a warning, unless the role's
 * not_after_bound is "permit". The begin never lies before the issuer's. */
bool pki_validity(const struct pki_validity_in *in, struct pki_validity *out,
    struct error *e) must_check;
/* "43800h0m0s", as Go prints a duration. */
void pki_duration_text(int64_t s, char out[40]);

/* ---- signature ---- */
/* What a key of that type signs with: bits 0, 256, 384, 512 for RSA; the hash of
 * its curve for EC. */
enum sig_alg pki_sig_alg(struct key_type issuer, int64_t bits, bool pss);

/* ---- certificate ---- */
struct pki_issuer_part {
	struct bytes name;  /* DER subject */
	struct bytes spki;  /* DER; of a self-signed one: its own */
	uint8_t key_id[20]; /* SHA-1 of the key (the signer writes no other) */
	enum sig_alg alg;
	int64_t from_s, to_s; /* 0, 0: self-signed */
};
struct pki_extensions {
	bool ca;
	int path_len;           /* -1: none */
	bool basic_constraints; /* CA:FALSE in a leaf */
	unsigned key_usage;     /* 0: no extension */
	const char *const *eku; /* dotted */
	size_t eku_n;
	const struct pki_texts *policies; /* of a role; NULL: none */
	/* NULL: none. crl_urls of partitions all have "{partition}", filled in for each
	 * certificate. */
	const struct pki_texts *ocsp, *ca_urls, *crl_urls;
	const struct general_name *permitted, *excluded;
	size_t permitted_n, excluded_n;
};
/* Encoded once for a role and an issuer; one thread at a time. */
struct pki_template;
struct pki_template *pki_template_new(const struct pki_issuer_part *issuer,
    const struct pki_extensions *x, struct error *e) must_check;
void pki_template_free(struct pki_template *t); /* NULL is fine */
DEFINE_AUTO(pki_template, struct pki_template *, pki_template_free)
#define auto_pki_template auto_cleanup(pki_template_cleanup)

struct pki_cert_request {
	struct bytes serial;
	int64_t from_s, to_s;
	bool beyond; /* of pki_validity */
	struct bytes subject;
	const struct spki *key;
	const struct general_name *san;
	size_t san_n;
	unsigned partition; /* of crl_urls that have a place for it */
	struct bytes skid;  /* empty: SHA-1 of the key */
	const struct exts
	    *copy; /* of a CSR: they replace ours, but basic constraints
	                             and authority key identifier; NULL: none */
	int64_t now_s;
};
/* Appends the TBSCertificate, held against the structure rules of lint. FAIL_REFUSED or
 * FAIL_BAD_INPUT. */
bool pki_template_write(struct pki_template *t,
    const struct pki_cert_request *r, struct buf *tbs,
    struct error *e) must_check;

/* ---- requests ---- */
/* PEM of a `csr` field, with the texts of 5.2; weak keys are refused. */
bool pki_csr_read(const char *pem, struct csr *out, struct error *e) must_check;
/* Type and size against a role. */
bool pki_csr_fits(const struct csr *c, const struct pki_role *r,
    struct error *e) must_check;
/* CertificationRequestInfo for a key of ours: subject, key, extensionRequest with SAN
 * and, when wanted, basic constraints. */
struct pki_csr_info {
	struct bytes subject, spki;
	const struct general_name *san;
	size_t san_n;
	bool basic_constraints;
	unsigned key_usage; /* 0: none */
};
void pki_csr_info_write(const struct pki_csr_info *in, struct buf *info);

/* ---- keys of leaves ---- */
/* NULL: FAIL_CRYPTO. Any thread; RSA takes 0.1 to 10 s. */
EVP_PKEY *pki_leafkey_make(struct key_type type, struct error *e) must_check;
/* SubjectPublicKeyInfo, appended. */
bool pki_leafkey_spki(const EVP_PKEY *k, struct buf *spki,
    struct error *e) must_check;
enum pki_key_form {
	PKI_KEY_TRADITIONAL, /* "RSA PRIVATE KEY", "EC PRIVATE KEY" */
	PKI_KEY_PKCS8
};
/* PEM without its last newline, or base64 of DER, as a JSON string (whose allocator
 * wipes). NULL: FAIL_CRYPTO. */
json_t *pki_leafkey_json(const EVP_PKEY *k, enum pki_key_form form, bool der,
    struct error *e) must_check;
/* A private key to take into the HSM (PKCS#1, SEC1, PKCS#8 in PEM; other blocks of `pem` are passed
 * over). FAIL_BAD_INPUT: none, more than one, one of another kind or with a passphrase. */
struct pki_outside {
	struct secret *pkcs8; /* DER */
	struct key_type type;
	struct buf spki;
};
size_t pki_outside_count(const char *pem);
bool pki_outside_read(const char *pem, struct pki_outside *out,
    struct error *e) must_check;
void pki_outside_free(struct pki_outside *o);
/* Whether the private key in `pem` is that of the public key `of`: it is compared, and has
 * to make a signature. FAIL_BAD_INPUT: not a key without passphrase; FAIL_REFUSED: not this
 * one's. Any thread; some milliseconds. */
bool pki_key_proves(const char *pem, const struct spki *of,
    struct error *e) must_check;
const char *pki_key_type_word(struct key_type t); /* "rsa", "ec", "ed25519" */
unsigned pki_key_bits(struct key_type t);         /* 2048, 256, 0 … */
