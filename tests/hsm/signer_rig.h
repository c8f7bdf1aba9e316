/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A signer whose keys lie on a SoftHSM token behind the fault module. One token for
 * the program, a register for each test. */
#include <openssl/evp.h>

#include <chancery/pki/tbs.h>
#include <chancery/signer/signer.h>

#include "softtoken.h"

struct rig {
	struct softtoken soft;
	struct hsm_token *other; /* a second token, "other"                  */
	char *reg_dir, *crl_dir;
	const char *charter; /* template of the token's keys; NULL: none     */
	bool online;
	struct note_signer *log; /* NULL: no checkpoints                     */
	unsigned workers, deadline_ms;
	struct buf name; /* of every CA: "CN=HSM CA"                         */
	struct signer *s;
};

/* For the group: token and module. */
void rig_start(struct rig *r);
void rig_stop(struct rig *r);
/* For a test: a fresh register, keys under the template "open", one worker. */
void rig_setup(struct rig *r);
void rig_teardown(struct rig *r);

/* Open on the first `tokens` of "ca" and "other", or the two the other way round. */
void rig_open(struct rig *r, bool create, size_t tokens, bool swapped);
void rig_close(struct rig *r);
void rig_reopen(struct rig *r);
/* Close signer and module, run `fn` in a child process with a signer of its own,
 * which must be killed; then open again. */
void rig_killed(struct rig *r, void (*fn)(struct rig *r));

struct signer_claim rig_claim(void);
/* A key of that type with a fresh label; *key on success. */
bool rig_generate(struct rig *r, const char *type, bool destroyable,
    struct sha256 *key, struct error *e) must_check;
bool rig_certify(struct rig *r, const struct sha256 *key, struct buf *cert,
    struct signer_reply *out, struct error *e) must_check;
bool rig_crl(struct rig *r, const struct sha256 *key, struct signer_reply *out,
    struct buf *file, struct error *e) must_check;
/* OpenSSL's object of the register's public key. */
EVP_PKEY *rig_public(struct rig *r, const struct sha256 *key);

/* Names of the records from index `from` on, each followed by a blank. */
void rig_records(struct rig *r, uint64_t from, struct buf *out);
size_t rig_count(struct rig *r, enum record_type type);
/* Everything from nothing, signatures included; leaves the signer open. */
void rig_verify(struct rig *r);
