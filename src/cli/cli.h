/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The command line: one table of commands. Help, usage errors, manual pages, shell completion, the
 * arity check and what a command needs all come from the row.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>
#include <chancery/signer/signer.h>

#include "output.h"

struct cli;
struct home;
struct session;

struct flag {
	const char *name; /* without the dashes; NULL ends a table          */
	const char *arg;  /* what the value is called; NULL: a switch       */
	const char *about;
	bool required;
	bool repeat; /* may be given more than once                    */
};

struct command {
	const char *words; /* "sign csr" */
	const char *usage; /* positional arguments, "" for none */
	const char *about; /* one sentence, no full stop */
	unsigned min, max; /* positional arguments */
	const struct flag *flags;
	bool home; /* needs --home or CHANCERY_HOME */
	bool (*run)(struct cli *c, struct error *e);
	const char *more; /* further sentences for help and manual, or NULL */
};

struct command_group {
	const char *title;
	const char *page; /* "key": its manual page is chancery-key(1) */
	const struct command *v;
	const size_t *n;
};
extern const struct command_group command_groups[];
extern const size_t command_groups_n;

/* Flags that every command takes. */
extern const struct flag global_flags[];

#define CLI_FLAGS_MAX 160
#define CLI_ARGS_MAX 8
struct cli {
	const struct command *cmd;
	const char *arg[CLI_ARGS_MAX]; /* positional */
	size_t args;
	struct {
		const struct flag *flag;
		const char *value;
	} flag[CLI_FLAGS_MAX];
	size_t flags;
	struct doc *doc; /* what the command answers; printed on success */
	bool quiet;      /* the command printed for itself */
	int status;      /* of a command that answers with it: 0 is good */
	bool answers;    /* it fails, and doc is its answer all the same */
};

/* Value of a flag, or NULL; the n-th of a repeated one. Asserts that the command
 * has such a flag. */
const char *cli_flag(const struct cli *c, const char *name);
const char *cli_flag_at(const struct cli *c, const char *name, size_t n);
bool cli_has(const struct cli *c, const char *name);
/* Whether the command has such a flag at all: for what several commands share. */
bool cli_knows(const struct cli *c, const char *name);
bool cli_json(const struct cli *c);
/* Who asks (--who, else the login name) and why (--why): the caller's claim. */
struct signer_claim cli_claim(const struct cli *c);

/* The command that argv names: as many words as possible. NULL: none; *words tells
 * how many were taken. */
const struct command *command_find(int argc, char *const *argv, int *words);
/* Fill c from what follows the words. FAIL_USAGE says what is wrong. */
bool cli_parse(struct cli *c, const struct command *cmd, int argc,
    char *const *argv, struct error *e) must_check;

void help_all(struct buf *out);
void help_command(const struct command *cmd, struct buf *out);
void help_usage_line(const struct command *cmd, struct buf *out);

/* Everything but main(): the exit code. */
int cli_main(int argc, char *const *argv);

/* --home or CHANCERY_HOME; NULL: neither. */
const char *cli_home_dir(const struct cli *c, struct error *e) must_check;
/* The home of this call, read and checked. Borrowed from a process-wide slot is
 * avoided: the caller frees with home_free. */
struct home *cli_home(const struct cli *c, struct error *e) must_check;
/* The same, opened for signing: module, tokens, log key, register. */
struct session *cli_session(const struct cli *c, unsigned flags,
    struct home **home, struct error *e) must_check;

extern const struct command token_commands[], ceremony_commands[],
    key_commands[], issue_commands[], cert_commands[], register_commands[],
    init_commands[], config_commands[], service_commands[], store_commands[],
    backup_commands[], vault_commands[], kafka_commands[], publish_commands[],
    renew_commands[], import_commands[], help_commands[];
extern const size_t token_commands_n, ceremony_commands_n, key_commands_n,
    issue_commands_n, cert_commands_n, register_commands_n, init_commands_n,
    config_commands_n, service_commands_n, store_commands_n, backup_commands_n,
    vault_commands_n, kafka_commands_n, publish_commands_n, renew_commands_n,
    import_commands_n, help_commands_n;
