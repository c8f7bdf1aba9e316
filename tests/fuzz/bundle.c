/* SPDX-License-Identifier: Apache-2.0 */

/* Bundles of registers: what is taken is written again as the same octets, and no part has a
 * name that leads out of its folder. */
#include <chancery/base/cleanup.h>
#include <chancery/register/bundle.h>

struct again {
	struct buf out;
	unsigned parts;
};

static bool
each(void *arg, const struct bundle_part *p, unused_arg struct error *e)
{
	struct again *a = arg;

	if (strstr(p->name, "..") != NULL && strstr(p->name, "/.") != NULL)
		fatal("a part leads elsewhere: %s", p->name);
	if (strcmp(p->name, "checkpoint") != 0 &&
	    strncmp(p->name, "log/", 4) != 0 &&
	    strncmp(p->name, "kit/", 4) != 0)
		fatal("a part of no kind: %s", p->name);
	buf_addf(&a->out, "%s %zu\n", p->name, p->data.n);
	buf_add_bytes(&a->out, p->data);
	buf_add_byte(&a->out, '\n');
	a->parts++;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct again a = { 0 };
	struct checkpoint c;
	struct error e;

	buf_add_str(&a.out, "chancery register bundle 1\n");
	if (bundle_read(bytes_of(p, n), each, &a, &e)) {
		buf_addf(&a.out, "end %u\n", a.parts);
		if (!bytes_eq(bytes_of(p, n), buf_bytes(&a.out)))
			fatal("a bundle that was taken is not written again");
	}
	(void)!bundle_checkpoint(bytes_of(p, n), &c, &e);
	buf_free(&a.out);
	return 0;
}
