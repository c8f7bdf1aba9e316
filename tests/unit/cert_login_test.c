/* SPDX-License-Identifier: Apache-2.0 */
/* Login with client certificates: globs, roles, verdicts, lists of revoked ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <chancery/base/text.h>

#include "../../src/server/auth/cert.h"
#include "http_certs.h"

static void
test_globs(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} rows[] = {
		{ "a", "a", true },
		{ "a", "A", false },
		{ "a", "ab", false },
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "*", "anything", true },
		{ "**", "a", true },
		{ "a*", "a", true },
		{ "a*", "ba", false },
		{ "*a", "ba", true },
		{ "*a", "ab", false },
		{ "a*c", "abbc", true },
		{ "a*c", "abbcd", false },
		{ "*b*", "abc", true },
		/* The first place that fits is not the last one. */
		{ "*ab", "aab", true },
		{ "*ab*ab", "ababab", true },
		{ "a*b*c", "acbbc", true },
		{ "a*b*c", "acc", false },
		{ "?", "a", false },
		{ "*.example.com", "example.com", false },
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++)
		if (name_glob(rows[i].pattern, rows[i].text) != rows[i].fits)
			fail_msg("\"%s\" and \"%s\"", rows[i].pattern,
			    rows[i].text);
}

/* ---- roles ---- */

static void
add_der(struct buf *out, X509 *x)
{
	int n = i2d_X509(x, NULL);
	unsigned char *p = buf_reserve(out, (size_t)n);

	buf_commit(out, (size_t)i2d_X509(x, &p));
}

static json_t *
role_doc(const struct test_cert *c, const char *more)
{
	auto_buf struct buf crt = { 0 }, key = { 0 };
	json_t *doc = json_loads(more, 0, NULL);

	test_cert_pem(c, &crt, &key);
	assert_int_equal(json_object_set_new(doc, "certificate",
			     json_string(buf_cstr(&crt))),
	    0);
	return doc;
}

static void
test_role_certificates(void **state)
{
	static const char *const bad[] = { "", "x",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END "
		"CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMAA=\n",
		"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE "
		"KEY-----\n" };
	struct test_cert ca = test_cert_new("ca", NULL),
			 leaf = test_cert_new("leaf", &ca);
	auto_json json_t *a = role_doc(&ca, "{}"), *b = role_doc(&leaf, "{}");
	struct cert_role *r;
	struct error e = { 0 };

	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		auto_json json_t *doc =
		    json_pack("{s:s}", "certificate", bad[i]);

		assert_null(cert_role_new(doc, &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		assert_string_equal(e.msg, "failed to parse certificate");
	}
	r = cert_role_new(a, &e);
	assert_non_null(r);
	assert_false(cert_role_is_leaf(r));
	cert_role_free(r);
	r = cert_role_new(b, &e);
	assert_non_null(r);
	assert_true(cert_role_is_leaf(r));
	cert_role_free(r);
	test_cert_free(&ca);
	test_cert_free(&leaf);
}

/* ---- verdicts ---- */

struct answers {
	bool revoked, fails;
	unsigned asked, with_issuer;
};

static bool
answer(void *arg, const struct cert_link *link, struct error *e)
{
	struct answers *a = arg;

	a->asked++;
	a->with_issuer += link->issuer_key != NULL;
	if (a->fails)
		(void)error_set(e, FAIL_IO, "the store is away");
	return a->revoked;
}

static struct client_cert *
shown_by(const struct test_cert *leaf)
{
	auto_buf struct buf der = { 0 };
	struct client_cert *c;
	struct error e = { 0 };

	add_der(&der, leaf->crt);
	c = client_cert_new(buf_bytes(&der), &e);
	assert_non_null(c);
	return c;
}

static const struct {
	const char *name;
	bool other_ca, leaf_role, revoked, fails;
	int64_t later_s;
	const char *role;
	enum cert_verdict verdict;
	unsigned asked;
} verdicts[] = {
	{ "good", .role = "{}", .verdict = CERT_GOOD, .asked = 2 },
	{ "the very one", .leaf_role = true, .role = "{}", .verdict = CERT_GOOD,
	    .asked = 1 },
	{ "another authority", .other_ca = true, .role = "{}",
	    .verdict = CERT_UNKNOWN },
	{ "too late", .later_s = 100000, .role = "{}", .verdict = CERT_BROKEN },
	{ "too early", .later_s = -100000, .role = "{}",
	    .verdict = CERT_BROKEN },
	{ "the very one too late", .leaf_role = true, .later_s = 100000,
	    .role = "{}", .verdict = CERT_BROKEN },
	{ "a name that fits", .role = "{\"allowed_names\":[\"x\",\"le*\"]}",
	    .verdict = CERT_GOOD, .asked = 2 },
	{ "no name that fits", .role = "{\"allowed_names\":[\"x\"]}",
	    .verdict = CERT_UNFIT },
	{ "one list of two fits",
	    .role = "{\"allowed_names\":[\"leaf\"],\"allowed_dns_sans\":"
		    "[\"x\"]}",
	    .verdict = CERT_UNFIT },
	{ "an extension it lacks",
	    .role = "{\"required_extensions\":"
		    "[\"1.2.3:*\"]}",
	    .verdict = CERT_UNFIT },
	{ "an extension without glob",
	    .role = "{\"required_extensions\":[\"2.5.29.17\"]}",
	    .verdict = CERT_UNFIT },
	{ "no OID", .role = "{\"required_extensions\":[\"x.y:*\"]}",
	    .verdict = CERT_UNFIT },
	{ "revoked", .revoked = true, .role = "{}", .verdict = CERT_UNFIT,
	    .asked = 1 },
	{ "nobody knows", .fails = true, .role = "{}",
	    .verdict = CERT_UNDECIDED, .asked = 1 },
};

static void
test_verdicts(void **state)
{
	struct test_cert ca = test_cert_new("ca", NULL),
			 other = test_cert_new("ca", NULL),
			 leaf = test_cert_new("leaf", &ca);
	auto_client_cert struct client_cert *shown = shown_by(&leaf);

	(void)state;
	for (size_t i = 0; i < countof(verdicts); i++) {
		auto_json json_t *doc = role_doc(verdicts[i].leaf_role ? &leaf
			: verdicts[i].other_ca                         ? &other
								       : &ca,
		    verdicts[i].role);
		struct answers a = { .revoked = verdicts[i].revoked,
			.fails = verdicts[i].fails };
		struct error e = { 0 };
		struct cert_role *r = cert_role_new(doc, &e);
		enum cert_verdict v;

		assert_non_null(r);
		v = cert_role_judge(r, doc, shown,
		    (int64_t)time(NULL) + verdicts[i].later_s, answer, &a, &e);
		if (v != verdicts[i].verdict || a.asked != verdicts[i].asked)
			fail_msg("%s: %d, asked %u: %s", verdicts[i].name,
			    (int)v, a.asked, e.msg);
		if (v == CERT_GOOD)
			assert_int_equal(a.with_issuer, a.asked - 1);
		if (v == CERT_BROKEN || v == CERT_UNDECIDED)
			assert_true(e.msg[0] != '\0');
		cert_role_free(r);
	}
	test_cert_free(&ca);
	test_cert_free(&other);
	test_cert_free(&leaf);
}

/* ---- what a client shows ---- */

static void
test_client_certificates(void **state)
{
	struct test_cert ca = test_cert_new("ca", NULL),
			 one = test_cert_new("one", &ca);
	auto_buf struct buf der = { 0 };
	struct error e = { 0 };

	(void)state;
	assert_null(client_cert_new(bytes_of(NULL, 0), &e));
	assert_string_equal(e.msg, "client certificate: there is none");
	assert_null(client_cert_new(bytes_str("x"), &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	add_der(&der, one.crt);
	buf_add_byte(&der, 0);
	assert_null(client_cert_new(buf_bytes(&der), &e));
	buf_reset(&der);
	for (int i = 0; i < 18; i++)
		add_der(&der, one.crt);
	assert_null(client_cert_new(buf_bytes(&der), &e));
	assert_string_equal(e.msg,
	    "client certificate: a chain of more than 16");
	test_cert_free(&ca);
	test_cert_free(&one);
}

static void
test_continues(void **state)
{
	struct test_cert ca = test_cert_new("ca", NULL),
			 one = test_cert_new("one", &ca),
			 two = test_cert_new("one", &ca);
	auto_client_cert struct client_cert *a = shown_by(&one),
					    *b = shown_by(&two);
	auto_json json_t *meta = client_cert_metadata(a, NULL);

	(void)state;
	assert_string_equal(doc_str(meta, "common_name"), "one");
	/* These certificates have no key ids: a name alone says nothing. */
	assert_string_equal(doc_str(meta, "authority_key_id"), "");
	assert_true(client_cert_continues(a, meta));
	assert_false(client_cert_continues(b, meta));
	test_cert_free(&ca);
	test_cert_free(&one);
	test_cert_free(&two);
}

/* ---- lists ---- */

static void
make_list(const struct test_cert *ca, const struct test_cert *gone,
    struct buf *pem, struct buf *der)
{
	X509_CRL *l = X509_CRL_new();
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, time(NULL));
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char *p;
	char *text;
	long n;

	assert_int_equal(X509_CRL_set_version(l, X509_CRL_VERSION_2), 1);
	assert_int_equal(X509_CRL_set_issuer_name(l,
			     X509_get_subject_name(ca->crt)),
	    1);
	assert_int_equal(X509_CRL_set1_lastUpdate(l, t), 1);
	assert_int_equal(X509_CRL_set1_nextUpdate(l, t), 1);
	assert_int_equal(X509_REVOKED_set_serialNumber(r,
			     X509_get_serialNumber(gone->crt)),
	    1);
	assert_int_equal(X509_REVOKED_set_revocationDate(r, t), 1);
	assert_int_equal(X509_CRL_add0_revoked(l, r), 1);
	assert_true(X509_CRL_sign(l, ca->key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509_CRL(bio, l), 1);
	n = BIO_get_mem_data(bio, &text);
	buf_add(pem, text, (size_t)n);
	n = i2d_X509_CRL(l, NULL);
	p = buf_reserve(der, (size_t)n);
	buf_commit(der, (size_t)i2d_X509_CRL(l, &p));
	BIO_free(bio);
	ASN1_TIME_free(t);
	X509_CRL_free(l);
}

static bool
lists(const struct cert_crl *l, const struct test_cert *c)
{
	struct cert_link link = { .issuer = X509_get_issuer_name(c->crt) };

	assert_true(cert_serial(X509_get0_serialNumber(c->crt), link.serial));
	return cert_crl_has(l, &link);
}

static void
test_lists(void **state)
{
	struct test_cert ca = test_cert_new("ca", NULL),
			 other = test_cert_new("other", NULL),
			 gone = test_cert_new("gone", &ca),
			 here = test_cert_new("here", &ca),
			 foreign = test_cert_new("foreign", &other);
	auto_buf struct buf pem = { 0 }, der = { 0 }, text = { 0 };
	struct error e = { 0 };

	(void)state;
	make_list(&ca, &gone, &pem, &der);
	buf_add_base64(&text, buf_bytes(&der));
	/* The number that is listed, under another name. */
	assert_int_equal(X509_set_serialNumber(foreign.crt,
			     X509_get_serialNumber(gone.crt)),
	    1);
	for (int how = 0; how < 3; how++) {
		const struct buf *in = how == 0 ? &pem
		    : how == 1                  ? &der
						: &text;
		auto_buf struct buf kept = { 0 }, b64 = { 0 };
		auto_json json_t *doc = NULL, *serials = NULL;
		struct cert_crl *l;

		if (!cert_crl_read(buf_bytes(in), &kept, &e))
			fail_msg("%s", e.msg);
		assert_true(bytes_eq(buf_bytes(&kept), buf_bytes(&der)));
		buf_add_base64(&b64, buf_bytes(&kept));
		doc = json_pack("{s:s}", "crl", buf_cstr(&b64));
		l = cert_crl_new(doc, &e);
		assert_non_null(l);
		assert_true(lists(l, &gone));
		assert_false(lists(l, &here));
		assert_false(lists(l, &foreign));
		serials = cert_crl_serials(l);
		assert_int_equal(json_object_size(serials), 1);
		cert_crl_free(l);
	}
	test_cert_free(&ca);
	test_cert_free(&other);
	test_cert_free(&gone);
	test_cert_free(&here);
	test_cert_free(&foreign);
}

static void
test_lists_refused(void **state)
{
	static const char certificate[] = "-----BEGIN CERTIFICATE-----\nMAA=\n"
					  "-----END CERTIFICATE-----\n";
	static const char *const bad[] = { "", "x", "MAA=",
		"-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n",
		certificate };
	auto_json json_t *doc = json_pack("{s:s}", "crl", "!");
	struct error e = { 0 };

	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		auto_buf struct buf der = { 0 };

		assert_false(cert_crl_read(bytes_str(bad[i]), &der, &e));
		assert_true(strncmp(e.msg, "failed to parse CRL", 19) == 0);
	}
	assert_null(cert_crl_new(doc, &e));
	assert_int_equal(e.why, FAIL_CORRUPT);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_globs),
		cmocka_unit_test(test_role_certificates),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_client_certificates),
		cmocka_unit_test(test_continues),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_lists_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
