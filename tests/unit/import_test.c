/* SPDX-License-Identifier: Apache-2.0 */

/* Another log's bundle: taken in once it is what it says, refused by the name of the rule, and
 * never by half. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/register/bundle.h>
#include <chancery/signer/import.h>

#include "signer_fixture.h"

/* An offline root and the service's register. */
struct pair {
	struct fixture root, ours;
	char vkey[256], copy[128];
};

static void
vkey_of(const struct fixture *f, char out[256])
{
	auto_buf struct buf b = { 0 };

	note_vkey_format(&f->log_signer.key, &b);
	(void)snprintf(out, 256, "%s", buf_cstr(&b));
}

/* Its key as one of another kind. */
static void
vkey_type_of(const struct fixture *f, uint8_t type, char out[256])
{
	const struct note_key *k = &f->log_signer.key;
	auto_buf struct buf b = { 0 };
	struct note_key other;

	note_key_init(&other, k->name, type, k->pub);
	note_vkey_format(&other, &b);
	(void)snprintf(out, 256, "%s", buf_cstr(&b));
}

static void
root_acts(struct fixture *f, unsigned leaves, bool list)
{
	struct signer_reply r;
	struct error e;

	fixture_open(f);
	for (unsigned i = 0; i < leaves; i++)
		if (!fixture_certify(f, "kafka-broker", &r, &e))
			fail_msg("certify: %s", e.msg);
	if (list) {
		struct signer_crl c = fixture_crl(f);

		if (!signer_sign_crl_wait(f->s, &c, &r, &e))
			fail_msg("list: %s", e.msg);
	}
	fixture_close(f);
}

static void
pair_open(struct pair *p)
{
	struct signer_reply r;
	struct error e;

	memset(p, 0, sizeof(*p));
	p->root.origin = "test.example/root";
	p->root.segment_bytes = 4096; /* several segments, so snapshots */
	p->ours.online = true;
	fixture_make(&p->root);
	fixture_make(&p->ours);
	vkey_of(&p->root, p->vkey);
	p->root.self = true;
	fixture_open(&p->root);
	if (!fixture_certify(&p->root, "root", &r, &e))
		fail_msg("root: %s", e.msg);
	fixture_close(&p->root);
	p->root.self = false;
	root_acts(&p->root, 6, true);
	fixture_open(&p->ours);
}

static void
pair_close(struct pair *p)
{
	fixture_close(&p->ours);
	fixture_free(&p->ours);
	fixture_free(&p->root);
}

static void
bundle_of(const char *dir, const char *kit, struct buf *out)
{
	const struct reg_config cfg = { .dir = dir,
		.origin = "test.example/root",
		.offline = true };
	struct checkpoint at;
	struct error e;
	auto_reg struct reg *r = reg_open_read(&cfg, &e);

	if (r == NULL || !bundle_write(r, kit, out, &at, &e))
		fail_msg("bundle: %s", e.msg);
}

static bool
take_in(struct pair *p, const struct buf *bundle, const char *mount,
    const char *vkey, struct error *e)
{
	const struct signer_import req = { .bundle = buf_bytes(bundle),
		.mount = mount,
		.vkey = vkey,
		.claim = { .who = "me", .why = "test" } };
	auto_import_job struct import_job *j = import_begin(p->ours.s, &req, e);
	struct import_done done = { 0 };
	bool ok;

	if (j == NULL)
		return false;
	import_check(j);
	ok = import_finish(p->ours.s, j, &done, e);
	buf_free(&done.json);
	return ok;
}

static void
must(struct pair *p, const struct buf *bundle)
{
	struct error e;

	if (!take_in(p, bundle, "root-ca", p->vkey, &e))
		fail_msg("%s", e.msg);
}

static void
refused(struct pair *p, const struct buf *bundle, const char *mount,
    const char *vkey, const char *text)
{
	size_t records = fixture_count(&p->ours, REC_IMPORT, NULL);
	struct error e = { 0 };

	if (take_in(p, bundle, mount, vkey, &e))
		fail_msg("not refused: %s", text);
	if (strstr(e.msg, text) == NULL)
		fail_msg("%s, not %s", e.msg, text);
	assert_int_equal(fixture_count(&p->ours, REC_IMPORT, NULL), records);
}

/* Names in imports/ but the dots. */
static size_t
folders(const struct pair *p)
{
	auto_mem char *dir = path_join(p->ours.reg_dir, "imports");
	auto_dir DIR *d = opendir(dir);
	size_t n = 0;

	while (d != NULL) {
		const struct dirent *entry = readdir(d);

		if (entry == NULL)
			break;
		n += entry->d_name[0] != '.';
	}
	return n;
}

static char *
served(const struct pair *p, unsigned number)
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256_bytes(&p->root.key), hex);
	return mem_printf("%s/%s/full/%u.crl", p->ours.crl_dir, hex, number);
}

static char *
own_list(const struct pair *p, unsigned number)
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256_bytes(&p->root.key), hex);
	return mem_printf("%s/%s/full/%u.crl", p->root.crl_dir, hex, number);
}

static void
same_list(const struct pair *p, unsigned number)
{
	auto_mem char *a = own_list(p, number), *b = served(p, number);
	auto_buf struct buf x = { 0 }, y = { 0 };
	struct error e;

	if (!file_read(a, 1 << 20, &x, &e) || !file_read(b, 1 << 20, &y, &e))
		fail_msg("%s", e.msg);
	assert_true(bytes_eq(buf_bytes(&x), buf_bytes(&y)));
}

/* ---- taken in ----------------------------------------------------------- */

static void
test_grows(void **state)
{
	auto_buf struct buf one = { 0 }, two = { 0 };
	const struct state_import *i;
	struct pair p;

	(void)state;
	pair_open(&p);
	bundle_of(p.root.reg_dir, NULL, &one);
	/* More than one segment, or this shows nothing of snapshots. */
	assert_non_null(memmem(one.p, one.n, "log/000003.jsonl", 16));
	must(&p, &one);
	assert_int_equal(folders(&p), 1);
	same_list(&p, 1);
	must(&p, &one); /* as it is */
	root_acts(&p.root, 3, true);
	bundle_of(p.root.reg_dir, NULL, &two);
	must(&p, &two);
	same_list(&p, 2);
	assert_int_equal(folders(&p), 1);
	i = reg_state_import(reg_get_state(signer_register(p.ours.s)),
	    "test.example/root");
	assert_non_null(i);
	assert_string_equal(i->mount, "root-ca");
	assert_string_equal(i->vkey, p.vkey);
	assert_int_equal(fixture_count(&p.ours, REC_IMPORT, NULL), 3);
	refused(&p, &one, "root-ca", NULL, "import-older");
	pair_close(&p);
}

/* Between the record and the folder: the next start finishes it. */
static void
test_crash(void **state)
{
	auto_buf struct buf one = { 0 };
	auto_mem char *dir = NULL, *fresh = NULL, *tmp = NULL, *list = NULL;
	struct pair p;

	(void)state;
	pair_open(&p);
	bundle_of(p.root.reg_dir, NULL, &one);
	must(&p, &one);
	fixture_close(&p.ours);
	dir = import_dir(p.ours.reg_dir, "test.example/root");
	fresh = mem_printf("%s.new", dir);
	tmp = mem_printf("%s.00.tmp", dir);
	list = served(&p, 1);
	assert_int_equal(rename(dir, fresh), 0);
	assert_int_equal(unlink(list), 0);
	assert_int_equal(mkdir(tmp, 0700), 0);
	fixture_open(&p.ours);
	assert_int_equal(folders(&p), 1);
	assert_int_equal(access(dir, F_OK), 0);
	same_list(&p, 1);
	/* One that was not recorded goes. */
	fixture_close(&p.ours);
	assert_int_equal(mkdir(fresh, 0700), 0);
	fixture_open(&p.ours);
	assert_int_equal(folders(&p), 1);
	pair_close(&p);
}

static void
copy_file(const char *from, const char *to, const char *name)
{
	auto_mem char *a = path_join(from, name), *b = path_join(to, name);
	auto_buf struct buf file = { 0 };
	struct error e;

	if (!file_read(a, 1 << 20, &file, &e) ||
	    !file_create(b, buf_bytes(&file), 0644, &e))
		fail_msg("%s", e.msg);
}

/* The same bundle once more, and the crash comes while what was exchanged is removed: its
 * checkpoint is still there, the rest is not. It was exchanged a second time, and the whole one
 * removed. */
static void
test_crash_while_the_same_is_tidied(void **state)
{
	auto_mem char *dir = NULL, *fresh = NULL, *log = NULL;
	auto_buf struct buf one = { 0 };
	struct pair p;

	(void)state;
	pair_open(&p);
	bundle_of(p.root.reg_dir, NULL, &one);
	must(&p, &one);
	dir = import_dir(p.ours.reg_dir, "test.example/root");
	fresh = mem_printf("%s.new", dir);
	log = path_join(dir, "log");
	assert_int_equal(mkdir(fresh, 0700), 0);
	copy_file(dir, fresh, "checkpoint");
	copy_file(dir, fresh, "import.json");
	/* The second record, and its folder is in place. */
	auto_mem char *kept = mem_printf("%s.kept", dir);

	assert_int_equal(rename(fresh, kept), 0);
	must(&p, &one);
	fixture_close(&p.ours);
	assert_int_equal(rename(kept, fresh), 0);
	fixture_open(&p.ours);
	assert_int_equal(folders(&p), 1);
	assert_int_equal(access(log, F_OK), 0);
	pair_close(&p);
}

/* ---- refused ------------------------------------------------------------ */

static void
test_pin(void **state)
{
	auto_buf struct buf one = { 0 };
	char other[256];
	struct pair p;

	(void)state;
	pair_open(&p);
	vkey_of(&p.ours, other);
	bundle_of(p.root.reg_dir, NULL, &one);
	refused(&p, &one, "root-ca", NULL, "import-key");
	refused(&p, &one, "root-ca", other, "import-key");
	vkey_type_of(&p.root, NOTE_COSIGNATURE, other);
	refused(&p, &one, "root-ca", other, "not an Ed25519");
	vkey_of(&p.ours, other);
	refused(&p, &one, "", p.vkey, "mount: missing");
	assert_int_equal(folders(&p), 0);
	must(&p, &one);
	refused(&p, &one, "root-ca", other, "import-key");
	refused(&p, &one, "elsewhere", p.vkey, "import-mount");
	assert_int_equal(folders(&p), 1);
	pair_close(&p);
}

/* A bundle is a register. */
static void
copy_root(struct pair *p)
{
	auto_buf struct buf b = { 0 };
	struct error e;

	bundle_of(p->root.reg_dir, NULL, &b);
	(void)snprintf(p->copy, sizeof(p->copy), "%s/copy", p->root.dir);
	if (!bundle_unpack(buf_bytes(&b), p->copy, &e))
		fail_msg("%s", e.msg);
}

/* The same log key signs two histories. */
static void
test_fork(void **state)
{
	auto_buf struct buf one = { 0 }, fork = { 0 };
	auto_mem char *real = NULL;
	struct pair p;

	(void)state;
	pair_open(&p);
	copy_root(&p);
	root_acts(&p.root, 1, false);
	bundle_of(p.root.reg_dir, NULL, &one);
	must(&p, &one);
	real = p.root.reg_dir;
	p.root.reg_dir = mem_strdup(p.copy);
	mem_free(p.root.anchor_dir);
	p.root.anchor_dir = path_join(p.root.dir, "other-anchor");
	assert_int_equal(mkdir(p.root.anchor_dir, 0700), 0);
	root_acts(&p.root, 1, false);
	bundle_of(p.copy, NULL, &fork);
	refused(&p, &fork, "root-ca", NULL, "import-fork");
	buf_reset(&fork);
	root_acts(&p.root, 5, true);
	bundle_of(p.copy, NULL, &fork);
	refused(&p, &fork, "root-ca", NULL, "import-fork");
	pair_close(&p);
}

/* No octet may be another one, and nothing may be missing. */
static void
test_altered(void **state)
{
	auto_buf struct buf one = { 0 }, bad = { 0 };
	struct pair p;
	struct error e;

	(void)state;
	pair_open(&p);
	bundle_of(p.root.reg_dir, NULL, &one);
	for (size_t i = 3; i < one.n; i += 1 + one.n / 97) {
		buf_reset(&bad);
		buf_add_bytes(&bad, buf_bytes(&one));
		bad.p[i] ^= 1;
		if (take_in(&p, &bad, "root-ca", p.vkey, &e))
			fail_msg("octet %zu was not looked at", i);
		bad.n = i;
		if (take_in(&p, &bad, "root-ca", p.vkey, &e))
			fail_msg("cut at octet %zu", i);
		assert_int_equal(folders(&p), 0);
	}
	buf_reset(&bad);
	buf_add_bytes(&bad, buf_bytes(&one));
	buf_add_byte(&bad, '\n');
	refused(&p, &bad, "root-ca", p.vkey, "not its end");
	assert_int_equal(fixture_count(&p.ours, REC_IMPORT, NULL), 0);
	must(&p, &one);
	pair_close(&p);
}

static void
test_list_number(void **state)
{
	auto_buf struct buf one = { 0 };
	auto_mem char *list = NULL;
	struct pair p;
	struct error e;

	(void)state;
	pair_open(&p);
	bundle_of(p.root.reg_dir, NULL, &one);
	must(&p, &one);
	list = served(&p, 2);
	assert_true(file_create(list, bytes_str("newer"), 0644, &e));
	refused(&p, &one, "root-ca", NULL, "import-crl-number");
	assert_int_equal(unlink(list), 0);
	must(&p, &one);
	pair_close(&p);
}

static uint64_t
put(struct reg *r, const struct record *rec)
{
	struct error e;
	uint64_t n;

	if (!reg_append(r, rec, (struct bytes){ 0 }, &n, &e))
		fail_msg("append: %s", e.msg);
	return n;
}

static void
put_signed(struct reg *r, uint64_t intent)
{
	struct record rec;

	record_init(&rec, REC_SIGNED);
	record_int(&rec, "attempts", 1);
	record_int(&rec, "intent", (int64_t)intent);
	record_bytes(&rec, "sig", bytes_str("none"));
	(void)put(r, &rec);
}

/* A log that nobody's signer wrote: a list of a scope, and any signature. */
static void
put_list(struct pair *p, const char *scope)
{
	const struct signer_config cfg = fixture_config(&p->root);
	static const struct sha256 hash = { { 1 } };
	struct record rec;
	struct error e;
	auto_reg struct reg *r = reg_open(&cfg.reg, &e);

	if (r == NULL)
		fail_msg("%s", e.msg);
	record_init(&rec, REC_INTENT);
	record_text(&rec, "alg", "ecdsa-sha256");
	record_int(&rec, "crl", 100);
	record_bytes(&rec, "issuer", buf_bytes(&p->root.ca_name));
	record_hash(&rec, "key", &p->root.key);
	record_text(&rec, "kind", "crl");
	record_time(&rec, "next", 1790086400);
	record_int(&rec, "position", 3);
	record_text(&rec, "scope", scope);
	record_hash(&rec, "sha256", &hash);
	record_time(&rec, "this", 1790000000);
	record_text(&rec, "who", "mallory");
	record_text(&rec, "why", "none");
	put_signed(r, put(r, &rec));
	if (!reg_commit(r, &e) || !reg_checkpoint(r, &e))
		fail_msg("%s", e.msg);
}

/* A kit that names a record which is no INTENT ended the signer, before any signature was
 * looked at. */
static void
test_kit_of_no_intent(void **state)
{
	auto_buf struct buf one = { 0 };
	struct pair p;

	(void)state;
	pair_open(&p);
	put_list(&p, "kit:0");
	bundle_of(p.root.reg_dir, NULL, &one);
	refused(&p, &one, "root-ca", p.vkey, "kit: record 0");
	pair_close(&p);
}

/* Its own register, and a register that has a key of it. */
static void
test_own(void **state)
{
	auto_buf struct buf one = { 0 };
	struct pair p;

	(void)state;
	pair_open(&p);
	fixture_close(&p.ours);
	bundle_of(p.root.reg_dir, NULL, &one);
	fixture_open(&p.root);
	/* The roles change: the root is asked to take in itself. */
	p.ours.s = p.root.s;
	refused(&p, &one, "root-ca", p.vkey, "import-own-log");
	p.ours.s = NULL;
	fixture_close(&p.root);
	fixture_open(&p.ours);
	pair_close(&p);
}

/* ---- kits --------------------------------------------------------------- */

static void
test_kit(void **state)
{
	auto_buf struct buf one = { 0 }, two = { 0 };
	auto_mem char *kit = NULL, *list = NULL, *there = NULL, *from = NULL,
		      *dir = NULL;
	auto_mem char *theirs = NULL;
	auto_buf struct buf file = { 0 };
	char hex[2 * SHA256_LEN + 1];
	struct signer_reply r;
	struct pair p;
	struct error e;

	(void)state;
	pair_open(&p);
	kit = path_join(p.root.dir, "kit");
	list = path_join(kit, "root-dead.crl");
	from = own_list(&p, 1);
	assert_int_equal(mkdir(kit, 0700), 0);
	assert_true(file_read(from, 1 << 20, &file, &e));
	assert_true(file_create(list, buf_bytes(&file), 0600, &e));
	bundle_of(p.root.reg_dir, kit, &one);
	must(&p, &one);
	dir = import_dir(p.ours.reg_dir, "test.example/root");
	there = mem_printf("%s/kit/root-dead.crl", dir);
	assert_int_equal(access(there, F_OK), 0);
	/* A list of somebody else. */
	struct signer_crl c = fixture_crl(&p.ours);

	if (!signer_sign_crl_wait(p.ours.s, &c, &r, &e))
		fail_msg("%s", e.msg);
	buf_reset(&file);
	hex_encode(sha256_bytes(&p.ours.key), hex);
	theirs = mem_printf("%s/%s/full/1.crl", p.ours.crl_dir, hex);
	assert_true(file_read(theirs, 1 << 20, &file, &e));
	assert_true(file_replace(list, buf_bytes(&file), 0600, &e));
	bundle_of(p.root.reg_dir, kit, &two);
	refused(&p, &two, "root-ca", NULL, "import-kit");
	pair_close(&p);
}

/* ---- the file ------------------------------------------------------------ */

static bool
nothing(unused_arg void *arg, unused_arg const struct bundle_part *part,
    unused_arg struct error *e)
{
	return true;
}

static void
test_shapes(void **state)
{
	static const char *const bad[] = {
		"",
		"chancery register bundle 2\nend 0\n",
		"chancery register bundle 1\n",
		"chancery register bundle 1\nend 0\n",
		"chancery register bundle 1\ncheckpoint 1\nx\nend 1\n",
		"chancery register bundle 1\nlog/000001.jsonl 0\n\nend 1\n",
		"chancery register bundle 1\ncheckpoint 1\nx\n"
		"log/000002.jsonl 0\n\nend 2\n",
		"chancery register bundle 1\ncheckpoint 1\nx\n"
		"log/../../x.jsonl 0\n\nend 2\n",
		"chancery register bundle 1\ncheckpoint 1\nx\n"
		"log/000001.jsonl 0\n\nkit/../x.crl 0\n\nend 3\n",
		"chancery register bundle 1\ncheckpoint 1\nx\n"
		"log/000001.jsonl 0\n\nkit/.x.crl 0\n\nend 3\n",
		"chancery register bundle 1\ncheckpoint 1\nx\n"
		"log/000001.jsonl 0\n\nkit/b.crl 0\n\nkit/a.crl 0\n\n"
		"end 4\n",
		"chancery register bundle 1\ncheckpoint 1\nx\n"
		"log/000001.jsonl 0\n\nkit/a.crl 0\n\n"
		"log/000002.jsonl 0\n\nend 4\n",
		"chancery register bundle 1\ncheckpoint 01\nx\n"
		"log/000001.jsonl 0\n\nend 2\n",
		"chancery register bundle 1\ncheckpoint "
		"9223372036854775807\nx\n"
		"log/000001.jsonl 0\n\nend 2\n",
		"chancery register bundle 1\ncheckpoint 1\nx\n"
		"log/000001.jsonl 0\n\nend 3\n",
		"chancery register bundle 1\ncheckpoint 1\nx\n"
		"log/000001.jsonl 0\n\nend 2\n\n",
	};
	static const char good[] =
	    "chancery register bundle 1\ncheckpoint 1\nx\n"
	    "log/000001.jsonl 0\n\nlog/000002.jsonl 2\n\n\n\n"
	    "kit/A-1_x.crl 0\n\nkit/b.crl 0\n\nend 5\n";
	struct error e;

	(void)state;
	assert_true(bundle_read(bytes_str(good), nothing, NULL, &e));
	for (size_t i = 0; i < countof(bad); i++) {
		if (bundle_read(bytes_str(bad[i]), nothing, NULL, &e))
			fail_msg("row %zu was taken", i);
		assert_int_equal(e.why, FAIL_BAD_INPUT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_crash_while_the_same_is_tidied),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_altered),
		cmocka_unit_test(test_list_number),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_kit_of_no_intent),
		cmocka_unit_test(test_kit),
		cmocka_unit_test(test_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
