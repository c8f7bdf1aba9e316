/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/file.h>
#include <chancery/pki/crl.h>

#include "list_util.h"
#include "store_util.h"

static bool
no_entry(unused_arg void *arg, unused_arg struct crl_entry *out)
{
	return false;
}

static void
no_rewind(unused_arg void *arg)
{
}

static bool
into(void *arg, struct bytes piece, unused_arg struct error *e)
{
	buf_add_bytes(arg, piece);
	return true;
}

void
make_list(const char *dir, uint64_t number, int64_t this_s, int64_t next_s)
{
	/* CN=x */
	static const uint8_t name[] = { 0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08,
		0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 0x78 };
	const struct crl_params p = { .issuer = bytes_of(name, sizeof(name)),
		.alg = SIG_ECDSA_SHA256,
		.this_update_s = this_s,
		.next_update_s = next_s,
		.number = number,
		.delta_base = -1 };
	const struct crl_source none = { no_entry, no_rewind, NULL };
	auto_buf struct buf tbs = { 0 }, head = { 0 }, tail = { 0 };
	auto_mem char *path =
	    mem_printf("%s/%llu.crl", dir, (unsigned long long)number);
	uint8_t digest[DIGEST_MAX], sig[8] = { 0x30, 0x06, 2, 1, 1, 2, 1, 1 };
	uint64_t bytes, entries;
	size_t n;

	ok(crl_write_tbs(&p, &none, into, &tbs, digest, &n, &bytes, &entries,
	    &e));
	crl_outer(tbs.n, p.alg, bytes_of(sig, sizeof(sig)), &head, &tail);
	buf_add_bytes(&head, buf_bytes(&tbs));
	buf_add_bytes(&head, buf_bytes(&tail));
	ok(file_create(path, buf_bytes(&head), 0644, &e));
}
