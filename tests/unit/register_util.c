/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "register_util.h"

static int64_t
wall_ms(void *arg)
{
	const struct fixture *f = arg;

	return f->wall;
}

static int64_t
boot_ms(void *arg)
{
	const struct fixture *f = arg;

	return f->boot;
}

static bool
sign(void *arg, struct bytes message, uint8_t sig[64], struct error *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = 64;
	bool ok = EVP_DigestSignInit(ctx, NULL, NULL, NULL, arg) == 1 &&
	    EVP_DigestSign(ctx, sig, &n, message.p, message.n) == 1 && n == 64;

	EVP_MD_CTX_free(ctx);
	return ok || error_ossl(e, "EVP_DigestSign");
}

void
fixture_open(struct fixture *f)
{
	size_t n = 32;
	uint8_t pub[32];

	memset(f, 0, sizeof(*f));
	/* Thousands of starts, each with its fsyncs: in memory if possible. */
	(void)snprintf(f->dir, sizeof(f->dir), "%s/chancery-reg-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->reg_dir, sizeof(f->reg_dir), "%s/reg", f->dir);
	(void)snprintf(f->anchor_dir, sizeof(f->anchor_dir), "%s/anchor",
	    f->dir);
	assert_int_equal(mkdir(f->anchor_dir, 0700), 0);
	f->wall = 1790000000000;
	f->boot = 1000000;
	f->clock = (struct clock){ wall_ms, boot_ms, f };
	f->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_int_equal(EVP_PKEY_get_raw_public_key(f->pkey, pub, &n), 1);
	note_key_init(&f->signer.key, "test.example/log", 0x01, pub);
	f->signer.sign = sign;
	f->signer.arg = f->pkey;
	f->cfg = (struct reg_config){ .dir = f->reg_dir,
		.origin = "test.example/log",
		.clock = &f->clock,
		.log_key = &f->signer,
		.software = "test",
		.who = "tester" };
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *w)
{
	(void)st;
	(void)flag;
	(void)w;
	return remove(path);
}

void
remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
fixture_close(struct fixture *f)
{
	EVP_PKEY_free(f->pkey);
	remove_tree(f->dir);
}

void
copy_tree(const char *from, const char *to)
{
	auto_dir DIR *d = opendir(from);
	const struct dirent *entry;
	struct error e;

	assert_non_null(d);
	assert_int_equal(mkdir(to, 0700), 0);
	while ((entry = readdir(d)) != NULL) {
		auto_mem char *a = path_join(from, entry->d_name);
		auto_mem char *b = path_join(to, entry->d_name);
		auto_buf struct buf data = { 0 };
		auto_fd int fd = -1;

		if (entry->d_name[0] == '.')
			continue;
		if (entry->d_type == DT_DIR) {
			copy_tree(a, b);
			continue;
		}
		assert_true(file_read(a, 1 << 30, &data, &e));
		fd = open(b, O_WRONLY | O_CREAT | O_EXCL, 0600);
		assert_true(fd_write_all(fd, buf_bytes(&data), &e));
	}
}

/* ---- records ---------------------------------------------------------- */

void
make_keygen_intent(struct record *r, const char *label)
{
	record_init(r, REC_KEYGEN_INTENT);
	record_bytes(r, "id", bytes_str(label));
	record_text(r, "label", label);
	record_text(r, "token", "0123456789abcdef");
	record_text(r, "type", "ec-p256");
	record_text(r, "who", "tester");
	record_text(r, "why", "a test");
}

void
make_import_intent(struct record *r, const char *label, struct bytes spki)
{
	static struct sha256 key; /* which the record borrows */

	key = sha256(spki);
	make_keygen_intent(r, label);
	record_hash(r, "imported", &key);
}

void
make_keygen_done(struct record *r, uint64_t intent, struct bytes spki,
    struct sha256 *key)
{
	*key = sha256(spki);
	record_init(r, REC_KEYGEN_DONE);
	record_int(r, "intent", (int64_t)intent);
	record_hash(r, "key", key);
	record_text(r, "module", "none");
	record_bytes(r, "spki", spki);
}

void
make_charter(struct record *r, const struct sha256 *key)
{
	record_init(r, REC_CHARTER);
	record_json(r, "charter", bytes_str("{\"kinds\":[\"leaf\"]}"));
	record_hash(r, "key", key);
	record_text(r, "who", "tester");
	record_text(r, "why", "a test");
}

void
make_intent(struct record *r, const struct sha256 *key, struct bytes tbs,
    struct sha256 *hash)
{
	*hash = sha256(tbs);
	record_init(r, REC_INTENT);
	record_text(r, "alg", "ecdsa-sha256");
	record_hash(r, "key", key);
	record_text(r, "kind", "leaf");
	if (tbs.n >= 20)
		record_bytes(r, "serial", bytes_of(tbs.p, 19));
	record_hash(r, "sha256", hash);
	record_bytes(r, "tbs", tbs);
	record_text(r, "who", "tester");
	record_text(r, "why", "a \"test\" with\nescapes \xc3\xa9");
}

void
make_signed(struct record *r, uint64_t intent)
{
	static const uint8_t sig[70] = { 0x30, 0x44 };

	record_init(r, REC_SIGNED);
	record_int(r, "attempts", 1);
	record_int(r, "intent", (int64_t)intent);
	record_bytes(r, "sig", bytes_of(sig, sizeof(sig)));
}

void
make_revoke(struct record *r, const struct sha256 *key,
    const uint8_t serial[20])
{
	record_init(r, REC_REVOKE);
	record_time(r, "date", 1790000000);
	record_hash(r, "key", key);
	record_time(r, "not_after", 1890000000);
	record_int(r, "partition", 0);
	record_text(r, "reason", "keyCompromise");
	record_bytes(r, "serial", bytes_of(serial, 20));
	record_text(r, "who", "tester");
	record_text(r, "why", "a test");
}

/* ---- into a register -------------------------------------------------- */

uint64_t
put(struct reg *r, struct record *rec)
{
	struct error e;
	uint64_t n = 0;

	if (!reg_append(r, rec, (struct bytes){ 0 }, &n, &e))
		fail_msg("%s", e.msg);
	return n;
}

static struct sha256
put_made(struct reg *r, uint64_t intent, struct bytes spki)
{
	struct record rec;
	struct sha256 key;

	make_keygen_done(&rec, intent, spki, &key);
	(void)put(r, &rec);
	make_charter(&rec, &key);
	(void)put(r, &rec);
	return key;
}

struct sha256
put_key(struct reg *r, const char *label)
{
	uint8_t spki[91];
	struct record rec;

	random_bytes(spki, sizeof(spki));
	make_keygen_intent(&rec, label);
	return put_made(r, put(r, &rec), bytes_of(spki, sizeof(spki)));
}

struct sha256
put_imported(struct reg *r, const char *label)
{
	uint8_t spki[91];
	struct record rec;

	random_bytes(spki, sizeof(spki));
	make_import_intent(&rec, label, bytes_of(spki, sizeof(spki)));
	return put_made(r, put(r, &rec), bytes_of(spki, sizeof(spki)));
}

uint64_t
put_intent(struct reg *r, const struct sha256 *key)
{
	uint8_t tbs[64];
	struct sha256 hash;
	struct record rec;

	random_bytes(tbs, sizeof(tbs));
	tbs[0] = 0x11;
	make_intent(&rec, key, bytes_of(tbs, sizeof(tbs)), &hash);
	return put(r, &rec);
}

uint64_t
put_signed(struct reg *r, uint64_t intent)
{
	struct record rec;

	make_signed(&rec, intent);
	return put(r, &rec);
}

uint64_t
put_revoke(struct reg *r, const struct sha256 *key, const uint8_t serial[20])
{
	struct record rec;

	make_revoke(&rec, key, serial);
	return put(r, &rec);
}

uint64_t
put_event(struct reg *r, const char *what, const char *body)
{
	struct record rec;
	struct error e;
	uint64_t n = 0;

	record_init(&rec, REC_EVENT);
	record_text(&rec, "what", what);
	if (!reg_append(r, &rec,
		body == NULL ? (struct bytes){ 0 } : bytes_str(body), &n, &e))
		fail_msg("%s", e.msg);
	return n;
}

void
commit(struct reg *r)
{
	struct error e;

	if (!reg_commit(r, &e))
		fail_msg("%s", e.msg);
}
