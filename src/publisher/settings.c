/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/cleanup.h>
#include <chancery/config/pass.h>
#include <chancery/wire/peer.h>

#include "publisher.h"

bool
publisher_settings_read(int fd, struct service_config *out,
    struct yaml_doc **doc, struct error *e)
{
	auto_buf struct buf json = { 0 };

	if (!peer_memfd_read(fd, LIMIT_CONFIG_BYTES, &json, e))
		return error_context(e, "settings");
	*doc = schema_unpack(service_schema, buf_bytes(&json), out,
	    sizeof(*out), e);
	return *doc != NULL || error_context(e, "settings");
}

bool
publisher_settings(struct publisher *p, struct error *e)
{
	return publisher_settings_read(ROOM_FD_SETTINGS, &p->cfg, &p->doc, e);
}

bool
publisher_desks(struct publisher *p, struct error *e)
{
	auto_buf struct buf table = { 0 };
	struct room_fd row;

	if (!peer_memfd_read(ROOM_FD_TABLE,
		PUBLISHER_FDS_MAX * sizeof(struct room_fd), &table, e))
		return error_context(e, "table of descriptors");
	if (table.n % sizeof(row) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "table of descriptors: %zu octets", table.n);
	for (size_t i = 0; i < table.n / sizeof(row); i++) {
		memcpy(&row, table.p + i * sizeof(row), sizeof(row));
		if (row.kind != ROOM_FD_OUTLANE ||
		    row.index >= SERVICE_WORKERS_MAX)
			return error_set(e, FAIL_BAD_INPUT,
			    "descriptor of kind %u is not for this room",
			    row.kind);
		desk_open(p, row.index, ROOM_FD_FIRST + (int)i);
	}
	return true;
}
