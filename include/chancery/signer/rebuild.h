/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What was signed, again, from the register alone. Needs no token and no lock.
 */
#include <chancery/pki/crl.h>
#include <chancery/pki/spki.h>
#include <chancery/register/register.h>

/* The CertificateList of an INTENT of kind crl or caller-crl and its SIGNED, to `sink`;
 * the TBSCertList is written from the revocation records (a caller's stands in the
 * INTENT) and must hash to what the INTENT says (FAIL_CORRUPT), and the signature be the
 * key's (FAIL_CRYPTO); nothing is given to the sink otherwise. */
bool rebuild_crl(struct reg *r, uint64_t signed_, crl_sink *sink, void *arg,
    struct error *e) must_check;

/* The same for who knows the last list of the scope that was SIGNED before this one's
 * INTENT (NULL: none): the log is not walked for it. Of `last`, intent and this_s. */
bool rebuild_crl_after(struct reg *r, uint64_t signed_,
    const struct state_crl *last, crl_sink *sink, void *arg,
    struct error *e) must_check;

/* A SIGNED against the public key, and what its INTENT says (kind, serial, algorithm,
 * number of answers) against the bytes, whatever was signed (reg_verify's check_sig;
 * arg is a struct reg * for lists, which are rebuilt, or NULL: then only lists
 * whose signature hashes with SHA-256 can be checked, by the hash in the INTENT;
 * others give FAIL_UNSUPPORTED). */
bool rebuild_check_sig(void *arg, const struct record *intent,
    const struct record *signed_, struct bytes spki,
    struct error *e) must_check;
/* The same for everything that stands whole in its INTENT ("tbs": all but the lists that
 * the signer wrote), with a verifier that the caller keeps for the next. */
bool rebuild_check_with(const struct spki_verifier *v,
    const struct record *intent, const struct record *signed_,
    struct error *e) must_check;
