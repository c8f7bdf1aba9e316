/* SPDX-License-Identifier: Apache-2.0 */
/* chancery-signer: started by chanceryd (wire/room.h). */
#include <signal.h>
#include <string.h>

#include <chancery/base/crypto.h>
#include <chancery/base/log.h>
#include <chancery/hsm/hsm.h>

#include "room.h"

static int
resident(void)
{
	struct room_settings settings = { 0 };
	struct host host = { 0 };
	struct room room = { .settings = &settings, .host = &host };
	int status = ROOM_EXIT_OK;
	struct error e;

	if (!room_settings_read(&settings, &e)) {
		log_line(LOG_LEVEL_ERROR, "signer: %s", e.msg);
		return e.why == FAIL_PIN ? ROOM_EXIT_PIN : ROOM_EXIT_CONFIG;
	}
	if (room_start(&settings, START_RESIDENT, &host, &status, &e)) {
		status = room_run(&room);
	} else {
		log_line(LOG_LEVEL_ERROR, "signer: %s", e.msg);
	}
	host_close(&host);
	room_settings_free(&settings);
	return status;
}

int
main(int argc, char **argv)
{
	/* Keys from outside pass through libcrypto, here and in the module. */
	crypto_wipe_memory();
	secret_harden_process();
	(void)signal(SIGPIPE, SIG_IGN);
	room_end_on_sigterm();
	if (argc == 2 && strcmp(argv[1], "--keygen") == 0)
		hsm_exit(room_ended(room_oneshot()));
	if (argc != 1) {
		log_line(LOG_LEVEL_ERROR,
		    "chancery-signer: started by chanceryd, not by hand");
		return ROOM_EXIT_CONFIG;
	}
	hsm_exit(room_ended(resident()));
}
