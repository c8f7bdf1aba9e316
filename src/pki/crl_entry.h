/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One element of revokedCertificates, written forwards into a few octets: there are
 * millions in a list, and each is written and measured. */
#include <chancery/pki/crl.h>

#include "internal.h"

/* SEQUENCE, serial of 21 octets, GeneralizedTime, both extensions: 82. */
#define CRL_ENTRY_MAX 96

struct crl_entry_writer {
	/* Entries of one day follow each other often enough: its digits. */
	int64_t day;
	uint8_t date[8];
	uint8_t out[CRL_ENTRY_MAX];
	struct der_writer more; /* of those with extensions of a caller's */
};
void crl_entry_writer_init(struct crl_entry_writer *w);
void crl_entry_writer_free(struct crl_entry_writer *w);
/* The entry has passed crl_entry_check. Valid until the next call. */
struct bytes crl_entry_encode(struct crl_entry_writer *w,
    const struct crl_entry *entry);
/* Its length. */
size_t crl_entry_size(struct crl_entry_writer *w,
    const struct crl_entry *entry);
/* Serial in order behind `last` (NULL: the first), reason known, dates that fit. */
bool crl_entry_check(const struct crl_entry *entry,
    const struct crl_entry *last, uint64_t n, struct error *e) must_check;
