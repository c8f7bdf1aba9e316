/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions of lists: what config/crl and URLs say, the documents; when a list is due. */
#include <fcntl.h>
#include <sys/stat.h>

#include <chancery/base/text.h>

#include <chancery/server/request.h>

#include "list_util.h"
#include "store_util.h"

#include "../../src/server/api/pki/keeper.h"

/* ---- words of config/crl ------------------------------------------------------ */

static void
test_modes(unused_arg void **state)
{
	static const struct {
		const char *text;
		bool ok, automatic;
		unsigned n;
		int64_t most;
	} rows[] = {
		{ "auto", true, true, 0, PARTITION_CERTS },
		{ "auto:8", true, true, 0, 8 },
		{ "auto:1000000", true, true, 0, 1000000 },
		{ "auto:7", false, false, 0, 0 },
		{ "auto:1000001", false, false, 0, 0 },
		{ "auto:", false, false, 0, 0 },
		{ "auto:x", false, false, 0, 0 },
		{ "Auto", false, false, 0, 0 },
		{ "", false, false, 0, 0 },
		{ "0", true, false, 0, 0 },
		{ "1024", true, false, 1024, 0 },
		{ "1025", false, false, 0, 0 },
		{ "-1", false, false, 0, 0 },
		{ "1.5", false, false, 0, 0 },
		{ " 4", false, false, 0, 0 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct partition_mode m;
		struct error e = { 0 };

		if (partition_mode_parse(rows[i].text, &m, &e) != rows[i].ok)
			fail_msg("\"%s\": %s", rows[i].text, e.msg);
		if (!rows[i].ok) {
			assert_non_null(strstr(e.msg, "partitions"));
			continue;
		}
		assert_int_equal(m.automatic, rows[i].automatic);
		assert_int_equal(m.n, rows[i].n);
		assert_int_equal(m.most, rows[i].most);
	}
}

/* ---- URLs ---------------------------------------------------------------------- */

static struct pki_texts
one_text(const char *s)
{
	struct pki_texts t = { .v = mem_calloc(1, sizeof(t.v[0])), .n = 1 };

	t.v[0] = mem_strdup(s);
	return t;
}

static void
test_urls(unused_arg void **state)
{
	static const struct {
		const char *url, *third, *none; /* third NULL: no place */
	} rows[] = {
		{ "http://h/v1/pki/crl", "http://h/v1/pki/crl/partition-3",
		    "http://h/v1/pki/crl" },
		{ "http://h/v1/pki/issuer/x/crl/der",
		    "http://h/v1/pki/issuer/x/crl/partition-3/der",
		    "http://h/v1/pki/issuer/x/crl/der" },
		{ "http://h/{{partition}}.crl", "http://h/partition-3.crl",
		    "http://h/full.crl" },
		{ "http://h/{{partition}}/crl", "http://h/partition-3/crl",
		    "http://h/full/crl" },
		{ "http://h/list", NULL, "http://h/list" },
		{ "http://h/crl/pem", NULL, "http://h/crl/pem" },
		{ "http://h/crl/", NULL, "http://h/crl/" },
		{ "http://h/xcrl", NULL, "http://h/xcrl" },
		{ "http://partition-1.h/crl", NULL,
		    "http://partition-1.h/crl" },
		{ "http://partition-h/{{partition}}", NULL,
		    "http://partition-h/full" },
		{ "http://h/{{partition}}/{{partition}}", NULL,
		    "http://h/full/full" },
		{ "http://h/{partition}/crl", NULL,
		    "http://h/{partition}/crl" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct pki_texts in = one_text(rows[i].url), out = { 0 };
		auto_buf struct buf text = { 0 };
		struct error e = { 0 };
		bool has = partition_patterns(&in, &out, &e);

		if (has != (rows[i].third != NULL))
			fail_msg("%s: %s", rows[i].url, e.msg);
		if (has) {
			partition_fill(out.v[0], 3, &text);
			assert_string_equal(buf_cstr(&text), rows[i].third);
		} else {
			assert_non_null(strstr(e.msg, rows[i].url));
		}
		partition_none(&in);
		assert_string_equal(in.v[0], rows[i].none);
		pki_texts_free(&in);
		pki_texts_free(&out);
	}
}

/* ---- documents -------------------------------------------------------------------- */

#define KEY "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define RANGE                                                                  \
	"{\"auto\":true,\"closed\":false,\"first\":5,\"granted\":4,"           \
	"\"key\":\"" KEY "\",\"most\":32,\"n\":3,\"opened\":1,\"run\":\"aa\"," \
	"\"until\":1000,\"urls\":[\"http://h/partition-{partition}\"]}"

static void
test_range(unused_arg void **state)
{
	static const char *const lacks[] = { "first", "granted", "key", "most",
		"n", "opened", "run", "until" };
	auto_json json_t *json = json_loads(RANGE, 0, NULL);
	uint8_t serial[LIMIT_SERIAL_BYTES] = { 0 };
	struct error e;
	struct range *r = range_parse("m", "00000005", json, &e);

	assert_non_null(r);
	assert_int_equal(r->first, 5);
	assert_int_equal(r->n, 3);
	assert_true(r->automatic && !r->closed);
	assert_int_equal(r->key.b[31], 0x20);
	assert_string_equal(r->urls.v[0], "http://h/partition-{partition}");
	for (unsigned i = 0; i < 9; i++) {
		serial[LIMIT_SERIAL_BYTES - 1] = (uint8_t)i;
		assert_int_equal(partition_at(r, serial), 5 + i % 3);
	}
	/* Two lives of a list behind the last certificate. */
	assert_true(range_lives(r, 1199, 100));
	assert_false(range_lives(r, 1200, 100));
	range_free(r);
	for (size_t i = 0; i < countof(lacks); i++) {
		json_t *less = json_deep_copy(json);

		(void)json_object_del(less, lacks[i]);
		assert_null(range_parse("m", "00000005", less, &e));
		assert_int_equal(e.why, FAIL_CORRUPT);
		json_decref(less);
	}
}

/* ---- when a list is due ------------------------------------------------------------- */

#define DAY INT64_C(86400)
#define NOW (INT64_C(20000) * DAY)

static const struct {
	const char *name, *config;
	int64_t this_s, next_s, due_s;
	bool elsewhere;
} dues[] = {
	{ "two thirds of its life", "{}", NOW, NOW + 3 * DAY,
	    NOW + 3 * DAY * 67 / 100, false },
	{ "share", "{\"renew_share\":50}", NOW, NOW + 3 * DAY,
	    NOW + 3 * DAY / 2, false },
	{ "expiry made shorter", "{\"expiry\":\"24h\",\"renew_share\":50}", NOW,
	    NOW + 3 * DAY, NOW + DAY / 2, false },
	{ "expiry made longer", "{\"expiry\":\"240h\",\"renew_share\":50}", NOW,
	    NOW + 3 * DAY, NOW + 3 * DAY / 2, false },
	{ "grace period",
	    "{\"auto_rebuild\":true,\"auto_rebuild_grace_period\":\"48h\"}",
	    NOW, NOW + 3 * DAY, NOW + DAY, false },
	{ "grace period without auto_rebuild",
	    "{\"auto_rebuild_grace_period\":\"48h\",\"renew_share\":50}", NOW,
	    NOW + 3 * DAY, NOW + 3 * DAY / 2, false },
	{ "share before the grace period",
	    "{\"auto_rebuild\":true,\"auto_rebuild_grace_period\":\"1h\","
	    "\"renew_share\":50}",
	    NOW, NOW + 3 * DAY, NOW + 3 * DAY / 2, false },
	/* The clock was ahead when it was made, and is right again. */
	{ "dated in the future", "{}", NOW + DAY, NOW + 4 * DAY, NOW, false },
	{ "a little in the future", "{\"renew_share\":50}", NOW + 30,
	    NOW + 30 + 2 * DAY, NOW + 30 + DAY, false },
	/* An offline root lists when it likes, not as this mount would. */
	{ "made elsewhere", "{\"expiry\":\"24h\",\"renew_share\":50}", NOW,
	    NOW + 400 * DAY, NOW + 200 * DAY, true },
};

static void
test_due(void **state)
{
	struct store_fixture *f = *state;
	const struct doc_kind none[] = { { 0 } };
	auto_mem char *dir = mem_printf("%s/crl", f->dir);
	char hex[2 * SHA256_LEN + 1];

	assert_int_equal(mkdir(dir, 0700), 0);
	pki_process.crl_dir = dir;
	for (size_t i = 0; i < countof(dues); i++) {
		struct kept k = { .key = sha256(bytes_str(dues[i].name)),
			.elsewhere = dues[i].elsewhere };
		auto_mem char *json =
		    mem_printf("[{\"kind\":\"pki-config\",\"name\":\"crl\","
			       "\"op\":\"put\",\"scope\":\"m%zu\","
			       "\"value\":%s}]",
			i, dues[i].config);
		auto_mem char *scope = mem_printf("m%zu", i);
		auto_mem char *of_key = NULL, *full = NULL;
		struct docs *d;

		hex_encode(sha256_bytes(&k.key), hex);
		of_key = mem_printf("%s/%s", dir, hex);
		full = mem_printf("%s/full", of_key);
		apply_docs(f->s, i, json);
		ok((d = docs_open(f->s, none, &e)) != NULL);
		kept_look(&k, d, scope, NOW);
		assert_false(k.there);
		assert_int_equal(mkdir(of_key, 0700), 0);
		assert_int_equal(mkdir(full, 0700), 0);
		make_list(full, 7, dues[i].this_s, dues[i].next_s);
		kept_look(&k, d, scope, NOW);
		assert_true(k.there);
		if (k.due_s != dues[i].due_s)
			fail_msg("%s: %lld instead of %lld", dues[i].name,
			    (long long)(k.due_s - NOW),
			    (long long)(dues[i].due_s - NOW));
		assert_int_equal(k.next_s, dues[i].next_s);
		docs_free(d);
	}
	crl_forget();
	pki_process.crl_dir = NULL;
}

/* A folder's time has the grain of the kernel's clock. */
static void
test_a_list_of_the_same_tick_is_seen(void **state)
{
	struct store_fixture *f = *state;
	const struct sha256 key = sha256(bytes_str("tick"));
	auto_mem char *dir = mem_printf("%s/crl", f->dir), *of_key = NULL,
		      *full = NULL;
	char hex[2 * SHA256_LEN + 1];
	struct crl_file file;
	struct stat st;

	hex_encode(sha256_bytes(&key), hex);
	of_key = mem_printf("%s/%s", dir, hex);
	full = mem_printf("%s/full", of_key);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(mkdir(of_key, 0700), 0);
	assert_int_equal(mkdir(full, 0700), 0);
	pki_process.crl_dir = dir;
	make_list(full, 17, NOW, NOW + DAY);
	assert_int_equal(stat(full, &st), 0);
	assert_true(crl_look(&key, CRL_FULL, &file));
	assert_int_equal(file.number, 17);
	make_list(full, 18, NOW, NOW + DAY);
	assert_int_equal(utimensat(AT_FDCWD, full,
			     (struct timespec[]){ st.st_atim, st.st_mtim }, 0),
	    0);
	assert_true(crl_look(&key, CRL_FULL, &file));
	assert_int_equal(file.number, 18);
	crl_forget();
	pki_process.crl_dir = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_range),
		cmocka_unit_test_setup_teardown(test_due, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_list_of_the_same_tick_is_seen, store_setup,
		    store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
