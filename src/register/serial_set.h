/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which (issuer key, serial) pairs were seen: 64-bit fingerprints under a random
 * key (SipHash-2-4), open addressing, at most 5/8 full. 8 octets a slot: 10 million
 * serials are 128 MiB, 192 MiB for a moment while it grows. A repeated fingerprint
 * is a suspicion that the caller must confirm (by chance: 3 in a million runs at
 * 10 million serials; nobody can aim at it, the key is not known before).
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/crypto.h>

struct serial_set {
	uint64_t *slot;
	uint64_t n, cap, k0, k1;
};
void serial_set_init(struct serial_set *s);
void serial_set_clear(struct serial_set *s);
/* True when it was not there. `serial` is the right-aligned magnitude; `n` sets
 * apart what else belongs to the pair, such as a record's index. */
bool serial_set_add(struct serial_set *s, const struct sha256 *key,
    const uint8_t serial[20], uint64_t n);
bool serial_set_has(const struct serial_set *s, const struct sha256 *key,
    const uint8_t serial[20], uint64_t n);
