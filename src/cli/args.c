/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const struct flag global_flags[] = {
	{ "home", "DIR",
	    "directory with chancery.yaml; else the variable CHANCERY_HOME",
	    false, false },
	{ "json", NULL, "print the answer as one line of canonical JSON", false,
	    false },
	{ "who", "TEXT", "who asks, for the register; else the login name",
	    false, false },
	{ "why", "TEXT", "why, for the register", false, false },
	{ "help", NULL, "what this command does, and its flags", false, false },
	{ 0 },
};

static const struct flag *
flag_in(const struct flag *table, const char *name, size_t n)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strlen(table->name) == n &&
		    strncmp(table->name, name, n) == 0)
			return table;
	return NULL;
}

static const struct flag *
flag_find(const struct command *cmd, const char *name, size_t n)
{
	const struct flag *f = flag_in(cmd->flags, name, n);

	return f != NULL ? f : flag_in(global_flags, name, n);
}

const char *
cli_flag_at(const struct cli *c, const char *name, size_t n)
{
	assert(flag_find(c->cmd, name, strlen(name)) != NULL);
	for (size_t i = 0; i < c->flags; i++)
		if (strcmp(c->flag[i].flag->name, name) == 0 && n-- == 0)
			return c->flag[i].value;
	return NULL;
}

const char *
cli_flag(const struct cli *c, const char *name)
{
	return cli_flag_at(c, name, 0);
}

bool
cli_knows(const struct cli *c, const char *name)
{
	return flag_find(c->cmd, name, strlen(name)) != NULL;
}

bool
cli_has(const struct cli *c, const char *name)
{
	return cli_flag(c, name) != NULL;
}

bool
cli_json(const struct cli *c)
{
	return cli_has(c, "json");
}

static const char *
login_name(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw != NULL ? pw->pw_name : "unknown";
}

struct signer_claim
cli_claim(const struct cli *c)
{
	const char *who = cli_flag(c, "who"), *why = cli_flag(c, "why");

	return (struct signer_claim){
		.who = who != NULL ? who : login_name(),
		.why = why != NULL ? why : c->cmd->words,
	};
}

/* One word a time: "ceremony plan lint" before "ceremony". */
static bool
words_match(const char *words, int argc, char *const *argv, int *n)
{
	*n = 0;
	while (*words != '\0') {
		size_t len = strcspn(words, " ");

		if (*n >= argc || strlen(argv[*n]) != len ||
		    strncmp(argv[*n], words, len) != 0)
			return false;
		words += len + (words[len] == ' ');
		(*n)++;
	}
	return true;
}

const struct command *
command_find(int argc, char *const *argv, int *words)
{
	const struct command *best = NULL;
	int n;

	*words = 0;
	for (size_t g = 0; g < command_groups_n; g++)
		for (size_t i = 0; i < *command_groups[g].n; i++) {
			const struct command *cmd = &command_groups[g].v[i];

			if (words_match(cmd->words, argc, argv, &n) &&
			    n > *words) {
				best = cmd;
				*words = n;
			}
		}
	return best;
}

static bool
add_flag(struct cli *c, const struct flag *f, const char *value,
    struct error *e)
{
	if (!f->repeat && cli_has(c, f->name))
		return error_set(e, FAIL_USAGE, "--%s given twice", f->name);
	if (f->arg != NULL && *value == '\0')
		return error_set(e, FAIL_USAGE, "--%s %s is empty", f->name,
		    f->arg);
	if (c->flags == CLI_FLAGS_MAX)
		return error_set(e, FAIL_USAGE, "more than %d flags",
		    CLI_FLAGS_MAX);
	c->flag[c->flags].flag = f;
	c->flag[c->flags++].value = value;
	return true;
}

/* argv[*i] is "--name", "--name=value" or "--name" followed by its value. */
static bool
parse_flag(struct cli *c, int argc, char *const *argv, int *i, struct error *e)
{
	const char *name = argv[*i] + 2, *eq = strchr(name, '=');
	size_t n = eq != NULL ? (size_t)(eq - name) : strlen(name);
	const struct flag *f = flag_find(c->cmd, name, n);

	if (f == NULL)
		return error_set(e, FAIL_USAGE, "no flag --%.*s", (int)n, name);
	if (f->arg == NULL) {
		if (eq != NULL)
			return error_set(e, FAIL_USAGE, "--%s takes no value",
			    f->name);
		return add_flag(c, f, "", e);
	}
	if (eq != NULL)
		return add_flag(c, f, eq + 1, e);
	if (*i + 1 >= argc)
		return error_set(e, FAIL_USAGE, "--%s needs %s", f->name,
		    f->arg);
	return add_flag(c, f, argv[++*i], e);
}

static bool
check_arity(const struct cli *c, struct error *e)
{
	const struct command *cmd = c->cmd;

	if (c->args < cmd->min)
		return error_set(e, FAIL_USAGE, "%s is missing",
		    c->args == 0 ? cmd->usage : "an argument");
	if (c->args > cmd->max)
		return error_set(e, FAIL_USAGE, "too many arguments: \"%s\"",
		    c->arg[cmd->max]);
	for (const struct flag *f = cmd->flags; f != NULL && f->name != NULL;
	     f++)
		if (f->required && !cli_has(c, f->name))
			return error_set(e, FAIL_USAGE, "--%s %s is missing",
			    f->name, f->arg);
	return true;
}

bool
cli_parse(struct cli *c, const struct command *cmd, int argc, char *const *argv,
    struct error *e)
{
	bool flags = true;

	c->cmd = cmd;
	for (int i = 0; i < argc; i++) {
		if (flags && strcmp(argv[i], "--") == 0) {
			flags = false;
		} else if (flags && strncmp(argv[i], "--", 2) == 0) {
			if (!parse_flag(c, argc, argv, &i, e))
				return false;
		} else if (flags && argv[i][0] == '-' && argv[i][1] != '\0') {
			return error_set(e, FAIL_USAGE,
			    "no flag %s (flags have two dashes)", argv[i]);
		} else if (c->args == CLI_ARGS_MAX) {
			return error_set(e, FAIL_USAGE, "too many arguments");
		} else {
			c->arg[c->args++] = argv[i];
		}
	}
	return cli_has(c, "help") || check_arity(c, e);
}
