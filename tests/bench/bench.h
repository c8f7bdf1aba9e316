/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the measurements share: a SoftHSM token, a signer on it, CSRs, clocks. */
#include <openssl/evp.h>

#include <chancery/pki/csr.h>
#include <chancery/pki/profile.h>
#include <chancery/pki/tbs.h>
#include <chancery/signer/signer.h>

/* CPU of the whole process and wall clock, in seconds. */
double bench_cpu(void);
double bench_wall(void);

/* n PEM requests with keys of their own. */
struct bench_csrs {
	struct buf *pem;
	size_t n;
};
void bench_csrs_make(struct bench_csrs *c, size_t n, bool rsa);
void bench_csrs_free(struct bench_csrs *c);

struct bench {
	char dir[64];
	struct secret *pin;
	struct hsm_module *module;
	struct hsm_token *token;
	const char *module_path;
};
/* The module path is SoftHSM's or $CHANCERY_BENCH_MODULE (the fault wrapper). */
void bench_open(struct bench *b);
void bench_close(struct bench *b);

/* A CA key of that type under the charter "open", its signer with that many
 * workers, a template for broker certificates. */
struct bench_ca {
	struct bench *b;
	struct signer *s;
	struct signer_config cfg;
	struct sha256 key;
	struct buf spki_der, name;
	struct spki spki;
	struct tbs_issuer issuer;
	struct tbs_template *tmpl;
	enum sig_alg alg;
};
void bench_ca_open(struct bench_ca *c, struct bench *b, const char *type,
    unsigned workers);
/* Open the signer, which was closed, again from its register. */
void bench_ca_start(struct bench_ca *c);
void bench_ca_close(struct bench_ca *c);

/* Bare C_SignInit + C_Sign on sessions of its own, `threads` at once: signatures
 * per second and CPU seconds per signature. */
struct raw_rate {
	double per_s, cpu_s;
};
struct raw_rate raw_sign_rate(struct hsm_key *k, const char *module_path,
    unsigned threads, double seconds);

/* CPU seconds of one proof of possession; of checking one of our own signatures. */
double bench_bare_pop(const struct bench_csrs *c, unsigned n);
double bench_bare_verify(struct bench_ca *ca, unsigned n);

_Noreturn void bench_fail(const char *what, const struct error *e);
