/* SPDX-License-Identifier: Apache-2.0 */

/* A verifier that reads deltas, OpenSSL's, under a full list and a delta of the signer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <chancery/base/file.h>

#include "signer_fixture.h"

/* Last: its macros have names of ours. */
#include <openssl/x509v3.h>

static struct fixture f;

static int
setup(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ 0 });
}

static int
teardown(unused_arg void **state)
{
	fixture_free(&f);
	return 0;
}

/* A leaf, revoked; its serial. */
static void
revoke_leaf(uint8_t serial[20])
{
	struct signer_revoke rev = { .key = f.key,
		.reason = CRL_SUPERSEDED,
		.claim = { .who = "me", .why = "x" } };
	struct revoked_cursor c;
	struct revoked_entry v;
	struct signer_reply reply;
	struct error e;

	assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
	rev.cert = reply.signed_;
	assert_true(signer_revoke_wait(f.s, &rev, &reply, &e));
	revoked_cursor_start(&c, reg_get_state(signer_register(f.s)), &f.key,
	    UINT64_MAX);
	while (revoked_cursor_next(&c, &v))
		if (v.index == reply.record)
			memcpy(serial, v.serial, 20);
}

static void
make(const char *scope, struct buf *der)
{
	struct signer_crl req = fixture_crl(&f);
	auto_mem char *path = mem_printf("%s/%s.crl", f.dir, scope);
	struct signer_reply reply;
	struct error e;

	req.scope = scope;
	req.path = path;
	if (!signer_sign_crl_wait(f.s, &req, &reply, &e) ||
	    !file_read(path, 1 << 20, der, &e))
		fail_msg("%s: %s", scope, e.msg);
}

static X509 *
openssl_cert(const char *cn, const uint8_t serial[20], const char *const *ext)
{
	const uint8_t *at = f.ca_name.p;
	X509_NAME *issuer = d2i_X509_NAME(NULL, &at, (long)f.ca_name.n), *name;
	BIGNUM *n = BN_bin2bn(serial, 20, NULL);
	X509 *x = X509_new();

	name = cn == NULL ? X509_NAME_dup(issuer) : X509_NAME_new();
	if (cn != NULL)
		(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		    (const uint8_t *)cn, -1, -1, 0);
	(void)X509_set_version(x, X509_VERSION_3);
	(void)BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	(void)X509_set_issuer_name(x, issuer);
	(void)X509_set_subject_name(x, name);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), -86400);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	(void)X509_set_pubkey(x, cn == NULL ? f.ca : f.leaf);
	for (; *ext != NULL; ext += 2) {
		X509_EXTENSION *e = X509V3_EXT_conf(NULL, NULL, ext[0], ext[1]);

		assert_non_null(e);
		(void)X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	assert_true(X509_sign(x, f.ca, EVP_sha256()) > 0);
	BN_free(n);
	X509_NAME_free(issuer);
	X509_NAME_free(name);
	return x;
}

/* What OpenSSL says of that certificate under both lists. */
static int
openssl_says(X509 *ca, X509 *leaf, const struct buf *lists, size_t n,
    unsigned long flags)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
	int says;

	for (size_t i = 0; i < n; i++) {
		const uint8_t *at = lists[i].p;

		(void)sk_X509_CRL_push(crls,
		    d2i_X509_CRL(NULL, &at, (long)lists[i].n));
	}
	assert_true(X509_STORE_add_cert(store, ca) == 1);
	assert_true(X509_STORE_CTX_init(ctx, store, leaf, NULL) == 1);
	X509_STORE_CTX_set0_crls(ctx, crls);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_CRL_CHECK | flags);
	(void)X509_verify_cert(ctx);
	says = X509_STORE_CTX_get_error(ctx);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return says;
}

/* Revoked after the full list: whoever applies the delta refuses it. OpenSSL looks for one only
 * where certificate or full list have FreshestCRL (RFC 5280 4.2.1.15, 5.2.6). */
static void
test_delta_applied(unused_arg void **state)
{
	static const char *const of_ca[] = { "basicConstraints",
		"critical,CA:TRUE", "keyUsage", "critical,cRLSign,keyCertSign",
		NULL };
	static const char *const freshest[] = { "freshestCRL",
		"URI:http://a.example/crl/delta", NULL };
	static const struct {
		bool freshest, revoked;
		size_t lists;
		unsigned long flags;
		int says;
	} rows[] = {
		{ true, true, 1, X509_V_FLAG_USE_DELTAS, X509_V_OK },
		{ true, true, 2, 0, X509_V_OK },
		{ false, true, 2, X509_V_FLAG_USE_DELTAS, X509_V_OK },
		{ true, true, 2, X509_V_FLAG_USE_DELTAS,
		    X509_V_ERR_CERT_REVOKED },
		{ true, false, 2, X509_V_FLAG_USE_DELTAS, X509_V_OK },
	};
	const uint8_t other[20] = { 1 };
	uint8_t serial[20] = { 0 };
	struct buf m[2] = { 0 };
	X509 *ca = openssl_cert(NULL, other, of_ca), *leaf;

	revoke_leaf(serial);
	make("full", &m[0]);
	revoke_leaf(serial);
	make("delta", &m[1]);
	for (size_t i = 0; i < countof(rows); i++) {
		leaf = openssl_cert("leaf", rows[i].revoked ? serial : other,
		    rows[i].freshest ? freshest : &freshest[2]);
		assert_int_equal(openssl_says(ca, leaf, m, rows[i].lists,
				     rows[i].flags |
					 X509_V_FLAG_EXTENDED_CRL_SUPPORT),
		    rows[i].says);
		X509_free(leaf);
	}
	X509_free(ca);
	buf_free(&m[0]);
	buf_free(&m[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_delta_applied, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
