/* SPDX-License-Identifier: Apache-2.0 */

/* What another place has under the name of a list that is to be published. First octet: form
 * and size of the pieces; two octets: length of our list; our list; theirs. In pieces it is what
 * it is in one, and our own octets are the same as ours. */
#include <chancery/base/cleanup.h>

#include "../../src/publisher/object.h"

struct verdict {
	bool ok;
	enum there there;
};

static struct verdict
judged(struct object *ours, struct bytes theirs, size_t piece)
{
	auto_look struct look *l = look_new(ours);
	struct verdict v = { 0 };
	struct facts facts;
	struct error e;

	for (size_t at = 0, n; at < theirs.n; at += n) {
		n = theirs.n - at < piece ? theirs.n - at : piece;
		if (!look_add(l, bytes_of(theirs.p + at, n)))
			break;
	}
	v.ok = look_end(l, &v.there, &facts, &e);
	return v;
}

static void
read_whole(struct object *ours, size_t piece, struct buf *out)
{
	auto_mem uint8_t *p = mem_alloc(piece);
	bool ok;
	size_t n;

	object_rewind(ours);
	while ((n = object_read(ours, p, piece, &ok)) > 0)
		buf_add(out, p, n);
	if (!ok)
		fatal("octets in memory cannot be read");
}

/* What we put there is what we see there. */
static void
find_again(struct object *ours, size_t piece)
{
	auto_buf struct buf own = { 0 };
	struct verdict v;

	read_whole(ours, piece, &own);
	v = judged(ours, buf_bytes(&own), piece + 1);
	if (!v.ok || v.there != THERE_SAME)
		fatal("our own octets are others");
	if (own.n == 0)
		return;
	own.n--;
	v = judged(ours, buf_bytes(&own), piece);
	if (v.ok && v.there == THERE_SAME)
		fatal("a part of ours is the same");
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t point[65] = { 4 };
	struct object ours = { .name = "list", .fd = -1 };
	struct verdict a, b;
	struct bytes theirs;
	size_t piece, own;

	if (n < 3)
		return 0;
	piece = 1 + (p[0] & 0x7fU);
	own = (size_t)p[1] << 8 | p[2];
	own = own < n - 3 ? own : n - 3;
	ours.form = (p[0] & 0x80) != 0 ? JOB_FORM_LIST_PEM : JOB_FORM_LIST;
	/* No seed is of this key. */
	ours.issuer.tbs.key = (struct spki){ .type = { KEY_EC_P256, 0 },
		.point = { point, sizeof(point) } };
	buf_add(&ours.memory, p + 3, own);
	ours.file_n = own;
	theirs = bytes_of(p + 3 + own, n - 3 - own);
	a = judged(&ours, theirs, theirs.n + 1);
	b = judged(&ours, theirs, piece);
	if (a.ok != b.ok || (a.ok && a.there != b.there))
		fatal("in pieces it is another one");
	if (a.ok && (a.there == THERE_OLDER || a.there == THERE_NEWER))
		fatal("a list that nobody signed was judged");
	find_again(&ours, piece);
	object_close(&ours);
	return 0;
}
