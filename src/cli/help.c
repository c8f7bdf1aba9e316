/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include <chancery/base/cleanup.h>

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

static void
flag_text(const struct flag *f, struct buf *out)
{
	buf_addf(out, "--%s", f->name);
	if (f->arg != NULL)
		buf_addf(out, " %s", f->arg);
}

void
help_usage_line(const struct command *cmd, struct buf *out)
{
	const struct flag *f;

	buf_addf(out, "usage: chancery %s", cmd->words);
	if (cmd->home)
		buf_add_str(out, " [--home DIR]");
	for (f = cmd->flags; f != NULL && f->name != NULL; f++) {
		buf_add_str(out, f->required ? " " : " [");
		flag_text(f, out);
		if (!f->required)
			buf_add_str(out, "]");
		if (f->repeat)
			buf_add_str(out, "...");
	}
	if (*cmd->usage != '\0')
		buf_addf(out, " %s", cmd->usage);
	buf_add_byte(out, '\n');
}

static void
flag_list(const struct flag *f, struct buf *out)
{
	for (; f != NULL && f->name != NULL; f++) {
		auto_buf struct buf b = { 0 };

		flag_text(f, &b);
		buf_addf(out, "  %-26s %s\n", buf_cstr(&b), f->about);
	}
}

void
help_command(const struct command *cmd, struct buf *out)
{
	help_usage_line(cmd, out);
	buf_addf(out, "\n%c%s.\n", toupper((unsigned char)cmd->about[0]),
	    cmd->about + 1);
	if (cmd->more != NULL)
		buf_addf(out, "%s\n", cmd->more);
	if (cmd->flags != NULL && cmd->flags->name != NULL)
		buf_add_str(out, "\nFlags:\n");
	flag_list(cmd->flags, out);
	buf_add_str(out, "\nFlags of every command:\n");
	flag_list(global_flags, out);
}

void
help_all(struct buf *out)
{
	buf_add_str(out, "usage: chancery COMMAND [flags] [arguments]\n");
	for (size_t g = 0; g < command_groups_n; g++) {
		buf_addf(out, "\n%s:\n", command_groups[g].title);
		for (size_t i = 0; i < *command_groups[g].n; i++)
			buf_addf(out, "  %-22s %s\n",
			    command_groups[g].v[i].words,
			    command_groups[g].v[i].about);
	}
	buf_add_str(out,
	    "\n\"chancery help COMMAND\" tells more. "
	    "Exit codes are in chancery(1).\n");
}

/* ---- mdoc(7) ------------------------------------------------------------- */

/* Text for a macro's argument or a text line: no line may start with a control
 * character, a backslash is an escape, a quote ends an argument. */
static void
man_text(const char *s, struct buf *out)
{
	for (size_t i = 0; s[i] != '\0'; i++) {
		if (s[i] == '\\')
			buf_add_str(out, "\\e");
		else if (s[i] == '"')
			buf_add_str(out, "\\(dq");
		else if (s[i] == '-')
			buf_add_str(out, "\\-");
		else if (i == 0 && (s[i] == '.' || s[i] == '\''))
			buf_addf(out, "\\&%c", s[i]);
		else
			buf_add_byte(out, (uint8_t)s[i]);
	}
}

#define MAN_COLUMNS 72

/* Words to lines of at most MAN_COLUMNS; each sentence begins a new one. */
static void
man_sentences(const char *s, struct buf *out)
{
	size_t column = 0;

	while (*s != '\0') {
		size_t n = strcspn(s, " ");
		auto_mem char *word = mem_dup(s, n + 1);

		word[n] = '\0';
		if (column > 0 && column + n + 1 > MAN_COLUMNS) {
			buf_add_byte(out, '\n');
			column = 0;
		}
		if (column > 0)
			buf_add_byte(out, ' ');
		man_text(word, out);
		column += n + 1;
		s += n + (s[n] == ' ');
		if (n > 0 && word[n - 1] == '.' && *s != '\0') {
			buf_add_byte(out, '\n');
			column = 0;
		}
	}
	buf_add_byte(out, '\n');
}

static void
man_flags(const struct flag *f, struct buf *out)
{
	if (f == NULL || f->name == NULL)
		return;
	buf_add_str(out, ".Bl -tag -width Ds\n");
	for (; f->name != NULL; f++) {
		buf_addf(out, ".It Fl \\-%s", f->name);
		if (f->arg != NULL)
			buf_addf(out, " Ar %s", f->arg);
		buf_add_byte(out, '\n');
		man_sentences(f->about, out);
		if (f->required)
			buf_add_str(out, "(required)\n");
		if (f->repeat)
			buf_add_str(out, "(may be repeated)\n");
	}
	buf_add_str(out, ".El\n");
}

static void
man_command(const struct command *cmd, struct buf *out)
{
	auto_mem char *about = mem_printf("%c%s.",
	    toupper((unsigned char)cmd->about[0]), cmd->about + 1);

	buf_addf(out, ".It Nm Cm %s", cmd->words);
	if (*cmd->usage != '\0')
		buf_addf(out, " Ar %s", cmd->usage);
	buf_add_byte(out, '\n');
	man_sentences(about, out);
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

static const char man_head[] =
    ".\\\" Made from the command table: chancery help --man\n"
    ".Dd November 22, 2026\n.Dt CHANCERY 1\n.Os\n"
    ".Sh NAME\n.Nm chancery\n"
    /* The macro for the one-line description. */
    ".N"
    "d hold CA keys in an HSM, sign, revoke, and prove every signature\n"
    ".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar flags\n.Op Ar arguments\n"
    ".Sh DESCRIPTION\n"
    ".Nm\nruns root ceremonies, signs certificate requests and revocation\n"
    "lists with keys in a PKCS#11 token, and verifies the register in which\n"
    "every signature stands before it exists.\n"
    "A value follows its flag as the next argument or after an equals sign.\n"
    "A file name of a single dash means standard input.\n"
    "No command overwrites a file.\n"
    "Text that comes from outside is printed with control characters\n"
    "escaped.\n"
    ".Pp\nFlags of every command:\n";

static const char man_places[] =
    ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev CHANCERY_HOME\n"
    "The home directory when\n.Fl \\-home\nis not given.\n"
    ".It Ev CREDENTIALS_DIRECTORY\nWhere PIN sources of the form\n"
    ".Ql credential:NAME\nare read.\n.El\n"
    ".Sh FILES\n.Bl -tag -width Ds\n.It Pa chancery.yaml\n"
    "In the home directory: module, tokens, PIN sources, register.\n.El\n";

static const char man_tail[] =
    ".Sh STANDARDS\nRFC 5280, RFC 2986, RFC 6962, RFC 7512, PKCS #11 v2.40.\n";

void
help_man(struct buf *out)
{
	buf_add_str(out, man_head);
	man_flags(global_flags, out);
	for (size_t g = 0; g < command_groups_n; g++) {
		buf_addf(out, ".Ss %s\n.Bl -tag -width Ds\n",
		    command_groups[g].title);
		for (size_t i = 0; i < *command_groups[g].n; i++)
			man_command(&command_groups[g].v[i], out);
		buf_add_str(out, ".El\n");
	}
	buf_add_str(out, man_places);
	man_exits(out);
	buf_add_str(out, man_tail);
}

/* ---- commands ------------------------------------------------------------ */

static bool
run_help(struct cli *c, struct error *e)
{
	auto_buf struct buf b = { 0 };
	int words = 0;
	char *argv[CLI_ARGS_MAX] = { 0 };

	c->quiet = true;
	if (cli_has(c, "man")) {
		help_man(&b);
	} else if (c->args == 0) {
		help_all(&b);
	} else {
		const struct command *cmd;

		for (size_t i = 0; i < c->args; i++)
			argv[i] = mem_strdup(c->arg[i]);
		cmd = command_find((int)c->args, argv, &words);
		for (size_t i = 0; i < c->args; i++)
			mem_free(argv[i]);
		if (cmd == NULL || (size_t)words != c->args)
			return error_set(e, FAIL_USAGE, "no such command: %s",
			    c->arg[0]);
		help_command(cmd, &b);
	}
	out_bytes(buf_bytes(&b));
	return true;
}

static bool
run_version(struct cli *c, unused_arg struct error *e)
{
	doc_text(c->doc, "version", "chancery", CHANCERY_VERSION);
	return true;
}

static const struct flag help_flags[] = {
	{ "man", NULL, "the manual page, in mdoc", false, false },
	{ 0 },
};

const struct command help_commands[] = {
	{ "help", "[COMMAND]", "list the commands, or explain one", 0,
	    CLI_ARGS_MAX, help_flags, false, run_help, NULL },
	{ "version", "", "tell the version", 0, 0, NULL, false, run_version,
	    NULL },
};
const size_t help_commands_n = countof(help_commands);
