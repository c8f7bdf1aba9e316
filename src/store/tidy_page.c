/* SPDX-License-Identifier: Apache-2.0 */
/* The page that a document of kind STORE_KIND_TIDY has (store.h): pure, from text. */
#include <chancery/base/json.h>
#include <chancery/base/text.h>

#include "tidy_page.h"

static bool
read_serial(struct json_reader *r, uint8_t out[LIMIT_SERIAL_BYTES])
{
	struct bytes hex = json_get_raw_str(r);
	char text[2 * LIMIT_SERIAL_BYTES + 1];

	if (hex.n != sizeof(text) - 1)
		return false;
	memcpy(text, hex.p, hex.n);
	text[hex.n] = '\0';
	return hex_decode_fixed(text, out, LIMIT_SERIAL_BYTES);
}

static bool
read_page(struct json_reader *r, struct store_tidy *t)
{
	struct bytes key;
	bool ok = true;

	*t = (struct store_tidy){ 0 };
	json_enter_object(r);
	while (ok && json_next_key(r, &key))
		if (bytes_eq(key, bytes_str("after")))
			ok = read_serial(r, t->after);
		else if (bytes_eq(key, bytes_str("to")))
			ok = read_serial(r, t->to);
		else if (bytes_eq(key, bytes_str("below")))
			t->below = (uint64_t)json_get_int(r);
		else if (bytes_eq(key, bytes_str("certs_before")))
			t->certs_before_s = json_get_int(r);
		else if (bytes_eq(key, bytes_str("revoked_before")))
			t->revoked_before_s = json_get_int(r);
		else
			ok = false;
	return ok && !r->failed;
}

bool
tidy_page_read(struct bytes value, struct store_tidy *t, bool *there)
{
	struct json_reader r;
	struct bytes key;

	*there = false;
	json_read(&r, value);
	json_enter_object(&r);
	while (json_next_key(&r, &key)) {
		if (!bytes_eq(key, bytes_str("page"))) {
			(void)json_get_value(&r);
			continue;
		}
		*there = true;
		if (!read_page(&r, t))
			return false;
	}
	return json_done(&r);
}
