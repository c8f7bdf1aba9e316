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

/* One path's list. */
struct list {
	const char *path;
	struct buf text, der;
	struct crl_view crl;
	struct cert *made; /* what its mount says of its issuers */
	size_t made_n;
	const struct spki *key; /* that signed it */
};

static void
list_free(struct list *l)
{
	for (size_t i = 0; i < l->made_n; i++)
		cert_free(&l->made[i]);
	mem_free(l->made);
	buf_free(&l->text);
	buf_free(&l->der);
}
#define auto_list auto_cleanup(list_free)

/* ---- who signed it ----------------------------------------------------------- */

static bool
signed_by(const struct crl_view *crl, const struct cert *c)
{
	struct error no;

	return c->tbs.key_ok && bytes_eq(c->tbs.subject, crl->issuer) &&
	    crl_verify(crl, &c->tbs.key, &no);
}

/* The issuer's key among those that are known: the chain, the authorities. */
static const struct spki *
known_key(const struct kafka_bundle *known, const struct crl_view *crl)
{
	const struct cert *c;

	for (size_t i = 0; (c = kafka_bundle_chain(known, i)) != NULL; i++)
		if (signed_by(crl, c))
			return &c->tbs.key;
	for (size_t i = 0; (c = kafka_bundle_anchor(known, i)) != NULL; i++)
		if (signed_by(crl, c))
			return &c->tbs.key;
	return NULL;
}

/* A CA certificate of one of the authorities, or of a CA above ours. */
static bool
is_authorized(const struct kafka_bundle *known, const struct cert *c)
{
	const struct cert *up;
	struct error no;

	if (!c->tbs.is_ca)
		return false;
	for (size_t i = 1; (up = kafka_bundle_chain(known, i)) != NULL; i++)
		if (up->tbs.key_ok &&
		    bytes_eq(up->tbs.subject, c->tbs.issuer) &&
		    cert_verify_signature(c, &up->tbs.key, &no))
			return true;
	return kafka_bundle_anchor_above(known, c) != NULL;
}

/* The last place of a word in a path, or NULL. */
static const char *
last_of(const char *path, const char *word)
{
	const char *at = NULL, *p = path;

	while ((p = strstr(p, word)) != NULL)
		at = p++;
	return at;
}

/* Where the certificates of a list's issuer are: below MOUNT/issuer/REF, else below MOUNT. NULL:
 * that is no path of a list. */
static char *
issuer_path(const char *path)
{
	const char *end = last_of(path, "/crl/");

	if (end == NULL)
		end = last_of(path, "/unified-crl/");
	if (end == NULL)
		return NULL;
	return mem_printf("%.*s/%s", (int)(end - path), path,
	    strstr(path, "/issuer/") != NULL ? "pem" : "ca_chain");
}

/* A mount whose CA has a new key signs its list with that at once, and there are peers with
 * certificates of it before this one's is renewed. */
static const struct spki *
mount_key(struct vault_client *v, const struct kafka_bundle *known,
    struct list *l)
{
	auto_mem char *path = issuer_path(l->path);
	auto_buf struct buf pem = { 0 };
	struct error no;

	if (path == NULL || !vault_fetch(v, path, &pem, &no) ||
	    !cert_parse_bundle(buf_bytes(&pem), path, &l->made, &l->made_n,
		&no))
		return NULL;
	for (size_t i = 0; i < l->made_n; i++)
		if (signed_by(&l->crl, &l->made[i]) &&
		    is_authorized(known, &l->made[i]))
			return &l->made[i].tbs.key;
	return NULL;
}

static bool
list_get(struct vault_client *v, const struct kafka_bundle *known,
    struct list *l, struct error *e)
{
	if (!vault_fetch(v, l->path, &l->text, e) ||
	    !crl_parse(buf_bytes(&l->text), l->path, &l->der, &l->crl, e))
		return false;
	l->key = known_key(known, &l->crl);
	if (l->key == NULL)
		l->key = mount_key(v, known, l);
	if (l->key == NULL)
		return error_set(e, FAIL_CRYPTO,
		    "%s: no authority of the certificate's chain or of `trust` "
		    "signed that list, nor a CA below one of them",
		    l->path);
	return l->crl.next_update_s > clock_wall_ms(&clock_system) / 1000 ||
	    error_set(e, FAIL_REFUSED, "%s: that list has expired", l->path);
}

/* ---- those of a file --------------------------------------------------------- */

/* The next list from *at on; what does not parse is left out. */
static bool
next_list(struct bytes file, size_t *at, struct buf *der, struct crl_view *out)
{
	static const char *const labels[] = { "X509 CRL", NULL };
	auto_buf struct buf owned = { 0 };
	const char *label;
	struct error no;

	for (;;) {
		buf_free(der);
		*der = (struct buf){ 0 };
		if (!pem_next(file, at, labels, der, &label, &no))
			return false;
		if (crl_parse(buf_bytes(der), "", &owned, out, &no))
			return true;
	}
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

/* Whether their numbers belong to one row (RFC 5280 5.2.3): one issuer, which is a name and a
 * key, and one scope. */
static bool
one_row(const struct crl_view *a, const struct crl_view *b,
    const struct spki *key)
{
	struct error no;

	return a->has_delta == b->has_delta && a->has_idp == b->has_idp &&
	    bytes_eq(a->idp_url, b->idp_url) &&
	    a->idp_only_ca == b->idp_only_ca &&
	    a->idp_only_user == b->idp_only_user &&
	    same_name(a->issuer, b->issuer) && crl_verify(a, key, &no);
}

static bool
check_newer(const struct list *l, struct bytes file, struct error *e)
{
	auto_buf struct buf der = { 0 };
	struct crl_view had;
	size_t at = 0;

	while (next_list(file, &at, &der, &had))
		if (had.number > l->crl.number &&
		    one_row(&had, &l->crl, l->key))
			return error_set(e, FAIL_ROLLBACK,
			    "%s: list %llu is older than the one that is there "
			    "(%llu)",
			    l->path, (unsigned long long)l->crl.number,
			    (unsigned long long)had.number);
	return true;
}

/* Whether there is a list of that name, and none of that key. */
static bool
has_other_key(struct bytes file, struct bytes issuer, const struct spki *key)
{
	auto_buf struct buf der = { 0 };
	struct crl_view v;
	struct error no;
	size_t at = 0;
	bool named = false;

	while (next_list(file, &at, &der, &v)) {
		if (!same_name(v.issuer, issuer))
			continue;
		if (crl_verify(&v, key, &no))
			return false;
		named = true;
	}
	return named;
}

/* Where only the list of an issuer's new key came, the one of the key above our certificate stays
 * until it expires. */
static void
keep_old_key(const struct kafka_bundle *known, struct bytes old,
    struct buf *out)
{
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	auto_buf struct buf der = { 0 }, kept = { 0 };
	struct crl_view v;
	size_t at = 0;

	while (next_list(old, &at, &der, &v)) {
		const struct spki *key =
		    v.next_update_s > now_s ? known_key(known, &v) : NULL;

		if (key != NULL && has_other_key(buf_bytes(out), v.issuer, key))
			pem_encode("X509 CRL", v.der, &kept);
	}
	buf_add_bytes(out, buf_bytes(&kept));
}

/* ---- writing ------------------------------------------------------------------- */

static bool
add_list(struct vault_client *v, const struct kafka_bundle *known,
    const char *path, struct bytes old, struct buf *out, struct error *e)
{
	auto_list struct list l = { .path = path };

	if (!list_get(v, known, &l, e) || !check_newer(&l, old, e))
		return false;
	pem_encode("X509 CRL", l.crl.der, out);
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
belongs(const char *path, const struct renew_owner *o)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & 07777) == o->mode &&
	    (o->uid == (uid_t)-1 || o->uid == st.st_uid) &&
	    (o->gid == (gid_t)-1 || o->gid == st.st_gid);
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
	keep_old_key(known, buf_bytes(&old), &all);
	if (bytes_eq(buf_bytes(&all), buf_bytes(&old)) && belongs(path, &o))
		return true;
	(*changed)++;
	return replace(path, buf_bytes(&all), &o, e);
}

bool
renew_lists(const struct renew_config *cfg, struct vault_client *v,
    const struct kafka_bundle *known, size_t *changed, struct error *e)
{
	const struct renew_crl *c = cfg->crls.v;
	bool ok = true;

	*changed = 0;
	for (size_t i = 0; i < cfg->crls.n; i++) {
		struct error one;

		if (renew_one(cfg, v, known, &c[i], changed, &one))
			continue;
		if (ok)
			*e = one;
		else
			(void)renew_both(e, &one);
		ok = false;
	}
	return ok;
}
