#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Weak RSA moduli by construction, one file per rule of src/pki/weak.c.

Each file holds hexadecimal numbers, one a line: first the modulus, then what
shows why it is weak. Numbers are made from a fixed seed: running this again
gives the same files. Only the standard library is used.
"""
import math
import os
import random

rng = random.Random("chancery weak key vectors 1")
here = os.path.dirname(os.path.abspath(__file__))


def is_prime(n):
    for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        if n % p == 0:
            return n == p
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for _ in range(24):
        x = pow(rng.randrange(2, n - 1), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def next_prime(n):
    n |= 1
    while not is_prime(n):
        n += 2
    return n


def prime(bits):
    """Both top bits set, so that a product of two has exactly twice the bits."""
    return next_prime(rng.getrandbits(bits) | 3 << (bits - 2))


def write(name, *numbers):
    with open(os.path.join(here, name), "w") as f:
        for n in numbers:
            f.write("%x\n" % n)


def primorial(count):
    m, p = 1, 2
    while count:
        if is_prime(p) if p > 37 else all(p % q for q in range(2, p)):
            m, count = m * p, count - 1
        p += 1
    return m


def roca_prime(bits, m):
    """k * M + (65537^a mod M), as CVE-2017-15361 describes."""
    while True:
        k = rng.getrandbits(bits - m.bit_length() + 1)
        p = k * m + pow(65537, rng.randrange(m), m)
        if p.bit_length() == bits and p >> (bits - 2) == 3 and is_prime(p):
            return p


# Two primes a few thousand apart: Fermat's method ends in the first round.
p = prime(1024)
q = next_prime(p + 2000)
write("close-primes-2048", p * q, p, q)

# (p + q) / 2 lies a chosen number of rounds above the root of n: with
# q - p = 2d, (p+q)/2 - sqrt(pq) is about d^2 / 2p.
def close(bits, rounds):
    p = prime(bits)
    q = next_prime(p + 2 * math.isqrt(2 * p * rounds))
    n = p * q
    return n, p, q, (p + q) // 2 - (math.isqrt(n) + 1)


n, p, q, needed = close(1024, 100)
assert 90 <= needed <= 105, needed
write("close-primes-round-100-2048", n, p, q)
n, p, q, needed = close(1024, 400)
assert needed > 200, needed
write("not-close-primes-2048", n, p, q)

for bits in (2048, 3072):
    m = primorial(126)
    write("roca-%d" % bits, roca_prime(bits // 2, m) * roca_prime(bits // 2, m))

p = prime(1024)
write("square-2048", p * p, p)
while True:
    p = next_prime(rng.randrange(int(2 ** (2047 / 3)) + 2 ** 600, 2 ** 683))
    if (p ** 3).bit_length() == 2048:
        break
write("cube-2048", p ** 3, p)
for k in (5, 11, 103, 199):
    p = 0
    while (p ** k).bit_length() != 2048:
        top = 2048 / k
        p = next_prime(int(2 ** (top - rng.random() / k)))
        if 1 << 11 > p and (p ** k).bit_length() > 2048:
            p = next_prime(int(2 ** (top - 1 / k)))
    write("power-%d-2048" % k, p ** k, p)

for f in (3, 751, 1021):
    while True:
        p = next_prime(((1 << 2047) + rng.getrandbits(2046)) // f)
        if (f * p).bit_length() == 2048:
            break
    write("factor-%d-2048" % f, f * p, f)
# The least prime above the rule's bound: passes it.
while True:
    p = next_prime(((1 << 2047) + rng.getrandbits(2046)) // 1031)
    if (1031 * p).bit_length() == 2048:
        break
write("factor-1031-2048", 1031 * p, 1031)

while True:
    n = prime(1024) * prime(1025)
    if n.bit_length() == 2049:
        break
write("size-2049", n)

# Primes whose products are keys without a known weakness: 64 give 2,016.
with open(os.path.join(here, "good-primes-1024"), "w") as f:
    for _ in range(64):
        f.write("%x\n" % prime(1024))

# ---- edwards25519: the points whose order divides 8 (RFC 8032 5.1) ----
P = 2 ** 255 - 19
L = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def ed_add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + t, P - 2, P) % P,
            (y1 * y2 + x1 * x2) * pow(1 - t, P - 2, P) % P)


def ed_mul(k, a):
    r = (0, 1)
    while k:
        r = ed_add(r, a) if k & 1 else r
        a, k = ed_add(a, a), k >> 1
    return r


def ed_x(y):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if x * x % P != xx:
        x = x * pow(2, (P - 1) // 4, P) % P
    return x if x * x % P == xx else None


def encode(y, sign):
    return (y | sign << 255).to_bytes(32, "little").hex()


t = (0, 1)
while ed_mul(4, t) == (0, 1):
    y = rng.randrange(P)
    if ed_x(y) is not None:
        t = ed_mul(L, (ed_x(y), y))
torsion = sorted({ed_mul(i, t) for i in range(8)})
assert len(torsion) == 8
lines = {encode(y, x & 1) for x, y in torsion}
# The same points as careless decoders take them: any sign of x = 0, y + P.
for x, y in torsion:
    lines |= {encode(y, s) for s in (0, 1)}
    if y + P < 2 ** 255:
        lines |= {encode(y + P, s) for s in (0, 1)}
with open(os.path.join(here, "ed25519-small-order"), "w") as f:
    for line in sorted(lines):
        f.write(line + "\n")
