/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a signing command needs, opened in order and closed in reverse: module,
 * tokens (one login each), log key, signer with its register. One a process: a
 * PKCS#11 module is loaded once.
 */
#include <chancery/ceremony/home.h>
#include <chancery/hsm/hsm.h>
#include <chancery/register/note.h>
#include <chancery/signer/host.h>
#include <chancery/signer/signer.h>

enum session_flag {
	SESSION_WRITE = 1 << 0,  /* keys are generated or destroyed          */
	SESSION_CREATE = 1 << 1, /* log birth                                */
	SESSION_TOKENS = 1 << 2, /* only module and tokens: no register      */
};

struct session_options {
	unsigned flags;
	const char *who; /* operator, for START */
	/* Reasons of an operator's acts at open, NULL: none (register.h). */
	const char *clear_clock, *accept_anchor;
};

struct session {
	const struct home *home; /* borrowed */
	struct host_settings settings;
	struct host host;      /* its tokens as home->token */
	struct signer *signer; /* NULL with SESSION_TOKENS */
};

/* FAIL_NOT_FOUND says which module, token or key was looked for and what is there.
 * A refused PIN is FAIL_PIN after one try. */
struct session *session_open(const struct home *h,
    const struct session_options *opt, struct error *e) must_check;
/* Set up log key and signer of a session opened with SESSION_TOKENS. */
bool session_start_signer(struct session *s, const struct session_options *opt,
    struct error *e) must_check;
/* Drains, writes the closing checkpoint. What root made in a register, list directory or
 * soft token directory that is another user's (the signer's of a service) becomes that
 * user's: the service could not write it. */
bool session_close(struct session *s, struct error *e) must_check;
/* Without waiting; NULL is fine. */
void session_free(struct session *s);
DEFINE_AUTO(session, struct session *, session_free)
#define auto_session auto_cleanup(session_cleanup)

/* Load only the module of a home, SOFTHSM2_CONF set where the home asks. */
struct hsm_module *session_load_module(const struct home *h,
    struct error *e) must_check;
/* Position of a token in home and session. */
size_t session_token_index(const struct session *s, const char *name);

/* The register without keys: read-only, no lock. */
struct reg *session_read_register(const struct home *h,
    struct error *e) must_check;

/* A key of the register by label, by hash or by a prefix of at least 8 digits of
 * its hash. FAIL_NOT_FOUND lists what is there; FAIL_EXISTS when ambiguous. */
const struct state_key *find_key(const struct reg_state *state,
    const char *name, struct error *e) must_check;

/* Where the signer keeps full CRL number N of a key: <crl_dir>/<key>/full/N.crl. */
char *kept_crl_path(const struct home *h, const struct sha256 *key,
    uint64_t number) must_check;
/* Read that list and check it as a stranger would: it parses, verifies under the
 * issuer's certificate, follows on the list before where that one is still kept, and
 * OpenSSL reads it to the same bytes (up to 32 MiB). The DER is appended. */
struct cert;
bool kept_crl_read(const struct home *h, const struct sha256 *key,
    uint64_t number, const struct cert *issuer, struct buf *der,
    struct error *e) must_check;
