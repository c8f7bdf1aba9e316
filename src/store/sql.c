/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "sql.h"

/* What a certificate's row is read as: the columns of cert_row (cert_read.c). */
#define ROW                                                                    \
	"SELECT m.name, c.serial, i.key, c.not_before, c.not_after, "          \
	"l.origin, c.n, c.ca, c.revoked, c.reason, c.revoked_n, "
#define ROW_DER ROW "d.der, c.der "
#define ROW_PLAIN ROW "NULL, c.der "
/* The order of the joins is ours: mounts are few, then one range of certificates. */
#define FROM                                                                   \
	"FROM mount m CROSS JOIN cert c ON c.mount = m.id "                    \
	"CROSS JOIN issuer i ON i.id = c.issuer "                              \
	"CROSS JOIN log l ON l.id = c.log "
#define FROM_DER FROM "LEFT JOIN der d ON d.id = c.der "
#define RANGE "WHERE m.name = ?1 AND c.serial > ?2 "

static const char *const sql[] = {
	[STMT_LOG_ADD] = "INSERT INTO log(origin) VALUES(?1)",
	[STMT_LOG_ID] = "SELECT id FROM log WHERE origin = ?1",
	[STMT_LOG_GET] = "SELECT position, config FROM log WHERE origin = ?1",
	[STMT_LOG_LIST] = "SELECT origin, position FROM log ORDER BY origin",
	[STMT_LOG_POSITION] =
	    "UPDATE log SET position = ?2 WHERE id = ?1 AND position < ?2",
	[STMT_LOG_CONFIG] = "UPDATE log SET config = ?2 WHERE id = ?1",
	[STMT_ISSUER_ADD] = "INSERT INTO issuer(key) VALUES(?1)",
	[STMT_ISSUER_ID] = "SELECT id FROM issuer WHERE key = ?1",
	[STMT_MOUNT_ADD] = "INSERT INTO mount(name) VALUES(?1)",
	[STMT_MOUNT_ID] =
	    "SELECT id, since_log, since FROM mount WHERE name = ?1",
	[STMT_MOUNT_LIST] = "SELECT id, name, certs, revoked FROM mount "
			    "WHERE name IS NOT NULL ORDER BY name",
	[STMT_MOUNT_COUNT] =
	    "SELECT sum(certs), sum(revoked) FROM mount "
	    "WHERE name IS NOT NULL AND (?1 IS NULL OR name = ?1)",
	[STMT_MOUNT_COUNTS] = "UPDATE mount SET certs = certs + ?2, "
			      "revoked = revoked + ?3 WHERE id = ?1",
	[STMT_MOUNT_RETIRE] = "UPDATE mount SET name = NULL WHERE name = ?1",
	[STMT_MOUNT_SINCE] = "INSERT INTO mount(name, since_log, since) "
			     "VALUES(?1, ?2, ?3)",
	[STMT_MOUNT_RETIRED] =
	    "SELECT id FROM mount WHERE name IS NULL LIMIT 1",
	[STMT_MOUNT_DELETE] = "DELETE FROM mount WHERE id = ?1",
	[STMT_CERT_ADD] =
	    "INSERT INTO cert(mount, serial, issuer, not_before, not_after, "
	    "log, n, ca, der) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
	    "ON CONFLICT DO NOTHING",
	[STMT_CERT_REVOKE] =
	    "UPDATE cert SET revoked = ?4, reason = ?5, revoked_n = ?6 "
	    "WHERE mount = ?1 AND serial = ?2 AND issuer = ?3 "
	    "AND revoked IS NULL",
	[STMT_CERT_GET] = ROW_DER FROM_DER
	"WHERE m.name = ?1 AND c.serial = ?2 ORDER BY c.issuer",
	[STMT_CERT_GET_ANY] =
	    ROW_DER FROM_DER "WHERE m.name IS NOT NULL AND c.serial = ?2",
	/* Without a DER there is nothing to list: no_store. */
	[STMT_CERT_LIST] = ROW_PLAIN FROM RANGE
	"AND c.der IS NOT NULL ORDER BY c.serial, c.issuer",
	[STMT_CERT_LIST_DER] = ROW_DER FROM_DER RANGE
	"AND c.der IS NOT NULL ORDER BY c.serial, c.issuer",
	[STMT_CERT_LIST_REVOKED] = ROW_PLAIN FROM RANGE
	"AND c.revoked IS NOT NULL ORDER BY c.serial, c.issuer",
	[STMT_CERT_LIST_REVOKED_DER] = ROW_DER FROM_DER RANGE
	"AND c.revoked IS NOT NULL ORDER BY c.serial, c.issuer",
	/* One mount at a time keeps the sort to equal serials. */
	[STMT_CERT_ALL] =
	    ROW_DER FROM_DER "WHERE m.id = ?1 ORDER BY c.serial, i.key",
	[STMT_CERT_RANGE] =
	    "SELECT serial, issuer, not_after, log, n, revoked_n, der "
	    "FROM cert WHERE mount = ?1 AND serial > ?2 AND serial <= ?3 "
	    "ORDER BY serial, issuer",
	[STMT_CERT_OF_MOUNT] =
	    "SELECT serial, issuer FROM cert WHERE mount = ?1 LIMIT ?2",
	[STMT_CERT_FIND] = "SELECT der, revoked FROM cert "
			   "WHERE mount = ?1 AND serial = ?2 AND issuer = ?3",
	[STMT_CERT_DELETE] =
	    "DELETE FROM cert WHERE mount = ?1 AND serial = ?2 AND issuer = ?3",
	[STMT_CERT_STRIP] = "UPDATE cert SET der = NULL "
			    "WHERE mount = ?1 AND serial = ?2 AND issuer = ?3",
	[STMT_DER_ADD] = "INSERT INTO der(id, der) VALUES(?1, ?2)",
	[STMT_DER_LAST] = "SELECT max(id) FROM der",
	[STMT_DER_DELETE] = "DELETE FROM der WHERE id = ?1",
	[STMT_DOC_PUT] = "INSERT INTO doc(kind, scope, name, version, value) "
			 "VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
			 "version = max(version + 1, excluded.version), "
			 "value = excluded.value",
	[STMT_DOC_DELETE] =
	    "DELETE FROM doc WHERE kind = ?1 AND scope = ?2 AND name = ?3",
	/* A version is one more than the record that made it. */
	[STMT_DOC_KEEP] =
	    "INSERT OR IGNORE INTO doc_past(kind, scope, name, since, until, "
	    "value) SELECT kind, scope, name, version - 1, ?4, value FROM doc "
	    "WHERE kind = ?1 AND scope = ?2 AND name = ?3 AND version <= ?4",
	[STMT_DOC_ERAS] =
	    "SELECT scope, name, value, version - 1, -1 FROM doc "
	    "WHERE kind = ?1 UNION ALL SELECT scope, name, value, since, until "
	    "FROM doc_past WHERE kind = ?1 ORDER BY 1, 2, 4",
	[STMT_DOC_GET] = "SELECT value, version FROM doc "
			 "WHERE kind = ?1 AND scope = ?2 AND name = ?3",
	[STMT_DOC_LIST] = "SELECT kind, scope, name, value, version FROM doc "
			  "ORDER BY kind, scope, name",
	[STMT_DOC_LIST_KIND] =
	    "SELECT kind, scope, name, value, version FROM doc "
	    "WHERE kind = ?1 ORDER BY scope, name",
	[STMT_DOC_LIST_SCOPE] =
	    "SELECT kind, scope, name, value, version FROM doc "
	    "WHERE kind = ?1 AND scope = ?2 ORDER BY name",
	[STMT_COUNTER_GET] = "SELECT value FROM counter WHERE name = ?1",
	[STMT_COUNTER_PUT] = "INSERT INTO counter(name, value) VALUES(?1, ?2) "
			     "ON CONFLICT DO UPDATE SET value = excluded.value",
	[STMT_SECRET_PUT] =
	    "INSERT INTO secret(kind, key, alias, parent, scope, expires, "
	    "version, value) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
	    "ON CONFLICT(kind, key) DO UPDATE SET alias = excluded.alias, "
	    "parent = excluded.parent, scope = excluded.scope, "
	    "expires = excluded.expires, version = excluded.version, "
	    "value = excluded.value",
	[STMT_SECRET_SWAP] =
	    "UPDATE secret SET alias = ?3, parent = ?4, scope = ?5, "
	    "expires = ?6, version = ?7, value = ?8 "
	    "WHERE kind = ?1 AND key = ?2 AND version = ?9",
	[STMT_SECRET_DELETE] =
	    "DELETE FROM secret WHERE kind = ?1 AND key = ?2",
/* UNION, not UNION ALL: a cycle of parents ends. */
#define TREE(roots)                                                            \
	"WITH RECURSIVE t(kind, key) AS (" roots " UNION "                     \
	"SELECT s.kind, s.key FROM t CROSS JOIN secret s "                     \
	"ON s.parent = t.key) "
#define DELETE_T                                                               \
	"DELETE FROM secret WHERE (kind, key) IN (SELECT kind, key FROM t)"
#define DUE                                                                    \
	"UPDATE secret SET kind = 'lease-due', parent = NULL "                 \
	"WHERE kind = 'lease' AND "
#define DUE_T DUE "parent IN (SELECT key FROM t)"
#define OF_SCOPE "SELECT kind, key FROM secret WHERE kind = ?1 AND scope = ?2"
#define UNDER                                                                  \
	"kind = ?1 AND expires IS NOT NULL AND (scope = ?2 OR "                \
	"(scope > ?2 || '/' AND scope < ?2 || '0'))"
/* In an order that a change of the kind leaves alone. */
#define EXPIRED                                                                \
	"SELECT * FROM (SELECT kind, key FROM secret "                         \
	"WHERE expires IS NOT NULL AND expires < ?1 "                          \
	"ORDER BY expires, key LIMIT ?2)"
	[STMT_SECRET_DELETE_TREE] = TREE("VALUES(?1, ?2)") DELETE_T,
	[STMT_SECRET_DELETE_SCOPE] =
	    "DELETE FROM secret WHERE kind = ?1 AND scope = ?2",
	[STMT_SECRET_DELETE_UNDER] = "DELETE FROM secret WHERE " UNDER,
	[STMT_SECRET_EXPIRE] = TREE(EXPIRED) DELETE_T,
	[STMT_LEASE_DUE_TREE] = TREE("VALUES(?1, ?2)") DUE_T,
	[STMT_LEASE_DUE_SCOPE] = TREE(OF_SCOPE) DUE_T,
	[STMT_LEASE_DUE_UNDER] =
	    TREE("SELECT kind, key FROM secret WHERE " UNDER) DUE_T,
	[STMT_LEASE_DUE_EXPIRE] = TREE(EXPIRED) DUE_T,
	[STMT_LEASE_DUE_PREFIX] =
	    DUE "alias IN (SELECT ?1 UNION ALL "
		"SELECT * FROM (SELECT alias FROM secret WHERE kind = 'lease' "
		"AND alias > ?1 || '/' AND alias < ?1 || '0' LIMIT ?2))",
#define SECRET                                                                 \
	"SELECT kind, key, alias, parent, scope, expires, version, value "     \
	"FROM secret "
#define ALIVE "AND (expires IS NULL OR expires > ?3) "
	[STMT_SECRET_GET] = SECRET "WHERE kind = ?1 AND key = ?2 " ALIVE,
	[STMT_SECRET_ALIAS] = SECRET "WHERE kind = ?1 AND alias = ?2 " ALIVE,
	[STMT_SECRET_NEXT] = SECRET "WHERE kind = ?1 AND alias > ?2 " ALIVE
				    "AND alias < ?4 ORDER BY alias LIMIT 1",
	[STMT_SECRET_LIST] =
	    SECRET "WHERE kind = ?1 AND scope = ?2 " ALIVE "ORDER BY key",
	[STMT_SECRET_LIST_KIND] =
	    SECRET "WHERE kind = ?1 " ALIVE "ORDER BY key",
	[STMT_SECRET_COUNTS] =
	    "SELECT kind, count(*) FROM secret GROUP BY kind ORDER BY kind",
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_SAVEPOINT] = "SAVEPOINT job",
	[STMT_RELEASE] = "RELEASE job",
	[STMT_ROLLBACK_TO] = "ROLLBACK TO job",
};
_Static_assert(sizeof(sql) / sizeof(sql[0]) == STMT__COUNT,
    "one text per statement");

const char *
stmt_sql(enum stmt s)
{
	return sql[s];
}
