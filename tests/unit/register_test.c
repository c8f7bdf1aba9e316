/* SPDX-License-Identifier: Apache-2.0 */

/* The log as its caller sees it: birth, appending, reading, start again. */
#include <stdio.h>
#include <unistd.h>

#include <chancery/base/text.h>

#include "register_util.h"

static int
setup(void **state)
{
	struct fixture *f = mem_calloc(1, sizeof(*f));

	fixture_open(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	fixture_close(*state);
	mem_free(*state);
	return 0;
}

static struct reg *
must_open(const struct reg_config *cfg)
{
	struct error e;
	struct reg *r = reg_open(cfg, &e);

	if (r == NULL)
		fail_msg("%s", e.msg);
	return r;
}

static struct reg *
must_create(const struct reg_config *cfg)
{
	struct error e;
	struct reg *r = reg_create(cfg, &e);

	if (r == NULL)
		fail_msg("%s", e.msg);
	return r;
}

static void
test_create_append_reopen(void **state)
{
	struct fixture *f = *state;
	struct reg *r = must_create(&f->cfg);
	auto_buf struct buf line = { 0 }, store = { 0 }, body = { 0 };
	struct sha256 key, root;
	struct record rec;
	struct error e;
	uint64_t intent, event, n;

	assert_int_equal(reg_size(r), 2); /* LOG-OPEN, START */
	key = put_key(r, "one");
	intent = put_intent(r, &key);
	assert_int_equal(reg_durable_size(r), 2);
	assert_int_equal(reg_pending(r), 4);
	commit(r);
	assert_int_equal(reg_durable_size(r), 6);
	assert_int_equal(reg_state_open_count(reg_get_state(r)), 1);
	n = put_signed(r, intent);
	event = put_event(r, "plan", "{\"name\":\"x\"}");
	commit(r);
	assert_true(reg_read(r, n, &line, &rec, &store, &e));
	assert_int_equal(rec.type, REC_SIGNED);
	assert_int_equal(record_get_int(&rec, "intent"), intent);
	assert_true(reg_read_private(r, event, &body, &e));
	assert_string_equal(buf_cstr(&body), "{\"name\":\"x\"}");
	assert_false(reg_read_private(r, n, &body, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_false(reg_read(r, event + 1, &line, &rec, &store, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_true(reg_checkpoint(r, &e));
	root = reg_root(r);
	n = reg_size(r);
	reg_close(r);

	r = must_open(&f->cfg);
	assert_int_equal(reg_size(r), n + 1);
	assert_true(reg_read(r, n, &line, &rec, &store, &e));
	assert_int_equal(rec.type, REC_START);
	assert_int_equal(reg_state_open_count(reg_get_state(r)), 0);
	assert_non_null(reg_state_key(reg_get_state(r), &key));
	assert_memory_not_equal(&root, &(struct sha256){ 0 }, sizeof(root));
	reg_close(r);
}

/* ---- refusals --------------------------------------------------------- */

static void
refuse_open(const struct reg_config *cfg, enum fail why, const char *text)
{
	struct error e;
	struct reg *r = reg_open(cfg, &e);

	assert_null(r);
	if (e.why != why || strstr(e.msg, text) == NULL)
		fail_msg("%s: %s", fail_name(e.why), e.msg);
}

static void
test_birth_refused(void **state)
{
	struct fixture *f = *state;
	struct reg_config cfg = f->cfg;
	struct error e;

	refuse_open(&f->cfg, FAIL_NOT_FOUND, "no register");
	assert_null(reg_open_read(&f->cfg, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	cfg.origin = "with space";
	assert_null(reg_create(&cfg, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	reg_close(must_create(&f->cfg));
	assert_null(reg_create(&f->cfg, &e));
	assert_int_equal(e.why, FAIL_EXISTS);
	cfg.origin = "other";
	refuse_open(&cfg, FAIL_BAD_INPUT, "\"other\"");
}

static void
test_two_writers(void **state)
{
	struct fixture *f = *state;
	struct reg *r = must_create(&f->cfg), *reader;
	auto_mem char *pid = mem_printf("pid %ld", (long)getpid());
	struct error e;

	refuse_open(&f->cfg, FAIL_BUSY, pid);
	reader = reg_open_read(&f->cfg, &e);
	assert_non_null(reader);
	assert_int_equal(reg_size(reader), 2);
	reg_close(reader);
	reg_close(r);
	reg_close(must_open(&f->cfg));
}

static void
test_other_log_key(void **state)
{
	struct fixture *f = *state;
	struct note_signer other = f->signer;
	struct reg_config cfg = f->cfg;
	struct error e;
	struct reg *r;

	reg_close(must_create(&f->cfg));
	note_key_init(&other.key, "another", 0x01, f->signer.key.pub);
	cfg.log_key = &other;
	refuse_open(&cfg, FAIL_CRYPTO, "log key");
	cfg.log_key = NULL;
	r = must_open(&cfg);
	assert_false(reg_checkpoint(r, &e));
	assert_int_equal(e.why, FAIL_UNSUPPORTED);
	reg_close(r);
}

static void
test_append_refused(void **state)
{
	struct fixture *f = *state;
	struct reg *r = must_create(&f->cfg), *reader;
	struct bytes none = { 0 };
	struct record rec;
	struct error e;
	uint64_t n = 77;

	record_init(&rec, REC_SNAPSHOT);
	assert_false(reg_append(r, &rec, none, &n, &e));
	make_signed(&rec, 0);
	assert_false(reg_append(r, &rec, none, &n, &e));
	assert_non_null(strstr(e.msg, "signed-without-intent"));
	assert_false(reg_append(r, &rec, bytes_str("{}"), &n, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	record_init(&rec, REC_LOGIN);
	record_text(&rec, "result", "ok");
	record_text(&rec, "token", "t");
	assert_false(reg_append(r, &rec, bytes_str("{ }"), &n, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_int_equal(n, 77);
	assert_int_equal(reg_pending(r), 0);
	assert_true(reg_append(r, &rec, bytes_str("{}"), &n, &e));
	commit(r);
	reader = reg_open_read(&f->cfg, &e);
	assert_false(reg_append(reader, &rec, none, &n, &e));
	assert_int_equal(e.why, FAIL_INTERNAL);
	reg_close(reader);
	reg_close(r);
}

/* ---- clock ------------------------------------------------------------ */

static void
test_clock(void **state)
{
	struct fixture *f = *state;
	struct reg *r = must_create(&f->cfg);
	struct bytes none = { 0 };
	struct record rec;
	struct error e;
	int64_t t = 0;
	uint64_t n;

	/* A little behind: times stay where they are. */
	f->wall -= 4000;
	assert_true(reg_now(r, &t, &e));
	assert_int_equal(t, f->wall + 4000);
	f->wall -= 2000;
	record_init(&rec, REC_EVENT);
	record_text(&rec, "what", "x");
	assert_false(reg_append(r, &rec, none, &n, &e));
	assert_int_equal(e.why, FAIL_CLOCK);
	assert_non_null(strstr(e.msg, "behind"));
	/* An hour passes on both clocks; then one of them jumps. */
	f->wall += 3606000;
	f->boot += 3600000;
	assert_true(reg_append(r, &rec, none, &n, &e));
	f->wall += 61000;
	assert_false(reg_append(r, &rec, none, &n, &e));
	assert_int_equal(e.why, FAIL_CLOCK);
	assert_non_null(strstr(e.msg, "moved by 61 s"));
	f->boot += 61000;
	assert_true(reg_append(r, &rec, none, &n, &e));
	commit(r);
	reg_close(r);
}

/* What was begun before the jump gets its outcome, at the time of the record before. */
static void
test_clock_outcome(void **state)
{
	struct fixture *f = *state;
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct reg *r = must_create(&f->cfg);
	static const int64_t jumps[] = { -86400000, 14400000 };
	int64_t before = f->wall;
	struct sha256 key;
	struct record rec;
	struct error e;
	uint64_t intent, n;

	key = put_key(r, "one");
	for (size_t i = 0; i < countof(jumps); i++) {
		intent = put_intent(r, &key);
		f->wall += jumps[i];
		assert_false(reg_now(r, &(int64_t){ 0 }, &e));
		assert_int_equal(e.why, FAIL_CLOCK);
		n = put_signed(r, intent);
		commit(r);
		assert_true(reg_read(r, n, &line, &rec, &store, &e));
		assert_int_equal(rec.t_ms, before);
		f->wall -= jumps[i];
	}
	(void)put_intent(r, &key);
	reg_close(r);
}

static void
test_clock_cleared(void **state)
{
	struct fixture *f = *state;
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct reg_config cfg = f->cfg;
	struct reg_verify_report v;
	struct record rec;
	struct error e;
	struct reg *r;

	f->wall += 86400000L * 365;
	reg_close(must_create(&f->cfg));
	f->wall -= 86400000L * 365;
	refuse_open(&f->cfg, FAIL_CLOCK, "behind the last record");
	cfg.clear_clock = "the RTC battery was empty";
	r = must_open(&cfg);
	assert_true(reg_read(r, 2, &line, &rec, &store, &e));
	assert_int_equal(rec.type, REC_CLOCK);
	assert_int_equal(record_get_int(&rec, "from"),
	    f->wall / 1000 + 86400L * 365);
	assert_int_equal(record_get_int(&rec, "to"), f->wall / 1000);
	assert_true(reg_read(r, 3, &line, &rec, &store, &e));
	assert_int_equal(rec.type, REC_START);
	assert_int_equal(rec.t_ms, f->wall);
	reg_close(r);
	/* Nothing to clear: no record. */
	r = must_open(&cfg);
	assert_int_equal(reg_size(r), 5);
	reg_close(r);
	assert_true(reg_verify(f->reg_dir, NULL, &v, &e));
}

/* ---- anchors ---------------------------------------------------------- */

static void
test_anchor_file(void **state)
{
	struct fixture *f = *state;
	auto_buf struct buf line = { 0 }, store = { 0 };
	auto_mem char *old = mem_printf("%s/old", f->dir);
	struct reg_config cfg = f->cfg;
	struct reg_verify_options opt = { .anchor_dir = f->anchor_dir };
	struct reg_verify_report v;
	struct sha256 key;
	struct record rec;
	struct error e;
	struct reg *r;

	cfg.anchor_dir = f->anchor_dir;
	r = must_create(&cfg);
	key = put_key(r, "one");
	commit(r);
	reg_close(r);
	copy_tree(f->reg_dir, old);
	r = must_open(&cfg);
	(void)put_intent(r, &key);
	commit(r);
	assert_true(reg_checkpoint(r, &e));
	reg_close(r);
	assert_true(reg_verify(f->reg_dir, &opt, &v, &e));
	assert_int_equal(v.checkpoints, 1);
	reg_close(must_open(&cfg));

	/* Yesterday's copy comes back. */
	remove_tree(f->reg_dir);
	copy_tree(old, f->reg_dir);
	refuse_open(&cfg, FAIL_ROLLBACK, "remembers 7 records");
	refuse_open(&cfg, FAIL_ROLLBACK, f->anchor_dir);
	assert_false(reg_verify(f->reg_dir, &opt, &v, &e));
	assert_int_equal(e.why, FAIL_ROLLBACK);
	/* …and goes on without the anchor: a fork. */
	r = must_open(&f->cfg);
	for (int i = 0; i < 5; i++)
		(void)put_intent(r, &key);
	commit(r);
	reg_close(r);
	refuse_open(&cfg, FAIL_ROLLBACK, "not the ones");
	assert_false(reg_verify(f->reg_dir, &opt, &v, &e));
	assert_int_equal(e.why, FAIL_ROLLBACK);
	/* An operator takes the fork upon himself. */
	cfg.accept_anchor = "restored from backup 7";
	r = must_open(&cfg);
	assert_true(reg_read(r, 11, &line, &rec, &store, &e));
	assert_int_equal(rec.type, REC_ANCHOR);
	assert_int_equal(record_get_int(&rec, "size"), 7);
	assert_true(record_has(&rec, "root"));
	assert_true(reg_checkpoint(r, &e));
	reg_close(r);
	cfg.accept_anchor = NULL;
	reg_close(must_open(&cfg));
	assert_true(reg_verify(f->reg_dir, &opt, &v, &e));
}

static void
test_anchor_garbage(void **state)
{
	struct fixture *f = *state;
	struct reg_config cfg = f->cfg;
	auto_mem char *path = NULL;
	struct sha256 h = sha256(bytes_str(f->cfg.origin));
	char hex[2 * SHA256_LEN + 1];
	struct error e;

	hex_encode(sha256_bytes(&h), hex);
	path = mem_printf("%s/%s.anchor", f->anchor_dir, hex);
	cfg.anchor_dir = f->anchor_dir;
	reg_close(must_create(&cfg));
	assert_true(file_replace(path, bytes_str("hello\n"), 0600, &e));
	refuse_open(&cfg, FAIL_ROLLBACK, "anchor file:");
}

struct memory_anchor {
	struct buf note;
	bool fail;
	unsigned stores;
};

static bool
memory_load(void *arg, struct buf *note, struct error *e)
{
	const struct memory_anchor *m = arg;

	if (m->fail)
		return error_set(e, FAIL_HSM_GONE, "token lost");
	if (m->note.n == 0)
		return error_set(e, FAIL_NOT_FOUND, "empty");
	buf_add_bytes(note, buf_bytes(&m->note));
	return true;
}

static bool
memory_store(void *arg, struct bytes note, struct error *e)
{
	struct memory_anchor *m = arg;

	if (m->fail)
		return error_set(e, FAIL_HSM_GONE, "token lost");
	buf_reset(&m->note);
	buf_add_bytes(&m->note, note);
	m->stores++;
	return true;
}

static void
test_anchor_callback(void **state)
{
	struct fixture *f = *state;
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct memory_anchor a = { .stores = 0 }, b = { .stores = 0 };
	struct reg_config cfg = f->cfg;
	struct record rec;
	struct error e;
	struct reg *r;

	cfg.anchor[0] = (struct reg_anchor){ "hsm:a", memory_load, memory_store,
		&a, false };
	cfg.anchor[1] =
	    (struct reg_anchor){ "hsm:b", memory_load, memory_store, &b, true };
	cfg.anchors = 2;
	r = must_create(&cfg);
	assert_true(reg_checkpoint(r, &e));
	assert_int_equal(a.stores, 1);
	assert_int_equal(b.stores, 0); /* read-only */
	a.fail = true;
	assert_false(reg_checkpoint(r, &e));
	assert_non_null(strstr(e.msg, "anchor hsm:a: token lost"));
	reg_close(r);
	refuse_open(&cfg, FAIL_HSM_GONE, "anchor hsm:a");
	/* b is empty though there is a checkpoint: said in the log. */
	a.fail = false;
	r = must_open(&cfg);
	assert_true(reg_read(r, 2, &line, &rec, &store, &e));
	assert_int_equal(rec.type, REC_ANCHOR);
	assert_int_equal(record_get_int(&rec, "size"), 0);
	reg_close(r);
	buf_free(&a.note);
}

/* The register's own checkpoint notices that the log alone was cut. */
static void
test_cut_below_checkpoint(void **state)
{
	struct fixture *f = *state;
	struct reg *r = must_create(&f->cfg);
	auto_mem char *path = mem_printf("%s/log/000001.jsonl", f->reg_dir);
	struct sha256 key = put_key(r, "one");
	auto_buf struct buf data = { 0 };
	struct reg_verify_report v;
	struct error e;

	(void)put_intent(r, &key);
	commit(r);
	assert_true(reg_checkpoint(r, &e));
	reg_close(r);
	assert_true(file_read(path, 1 << 20, &data, &e));
	assert_int_equal(truncate(path, (off_t)data.n - 1), 0);
	refuse_open(&f->cfg, FAIL_ROLLBACK, "checkpoint");
	assert_false(reg_verify(f->reg_dir, NULL, &v, &e));
	/* The same octets, one of them wrong. */
	data.p[data.n - 20] ^= 1;
	assert_true(file_replace(path, buf_bytes(&data), 0600, &e));
	refuse_open(&f->cfg, FAIL_CORRUPT, "record 5");
}

/* ---- segments and snapshots ------------------------------------------- */

/* A life over several segments; its state as bytes. */
static struct sha256
busy_life(struct fixture *f, unsigned rounds)
{
	struct reg *r = must_create(&f->cfg);
	struct sha256 key = put_key(r, "one"), second;
	uint8_t serial[20] = { 0x20 };
	struct record rec;
	uint64_t open = 0;

	for (unsigned i = 0; i < rounds; i++) {
		uint64_t n = put_intent(r, &key);

		commit(r);
		(void)put_event(r, "round", i % 3 == 0 ? "{\"i\":1}" : NULL);
		(void)put_signed(r, n);
		serial[19] = (uint8_t)i;
		serial[3] = (uint8_t)(i * 73);
		if (i % 4 == 0)
			(void)put_revoke(r, &key, serial);
		if (i == 1) {
			make_import_intent(&rec, "open", bytes_str("key"));
			(void)put(r, &rec);
			(void)put_imported(r, "imported");
		}
		if (i == rounds / 2) {
			second = put_key(r, "two");
			(void)put_revoke(r, &second, serial);
			open = put_intent(r, &second);
		}
		commit(r);
		f->wall += 1000;
		f->boot += 1000;
	}
	(void)open;
	reg_close(r);
	return key;
}

static void
picture(const char *dir, const struct reg_config *cfg, struct buf *out)
{
	struct reg_config c = *cfg;
	const struct state_key *k;
	const struct reg_state *s;
	struct revoked_cursor cur;
	struct revoked_entry entry;
	struct sha256 root;
	struct error e;
	struct reg *r;

	c.dir = dir;
	r = reg_open_read(&c, &e);
	if (r == NULL)
		fail_msg("%s", e.msg);
	s = reg_get_state(r);
	root = reg_root(r);
	buf_reset(out);
	buf_addf(out, "%llu ", (unsigned long long)reg_size(r));
	buf_add_hex(out, sha256_bytes(&root));
	for (size_t i = 0; i < reg_state_keys(s); i++) {
		k = reg_state_key_at(s, i);
		assert_int_equal(k->imported,
		    strcmp(k->label, "imported") == 0);
		buf_addf(out, "\n%s %llu %llu %llu:", k->label,
		    (unsigned long long)k->signatures,
		    (unsigned long long)k->in_hour,
		    (unsigned long long)k->charter_index);
		revoked_cursor_start(&cur, s, &k->key, UINT64_MAX);
		while (revoked_cursor_next(&cur, &entry)) {
			buf_add_hex(out, bytes_of(entry.serial, 20));
			buf_addf(out, " %llu,",
			    (unsigned long long)entry.index);
		}
	}
	for (size_t i = 0; i < reg_state_open_count(s); i++)
		buf_addf(out, "\nopen %llu",
		    (unsigned long long)reg_state_open_at(s, i)->n);
	reg_close(r);
}

static void
test_segments(void **state)
{
	struct fixture *f = *state;
	auto_buf struct buf now = { 0 }, replayed = { 0 }, line = { 0 },
			    store = { 0 };
	auto_mem char *copy = mem_printf("%s/copy", f->dir);
	auto_mem char *snapshots = mem_printf("%s/copy/snapshot", f->dir);
	struct reg_verify_report v;
	struct record rec;
	struct error e;
	struct reg *r;

	f->cfg.segment_bytes = 4096;
	(void)busy_life(f, 60);
	if (!reg_verify(f->reg_dir, NULL, &v, &e))
		fail_msg("%s", e.msg);
	assert_true(v.snapshots > 5);
	assert_int_equal(v.private_bodies, 20);
	assert_int_equal(v.intents, 61);
	assert_int_equal(v.open_intents, 2);
	assert_int_equal(v.imported, 1);
	picture(f->reg_dir, &f->cfg, &now);
	copy_tree(f->reg_dir, copy);
	remove_tree(snapshots);
	picture(copy, &f->cfg, &replayed);
	assert_string_equal(buf_cstr(&now), buf_cstr(&replayed));
	/* Every record by its index, across segments. */
	r = must_open(&f->cfg);
	for (uint64_t n = reg_size(r); n-- > 0;) {
		if (!reg_read(r, n, &line, &rec, &store, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(rec.n, n);
	}
	reg_close(r);
}

/* Each file of the newest snapshots damaged or gone: the state is the same. */
static void
test_snapshot_damage(void **state)
{
	struct fixture *f = *state;
	auto_buf struct buf now = { 0 }, got = { 0 };
	auto_mem char *copy = mem_printf("%s/copy", f->dir);
	auto_mem char *snapshots = mem_printf("%s/snapshot", f->reg_dir);
	auto_dir DIR *d = NULL;
	const struct dirent *entry;
	struct reg_verify_report v;
	unsigned files = 0;
	struct error e;

	f->cfg.segment_bytes = 4096;
	(void)busy_life(f, 60);
	picture(f->reg_dir, &f->cfg, &now);
	d = opendir(snapshots);
	while ((entry = readdir(d)) != NULL) {
		auto_mem char *file =
		    mem_printf("%s/snapshot/%s", copy, entry->d_name);
		auto_buf struct buf data = { 0 };

		if (entry->d_name[0] == '.')
			continue;
		files++;
		copy_tree(f->reg_dir, copy);
		assert_true(file_read(file, 1 << 20, &data, &e));
		data.p[data.n / 2] ^= 1;
		assert_true(file_replace(file, buf_bytes(&data), 0600, &e));
		picture(copy, &f->cfg, &got);
		assert_string_equal(buf_cstr(&now), buf_cstr(&got));
		/* A file that only an already unused snapshot names is not
		 * looked at; the others are. */
		if (strstr(entry->d_name, ".json") != NULL) {
			assert_false(reg_verify(copy, NULL, &v, &e));
			assert_non_null(strstr(e.msg, "(SNAPSHOT)"));
		}
		assert_int_equal(truncate(file, 3), 0);
		picture(copy, &f->cfg, &got);
		assert_string_equal(buf_cstr(&now), buf_cstr(&got));
		assert_int_equal(unlink(file), 0);
		picture(copy, &f->cfg, &got);
		assert_string_equal(buf_cstr(&now), buf_cstr(&got));
		assert_true(strstr(entry->d_name, ".json") == NULL ||
		    reg_verify(copy, NULL, &v, &e));
		remove_tree(copy);
	}
	assert_true(files >= 4);
}

/* Tiles are derived: lost, cut or lying ones are made anew. */
static void
test_tiles_rebuilt(void **state)
{
	struct fixture *f = *state;
	auto_mem char *tree = mem_printf("%s/tree", f->reg_dir);
	auto_mem char *leaves = mem_printf("%s/tree/0", f->reg_dir);
	auto_buf struct buf data = { 0 };
	struct tree_proof p;
	struct sha256 root, leaf, old = { { 0 } };
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct record rec;
	struct error e;
	struct reg *r;

	(void)busy_life(f, 30);
	r = must_open(&f->cfg);
	assert_true(reg_checkpoint(r, &e));
	reg_close(r);
	remove_tree(tree);
	reg_close(must_open(&f->cfg));
	assert_true(file_read(leaves, 1 << 20, &data, &e));
	data.p[5] ^= 1;
	assert_true(file_replace(leaves, buf_bytes(&data), 0600, &e));
	r = must_open(&f->cfg);
	root = reg_root(r);
	for (uint64_t n = 0; n < reg_size(r); n += 7) {
		assert_true(reg_prove(r, n, reg_size(r), &p, &e));
		assert_true(reg_read(r, n, &line, &rec, &store, &e));
		leaf = record_leaf(buf_bytes(&line));
		assert_true(
		    tree_check_inclusion(n, reg_size(r), &leaf, &p, &root));
		if (n == 0)
			old = leaf;
	}
	assert_true(reg_prove_consistency(r, 1, reg_size(r), &p, &e));
	assert_true(tree_check_consistency(1, reg_size(r), &old, &root, &p));
	assert_false(reg_prove(r, 0, reg_size(r) + 1, &p, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	reg_close(r);
}

/* ---- observers and walkers -------------------------------------------- */

struct seen {
	uint64_t n, last;
	bool fail;
};

static bool
observe(void *arg, const struct record *r, struct error *e)
{
	struct seen *s = arg;

	s->n++;
	s->last = r->n;
	return !s->fail || error_set(e, FAIL_INTERNAL, "observer");
}

static bool
each(void *arg, struct bytes line, const struct record *r, struct error *e)
{
	(void)line;
	return observe(arg, r, e);
}

static void
test_observe(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	struct reg_config cfg = f->cfg;
	struct record rec;
	struct error e;
	struct reg *r;
	uint64_t n;

	cfg.observe = observe;
	cfg.observe_arg = &seen;
	r = must_create(&cfg);
	(void)put_key(r, "one");
	assert_int_equal(seen.n, 5);
	commit(r);
	reg_close(r);
	seen.n = 0;
	r = must_open(&cfg);
	assert_int_equal(seen.n, 6);
	assert_int_equal(seen.last, 5);
	seen.fail = true;
	record_init(&rec, REC_EVENT);
	record_text(&rec, "what", "x");
	assert_false(reg_append(r, &rec, (struct bytes){ 0 }, &n, &e));
	assert_true(reg_is_dead(r));
	assert_false(reg_commit(r, &e));
	assert_int_equal(e.why, FAIL_IO);
	assert_non_null(strstr(e.msg, "observer"));
	reg_close(r);
	seen = (struct seen){ 0 };
	assert_true(reg_walk(f->reg_dir, 2, each, &seen, &e));
	assert_int_equal(seen.n, 4);
	seen.fail = true;
	assert_false(reg_walk(f->reg_dir, 2, each, &seen, &e));
	assert_int_equal(e.why, FAIL_INTERNAL);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_create_append_reopen),
		T(test_birth_refused),
		T(test_two_writers),
		T(test_other_log_key),
		T(test_append_refused),
		T(test_clock),
		T(test_clock_outcome),
		T(test_clock_cleared),
		T(test_anchor_file),
		T(test_anchor_garbage),
		T(test_anchor_callback),
		T(test_cut_below_checkpoint),
		T(test_segments),
		T(test_snapshot_damage),
		T(test_tiles_rebuilt),
		T(test_observe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
