/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * KEY_GENERATE in three parts, for a signer that goes on signing meanwhile and for tokens
 * that only a process of its own may write:
 *
 *   signer_keygen_begin    checks, KEYGEN-INTENT durable        decision thread
 *   keygen_make            pair, attributes, attacks            any thread or process
 *   signer_keygen_finish   KEYGEN-DONE, CUSTODY, CHARTER        decision thread
 *
 * Between two of them the process may end: KEYGEN-INTENT then stays open, as it does with
 * signer_key_generate.
 */
#include <chancery/signer/signer.h>

/* What keygen_make is told. */
struct keygen_spec {
	struct key_type type;
	char label[128];
	uint8_t id[HSM_ID_MAX];
	size_t id_len;
	bool destroyable;
	bool sacrifice; /* first show the template on a throw-away key */
	/* Make nothing: look for what an interrupted making left under this id. A whole key
	 * is examined as a new one is, half of one is destroyed. */
	bool settle;
	bool imported;
	/* Of an imported key that is to be made; whoever calls keygen_make sets it. */
	const struct hsm_outside *from;
};

struct keygen_job; /* spec, charter, claim */
struct keygen_job *signer_keygen_begin(struct signer *s,
    const struct signer_keygen *req, struct error *e) must_check;
/* Instead of it, for a KEYGEN-INTENT that is open: the key, if there is one, gets the
 * token's charter template, or a responder's. */
struct keygen_job *signer_keygen_resume(struct signer *s, uint64_t intent,
    struct error *e) must_check;
/* The first open KEYGEN-INTENT from record `from` on that signer_keygen_begin made: those
 * of commands and ceremonies wait for people. UINT64_MAX: none. */
uint64_t signer_keygen_left(struct signer *s, uint64_t from);
void keygen_job_free(struct keygen_job *j);
DEFINE_AUTO(keygen_job, struct keygen_job *, keygen_job_free)
#define auto_keygen_job auto_cleanup(keygen_job_cleanup)
const struct keygen_spec *keygen_job_spec(const struct keygen_job *j);
size_t keygen_job_token(const struct keygen_job *j);
uint64_t keygen_job_intent(const struct keygen_job *j);

/* What came of it, as canonical JSON, appended: it passes between processes. Failures
 * are told in it. The token was opened for writing. */
void keygen_make(struct hsm_token *t, const struct keygen_spec *spec,
    struct buf *out);
/* The same text for a failure outside of keygen_make. */
void keygen_not_made(const struct error *why, struct buf *out);

/* Record it; the key is usable on return. Its error is that of the making, FAIL_HSM_KEY
 * when the key gave way or cannot be opened here, FAIL_CORRUPT when `made` is not ours. */
bool signer_keygen_finish(struct signer *s, struct keygen_job *j,
    struct bytes made, struct sha256 *key, struct error *e) must_check;
