/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"
#include "daemon.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/secret.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/home.h>
#include <chancery/ceremony/session.h>
#include <chancery/config/service.h>

const char *
cli_home_dir(const struct cli *c, struct error *e)
{
	const char *dir = cli_flag(c, "home");

	if (dir == NULL)
		dir = getenv("CHANCERY_HOME");
	if (dir == NULL || *dir == '\0') {
		error_set(e, FAIL_USAGE,
		    "no home directory: give --home DIR or set CHANCERY_HOME");
		return NULL;
	}
	return dir;
}

struct home *
cli_home(const struct cli *c, struct error *e)
{
	const char *dir = cli_home_dir(c, e);

	return dir != NULL ? home_open(dir, e) : NULL;
}

struct session *
cli_session(const struct cli *c, unsigned flags, struct home **home,
    struct error *e)
{
	struct session_options opt = { .flags = flags };
	struct signer_claim claim = cli_claim(c);
	struct session *s;

	*home = cli_home(c, e);
	if (*home == NULL)
		return NULL;
	opt.who = claim.who;
	s = session_open(*home, &opt, e);
	return s;
}

/* The answer of a failed command, for programs that read JSON. */
static void
print_error_json(const struct error *e, int status)
{
	struct doc *d = doc_new();
	auto_buf struct buf b = { 0 };

	doc_text(d, "error", "error", fail_name(e->why));
	doc_text(d, "message", "message", e->msg);
	doc_int(d, "exit", "exit", status);
	doc_print_json(d, &b);
	out_bytes(buf_bytes(&b));
	doc_free(d);
}

/* The register has one writer. When that is the service, it is asked instead. */
static void
say_instead(const struct cli *c)
{
	struct service_config cfg;
	struct error e;
	auto_yaml_doc struct yaml_doc *doc = daemon_config(c, &cfg, &e);
	const char *instead;

	if (doc == NULL || !supervisor_is_up(&cfg))
		return;
	instead = daemon_instead(c->cmd->words);
	if (instead != NULL)
		complain("chanceryd runs and holds the register; its API does "
			 "this: %s",
		    instead);
	else
		complain("chanceryd runs and holds the register: stop it for "
			 "this command");
}

/* The exit code: the command's own, where it answers with one. */
static int
fail_command(const struct cli *c, const struct error *e)
{
	int status = c->status != 0 ? c->status : fail_exit(e->why);
	auto_buf struct buf b = { 0 };

	buf_add_visible(&b, bytes_str(e->msg));
	complain("%s", buf_cstr(&b));
	if (e->why == FAIL_USAGE && c->cmd != NULL) {
		buf_reset(&b);
		help_usage_line(c->cmd, &b);
		out_err(buf_cstr(&b));
	}
	if (e->why == FAIL_BUSY && c->cmd != NULL && c->cmd->home)
		say_instead(c);
	if (c->cmd != NULL && cli_json(c) && !c->answers)
		print_error_json(e, status);
	return status;
}

static void
print_answer(const struct cli *c)
{
	auto_buf struct buf b = { 0 };

	if (c->quiet)
		return;
	if (cli_json(c))
		doc_print_json(c->doc, &b);
	else
		doc_print_text(c->doc, &b);
	out_bytes(buf_bytes(&b));
}

static int
run_command(struct cli *c, const struct command *cmd, int argc,
    char *const *argv)
{
	struct error e = { 0 };
	auto_buf struct buf b = { 0 };

	if (!cli_parse(c, cmd, argc, argv, &e))
		return fail_command(c, &e);
	if (cli_has(c, "help")) {
		help_command(cmd, &b);
		out_bytes(buf_bytes(&b));
		return 0;
	}
	if (cmd->run(c, &e)) {
		print_answer(c);
		return c->status;
	}
	if (c->answers)
		print_answer(c);
	return fail_command(c, &e);
}

static int
no_command(int argc, char *const *argv)
{
	auto_buf struct buf b = { 0 };

	if (argc == 1 && strcmp(argv[0], "--help") == 0) {
		help_all(&b);
		out_bytes(buf_bytes(&b));
		return 0;
	}
	if (argc > 0) {
		buf_add_visible(&b, bytes_str(argv[0]));
		complain("no such command: %s (chancery help lists them)",
		    buf_cstr(&b));
	} else {
		help_all(&b);
		out_err(buf_cstr(&b));
	}
	return fail_exit(FAIL_USAGE);
}

int
cli_main(int argc, char *const *argv)
{
	struct cli c = { 0 };
	const struct command *cmd;
	int words, rc;

	/* A lost pipe is a failed write, not a silent end half way. */
	(void)signal(SIGPIPE, SIG_IGN);
	cmd = command_find(argc, argv, &words);
	if (cmd == NULL)
		return no_command(argc, argv);
	c.doc = doc_new();
	rc = run_command(&c, cmd, argc - words, argv + words);
	doc_free(c.doc);
	return rc;
}
