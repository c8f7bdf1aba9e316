/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A register in one file, for another register to take in (`chancery import`): what is
 * public of a log up to its newest checkpoint, and sealed lists beside it.
 *
 *   chancery register bundle 1
 *   checkpoint 312            name and octets, then these octets and a newline
 *   log/000001.jsonl 16777001
 *   log/000002.jsonl 20480    the segments as they are, cut at the checkpoint
 *   kit/compromised.crl 512   an emergency kit, in the order of names; may be absent
 *   end 4                     how many; nothing comes behind
 *
 * The reader takes what the writer writes and nothing else. It says nothing about what is in
 * the parts: that is signer_import (signer/import.h).
 */
#include <chancery/register/register.h>

#define BUNDLE_NAME_MAX 80

struct bundle_part {
	char name[BUNDLE_NAME_MAX + 1];
	struct bytes data; /* borrowed */
};
/* False ends the reading; e is its error. */
typedef bool bundle_each_fn(void *arg, const struct bundle_part *p,
    struct error *e);
/* FAIL_BAD_INPUT names the octet; every part was told before it. */
bool bundle_read(struct bytes in, bundle_each_fn *each, void *arg,
    struct error *e) must_check;
/* The parts as files below `dir`, which is made and must not be there. */
bool bundle_unpack(struct bytes in, const char *dir,
    struct error *e) must_check;
/* Its checkpoint, parsed, not verified. */
bool bundle_checkpoint(struct bytes in, struct checkpoint *out,
    struct error *e) must_check;

/* Append the bundle of a register. `kit_dir`: files *.crl there become its kit; NULL, or a
 * folder that is not there: none. FAIL_NOT_FOUND: no checkpoint was made yet; FAIL_BAD_INPUT:
 * larger than LIMIT_BUNDLE_BYTES. */
bool bundle_write(struct reg *r, const char *kit_dir, struct buf *out,
    struct checkpoint *at, struct error *e) must_check;
