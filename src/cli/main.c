/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/secret.h>
#include <chancery/hsm/hsm.h>

#include "cli.h"

int
main(int argc, char **argv)
{
	secret_harden_process();
	/* Modules crash in exit handlers: leave without running them. */
	hsm_exit(cli_main(argc - 1, argv + 1));
}
