/* SPDX-License-Identifier: Apache-2.0 */

/* The document of a tidy: the page that is taken, written as the service writes it, is the same
 * page; one that is not taken has no effect that could be told. */
#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>

#include "../../src/store/tidy_page.h"

static void
add_serial(struct buf *out, const char *name,
    const uint8_t serial[LIMIT_SERIAL_BYTES])
{
	char hex[2 * LIMIT_SERIAL_BYTES + 1];

	hex_encode(bytes_of(serial, LIMIT_SERIAL_BYTES), hex);
	buf_addf(out, "\"%s\":\"%s\"", name, hex);
}

static void
write_page(const struct store_tidy *t, struct buf *out)
{
	buf_add_str(out, "{\"page\":{");
	add_serial(out, "after", t->after);
	buf_addf(out, ",\"below\":%jd,\"certs_before\":%jd,",
	    (intmax_t)t->below, (intmax_t)t->certs_before_s);
	buf_addf(out, "\"revoked_before\":%jd,", (intmax_t)t->revoked_before_s);
	add_serial(out, "to", t->to);
	buf_add_str(out, "}}");
}

static bool
same(const struct store_tidy *a, const struct store_tidy *b)
{
	return memcmp(a->after, b->after, sizeof(a->after)) == 0 &&
	    memcmp(a->to, b->to, sizeof(a->to)) == 0 && a->below == b->below &&
	    a->certs_before_s == b->certs_before_s &&
	    a->revoked_before_s == b->revoked_before_s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_buf struct buf out = { 0 };
	struct store_tidy t, again;
	bool there;

	if (!tidy_page_read(bytes_of(p, n), &t, &there) || !there)
		return 0;
	write_page(&t, &out);
	if (!tidy_page_read(buf_bytes(&out), &again, &there) || !there ||
	    !same(&t, &again))
		fatal("a page that was taken is another one when written");
	return 0;
}
