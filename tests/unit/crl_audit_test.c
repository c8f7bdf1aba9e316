/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/signer/crl_audit.h>

#include "signer_fixture.h"

/* Lists that are in order, and each way in which they are not, by its rule. */

static struct fixture f;
#define DAY INT64_C(86400)

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

static int64_t
now_s(void)
{
	return f.clock.wall_ms(f.clock.arg) / 1000;
}

/* ---- what there is ----------------------------------------------------- */

static const uint8_t serials[][20] = {
	{ 0x11, [19] = 1 },
	{ 0x12, [19] = 1 },
	{ 0x13, [19] = 1 },
	{ 0x14, [19] = 1 },
	{ 0x15, [19] = 1 },
};

static void
add_revocation(unsigned serial, int64_t partition, int64_t life_s)
{
	struct reg *r = signer_register(f.s);
	struct record rec;
	struct error e;
	uint64_t n;

	record_init(&rec, REC_REVOKE);
	record_time(&rec, "date", now_s());
	record_hash(&rec, "key", &f.key);
	record_time(&rec, "not_after", now_s() + life_s);
	record_int(&rec, "partition", partition);
	record_text(&rec, "reason", "superseded");
	record_bytes(&rec, "serial", bytes_of(serials[serial], 20));
	record_text(&rec, "who", "test");
	record_text(&rec, "why", "test");
	assert_true(reg_append(r, &rec, (struct bytes){ 0 }, &n, &e));
	assert_true(reg_commit(r, &e));
}

static void
list(const char *scope)
{
	struct signer_crl req = fixture_crl(&f);
	struct signer_reply reply;
	struct error e;

	req.scope = scope;
	if (strncmp(scope, "partition", 9) == 0)
		req.idp_url = strcmp(scope, "partition:1") == 0
		    ? "http://a.example/partition-1"
		    : "http://a.example/partition-2";
	if (!signer_sign_crl_wait(f.s, &req, &reply, &e))
		fail_msg("%s: %s", scope, e.msg);
}

static char *
path(const char *folder, unsigned number)
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256_bytes(&f.key), hex);
	return mem_printf("%s/%s/%s/%u.crl", f.crl_dir, hex, folder, number);
}

/* One of each scope, and a past one. */
static void
estate(void)
{
	add_revocation(0, 0, 10 * DAY);
	list("full");
	add_revocation(1, 1, 10 * DAY);
	add_revocation(2, 2, 10 * DAY);
	list("full");
	list("partition:1");
	list("partition:2");
	add_revocation(3, 1, 10 * DAY);
	list("delta");
	list("partition:1");
}

/* ---- the audit --------------------------------------------------------- */

struct told {
	char rules[1024]; /* each once, as they come */
	unsigned lists;
};

static void
on_list(void *arg, unused_arg const struct crl_audit_list *l)
{
	struct told *t = arg;

	t->lists++;
}

static void
on_finding(void *arg, const struct crl_audit_finding *found)
{
	struct told *t = arg;
	auto_mem char *one = mem_printf("%s:%s:%llu ", found->rule,
	    found->scope, (unsigned long long)found->number);

	print_message("%s%s\n", one, found->text);
	if (strstr(t->rules, one) == NULL)
		(void)snprintf(t->rules + strlen(t->rules),
		    sizeof(t->rules) - strlen(t->rules), "%s", one);
}

static bool
run(enum crl_rebuild rebuild, uint64_t number, struct told *t,
    struct crl_audit_counts *n, struct error *e)
{
	struct signer_config cfg = fixture_config(&f);
	auto_reg struct reg *r = reg_open_read(&cfg.reg, e);
	struct crl_audit a = { .reg = r,
		.crl_dir = f.crl_dir,
		.now_s = now_s(),
		.rebuild = rebuild,
		.number = number,
		.list = on_list,
		.finding = on_finding,
		.arg = t };

	assert_non_null(r);
	return crl_audit(&a, n, e);
}

/* "rule:scope:number " of each, in order. */
static void
expect(const char *rules)
{
	struct crl_audit_counts n;
	struct told t = { 0 };
	struct error e;

	if (!run(CRL_REBUILD_ALL, 0, &t, &n, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(t.rules, rules);
	assert_int_equal(n.findings == 0, rules[0] == '\0');
}

static void
test_in_order(unused_arg void **state)
{
	struct crl_audit_counts n;
	struct told t = { 0 };
	struct error e;

	expect("");
	estate();
	assert_true(run(CRL_REBUILD_ALL, 0, &t, &n, &e));
	assert_string_equal(t.rules, "");
	assert_int_equal(t.lists, 4); /* full, delta, two partitions */
	assert_int_equal(n.current, 4);
	assert_int_equal(n.signed_, 6);
	assert_int_equal(n.rebuilt, 6);
	assert_int_equal(n.revoked, 4);
	assert_int_equal(n.unexpired, 4);
	assert_int_equal(n.waiting, 0);
	/* A delta that a full list has overtaken is nobody's list any more; what
	 * waits for the next list is no finding. */
	list("full");
	add_revocation(4, 0, 10 * DAY);
	t = (struct told){ 0 };
	assert_true(run(CRL_REBUILD_NONE, 0, &t, &n, &e));
	assert_string_equal(t.rules, "");
	assert_int_equal(n.current, 3);
	assert_int_equal(n.waiting, 1);
}

/* By number; one that never was is an error of the caller. */
static void
test_rebuild_number(unused_arg void **state)
{
	struct crl_audit_counts n;
	struct told t = { 0 };
	struct error e;

	estate();
	assert_true(run(CRL_REBUILD_NUMBER, 1, &t, &n, &e));
	assert_int_equal(n.rebuilt, 3); /* full, two partitions */
	assert_false(run(CRL_REBUILD_NUMBER, 9, &t, &n, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
}

static void
test_file_gone(unused_arg void **state)
{
	auto_mem char *full = path("full", 2), *past = path("full", 1);

	estate();
	assert_int_equal(unlink(past), 0); /* a daemon keeps the last ones */
	expect("");
	assert_int_equal(unlink(full), 0);
	expect("list-missing:full:2 ");
}

static void
flip(const char *file, size_t from_end)
{
	auto_buf struct buf b = { 0 };
	struct error e;

	assert_true(file_read(file, 1 << 20, &b, &e));
	b.p[b.n - from_end] ^= 1;
	assert_true(file_replace(file, buf_bytes(&b), 0644, &e));
}

/* A bit of the signature; of a past list, which only --rebuild looks at; text. */
static void
test_tampered(unused_arg void **state)
{
	auto_mem char *one = path("partition-1", 2), *past = path("full", 1),
		      *two = path("partition-2", 1);
	struct error e;

	estate();
	flip(one, 1);
	flip(past, 5);
	assert_true(file_replace(two, bytes_str("-----BEGIN X"), 0644, &e));
	expect("list-signature:partition:1:2 list-form:partition:2:1 "
	       "rebuild:full:1 rebuild:partition:2:1 rebuild:partition:1:2 ");
}

static void
test_stale(unused_arg void **state)
{
	estate();
	f.now_ms = clock_wall_ms(&clock_system) + 8 * DAY * 1000;
	expect("list-stale:full:2 list-stale:partition:1:2 "
	       "list-stale:partition:2:1 list-stale:delta:3 ");
}

/* ---- entries ----------------------------------------------------------- */

struct entries {
	struct crl_entry v[4];
	size_t n, at;
};

static bool
next_entry(void *arg, struct crl_entry *out)
{
	struct entries *x = arg;

	if (x->at == x->n)
		return false;
	*out = x->v[x->at++];
	return true;
}

static void
rewind_entries(void *arg)
{
	struct entries *x = arg;

	x->at = 0;
}

static bool
to_buf(void *arg, struct bytes piece, unused_arg struct error *e)
{
	buf_add_bytes(arg, piece);
	return true;
}

static void
entry(struct entries *x, unsigned serial, int64_t date_s)
{
	struct crl_entry *v = &x->v[x->n++];

	*v =
	    (struct crl_entry){ .revoked_s = date_s, .reason = CRL_SUPERSEDED };
	memcpy(v->serial, serials[serial], 20);
}

/* A list that the key did sign, but not the signer: in the place of full list 2. */
static void
forge(const char *file, struct entries *x)
{
	auto_buf struct buf tbs = { 0 }, out = { 0 }, tail = { 0 };
	const struct crl_source src = { next_entry, rewind_entries, x };
	struct crl_params p = { .issuer = buf_bytes(&f.ca_name),
		.alg = SIG_ECDSA_SHA256,
		.this_update_s = now_s(),
		.next_update_s = now_s() + 7 * DAY,
		.number = 2,
		.delta_base = -1 };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t digest[DIGEST_MAX], sig[256];
	uint64_t bytes, entries;
	size_t n, sig_n = sizeof(sig);
	struct error e;

	spki_key_id(&f.ca_key, p.aki);
	assert_true(crl_write_tbs(&p, &src, to_buf, &tbs, digest, &n, &bytes,
	    &entries, &e));
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL,
			     f.ca),
	    1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &sig_n, tbs.p, tbs.n), 1);
	EVP_MD_CTX_free(ctx);
	crl_outer(tbs.n, p.alg, bytes_of(sig, sig_n), &out, &tail);
	buf_add_bytes(&out, buf_bytes(&tbs));
	buf_add_bytes(&out, buf_bytes(&tail));
	assert_true(file_replace(file, buf_bytes(&out), 0644, &e));
}

static void
test_entries(unused_arg void **state)
{
	auto_mem char *file = path("full", 2);
	struct entries x = { 0 };

	/* 3 was never revoked. */
	add_revocation(0, 0, 10 * DAY);
	add_revocation(2, 0, 10 * DAY);
	list("full");
	add_revocation(1, 0, 10 * DAY);
	list("full");
	expect("");
	entry(&x, 1, now_s() - 9);
	entry(&x, 2, now_s() - 1000);
	entry(&x, 3, now_s());
	forge(file, &x);
	expect("list-record:full:2 entry-missing:full:2 entry-differs:full:2 "
	       "entry-unknown:full:2 rebuild:full:2 ");
}

static void
test_entry_of_another_scope(unused_arg void **state)
{
	auto_mem char *one = path("partition-1", 2),
		      *two = path("partition-2", 1);

	estate();
	assert_int_equal(rename(one, two), 0);
	expect("list-missing:partition:1:2 list-record:partition:2:1 "
	       "entry-scope:partition:2:1 entry-missing:partition:2:1 "
	       "rebuild:partition:2:1 ");
}

/* Expired, it may be off every list; unexpired without a list it may not. */
static void
test_scope_missing(unused_arg void **state)
{
	add_revocation(0, 0, DAY);
	add_revocation(1, 7, DAY);
	expect("scope-missing:full:0 scope-missing:partition:7:0 ");
	f.now_ms = clock_wall_ms(&clock_system) + 2 * DAY * 1000;
	expect("");
}

/* A record that no signer writes. */
static void
test_numbers(unused_arg void **state)
{
	struct reg *r = signer_register(f.s);
	struct sha256 h = { { 1 } };
	struct record rec;
	struct error e;

	list("full");
	record_init(&rec, REC_INTENT);
	record_text(&rec, "alg", "ecdsa-sha256");
	record_int(&rec, "crl", 9);
	record_bytes(&rec, "issuer", buf_bytes(&f.ca_name));
	record_hash(&rec, "key", &f.key);
	record_text(&rec, "kind", "crl");
	record_time(&rec, "next", now_s());
	record_int(&rec, "position", 1);
	record_text(&rec, "scope", "full");
	record_hash(&rec, "sha256", &h);
	record_time(&rec, "this", now_s() - DAY);
	record_text(&rec, "who", "x");
	record_text(&rec, "why", "x");
	assert_true(reg_append(r, &rec, (struct bytes){ 0 }, NULL, &e));
	assert_true(reg_commit(r, &e));
	expect("number:full:9 time-order:full:9 ");
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_in_order),
		T(test_rebuild_number),
		T(test_file_gone),
		T(test_tampered),
		T(test_stale),
		T(test_entries),
		T(test_entry_of_another_scope),
		T(test_scope_missing),
		T(test_numbers),
	};

	return cmocka_run_group_tests_name("crl_audit", tests, NULL, NULL);
}
