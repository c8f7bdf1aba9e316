/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/register/note.h>
#include <chancery/store/store.h>

#include "stage.h"

#define CHUNK 65536
#define CONFIG "chancery.yaml"

struct restoring {
	const struct restore_options *opt;
	struct archive_reader *r;
	char *home; /* absolute */
	struct yaml_doc *doc;
	struct service_config cfg;
	struct places places;
	struct staging staging;
	uint64_t bytes;
	uint8_t *chunk; /* may pass secrets: wiped */
};

static void
clear(struct restoring *k)
{
	staging_free(&k->staging);
	places_free(&k->places);
	yaml_doc_free(k->doc);
	mem_free(k->home);
	if (k->chunk != NULL)
		explicit_bzero(k->chunk, CHUNK);
	mem_free(k->chunk);
}

/* ---- the configuration: it says where everything goes ------------------------------- */

static bool
read_config(struct restoring *k, struct buf *text, struct error *e)
{
	struct archive_member m;
	size_t n;
	bool more;

	if (!archive_next(k->r, &m, &more, e))
		return false;
	if (!more || strcmp(m.name, CONFIG) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "the archive does not begin with " CONFIG);
	if (m.size > LIMIT_CONFIG_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    CONFIG ": larger than %d octets", LIMIT_CONFIG_BYTES);
	if (!archive_read(k->r, buf_reserve(text, (size_t)m.size),
		(size_t)m.size, &n, e))
		return false;
	buf_commit(text, n);
	return true;
}

static bool
leads_up(const char *path)
{
	const char *dots = strstr(path, "/..");

	return dots != NULL && (dots[3] == '/' || dots[3] == '\0');
}

/* An archive may not decide what is written outside of the home that it was given. */
static bool
check_inside(const struct restoring *k, struct error *e)
{
	size_t n = strlen(k->home);

	for (size_t i = 0; i < k->places.n; i++) {
		const struct place *p = &k->places.v[i];

		if (strncmp(p->path, k->home, n) == 0 && p->path[n] == '/' &&
		    !leads_up(p->path + n))
			continue;
		return error_set(e, FAIL_REFUSED,
		    "the archive's " CONFIG " puts %s at %s, outside of the "
		    "home: write the home's " CONFIG " first, then restore "
		    "with --keep-config",
		    p->member, p->path);
	}
	return true;
}

/* Only to be looked at: all of it below the home, whatever the layout. */
static void
relocate(struct restoring *k)
{
	for (size_t i = 0; i < k->places.n; i++) {
		struct place *p = &k->places.v[i];

		mem_free(p->path);
		p->path = path_join(k->home, p->member);
	}
}

static bool
parse_config(struct restoring *k, struct bytes archived, struct error *e)
{
	auto_mem char *path = path_join(k->home, CONFIG);
	auto_buf struct buf own = { 0 };
	struct bytes text = archived;

	if (k->opt->keep_config) {
		if (!file_read(path, LIMIT_CONFIG_BYTES, &own, e))
			return error_context(e, "--keep-config");
		text = buf_bytes(&own);
	}
	k->doc = service_config_parse(text,
	    k->opt->keep_config ? path : CONFIG " of the archive", k->home,
	    &k->cfg, NULL, e);
	if (own.n > 0)
		explicit_bzero(own.p, own.n);
	if (k->doc == NULL || !places_of(&k->cfg, k->home, &k->places, e))
		return false;
	if (k->opt->check_only)
		relocate(k);
	return k->opt->keep_config || check_inside(k, e);
}

static bool
write_file(struct restoring *k, struct stage *st, const char *rest,
    unsigned mode, struct bytes data, struct error *e)
{
	auto_fd int fd = staging_create(&k->staging, st, rest, e);

	return fd >= 0 &&
	    (fchmod(fd, mode) == 0 || error_errno(e, FAIL_IO, "chmod")) &&
	    fd_write_all(fd, data, e);
}

/* What has to be free in any case; files that the configuration names as they come. */
static bool
check_places(struct restoring *k, struct error *e)
{
	if (k->opt->replace && !staging_lock(&k->staging, e))
		return false;
	for (size_t i = 0; i < k->staging.n; i++) {
		struct stage *st = &k->staging.v[i];

		st->keep = k->opt->keep_config &&
		    (st->place->kind == PLACE_CONFIG ||
			(st->place->kind == PLACE_SETTING &&
			    !staging_is_free(st->place->path)));
		if (st->keep || st->place->kind == PLACE_SETTING ||
		    st->place->kind == PLACE_SECRET)
			continue;
		if (!staging_check_place(st->place, k->opt->replace, e))
			return false;
	}
	return true;
}

static bool
begin(struct restoring *k, struct error *e)
{
	auto_buf struct buf text = { 0 };
	bool ok;

	ok = read_config(k, &text, e) && parse_config(k, buf_bytes(&text), e);
	if (ok) {
		staging_init(&k->staging, &k->places);
		ok = check_places(k, e);
	}
	if (ok && !k->opt->keep_config)
		ok = write_file(k, &k->staging.v[0], "", 0600, buf_bytes(&text),
		    e);
	/* It may hold a PIN. */
	if (text.n > 0)
		explicit_bzero(text.p, text.n);
	return ok;
}

/* ---- files ----------------------------------------------------------------------------- */

static bool
copy(struct restoring *k, int fd, const char *name, struct error *e)
{
	size_t n;

	for (;;) {
		if (!archive_read(k->r, k->chunk, CHUNK, &n, e))
			return false;
		if (n == 0)
			return true;
		if (!fd_write_all(fd, bytes_of(k->chunk, n), e))
			return error_context(e, "%s", name);
		k->bytes += n;
		if (k->opt->progress != NULL)
			k->opt->progress(k->opt->progress_arg, name, k->bytes);
	}
}

static bool
unpack(struct restoring *k, const struct archive_member *m, struct error *e)
{
	const char *rest;
	struct place *p = places_find(&k->places, m->name, &rest);
	struct stage *st = p != NULL ? staging_of(&k->staging, p) : NULL;
	auto_fd int fd = -1;

	if (st == NULL || p->kind == PLACE_CONFIG)
		return error_set(e, FAIL_BAD_INPUT,
		    "%s: " CONFIG " has no place for such a file", m->name);
	if (st->keep)
		return true;
	if (!st->made && !staging_check_place(p, k->opt->replace, e))
		return false;
	fd = staging_create(&k->staging, st, rest, e);
	if (fd < 0 || !copy(k, fd, m->name, e))
		return false;
	/* Never more than the owner's to write, and secrets his alone. */
	return fchmod(fd,
		   m->mode & (p->kind == PLACE_SECRET ? 0700U : 0755U)) == 0 ||
	    error_errno(e, FAIL_IO, "%s: chmod", m->name);
}

static bool
unpack_all(struct restoring *k, struct error *e)
{
	struct archive_member m;
	bool more;

	for (;;) {
		if (!archive_next(k->r, &m, &more, e))
			return false;
		if (!more)
			return true;
		if (!unpack(k, &m, e))
			return false;
	}
}

/* SoftHSM finds its tokens by an absolute path, which is another one now. */
static bool
mend_soft_tokens(struct restoring *k, struct error *e)
{
	struct stage *st = NULL;
	auto_mem char *path = NULL;
	auto_buf struct buf text = { 0 };

	for (size_t i = 0; i < k->staging.n; i++)
		if (k->staging.v[i].made &&
		    k->staging.v[i].place->secret == BACKUP_SOFT_TOKENS)
			st = &k->staging.v[i];
	if (st == NULL)
		return true;
	path = path_join(st->path, "softhsm2.conf");
	buf_addf(&text,
	    "directories.tokendir = %s/tokens\n"
	    "objectstore.backend = file\n"
	    "log.level = ERROR\n"
	    "slots.removable = false\n",
	    st->place->path);
	return file_replace(path, buf_bytes(&text), 0600, e);
}

/* ---- is it what it says ------------------------------------------------------------------ */

static struct stage *
stage_of_kind(struct restoring *k, enum place_kind kind)
{
	for (size_t i = 0; i < k->staging.n; i++)
		if (k->staging.v[i].place->kind == kind)
			return &k->staging.v[i];
	return NULL;
}

static bool
wrong(struct error *e, const char *what)
{
	return error_set(e, FAIL_CORRUPT, "the archive's manifest says %s",
	    what);
}

static bool
verify_checkpoint(const struct manifest *m, const char *dir, struct error *e)
{
	auto_mem char *path = path_join(dir, "checkpoint");
	auto_buf struct buf note = { 0 };
	struct checkpoint c;

	if (m->checkpoint == NULL)
		return access(path, F_OK) != 0 ||
		    wrong(e, "that the register has no checkpoint");
	if (!file_read(path, LIMIT_NOTE_BYTES, &note, e))
		return false;
	if (!bytes_eq(buf_bytes(&note), bytes_str(m->checkpoint)))
		return wrong(e, "another checkpoint than the register has");
	if (!checkpoint_parse(buf_bytes(&note), &c, e))
		return error_context(e, "checkpoint");
	return strcmp(c.origin, m->origin) == 0 ||
	    wrong(e, "another origin than the checkpoint has");
}

/* A register is opened with these directories. */
static bool
complete_register(struct restoring *k, const char *dir, struct error *e)
{
	static const char *const subs[] = { "log", "private", "snapshot",
		"checkpoints" };

	for (size_t i = 0; i < countof(subs); i++) {
		auto_mem char *path = path_join(dir, subs[i]);

		if (!staging_mkdir(&k->staging, path, e))
			return false;
		if (chmod(path, 0750) != 0)
			return error_errno(e, FAIL_IO, "%s", path);
	}
	return true;
}

static bool
verify_register(struct restoring *k, const struct manifest *m, struct error *e)
{
	const struct stage *st = stage_of_kind(k, PLACE_REGISTER);
	const struct stage *lists = stage_of_kind(k, PLACE_DATA);
	uint64_t records = 0;

	if (st == NULL || !st->made)
		return error_set(e, FAIL_BAD_INPUT,
		    "the archive has no register");
	if (!complete_register(k, st->path, e) ||
	    !k->opt->verify(k->opt->arg, st->path,
		lists != NULL && lists->made ? lists->path : NULL, &records, e))
		return error_context(e, "the archive's register");
	if (records != m->size)
		return error_set(e, FAIL_CORRUPT,
		    "the archive's register has %llu records, its manifest "
		    "says %llu",
		    (unsigned long long)records, (unsigned long long)m->size);
	if (strcmp(m->origin, k->cfg.origin) != 0)
		return error_set(e, FAIL_REFUSED,
		    "the archive's register is that of %s, " CONFIG " says %s",
		    m->origin, k->cfg.origin);
	return verify_checkpoint(m, st->path, e);
}

static bool
verify_store(struct restoring *k, const struct manifest *m, struct error *e)
{
	const struct stage *st = stage_of_kind(k, PLACE_STORE);
	struct store_config cfg = { .read_only = true };
	struct store_report report;
	auto_store struct store *s = NULL;
	uint64_t position;

	if (st == NULL || st->made != m->store)
		return wrong(e, "otherwise of its store");
	if (!m->store)
		return true;
	cfg.path = st->path;
	s = store_open(&cfg, e);
	if (s == NULL || !store_check(s, &report, e) ||
	    !store_position(s, m->origin, &position, e))
		return error_context(e, "the archive");
	if (position != m->position || position > m->size)
		return wrong(e, "another position of its store");
	return true;
}

/* Reading laid files beside it that belong to no database of its later name. */
static void
tidy_store(struct restoring *k)
{
	static const char *const suffixes[] = { "-wal", "-shm" };
	const struct stage *st = stage_of_kind(k, PLACE_STORE);

	for (size_t i = 0; st != NULL && i < countof(suffixes); i++) {
		auto_mem char *name = mem_printf("%s%s", st->path, suffixes[i]);

		(void)unlink(name);
	}
}

/* ---- the whole ------------------------------------------------------------------------------ */

static bool
open_home(struct restoring *k, bool *made, struct error *e)
{
	char full[PATH_MAX];

	*made = access(k->opt->home, F_OK) != 0;
	if (*made && !dir_create(k->opt->home, 0700, e))
		return false;
	if (realpath(k->opt->home, full) == NULL)
		return error_errno(e, FAIL_IO, "%s", k->opt->home);
	k->home = mem_strdup(full);
	return true;
}

static bool
restore(struct restoring *k, struct manifest *m, struct error *e)
{
	const struct manifest *is;

	if (!begin(k, e) || !unpack_all(k, e) || !mend_soft_tokens(k, e))
		return false;
	is = archive_manifest(k->r);
	if (!verify_register(k, is, e) || !verify_store(k, is, e))
		return false;
	tidy_store(k);
	if (!k->opt->check_only &&
	    !staging_commit(&k->staging, k->opt->replace, e))
		return false;
	*m = *is;
	m->checkpoint =
	    is->checkpoint != NULL ? mem_strdup(is->checkpoint) : NULL;
	return true;
}

bool
backup_restore(int fd, const char *name, const struct restore_options *opt,
    struct manifest *m, struct error *e)
{
	auto_archive_reader struct archive_reader *r =
	    archive_open(fd, name, e);
	struct restoring k = { .opt = opt, .r = r };
	bool made = false, ok;

	if (r == NULL)
		return false;
	k.chunk = mem_alloc(CHUNK);
	k.staging = (struct staging){ .lock = { -1, -1 } };
	ok = open_home(&k, &made, e) && restore(&k, m, e);
	clear(&k);
	if (made && (!ok || opt->check_only))
		(void)rmdir(opt->home);
	return ok;
}
