/* SPDX-License-Identifier: Apache-2.0 */
/* Charters as people write them. */
#include <stdarg.h>
#include <stdio.h>

#include "build.h"

struct report {
	const struct yaml_doc *doc;
	struct buf *out; /* may be NULL */
	struct error *e;
	bool failed;
};

static void tell(const struct blame *b, const void *field, const char *fmt, ...)
    printf_like(3, 4);

static void
tell(const struct blame *b, const void *field, const char *fmt, ...)
{
	struct report *r = b->arg;
	char text[ERROR_MSG_SIZE];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!r->failed)
		(void)error_set(r->e, FAIL_BAD_INPUT, "%s: %s",
		    yaml_where(r->doc, field), text);
	if (r->out != NULL)
		buf_addf(r->out, "%s: %s\n", yaml_where(r->doc, field), text);
	r->failed = true;
}

/* Open stands alone: a limit beside it would look as if it held. */
static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
refuse_given(const struct blame *b, const struct yaml_field *fields,
    const char *base, const void *open)
{
	const struct report *r = b->arg;

	for (const struct yaml_field *f = fields; f->key != NULL; f++) {
		const void *at = base + f->offset;

		if (f->type == YAML_SECTION)
			refuse_given(b, f->fields, at, open);
		else if (at != open && yaml_given(r->doc, at))
			tell(b, at, "%s: an open charter has no other limit",
			    f->key);
	}
}

struct charter *
charter_parse_yaml(struct bytes text, const char *file, struct buf *report,
    struct error *e)
{
	struct limits l;
	auto_yaml_doc struct yaml_doc *doc =
	    yaml_bind(text, file, limits_schema, &l, sizeof(l), report, e);
	struct report r = { doc, report, e, false };
	struct blame b = { tell, &r };

	if (doc == NULL)
		return NULL;
	if (l.open)
		refuse_given(&b, limits_schema, (const char *)&l, &l.open);
	limits_check(&l, &b);
	return r.failed ? NULL : charter_build(&l);
}
