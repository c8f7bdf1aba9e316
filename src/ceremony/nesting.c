/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/issue.h>

/* After ours: its macros have the names of our constants. */
#include <openssl/x509v3.h>

static bool
path_permits(const struct cert *issuer, const struct tbs_view *t,
    struct error *e)
{
	int limit = issuer->tbs.path_len;

	/* The certificate would verify, nothing that it issues would. */
	if (limit < 0 || !t->is_ca || (t->path_len >= 0 && t->path_len < limit))
		return true;
	return error_set(e, FAIL_REFUSED,
	    "basicConstraints: the issuer's certificate has path length %d, a "
	    "CA below it must have a smaller one",
	    limit);
}

/* OpenSSL is the judge here, because its answer is the one that counts later. */
static bool
names_permit(X509 *issuer, X509 *x, struct error *e)
{
	NAME_CONSTRAINTS *nc =
	    X509_get_ext_d2i(issuer, NID_name_constraints, NULL, NULL);
	int rc = X509_V_OK;

	bool ca;

	if (nc == NULL)
		return true;
	/* It also fills the cache that NAME_CONSTRAINTS_check looks into. */
	ca = X509_check_ca(x) != 0;
	rc = NAME_CONSTRAINTS_check(x, nc);
	if (rc == X509_V_OK && !ca)
		rc = NAME_CONSTRAINTS_check_CN(x, nc);
	NAME_CONSTRAINTS_free(nc);
	return rc == X509_V_OK ||
	    error_set(e, FAIL_REFUSED,
		"names: outside the name constraints of the issuer's "
		"certificate (%s)",
		X509_verify_cert_error_string(rc));
}

bool
issuer_permits(const struct cert *issuer, const struct cert *c, struct error *e)
{
	const uint8_t *p = issuer->der.p, *q = c->der.p;
	X509 *above = d2i_X509(NULL, &p, (long)issuer->der.n);
	X509 *below = d2i_X509(NULL, &q, (long)c->der.n);
	bool ok = above != NULL && below != NULL ? names_permit(above, below, e)
						 : error_ossl(e, "d2i_X509");

	X509_free(above);
	X509_free(below);
	return ok && path_permits(issuer, &c->tbs, e);
}
