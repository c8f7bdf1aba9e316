/* SPDX-License-Identifier: Apache-2.0 */

/*
 * publish_worker DIRECTORY LIST NUMBER ISSUER: one publication into a directory, as the publisher
 * does it. LIST and ISSUER are DER. tests/system/publish_matrix.sh kills it wherever it can be.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>

#include "../../src/publisher/target.h"

#define TIMEOUT_NS (INT64_C(60) * 1000000000)

static bool
run(char **argv, struct error *e)
{
	const struct service_target target = { .kind = SERVICE_TARGET_FILES,
		.directory = argv[1],
		.name = argv[1] };
	const _Atomic bool stop = false;
	auto_object struct object object = { .fd = -1 };
	auto_buf struct buf issuer = { 0 };
	auto_fd int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	struct job_request q = { .form = JOB_FORM_LIST,
		.name = "m/full.crl",
		.number = strtoull(argv[3], NULL, 10) };
	struct passage p = { .target = &target,
		.object = &object,
		.stop = &stop,
		.deadline_ns = clock_mono_ns() + TIMEOUT_NS };
	struct job_answer done;

	if (fd < 0)
		return error_errno(e, FAIL_IO, "%s", argv[2]);
	if (!file_read(argv[4], 65536, &issuer, e))
		return false;
	q.issuer = buf_bytes(&issuer);
	return object_open(&object, &q, fd, &stop, e) && publish(&p, &done, e);
}

int
main(int argc, char **argv)
{
	struct error e = { 0 };

	if (argc != 5)
		return EXIT_FAILURE;
	if (run(argv, &e))
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "%s\n", e.msg);
	return EXIT_FAILURE;
}
