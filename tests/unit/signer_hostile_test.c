/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/charter/charter.h>

#include "signer_fixture.h"

/* Behind our own headers: its EXT_ names are macros. */
#include <openssl/x509v3.h>

/* The signer against a caller who means harm: what he could get signed, hide, or
 * crash, were it not refused; and against crashes at bad moments. */

static struct fixture f;

static int
setup(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ 0 });
}

static int
setup_root(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ .charter = "root" });
}

static int
setup_strict(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ .charter = "kafka-issuer" });
}

static int
setup_no_charter(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ .no_charter = true });
}

static int
setup_online(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ .online = true });
}

/* Segments of a few records: state goes through snapshots. */
static int
setup_segments(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ .segment_bytes = 4096 });
}

static int
teardown(unused_arg void **state)
{
	fixture_free(&f);
	return 0;
}

static void
reopen(void)
{
	fixture_close(&f);
	fixture_open(&f);
}

static void
expect_rule(bool ok, const struct signer_reply *a, const char *rule)
{
	assert_false(ok);
	assert_non_null(a->verdict.rule);
	assert_string_equal(a->verdict.rule, rule);
}

/* ---- issuer names ------------------------------------------------------ */

static bool
crl_as(const char *name, struct signer_reply *out, struct error *e)
{
	struct signer_crl req = fixture_crl(&f);
	auto_buf struct buf der = { 0 };

	assert_true(name_parse(name, &der, e));
	req.issuer = buf_bytes(&der);
	return signer_sign_crl_wait(f.s, &req, out, e);
}

static bool
certify_as(const char *name, const char *profile, struct signer_reply *out,
    struct error *e)
{
	struct buf saved = f.ca_name;
	bool ok;

	f.ca_name = (struct buf){ 0 };
	assert_true(name_parse(name, &f.ca_name, e));
	ok = fixture_certify(&f, profile, out, e);
	buf_free(&f.ca_name);
	f.ca_name = saved;
	return ok;
}

static void
test_issuer_names(unused_arg void **state)
{
	struct reg_verify_report report;
	struct signer_reply reply;
	struct error e;
	int i;

	/* A key that no certificate is known of may be another's CA. */
	assert_true(crl_as("CN=Somebody", &reply, &e));
	assert_true(certify_as("CN=Somebody", "kafka-broker", &reply, &e));
	f.self = true;
	assert_true(fixture_certify(&f, "root", &reply, &e));
	f.self = false;
	for (i = 0; i < 3; i++) {
		expect_rule(crl_as("CN=Somebody", &reply, &e), &reply,
		    "structure-issuer");
		expect_rule(certify_as("CN=Somebody", "kafka-broker", &reply,
				&e),
		    &reply, "structure-issuer");
		assert_true(
		    crl_as("CN=Test Issuing CA,O=Acme,C=US", &reply, &e));
		assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
		/* From the records, then from a snapshot. */
		reopen();
	}
	fixture_verify(&f, &report);
	assert_true(report.snapshots >= 2);
	assert_int_equal(report.refused, 6);
}

/* The rule stands in the register too: verify finds what a signer let through. */
static void
test_issuer_in_register(unused_arg void **state)
{
	struct signer_config cfg = fixture_config(&f);
	auto_reg struct reg *r = NULL;
	auto_buf struct buf name = { 0 };
	struct signer_reply reply;
	struct sha256 h = { { 0 } };
	struct record rec;
	struct error e;

	f.self = true;
	assert_true(fixture_certify(&f, "root", &reply, &e));
	fixture_close(&f);
	r = reg_open(&cfg.reg, &e);
	assert_non_null(r);
	assert_true(name_parse("CN=Somebody", &name, &e));
	record_init(&rec, REC_INTENT);
	record_text(&rec, "alg", "ecdsa-sha256");
	record_int(&rec, "crl", 1);
	record_bytes(&rec, "issuer", buf_bytes(&name));
	record_hash(&rec, "key", &f.key);
	record_text(&rec, "kind", "crl");
	record_time(&rec, "next", 2);
	record_int(&rec, "position", 1);
	record_text(&rec, "scope", "full");
	record_hash(&rec, "sha256", &h);
	record_time(&rec, "this", 1);
	record_text(&rec, "who", "x");
	record_text(&rec, "why", "x");
	assert_false(reg_append(r, &rec, (struct bytes){ 0 }, NULL, &e));
	assert_non_null(strstr(e.msg, "issuer-other"));
	record_bytes(&rec, "issuer", buf_bytes(&f.ca_name));
	assert_true(reg_append(r, &rec, (struct bytes){ 0 }, NULL, &e));
}

static void
count_ok(void *arg, const struct signer_reply *a)
{
	unsigned *n = arg;

	if (a->ok)
		(*n)++;
	else
		assert_string_equal(a->verdict.rule, "charter-self-signed");
}

/* "once" holds for two at the same time. */
static void
test_two_self_signed_at_once(unused_arg void **state)
{
	struct signer_certify req;
	unsigned ok = 0;
	struct error e;
	int i;

	f.self = true;
	for (i = 0; i < 2; i++) {
		auto_buf struct buf tbs = { 0 };

		fixture_tbs(&f, "root", NULL, &tbs);
		req = fixture_request(&f, &tbs);
		assert_true(signer_certify(f.s, &req, count_ok, &ok, &e));
	}
	assert_true(signer_drain(f.s, &e));
	assert_int_equal(ok, 1);
	assert_int_equal(f.signs, 1);
}

/* ---- certificates by OpenSSL's hand ------------------------------------ */

/* One under `ca`, signed by it: serial as big-endian octets, and where its lists lie
 * (as in openssl.cnf), or NULL. */
static void
openssl_cert(struct bytes serial, const char *dps, bool tbs_only,
    struct buf *out)
{
	BIGNUM *n = BN_bin2bn(serial.p, (int)serial.n, NULL);
	X509_NAME *name = NULL;
	const unsigned char *p = f.ca_name.p;
	unsigned char *der = NULL;
	X509_EXTENSION *ext;
	X509 *x = X509_new();
	int len;

	assert_non_null(d2i_X509_NAME(&name, &p, (long)f.ca_name.n));
	assert_int_equal(X509_set_version(x, 2), 1);
	assert_non_null(BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)));
	assert_int_equal(X509_set_issuer_name(x, name), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x),
			     "CN", MBSTRING_UTF8, (const unsigned char *)"leaf",
			     -1, -1, 0),
	    1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 86400));
	assert_int_equal(X509_set_pubkey(x, f.leaf), 1);
	if (dps != NULL) {
		ext = X509V3_EXT_conf_nid(NULL, NULL,
		    NID_crl_distribution_points, dps);
		assert_non_null(ext);
		assert_int_equal(X509_add_ext(x, ext, -1), 1);
		X509_EXTENSION_free(ext);
	}
	assert_true(X509_sign(x, f.ca, EVP_sha256()) > 0);
	len = tbs_only ? i2d_re_X509_tbs(x, &der) : i2d_X509(x, &der);
	assert_true(len > 0);
	buf_add(out, der, (size_t)len);
	OPENSSL_free(der);
	X509_NAME_free(name);
	X509_free(x);
	BN_free(n);
}

static bool
revoke_der(const struct buf *der, struct error *e)
{
	const struct signer_revoke rev = { .key = f.key,
		.cert = UINT64_MAX,
		.cert_der = buf_bytes(der),
		.claim = { .who = "me", .why = "x" } };
	struct signer_reply reply;

	return signer_revoke_wait(f.s, &rev, &reply, e);
}

/* A list must stay writable whatever was revoked. */
static void
must_list(uint64_t entries)
{
	struct signer_crl req = fixture_crl(&f);
	struct signer_reply reply;
	struct error e;

	if (!signer_sign_crl_wait(f.s, &req, &reply, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(reply.entries, entries);
}

static void
test_serials_no_list_can_carry(unused_arg void **state)
{
	static const uint8_t high[20] = { 0x80 }, zero[1] = { 0 },
			     small[1] = { 5 };
	static const struct {
		struct bytes serial;
		bool ok;
	} rows[] = {
		{ { high, 20 }, false },
		{ { zero, 1 }, false },
		{ { small, 1 }, true },
		{ { high, 19 }, true },
	};
	struct error e;
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		auto_buf struct buf der = { 0 };

		openssl_cert(rows[i].serial, NULL, false, &der);
		e = (struct error){ 0 };
		assert_true(revoke_der(&der, &e) == rows[i].ok);
	}
	must_list(2);
}

static void
test_many_distribution_points(unused_arg void **state)
{
	static const uint8_t serial[1] = { 5 };
	auto_buf struct buf dps = { 0 };
	auto_buf struct buf der = { 0 };
	struct error e;
	int i;

	for (i = 0; i < 40; i++)
		buf_addf(&dps, "%sURI:http://c.example/partition-%d.crl",
		    i == 0 ? "" : ",", i + 1);
	openssl_cert(bytes_of(serial, 1), buf_cstr(&dps), false, &der);
	assert_true(revoke_der(&der, &e));
	must_list(1);
}

/* ---- revocations ------------------------------------------------------- */

static void
test_revoke_values(unused_arg void **state)
{
	const int64_t now = clock_wall_ms(&clock_system) / 1000;
	const struct {
		int reason;
		int64_t invalidity;
		bool ok;
	} rows[] = {
		{ 99, 0, false },
		{ 7, 0, false },
		{ -1, 0, false },
		{ CRL_REMOVE, 0, false },
		{ CRL_SUPERSEDED, -1, false },
		{ CRL_SUPERSEDED, INT64_MIN, false },
		{ CRL_SUPERSEDED, INT64_MAX, false },
		{ CRL_SUPERSEDED, now + 3600, false },
		{ CRL_SUPERSEDED, now - 3600, true },
	};
	struct signer_revoke rev = { .key = f.key,
		.claim = { .who = "me", .why = "x" } };
	struct signer_reply reply;
	struct error e;
	size_t i;

	assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
	rev.cert = reply.signed_;
	for (i = 0; i < countof(rows); i++) {
		rev.reason = (enum crl_reason)rows[i].reason;
		rev.invalidity_s = rows[i].invalidity;
		e = (struct error){ 0 };
		assert_true(
		    signer_revoke_wait(f.s, &rev, &reply, &e) == rows[i].ok);
		assert_true(rows[i].ok || e.why == FAIL_BAD_INPUT);
	}
	must_list(1);
}

/* ---- partitions -------------------------------------------------------- */

static bool
certify_dps(const char *dps, struct signer_reply *out, struct error *e)
{
	uint8_t serial[1][LIMIT_SERIAL_BYTES];
	auto_buf struct buf tbs = { 0 };
	struct signer_certify req;

	assert_true(signer_serials(f.s, 1, serial, e));
	openssl_cert(bytes_of(serial[0], sizeof(serial[0])), dps, true, &tbs);
	req = fixture_request(&f, &tbs);
	return signer_certify_wait(f.s, &req, NULL, out, e);
}

static bool
partition_list(const char *scope, const char *url, struct signer_reply *out,
    struct error *e)
{
	struct signer_crl req = fixture_crl(&f);

	req.scope = scope;
	req.idp_url = url;
	return signer_sign_crl_wait(f.s, &req, out, e);
}

static void
test_one_partition(unused_arg void **state)
{
	static const struct {
		const char *dps;
		bool ok;
	} rows[] = {
		{ "URI:http://a.example/partition-1.crl,"
		  "URI:http://a.example/partition-2.crl",
		    false },
		{ "URI:http://a.example/partition-1000001.crl", false },
		{ "URI:http://a.example/partition-99999999999999999999.crl",
		    false },
		{ "URI:http://a.example/partition-3.crl,"
		  "URI:http://b.example/partition-3.crl,"
		  "URI:http://b.example/full.crl",
		    true },
		{ "URI:http://a.example/partition-x.crl", true },
	};
	struct signer_reply reply;
	struct error e;
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		print_message("%s\n", rows[i].dps);
		if (rows[i].ok)
			assert_true(certify_dps(rows[i].dps, &reply, &e));
		else
			expect_rule(certify_dps(rows[i].dps, &reply, &e),
			    &reply, "structure-crl-partition");
	}
}

/* A list under another partition's URL would hide that partition's entries. */
static void
test_partition_url(unused_arg void **state)
{
	static const struct {
		const char *scope, *url;
	} bad[] = {
		{ "partition:1", "http://a.example/partition-2.crl" },
		{ "partition:1", "http://a.example/partition-11.crl" },
		{ "partition:1", "http://a.example/full.crl" },
		{ "partition:1", NULL },
		{ "partition:1", "http://a.example/partition-1000001.crl" },
		{ "partition:1", "partition-1" },
		{ "partition:-1", "http://a.example/partition-1.crl" },
		{ "partition:1000001", "http://a.example/partition-1.crl" },
		{ "full ", NULL },
		{ NULL, NULL },
	};
	struct signer_reply reply;
	struct error e;
	size_t i;

	for (i = 0; i < countof(bad); i++) {
		assert_false(
		    partition_list(bad[i].scope, bad[i].url, &reply, &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
	}
	assert_int_equal(fixture_count(&f, REC_INTENT, NULL), 0);
}

/* Partitions of their own numbers and entries, dropped each by its own lists. */
static void
test_partition_lists(unused_arg void **state)
{
	static const char *const urls[] = { "http://a.example/partition-1.crl",
		"http://a.example/partition-2.crl" };
	static const char *const dps[] = {
		"URI:http://a.example/partition-1.crl",
		"URI:http://a.example/partition-2.crl", NULL
	};
	struct signer_revoke rev = { .key = f.key,
		.claim = { .who = "me", .why = "x" } };
	struct reg_verify_report report;
	struct signer_reply reply;
	struct error e;
	size_t i;

	for (i = 0; i < 3; i++) {
		assert_true(certify_dps(dps[i], &reply, &e));
		rev.cert = reply.signed_;
		assert_true(signer_revoke_wait(f.s, &rev, &reply, &e));
	}
	assert_true(partition_list("partition:1", urls[0], &reply, &e));
	assert_int_equal(reply.entries, 1);
	assert_int_equal(reply.crl_number, 1);
	assert_true(partition_list("partition:2", urls[1], &reply, &e));
	assert_int_equal(reply.entries, 1);
	assert_int_equal(reply.crl_number, 1);
	must_list(3);
	/* All three expire. Partition 1 lists them once more, then not; what is
	 * dropped there still stands on the next of the others. */
	f.now_ms = clock_wall_ms(&clock_system) + INT64_C(2) * 86400000;
	for (i = 0; i < 2; i++) {
		assert_true(partition_list("partition:1", urls[0], &reply, &e));
		assert_int_equal(reply.entries, i == 0 ? 1 : 0);
	}
	assert_true(partition_list("partition:2", urls[1], &reply, &e));
	assert_int_equal(reply.entries, 1);
	must_list(3);
	must_list(0);
	reopen();
	assert_true(partition_list("partition:2", urls[1], &reply, &e));
	assert_int_equal(reply.entries, 0);
	assert_int_equal(reply.crl_number, 3);
	fixture_verify(&f, &report);
	assert_int_equal(report.revoked, 3);
}

static void
test_crl_values(unused_arg void **state)
{
	static uint8_t big[20000];
	struct signer_reply reply;
	char url[LIMIT_CRL_URLS_BYTES + 100];
	struct error e;
	int i;

	memset(url, 'a', sizeof(url) - 1);
	url[sizeof(url) - 1] = '\0';
	memcpy(url, "http://", 7);
	for (i = 0; i < 8; i++) {
		struct signer_crl req = fixture_crl(&f);

		if (i == 0)
			req.period_s = INT64_MAX;
		else if (i == 1)
			req.period_s = INT64_MIN;
		else if (i == 2)
			req.alg = (enum sig_alg)999;
		else if (i == 3)
			req.alg = SIG_RSA_SHA256;
		else if (i == 4)
			req.issuer = bytes_of(big, sizeof(big));
		else if (i == 5) { /* a Name, and what comes behind it */
			buf_add(&f.ca_name, "\x30\x00", 2);
			req.issuer = buf_bytes(&f.ca_name);
		} else if (i == 6)
			req.issuer = bytes_of(big, 10);
		else
			req.idp_url = url;
		e = (struct error){ 0 };
		assert_false(signer_sign_crl_wait(f.s, &req, &reply, &e));
		assert_true(e.why == FAIL_BAD_INPUT || e.why == FAIL_REFUSED);
		if (i == 5)
			f.ca_name.n -= 2;
	}
	assert_int_equal(fixture_count(&f, REC_INTENT, NULL), 0);
	must_list(0);
}

/* Nothing but lists lies where lists lie: no half of one, no temporary names. */
static void
test_crl_leaves_no_files(unused_arg void **state)
{
	struct signer_crl req = fixture_crl(&f);
	auto_mem char *dir = NULL;
	struct signer_reply reply;
	struct dirent *d;
	struct error e;
	unsigned n = 0;
	DIR *list;

	must_list(0);
	f.mode = FAKE_FAIL_SIGNED;
	assert_false(signer_sign_crl_wait(f.s, &req, &reply, &e));
	f.mode = FAKE_GOOD;
	assert_true(signer_sign_crl_wait(f.s, &req, &reply, &e));
	assert_int_equal(reply.crl_number, 3);
	{
		char hex[2 * SHA256_LEN + 1];

		hex_encode(sha256_bytes(&f.key), hex);
		dir = mem_printf("%s/%s/full", f.crl_dir, hex);
	}
	list = opendir(dir);
	assert_non_null(list);
	while ((d = readdir(list)) != NULL)
		if (d->d_name[0] != '.') {
			n++;
			assert_true(strcmp(d->d_name, "1.crl") == 0 ||
			    strcmp(d->d_name, "3.crl") == 0);
		}
	(void)closedir(list);
	assert_int_equal(n, 2);
}

/* ---- refusals ---------------------------------------------------------- */

static void
refuse_reply(void *arg, const struct signer_reply *a)
{
	unsigned *n = arg;

	assert_string_equal(a->verdict.rule, "charter-kind");
	(*n)++;
}

static void
refuse_many(unsigned n)
{
	auto_buf struct buf tbs = { 0 };
	struct signer_certify req;
	unsigned got = 0, i;
	struct error e;

	fixture_tbs(&f, "intermediate", NULL, &tbs);
	req = fixture_request(&f, &tbs);
	for (i = 0; i < n; i++)
		assert_true(signer_certify(f.s, &req, refuse_reply, &got, &e));
	assert_true(signer_drain(f.s, &e));
	assert_int_equal(got, n);
}

/* A thousand an hour are recorded; the others are counted, and told. */
static void
test_refusal_budget(unused_arg void **state)
{
	auto_buf struct buf body = { 0 };
	struct reg_verify_report report;
	uint64_t last;
	struct error e;

	refuse_many(1007);
	assert_int_equal(fixture_count(&f, REC_REFUSED, NULL), 1000);
	f.now_ms = clock_wall_ms(&clock_system) + 3600000;
	refuse_many(1);
	assert_int_equal(fixture_count(&f, REC_REFUSED, &last), 1001);
	assert_true(reg_read_private(signer_register(f.s), last, &body, &e));
	assert_non_null(strstr(buf_cstr(&body), "\"not_recorded\":7,"));
	refuse_many(1);
	assert_int_equal(fixture_count(&f, REC_REFUSED, &last), 1002);
	buf_reset(&body);
	assert_true(reg_read_private(signer_register(f.s), last, &body, &e));
	assert_null(strstr(buf_cstr(&body), "not_recorded"));
	fixture_verify(&f, &report);
	assert_int_equal(report.private_bodies, 1002);
}

static void
test_no_charter(unused_arg void **state)
{
	auto_charter struct charter *c = charter_template("kafka-issuer");
	const struct signer_claim claim = { .who = "me", .why = "test" };
	auto_buf struct buf json = { 0 };
	struct signer_reply reply;
	struct error e;

	expect_rule(fixture_certify(&f, "kafka-broker", &reply, &e), &reply,
	    "charter-none");
	assert_int_equal(fixture_count(&f, REC_REFUSED, NULL), 1);
	charter_to_json(c, &json);
	assert_true(signer_charter(f.s, &f.key, buf_bytes(&json), &claim, &e));
	assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
}

/* ---- what only an operator may ----------------------------------------- */

static void
test_responder_online(unused_arg void **state)
{
	struct signer_reply reply;
	struct error e;

	expect_rule(fixture_certify(&f, "ocsp-responder", &reply, &e), &reply,
	    "structure-ocsp-key");
	assert_true(fixture_certify(&f, "kafka-client", &reply, &e));
	fixture_close(&f);
	f.online = false;
	fixture_open(&f);
	assert_true(fixture_certify(&f, "ocsp-responder", &reply, &e));
}

static int
setup_foreign(unused_arg void **state)
{
	return fixture_setup(&f,
	    (struct fixture){ .online = true, .foreign_responders = true });
}

/* ocsp_key: memory. The answers of such a key pass by here: it is let through for the
 * longest life that a responder's certificate may have, and no longer. */
static void
test_responder_foreign(unused_arg void **state)
{
	struct signer_reply reply;
	struct error e;

	assert_true(fixture_certify(&f, "ocsp-responder", &reply, &e));
	f.life_s = LIMIT_OCSP_RESPONDER_S;
	assert_true(fixture_certify(&f, "ocsp-responder", &reply, &e));
	f.life_s = LIMIT_OCSP_RESPONDER_S + 60;
	expect_rule(fixture_certify(&f, "ocsp-responder", &reply, &e), &reply,
	    "structure-ocsp-life");
	assert_true(fixture_certify(&f, "kafka-client", &reply, &e));
	f.life_s = 0;
	fixture_close(&f);
	f.foreign_responders = false;
	fixture_open(&f);
	expect_rule(fixture_certify(&f, "ocsp-responder", &reply, &e), &reply,
	    "structure-ocsp-key");
}

static void
test_path_online(unused_arg void **state)
{
	auto_mem char *path = path_join(f.dir, "x.crl");
	struct signer_crl req = fixture_crl(&f);
	struct signer_reply reply;
	struct error e;

	req.path = path;
	assert_false(signer_sign_crl_wait(f.s, &req, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	req.path = NULL;
	assert_true(signer_sign_crl_wait(f.s, &req, &reply, &e));
}

/* ---- RECORD ------------------------------------------------------------ */

static void
fill(struct record *rec)
{
	record_init(rec, rec->type);
	if (rec->type == REC_CUSTODY) {
		record_bool(rec, "ok", true);
		record_json(rec, "result", bytes_str("{}"));
		record_text(rec, "what", "x");
	} else if (rec->type == REC_ANCHOR) {
		record_text(rec, "anchor", "x");
		record_int(rec, "size", 1);
		record_text(rec, "who", "x");
		record_text(rec, "why", "x");
	} else if (rec->type == REC_LOGIN) {
		record_text(rec, "result", "ok");
		record_text(rec, "token", "x");
	} else if (rec->type == REC_CONFIG || rec->type == REC_EVENT) {
		record_text(rec, "what", "x");
	}
}

static void
may_record(unsigned allowed)
{
	struct record rec = { 0 };
	struct error e;
	unsigned t;

	for (t = 0; t < REC_TYPE__COUNT + 2; t++) {
		rec.type = (enum record_type)t;
		if (t < REC_TYPE__COUNT)
			fill(&rec);
		e = (struct error){ 0 };
		assert_int_equal(signer_record(f.s, &rec, (struct bytes){ 0 },
				     NULL, &e),
		    allowed >> t & 1);
		assert_int_equal(e.why,
		    allowed >> t & 1 ? FAIL_NONE : FAIL_REFUSED);
	}
}

#define EVENTS (1U << REC_CONFIG | 1U << REC_EVENT | 1U << REC_LOGIN)

static void
test_record_online(unused_arg void **state)
{
	may_record(EVENTS);
}

static void
test_record_offline(unused_arg void **state)
{
	may_record(EVENTS | 1U << REC_CUSTODY | 1U << REC_ANCHOR);
}

static void
test_claims_of_synchronous_calls(unused_arg void **state)
{
	static const struct signer_claim bad[] = { { NULL, "x", { 0 } },
		{ "x", NULL, { 0 } }, { "\xff", "x", { 0 } } };
	struct signer_keygen gen = { .type = { KEY_EC_P256, 0 }, .label = "k" };
	enum signer_orphan o;
	struct sha256 key;
	struct error e;
	size_t i;

	for (i = 0; i < countof(bad); i++) {
		gen.claim = bad[i];
		assert_false(signer_key_generate(f.s, &gen, &key, NULL, &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		assert_false(signer_key_destroy(f.s, &f.key, &bad[i], &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		assert_false(
		    signer_charter(f.s, &f.key, bytes_str("{}"), &bad[i], &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		assert_false(signer_key_adopt(f.s, 0, "pkcs11:object=k",
		    (struct bytes){ 0 }, &bad[i], &key, &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		assert_false(signer_keygen_settle(f.s, 0, true,
		    (struct bytes){ 0 }, &bad[i], &o, &key, &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
	}
}

static void
test_profile_text(unused_arg void **state)
{
	auto_buf struct buf tbs = { 0 };
	struct signer_certify req;
	struct signer_reply reply;
	char text[LIMIT_WHO_BYTES + 2];
	struct error e;

	memset(text, 'p', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fixture_tbs(&f, "kafka-broker", NULL, &tbs);
	req = fixture_request(&f, &tbs);
	req.profile = text;
	assert_false(signer_certify_wait(f.s, &req, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	req.profile = "\xc0";
	assert_false(signer_certify_wait(f.s, &req, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	req.profile = NULL;
	assert_true(signer_certify_wait(f.s, &req, NULL, &reply, &e));
}

/* ---- crashes ----------------------------------------------------------- */

/* An INTENT without outcome. */
static void
die_signing(const char *profile)
{
	struct signer_reply reply;
	struct error e;
	int status;
	pid_t pid;

	fixture_close(&f);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fixture_open(&f);
		f.mode = FAKE_DIE;
		(void)fixture_certify(&f, profile, &reply, &e);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* The newest segment loses its last line, as in a torn write. */
static void
tear_last_line(void)
{
	auto_buf struct buf text = { 0 };
	char *path = NULL;
	struct error e;
	int i;

	for (i = 1; i < 100; i++) {
		auto_mem char *p =
		    mem_printf("%s/log/%06d.jsonl", f.reg_dir, i);

		if (access(p, F_OK) != 0)
			continue;
		mem_free(path);
		path = mem_strdup(p);
	}
	assert_non_null(path);
	assert_true(file_read(path, 1 << 20, &text, &e));
	for (text.n--; text.n > 0 && text.p[text.n - 1] != '\n';)
		text.n--;
	assert_int_equal(truncate(path, (off_t)text.n), 0);
	mem_free(path);
}

/* What a crash leaves of the two records of an unknown outcome is the revocation
 * alone, never the outcome without it. */
static void
test_torn_between_revoke_and_assumed(unused_arg void **state)
{
	struct reg_verify_report report;
	uint64_t revoke, assumed;

	die_signing("kafka-broker");
	fixture_open(&f);
	assert_int_equal(fixture_count(&f, REC_REVOKE, &revoke), 1);
	assert_int_equal(fixture_count(&f, REC_ASSUMED, &assumed), 1);
	assert_true(revoke < assumed);
	signer_free(f.s);
	f.s = NULL;
	tear_last_line();
	assert_int_equal(fixture_count(&f, REC_ASSUMED, NULL), 0);
	assert_int_equal(fixture_count(&f, REC_REVOKE, NULL), 1);
	fixture_open(&f);
	assert_int_equal(fixture_count(&f, REC_ASSUMED, NULL), 1);
	assert_int_equal(fixture_count(&f, REC_REVOKE, NULL), 1);
	fixture_verify(&f, &report);
	assert_int_equal(report.open_intents, 0);
}

/* A self-signed root whose outcome is lost is only recorded; it may be tried again. */
static void
test_lost_root(unused_arg void **state)
{
	struct reg_verify_report report;
	struct signer_reply reply;
	struct error e;

	f.self = true;
	die_signing("root");
	fixture_open(&f);
	assert_int_equal(fixture_count(&f, REC_ASSUMED, NULL), 1);
	assert_int_equal(fixture_count(&f, REC_REVOKE, NULL), 0);
	assert_true(fixture_certify(&f, "root", &reply, &e));
	fixture_verify(&f, &report);
}

/* The log dies behind a commit: what was made durable is answered, nothing is signed
 * for it any more, and every later call says why. */
static void
test_log_dies_behind_commit(unused_arg void **state)
{
	auto_mem char *dir = path_join(f.reg_dir, "snapshot");
	auto_mem char *away = path_join(f.reg_dir, "snapshot.away");
	uint8_t serial[1][LIMIT_SERIAL_BYTES];
	struct signer_revoke rev = { .key = f.key,
		.claim = { .who = "me", .why = "x" } };
	struct signer_reply reply;
	struct error e;
	unsigned i;

	assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
	rev.cert = reply.signed_;
	assert_int_equal(rename(dir, away), 0);
	assert_true(file_create(dir, bytes_str("x"), 0600, &e));
	for (i = 0; i < 50 && fixture_certify(&f, "kafka-broker", &reply, &e);)
		i++;
	assert_true(i < 50);
	assert_true(reg_is_dead(signer_register(f.s)));
	for (i = 0; i < 3; i++) {
		e = (struct error){ 0 };
		assert_false(signer_turn(f.s, true, &e));
		assert_int_equal(e.why, FAIL_IO);
		assert_false(signer_serials(f.s, 1, serial, &e));
		assert_false(signer_revoke_wait(f.s, &rev, &reply, &e));
		assert_int_equal(e.why, FAIL_IO);
	}
	assert_int_equal(signer_fd(f.s), -1);
	assert_int_equal(signer_in_flight(f.s), 0);
	assert_false(signer_close(f.s, &e));
	f.s = NULL;
	assert_int_equal(unlink(dir), 0);
	assert_int_equal(rename(away, dir), 0);
	fixture_open(&f);
	assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
	fixture_close(&f);
}

/* The same with nothing in flight when the log dies: a revocation's commit. */
static void
test_log_dies_behind_revocation(unused_arg void **state)
{
	auto_mem char *dir = path_join(f.reg_dir, "snapshot");
	auto_mem char *away = path_join(f.reg_dir, "snapshot.away");
	struct signer_revoke rev = { .key = f.key,
		.claim = { .who = "me", .why = "x" } };
	struct signer_reply reply;
	uint64_t certs[40];
	struct error e;
	size_t i;

	for (i = 0; i < countof(certs); i++) {
		assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
		certs[i] = reply.signed_;
	}
	assert_int_equal(rename(dir, away), 0);
	assert_true(file_create(dir, bytes_str("x"), 0600, &e));
	for (i = 0; i < countof(certs); i++) {
		rev.cert = certs[i];
		if (!signer_revoke_wait(f.s, &rev, &reply, &e))
			break;
		if (reg_is_dead(signer_register(f.s)))
			break;
	}
	assert_true(i < countof(certs));
	assert_false(signer_turn(f.s, true, &e));
	assert_int_equal(e.why, FAIL_IO);
	assert_false(signer_turn(f.s, true, &e));
	assert_false(signer_revoke_wait(f.s, &rev, &reply, &e));
	assert_int_equal(e.why, FAIL_IO);
}

/* ---- SETTLE ------------------------------------------------------------ */

static void
ignore_reply(unused_arg void *arg, unused_arg const struct signer_reply *a)
{
}

static void
certify_id(unsigned id)
{
	auto_buf struct buf tbs = { 0 };
	struct signer_certify req;
	struct error e;

	fixture_tbs(&f, "kafka-client", NULL, &tbs);
	req = fixture_request(&f, &tbs);
	req.claim.request_id = bytes_of(&id, sizeof(id));
	assert_true(signer_certify(f.s, &req, ignore_reply, NULL, &e));
	assert_true(signer_drain(f.s, &e));
}

static void
check_settled(unsigned id, enum signer_outcome want)
{
	uint64_t intent, signed_;
	enum signer_outcome what;
	struct error e;

	assert_true(signer_settle(f.s, bytes_of(&id, sizeof(id)), &what,
	    &intent, &signed_, &e));
	assert_int_equal(what, want);
	assert_true((intent != UINT64_MAX) == (want != OUTCOME_UNKNOWN));
	assert_true((signed_ != UINT64_MAX) == (want == OUTCOME_SIGNED));
}

/* Ids of all outcomes, in segments long closed, asked for after restarts. */
static void
test_settle_across_segments(unused_arg void **state)
{
	struct reg_verify_report report;
	unsigned i;
	int round;

	certify_id(1000);
	f.mode = FAKE_FAIL_UNSIGNED;
	certify_id(1001);
	f.mode = FAKE_FAIL_SIGNED;
	certify_id(1002);
	f.mode = FAKE_GOOD;
	/* The same id again means its last request. */
	certify_id(1001);
	for (i = 0; i < 30; i++)
		certify_id(i);
	for (round = 0; round < 3; round++) {
		check_settled(1000, OUTCOME_SIGNED);
		check_settled(1001, OUTCOME_SIGNED);
		check_settled(1002, OUTCOME_ASSUMED);
		check_settled(0, OUTCOME_SIGNED);
		check_settled(29, OUTCOME_SIGNED);
		check_settled(30, OUTCOME_UNKNOWN);
		check_settled(2000,
		    round > 0 ? OUTCOME_SIGNED : OUTCOME_UNKNOWN);
		reopen();
		/* Noted beside what is read from the segments. */
		certify_id(2000);
	}
	fixture_verify(&f, &report);
	assert_true(report.snapshots >= 5);
}

#define TEST_AS(fn, how) cmocka_unit_test_setup_teardown(fn, how, teardown)
#define TEST(fn) TEST_AS(fn, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_AS(test_issuer_names, setup_segments),
		TEST(test_issuer_in_register),
		TEST_AS(test_two_self_signed_at_once, setup_root),
		TEST(test_serials_no_list_can_carry),
		TEST(test_many_distribution_points),
		TEST(test_revoke_values),
		TEST(test_one_partition),
		TEST(test_partition_url),
		TEST(test_partition_lists),
		TEST(test_crl_values),
		TEST(test_crl_leaves_no_files),
		TEST_AS(test_refusal_budget, setup_strict),
		TEST_AS(test_no_charter, setup_no_charter),
		TEST_AS(test_responder_online, setup_online),
		TEST_AS(test_responder_foreign, setup_foreign),
		TEST_AS(test_path_online, setup_online),
		TEST_AS(test_record_online, setup_online),
		TEST(test_record_offline),
		TEST(test_claims_of_synchronous_calls),
		TEST(test_profile_text),
		TEST(test_torn_between_revoke_and_assumed),
		TEST_AS(test_lost_root, setup_root),
		TEST_AS(test_log_dies_behind_commit, setup_segments),
		TEST_AS(test_log_dies_behind_revocation, setup_segments),
		TEST_AS(test_settle_across_segments, setup_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
