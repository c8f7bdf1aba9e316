/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "room.h"

int
access_open(const char *where, bool *ok, struct error *e)
{
	int fd;

	*ok = true;
	if (where == NULL || strcmp(where, "off") == 0)
		return -1;
	if (strcmp(where, "stderr") == 0)
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, ROOM_FD_FIRST);
	else
		fd = open(where, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
		    0640);
	if (fd < 0)
		*ok = error_errno(e, FAIL_IO, "access log %s", where);
	return fd;
}
