/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "../../src/register/state_internal.h"
#include "revoked_index.h"

static void
put_le(uint8_t *p, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++, v >>= 8)
		p[i] = (uint8_t)v;
}

/* As state_internal.h says; serials ascend, their ends are random. */
static void
one_entry(uint8_t p[REVOKED_ENTRY], uint64_t i, uint64_t step, int64_t now_s)
{
	static const uint8_t reasons[] = { 0, 1, 4, 5 };

	memset(p, 0, REVOKED_ENTRY);
	random_bytes(p + 8, 12);
	for (unsigned k = 0; k < 8; k++)
		p[k] = (uint8_t)((i + 1) * step >> (56 - 8 * k));
	put_le(p + 24, (uint64_t)now_s - i % 31536000, 8);
	put_le(p + 40, (uint64_t)now_s + 86400, 8);
	put_le(p + 48, 3, 8);
	p[56] = reasons[p[19] % 4];
}

static void
write_index(const char *path, const struct sha256 *key, uint64_t n,
    struct sha256 *hash)
{
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	uint64_t step = (UINT64_C(1) << 63) / (n + 2);
	struct digest *d = digest_new(DIGEST_SHA256);
	uint8_t p[REVOKED_ENTRY] = "CHREVOK1";
	auto_file FILE *f = fopen(path, "we");
	bool ok = f != NULL;

	memcpy(p + 8, key->b, SHA256_LEN);
	put_le(p + 40, n, 8);
	for (uint64_t i = 0; ok && i <= n; i++) {
		if (i > 0)
			one_entry(p, i - 1, step, now_s);
		digest_add(d, bytes_of(p, sizeof(p)));
		ok = fwrite(p, sizeof(p), 1, f) == 1;
	}
	(void)digest_finish(d, hash->b);
	if (!ok || fflush(f) != 0)
		fatal("%s", path);
}

static void
append_one(struct reg *r, const struct sha256 *key)
{
	uint8_t serial[LIMIT_SERIAL_BYTES] = { 0x7f };
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	struct record rec;
	struct error e;

	record_init(&rec, REC_REVOKE);
	record_time(&rec, "date", now_s);
	record_hash(&rec, "key", key);
	record_time(&rec, "not_after", now_s + 86400);
	record_int(&rec, "partition", 0);
	record_text(&rec, "reason", "superseded");
	record_bytes(&rec, "serial", bytes_of(serial, sizeof(serial)));
	record_text(&rec, "who", "bench");
	record_text(&rec, "why", "bench");
	if (!reg_append(r, &rec, (struct bytes){ 0 }, NULL, &e) ||
	    !reg_commit(r, &e))
		fatal("revoke: %s", e.msg);
}

void
revoked_index_plant(const struct reg_config *of, const char *dir,
    const struct sha256 *key, uint64_t n)
{
	auto_mem char *path = mem_printf("%s/planted", dir);
	struct reg_config cfg = *of;
	auto_reg struct reg *r = NULL;
	struct revoked_shard *s;
	struct error e;

	cfg.segment_bytes = 1; /* the next commit ends it */
	r = reg_open(&cfg, &e);
	if (r == NULL)
		fatal("register: %s", e.msg);
	s = state_shard_add((struct reg_state *)(uintptr_t)reg_get_state(r),
	    key);
	write_index(path, key, n, &s->base_hash);
	s->base_count = n;
	if (!revoked_shard_load(s, path, &e))
		fatal("index: %s", e.msg);
	append_one(r, key);
	(void)unlink(path);
}
