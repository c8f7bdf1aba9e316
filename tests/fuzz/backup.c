/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of backups: whatever comes, it ends with the manifest of what it read, or with a
 * reason; and the header and manifest that it took are the ones that would be written. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chancery/backup/archive.h>

static int
file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("backup", MFD_CLOEXEC);

	if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size) ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

static void
check_manifest(struct bytes json)
{
	auto_manifest struct manifest m = { 0 };
	auto_buf struct buf again = { 0 };
	struct error e;

	if (!manifest_decode(json, &m, &e))
		return;
	manifest_encode(&m, &again);
	if (!bytes_eq(buf_bytes(&again), json))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_fd int fd = file_of(data, size);
	struct error e = { 0 };
	auto_archive_reader struct archive_reader *r =
	    archive_open(fd, "backup", &e);
	struct archive_member m;
	uint8_t part[7];
	size_t n;
	bool more = true;

	check_manifest(bytes_of(data, size));
	while (r != NULL && more && archive_next(r, &m, &more, &e)) {
		if (more && !archive_name_valid(m.name))
			abort();
		/* Some of it; the rest is passed over. */
		if (more && !archive_read(r, part, sizeof(part), &n, &e))
			return 0;
	}
	if (r != NULL && !more &&
	    (archive_manifest(r) == NULL) != (e.why != FAIL_NONE))
		abort();
	return 0;
}
