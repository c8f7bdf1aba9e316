/* SPDX-License-Identifier: Apache-2.0 */
#include "man.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>

#include "cli.h"

static const struct {
	enum fail why;
	const char *about;
} exits[] = {
	{ FAIL_USAGE, "wrong arguments of a command" },
	{ FAIL_BAD_INPUT, "a file that does not parse or check" },
	{ FAIL_REFUSED,
	    "well-formed, but a charter, profile or policy says no" },
	{ FAIL_QUORUM, "approvals are missing" },
	{ FAIL_NOT_FOUND, "a key, token, file or record that is not there" },
	{ FAIL_EXISTS, "something would be overwritten, or is ambiguous" },
	{ FAIL_PERMISSION, "the operating system or the token forbids it" },
	{ FAIL_BUSY, "another process holds the register" },
	{ FAIL_PIN, "the PIN was refused; it is not tried again" },
	{ FAIL_HSM_GONE, "token, session or module lost" },
	{ FAIL_HSM_KEY, "this one key does not work" },
	{ FAIL_HSM, "another PKCS#11 failure" },
	{ FAIL_TIMEOUT, "a deadline passed" },
	{ FAIL_IO, "reading, writing or syncing failed" },
	{ FAIL_DISK_FULL, "no space left or reserved" },
	{ FAIL_CORRUPT, "the register or a state file is damaged" },
	{ FAIL_ROLLBACK, "the register is behind an anchor, or forked" },
	{ FAIL_CLOCK, "the clock is behind, or has drifted" },
	{ FAIL_CRYPTO, "a signature that does not verify, or libcrypto" },
	{ FAIL_UNSUPPORTED, "valid, but not something Chancery does" },
	{ FAIL_ABORTED, "a person said no" },
	{ FAIL_INTERNAL, "a fault of Chancery itself" },
};
/* FAIL_NONE has no row. */
_Static_assert(countof(exits) == FAIL__COUNT - 1, "one row per enum fail");

/* ---- commands ----------------------------------------------------------------- */

static void
man_command(const struct command *cmd, bool whole, struct buf *out)
{
	auto_mem char *about = mem_printf("%c%s.",
	    toupper((unsigned char)cmd->about[0]), cmd->about + 1);

	buf_addf(out, ".It Nm Cm %s", cmd->words);
	if (*cmd->usage != '\0')
		buf_addf(out, " Ar %s", cmd->usage);
	buf_add_byte(out, '\n');
	man_sentences(about, out);
	if (!whole)
		return;
	if (cmd->more != NULL)
		man_sentences(cmd->more, out);
	man_flags(cmd->flags, out);
}

static void
man_exits(struct buf *out)
{
	buf_add_str(out,
	    ".Sh EXIT STATUS\n.Bl -tag -width Ds\n.It 0\n"
	    "The command did what it says.\n");
	for (size_t i = 0; i < countof(exits); i++) {
		buf_addf(out, ".It %d Pq %s\n", fail_exit(exits[i].why),
		    fail_name(exits[i].why));
		buf_addf(out, "%c", toupper((unsigned char)exits[i].about[0]));
		man_text(exits[i].about + 1, out);
		buf_add_str(out, ".\n");
	}
	buf_add_str(out, ".El\n");
}

static const char head[] =
    ".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar flags\n.Op Ar arguments\n"
    ".Sh DESCRIPTION\n"
    ".Nm\nruns root ceremonies, signs certificate requests and revocation\n"
    "lists with keys in a PKCS#11 token, and verifies the register in which\n"
    "every signature stands before it exists.\n"
    "A value follows its flag as the next argument or after an equals sign.\n"
    "A file name of a single dash means standard input.\n"
    "No command overwrites a file unless it is told so, but\n.Cm renew "
    ",\nwhich changes the files that its configuration names.\n"
    "Text that comes from outside is printed with control characters\n"
    "escaped.\n"
    ".Pp\nFlags of every command:\n";

static const char man_places[] =
    ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev CHANCERY_HOME\n"
    "The home directory when\n.Fl \\-home\nis not given.\n"
    ".It Ev CREDENTIALS_DIRECTORY\nWhere sources of PINs, passwords and tokens "
    "of the form\n"
    ".Ql credential:NAME\nare read.\n.El\n"
    ".Sh FILES\n.Bl -tag -width Ds\n.It Pa chancery.yaml\n"
    "In the home directory: module, tokens, PIN sources, register.\n.El\n";

static const char tail[] =
    ".Sh STANDARDS\nRFC 5280, RFC 2986, RFC 6962, RFC 7512, PKCS #11 v2.40.\n";

#define GROUPS_MAX 32

static int
by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* In the order that mandoc wants: by section, then by name. */
static void
see_also(const char *self, struct buf *out)
{
	const char *page[GROUPS_MAX];
	size_t n = 0;

	for (; n < command_groups_n && n < GROUPS_MAX; n++)
		page[n] = command_groups[n].page;
	qsort(page, n, sizeof(page[0]), by_name);
	buf_add_str(out, ".Sh SEE ALSO\n");
	if (strcmp(self, "chancery") != 0)
		buf_add_str(out, ".Xr chancery 1 ,\n");
	for (size_t i = 0; i < n; i++) {
		auto_mem char *name = mem_printf("chancery-%s", page[i]);

		if (strcmp(self, name) != 0)
			buf_addf(out, ".Xr %s 1 ,\n", name);
	}
	for (const struct man_file *f = man_files; f->name != NULL; f++)
		buf_addf(out, ".Xr %s 5 ,\n", f->name);
	buf_add_str(out, ".Xr chanceryd 8\n");
}

void
man_chancery(struct buf *out)
{
	man_head("chancery", "1",
	    "hold CA keys in an HSM, sign, revoke, and prove every signature",
	    out);
	buf_add_str(out, head);
	man_flags(global_flags, out);
	for (size_t g = 0; g < command_groups_n; g++) {
		buf_addf(out,
		    ".Ss %s\n"
		    "In full in\n"
		    ".Xr chancery-%s 1 .\n"
		    ".Bl -tag -width Ds\n",
		    command_groups[g].title, command_groups[g].page);
		for (size_t i = 0; i < *command_groups[g].n; i++)
			man_command(&command_groups[g].v[i], false, out);
		buf_add_str(out, ".El\n");
	}
	buf_add_str(out, man_places);
	man_exits(out);
	see_also("chancery", out);
	buf_add_str(out, tail);
}

static void
man_group(const struct command_group *g, const char *name, struct buf *out)
{
	auto_mem char *about = mem_printf("commands of chancery: %c%s",
	    tolower((unsigned char)g->title[0]), g->title + 1);

	man_head(name, "1", about, out);
	buf_add_str(out,
	    ".Sh SYNOPSIS\n.Nm chancery\n.Ar command\n"
	    ".Op Ar flags\n.Op Ar arguments\n"
	    ".Sh DESCRIPTION\nFlags of every command, the environment and exit "
	    "codes are in\n.Xr chancery 1 .\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < *g->n; i++)
		man_command(&g->v[i], true, out);
	buf_add_str(out, ".El\n");
	see_also(name, out);
}

/* ---- all of them ---------------------------------------------------------------- */

static bool
put(struct cli *c, const char *dir, const char *name, const char *section,
    const struct buf *page, struct error *e)
{
	auto_mem char *file = mem_printf("%s.%s", name, section);
	auto_mem char *path = path_join(dir, file);
	struct doc *row = doc_row(c->doc, "pages", "manual pages");

	doc_text(row, "file", "file", file);
	return file_create(path, buf_bytes(page), 0644, e);
}

bool
man_pages(struct cli *c, const char *dir, struct error *e)
{
	auto_buf struct buf b = { 0 };

	man_chancery(&b);
	if (!put(c, dir, "chancery", "1", &b, e))
		return false;
	for (size_t g = 0; g < command_groups_n; g++) {
		auto_mem char *name =
		    mem_printf("chancery-%s", command_groups[g].page);

		buf_reset(&b);
		man_group(&command_groups[g], name, &b);
		if (!put(c, dir, name, "1", &b, e))
			return false;
	}
	for (const struct man_file *f = man_files; f->name != NULL; f++) {
		if (f->write == NULL)
			continue;
		buf_reset(&b);
		f->write(&b);
		if (!put(c, dir, f->name, "5", &b, e))
			return false;
	}
	return true;
}
