/* SPDX-License-Identifier: Apache-2.0 */
#include "lease_row.h"

#include <chancery/server/request.h>

struct sha256
lease_row_key(const char *id)
{
	return sha256(bytes_str(id));
}

void
lease_row_encode(int64_t issued_s, const char *serial, struct buf *out)
{
	auto_json json_t *o = json_pack("{s:I,s:s}", "issued_s",
	    (json_int_t)issued_s, "serial", serial);
	struct error e;

	if (!request_canonical(o, out, &e))
		fatal("lease: %s", e.msg);
}

static json_t *
value_of(const struct store_secret *row)
{
	return json_loadb((const char *)row->value.p, row->value.n, 0, NULL);
}

int64_t
lease_row_issued_s(const struct store_secret *row)
{
	auto_json json_t *o = value_of(row);

	return json_integer_value(json_object_get(o, "issued_s"));
}

void
lease_row_end(struct api *a, unsigned worker, const struct store_secret *row,
    bool wait, const char *who, api_done_fn *done, void *arg)
{
	auto_json json_t *o = value_of(row);
	auto_mem char *path = mem_printf("%s/" LEASE_REVOKE, row->scope);
	const char *serial = json_string_value(json_object_get(o, "serial"));
	struct api_own_call own = { .op = OP_WRITE, .path = path, .who = who };

	own.given = json_pack("{s:s,s:s,s:b}", "lease_id", row->alias,
	    "serial_number", serial != NULL ? serial : "", "wait", wait);
	api_call(a, worker, &own, done, arg);
}

bool
lease_row_is_orphan(struct docs *d, const char *scope)
{
	auto_doc const struct doc *mount =
	    docs_get(d, STORE_KIND_MOUNT, "", scope);

	return mount == NULL;
}

void
lease_row_delete(const struct sha256 *key,
    struct store_secret_change ch[LEASE_ROW_CHANGES])
{
	static const char *const kinds[LEASE_ROW_CHANGES] = { STORE_KIND_LEASE,
		STORE_KIND_LEASE_DUE };

	for (size_t i = 0; i < LEASE_ROW_CHANGES; i++)
		ch[i] = (struct store_secret_change){ .op = STORE_SECRET_DELETE,
			.row = { .kind = kinds[i], .key = *key, .scope = "" } };
}
