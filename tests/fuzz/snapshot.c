/* SPDX-License-Identifier: Apache-2.0 */

/* Snapshots: JSON that is taken writes itself again, and holds a state that can be
 * asked; files of revoked serials are taken only in order. */
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>

#include "../../src/register/state_internal.h"

static void
serials(struct bytes file)
{
	struct sha256 key;
	struct error e;

	if (file.n < REVOKED_HEADER)
		return;
	memcpy(&key, file.p + 8, sizeof(key));
	(void)!revoked_file_check(file, &key,
	    (file.n - REVOKED_HEADER) / REVOKED_ENTRY, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_buf struct buf again = { 0 };
	struct bytes in = bytes_of(p, n);
	struct log_position at;
	struct reg_state *s;
	struct error e;

	serials(in);
	s = snapshot_decode(in, &at, &e);
	if (s == NULL)
		return 0;
	snapshot_encode(s, &at, &again);
	if (!bytes_eq(in, buf_bytes(&again)))
		fatal("a snapshot that was taken is not written again");
	for (size_t i = 0; i < reg_state_keys(s); i++)
		if (reg_state_key(s, &reg_state_key_at(s, i)->key) !=
		    reg_state_key_at(s, i))
			fatal("a key of the snapshot is not found");
	reg_state_free(s);
	return 0;
}
