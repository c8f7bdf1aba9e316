/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include <chancery/base/cleanup.h>

#include "cli.h"
#include "completion.h"
#include "man.h"

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
			buf_addf(out, "  %-24s %s\n",
			    command_groups[g].v[i].words,
			    command_groups[g].v[i].about);
	}
	buf_add_str(out,
	    "\n\"chancery help COMMAND\" tells more. "
	    "Exit codes are in chancery(1).\n");
}

/* ---- commands ------------------------------------------------------------ */

/* The words of a command, or of nothing. */
static bool
explain(struct cli *c, struct buf *out, struct error *e)
{
	const struct command *cmd;
	char *argv[CLI_ARGS_MAX] = { 0 };
	int words = 0;

	if (c->args == 0) {
		help_all(out);
		return true;
	}
	for (size_t i = 0; i < c->args; i++)
		argv[i] = mem_strdup(c->arg[i]);
	cmd = command_find((int)c->args, argv, &words);
	for (size_t i = 0; i < c->args; i++)
		mem_free(argv[i]);
	if (cmd == NULL || (size_t)words != c->args)
		return error_set(e, FAIL_USAGE, "no such command: %s",
		    c->arg[0]);
	help_command(cmd, out);
	return true;
}

static bool
run_help(struct cli *c, struct error *e)
{
	auto_buf struct buf b = { 0 };
	const char *shell = cli_flag(c, "completion");

	if (cli_has(c, "pages"))
		return man_pages(c, cli_flag(c, "pages"), e);
	c->quiet = true;
	if (cli_has(c, "man"))
		man_chancery(&b);
	else if (shell != NULL ? !completion(shell, &b, e) : !explain(c, &b, e))
		return false;
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
	{ "man", NULL, "chancery(1), in mdoc", false, false },
	{ "pages", "DIR", "write every manual page, in mdoc, into a directory",
	    false, false },
	{ "completion", "SHELL",
	    "what bash or zsh has to read, to complete commands and flags",
	    false, false },
	{ 0 },
};

const struct command help_commands[] = {
	{ "help", "[COMMAND]", "list the commands, or explain one", 0,
	    CLI_ARGS_MAX, help_flags, false, run_help, NULL },
	{ "version", "", "tell the version", 0, 0, NULL, false, run_version,
	    NULL },
};
const size_t help_commands_n = countof(help_commands);
