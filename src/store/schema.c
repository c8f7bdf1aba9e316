/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/alloc.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>

#include "schema.h"

/* "Chnc" in the file's header: sqlite.org calls it application_id. */
#define APPLICATION 0x43686e63

/*
 * A row never changes once a release had it; what is new is a new row.
 *
 * cert   small rows in the order of lists; serials are random, so that each new one
 *        changes another page: the fewer pages the better
 * der    the certificates themselves, in the order of arrival: appended
 * mount  counts of its certificates; NULL as a name: removed, its rows are going.
 *        since: a certificate of an earlier record belongs to a mount of that name
 *        that is gone
 */
static const char *const steps[] = {
	"CREATE TABLE log(id INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE,"
	" position INTEGER NOT NULL DEFAULT 0,"
	" config INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE TABLE issuer(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE)"
	" STRICT;"
	"CREATE TABLE mount(id INTEGER PRIMARY KEY, name TEXT UNIQUE,"
	" certs INTEGER NOT NULL DEFAULT 0,"
	" revoked INTEGER NOT NULL DEFAULT 0,"
	" since_log INTEGER, since INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE TABLE cert(mount INTEGER NOT NULL, serial BLOB NOT NULL,"
	" issuer INTEGER NOT NULL, not_before INTEGER NOT NULL,"
	" not_after INTEGER NOT NULL, log INTEGER NOT NULL, n INTEGER,"
	" ca INTEGER NOT NULL, der INTEGER, revoked INTEGER, reason INTEGER,"
	" revoked_n INTEGER, PRIMARY KEY(mount, serial, issuer))"
	" STRICT, WITHOUT ROWID;"
	"CREATE INDEX cert_revoked ON cert(mount, serial)"
	" WHERE revoked IS NOT NULL;"
	"CREATE TABLE der(id INTEGER PRIMARY KEY, der BLOB NOT NULL) STRICT;"
	"CREATE TABLE doc(kind TEXT NOT NULL, scope TEXT NOT NULL,"
	" name TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL,"
	" PRIMARY KEY(kind, scope, name)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE secret(kind TEXT NOT NULL, key BLOB NOT NULL, alias TEXT,"
	" parent BLOB, scope TEXT NOT NULL, expires INTEGER,"
	" version INTEGER NOT NULL, value BLOB NOT NULL,"
	" PRIMARY KEY(kind, key)) STRICT, WITHOUT ROWID;"
	"CREATE UNIQUE INDEX secret_alias ON secret(kind, alias)"
	" WHERE alias IS NOT NULL;"
	"CREATE INDEX secret_parent ON secret(parent) WHERE parent IS NOT NULL;"
	"CREATE INDEX secret_scope ON secret(kind, scope);"
	"CREATE INDEX secret_expires ON secret(expires)"
	" WHERE expires IS NOT NULL;",
	/* What documents were: from record `since` of the log up to `until`. */
	"CREATE TABLE doc_past(kind TEXT NOT NULL, scope TEXT NOT NULL,"
	" name TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,"
	" value BLOB NOT NULL, PRIMARY KEY(kind, scope, name, since))"
	" STRICT, WITHOUT ROWID;",
};

int
schema_newest(void)
{
	return (int)countof(steps);
}

const char *
schema_step(int version)
{
	return steps[version - 1];
}

static bool
step(struct db *d, int version, struct error *e)
{
	auto_mem char *sql =
	    mem_printf("BEGIN IMMEDIATE;%s PRAGMA application_id=%d;"
		       "PRAGMA user_version=%d;COMMIT",
		schema_step(version), APPLICATION, version);
	struct error ignored;

	if (db_exec(d, sql, e))
		return true;
	(void)!db_exec(d, "ROLLBACK", &ignored);
	return false;
}

bool
schema_migrate(struct db *d, int from, struct error *e)
{
	for (int v = from + 1; v <= schema_newest(); v++)
		if (!step(d, v, e))
			return error_context(e, "schema %d", v);
	return true;
}

static bool
create_under(const char *path, struct error *e)
{
	struct db d;
	bool ok;

	if (!db_open(&d, path, DB_CREATE, e))
		return false;
	/* Last, since it cannot be within a transaction. */
	ok = schema_migrate(&d, 0, e) &&
	    db_exec(&d, "PRAGMA journal_mode=WAL", e);
	db_close(&d);
	return ok;
}

static bool
sync_and_name(const char *tmp, const char *path, struct error *e)
{
	auto_fd int fd = open(tmp, O_RDONLY | O_CLOEXEC);
	auto_mem char *dir = mem_strdup(path);
	char *slash = strrchr(dir, '/');

	if (fd < 0 || fsync(fd) != 0)
		return error_errno(e, FAIL_IO, "%s", tmp);
	/* Does not replace. */
	if (link(tmp, path) != 0)
		return error_errno(e, errno == EEXIST ? FAIL_EXISTS : FAIL_IO,
		    "store %s", path);
	(void)unlink(tmp);
	if (slash == NULL)
		return dir_sync(".", e);
	slash[slash == dir ? 1 : 0] = '\0';
	return dir_sync(dir, e);
}

bool
schema_create(const char *path, struct error *e)
{
	auto_mem char *tmp = mem_printf("%s.new", path);
	auto_mem char *wal = mem_printf("%s-wal", tmp);
	auto_mem char *shm = mem_printf("%s-shm", tmp);
	bool ok;

	if (!file_check_absent(path, e))
		return error_context(e, "store");
	/* What a crash left. */
	(void)unlink(tmp);
	(void)unlink(wal);
	(void)unlink(shm);
	ok = create_under(tmp, e) && sync_and_name(tmp, path, e);
	if (!ok)
		(void)unlink(tmp);
	return ok;
}

bool
schema_check(struct db *d, int *version, struct error *e)
{
	int64_t app, user;

	if (!db_value(d, "PRAGMA application_id", &app, e) ||
	    !db_value(d, "PRAGMA user_version", &user, e))
		return false;
	if (app != APPLICATION || user < 1)
		return error_set(e, FAIL_BAD_INPUT,
		    "store %s: a database, but not one of Chancery", d->path);
	if (user > schema_newest())
		return error_set(e, FAIL_UNSUPPORTED,
		    "store %s: made by a newer release (schema %lld, this one "
		    "knows %d)",
		    d->path, (long long)user, schema_newest());
	*version = (int)user;
	return true;
}
