/* SPDX-License-Identifier: Apache-2.0 */

/* Subject of libs_test: a fixed sequence of calls in the directory argv[1], one
 * line "done" on standard output after each. Ends with 0, or the errno. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int
step(int ok)
{
	if (ok < 0)
		_exit(errno);
	return dprintf(1, "done\n");
}

int
main(int argc, char **argv)
{
	static const char block[100] = { 'x' };
	int fd;

	if (argc != 2 || chdir(argv[1]) != 0)
		return 255;
	fd = open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return 255;
	(void)step((int)write(fd, block, sizeof(block)));
	(void)step((int)pwrite(fd, block, 10, 200));
	(void)step(fsync(fd));
	(void)step(fdatasync(fd));
	(void)step(ftruncate(fd, 150));
	(void)step(link("f", "h"));
	(void)step(rename("f", "g"));
	return 0;
}
