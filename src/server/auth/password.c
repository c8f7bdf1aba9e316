/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>

#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "password.h"

/* OWASP's second choice for scrypt in memory, with a third of its passes: logins of machines
 * are many, and lockout is beside it. */
#define SCRYPT_N (1U << 15)
#define SCRYPT_R 8
#define SCRYPT_P 1
/* 128 * r * (N + p + 2) octets, and room to raise N once. */
#define SCRYPT_MEMORY (80UL << 20)

struct sha256
password_key(const char *mount, const char *user)
{
	return sha256_cat(bytes_str(mount), bytes_of("", 1), bytes_str(user));
}

void
password_fresh(struct password *p)
{
	*p = (struct password){ .n = SCRYPT_N, .r = SCRYPT_R, .p = SCRYPT_P };
	random_bytes(p->salt, sizeof(p->salt));
}

void
password_hash(const struct password *p, const struct secret *text,
    uint8_t out[PASSWORD_LEN])
{
	if (EVP_PBE_scrypt((const char *)secret_data(text), secret_len(text),
		p->salt, sizeof(p->salt), p->n, p->r, p->p, SCRYPT_MEMORY, out,
		PASSWORD_LEN) != 1)
		fatal("scrypt with N = %u does not run", p->n);
}

static json_t *
hex(const uint8_t *p, size_t n)
{
	char text[2 * PASSWORD_LEN + 1];

	hex_encode(bytes_of(p, n), text);
	return json_string(text);
}

struct store_secret
password_row(const struct password *p, const char *mount, const char *user,
    struct buf *mem)
{
	auto_json json_t *o = json_pack("{s:o, s:o, s:i, s:i, s:i}", "hash",
	    hex(p->hash, sizeof(p->hash)), "salt",
	    hex(p->salt, sizeof(p->salt)), "n", (int)p->n, "r", (int)p->r, "p",
	    (int)p->p);

	if (o == NULL)
		fatal("password_row");
	json_canonical(o, mem);
	return (struct store_secret){ .kind = PASSWORD_KIND,
		.key = password_key(mount, user),
		.scope = mount,
		.value = buf_bytes(mem) };
}

bool
password_decode(const struct store_secret *row, struct password *out,
    struct error *e)
{
	auto_json json_t *o = json_loadb((const char *)row->value.p,
	    row->value.n, JSON_REJECT_DUPLICATES, NULL);
	struct password p = { .n = (uint32_t)member_int(o, "n"),
		.r = (uint32_t)member_int(o, "r"),
		.p = (uint32_t)member_int(o, "p") };

	if (!hex_decode_fixed(doc_str(o, "hash"), p.hash, sizeof(p.hash)) ||
	    !hex_decode_fixed(doc_str(o, "salt"), p.salt, sizeof(p.salt)) ||
	    p.n < 2 || p.n > 2 * SCRYPT_N || p.r != SCRYPT_R || p.p == 0 ||
	    p.p > 16)
		return error_set(e, FAIL_CORRUPT,
		    "a password's row is damaged");
	*out = p;
	return true;
}
