/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/x509.h>

#include <chancery/charter/charter.h>
#include <chancery/pki/ocsp.h>
#include <chancery/signer/rebuild.h>

#include "signer_fixture.h"

/* SIGN_OCSP and SIGN_CSR. */

static struct fixture f;

static int
setup(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ .charter = "open" });
}

static int
setup_responder(unused_arg void **state)
{
	return fixture_setup(&f,
	    (struct fixture){ .charter = "ocsp-responder" });
}

static int
setup_no_ocsp(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ .charter = "root" });
}

static int
teardown(unused_arg void **state)
{
	fixture_free(&f);
	return 0;
}

/* ---- ResponseData ------------------------------------------------------ */

enum flaw {
	GOOD,
	NO_NEXT,
	NEXT_FIRST,
	NO_ANSWER,
	NO_PRODUCED,
	TRAILING,
	TRUNCATED,
	SECOND_BEHIND,
	BAD_STATUS,
	SHORT_RESPONDER,
	RESPONDER_NAME,
	BAD_NAME
};
struct answer {
	enum flaw flaw;
	const char *hash; /* NULL: SHA-1                                 */
	struct bytes key_hash, serial;
	enum ocsp_status status;
	int64_t revoked, produced, this, next; /* seconds from now */
	int64_t second_this;                   /* of another answer; 0: none */
};

static int64_t
now_s(void)
{
	return clock_wall_ms(&clock_system) / 1000;
}

static void
write_status(struct der_writer *w, const struct answer *a)
{
	size_t mark = der_w_mark(w);
	struct bytes none = { 0 };

	if (a->flaw == BAD_STATUS) {
		der_w_tlv(w, DER_CONTEXT(3), none);
	} else if (a->status == OCSP_REVOKED) {
		der_w_generalized_time(w, now_s() + a->revoked);
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(1), mark);
	} else {
		der_w_tlv(w, DER_CONTEXT(a->status == OCSP_GOOD ? 0 : 2), none);
	}
}

static void
write_cert_id(struct der_writer *w, const struct answer *a)
{
	static const uint8_t name_hash[20] = { 7 };
	size_t mark = der_w_mark(w), alg;

	der_w_integer(w, a->serial);
	der_w_tlv(w, DER_OCTET_STRING, a->key_hash);
	der_w_tlv(w, DER_OCTET_STRING, bytes_of(name_hash, 20));
	alg = der_w_mark(w);
	der_w_oid(w, a->hash != NULL ? a->hash : "1.3.14.3.2.26");
	der_w_wrap(w, DER_SEQUENCE, alg);
	der_w_wrap(w, DER_SEQUENCE, mark);
}

static void
write_single(struct der_writer *w, const struct answer *a, int64_t this)
{
	size_t mark = der_w_mark(w);

	if (a->flaw != NO_NEXT) {
		der_w_generalized_time(w,
		    now_s() + (a->flaw == NEXT_FIRST ? this - 1 : a->next));
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), mark);
	}
	der_w_generalized_time(w, now_s() + this);
	write_status(w, a);
	write_cert_id(w, a);
	der_w_wrap(w, DER_SEQUENCE, mark);
}

static void
write_responder(struct der_writer *w, const struct answer *a)
{
	static const uint8_t id[20] = { 9 };
	size_t mark = der_w_mark(w);
	bool name = a->flaw == RESPONDER_NAME || a->flaw == BAD_NAME;

	if (name)
		der_w_raw(w, buf_bytes(&f.ca_name));
	else
		der_w_tlv(w, DER_OCTET_STRING,
		    bytes_of(id, a->flaw == SHORT_RESPONDER ? 19 : 20));
	if (a->flaw == BAD_NAME)
		der_w_bool(w, true);
	der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(name ? 1 : 2), mark);
}

static void
response_data(const struct answer *a, struct buf *out)
{
	auto_der_writer struct der_writer w = { 0 };
	size_t mark, list;

	der_w_init(&w, 256);
	mark = der_w_mark(&w);
	if (a->flaw == TRAILING)
		der_w_bool(&w, true);
	list = der_w_mark(&w);
	if (a->second_this != 0)
		write_single(&w, a, a->second_this);
	if (a->flaw == SECOND_BEHIND)
		der_w_bool(&w, true);
	if (a->flaw != NO_ANSWER)
		write_single(&w, a, a->this);
	der_w_wrap(&w, DER_SEQUENCE, list);
	if (a->flaw != NO_PRODUCED)
		der_w_generalized_time(&w, now_s() + a->produced);
	write_responder(&w, a);
	der_w_wrap(&w, DER_SEQUENCE, mark);
	buf_add_bytes(out, der_w_bytes(&w));
	if (a->flaw == TRUNCATED)
		out->n--;
}

static const uint8_t foreign_hash[20] = { 1, 2, 3 };

static struct answer
answer(void)
{
	static const uint8_t serial[] = { 0x11, 0x22 };

	return (struct answer){ .key_hash = bytes_of(foreign_hash, 20),
		.serial = bytes_of(serial, sizeof(serial)),
		.next = 86400 };
}

static bool
sign_many(const struct bytes *data, size_t n, struct buf *sigs,
    struct signer_reply *out, struct error *e)
{
	const struct signer_ocsp req = { .key = f.key,
		.data = data,
		.n = n,
		.claim = { .who = "me", .why = "test" } };

	*out = (struct signer_reply){ .intent = UINT64_MAX };
	return signer_sign_ocsp_wait(f.s, &req, sigs, out, e);
}

static bool
sign_one(const struct answer *a, struct signer_reply *out, struct error *e)
{
	auto_buf struct buf data = { 0 };
	struct bytes one;

	response_data(a, &data);
	one = buf_bytes(&data);
	return sign_many(&one, 1, NULL, out, e);
}

static void
refused(const struct answer *a, const char *rule)
{
	struct signer_reply reply;
	unsigned signs = f.signs;
	struct error e;

	assert_false(sign_one(a, &reply, &e));
	if (reply.verdict.rule == NULL)
		fail_msg("no rule, expected %s: %s", rule, e.msg);
	assert_string_equal(reply.verdict.rule, rule);
	assert_int_equal(f.signs, signs);
}

/* ---- signing ----------------------------------------------------------- */

/* Every signature verifies over its own ResponseData, in order. */
static void
check_sigs(const struct bytes *data, size_t n, struct bytes sigs)
{
	struct der_reader top, list;
	struct error e;
	size_t i;

	der_r_init(&top, sigs);
	der_r_init(&list, der_r_get(&top, DER_SEQUENCE));
	for (i = 0; i < n; i++)
		assert_true(spki_verify(&f.ca_key, SIG_ECDSA_SHA256, data[i],
		    der_r_get(&list, DER_OCTET_STRING), &e));
	assert_true(der_r_done(&list));
	assert_true(der_r_done(&top));
}

static uint64_t
signatures(void)
{
	return reg_state_key(reg_get_state(signer_register(f.s)), &f.key)
	    ->signatures;
}

static void
batch(size_t n)
{
	struct buf data[LIMIT_OCSP_BATCH] = { { 0 } };
	struct bytes v[LIMIT_OCSP_BATCH];
	auto_buf struct buf sigs = { 0 };
	uint64_t before = signatures();
	struct answer a = answer();
	struct signer_reply reply;
	struct error e;
	size_t i;

	for (i = 0; i < n; i++) {
		const uint8_t serial[] = { 1, (uint8_t)i };

		a.serial = bytes_of(serial, sizeof(serial));
		response_data(&a, &data[i]);
		v[i] = buf_bytes(&data[i]);
	}
	if (!sign_many(v, n, &sigs, &reply, &e))
		fail_msg("%zu: %s", n, e.msg);
	check_sigs(v, n, buf_bytes(&sigs));
	assert_int_equal(signatures() - before, n);
	for (i = 0; i < n; i++)
		buf_free(&data[i]);
}

static void
test_batches(unused_arg void **state)
{
	struct reg_verify_report report;

	batch(1);
	batch(3);
	batch(256);
	assert_int_equal(fixture_count(&f, REC_INTENT, NULL), 3);
	/* Counted as many, again at the next start. */
	fixture_close(&f);
	fixture_open(&f);
	assert_int_equal(signatures(), 260);
	fixture_verify(&f, &report);
	assert_int_equal(report.signatures_checked, 3);
}

static void
test_by_name(unused_arg void **state)
{
	struct answer a = answer();
	struct signer_reply reply;
	struct error e;

	a.flaw = RESPONDER_NAME;
	assert_true(sign_one(&a, &reply, &e));
}

static void
test_malformed(unused_arg void **state)
{
	static const enum flaw flaws[] = { NO_NEXT, NEXT_FIRST, NO_ANSWER,
		NO_PRODUCED, TRAILING, TRUNCATED, SECOND_BEHIND, BAD_STATUS,
		SHORT_RESPONDER, BAD_NAME };
	struct answer a = answer();
	size_t i;

	for (i = 0; i < countof(flaws); i++) {
		a.flaw = flaws[i];
		print_message("flaw %d\n", (int)flaws[i]);
		refused(&a, "structure-der");
	}
	assert_int_equal(fixture_count(&f, REC_REFUSED, NULL), countof(flaws));
	assert_int_equal(fixture_count(&f, REC_INTENT, NULL), 0);
}

static void
test_sizes(unused_arg void **state)
{
	static uint8_t big[LIMIT_TBS_BYTES + 1];
	struct bytes v[LIMIT_OCSP_BATCH + 1] = { { 0 } };
	auto_buf struct buf data = { 0 };
	struct answer a = answer();
	struct signer_reply reply;
	struct error e;

	assert_false(sign_many(v, 0, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_false(sign_many(v, LIMIT_OCSP_BATCH + 1, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	v[0] = bytes_of(big, sizeof(big));
	assert_false(sign_many(v, 1, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	/* One element that is two, or none. */
	response_data(&a, &data);
	response_data(&a, &data);
	v[0] = buf_bytes(&data);
	assert_false(sign_many(v, 1, NULL, &reply, &e));
	assert_string_equal(reply.verdict.rule, "structure-der");
	v[1] = (struct bytes){ 0 };
	v[0] = bytes_of(data.p, data.n / 2);
	assert_false(sign_many(v, 2, NULL, &reply, &e));
	assert_string_equal(reply.verdict.rule, "structure-der");
	assert_int_equal(f.signs, 0);
}

static void
test_kind(unused_arg void **state)
{
	struct answer a = answer();

	refused(&a, "charter-kind");
}

static void
test_periods(unused_arg void **state)
{
	static const struct {
		int64_t produced, this, second, next;
		const char *rule; /* NULL: good */
	} rows[] = {
		{ 0, 0, 0, 86400, NULL },
		{ 0, 0, 0, 10 * 86400, NULL },
		{ 0, 0, 0, 11 * 86400, "charter-life" },
		{ 0, -7200, 0, 86400, "charter-backdate" },
		{ 0, 7200, 0, 86400, "charter-future" },
		{ 0, 0, 7200, 86400, "charter-future" },
		{ 0, 0, -7200, 86400, "charter-backdate" },
		{ -7200, 0, 0, 86400, "charter-backdate" },
		{ 7200, 0, 0, 86400, "charter-future" },
	};
	struct answer a = answer();
	struct signer_reply reply;
	struct error e;
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		a.produced = rows[i].produced;
		a.this = rows[i].this;
		a.second_this = rows[i].second;
		a.next = rows[i].next;
		print_message("row %zu\n", i);
		if (rows[i].rule != NULL)
			refused(&a, rows[i].rule);
		else if (!sign_one(&a, &reply, &e))
			fail_msg("%s", e.msg);
	}
}

/* Each answer counts, not each INTENT; those in one batch as well. */
static void
test_total(unused_arg void **state)
{
	static const char yaml[] = "kinds: [ocsp]\n"
				   "max_life: { ocsp: 10d }\n"
				   "backdate: 1h\n"
				   "total: 5\n";
	const struct signer_claim claim = { .who = "me", .why = "test" };
	auto_charter struct charter *c = NULL;
	auto_buf struct buf json = { 0 }, data = { 0 }, report = { 0 };
	struct answer a = answer();
	struct signer_reply reply;
	struct bytes v[3];
	struct error e;
	size_t i;

	c = charter_parse_yaml(bytes_str(yaml), "test", &report, &e);
	if (c == NULL)
		fail_msg("%s", e.msg);
	charter_to_json(c, &json);
	assert_true(signer_charter(f.s, &f.key, buf_bytes(&json), &claim, &e));
	response_data(&a, &data);
	for (i = 0; i < countof(v); i++)
		v[i] = buf_bytes(&data);
	assert_true(sign_many(v, 3, NULL, &reply, &e));
	assert_false(sign_many(v, 3, NULL, &reply, &e));
	assert_string_equal(reply.verdict.rule, "charter-total");
	assert_true(sign_many(v, 2, NULL, &reply, &e));
	assert_false(sign_many(v, 1, NULL, &reply, &e));
	assert_int_equal(f.signs, 5);
}

/* ---- what the register revoked ----------------------------------------- */

struct certified {
	uint8_t serial[LIMIT_SERIAL_BYTES];
};

static void
certify_and_revoke(struct certified *c)
{
	struct signer_revoke rev = { .key = f.key,
		.claim = { .who = "me", .why = "x" } };
	auto_buf struct buf tbs = { 0 };
	struct signer_certify req;
	struct signer_reply reply;
	struct tbs_view t;
	struct error e;

	fixture_tbs(&f, "kafka-broker", NULL, &tbs);
	assert_true(tbs_parse(buf_bytes(&tbs), &t, &e));
	memcpy(c->serial, t.serial.p, sizeof(c->serial));
	req = fixture_request(&f, &tbs);
	assert_true(signer_certify_wait(f.s, &req, NULL, &reply, &e));
	rev.cert = reply.signed_;
	assert_true(signer_revoke_wait(f.s, &rev, &reply, &e));
}

static void
test_revoked(unused_arg void **state)
{
	uint8_t sha1[20], sha384[DIGEST_MAX];
	struct sha256 h = sha256(f.ca_key.point);
	struct answer a = answer();
	struct signer_reply reply;
	struct certified c;
	struct error e;
	size_t i;

	spki_key_id(&f.ca_key, sha1);
	(void)digest_of(DIGEST_SHA384, f.ca_key.point, sha384);
	certify_and_revoke(&c);
	a.serial = bytes_of(c.serial, sizeof(c.serial));
	/* Another issuer's certificate of the same number. */
	assert_true(sign_one(&a, &reply, &e));
	for (i = 0; i < 3; i++) {
		a.key_hash = i == 0 ? bytes_of(sha1, 20)
		    : i == 1        ? sha256_bytes(&h)
				    : bytes_of(sha384, 48);
		a.hash = i == 0 ? NULL
		    : i == 1    ? "2.16.840.1.101.3.4.2.1"
				: "2.16.840.1.101.3.4.2.2";
		a.status = OCSP_GOOD;
		refused(&a, "ocsp-revoked");
		a.status = OCSP_UNKNOWN;
		refused(&a, "ocsp-revoked");
		a.status = OCSP_REVOKED;
		a.revoked = 3600;
		refused(&a, "ocsp-revoked");
		a.revoked = -60;
		if (!sign_one(&a, &reply, &e))
			fail_msg("%s", e.msg);
	}
	/* SHA-224: whose certificate it is cannot be told. */
	a.hash = "2.16.840.1.101.3.4.2.4";
	refused(&a, "ocsp-hash");
	a.hash = "1.2.3";
	refused(&a, "ocsp-hash");
	/* And after a restart. */
	fixture_close(&f);
	fixture_open(&f);
	a.hash = NULL;
	a.key_hash = bytes_of(sha1, 20);
	a.status = OCSP_GOOD;
	refused(&a, "ocsp-revoked");
}

/* Serials that no list can carry are asked about all the same. */
static void
test_odd_serials(unused_arg void **state)
{
	static const uint8_t high[20] = { 0x80 };
	struct answer a = answer();
	struct signer_reply reply;
	struct error e;

	a.serial = bytes_of(high, sizeof(high));
	assert_true(sign_one(&a, &reply, &e));
	a.serial = bytes_of(high + 1, 1);
	assert_true(sign_one(&a, &reply, &e));
}

static void
test_key_failure(unused_arg void **state)
{
	struct reg_verify_report report;
	struct answer a = answer();
	struct signer_reply reply;
	struct error e;

	f.mode = FAKE_FAIL_SIGNED;
	assert_false(sign_one(&a, &reply, &e));
	assert_int_equal(e.why, FAIL_HSM_GONE);
	assert_int_equal(fixture_count(&f, REC_ASSUMED, NULL), 1);
	assert_int_equal(fixture_count(&f, REC_REVOKE, NULL), 0);
	f.mode = FAKE_FAIL_UNSIGNED;
	assert_false(sign_one(&a, &reply, &e));
	assert_int_equal(fixture_count(&f, REC_FAILED, NULL), 1);
	/* What failed unsigned does not count. */
	assert_int_equal(signatures(), 1);
	fixture_verify(&f, &report);
}

/* ---- what verify sees -------------------------------------------------- */

struct pair {
	struct buf line[2], store[2];
	struct record in, out;
};

static void
pair_free(struct pair *p)
{
	buf_free(&p->line[0]);
	buf_free(&p->line[1]);
	buf_free(&p->store[0]);
	buf_free(&p->store[1]);
}

static void
read_pair(const struct signer_reply *a, struct pair *p)
{
	struct reg *r = signer_register(f.s);
	struct error e;

	assert_true(
	    reg_read(r, a->intent, &p->line[0], &p->in, &p->store[0], &e));
	assert_true(
	    reg_read(r, a->signed_, &p->line[1], &p->out, &p->store[1], &e));
}

static bool
check(const struct pair *p, struct error *e)
{
	return rebuild_check_sig(NULL, &p->in, &p->out, buf_bytes(&f.ca_spki),
	    e);
}

static void
test_check_ocsp(unused_arg void **state)
{
	auto_cleanup(pair_free) struct pair p = { 0 };
	struct answer a = answer();
	struct signer_reply reply;
	struct bytes tbs;
	struct error e;

	assert_true(sign_one(&a, &reply, &e));
	read_pair(&reply, &p);
	assert_true(check(&p, &e));
	record_int(&p.in, "entries", 2);
	assert_false(check(&p, &e));
	assert_int_equal(e.why, FAIL_CORRUPT);
	record_int(&p.in, "entries", 1);
	tbs = record_get(&p.in, "tbs");
	((uint8_t *)(uintptr_t)tbs.p)[tbs.n - 1] ^= 1;
	assert_false(check(&p, &e));
}

/* What an INTENT says of its certificate is held against the certificate. */
static void
test_check_cert(unused_arg void **state)
{
	auto_cleanup(pair_free) struct pair p = { 0 };
	uint8_t serial[LIMIT_SERIAL_BYTES];
	struct signer_reply reply;
	struct record saved;
	struct error e;

	assert_true(fixture_certify(&f, "kafka-broker", &reply, &e));
	read_pair(&reply, &p);
	assert_true(check(&p, &e));
	saved = p.in;
	memcpy(serial, record_get(&p.in, "serial").p, sizeof(serial));
	serial[19] ^= 1;
	record_bytes(&p.in, "serial", bytes_of(serial, sizeof(serial)));
	assert_false(check(&p, &e));
	assert_int_equal(e.why, FAIL_CORRUPT);
	p.in = saved;
	record_bytes(&p.in, "serial", (struct bytes){ 0 });
	assert_false(check(&p, &e));
	p.in = saved;
	record_text(&p.in, "kind", "ca");
	assert_false(check(&p, &e));
	assert_int_equal(e.why, FAIL_CORRUPT);
	p.in = saved;
	record_text(&p.in, "alg", "ecdsa-sha384");
	assert_false(check(&p, &e));
	assert_int_equal(e.why, FAIL_CORRUPT);
	p.in = saved;
	record_text(&p.in, "kind", "csr");
	assert_false(check(&p, &e));
	record_text(&p.in, "kind", "ocsp");
	assert_false(check(&p, &e));
	record_text(&p.in, "kind", "something");
	assert_false(check(&p, &e));
	assert_int_equal(e.why, FAIL_CORRUPT);
}

/* ---- SIGN_CSR ---------------------------------------------------------- */

static void
csr_info(EVP_PKEY *key, struct buf *out)
{
	X509_REQ *q = X509_REQ_new();
	X509_NAME *name = X509_REQ_get_subject_name(q);
	unsigned char *der = NULL;
	int n;

	assert_int_equal(X509_REQ_set_version(q, 0), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
			     (const unsigned char *)"An Intermediate", -1, -1,
			     0),
	    1);
	assert_int_equal(X509_REQ_set_pubkey(q, key), 1);
	n = i2d_re_X509_REQ_tbs(q, &der);
	assert_true(n > 0);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	X509_REQ_free(q);
}

static bool
sign_csr(struct bytes info, struct buf *sig, struct signer_reply *reply,
    struct error *e)
{
	const struct signer_csr req = { .key = f.key,
		.info = info,
		.claim = { .who = "me", .why = "test" } };

	return signer_sign_csr_wait(f.s, &req, sig, reply, e);
}

static void
test_csr(unused_arg void **state)
{
	auto_buf struct buf info = { 0 };
	auto_buf struct buf sig = { 0 };
	auto_buf struct buf der = { 0 };
	struct reg_verify_report report;
	struct signer_reply reply;
	const unsigned char *p;
	struct error e;
	X509_REQ *q;

	csr_info(f.ca, &info);
	if (!sign_csr(buf_bytes(&info), &sig, &reply, &e))
		fail_msg("%s", e.msg);
	cert_assemble(buf_bytes(&info), SIG_ECDSA_SHA256, buf_bytes(&sig),
	    &der);
	p = der.p;
	q = d2i_X509_REQ(NULL, &p, (long)der.n);
	assert_non_null(q);
	assert_int_equal(X509_REQ_verify(q, f.ca), 1);
	X509_REQ_free(q);
	fixture_verify(&f, &report);
	assert_int_equal(report.signatures_checked, 1);
}

static void
csr_refused(struct bytes info, const char *rule)
{
	struct signer_reply reply;
	struct error e;

	assert_false(sign_csr(info, NULL, &reply, &e));
	assert_non_null(reply.verdict.rule);
	assert_string_equal(reply.verdict.rule, rule);
	assert_int_equal(f.signs, 0);
}

static void
test_csr_bad(unused_arg void **state)
{
	static const uint8_t one[1] = { 0x30 };
	static uint8_t big[LIMIT_TBS_BYTES + 1];
	auto_buf struct buf info = { 0 };
	auto_buf struct buf other = { 0 };
	struct signer_reply reply;
	struct error e;
	size_t version;

	csr_info(f.ca, &info);
	csr_info(f.leaf, &other);
	csr_refused(buf_bytes(&other), "structure-csr-key");
	csr_refused(bytes_of(info.p, info.n - 1), "structure-der");
	csr_refused(bytes_of(one, 1), "structure-der");
	buf_add_byte(&info, 0);
	csr_refused(buf_bytes(&info), "structure-der");
	info.n--;
	/* SEQUENCE, its length, INTEGER, 1, version. */
	version = info.p[1] < 0x80 ? 4 : 5;
	assert_int_equal(info.p[version - 2], DER_INTEGER);
	info.p[version] = 1;
	csr_refused(buf_bytes(&info), "structure-der");
	assert_int_equal(fixture_count(&f, REC_REFUSED, NULL), 5);
	assert_false(sign_csr((struct bytes){ 0 }, NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_false(sign_csr(bytes_of(big, sizeof(big)), NULL, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
}

static void
test_csr_kind(unused_arg void **state)
{
	auto_buf struct buf info = { 0 };

	csr_info(f.ca, &info);
	csr_refused(buf_bytes(&info), "charter-kind");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_batches),
		TEST(test_by_name),
		TEST(test_malformed),
		TEST(test_sizes),
		cmocka_unit_test_setup_teardown(test_kind, setup_no_ocsp,
		    teardown),
		cmocka_unit_test_setup_teardown(test_periods, setup_responder,
		    teardown),
		TEST(test_total),
		TEST(test_revoked),
		TEST(test_odd_serials),
		TEST(test_key_failure),
		TEST(test_check_ocsp),
		TEST(test_check_cert),
		TEST(test_csr),
		TEST(test_csr_bad),
		cmocka_unit_test_setup_teardown(test_csr_kind, setup_no_ocsp,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
