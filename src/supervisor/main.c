/* SPDX-License-Identifier: Apache-2.0 */
/* chanceryd --home DIR [--rooms DIR]: in the foreground, for systemd or a terminal. */
#include <elf.h>
#include <getopt.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/secret.h>
#include <chancery/sandbox/sandbox.h>

#include "supervisor.h"

static const char usage[] =
    "usage: chanceryd --home DIR [--rooms DIR] [--units]\n"
    "       chanceryd --room NAME --socket PATH [--peer USER] [--rooms DIR]\n"
    "Runs the service of a home in the foreground. SIGHUP: read the "
    "configuration again;\nSIGTERM: finish what is in flight and end. --rooms: "
    "where the programs of\nthe rooms are, instead of beside chanceryd or in "
    "../libexec/chancery. --units:\nthe rooms are started by systemd, each "
    "with "
    "--room signer, server, publisher or\nkeygen, wait at this socket of "
    "run_dir "
    "(rooms.sock) and are connected here.\n--peer: user that the one with "
    "--units has to be; root otherwise.\n";

#define EXIT_USAGE 64

static bool
arguments(struct supervisor *s, struct unit *u, int argc, char **argv)
{
	static const struct option options[] = {
		{ "home", required_argument, NULL, 'h' },
		{ "rooms", required_argument, NULL, 'r' },
		{ "units", no_argument, NULL, 'u' },
		{ "room", required_argument, NULL, 'n' },
		{ "socket", required_argument, NULL, 's' },
		{ "peer", required_argument, NULL, 'p' },
		{ 0 },
	};
	int o;

	s->home = getenv("CHANCERY_HOME");
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (o) {
		case 'h':
			s->home = optarg;
			break;
		case 'r':
			s->rooms_dir = u->rooms_dir = optarg;
			break;
		case 'u':
			s->units.on = true;
			break;
		case 'n':
			u->room = optarg;
			break;
		case 's':
			u->socket = optarg;
			break;
		case 'p':
			u->peer = optarg;
			break;
		default:
			return false;
		}
	if (u->room != NULL)
		return optind == argc && u->socket != NULL &&
		    unit_by_name(u->room) < UNITS__COUNT;
	return optind == argc && s->home != NULL;
}

/* Our own program, where the loader put it. */
static const char *
text_at(uintptr_t address)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address as ELF has it */
	return (const char *)address;
}

/* The dynamic loader is executed with each program. */
static int
find_loader(struct dl_phdr_info *info, unused_arg size_t size, void *arg)
{
	const char **loader = arg;

	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*loader = text_at(
			    info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	return 1; /* the first entry is the program itself */
}

static bool
confine(const struct supervisor *s, struct error *e)
{
	const char *loader = NULL;
	struct sandbox_path path[CHILD__COUNT + 1];
	struct sandbox_options opt = { path, countof(path), false };
	struct sandbox_status status;
	char text[SANDBOX_TEXT_SIZE];

	(void)dl_iterate_phdr(find_loader, &loader);
	for (size_t i = 0; i < CHILD__COUNT; i++)
		path[i] =
		    (struct sandbox_path){ SANDBOX_PROGRAM, s->child[i].path };
	path[CHILD__COUNT] = (struct sandbox_path){ SANDBOX_PROGRAM, loader };
	if (!sandbox_enter(SANDBOX_SUPERVISOR, &opt, &status, e))
		return false;
	sandbox_status_text(&status, text);
	log_line(LOG_LEVEL_INFO, "supervisor: %s", text);
	return true;
}

int
main(int argc, char **argv)
{
	static struct supervisor s;
	struct error e = { 0 };
	struct unit unit = { 0 };
	int rc;

	secret_harden_process();
	if (!arguments(&s, &unit, argc, argv)) {
		(void)fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (unit.room != NULL)
		return unit_run(&unit);
	if (!super_open(&s, &e) || !confine(&s, &e)) {
		log_line(LOG_LEVEL_ERROR, "not started: %s", e.msg);
		super_close(&s);
		return e.why == FAIL_BAD_INPUT ? ROOM_EXIT_CONFIG
					       : fail_exit(e.why);
	}
	rc = super_run(&s);
	log_line(LOG_LEVEL_INFO, "stopped");
	super_close(&s);
	return rc;
}
