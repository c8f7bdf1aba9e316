/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Writing a TBSCertificate. A profile and an issuer are prepared once: everything
 * that does not change per certificate is encoded then (issuer name, algorithm,
 * KU, EKU, BC, AKI, CDP, AIA, policies); per certificate only serial, validity,
 * subject, key, SKI and SAN are written: 2 us.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/der.h>
#include <chancery/pki/profile.h>

struct tbs_template;

/* What the template needs of the issuer. For a self-signed certificate `name` is
 * the subject and `key_id` its own. */
struct tbs_issuer {
	struct bytes name;  /* DER subject of the issuer's certificate      */
	uint8_t key_id[20]; /* its SKI                                      */
	enum sig_alg alg;   /* what it signs with                           */
	int64_t not_before_s, not_after_s; /* its own validity; 0, 0 for
	                                      a self-signed certificate      */
};

/* Checks the profile (profile_check) and encodes. Names and lists are copied;
 * the strings that the profile points to must live as long as the template. One
 * thread at a time. */
struct tbs_template *tbs_template_new(const struct profile *p,
    const struct tbs_issuer *issuer, struct error *e) must_check;
void tbs_template_free(struct tbs_template *t);
DEFINE_AUTO(tbs_template, struct tbs_template *, tbs_template_free)
#define auto_tbs_template auto_cleanup(tbs_template_cleanup)

struct tbs_request {
	struct bytes serial; /* unsigned octets, from the signer   */
	int64_t not_before_s, not_after_s;
	struct bytes subject; /* DER Name                           */
	const struct spki *key;
	const struct general_name *san; /* may be NULL                        */
	size_t san_count;
	unsigned crl_partition; /* selects the CDP; 0 when not used   */
};

/* Appends the TBSCertificate. The profile's and the issuer's rules are applied
 * first: FAIL_REFUSED or FAIL_BAD_INPUT names profile and field (serial, validity,
 * issuer, key, subject, subjectAltName). With subject rows in the profile the
 * subject is what name_policy_apply makes of it; otherwise the bytes as given. Life
 * may exceed life_max_s by backdate_s, which lies in the past. "{partition}" in
 * crl_url is replaced by crl_partition. */
bool tbs_write(struct tbs_template *t, const struct tbs_request *r,
    struct buf *out, struct error *e) must_check;

/*
 * The frame alone, for whoever has his extensions already (roles of the API, whose rules
 * are not a profile's): serial, times and the subject's characters are checked, nothing
 * else.
 */
struct tbs_fields {
	struct bytes serial; /* unsigned octets */
	int64_t not_before_s, not_after_s;
	struct bytes
	    alg_issuer; /* AlgorithmIdentifier ‖ issuer Name          */
	struct bytes subject, spki;
	const struct bytes
	    *exts; /* pieces, each of whole Extensions, in order */
	size_t exts_n;
};
/* Appends the TBSCertificate. `w` is scratch, reset first. */
bool tbs_assemble(struct der_writer *w, const struct tbs_fields *f,
    struct buf *out, struct error *e) must_check;
