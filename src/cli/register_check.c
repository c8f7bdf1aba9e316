/* SPDX-License-Identifier: Apache-2.0 */
#include "register_check.h"

#include <string.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/pki/crl.h>
#include <chancery/pki/spki.h>
#include <chancery/signer/rebuild.h>

/* <crl_dir>/<key>/<scope, ':' as '-'>/N.crl */
static char *
crl_path(const char *dir, const struct sha256 *key, const struct record *intent)
{
	struct bytes scope = record_get(intent, "scope");
	char hex[2 * SHA256_LEN + 1];
	char *path, *c;

	hex_encode(sha256_bytes(key), hex);
	path = mem_printf("%s/%s/%.*s/%lld.crl", dir, hex, (int)scope.n,
	    scope.p, (long long)record_get_int(intent, "crl"));
	for (c = path + strlen(dir); *c != '\0'; c++)
		if (*c == ':')
			*c = '-';
	return path;
}

/* The key of the record before is most often the key of this one. */
struct checker {
	const char *crl_dir; /* NULL: lists are not looked at */
	struct sha256 key;
	struct spki_verifier *verifier;
};

static bool
checker_key(struct checker *c, struct bytes der, struct error *e)
{
	struct sha256 h = sha256(der);
	struct spki k;

	if (c->verifier != NULL &&
	    bytes_eq(sha256_bytes(&h), sha256_bytes(&c->key)))
		return true;
	spki_verifier_free(c->verifier);
	c->verifier = NULL;
	if (!spki_parse(der, &k, e))
		return false;
	c->verifier = spki_verifier_new(&k, e);
	c->key = h;
	return c->verifier != NULL;
}

#define CRL_FILE_MAX (1L << 30)

/* A list is not in the register: its INTENT has the hash of what was signed, the
 * file is where the signer put it. One that was moved away is told by its digest
 * alone, where that is a SHA-256. */
static bool
check_list(const struct checker *c, const struct record *intent,
    const struct record *signed_, enum sig_alg alg, struct error *e)
{
	struct bytes scope = record_get(intent, "scope");
	/* What a stranger's register names may not lead elsewhere. */
	bool named = c->crl_dir != NULL && scope.n > 0 &&
	    memchr(scope.p, '/', scope.n) == NULL;
	auto_mem char *path =
	    named ? crl_path(c->crl_dir, &c->key, intent) : NULL;
	auto_buf struct buf file = { 0 }, owned = { 0 };
	struct crl_view v;

	if (path == NULL || access(path, F_OK) != 0)
		return !sig_alg_info(alg)->prehash ||
		    sig_alg_info(alg)->digest != DIGEST_SHA256 ||
		    spki_verifier_check_digest(c->verifier, alg,
			record_get(intent, "sha256"),
			record_get(signed_, "sig"), e);
	if (!file_read(path, CRL_FILE_MAX, &file, e) ||
	    !crl_parse(buf_bytes(&file), path, &owned, &v, e))
		return false;
	if (!bytes_eq(v.sig, record_get(signed_, "sig")))
		return error_set(e, FAIL_CORRUPT,
		    "%s has another signature than the register", path);
	return spki_verifier_check(c->verifier, alg, v.tbs, v.sig, e);
}

static bool
check_signature(void *arg, const struct record *intent,
    const struct record *signed_, struct bytes spki, struct error *e)
{
	struct checker *c = arg;
	struct bytes name = record_get(intent, "alg");
	auto_mem char *alg_name = mem_printf("%.*s", (int)name.n, name.p);
	enum sig_alg alg;

	if (!sig_alg_by_name(alg_name, &alg))
		return error_set(e, FAIL_CORRUPT, "unknown algorithm");
	if (!checker_key(c, spki, e))
		return false;
	if (record_has(intent, "tbs"))
		return rebuild_check_with(c->verifier, intent, signed_, e);
	return check_list(c, intent, signed_, alg, e);
}

bool
register_check(const struct register_check *c, struct reg_verify_report *out,
    struct error *e)
{
	struct checker checker = { .crl_dir = c->crl_dir };
	struct reg_verify_options opt = { .anchor_dir = c->anchor_dir,
		.check_sig = c->signatures ? check_signature : NULL,
		.arg = &checker };
	bool ok = reg_verify(c->dir, &opt, out, e);

	spki_verifier_free(checker.verifier);
	return ok;
}
