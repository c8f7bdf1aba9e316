/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chancery-publisher: speaks to outside services with its own credentials (wire/room.h). It is
 * started by chanceryd when the configuration names such a service; it listens to nobody and
 * has no signing key, no register and no store.
 */
#include <stdio.h>
#include <sys/stat.h>

#include <chancery/base/secret.h>

#include "publisher.h"

int
main(int argc, unused_arg char **argv)
{
	static struct publisher room;

	if (argc != 1) {
		(void)fprintf(stderr,
		    "chancery-publisher is started by chanceryd\n");
		return 64;
	}
	/* What it writes is public. */
	(void)umask(022);
	secret_harden_process();
	room_end_on_sigterm();
	publisher_memory_init();
	return room_ended(publisher_run(&room));
}
