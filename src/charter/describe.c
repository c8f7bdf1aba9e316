/* SPDX-License-Identifier: Apache-2.0 */
/* Charters and their rules for people: terminals, reports, documentation. */
#include "internal.h"

static void
add_duration(struct buf *out, int64_t s)
{
	if (s % 86400 == 0)
		buf_addf(out, "%lldd", (long long)(s / 86400));
	else if (s % 3600 == 0)
		buf_addf(out, "%lldh", (long long)(s / 3600));
	else if (s % 60 == 0)
		buf_addf(out, "%lldm", (long long)(s / 60));
	else
		buf_addf(out, "%llds", (long long)s);
}

static void
add_texts(struct buf *out, const struct yaml_texts *t)
{
	if (t->n == 0)
		buf_add_str(out, "none");
	for (size_t i = 0; i < t->n; i++)
		buf_addf(out, "%s%s", i > 0 ? "; " : "", t->v[i]);
}

/* Whether a value says more than its absence would: zero lives and quotas do
 * not. */
static bool
is_said(const struct yaml_field *f, const void *at)
{
	if (f->type == YAML_DURATION)
		return *(const int64_t *)at != 0;
	if (f->type == YAML_UINT && f->min > 0)
		return *(const uint64_t *)at != 0;
	return f->type != YAML_BOOL || *(const bool *)at;
}

static void
add_value(struct buf *out, const struct yaml_field *f, const void *at)
{
	switch (f->type) {
	case YAML_TEXT:
		buf_add_str(out, *(char *const *)at);
		break;
	case YAML_UINT:
	case YAML_SIZE:
		buf_addf(out, "%llu",
		    (unsigned long long)*(const uint64_t *)at);
		break;
	case YAML_DURATION:
	case YAML_TIME:
		add_duration(out, *(const int64_t *)at);
		break;
	case YAML_BOOL:
		buf_add_str(out, *(const bool *)at ? "yes" : "no");
		break;
	case YAML_ENUM:
		buf_add_str(out, f->names[*(const int *)at]);
		break;
	case YAML_TEXT_LIST:
		add_texts(out, at);
		break;
	case YAML_SECTION:
	case YAML_SECTION_LIST:
	case YAML_SECTION_MAP:
		break;
	}
}

static void
describe_quorum(const struct charter *c, struct buf *out)
{
	for (unsigned k = 0; k < KIND__COUNT; k++) {
		auto_buf struct buf name = { 0 };

		if (c->l.quorum[k].m == 0)
			continue;
		buf_addf(&name,
		    "quorum.%s:", charter_kind_name((enum charter_kind)k));
		buf_addf(out, "%-22s %llu of the custodians %s\n",
		    buf_cstr(&name), (unsigned long long)c->l.quorum[k].m,
		    c->l.quorum[k].custodians);
	}
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
describe_fields(const struct charter *c, const struct yaml_field *fields,
    const void *base, const char *section, struct buf *out)
{
	for (const struct yaml_field *f = fields; f->key != NULL; f++) {
		const void *at = (const char *)base + f->offset;
		auto_buf struct buf name = { 0 };

		if (at == (const void *)c->l.quorum) {
			describe_quorum(c, out);
			continue;
		}
		if (f->type == YAML_SECTION) {
			describe_fields(c, f->fields, at, f->key, out);
			continue;
		}
		if (!is_said(f, at))
			continue;
		buf_addf(&name, "%s%s%s:", section, *section ? "." : "",
		    f->key);
		buf_addf(out, "%-22s ", buf_cstr(&name));
		add_value(out, f, at);
		buf_add_byte(out, '\n');
	}
}

void
charter_describe(const struct charter *c, struct buf *out)
{
	if (c->l.open) {
		buf_add_str(out,
		    "OPEN CHARTER: NO LIMITS. This key signs "
		    "whatever it is asked to sign.\n");
		return;
	}
	describe_fields(c, limits_schema, &c->l, "", out);
}

void
charter_document_yaml(struct buf *out)
{
	yaml_document(limits_schema, out);
}

const struct yaml_field *
charter_schema(void)
{
	return limits_schema;
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
markdown_fields(const struct yaml_field *fields, const char *section,
    struct buf *out)
{
	static const char *const types[] = {
		[YAML_TEXT] = "text",
		[YAML_UINT] = "number",
		[YAML_BOOL] = "true, false",
		[YAML_DURATION] = "duration",
		[YAML_SIZE] = "size",
		[YAML_TIME] = "time",
		[YAML_ENUM] = "",
		[YAML_TEXT_LIST] = "list",
		[YAML_SECTION] = "section",
		[YAML_SECTION_LIST] = "list of sections",
		[YAML_SECTION_MAP] = "named sections",
	};

	for (const struct yaml_field *f = fields; f->key != NULL; f++) {
		auto_buf struct buf name = { 0 };

		buf_addf(&name, "%s%s%s", section, *section ? "." : "", f->key);
		buf_addf(out, "| `%s` | %s", buf_cstr(&name), types[f->type]);
		for (size_t i = 0; f->names != NULL && f->names[i] != NULL; i++)
			buf_addf(out, "%s%s", i > 0 ? ", " : "", f->names[i]);
		buf_addf(out, " | %s | %s |\n", f->dflt != NULL ? f->dflt : "",
		    f->about != NULL ? f->about : "");
		if (f->type == YAML_SECTION)
			markdown_fields(f->fields, buf_cstr(&name), out);
	}
}

void
charter_document_markdown(struct buf *out)
{
	buf_add_str(out,
	    "| field | type | default | meaning |\n"
	    "|---|---|---|---|\n");
	markdown_fields(limits_schema, "", out);
	buf_add_str(out, "\n| rule | reads | what it holds |\n|---|---|---|\n");
	for (size_t i = 0; i < charter_rules_count; i++)
		buf_addf(out, "| `%s` | %s | %s |\n", charter_rules[i].name,
		    charter_rules[i].field != NULL ? charter_rules[i].field
						   : "",
		    charter_rules[i].about);
}
