/* SPDX-License-Identifier: Apache-2.0 */
/* Section 5: what the schemas and the table of records say. */
#include <chancery/base/cleanup.h>
#include <chancery/ceremony/plan.h>
#include <chancery/charter/charter.h>
#include <chancery/config/service.h>
#include <chancery/register/record.h>

#include "man.h"
#include "renew.h"

static void man_fields(const struct yaml_field *fields, const char *above,
    struct buf *out);

/* "server.tls.names"; a list's rows are "people[].name", a map's "tokens.NAME.uri". */
static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
man_field(const struct yaml_field *f, const char *above, struct buf *out)
{
	static const char *const inside[] = {
		[YAML_SECTION] = ".",
		[YAML_SECTION_LIST] = "[].",
		[YAML_SECTION_MAP] = ".NAME.",
	};
	auto_mem char *name = mem_printf("%s%s", above, f->key);
	auto_buf struct buf text = { 0 };

	/* The row's own key in a map. */
	if (*f->key == '\0')
		return;
	buf_addf(out, ".It Ic %s\n", name);
	yaml_field_describe(f, &text);
	man_sentences(buf_cstr(&text), out);
	if (f->dflt != NULL) {
		buf_addf(out, "%s:\n.Ql ",
		    f->required ? "For example" : "Default");
		man_text(f->dflt, out);
		buf_add_str(out, " .\n");
	}
	if (f->fields != NULL) {
		auto_mem char *below =
		    mem_printf("%s%s", name, inside[f->type]);

		man_fields(f->fields, below, out);
	}
}

static void
/* NOLINTNEXTLINE(misc-no-recursion): schema depth */
man_fields(const struct yaml_field *fields, const char *above, struct buf *out)
{
	for (; fields->key != NULL; fields++)
		man_field(fields, above, out);
}

static void
man_schema(const struct yaml_field *fields, struct buf *out)
{
	buf_add_str(out, ".Bl -tag -width Ds\n");
	man_fields(fields, "", out);
	buf_add_str(out, ".El\n");
}

static const char strict[] =
    "It is strict YAML: an unknown, missing or duplicate key is a mistake,\n"
    "told with file, line and column.\n"
    "There are no anchors, aliases, tags or merge keys.\n"
    "Durations have a unit, as in\n.Ql 90d\nor\n.Ql 1h30m .\n";

static void
write_config(struct buf *out)
{
	man_head("chancery.yaml", "5", "configuration of a Chancery home", out);
	buf_addf(out,
	    ".Sh DESCRIPTION\n"
	    "In the home directory of\n.Xr chanceryd 8\nand\n"
	    ".Xr chancery 1 .\n%s"
	    "Relative paths start at the home.\n.Pp\n"
	    ".Cm chancery config check\ntells every mistake at once,\n"
	    ".Cm chancery config show\nthe settings in force.\n"
	    "Signal HUP makes the service read it again.\n"
	    ".Sh KEYS\n",
	    strict);
	man_schema(service_schema, out);
	buf_add_str(out,
	    ".Sh SEE ALSO\n.Xr chancery-config 1 ,\n.Xr chanceryd 8\n");
}

static void
write_plan(struct buf *out)
{
	man_head("chancery-plan", "5", "plan of a root ceremony", out);
	buf_addf(out,
	    ".Sh DESCRIPTION\nWhat\n.Cm chancery ceremony run\n"
	    "does, and who "
	    "is there.\n%s"
	    "Relative paths start at the plan's directory.\n.Sh KEYS\n",
	    strict);
	man_schema(plan_schema, out);
	buf_add_str(out,
	    ".Sh SEE ALSO\n.Xr chancery-ceremony 1 ,\n"
	    ".Xr chancery-charter 5\n");
}

static void
write_charter(struct buf *out)
{
	man_head("chancery-charter", "5", "what a key may ever sign", out);
	buf_addf(out,
	    ".Sh DESCRIPTION\nThe limits of one key, which the signer holds "
	    "against the bytes that it\nis asked to sign.\n%s"
	    "What a charter does not allow is refused with the name of the "
	    "rule.\n.Sh KEYS\n",
	    strict);
	man_schema(charter_schema(), out);
	buf_add_str(out,
	    ".Sh SEE ALSO\n.Xr chancery-key 1 ,\n.Xr chancery.yaml 5\n");
}

/* ---- the register ------------------------------------------------------------------ */

static const char files[] =
    ".Sh FILES\n.Bl -tag -width Ds\n"
    ".It Pa log/NNNNNN.jsonl\n"
    "Segments, one line of canonical JSON a record; the heart of it all.\n"
    ".It Pa private/NNNNNN.jsonl\n"
    "Bodies that only their salted hash stands for in a record.\n"
    ".It Pa snapshot/\n"
    "The state at the end of a segment; its hash is a record.\n"
    ".It Pa tree/\n"
    "Hash tiles of the RFC 6962 tree over the lines; derived.\n"
    ".It Pa checkpoint\n"
    "The newest signed checkpoint (C2SP), and\n.Pa checkpoints/\n"
    "earlier ones by size.\n"
    ".It Pa lock\n"
    "Held by the one writer.\n.El\n";

static void
man_record(enum record_type type, struct buf *out)
{
	static const char *const kinds[] = {
		[FIELD_INT] = "integer",
		[FIELD_BOOL] = "true or false",
		[FIELD_TEXT] = "text",
		[FIELD_HEX] = "hex",
		[FIELD_HASH] = "SHA-256 in hex",
		[FIELD_BASE64] = "base64",
		[FIELD_TIME] = "RFC 3339",
		[FIELD_JSON] = "JSON",
	};
	const struct record_spec *s = record_spec(type);

	buf_add_str(out, ".It ");
	man_text(s->name, out);
	buf_add_byte(out, '\n');
	man_sentences(s->about, out);
	if (s->private_body)
		buf_add_str(out, "It may have a private body.\n");
	buf_add_str(out, ".Bl -tag -width invalidity -compact\n");
	for (const struct record_field *f = s->field;
	     f < s->field + RECORD_FIELDS_MAX && f->name != NULL; f++)
		buf_addf(out, ".It Ic %s\n%s%s\n", f->name, kinds[f->kind],
		    f->required ? "" : ", optional");
	buf_add_str(out, ".El\n");
}

static void
write_register(struct buf *out)
{
	man_head("chancery-register", "5",
	    "the log of everything that a key signed", out);
	buf_add_str(out,
	    ".Sh DESCRIPTION\n"
	    "An append\\-only directory with one writer.\n"
	    "A line is\n.Ql {body, n, prev, t, type, v}\nand\n.Ql priv\n"
	    "where a private body exists; \n.Ic prev\n"
	    "is the RFC 6962 leaf hash of the line before.\n"
	    "Keys are named by the SHA\\-256 of their public half, records by "
	    "their\n"
	    "number.\n"
	    ".Cm chancery register verify\n"
	    "checks all of it; how to do so without Chancery stands in "
	    "docs/auditor.md.\n");
	buf_add_str(out, files);
	buf_add_str(out, ".Sh RECORDS\n.Bl -tag -width Ds\n");
	for (int t = 0; t < REC_TYPE__COUNT; t++)
		man_record((enum record_type)t, out);
	buf_add_str(out,
	    ".El\n.Sh SEE ALSO\n.Xr chancery-register 1 ,\n"
	    ".Xr chancery-backup 5\n"
	    ".Sh STANDARDS\nRFC 6962, RFC 8785, C2SP tlog-checkpoint.\n");
}

static void
write_renew(struct buf *out)
{
	man_head("chancery-renew.yaml", "5",
	    "what chancery renew keeps fresh, and how", out);
	buf_addf(out,
	    ".Sh DESCRIPTION\n"
	    "The argument of\n.Cm chancery renew ;\n"
	    "see\n.Xr chancery-renew 1 .\n"
	    "Under systemd the unit\n.Cm chancery-renew@NAME.timer\n"
	    "reads\n.Pa /etc/chancery/renew/NAME.yaml .\n%s.Sh KEYS\n",
	    strict);
	man_schema(renew_schema, out);
	buf_add_str(out,
	    ".Sh SEE ALSO\n.Xr chancery 1 ,\n.Xr chancery-renew 1\n");
}

const struct man_file man_files[] = {
	{ "chancery-backup", NULL }, /* in docs/man */
	{ "chancery-charter", write_charter },
	{ "chancery-plan", write_plan },
	{ "chancery-register", write_register },
	{ "chancery-renew.yaml", write_renew },
	{ "chancery.yaml", write_config },
	{ NULL, NULL },
};
