/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Backup and restore of a home, in one file (archive.h, docs/backup.md):
 *
 *   chancery.yaml, and the files that it names: charter/TOKEN, weak-keys,
 *   tls/certificate.pem, tls/client-ca.pem
 *   crl/…            the lists
 *   store.sqlite     the database, by its online backup
 *   register/…       log, private bodies, snapshots, checkpoints; no tiles, they are derived
 *   soft-tokens/…, pins/TOKEN, tls/key.pem      only when asked for
 *
 * It can be made while the service runs. The register is read last, up to its last whole line,
 * which is made durable first: so it holds everything that the store was made from, and nothing
 * that the original could still lose. Anchors are left out: they are what notices that a
 * register was put back.
 */
#include <chancery/backup/archive.h>
#include <chancery/config/service.h>

/* Secrets, each asked for by its name. */
#define BACKUP_SOFT_TOKENS 1U
#define BACKUP_PINS 2U
#define BACKUP_TLS_KEY 4U
/* "soft-tokens", "pins", "tls-key"; 0: no such name. */
unsigned backup_secret(const char *name);

struct backup_options {
	const char *path; /* must not exist */
	unsigned secrets; /* BACKUP_… */
	const char *software;
	int64_t now_s;
	archive_progress_fn *progress; /* may be NULL */
	void *progress_arg;
};
/* *m is filled, *digest that of the archive. FAIL_REFUSED: chancery.yaml holds a PIN, and
 * those were not asked for. FAIL_NOT_FOUND: no register; soft tokens were asked for, and there
 * are none. */
bool backup_make(const struct service_config *cfg, const char *home,
    const struct backup_options *opt, struct manifest *m, struct sha256 *digest,
    struct error *e) must_check;

struct restore_options {
	const char *home; /* is made when it is not there */
	/* What is in the way becomes <name>.replaced. */
	bool replace;
	/* chancery.yaml and the files that it names stay as they are in the home; what else
	 * there is goes where it says. */
	bool keep_config;
	/* Only verify, in an empty or new directory, whatever the layout: what was written
	 * for that is removed again. */
	bool check_only;
	/* Walk the register as it lies in `dir` (and the lists in `crl_dir`). *records and
	 * `origin` are held against the manifest. */
	bool (*verify)(void *arg, const char *dir, const char *crl_dir,
	    uint64_t *records, struct error *e);
	void *arg;
	archive_progress_fn *progress; /* may be NULL */
	void *progress_arg;
};
/* `fd` is an archive, `name` for messages. Everything is unpacked beside its place
 * (<path>.restoring), verified, and only then named, chancery.yaml last. After a failure
 * nothing has changed.
 *
 * FAIL_EXISTS: something is in the way. FAIL_BUSY: a process has it. FAIL_REFUSED: the
 * archive's chancery.yaml names places outside of the home. FAIL_BAD_INPUT, FAIL_CORRUPT: the
 * archive, or what is in it. */
bool backup_restore(int fd, const char *name, const struct restore_options *opt,
    struct manifest *m, struct error *e) must_check;
