/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <chancery/base/file.h>
#include <chancery/signer/rebuild.h>

#include "signer_fixture.h"

/* Lists of the scopes "delta" and "caller": what is in them, what is refused, and that
 * each can be made again from the register. */

static struct fixture f;

static int
setup(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ 0 });
}

static int
setup_strict(unused_arg void **state)
{
	return fixture_setup(&f, (struct fixture){ .charter = "kafka-issuer" });
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
		if (v.index == reply.record && serial != NULL)
			memcpy(serial, v.serial, 20);
}

static void
later(int64_t days)
{
	f.now_ms = clock_wall_ms(&clock_system) + days * INT64_C(86400000);
}

static bool
sign_list(struct signer_crl *req, struct signer_reply *reply, struct buf *der,
    struct error *e)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%zu.crl", f.dir,
	    fixture_count(&f, REC_SIGNED, NULL));
	req->path = path;
	return signer_sign_crl_wait(f.s, req, reply, e) &&
	    file_read(path, 1 << 20, der, e);
}

static struct crl_view
view(const struct buf *der)
{
	struct buf owned = { 0 };
	struct crl_view v;
	struct error e;

	assert_true(crl_parse(buf_bytes(der), "list", &owned, &v, &e));
	assert_true(crl_verify(&v, &f.ca_key, &e));
	return v;
}

static bool
to_buf(void *arg, struct bytes piece, unused_arg struct error *e)
{
	buf_add_bytes(arg, piece);
	return true;
}

static void
same_again(uint64_t signed_, const struct buf *der)
{
	auto_buf struct buf again = { 0 };
	struct error e;

	if (!rebuild_crl(signer_register(f.s), signed_, to_buf, &again, &e))
		fail_msg("%s", e.msg);
	assert_true(bytes_eq(buf_bytes(der), buf_bytes(&again)));
}

/* ---- deltas ------------------------------------------------------------ */

struct made {
	struct buf der;
	struct signer_reply reply;
};

static void
make(const char *scope, const char *url, struct made *m)
{
	struct signer_crl req = fixture_crl(&f);
	struct error e;

	req.scope = scope;
	req.idp_url = url;
	if (!sign_list(&req, &m->reply, &m->der, &e))
		fail_msg("%s: %s", scope, e.msg);
}

/* Full 1, then deltas against it, then full 4, a delta against that: one series. */
static void
test_delta(unused_arg void **state)
{
	static const struct {
		const char *scope;
		bool revoke; /* before */
		uint64_t entries;
		int64_t base;
	} rows[] = { { "full", true, 1, -1 }, { "delta", true, 1, 1 },
		{ "delta", true, 2, 1 }, { "full", false, 3, -1 },
		{ "delta", false, 0, 4 }, { "delta", true, 1, 4 } };
	const char *url = "http://a.example/crl http://b.example/crl";
	struct made m[countof(rows)] = { 0 };
	struct reg_verify_report report;
	struct crl_view v;
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		if (rows[i].revoke)
			revoke_leaf(NULL);
		make(rows[i].scope, url, &m[i]);
		v = view(&m[i].der);
		assert_int_equal(m[i].reply.crl_number, i + 1);
		assert_int_equal(m[i].reply.entries, rows[i].entries);
		assert_int_equal(v.number, i + 1);
		assert_int_equal(v.has_delta, rows[i].base >= 0);
		assert_true(!v.has_delta || v.delta_critical);
		assert_int_equal(v.has_delta ? (int64_t)v.delta_base : -1,
		    rows[i].base);
		assert_true(
		    bytes_eq(v.idp_url, bytes_str("http://a.example/crl")));
	}
	for (i = 0; i < countof(rows); i++) {
		same_again(m[i].reply.signed_, &m[i].der);
		buf_free(&m[i].der);
	}
	fixture_verify(&f, &report);
}

/* RFC 5280 5.2.4: no delta without a base, none with another scope than its base. */
static void
test_delta_base(unused_arg void **state)
{
	struct signer_crl req = fixture_crl(&f);
	struct made m = { 0 };
	struct signer_reply reply;
	struct error e;

	req.scope = "delta";
	assert_false(signer_sign_crl_wait(f.s, &req, &reply, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	make("full", "http://a.example/crl", &m);
	assert_false(signer_sign_crl_wait(f.s, &req, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_non_null(strstr(e.msg, "URLs: not those of the full list"));
	buf_free(&m.der);
}

/* What a base has is not in its deltas, and no delta takes it off when it expires; the
 * full list has it once more. */
static void
test_delta_expiry(unused_arg void **state)
{
	static const struct {
		const char *scope;
		uint64_t entries;
	} rows[] = { { "delta", 0 }, { "full", 1 }, { "delta", 0 },
		{ "full", 0 } };
	struct made m = { 0 };
	size_t i;

	revoke_leaf(NULL);
	make("full", NULL, &m);
	later(2);
	for (i = 0; i < countof(rows); i++) {
		buf_reset(&m.der);
		make(rows[i].scope, NULL, &m);
		assert_int_equal(m.reply.entries, rows[i].entries);
	}
	buf_free(&m.der);
}

static void
count_ok(void *arg, const struct signer_reply *r)
{
	uint64_t *seen = arg;

	assert_true(r->ok);
	assert_true(r->crl_number >= 1 && r->crl_number <= 4);
	seen[r->crl_number]++;
}

/* Full and delta at once are made one after the other, and a daemon keeps four. */
static void
test_one_series(unused_arg void **state)
{
	struct signer_crl req = fixture_crl(&f);
	uint64_t seen[5] = { 0 };
	struct error e;
	int i;

	for (i = 0; i < 4; i++) {
		req.scope = i % 2 == 0 ? "full" : "delta";
		assert_true(signer_sign_crl(f.s, &req, count_ok, seen, &e));
	}
	assert_true(signer_drain(f.s, &e));
	for (i = 1; i <= 4; i++)
		assert_int_equal(seen[i], 1);
}

static void
test_urls(unused_arg void **state)
{
	static const struct {
		const char *scope, *url;
		bool ok;
	} rows[] = {
		{ "partition:2",
		    "http://a.example/partition-2 http://b.example/partition-2",
		    true },
		{ "partition:2",
		    "http://a.example/partition-2 http://b.example/partition-1",
		    false },
		{ "full", "http://a.example/crl  http://b.example/crl", false },
		{ "full", "http://a.example/crl ", false },
		{ "full", " http://a.example/crl", false },
		{ "full", "", false },
		{ "full", "http://a.example/crl ftp://b.example/crl", false },
		{ "Full", NULL, false },
		{ "partition:", "http://a.example/partition-1", false },
	};
	struct signer_crl req = fixture_crl(&f);
	struct signer_reply reply;
	struct error e;
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		req.scope = rows[i].scope;
		req.idp_url = rows[i].url;
		print_message("%s %s\n", rows[i].scope, rows[i].url);
		assert_true(
		    signer_sign_crl_wait(f.s, &req, &reply, &e) == rows[i].ok);
		assert_true(rows[i].ok || e.why == FAIL_BAD_INPUT);
	}
}

/* Room for the header is left before the length of the signature is known: around 256
 * octets in all, a shorter signature has a shorter header. */
static void
test_header_length(unused_arg void **state)
{
	char text[80] = "O=Acme,CN=";
	struct made m = { 0 };
	struct crl_view v;
	struct error e;

	for (size_t n = 30; n <= 60; n++) {
		memset(text + 10, 'x', n);
		buf_reset(&f.ca_name);
		assert_true(name_parse(text, &f.ca_name, &e));
		for (int again = 0; again < 4; again++) {
			buf_reset(&m.der);
			make("full", NULL, &m);
			v = view(&m.der);
			assert_int_equal(v.der.n, m.reply.bytes);
		}
	}
	buf_free(&m.der);
}

static void
add_revocation(uint32_t i)
{
	const uint8_t serial[20] = { 1, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
		(uint8_t)i };
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	struct record rec;
	struct error e;

	record_init(&rec, REC_REVOKE);
	record_time(&rec, "date", now_s);
	record_hash(&rec, "key", &f.key);
	record_time(&rec, "not_after", now_s + 86400);
	record_int(&rec, "partition", 0);
	record_text(&rec, "reason", "superseded");
	record_bytes(&rec, "serial", bytes_of(serial, sizeof(serial)));
	record_text(&rec, "who", "me");
	record_text(&rec, "why", "test");
	if (!reg_append(signer_register(f.s), &rec, (struct bytes){ 0 }, NULL,
		&e))
		fail_msg("%s", e.msg);
}

static void
count_busy(void *arg)
{
	(*(unsigned *)arg)++;
}

/* A list of some size: whoever waits for a turn is told meanwhile. */
static void
test_busy(unused_arg void **state)
{
	struct signer_config cfg = fixture_config(&f);
	struct signer_reply reply;
	struct signer_crl req;
	struct error e;
	unsigned busy = 0;

	for (uint32_t i = 1; i <= 60000; i++) {
		add_revocation(i);
		if (i % 10000 == 0)
			assert_true(reg_commit(signer_register(f.s), &e));
	}
	fixture_close(&f);
	cfg.busy = count_busy;
	cfg.busy_arg = &busy;
	f.s = signer_open(&cfg, &e);
	assert_non_null(f.s);
	req = fixture_crl(&f);
	assert_true(signer_sign_crl_wait(f.s, &req, &reply, &e));
	assert_int_equal(reply.entries, 60000);
	assert_int_equal(busy, reply.bytes >> 20);
}

/* ---- a caller's ------------------------------------------------------- */

struct caller {
	struct crl_params p;
	struct crl_entry v[3];
	size_t n, at;
};

static bool
next_entry(void *arg, struct crl_entry *out)
{
	struct caller *c = arg;

	if (c->at == c->n)
		return false;
	*out = c->v[c->at++];
	return true;
}

static void
rewind_entries(void *arg)
{
	struct caller *c = arg;

	c->at = 0;
}

static struct caller
caller_list(uint64_t number)
{
	int64_t now_s = f.clock.wall_ms(f.clock.arg) / 1000;
	struct caller c = { .p = { .issuer = buf_bytes(&f.ca_name),
				.alg = SIG_ECDSA_SHA256,
				.this_update_s = now_s,
				.next_update_s = now_s + 86400,
				.number = number,
				.delta_base = -1 } };

	spki_key_id(&f.ca_key, c.p.aki);
	return c;
}

static void
list_entry(struct caller *c, const uint8_t serial[20], int64_t date_s)
{
	size_t at = c->n++;

	for (; at > 0 && memcmp(c->v[at - 1].serial, serial, 20) > 0; at--)
		c->v[at] = c->v[at - 1];
	c->v[at] = (struct crl_entry){ .revoked_s = date_s };
	memcpy(c->v[at].serial, serial, 20);
}

static void
write_caller(struct caller *c, struct buf *tbs)
{
	const struct crl_source src = { next_entry, rewind_entries, c };
	uint8_t digest[DIGEST_MAX];
	uint64_t bytes, entries;
	struct error e;
	size_t n;

	if (!crl_write_tbs(&c->p, &src, to_buf, tbs, digest, &n, &bytes,
		&entries, &e))
		fail_msg("%s", e.msg);
}

static bool
sign_caller(const struct buf *tbs, struct made *m, struct error *e)
{
	struct signer_crl req = { .key = f.key,
		.scope = "caller",
		.tbs = buf_bytes(tbs),
		.claim = { .who = "me", .why = "test" } };

	buf_reset(&m->der);
	return sign_list(&req, &m->reply, &m->der, e);
}

static void
must_sign(struct caller *c)
{
	auto_buf struct buf tbs = { 0 };
	struct made m = { 0 };
	struct crl_view v;
	struct error e;

	write_caller(c, &tbs);
	if (!sign_caller(&tbs, &m, &e))
		fail_msg("%s", e.msg);
	v = view(&m.der);
	assert_true(bytes_eq(v.tbs, buf_bytes(&tbs)));
	assert_int_equal(m.reply.crl_number, c->p.number);
	assert_int_equal(m.reply.entries, c->n);
	same_again(m.reply.signed_, &m.der);
	buf_free(&m.der);
}

static void
must_refuse_bytes(const struct buf *tbs, const char *rule)
{
	struct made m = { 0 };
	struct error e = { 0 };

	assert_false(sign_caller(tbs, &m, &e));
	print_message("%s\n", e.msg);
	assert_non_null(m.reply.verdict.rule);
	assert_string_equal(m.reply.verdict.rule, rule);
	buf_free(&m.der);
}

static void
must_refuse(struct caller *c, const char *rule)
{
	auto_buf struct buf tbs = { 0 };

	write_caller(c, &tbs);
	must_refuse_bytes(&tbs, rule);
}

static const uint8_t foreign[20] = { 0x01, 0x02, [19] = 0x03 };

/* A list of the caller's has a series of numbers of its own, and cannot take back what
 * this register revoked. */
static void
test_caller(unused_arg void **state)
{
	struct reg_verify_report report;
	struct made full = { 0 };
	uint8_t serial[20];
	struct caller c;
	int64_t now_s;

	c = caller_list(77);
	list_entry(&c, foreign, 1000);
	must_sign(&c);
	must_refuse(&c, "caller-crl-number");
	make("full", NULL, &full);
	assert_int_equal(full.reply.crl_number, 1);
	revoke_leaf(serial);
	now_s = clock_wall_ms(&clock_system) / 1000;
	c = caller_list(78);
	list_entry(&c, foreign, 1000);
	must_refuse(&c, "caller-crl-revoked");
	list_entry(&c, serial, now_s + 10);
	must_refuse(&c, "caller-crl-revoked");
	c.n = 0;
	list_entry(&c, foreign, 1000);
	list_entry(&c, serial, now_s - 10);
	must_sign(&c);
	/* Expired, it may be left out. */
	later(2);
	c = caller_list(79);
	must_sign(&c);
	fixture_verify(&f, &report);
	assert_int_equal(report.refused, 3);
	buf_free(&full.der);
}

static void
test_caller_delta(unused_arg void **state)
{
	uint8_t serial[20];
	struct caller c;

	revoke_leaf(serial);
	c = caller_list(5);
	c.p.delta_base = 4;
	list_entry(&c, foreign, 1000);
	must_refuse(&c, "caller-crl-revoked");
	list_entry(&c, serial, 1000);
	must_sign(&c);
	c = caller_list(6);
	c.p.delta_base = 4;
	list_entry(&c, serial, 1000);
	c.v[0].reason = CRL_REMOVE;
	must_refuse(&c, "caller-crl-revoked");
	c.p.delta_base = -1;
	must_refuse(&c, "caller-crl-entries");
}

/* What was revoked after its base stands on a delta: upon the base it would hide it until its own
 * nextUpdate. */
static void
test_caller_delta_hides_nothing(unused_arg void **state)
{
	uint8_t first[20], second[20];
	struct made full = { 0 };
	struct caller c;

	revoke_leaf(first);
	make("full", NULL, &full);
	c = caller_list(5);
	c.p.delta_base = 1;
	must_sign(&c); /* the base has it */
	revoke_leaf(second);
	c = caller_list(6);
	c.p.delta_base = 5; /* but that was a delta */
	list_entry(&c, second, 1000);
	must_refuse(&c, "caller-crl-revoked");
	list_entry(&c, first, 1000);
	c.p.delta_base = -1;
	must_sign(&c);
	c = caller_list(7);
	c.p.delta_base = 6;
	must_sign(&c);
	revoke_leaf(first);
	c = caller_list(8);
	c.p.delta_base = 7;
	must_refuse(&c, "caller-crl-revoked");
	buf_free(&full.der);
}

/* RFC 5280 5.2.3: one series for one scope. */
static void
test_caller_number_is_above_full(unused_arg void **state)
{
	struct made full = { 0 };
	struct caller c;

	make("full", NULL, &full);
	make("full", NULL, &full);
	assert_int_equal(full.reply.crl_number, 2);
	c = caller_list(2);
	must_refuse(&c, "caller-crl-number");
	c.p.idp_url = "http://example.com/own.crl";
	must_sign(&c);
	c = caller_list(3);
	must_sign(&c);
	buf_free(&full.der);
}

static void
set_last(struct buf *tbs, const uint8_t serial[20], uint8_t to)
{
	uint8_t *at = memmem(tbs->p, tbs->n, serial, 20);

	assert_non_null(at);
	at[19] = to;
}

static void
test_caller_form(unused_arg void **state)
{
	uint8_t a[20] = { 0x11, [19] = 1 }, b[20] = { 0x11, [19] = 2 };
	auto_buf struct buf tbs = { 0 }, name = { 0 };
	struct signer_reply reply;
	struct error e;
	struct caller c;

	c = caller_list(1);
	c.p.aki[0] ^= 1;
	must_refuse(&c, "structure-aki");
	c = caller_list(1);
	c.p.alg = SIG_RSA_SHA256;
	must_refuse(&c, "structure-algorithm");
	c = caller_list(UINT64_C(1) << 60);
	must_refuse(&c, "caller-crl-number");
	c = caller_list(1);
	list_entry(&c, a, 1000);
	list_entry(&c, b, 1000);
	write_caller(&c, &tbs);
	set_last(&tbs, b, 1);
	must_refuse_bytes(&tbs, "caller-crl-entries");
	tbs.n--;
	must_refuse_bytes(&tbs, "structure-der");
	f.self = true;
	assert_true(fixture_certify(&f, "root", &reply, &e));
	c = caller_list(1);
	assert_true(name_parse("CN=Other", &name, &e));
	c.p.issuer = buf_bytes(&name);
	must_refuse(&c, "structure-issuer");
}

static void
test_caller_kind(unused_arg void **state)
{
	struct caller c = caller_list(1);

	must_refuse(&c, "charter-kind");
}

/* Too large for its INTENT, none at all, or one where none belongs. */
static void
test_caller_size(unused_arg void **state)
{
	static uint8_t big[LIMIT_TBS_BYTES + 1];
	struct signer_crl req = { .key = f.key,
		.scope = "caller",
		.tbs = bytes_of(big, sizeof(big)),
		.claim = { .who = "me", .why = "test" } };
	struct signer_reply reply;
	struct error e;

	assert_false(signer_sign_crl_wait(f.s, &req, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_non_null(strstr(e.msg, "45057 bytes"));
	req.tbs.n = 0;
	assert_false(signer_sign_crl_wait(f.s, &req, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	req = fixture_crl(&f);
	req.tbs = bytes_of(big, 10);
	assert_false(signer_sign_crl_wait(f.s, &req, &reply, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_delta),
		T(test_delta_base),
		T(test_delta_expiry),
		T(test_one_series),
		T(test_urls),
		T(test_header_length),
		T(test_busy),
		T(test_caller),
		T(test_caller_delta),
		T(test_caller_delta_hides_nothing),
		T(test_caller_number_is_above_full),
		T(test_caller_form),
		cmocka_unit_test_setup_teardown(test_caller_kind, setup_strict,
		    teardown),
		T(test_caller_size),
	};

	return cmocka_run_group_tests_name("signer_lists", tests, NULL, NULL);
}
