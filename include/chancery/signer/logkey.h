/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the register needs of tokens: a log key that signs checkpoints, and an
 * anchor in a data object. Both borrow; key and token must outlive the register.
 */
#include <chancery/hsm/hsm.h>
#include <chancery/register/register.h>

/* A note signer over an Ed25519 key (type 0x01). `name` is the log's origin
 * (C2SP signed-note: the key name of a checkpoint). FAIL_UNSUPPORTED for any other
 * key type. */
bool log_key_signer(struct hsm_key *k, const char *name,
    struct note_signer *out, struct error *e) must_check;

/* Newest checkpoint in a CKO_DATA object. `a` is the caller's and must outlive the
 * register; a token that was not opened read_write gives a read_only anchor, which
 * is checked at start and not written. */
struct hsm_anchor {
	struct hsm_token *token;
	const char *label;
};
struct reg_anchor log_hsm_anchor(struct hsm_anchor *a, bool read_only);
