/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/store/store.h>

#include "collect.h"
#include "places.h"

struct making {
	const struct service_config *cfg;
	const struct backup_options *opt;
	struct archive_writer *w;
	struct manifest m;
};

/* ---- what was asked for --------------------------------------------------------- */

static bool
has_pin(const struct service_config *cfg, bool inside)
{
	const struct service_token *t = cfg->tokens.v;

	for (size_t i = 0; i < cfg->tokens.n; i++)
		if (inside ? t[i].pin_in_this_file_i_accept_the_risk != NULL
			   : service_pin_file(t[i].pin) != NULL)
			return true;
	return false;
}

static bool
check_asked(const struct service_config *cfg, unsigned secrets, struct error *e)
{
	bool inside = has_pin(cfg, true);

	if (inside && (secrets & BACKUP_PINS) == 0)
		return error_set(e, FAIL_REFUSED,
		    "chancery.yaml holds a PIN itself, and a backup has it: "
		    "ask for \"pins\", or move it to a file");
	if ((secrets & BACKUP_PINS) != 0 && !inside && !has_pin(cfg, false))
		return error_set(e, FAIL_NOT_FOUND,
		    "pins: no token's PIN is in a file");
	if ((secrets & BACKUP_SOFT_TOKENS) != 0 && cfg->soft_token_dir == NULL)
		return error_set(e, FAIL_NOT_FOUND,
		    "soft-tokens: this home names no soft_token_dir");
	if ((secrets & BACKUP_TLS_KEY) != 0 && cfg->server.tls.key == NULL)
		return error_set(e, FAIL_NOT_FOUND,
		    "tls-key: this home names no server.tls.key");
	return true;
}

/* ---- the database ----------------------------------------------------------------- */

static void
discard(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm",
		"-journal" };

	for (size_t i = 0; i < countof(suffixes); i++) {
		auto_mem char *name = mem_printf("%s%s", path, suffixes[i]);

		(void)unlink(name);
	}
}

/* The copy says for itself up to where it goes. */
static bool
position_of(const char *copy, struct manifest *m, struct error *e)
{
	struct store_config cfg = { .path = copy, .read_only = true };
	auto_store struct store *s = store_open(&cfg, e);

	m->store = s != NULL && store_position(s, m->origin, &m->position, e);
	return m->store;
}

static bool
copy_store(struct making *k, const struct place *p, const char *copy,
    struct error *e)
{
	struct store_config cfg = { .path = p->path, .read_only = true };
	auto_store struct store *s = store_open(&cfg, e);

	return s != NULL && store_copy(s, copy, e) &&
	    position_of(copy, &k->m, e) &&
	    collect_file(k->w, p->member, copy, e);
}

static bool
add_store(struct making *k, const struct place *p, struct error *e)
{
	auto_mem char *copy = mem_printf("%s.store", k->opt->path);
	bool ok;

	if (access(p->path, F_OK) != 0 && errno == ENOENT)
		return true;
	/* Of a backup that was killed; the archive's lock is ours. */
	discard(copy);
	ok = copy_store(k, p, copy, e);
	discard(copy);
	return ok;
}

/* ---- the rest ----------------------------------------------------------------------- */

static bool
add_file(struct making *k, const struct place *p, struct error *e)
{
	return collect_file(k->w, p->member, p->path, e);
}

static bool
add_tree(struct making *k, const struct place *p, struct error *e)
{
	/* "token create" leaves the SO-PIN of soft tokens beside them. */
	return collect_tree(k->w, p->member, p->path,
	    k->m.pins ? NULL : "so-pin", e);
}

static bool
add_register(struct making *k, const struct place *p, struct error *e)
{
	if (!collect_register(k->w, p->member, p->path, &k->m, e))
		return false;
	if (k->m.store && k->m.position > k->m.size)
		return error_set(e, FAIL_CORRUPT,
		    "the register has %llu records, and the store knows %llu: "
		    "an older register was put back here",
		    (unsigned long long)k->m.size,
		    (unsigned long long)k->m.position);
	return true;
}

static bool
add_secret(struct making *k, const struct place *p, struct error *e)
{
	if ((k->opt->secrets & p->secret) == 0)
		return true;
	return p->tree ? add_tree(k, p, e) : add_file(k, p, e);
}

static bool (*const adders[])(struct making *k, const struct place *p,
    struct error *e) = {
	[PLACE_CONFIG] = add_file,
	[PLACE_SETTING] = add_file,
	[PLACE_DATA] = add_tree,
	[PLACE_STORE] = add_store,
	[PLACE_REGISTER] = add_register,
	[PLACE_SECRET] = add_secret,
};

static bool
add_all(struct making *k, const struct places *places, struct error *e)
{
	for (size_t i = 0; i < places->n; i++)
		if (!adders[places->v[i].kind](k, &places->v[i], e))
			return false;
	return true;
}

bool
backup_make(const struct service_config *cfg, const char *home,
    const struct backup_options *opt, struct manifest *m, struct sha256 *digest,
    struct error *e)
{
	auto_places struct places places = { 0 };
	auto_archive_writer struct archive_writer *w = NULL;
	struct making k = { .cfg = cfg, .opt = opt };

	if (!check_asked(cfg, opt->secrets, e) ||
	    !places_of(cfg, home, &places, e))
		return false;
	w = archive_create(opt->path, opt->software, opt->now_s, e);
	if (w == NULL)
		return false;
	if (opt->progress != NULL)
		archive_on_progress(w, opt->progress, opt->progress_arg);
	k.w = w;
	k.m.pins = (opt->secrets & BACKUP_PINS) != 0;
	k.m.soft_tokens = (opt->secrets & BACKUP_SOFT_TOKENS) != 0;
	k.m.tls_key = (opt->secrets & BACKUP_TLS_KEY) != 0;
	(void)snprintf(k.m.origin, sizeof(k.m.origin), "%s", cfg->origin);
	if (!add_all(&k, &places, e) || !archive_finish(w, &k.m, digest, e)) {
		manifest_clear(&k.m);
		return false;
	}
	*m = k.m;
	return true;
}
