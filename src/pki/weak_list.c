/* SPDX-License-Identifier: Apache-2.0 */

/* Lists of known RSA keys in the form of Debian's openssl-blacklist. */
#include <stdlib.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "weak.h"

#define SHA1_LEN 20
#define ENTRY_LEN 10

struct weak_list {
	size_t n, cap;
	struct entry {
		uint8_t b[ENTRY_LEN];
	} * entries; /* sorted */
};

void
weak_list_free(struct weak_list *l)
{
	if (l == NULL)
		return;
	mem_free(l->entries);
	mem_free(l);
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, ENTRY_LEN);
}

static bool
read_line(struct weak_list *l, const char *line, size_t n)
{
	if (n != 0 && line[n - 1] == '\r')
		n--;
	if (n == 0 || line[0] == '#')
		return true;
	if (n != (size_t)2 * ENTRY_LEN)
		return false;

	char hex[2 * ENTRY_LEN + 1] = { 0 };

	memcpy(hex, line, n);
	l->entries = mem_grow(l->entries, l->n, &l->cap, sizeof(*l->entries));
	return hex_decode_fixed(hex, l->entries[l->n++].b, ENTRY_LEN);
}

struct weak_list *
weak_list_open(const char *path, struct error *e)
{
	auto_buf struct buf text = { 0 };
	struct weak_list l = { 0 };
	struct weak_list *out;
	const char *at;
	size_t line = 1;

	if (!file_read(path, LIMIT_WEAK_LIST_BYTES, &text, e))
		return NULL;
	for (at = buf_cstr(&text); *at != '\0'; line++) {
		size_t n = strcspn(at, "\n");

		if (!read_line(&l, at, n)) {
			error_set(e, FAIL_BAD_INPUT,
			    "%s:%zu: not 20 hex digits", path, line);
			mem_free(l.entries);
			return NULL;
		}
		at += n + (at[n] != '\0');
	}
	if (l.n != 0)
		qsort(l.entries, l.n, sizeof(*l.entries), compare);
	out = mem_calloc(1, sizeof(*out));
	*out = l;
	return out;
}

size_t
weak_list_count(const struct weak_list *l)
{
	return l->n;
}

bool
weak_list_has(const struct weak_list *l, const struct spki *k)
{
	auto_buf struct buf text = { 0 };
	uint8_t md[SHA1_LEN];

	if (k->type.alg != KEY_RSA || l->n == 0)
		return false;
	buf_add_str(&text, "Modulus=");
	for (size_t i = 0; i < k->modulus.n; i++)
		buf_addf(&text, "%02X", k->modulus.p[i]);
	buf_add_byte(&text, '\n');
	if (EVP_Digest(text.p, text.n, md, NULL, EVP_sha1(), NULL) != 1)
		fatal("libcrypto has no SHA-1");
	return bsearch(md + SHA1_LEN - ENTRY_LEN, l->entries, l->n,
		   sizeof(*l->entries), compare) != NULL;
}
