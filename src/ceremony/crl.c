/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/issue.h>
#include <chancery/ceremony/session.h>
#include <chancery/pki/crl.h>

#define CRL_FILE_MAX (1L << 30)
/* OpenSSL builds an object for each entry: 150 bytes become a kilobyte. */
#define REPARSE_MAX (32L << 20)

char *
kept_crl_path(const struct home *h, const struct sha256 *key, uint64_t number)
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256_bytes(key), hex);
	return mem_printf("%s/%s/full/%llu.crl", h->crl_dir, hex,
	    (unsigned long long)number);
}

static bool
issuer_key_id(const struct cert *issuer, uint8_t out[20], struct error *e)
{
	const struct ext *ski = exts_find(&issuer->tbs.exts, EXT_SKI);
	struct bytes id = { 0 };

	spki_key_id(&issuer->tbs.key, out);
	if (ski == NULL)
		return true;
	if (!ext_ski(ski, &id, e))
		return false;
	if (id.n == 20)
		memcpy(out, id.p, id.n);
	return true;
}

static bool
check_list(const struct crl_view *v, const struct crl_view *previous,
    const struct cert *issuer, struct error *e)
{
	int64_t now = clock_wall_ms(&clock_system) / 1000;
	uint8_t id[20];

	return crl_verify(v, &issuer->tbs.key, e) &&
	    issuer_key_id(issuer, id, e) &&
	    lint_crl(v, previous, issuer->tbs.subject, id, now, e) &&
	    (v->der.n > REPARSE_MAX || reparse_crl(v->der, e));
}

bool
kept_crl_read(const struct home *h, const struct sha256 *key, uint64_t number,
    const struct cert *issuer, struct buf *der, struct error *e)
{
	auto_mem char *path = kept_crl_path(h, key, number),
		      *before = kept_crl_path(h, key, number - 1);
	auto_buf struct buf now = { 0 }, old = { 0 }, unused = { 0 };
	struct crl_view v, previous;
	bool follows = access(before, F_OK) == 0;

	if (!file_read(path, CRL_FILE_MAX, &now, e) ||
	    !crl_parse(buf_bytes(&now), path, &unused, &v, e))
		return false;
	if (follows &&
	    (!file_read(before, CRL_FILE_MAX, &old, e) ||
		!crl_parse(buf_bytes(&old), before, &unused, &previous, e)))
		return false;
	if (!check_list(&v, follows ? &previous : NULL, issuer, e))
		return error_context(e, "%s", path);
	buf_add_bytes(der, buf_bytes(&now));
	return true;
}
