/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   revocation_fill REGISTER ORIGIN ISSUER.pem MOUNT/sign/ROLE N
 *
 * N certificates of the issuer, signed and revoked, in the records of a service that does not
 * run: what its store and its lists are made from (scripts/bench revocation --part service).
 * Their signatures are random octets; nobody looks at those.
 */
#include <err.h>
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>

#include "register_certs.h"

int
main(int argc, char **argv)
{
	auto_buf struct buf pem = { 0 };
	auto_cert struct cert issuer = { 0 };
	struct error e;
	uint64_t n;

	if (argc != 6 || !parse_u64(argv[5], 1, 100000000, &n))
		errx(64,
		    "usage: revocation_fill REGISTER ORIGIN ISSUER.pem "
		    "MOUNT/sign/ROLE N");
	certs_must(file_read(argv[3], LIMIT_CERT_BYTES * 2, &pem, &e) &&
		cert_parse(buf_bytes(&pem), argv[3], &issuer, &e),
	    &e);
	certs_revoked(argv[1], argv[2], &issuer, argv[4], n);
	return 0;
}
