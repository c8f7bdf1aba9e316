/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of revoked certificates beside the files of a set. */
#include "renew.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/pki/crl.h>
#include <chancery/pki/name.h>

/* With 35 octets an entry: 7 million; what reads such files keeps them in memory. */
#define LISTS_BYTES (256L << 20)

/* The issuer's key among those that are known: the chain, the authorities. */
static const struct cert *
issuer_of(const struct kafka_bundle *known, const struct crl_view *crl)
{
	const struct cert *c;
	struct error no;

	for (size_t i = 0; (c = kafka_bundle_chain(known, i)) != NULL; i++)
		if (c->tbs.key_ok && bytes_eq(c->tbs.subject, crl->issuer) &&
		    crl_verify(crl, &c->tbs.key, &no))
			return c;
	for (size_t i = 0; (c = kafka_bundle_anchor(known, i)) != NULL; i++)
		if (c->tbs.key_ok && bytes_eq(c->tbs.subject, crl->issuer) &&
		    crl_verify(crl, &c->tbs.key, &no))
			return c;
	return NULL;
}

static bool
check_list(const struct kafka_bundle *known, struct bytes pem, const char *path,
    struct buf *der, struct crl_view *crl, struct error *e)
{
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;

	if (!crl_parse(pem, path, der, crl, e))
		return false;
	if (issuer_of(known, crl) == NULL)
		return error_set(e, FAIL_CRYPTO,
		    "%s: no authority of the certificate's chain or of `trust` "
		    "signed that list",
		    path);
	return crl->next_update_s > now_s ||
	    error_set(e, FAIL_REFUSED, "%s: that list has expired", path);
}

/* Whatever the string types: a file may be of an older certificate of the same authority. */
static bool
same_name(struct bytes a, struct bytes b)
{
	auto_buf struct buf x = { 0 }, y = { 0 };
	struct error no;

	return name_format(a, &x, &no) && name_format(b, &y, &no) &&
	    bytes_eq(buf_bytes(&x), buf_bytes(&y));
}

/* The number of that issuer's list among those of a file, -1: none. Whatever does not parse
 * is replaced. */
static int64_t
number_in(struct bytes file, struct bytes issuer)
{
	static const char *const labels[] = { "X509 CRL", NULL };
	size_t at = 0;

	for (;;) {
		auto_buf struct buf der = { 0 }, owned = { 0 };
		struct crl_view v;
		const char *label;
		struct error no;

		if (!pem_next(file, &at, labels, &der, &label, &no))
			return -1;
		if (crl_parse(buf_bytes(&der), "", &owned, &v, &no) &&
		    same_name(v.issuer, issuer))
			return (int64_t)v.number;
	}
}

static bool
add_list(struct vault_client *v, const struct kafka_bundle *known,
    const char *path, struct bytes old, struct buf *out, struct error *e)
{
	auto_buf struct buf text = { 0 }, der = { 0 };
	struct crl_view crl;
	int64_t had;

	if (!vault_fetch(v, path, &text, e) ||
	    !check_list(known, buf_bytes(&text), path, &der, &crl, e))
		return false;
	had = number_in(old, crl.issuer);
	if (had >= 0 && (uint64_t)had > crl.number)
		return error_set(e, FAIL_ROLLBACK,
		    "%s: list %llu is older than the one that is there (%lld)",
		    path, (unsigned long long)crl.number, (long long)had);
	pem_encode("X509 CRL", crl.der, out);
	return true;
}

static bool
replace(const char *path, struct bytes data, const struct renew_owner *o,
    struct error *e)
{
	auto_mem char *tmp = mem_printf("%s.new", path);

	(void)unlink(tmp);
	if (!file_create(tmp, data, o->mode, e))
		return false;
	if ((o->uid != (uid_t)-1 || o->gid != (gid_t)-1) &&
	    chown(tmp, o->uid, o->gid) != 0) {
		(void)unlink(tmp);
		return error_errno(e, FAIL_PERMISSION, "%s: owner", path);
	}
	if (chmod(tmp, o->mode) == 0 && rename(tmp, path) == 0)
		return true;
	(void)error_errno(e, FAIL_IO, "%s", path);
	(void)unlink(tmp);
	return false;
}

static bool
renew_one(const struct renew_config *cfg, struct vault_client *v,
    const struct kafka_bundle *known, const struct renew_crl *c,
    size_t *changed, struct error *e)
{
	auto_mem char *path = path_join(cfg->directory, c->name);
	auto_buf struct buf all = { 0 }, old = { 0 };
	struct renew_owner o;
	struct error none;

	if (!renew_owner_of(c->owner, c->group, c->mode, 0644, &o, e))
		return error_context(e, "%s", c->name);
	(void)!file_read(path, LISTS_BYTES, &old, &none);
	for (size_t i = 0; i < c->paths.n; i++)
		if (!add_list(v, known, c->paths.v[i], buf_bytes(&old), &all,
			e))
			return error_context(e, "%s", c->name);
	if (bytes_eq(buf_bytes(&all), buf_bytes(&old)))
		return true;
	(*changed)++;
	return replace(path, buf_bytes(&all), &o, e);
}

bool
renew_lists(const struct renew_config *cfg, struct vault_client *v,
    const struct kafka_bundle *known, size_t *changed, struct error *e)
{
	const struct renew_crl *c = cfg->crls.v;

	*changed = 0;
	for (size_t i = 0; i < cfg->crls.n; i++)
		if (!renew_one(cfg, v, known, &c[i], changed, e))
			return false;
	return true;
}
