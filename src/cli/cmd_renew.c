/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"
#include "renew.h"

static const struct flag renew_flags[] = {
	{ "once", NULL,
	    "look once and end, as a timer wants it; without, it stays and "
	    "looks every `interval`",
	    false, false },
	{ "force", NULL,
	    "renew whatever is left, and take a certificate with another "
	    "subject",
	    false, false },
	{ "dry-run", NULL, "tell whether it would renew, and why", false,
	    false },
	{ 0 },
};

const struct command renew_commands[] = {
	{ "renew", "FILE",
	    "renew a certificate of this host in time, with the files made "
	    "of it",
	    1, 1, renew_flags, false, renew_run,
	    "FILE is chancery-renew.yaml(5). The key is made here and stays "
	    "here. The files change together; then `reload` and `check` of "
	    "the configuration run, and when one fails, the files before come "
	    "back. A service that does not answer leaves everything as it is, "
	    "for the next time. Two runs at once: the second one ends." },
};
const size_t renew_commands_n = countof(renew_commands);
