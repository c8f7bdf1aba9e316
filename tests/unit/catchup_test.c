/* SPDX-License-Identifier: Apache-2.0 */

/* From the register to the store: every kind of record, restarts, what is refused. */
#include <dirent.h>
#include <stdio.h>

#include <chancery/base/text.h>
#include <chancery/pki/cert.h>
#include <chancery/server/catchup.h>

#include "pki_sample.h"
#include "register_util.h"
#include "store_util.h"

struct world {
	struct fixture reg;
	struct reg *r;
	struct store_fixture *store;
	struct buf tbs; /* a good one, of which serials are exchanged */
	struct sample_tbs parts;
	struct tbs_view view;
};

static void
make_tbs(struct world *w)
{
	struct sample_issuer issuer;
	struct error err;

	sample_issuer_make(&issuer, "CN=Issuing", sample_key("ec-p256"));
	sample_tbs_good(profile_builtin("kafka-broker"), &issuer.tbs,
	    sample_other_key("ec-p256"), &w->tbs);
	sample_issuer_free(&issuer);
	if (!tbs_parse(buf_bytes(&w->tbs), &w->view, &err))
		fail_msg("%s", err.msg);
	sample_tbs_split(&w->view, &w->parts);
}

static int
setup(void **state)
{
	struct world *w = mem_calloc(1, sizeof(*w));
	void *store = NULL;
	struct error err;

	fixture_open(&w->reg);
	w->r = reg_create(&w->reg.cfg, &err);
	if (w->r == NULL)
		fail_msg("%s", err.msg);
	(void)store_setup(&store);
	w->store = store;
	make_tbs(w);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	void *store = w->store;

	reg_close(w->r);
	fixture_close(&w->reg);
	(void)store_teardown(&store);
	buf_free(&w->tbs);
	mem_free(w);
	return 0;
}

/* ---- records ----------------------------------------------------------- */

static void
serial_for(uint32_t n, uint8_t out[20])
{
	struct sha256 h = sha256(bytes_of(&n, sizeof(n)));

	memcpy(out, h.b, 20);
	out[0] = (out[0] & 0x7f) | 0x40;
}

/* INTENT for certificate `n`. */
static uint64_t
intend(struct world *w, const struct sha256 *key, uint32_t n, const char *why,
    const char *profile)
{
	auto_buf struct buf tbs = { 0 };
	struct record rec;
	struct sha256 hash;
	uint8_t serial[20];

	serial_for(n, serial);
	w->parts.serial = bytes_of(serial, 20);
	sample_tbs_join(&w->parts, &tbs);
	hash = sha256(buf_bytes(&tbs));
	record_init(&rec, REC_INTENT);
	record_text(&rec, "alg", "ecdsa-sha256");
	record_hash(&rec, "key", key);
	record_text(&rec, "kind", "leaf");
	record_text(&rec, "profile", profile);
	record_bytes(&rec, "serial", bytes_of(serial, 20));
	record_hash(&rec, "sha256", &hash);
	record_bytes(&rec, "tbs", buf_bytes(&tbs));
	record_text(&rec, "who", "tester");
	record_text(&rec, "why", why);
	return put(w->r, &rec);
}

static uint64_t
certify(struct world *w, const struct sha256 *key, uint32_t n, const char *why)
{
	return put_signed(w->r, intend(w, key, n, why, "role:x"));
}

static void
outcome(struct world *w, enum record_type type, uint64_t intent)
{
	struct record rec;

	record_init(&rec, type);
	if (type == REC_FAILED)
		record_int(&rec, "attempts", 1);
	record_int(&rec, "intent", (int64_t)intent);
	record_text(&rec, "reason", "a test");
	(void)put(w->r, &rec);
}

static void
revoke_cert(struct world *w, const struct sha256 *key, uint32_t n,
    uint64_t cert)
{
	struct record rec;
	uint8_t serial[20];

	serial_for(n, serial);
	make_revoke(&rec, key, serial);
	record_int(&rec, "cert", (int64_t)cert);
	record_time(&rec, "not_after", w->view.not_after_s);
	(void)put(w->r, &rec);
}

static uint64_t
configure(struct world *w, const char *body)
{
	struct record rec;
	uint64_t n = 0;
	/* As the signer records what the server asks for. */
	auto_mem char *priv = mem_printf("{\"%s\":%s,\"who\":\"token:test\","
					 "\"why\":\"sys/mounts\"}",
	    body[0] == '[' ? "changes" : "data", body);

	record_init(&rec, REC_CONFIG);
	record_text(&rec, "what", "a test");
	ok(reg_append(w->r, &rec, bytes_str(priv), &n, &e));
	return n;
}

static uint64_t
configure_mount(struct world *w, const char *name, const char *op)
{
	auto_mem char *json =
	    mem_printf("[{\"kind\":\"mount\",\"name\":\"%s\",\"op\":\"%s\","
		       "\"scope\":\"\"%s}]",
		name, op,
		strcmp(op, "put") == 0 ? ",\"value\":{\"type\":\"pki\"}" : "");

	return configure(w, json);
}

static void
configure_key(struct world *w, const char *mount, const struct sha256 *key)
{
	char hex[2 * SHA256_LEN + 1];
	auto_mem char *json = NULL;

	hex_encode(sha256_bytes(key), hex);
	json = mem_printf("[{\"kind\":\"pki-key\",\"name\":\"id-%.8s\","
			  "\"op\":\"put\",\"scope\":\"%s\","
			  "\"value\":{\"key\":\"%s\",\"type\":\"ec\"}}]",
	    hex, mount, hex);
	(void)configure(w, json);
}

static struct catchup_report
catch_up(struct world *w, struct store *s)
{
	struct catchup_report r = { 0 };

	commit(w->r);
	ok(catchup_run(s, w->reg.reg_dir, NULL, &r, &e));
	return r;
}

/* The mount that has certificate n; NULL: none. DER and times are held against it. */
static const char *
mount_of(struct world *w, uint32_t n, struct store_cert *c, struct buf *mem)
{
	static char name[STORE_NAME_MAX + 1];
	auto_cert struct cert x = { 0 };
	uint8_t serial[20];
	struct error err;

	serial_for(n, serial);
	if (!store_cert_get(w->store->s, NULL, serial, c, mem, &err))
		return NULL;
	(void)snprintf(name, sizeof(name), "%s", c->mount);
	assert_string_equal(c->origin, "test.example/log");
	if (c->der.n == 0)
		return name;
	ok(cert_parse(c->der, "der", &x, &e));
	assert_memory_equal(x.tbs.serial.p, serial, 20);
	assert_int_equal(c->not_after_s, w->view.not_after_s);
	assert_int_equal(c->not_before_s, w->view.not_before_s);
	return name;
}

/* ---- what becomes of each record --------------------------------------- */

static void
test_every_kind_of_record(void **state)
{
	struct world *w = *state;
	auto_buf struct buf mem = { 0 };
	struct sha256 a = put_key(w->r, "a"), b = put_key(w->r, "b");
	struct store_cert c;
	struct catchup_report r;
	uint64_t n, last;

	(void)configure_mount(w, "pki", "put");
	(void)configure_mount(w, "pki/int", "put");
	/* Its own certificate comes before the document of the key. */
	n = certify(w, &a, 1, "pki/root/generate/internal");
	configure_key(w, "pki", &a);
	(void)certify(w, &a, 2, "pki/issue/x");
	(void)certify(w, &b, 3, "pki/int/issue/x");
	configure_key(w, "pki/int", &b);
	(void)certify(w, &b, 4, "pki/int/sign/x");
	/* Claims that cannot be: another mount's key, no mount, only its name. */
	(void)certify(w, &a, 5, "pki/int/issue/x");
	(void)certify(w, &a, 6, "renewal");
	(void)certify(w, &a, 7, "pki");
	(void)certify(w, &a, 8, "pkix/issue/x");
	(void)put_signed(w->r,
	    intend(w, &a, 9, "pki/issue/y", "role:y no_store"));
	outcome(w, REC_FAILED, intend(w, &a, 10, "pki/issue/x", "role:x"));
	last = intend(w, &a, 11, "pki/issue/x", "role:x");
	revoke_cert(w, &a, 11, last);
	outcome(w, REC_ASSUMED, last);
	revoke_cert(w, &a, 1, n);
	put_event(w->r, "something", "{\"a\":1}");
	(void)configure(w, "{\"tidy\":true}");
	r = catch_up(w, w->store->s);
	assert_int_equal(r.certs, 9);
	assert_int_equal(r.revocations, 2);
	assert_int_equal(r.configs, 4);
	assert_int_equal(r.from, 0);
	assert_int_equal(r.next, reg_size(w->r));
	assert_string_equal(r.origin, "test.example/log");
	assert_string_equal(mount_of(w, 1, &c, &mem), "pki");
	assert_int_equal(c.revoked_s, 1790000000);
	assert_int_equal(c.reason, 1);
	assert_int_equal(c.index, n);
	assert_string_equal(mount_of(w, 2, &c, &mem), "pki");
	assert_int_equal(c.revoked_s, 0);
	assert_string_equal(mount_of(w, 3, &c, &mem), "pki/int");
	assert_string_equal(mount_of(w, 4, &c, &mem), "pki/int");
	for (uint32_t i = 5; i <= 8; i++)
		assert_string_equal(mount_of(w, i, &c, &mem), "");
	assert_string_equal(mount_of(w, 9, &c, &mem), "pki");
	assert_int_equal(c.der.n, 0);
	assert_null(mount_of(w, 10, &c, &mem));
	assert_null(mount_of(w, 11, &c, &mem));
}

static void
test_foreign_revocation(void **state)
{
	struct world *w = *state;
	auto_buf struct buf der = { 0 };
	auto_buf struct buf mem = { 0 };
	auto_buf struct buf tbs = { 0 };
	struct sha256 key = put_key(w->r, "a");
	struct store_cert c;
	struct record rec;
	uint8_t serial[20];

	(void)configure_mount(w, "pki", "put");
	serial_for(1, serial);
	w->parts.serial = bytes_of(serial, 20);
	sample_tbs_join(&w->parts, &tbs);
	sample_certificate(buf_bytes(&tbs), sample_key("ec-p256"), &der);
	make_revoke(&rec, &key, serial);
	record_bytes(&rec, "der", buf_bytes(&der));
	record_text(&rec, "why", "pki/revoke");
	(void)put(w->r, &rec);
	(void)catch_up(w, w->store->s);
	assert_string_equal(mount_of(w, 1, &c, &mem), "pki");
	assert_true(c.index == UINT64_MAX);
	assert_true(bytes_eq(c.der, buf_bytes(&der)));
	assert_int_equal(c.revoked_s, 1790000000);
}

/* ---- going on ---------------------------------------------------------- */

static void
position_is(struct world *w, uint64_t expected)
{
	uint64_t at = 0;

	ok(store_position(w->store->s, "test.example/log", &at, &e));
	assert_int_equal(at, expected);
}

/* An INTENT whose outcome is not there yet holds the position. */
static void
test_goes_on_where_it_stopped(void **state)
{
	struct world *w = *state;
	auto_buf struct buf mem = { 0 };
	struct sha256 key = put_key(w->r, "a");
	struct store_cert c;
	uint64_t open, end;

	(void)configure_mount(w, "pki", "put");
	(void)certify(w, &key, 1, "pki/issue/x");
	open = intend(w, &key, 2, "pki/issue/x", "role:x");
	(void)certify(w, &key, 3, "pki/issue/x");
	assert_int_equal(catch_up(w, w->store->s).position, open);
	position_is(w, open);
	(void)put_signed(w->r, open);
	(void)certify(w, &key, 4, "pki/issue/x");
	assert_int_equal(catch_up(w, w->store->s).from, open);
	for (uint32_t n = 1; n <= 4; n++)
		assert_non_null(mount_of(w, n, &c, &mem));
	end = reg_size(w->r);
	position_is(w, end);
	assert_int_equal(catch_up(w, w->store->s).certs, 0);
}

/* In one go, in many, with restarts of the register and of the store: the same. */
static void
test_steps_give_the_same(void **state)
{
	struct world *w = *state;
	struct sha256 key = put_key(w->r, "a"), once, steps;
	void *other = NULL;
	struct store_fixture *f;
	struct error err;
	uint64_t cert = 0, open = UINT64_MAX;

	(void)configure_mount(w, "pki", "put");
	for (uint32_t n = 0; n < 300; n++) {
		if (open != UINT64_MAX)
			(void)put_signed(w->r, open);
		open = intend(w, &key, 1000 + n, "pki/issue/x", "role:x");
		cert = certify(w, &key, n, "pki/issue/x");
		if (n % 7 == 0)
			revoke_cert(w, &key, n, cert);
		if (n == 150)
			(void)configure_mount(w, "pki", "delete");
		if (n == 200)
			(void)configure_mount(w, "pki", "put");
		if (n % 10 == 0)
			(void)catch_up(w, w->store->s);
		if (n % 60 == 0)
			store_reopen(w->store);
		if (n == 100) {
			commit(w->r);
			reg_close(w->r);
			w->r = reg_open(&w->reg.cfg, &err);
			assert_non_null(w->r);
		}
	}
	(void)catch_up(w, w->store->s);
	steps = store_sum(w->store->s);
	(void)store_setup(&other);
	f = other;
	(void)catch_up(w, f->s);
	once = store_sum(f->s);
	assert_memory_equal(&once, &steps, sizeof(once));
	(void)store_teardown(&other);
}

static void
test_until(void **state)
{
	struct world *w = *state;
	auto_buf struct buf mem = { 0 };
	struct sha256 key = put_key(w->r, "a");
	struct catchup_options opt = { 0 };
	struct catchup_report r;
	struct store_cert c;

	(void)certify(w, &key, 1, "x");
	opt.until = reg_size(w->r);
	(void)certify(w, &key, 2, "x");
	commit(w->r);
	ok(catchup_run(w->store->s, w->reg.reg_dir, &opt, &r, &e));
	assert_int_equal(r.next, opt.until);
	assert_non_null(mount_of(w, 1, &c, &mem));
	assert_null(mount_of(w, 2, &c, &mem));
	position_is(w, opt.until);
}

struct seen {
	size_t configs;
	char last[200];
};

static void
see_config(void *arg, struct bytes changes)
{
	struct seen *s = arg;

	s->configs++;
	assert_true(changes.n < sizeof(s->last));
	memcpy(s->last, changes.p, changes.n);
	s->last[changes.n] = '\0';
}

static void
test_tells_of_documents(void **state)
{
	struct world *w = *state;
	struct seen seen = { 0 };
	struct catchup_options opt = { .config = see_config, .arg = &seen };
	auto_buf struct buf value = { 0 };

	(void)configure_mount(w, "a", "put");
	(void)configure_mount(w, "b", "put");
	commit(w->r);
	ok(catchup_run(w->store->s, w->reg.reg_dir, &opt, NULL, &e));
	assert_int_equal(seen.configs, 2);
	assert_non_null(strstr(seen.last, "\"name\":\"b\""));
	ok(store_doc_get(w->store->s, "mount", "", "a", &value, NULL, &e));
}

static void
test_stops_when_told(void **state)
{
	struct world *w = *state;
	struct sha256 key = put_key(w->r, "a");
	atomic_bool stop = true;
	struct catchup_options opt = { .stop = &stop };

	for (uint32_t n = 0; n < CATCHUP_STEP; n++)
		(void)certify(w, &key, n, "x");
	commit(w->r);
	fails(FAIL_ABORTED,
	    catchup_run(w->store->s, w->reg.reg_dir, &opt, NULL, &e));
	atomic_store(&stop, false);
	ok(catchup_run(w->store->s, w->reg.reg_dir, &opt, NULL, &e));
	position_is(w, reg_size(w->r));
}

/* ---- what it refuses --------------------------------------------------- */

static void
test_no_register(void **state)
{
	struct world *w = *state;

	fails(FAIL_NOT_FOUND,
	    catchup_run(w->store->s, w->store->dir, NULL, NULL, &e));
}

static void
test_older_register(void **state)
{
	struct world *w = *state;
	struct catchup_options opt = { .until = reg_size(w->r) };

	put_event(w->r, "x", NULL);
	(void)catch_up(w, w->store->s);
	ok(store_position_put(w->store->s, "test.example/log",
	    reg_size(w->r) + 1, &e));
	ok(store_sync(w->store->s, &e));
	fails(FAIL_ROLLBACK,
	    catchup_run(w->store->s, w->reg.reg_dir, NULL, NULL, &e));
	fails(FAIL_ROLLBACK,
	    catchup_run(w->store->s, w->reg.reg_dir, &opt, NULL, &e));
}

static void
test_body_left_out(void **state)
{
	struct world *w = *state;
	auto_mem char *path = NULL;

	(void)configure_mount(w, "a", "put");
	commit(w->r);
	path = mem_printf("%s/private/000001.jsonl", w->reg.reg_dir);
	assert_int_equal(truncate(path, 0), 0);
	fails(FAIL_NOT_FOUND,
	    catchup_run(w->store->s, w->reg.reg_dir, NULL, NULL, &e));
}

static void
test_body_altered(void **state)
{
	struct world *w = *state;
	auto_mem char *path = NULL;
	auto_buf struct buf text = { 0 };
	uint8_t *at;

	(void)configure_mount(w, "aaaa", "put");
	commit(w->r);
	path = mem_printf("%s/private/000001.jsonl", w->reg.reg_dir);
	ok(file_read(path, 1 << 20, &text, &e));
	at = memmem(text.p, text.n, "aaaa", 4);
	assert_non_null(at);
	*at = 'b';
	ok(file_replace(path, buf_bytes(&text), 0600, &e));
	fails(FAIL_CORRUPT,
	    catchup_run(w->store->s, w->reg.reg_dir, NULL, NULL, &e));
}

static void
append_to_log(struct world *w, const char *text)
{
	auto_mem char *path = mem_printf("%s/log/000001.jsonl", w->reg.reg_dir);
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* The server starts before the signer has cut what a crash left. */
static void
test_torn_tail(void **state)
{
	static const char *const tails[] = { "{\"body\":", "rubbish\n",
		"\1\2\n{}\n" };
	struct world *w = *state;
	struct sha256 key = put_key(w->r, "a");
	auto_buf struct buf mem = { 0 };
	struct catchup_report r;
	struct store_cert c;
	struct error err;

	for (uint32_t i = 0; i < countof(tails); i++) {
		(void)certify(w, &key, i, "x");
		commit(w->r);
		reg_close(w->r);
		append_to_log(w, tails[i]);
		ok(catchup_run(w->store->s, w->reg.reg_dir, NULL, &r, &e));
		assert_non_null(mount_of(w, i, &c, &mem));
		w->r = reg_open(&w->reg.cfg, &err);
		if (w->r == NULL)
			fail_msg("%s", err.msg);
		assert_true(r.next < reg_size(w->r));
		(void)catch_up(w, w->store->s);
		position_is(w, reg_size(w->r));
	}
}

static void
test_not_a_list_of_changes(void **state)
{
	struct world *w = *state;

	(void)configure(w, "[{\"kind\":\"x\"}]");
	commit(w->r);
	fails(FAIL_BAD_INPUT,
	    catchup_run(w->store->s, w->reg.reg_dir, NULL, NULL, &e));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_kind_of_record),
		TEST(test_foreign_revocation),
		TEST(test_goes_on_where_it_stopped),
		TEST(test_steps_give_the_same),
		TEST(test_until),
		TEST(test_tells_of_documents),
		TEST(test_stops_when_told),
		TEST(test_no_register),
		TEST(test_older_register),
		TEST(test_body_left_out),
		TEST(test_body_altered),
		TEST(test_torn_tail),
		TEST(test_not_a_list_of_changes),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	sample_keys_free();
	return failed;
}
