/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include <chancery/base/alloc.h>
#include <chancery/base/crypto.h>
#include <chancery/base/secret.h>
#include <chancery/hsm/hsm.h>

#include "cli.h"

int
main(int argc, char **argv)
{
	secret_harden_process();
	/* Private keys pass through both: what they give back is wiped. */
	crypto_wipe_memory();
	json_set_alloc_funcs(mem_alloc, mem_free_wiped);
	/* Modules crash in exit handlers: leave without running them. */
	hsm_exit(cli_main(argc - 1, argv + 1));
}
