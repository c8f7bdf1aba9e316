/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths and queries. Whatever came in: the one form of a path has no empty, "." or ".."
 * segment and no control character, is its own form once more, and finds the same row.
 */
#include <assert.h>

#include <chancery/base/text.h>
#include <chancery/server/request.h>

static const struct route routes[] = {
	{ .pattern = "issue/:role" },
	{ .pattern = "cert/:serial/raw" },
	{ .pattern = "mounts/*path" },
	{ .pattern = "mounts/*path/tune" },
	{ 0 },
};

static const struct backend backend = { .routes = routes };

static void
check_form(struct bytes path)
{
	size_t n = 0;

	assert(utf8_valid(path));
	for (size_t i = 0; i <= path.n; i++) {
		if (i < path.n && path.p[i] != '/') {
			assert(path.p[i] >= 0x20 && path.p[i] != 0x7f);
			n++;
			continue;
		}
		assert(n > 0 || path.n == 0);
		assert(n > 2 || n == 0 || path.p[i - n] != '.' ||
		    (n == 2 && path.p[i - 1] != '.'));
		n = 0;
	}
}

/* Escaped anew, it comes back as it was. */
static void
check_stable(struct bytes path)
{
	auto_buf struct buf raw = { 0 }, again = { 0 };
	struct error e = { 0 };
	bool slash;

	for (size_t i = 0; i < path.n; i++)
		buf_addf(&raw, path.p[i] == '%' ? "%%25" : "%c", path.p[i]);
	assert(request_path(buf_bytes(&raw), &again, &slash, &e));
	assert(bytes_eq(path, buf_bytes(&again)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf path = { 0 };
	static struct route_table *table;
	auto_json json_t *captures = NULL, *query = NULL;
	struct route_found found = { 0 };
	struct error e = { 0 };
	bool slash;

	if (request_path(bytes_of(data, size), &path, &slash, &e)) {
		check_form(buf_bytes(&path));
		check_stable(buf_bytes(&path));
		if (table == NULL)
			table = route_table_new(&backend);
		if (route_match(table, buf_cstr(&path), &found)) {
			captures = found.captures;
			assert(json_is_object(captures));
		}
	} else {
		assert(e.why == FAIL_BAD_INPUT && path.n == 0);
	}
	query = request_query(bytes_of(data, size), &e);
	assert(query == NULL || json_is_object(query));
	return 0;
}
