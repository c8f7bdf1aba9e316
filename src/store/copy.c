/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "internal.h"

/* Pages that are copied in one step. */
#define COPY_PAGES 1000

static bool
copy_pages(struct db *from, struct db *to, struct error *e)
{
	sqlite3_backup *b = sqlite3_backup_init(to->h, "main", from->h, "main");
	int rc;

	if (b == NULL)
		return db_error(to, sqlite3_errcode(to->h), e);
	do
		rc = sqlite3_backup_step(b, COPY_PAGES);
	while (rc == SQLITE_OK);
	rc = sqlite3_backup_finish(b);
	return rc == SQLITE_OK || db_error(to, rc, e);
}

/* SQLite would begin anew with every commit of the service: within one transaction of
 * reading, the file stays as it was. */
static bool
copy_snapshot(struct db *from, struct db *to, struct error *e)
{
	struct error ignored;
	int64_t n;
	bool ok;

	if (!db_exec(from, "BEGIN", e))
		return false;
	ok = db_value(from, "SELECT count(*) FROM sqlite_schema", &n, e) &&
	    copy_pages(from, to, e);
	(void)!db_exec(from, "COMMIT", &ignored);
	return ok;
}

bool
store_copy(struct store *s, const char *to, struct error *e)
{
	auto_fd int made =
	    open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct db *from = reader_get(s, e);
	struct db copy;
	bool ok;

	if (from == NULL)
		return false;
	if (made < 0)
		return error_errno(e, errno == EEXIST ? FAIL_EXISTS : FAIL_IO,
		    "%s", to);
	if (!db_open(&copy, to, DB_CREATE, e))
		return false;
	ok = copy_snapshot(from, &copy, e);
	db_close(&copy);
	return ok;
}
