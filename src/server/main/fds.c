/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/limits.h>
#include <chancery/wire/peer.h>

#include "room.h"

bool
room_read_settings(struct room *r, struct error *e)
{
	auto_buf struct buf json = { 0 };

	if (!peer_memfd_read(ROOM_FD_SETTINGS, LIMIT_CONFIG_BYTES, &json, e))
		return error_context(e, "settings");
	r->doc = schema_unpack(service_schema, buf_bytes(&json), &r->cfg,
	    sizeof(r->cfg), e);
	if (r->doc == NULL)
		return error_context(e, "settings");
	r->workers = (unsigned)r->cfg.server.workers;
	if (r->workers == 0 || r->workers > SERVICE_WORKERS_MAX)
		return error_set(e, FAIL_BAD_INPUT,
		    "settings: the supervisor resolves server.workers");
	return true;
}

bool
room_read_table(struct room *r, struct error *e)
{
	auto_buf struct buf table = { 0 };

	if (!peer_memfd_read(ROOM_FD_TABLE, sizeof(r->table), &table, e))
		return error_context(e, "table of descriptors");
	if (table.n % sizeof(struct room_fd) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "table of descriptors: %zu octets", table.n);
	r->fds = table.n / sizeof(struct room_fd);
	if (table.n > 0)
		memcpy(r->table, table.p, table.n);
	return true;
}
