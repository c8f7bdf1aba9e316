/* SPDX-License-Identifier: Apache-2.0 */
#include "completion.h"

#include <chancery/base/cleanup.h>

#include "cli.h"

/* One line a command: its words, a colon, its flags; those with a value end in "=". zsh reads
 * the same function through its bashcompinit. */
static const char head[] =
    "# Made from the command table: chancery help --completion\n"
    "_chancery_commands='\n";

static const char body[] =
    "'\n"
    "_chancery()\n"
    "{\n"
    "\tlocal current=${COMP_WORDS[COMP_CWORD]} "
    "before=${COMP_WORDS[COMP_CWORD-1]}\n"
    "\tlocal line= words= flags= typed= next= best= i=\n"
    "\tCOMPREPLY=()\n"
    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
    "\t\tcase ${COMP_WORDS[i]} in\n"
    "\t\t-*) break ;;\n"
    "\t\tesac\n"
    "\t\ttyped+=\"${COMP_WORDS[i]} \"\n"
    "\tdone\n"
    "\t# The longest command that was typed whole, and words that may follow.\n"
    "\twhile IFS=: read -r words flags; do\n"
    "\t\t[ -n \"$words\" ] || continue\n"
    "\t\tcase \"$typed\" in\n"
    "\t\t\"$words \"*) [ ${#words} -le ${#best} ] || { best=$words; "
    "line=$flags; } ;;\n"
    "\t\tesac\n"
    "\t\tcase \"$words \" in\n"
    "\t\t\"$typed\"?*) words=${words#\"$typed\"}; next+=\" ${words%% *}\" ;;\n"
    "\t\tesac\n"
    "\tdone <<<\"$_chancery_commands\"\n"
    "\tcase $current in\n"
    "\t-*)\n"
    "\t\tCOMPREPLY=($(compgen -W \"${line//=/}\" -- \"$current\"))\n"
    "\t\treturn ;;\n"
    "\tesac\n"
    "\tcase \" $line \" in\n"
    "\t*\" $before= \"*) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
    "\tesac\n"
    "\tCOMPREPLY=($(compgen -W \"$next\" -- \"$current\"))\n"
    "\t[ -z \"$best\" ] || COMPREPLY+=($(compgen -f -- \"$current\"))\n"
    "}\n";

static void
add_flags(const struct flag *f, struct buf *out)
{
	for (; f != NULL && f->name != NULL; f++)
		buf_addf(out, " --%s%s", f->name, f->arg != NULL ? "=" : "");
}

static void
add_commands(struct buf *out)
{
	for (size_t g = 0; g < command_groups_n; g++)
		for (size_t i = 0; i < *command_groups[g].n; i++) {
			const struct command *cmd = &command_groups[g].v[i];

			buf_addf(out, "%s:", cmd->words);
			add_flags(cmd->flags, out);
			add_flags(global_flags, out);
			buf_add_byte(out, '\n');
		}
}

bool
completion(const char *shell, struct buf *out, struct error *e)
{
	bool zsh = strcmp(shell, "zsh") == 0;

	if (!zsh && strcmp(shell, "bash") != 0)
		return error_set(e, FAIL_USAGE, "--completion %s: bash or zsh",
		    shell);
	if (zsh)
		buf_add_str(out,
		    "#compdef chancery\n"
		    "autoload -U +X bashcompinit && bashcompinit\n");
	buf_add_str(out, head);
	add_commands(out);
	buf_add_str(out, body);
	buf_add_str(out,
	    zsh ? "complete -o nospace -F _chancery chancery\n"
		  "_bash_complete -F _chancery\n"
		: "complete -o filenames -F _chancery chancery\n");
	return true;
}
