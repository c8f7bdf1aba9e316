/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates: a typed view over a TBSCertificate, and assembly. */
#include <chancery/base/error.h>
#include <chancery/pki/ext.h>
#include <chancery/pki/spki.h>

/* Everything borrows from the bytes that were parsed. */
struct tbs_view {
	struct bytes der;    /* the whole TBSCertificate                    */
	unsigned version;    /* 1, 2, 3                                     */
	struct bytes serial; /* INTEGER contents                            */
	struct bytes sig_alg_der;
	bool alg_known;
	enum sig_alg alg;
	struct bytes issuer, subject; /* DER Names                            */
	int64_t not_before_s, not_after_s;
	struct bytes spki_der;
	struct spki key; /* valid when key_ok                           */
	bool key_ok;     /* the key parses as one we know               */
	struct exts exts;
	bool is_ca;         /* BasicConstraints cA                         */
	int path_len;       /* -1: none                                    */
	unsigned key_usage; /* 0: no extension                             */
	bool has_unique_id;
};

/* Strict DER, exact consumption; ≤ LIMIT_TBS_BYTES. */
bool tbs_parse(struct bytes der, struct tbs_view *out,
    struct error *e) must_check;

struct cert {
	struct buf der; /* owned */
	struct tbs_view tbs;
	struct bytes outer_alg_der, sig;
	enum sig_alg alg;
};
/* PEM (first CERTIFICATE block) or DER. */
bool cert_parse(struct bytes in, const char *file, struct cert *out,
    struct error *e) must_check;
void cert_free(struct cert *c);
#define auto_cert auto_cleanup(cert_free)
/* Every CERTIFICATE block of a PEM bundle, in order; n certificates, mem_free'd
 * after cert_free of each. */
bool cert_parse_bundle(struct bytes in, const char *file, struct cert **out,
    size_t *n, struct error *e) must_check;
/* Signature, issuer name, AKI, validity nesting not included: lint has those. */
bool cert_verify_signature(const struct cert *c, const struct spki *issuer,
    struct error *e) must_check;

/* Certificate ::= { tbs, alg, sig }. */
void cert_assemble(struct bytes tbs, enum sig_alg alg, struct bytes sig,
    struct buf *der);

/* PEM, 64 columns (RFC 7468). */
void pem_encode(const char *label, struct bytes der, struct buf *out);
/*
 * The same PEM in pieces, of DER that is read as they are made, from any of its octets on: memory
 * does not grow with it. `from` is below pem_length; the piece that begins there needs n octets of
 * the DER from `at` on, and pem_piece_encode appends its text, never none.
 */
#define PEM_PIECE_BYTES 24576 /* most of n; its text is about 33 kB */
struct pem_piece {
	uint64_t at;
	size_t n;
	size_t skip; /* of its text, what stands before `from` */
};
uint64_t pem_length(const char *label, uint64_t der_bytes);
struct pem_piece pem_piece_at(const char *label, uint64_t der_bytes,
    uint64_t from);
void pem_piece_encode(const char *label, uint64_t der_bytes,
    const struct pem_piece *p, struct bytes der, struct buf *out);
/* First block whose label is one of `labels` (NULL-terminated) from *at on; moves
 * *at behind it. False: none (e->why FAIL_NOT_FOUND) or malformed. */
bool pem_next(struct bytes in, size_t *at, const char *const *labels,
    struct buf *der, const char **label, struct error *e) must_check;
