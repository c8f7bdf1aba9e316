/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <chancery/backup/backup.h>
#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>

#include "birth.h"
#include "cli.h"
#include "register_check.h"

/* ---- both ------------------------------------------------------------------ */

/* A line on a terminal every so often. */
#define PROGRESS_BYTES (64UL << 20)

struct progress {
	uint64_t told;
};

static void
progress(void *arg, const char *name, uint64_t bytes)
{
	struct progress *p = arg;

	if (bytes - p->told < PROGRESS_BYTES)
		return;
	p->told = bytes;
	complain("%llu MiB, %s", (unsigned long long)(bytes >> 20), name);
}

static archive_progress_fn *
progress_of(const struct cli *c)
{
	return !cli_json(c) && isatty(STDERR_FILENO) ? progress : NULL;
}

static void
tell(struct doc *d, const struct manifest *m)
{
	doc_text(d, "created", "made", m->created);
	doc_text(d, "origin", "origin", m->origin);
	doc_int(d, "size", "records", (int64_t)m->size);
	if (m->store)
		doc_int(d, "store", "store up to record", (int64_t)m->position);
	doc_int(d, "files", "files", (int64_t)m->files);
	doc_int(d, "bytes", "bytes", (int64_t)m->bytes);
	doc_bool(d, "soft_tokens", "soft tokens", m->soft_tokens);
	doc_bool(d, "pins", "PIN files", m->pins);
	doc_bool(d, "tls_key", "TLS key", m->tls_key);
	if (m->checkpoint != NULL)
		doc_text(d, "checkpoint", NULL, m->checkpoint);
}

/* ---- backup ----------------------------------------------------------------- */

static bool
secrets_of(const struct cli *c, unsigned *out, struct error *e)
{
	const char *name;

	*out = 0;
	for (size_t i = 0; (name = cli_flag_at(c, "with", i)) != NULL; i++) {
		unsigned secret = backup_secret(name);

		if (secret == 0)
			return error_set(e, FAIL_USAGE,
			    "--with %s: want soft-tokens, pins or tls-key",
			    name);
		*out |= secret;
	}
	return true;
}

static bool
run_backup(struct cli *c, struct error *e)
{
	struct service_config cfg;
	auto_yaml_doc struct yaml_doc *doc = NULL;
	auto_buf struct buf report = { 0 };
	auto_manifest struct manifest m = { 0 };
	struct progress p = { 0 };
	struct backup_options opt = { .path = c->arg[0],
		.software = CHANCERY_VERSION,
		.now_s = clock_wall_ms(&clock_system) / 1000,
		.progress = progress_of(c),
		.progress_arg = &p };
	struct sha256 digest;
	const char *dir = cli_home_dir(c, e);

	if (dir == NULL || !secrets_of(c, &opt.secrets, e))
		return false;
	doc = service_config_open(dir, &cfg, &report, e);
	if (doc == NULL || !backup_make(&cfg, dir, &opt, &m, &digest, e))
		return false;
	doc_text(c->doc, "file", "backup", c->arg[0]);
	doc_hex(c->doc, "sha256", "SHA-256", sha256_bytes(&digest));
	tell(c->doc, &m);
	return true;
}

/* ---- restore ----------------------------------------------------------------- */

static bool
verify(unused_arg void *arg, const char *dir, const char *crl_dir,
    uint64_t *records, struct error *e)
{
	struct register_check check = { .dir = dir,
		.crl_dir = crl_dir,
		.signatures = true };
	struct reg_verify_report r = { 0 };

	if (!register_check(&check, &r, e))
		return false;
	*records = r.records;
	return true;
}

static struct yaml_doc *
parse_home(const char *home, struct service_config *cfg, struct error *e)
{
	auto_mem char *path = path_join(home, "chancery.yaml");
	auto_buf struct buf text = { 0 };
	struct yaml_doc *doc = NULL;
	auto_mem char *full = realpath(home, NULL);

	if (full == NULL)
		error_errno(e, FAIL_IO, "%s", home);
	else if (file_read(path, LIMIT_CONFIG_BYTES, &text, e))
		doc = service_config_parse(buf_bytes(&text), path, full, cfg,
		    NULL, e);
	/* It may hold a PIN. */
	if (text.n > 0)
		explicit_bzero(text.p, text.n);
	return doc;
}

/* What is still to be done, by those who know where it is. */
static void
say_missing(const struct cli *c, const char *home,
    const struct service_config *cfg)
{
	auto_buf struct buf report = { 0 };
	struct service_config full;
	struct error e = { 0 };
	struct yaml_doc *doc = service_config_open(home, &full, &report, &e);

	if (doc == NULL)
		doc_say(c->doc, "Still missing: %s", e.msg);
	yaml_doc_free(doc);
	if (cfg->anchor_dir == NULL && !cfg->anchor_object)
		doc_say(c->doc,
		    "No anchor is configured: nothing here can tell whether "
		    "this is the newest state of the register.");
	doc_say(c->doc,
	    "Where an anchor remembers more records, the start is refused "
	    "until \"chancery register accept --anchor --why TEXT\".");
}

/* Directories that "init" makes, and that hold nothing worth keeping. */
static bool
make_directories(const struct service_config *cfg, struct error *e)
{
	auto_mem char *logs = mem_strdup(cfg->server.access_log);

	if (*logs != '/')
		*logs = '\0';
	else
		*strrchr(logs, '/') = '\0';
	return (*logs == '\0' || access(logs, F_OK) == 0 ||
		   dir_create(logs, 0700, e)) &&
	    (access(cfg->run_dir, F_OK) == 0 ||
		dir_create(cfg->run_dir, 0755, e));
}

static bool
finish(const struct cli *c, const char *home, struct error *e)
{
	struct service_config cfg;
	auto_yaml_doc struct yaml_doc *doc = parse_home(home, &cfg, e);

	if (doc == NULL || !make_directories(&cfg, e) ||
	    !birth_owners(&cfg, home, e))
		return false;
	say_missing(c, home, &cfg);
	return true;
}

static int
open_archive(const char *path, struct error *e)
{
	int fd = strcmp(path, "-") == 0
	    ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
	    : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		error_errno(e, errno == ENOENT ? FAIL_NOT_FOUND : FAIL_IO, "%s",
		    path);
	return fd;
}

static bool
run_restore(struct cli *c, struct error *e)
{
	auto_manifest struct manifest m = { 0 };
	struct progress p = { 0 };
	struct restore_options opt = { .home = cli_home_dir(c, e),
		.replace = cli_has(c, "replace"),
		.keep_config = cli_has(c, "keep-config"),
		.check_only = cli_has(c, "check"),
		.verify = verify,
		.progress = progress_of(c),
		.progress_arg = &p };
	auto_fd int fd = -1;

	if (opt.home == NULL || (fd = open_archive(c->arg[0], e)) < 0 ||
	    !backup_restore(fd, c->arg[0], &opt, &m, e))
		return false;
	doc_bool(c->doc, "ok", "verified", true);
	doc_bool(c->doc, "restored", NULL, !opt.check_only);
	doc_text(c->doc, "home", opt.check_only ? NULL : "restored to",
	    opt.home);
	tell(c->doc, &m);
	return opt.check_only || finish(c, opt.home, e);
}

/* ---- table ------------------------------------------------------------------- */

static const struct flag backup_flags[] = {
	{ "with", "NAME",
	    "a secret that is left out otherwise: soft-tokens, pins or tls-key",
	    false, true },
	{ 0 },
};
static const struct flag restore_flags[] = {
	{ "check", NULL,
	    "only verify; what is unpacked for it is removed again", false,
	    false },
	{ "keep-config", NULL,
	    "the home has its chancery.yaml already, which stays and says "
	    "where everything goes",
	    false, false },
	{ "replace", NULL,
	    "over what is in the home, which is kept with .replaced behind "
	    "its name",
	    false, false },
	{ 0 },
};

const struct command backup_commands[] = {
	{ "backup", "FILE",
	    "put register, lists, store and configuration into one archive", 1,
	    1, backup_flags, true, run_backup,
	    "The service may run. FILE is a tar that sha256sum can check; it "
	    "holds no secret that was not asked for, but everything that is "
	    "known of certificates, callers and policies. Anchors are left "
	    "out." },
	{ "restore", "FILE",
	    "verify an archive, and put it into an empty or new home", 1, 1,
	    restore_flags, true, run_restore,
	    "Everything is verified before anything is put in its place: the "
	    "hashes, every record and signature of the register, the store. "
	    "The service has to be stopped. A FILE of a single dash is "
	    "standard input. Without --keep-config, an archive whose "
	    "chancery.yaml names places outside of the home is refused." },
};
const size_t backup_commands_n = countof(backup_commands);
