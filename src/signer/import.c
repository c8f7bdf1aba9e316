/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/log.h>
#include <chancery/base/text.h>
#include <chancery/register/bundle.h>

#include "crl_work.h"
#include "import.h"

#define RECORD_FILE "import.json"

void
import_free(struct import_job *j)
{
	if (j == NULL)
		return;
	if (j->tmp != NULL)
		import_remove(j->tmp);
	buf_free(&j->bundle);
	buf_free(&j->issuers);
	mem_free(j->mount);
	mem_free(j->vkey);
	mem_free(j->who);
	mem_free(j->tmp);
	mem_free(j->keys);
	mem_free(j->lists);
	mem_free(j);
}

/* ---- begin ------------------------------------------------------------- */

/* A cosignature key, say, opens no checkpoint. */
static bool
is_log_key(const char *vkey, const char *origin)
{
	struct note_key key;
	struct error ignored;

	return note_vkey_parse(vkey, &key, &ignored) &&
	    key.type == NOTE_ED25519 && strcmp(key.name, origin) == 0;
}

static bool
pin(struct import_job *j, const struct state_import *was, const char *given,
    struct error *e)
{
	bool has = given != NULL && *given != '\0';

	if (was == NULL && !has)
		return import_refuse(e, "import-key",
		    "the log %.150s comes for the first time: its verifier "
		    "key (log.vkey of its ceremony) has to be given",
		    j->at.origin);
	if (was != NULL && has && strcmp(was->vkey, given) != 0)
		return import_refuse(e, "import-key",
		    "not the key that was pinned, %.200s", was->vkey);
	if (was == NULL && !is_log_key(given, j->at.origin))
		return import_refuse(e, "import-key",
		    "%.200s is not an Ed25519 verifier key of %.150s", given,
		    j->at.origin);
	j->vkey = mem_strdup(was != NULL ? was->vkey : given);
	if (was == NULL)
		return true;
	j->again = true;
	j->was_size = was->size;
	j->was_root = was->root;
	return j->at.size >= was->size ||
	    import_refuse(e, "import-older",
		"%llu records, and %llu were taken in before",
		(unsigned long long)j->at.size, (unsigned long long)was->size);
}

/* Told here by name; the register's rules hold it once more. */
static bool
check_mount(const struct signer *s, const struct import_job *j,
    const struct state_import *was, struct error *e)
{
	const struct reg_state *state = reg_get_state(s->reg);
	const struct state_import *o;

	if (strcmp(j->at.origin, reg_state_origin(state)) == 0)
		return import_refuse(e, "import-own-log",
		    "%.200s is this very log", j->at.origin);
	if (was != NULL && strcmp(was->mount, j->mount) != 0)
		return import_refuse(e, "import-mount",
		    "%.150s is served under %.100s", j->at.origin, was->mount);
	for (size_t i = 0; (o = reg_state_import_at(state, i)) != NULL; i++)
		if (o != was && strcmp(o->mount, j->mount) == 0)
			return import_refuse(e, "import-foreign",
			    "%.50s serves the log %.150s, not %.150s", o->mount,
			    o->origin, j->at.origin);
	return true;
}

static bool
make_folder(const struct signer *s, struct import_job *j, struct error *e)
{
	auto_mem char *parent = path_join(reg_dir(s->reg), "imports");
	auto_mem char *dir = import_dir(reg_dir(s->reg), j->at.origin);
	uint8_t r[8];
	char random[17];

	random_bytes(r, sizeof(r));
	hex_encode(bytes_of(r, sizeof(r)), random);
	j->tmp = mem_printf("%s.%s.tmp", dir, random);
	return dir_create_durable(parent, 0755, e);
}

static bool
begin(struct signer *s, const struct signer_import *req, struct import_job *j,
    struct error *e)
{
	const struct state_import *was;

	if (req->bundle.n > LIMIT_BUNDLE_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "bundle: larger than %d octets", LIMIT_BUNDLE_BYTES);
	if (req->mount == NULL || *req->mount == '\0')
		return error_set(e, FAIL_BAD_INPUT, "mount: missing");
	if (!signer_alive(s, e) || !signer_claim_check(&req->claim, e) ||
	    !bundle_checkpoint(req->bundle, &j->at, e))
		return false;
	buf_add_bytes(&j->bundle, req->bundle);
	j->mount = mem_strdup(req->mount);
	j->who = mem_strdup(req->claim.who);
	was = reg_state_import(reg_get_state(s->reg), j->at.origin);
	return check_mount(s, j, was, e) && pin(j, was, req->vkey, e) &&
	    make_folder(s, j, e);
}

struct import_job *
import_begin(struct signer *s, const struct signer_import *req, struct error *e)
{
	auto_import_job struct import_job *j = mem_calloc(1, sizeof(*j));

	return begin(s, req, j, e) ? take(j) : NULL;
}

/* ---- finish ------------------------------------------------------------ */

/* A key belongs to one log at a time. */
static bool
check_keys(const struct signer *s, const struct import_job *j, struct error *e)
{
	const struct reg_state *state = reg_get_state(s->reg);

	for (size_t i = 0; i < j->keys_n; i++) {
		const struct state_key *k = reg_state_key(state, &j->keys[i]);

		if (k != NULL && !k->released && !k->destroyed)
			return import_refuse(e, "import-own-key",
			    "its key \"%.100s\" is one of this register",
			    k->label);
	}
	return true;
}

/* What is served never becomes older. */
static bool
check_numbers(const struct signer *s, const struct import_job *j,
    struct error *e)
{
	for (size_t i = 0; s->cfg.crl_dir != NULL && i < j->lists_n; i++) {
		auto_mem char *dir = crl_list_dir(s->cfg.crl_dir,
		    &j->lists[i].key, j->lists[i].scope);
		auto_mem uint64_t *number = NULL;
		uint64_t served =
		    crl_file_numbers(dir, &number) > 0 ? number[0] : 0;

		if (served > j->lists[i].number)
			return import_refuse(e, "import-crl-number",
			    "its newest list (%s) has number %llu, number "
			    "%llu is served",
			    j->lists[i].scope,
			    (unsigned long long)j->lists[i].number,
			    (unsigned long long)served);
	}
	return true;
}

static bool
append(struct signer *s, const struct import_job *j, uint64_t *n,
    struct error *e)
{
	struct sha256 hash = sha256(buf_bytes(&j->bundle));
	struct record rec;

	record_init(&rec, REC_IMPORT);
	record_text(&rec, "mount", j->mount);
	record_text(&rec, "origin", j->at.origin);
	record_hash(&rec, "root", &j->at.root);
	record_hash(&rec, "sha256", &hash);
	record_int(&rec, "size", (int64_t)j->at.size);
	record_text(&rec, "vkey", j->vkey);
	record_text(&rec, "who", j->who);
	return signer_append_commit(s, &rec, (struct bytes){ 0 }, n, e);
}

static void
write_lists(struct json_writer *w, const struct import_job *j)
{
	json_key(w, "lists");
	json_array_begin(w);
	for (size_t i = 0; i < j->lists_n; i++) {
		json_object_begin(w);
		json_kv_hex(w, "key", sha256_bytes(&j->lists[i].key));
		json_kv_int(w, "number", (int64_t)j->lists[i].number);
		json_kv_str(w, "scope", j->lists[i].scope);
		json_object_end(w);
	}
	json_array_end(w);
}

static void
write_state(struct json_writer *w, const struct state_import *i)
{
	json_kv_str(w, "mount", i->mount);
	json_kv_int(w, "n", (int64_t)i->n);
	json_kv_str(w, "origin", i->origin);
	json_kv_hex(w, "root", sha256_bytes(&i->root));
	json_kv_int(w, "size", (int64_t)i->size);
	json_kv_str(w, "vkey", i->vkey);
}

/* <dir>.new becomes <dir>; what was there goes. */
static bool
swap(const char *fresh, const char *dir, struct error *e)
{
	auto_mem char *parent =
	    mem_printf("%.*s", (int)(strrchr(dir, '/') - dir), dir);

	if (access(dir, F_OK) != 0) {
		if (rename(fresh, dir) != 0)
			return error_errno(e, FAIL_IO, "rename to %s", dir);
		return dir_sync(parent, e);
	}
	if (renameat2(AT_FDCWD, fresh, AT_FDCWD, dir, RENAME_EXCHANGE) != 0)
		return error_errno(e, FAIL_IO, "exchange with %s", dir);
	if (!dir_sync(parent, e))
		return false;
	import_remove(fresh);
	return true;
}

static void
state_json(const struct state_import *i, struct buf *out)
{
	struct json_writer w;

	json_begin(&w, out);
	json_object_begin(&w);
	write_state(&w, i);
	json_object_end(&w);
}

/* What follows from the record: may be done twice. */
static bool
put_in_place(struct signer *s, const struct state_import *i, struct error *e)
{
	auto_mem char *dir = import_dir(reg_dir(s->reg), i->origin);
	auto_mem char *fresh = mem_printf("%s.new", dir);
	auto_mem char *path = path_join(fresh, RECORD_FILE);
	auto_buf struct buf json = { 0 };

	state_json(i, &json);
	return file_replace(path, buf_bytes(&json), 0644, e) &&
	    swap(fresh, dir, e) && import_place_lists(dir, s->cfg.crl_dir, e);
}

static bool
stage(const struct signer *s, struct import_job *j, struct error *e)
{
	auto_mem char *dir = import_dir(reg_dir(s->reg), j->at.origin);
	auto_mem char *fresh = mem_printf("%s.new", dir);
	auto_mem char *parent = path_join(reg_dir(s->reg), "imports");

	import_remove(fresh);
	if (rename(j->tmp, fresh) != 0)
		return error_errno(e, FAIL_IO, "rename to %s", fresh);
	mem_free(j->tmp);
	j->tmp = take(fresh); /* goes with the job until it is recorded */
	return dir_sync(parent, e);
}

bool
import_finish(struct signer *s, struct import_job *j, struct import_done *out,
    struct error *e)
{
	const struct state_import *i;
	struct json_writer w;

	if (!j->ok) {
		*e = j->err;
		return false;
	}
	if (!check_keys(s, j, e) || !check_numbers(s, j, e) ||
	    !stage(s, j, e) || !append(s, j, &out->n, e))
		return false;
	mem_free(j->tmp);
	j->tmp = NULL;
	i = reg_state_import(reg_get_state(s->reg), j->at.origin);
	if (!put_in_place(s, i, e))
		return false;
	out->size = i->size;
	json_begin(&w, &out->json);
	json_object_begin(&w);
	json_key(&w, "issuers");
	json_raw(&w, buf_bytes(&j->issuers));
	write_lists(&w, j);
	write_state(&w, i);
	json_object_end(&w);
	return true;
}

/* ---- after a crash ----------------------------------------------------- */

static bool
is_of(const char *dir, const struct state_import *i)
{
	auto_mem char *path = path_join(dir, "checkpoint");
	auto_buf struct buf note = { 0 };
	struct checkpoint c;
	struct error ignored;

	return file_read(path, LIMIT_NOTE_BYTES, &note, &ignored) &&
	    checkpoint_parse(buf_bytes(&note), &c, &ignored) &&
	    strcmp(c.origin, i->origin) == 0 && c.size == i->size &&
	    memcmp(&c.root, &i->root, sizeof(c.root)) == 0;
}

/* Whether `dir` is what this very record put there. Its checkpoint does not tell: the same log
 * may be taken in twice as it is, and what was exchanged has it too while it is removed. */
static bool
is_placed(const char *dir, const struct state_import *i)
{
	auto_mem char *path = path_join(dir, RECORD_FILE);
	auto_buf struct buf is = { 0 }, want = { 0 };
	struct error ignored;

	state_json(i, &want);
	return file_read(path, LIMIT_NOTE_BYTES, &is, &ignored) &&
	    bytes_eq(buf_bytes(&is), buf_bytes(&want));
}

static void
remove_unfinished(const char *parent)
{
	auto_dir DIR *d = opendir(parent);
	const struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		auto_mem char *path = path_join(parent, entry->d_name);
		size_t n = strlen(entry->d_name);

		if (n > 4 &&
		    (strcmp(entry->d_name + n - 4, ".tmp") == 0 ||
			strcmp(entry->d_name + n - 4, ".new") == 0))
			import_remove(path);
	}
}

bool
import_settle(struct signer *s, struct error *e)
{
	const struct reg_state *state = reg_get_state(s->reg);
	auto_mem char *parent = path_join(reg_dir(s->reg), "imports");
	const struct state_import *i;

	for (size_t k = 0; (i = reg_state_import_at(state, k)) != NULL; k++) {
		auto_mem char *dir = import_dir(reg_dir(s->reg), i->origin);
		auto_mem char *fresh = mem_printf("%s.new", dir);

		if (!is_placed(dir, i) && is_of(fresh, i) &&
		    !put_in_place(s, i, e))
			return false;
		if (!is_of(dir, i))
			log_line(LOG_LEVEL_WARNING,
			    "%s: not what record %llu took in of %s: import "
			    "its bundle again",
			    dir, (unsigned long long)i->n, i->origin);
		else if (!import_place_lists(dir, s->cfg.crl_dir, e))
			return false;
	}
	remove_unfinished(parent);
	return true;
}
