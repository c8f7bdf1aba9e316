/* SPDX-License-Identifier: Apache-2.0 */

/* A bundle against what was pinned and taken in before; touches nothing but its folder. */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/text.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/crl.h>
#include <chancery/register/bundle.h>
#include <chancery/signer/rebuild.h>

#include "crl_text.h"
#include "import.h"

bool
import_refuse(struct error *e, const char *rule, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(e, FAIL_REFUSED, "%s: %s", rule, text);
}

/* ---- what was taken in before is its beginning ------------------------- */

struct beginning {
	struct tree_frontier tree;
	uint64_t left;
};

static bool
add_leaf(void *arg, struct bytes line, unused_arg const struct record *r,
    struct error *e)
{
	struct beginning *b = arg;
	struct sha256 leaf;

	if (b->left == 0)
		return error_set(e, FAIL_NONE, "enough");
	leaf = record_leaf(line);
	tree_append(&b->tree, &leaf);
	b->left--;
	return true;
}

static bool
check_beginning(const struct import_job *j, struct error *e)
{
	struct beginning b = { .left = j->was_size };
	struct sha256 root;

	if (!j->again)
		return true;
	tree_init(&b.tree);
	if (!reg_walk(j->tmp, 0, add_leaf, &b, e) && e->why != FAIL_NONE)
		return false;
	root = tree_root(&b.tree);
	return memcmp(&root, &j->was_root, sizeof(root)) == 0 ||
	    import_refuse(e, "import-fork",
		"its first %llu records are not those that were taken in",
		(unsigned long long)j->was_size);
}

/* ---- all of it --------------------------------------------------------- */

/* The key that a log was born with stands in its first record. */
static bool
check_key(const struct import_job *j, struct reg *r, struct error *e)
{
	auto_buf struct buf line = { 0 }, store = { 0 }, note = { 0 };
	struct checkpoint c;
	struct record rec;

	if (!reg_read(r, 0, &line, &rec, &store, e))
		return false;
	if (rec.type != REC_LOG_OPEN ||
	    !bytes_eq(record_get(&rec, "vkey"), bytes_str(j->vkey)))
		return import_refuse(e, "import-key",
		    "the log was born with another key than %.200s", j->vkey);
	return reg_newest_checkpoint(r, &note, &c, e);
}

static bool
check_register(const struct import_job *j, struct reg *r, struct error *e)
{
	const struct reg_verify_options opt = { .check_sig = rebuild_check_sig,
		.arg = r };
	struct reg_verify_report rep;

	if (!reg_verify(j->tmp, &opt, &rep, e))
		return false;
	return (rep.records == j->at.size && rep.torn_bytes == 0) ||
	    error_set(e, FAIL_BAD_INPUT,
		"%llu records, but its checkpoint says %llu",
		(unsigned long long)rep.records,
		(unsigned long long)j->at.size);
}

/* ---- what it brings ---------------------------------------------------- */

struct brings {
	struct import_job *j;
	struct reg *r;
	struct json_writer w;
	struct ca_intent {
		uint64_t n;
		struct buf tbs;
		enum sig_alg alg;
	} * open;
	size_t open_n, open_cap;
};

static void
brings_clear(struct brings *b)
{
	for (size_t i = 0; i < b->open_n; i++)
		buf_free(&b->open[i].tbs);
	mem_free(b->open);
}
#define auto_brings auto_cleanup(brings_clear)

/* An authority of that log: a CA certificate over one of its keys. */
static bool
over_own_key(const struct brings *b, struct bytes tbs)
{
	struct sha256 hash;
	struct tbs_view t;
	struct error ignored;

	if (!tbs_parse(tbs, &t, &ignored) || !t.is_ca)
		return false;
	hash = sha256(t.spki_der);
	return reg_state_key(reg_get_state(b->r), &hash) != NULL;
}

static bool
note_intent(struct brings *b, const struct record *rec, struct error *e)
{
	struct bytes name = record_get(rec, "alg");
	auto_mem char *alg = mem_printf("%.*s", (int)name.n, name.p);
	struct ca_intent *i;

	if (!bytes_eq(record_get(rec, "kind"), bytes_str("ca")) ||
	    !over_own_key(b, record_get(rec, "tbs")))
		return true;
	b->open = mem_grow(b->open, b->open_n, &b->open_cap, sizeof(*b->open));
	i = &b->open[b->open_n++];
	*i = (struct ca_intent){ .n = rec->n };
	buf_add_bytes(&i->tbs, record_get(rec, "tbs"));
	return sig_alg_by_name(alg, &i->alg) ||
	    error_set(e, FAIL_CORRUPT, "record %llu: algorithm",
		(unsigned long long)rec->n);
}

static void
note_signed(struct brings *b, const struct record *rec)
{
	uint64_t of = (uint64_t)record_get_int(rec, "intent");
	auto_buf struct buf der = { 0 };

	for (size_t i = 0; i < b->j->lists_n; i++)
		if (b->j->lists[i].intent == of)
			b->j->lists[i].signed_ = rec->n;
	for (size_t i = 0; i < b->open_n; i++)
		if (b->open[i].n == of) {
			cert_assemble(buf_bytes(&b->open[i].tbs),
			    b->open[i].alg, record_get(rec, "sig"), &der);
			json_base64(&b->w, buf_bytes(&der));
			return;
		}
}

static bool
each_record(void *arg, unused_arg struct bytes line, const struct record *rec,
    struct error *e)
{
	struct brings *b = arg;

	if (rec->type == REC_INTENT)
		return note_intent(b, rec, e);
	if (rec->type == REC_SIGNED)
		note_signed(b, rec);
	return true;
}

/* Its scope becomes the name of a folder, and only of own lists has the check read it. */
static bool
is_served(const char *scope)
{
	struct crl_scope s;
	struct error ignored;

	return crl_scope_parse(scope, &s, &ignored) &&
	    (s.kind == CRL_FULL || s.kind == CRL_DELTA ||
		s.kind == CRL_PARTITION);
}

/* The newest list of each key and scope; of lists that callers numbered, and of kits, none. */
static void
note_lists(struct import_job *j, const struct reg_state *state)
{
	const struct state_crl *c;

	for (size_t i = 0; (c = reg_state_crl_at(state, i)) != NULL; i++) {
		struct import_list *l;

		if (c->next_s == 0 || !is_served(c->scope))
			continue;
		j->lists = mem_grow(j->lists, j->lists_n, &j->lists_cap,
		    sizeof(*j->lists));
		l = &j->lists[j->lists_n++];
		*l = (struct import_list){ .key = c->key, .intent = c->intent };
		(void)snprintf(l->scope, sizeof(l->scope), "%s", c->scope);
	}
}

static void
note_keys(struct import_job *j, const struct reg_state *state)
{
	const struct state_key *k;

	for (size_t i = 0; (k = reg_state_key_at(state, i)) != NULL; i++) {
		if (k->released)
			continue;
		j->keys = mem_grow(j->keys, j->keys_n, &j->keys_cap,
		    sizeof(*j->keys));
		j->keys[j->keys_n++] = k->key;
	}
}

static bool
find_all(struct import_job *j, struct reg *r, struct error *e)
{
	auto_brings struct brings b = { .j = j, .r = r };

	note_keys(j, reg_get_state(r));
	note_lists(j, reg_get_state(r));
	json_begin(&b.w, &j->issuers);
	json_array_begin(&b.w);
	if (!reg_walk(j->tmp, 0, each_record, &b, e))
		return false;
	json_array_end(&b.w);
	return true;
}

/* ---- its lists, made again --------------------------------------------- */

static bool
into_file(void *arg, struct bytes piece, struct error *e)
{
	return fd_write_all(*(const int *)arg, piece, e);
}

static bool
list_number(struct reg *r, struct import_list *l, struct error *e)
{
	auto_buf struct buf line = { 0 }, store = { 0 };
	struct record rec;

	if (!reg_read(r, l->intent, &line, &rec, &store, e))
		return false;
	l->number = (uint64_t)record_get_int(&rec, "crl");
	return true;
}

static bool
make_list(const struct import_job *j, struct reg *r, struct import_list *l,
    struct error *e)
{
	auto_mem char *crl = path_join(j->tmp, "crl");
	auto_mem char *dir = crl_list_dir_make(crl, &l->key, l->scope, e);
	auto_mem char *path = NULL;
	auto_fd int fd = -1;

	if (dir == NULL || !list_number(r, l, e))
		return false;
	path = mem_printf("%s/%llu.crl", dir, (unsigned long long)l->number);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_errno(e, FAIL_IO, "%s", path);
	return rebuild_crl(r, l->signed_, into_file, &fd, e);
}

/* ---- a kit's lists were signed, each by a key of that log --------------- */

static bool
kit_list(struct reg *r, const char *path, struct error *e)
{
	const struct reg_state *state = reg_get_state(r);
	auto_buf struct buf file = { 0 }, owned = { 0 };
	const struct state_key *k;
	struct crl_view v;
	struct spki spki;

	if (!file_read(path, LIMIT_BUNDLE_BYTES, &file, e) ||
	    !crl_parse(buf_bytes(&file), path, &owned, &v, e))
		return false;
	for (size_t i = 0; (k = reg_state_key_at(state, i)) != NULL; i++)
		if (spki_parse(k->spki, &spki, e) && crl_verify(&v, &spki, e))
			return true;
	return import_refuse(e, "import-kit",
	    "%s is signed by no key of that log", strrchr(path, '/') + 1);
}

static bool
check_kit(const struct import_job *j, struct reg *r, struct error *e)
{
	auto_mem char *dir = path_join(j->tmp, "kit");
	auto_dir DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		auto_mem char *path = path_join(dir, entry->d_name);

		if (entry->d_name[0] != '.' && !kit_list(r, path, e))
			return false;
	}
	return true;
}

/* ---- the check --------------------------------------------------------- */

static bool
check(struct import_job *j, struct error *e)
{
	const struct reg_config cfg = { .dir = j->tmp,
		.origin = j->at.origin,
		.offline = true };
	auto_reg struct reg *r = NULL;

	if (!bundle_unpack(buf_bytes(&j->bundle), j->tmp, e) ||
	    (r = reg_open_read(&cfg, e)) == NULL || !check_key(j, r, e) ||
	    !check_register(j, r, e) || !check_beginning(j, e) ||
	    !find_all(j, r, e))
		return false;
	for (size_t i = 0; i < j->lists_n; i++)
		if (!make_list(j, r, &j->lists[i], e))
			return false;
	return check_kit(j, r, e) && import_sync(j->tmp, e);
}

/* Whatever is wrong with a bundle is its caller's fault; a disk's is not. */
static bool
is_own_fault(enum fail why)
{
	return why == FAIL_REFUSED || why == FAIL_IO || why == FAIL_DISK_FULL ||
	    why == FAIL_INTERNAL || why == FAIL_PERMISSION;
}

void
import_check(struct import_job *j)
{
	error_clear(&j->err);
	j->ok = check(j, &j->err);
	if (j->ok || is_own_fault(j->err.why))
		return;
	j->err.why = FAIL_BAD_INPUT;
	(void)error_context(&j->err, "the bundle of %.200s", j->at.origin);
}
