/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One certificate, from a checked public key to DER bytes that OpenSSL reads back
 * the same. In two halves, because a ceremony shows the TBS hash in between:
 *
 *   issue_prepare  serial from the signer → TBS from profile and issuer → lint →
 *                  rehearsed with a throw-away key over the very bytes
 *   issue_sign     charter, INTENT, C_Sign, verify, SIGNED (the signer) →
 *                  certificate → read back with OpenSSL, byte for byte
 */
#include <chancery/base/cleanup.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/csr.h>
#include <chancery/pki/lint.h>
#include <chancery/pki/profile.h>
#include <chancery/signer/signer.h>

struct issue {
	struct signer *signer;
	struct sha256 key;         /* signs                              */
	const struct cert *issuer; /* NULL: self-signed                  */
	const struct profile *profile;
	enum sig_alg alg;
	struct bytes subject; /* DER Name                           */
	const struct spki *subject_key;
	const struct general_name *san;
	size_t sans;
	int64_t life_s; /* 0: the profile's, cut to the issuer's */
	int64_t now_s;
	bool strict;       /* ceremony: RFC 5280 findings stop   */
	uint64_t retry_of; /* or UINT64_MAX                      */
	struct signer_claim claim;
	/* Filled. */
	struct buf tbs; /* owned, by issue_prepare            */
	struct sha256 tbs_hash;
	uint8_t serial[LIMIT_SERIAL_BYTES];
	int64_t not_before_s, not_after_s;
	struct lint_report lint;
	struct buf der; /* owned, by issue_sign               */
	struct sha256 hash;
	uint64_t intent, signed_;
};
bool issue_prepare(struct issue *i, struct error *e) must_check;
/* A different TBS than the one linted is FAIL_INTERNAL before any C_Sign. */
bool issue_sign(struct issue *i, struct error *e) must_check;
void issue_free(struct issue *i);
#define auto_issue auto_cleanup(issue_free)

/* The certificate parsed by OpenSSL and encoded again gives the same bytes, and
 * nothing follows it. */
bool reparse_certificate(struct bytes der, struct error *e) must_check;
bool reparse_crl(struct bytes der, struct error *e) must_check;

/* RFC 5280 4.2.1.9, 4.2.1.10: what no verifier would accept below this issuer, names
 * outside its name constraints and a path longer than it allows, is FAIL_REFUSED. */
bool issuer_permits(const struct cert *issuer, const struct cert *c,
    struct error *e) must_check;

/* Sign the TBS with a key of the same type made now and thrown away, and let our
 * parser and OpenSSL read the result: what the real signature will wrap is known
 * to be a certificate, and one that the issuer's permits (NULL: self-signed), before
 * the HSM is asked. */
bool throwaway_check(struct bytes tbs, struct key_type type, enum sig_alg alg,
    const struct cert *issuer, struct error *e) must_check;

/* Whether the key is not on the block list `weak_keys` (a path; NULL: no list). */
bool request_not_listed(const char *weak_keys, const struct spki *k,
    struct error *e) must_check;
/* A request file: read, parsed, its signature verified, its key strong. */
bool request_read(const char *path, struct csr *out,
    struct error *e) must_check;

/* How a certificate is written: its PEM, PEM with the chain up to the root, or
 * DER. */
enum cert_format {
	FORMAT_PEM,
	FORMAT_PEM_BUNDLE,
	FORMAT_DER,
	FORMAT__COUNT
};
bool cert_format_by_name(const char *name, enum cert_format *out,
    struct error *e) must_check;
/* chain: issuer first. */
void cert_write_format(struct bytes der, enum cert_format format,
    const struct cert *chain, size_t n, struct buf *out);

/* Asked before costly work: nothing is there yet, and the directory can be written
 * to. */
bool output_check(const char *path, struct error *e) must_check;

/* Run `program argv…` without a shell, standard output and error into `out` (at most
 * 64 KiB); *status is its exit status. FAIL_NOT_FOUND when it cannot be started. */
bool run_program(const char *program, const char *const *argv, struct buf *out,
    int *status, struct error *e) must_check;
