/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CRL of a million entries, through the signer: revoked index, INTENT, C_Sign,
 * SIGNED, file. The register is opened afresh first, so that the index comes from
 * its snapshot file. Wall time, and the most anonymous memory the process ever
 * had meanwhile.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

#define ENTRIES 1000000U
#define BATCH 512U

static atomic_long peak_kb;
static atomic_bool stop;

static long
rss_anon_kb(void)
{
	auto_file FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	char *end;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0)
			return strtol(line + 8, &end, 10);
	return 0;
}

static void *
watch(unused_arg void *arg)
{
	const struct timespec pause = { 0, 2000000 };

	while (!stop) {
		long now = rss_anon_kb();

		if (now > peak_kb)
			peak_kb = now;
		(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

static void
revoke_one(struct reg *r, const struct sha256 *key, int64_t now_s)
{
	static const char *const reasons[] = { "superseded", "keyCompromise",
		"cessationOfOperation", "unspecified" };
	uint8_t serial[LIMIT_SERIAL_BYTES];
	struct record rec;
	struct error e;
	uint64_t n;

	random_bytes(serial, sizeof(serial));
	serial[0] = (serial[0] & 0x7f) | 1;
	record_init(&rec, REC_REVOKE);
	record_time(&rec, "date", now_s);
	record_hash(&rec, "key", key);
	record_time(&rec, "not_after", now_s + 86400);
	record_int(&rec, "partition", 0);
	record_text(&rec, "reason", reasons[serial[19] % 4]);
	record_bytes(&rec, "serial", bytes_of(serial, sizeof(serial)));
	record_text(&rec, "who", "bench");
	record_text(&rec, "why", "bench");
	if (!reg_append(r, &rec, (struct bytes){ 0 }, &n, &e))
		bench_fail("revoke", &e);
}

static void
fill(struct reg *r, const struct sha256 *key)
{
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	struct error e;
	unsigned i;

	for (i = 0; i < ENTRIES; i++) {
		revoke_one(r, key, now_s);
		if (i % BATCH == BATCH - 1 && !reg_commit(r, &e))
			bench_fail("commit", &e);
	}
	if (!reg_commit(r, &e))
		bench_fail("commit", &e);
}

static void
measure(struct bench_ca *ca, const char *dir)
{
	auto_mem char *path = mem_printf("%s/million.crl", dir);
	struct signer_crl req = { .key = ca->key,
		.issuer = buf_bytes(&ca->name),
		.alg = ca->alg,
		.scope = "full",
		.period_s = 86400,
		.path = path,
		.claim = { .who = "bench", .why = "bench" } };
	struct signer_reply reply;
	double wall, cpu;
	pthread_t t;
	struct error e;
	long before;

	memcpy(req.issuer_key_id, ca->issuer.key_id, 20);
	before = rss_anon_kb();
	if (pthread_create(&t, NULL, watch, NULL) != 0)
		fatal("pthread_create");
	wall = bench_wall();
	cpu = bench_cpu();
	if (!signer_sign_crl_wait(ca->s, &req, &reply, &e))
		bench_fail("crl", &e);
	wall = bench_wall() - wall;
	cpu = bench_cpu() - cpu;
	stop = true;
	(void)pthread_join(t, NULL);
	(void)printf("CRL of %llu entries, %.1f MB: %.2f s, %.2f s of CPU "
		     "(wanted: under 1 s); anonymous memory %.1f MB, at most "
		     "%.1f MB (wanted: under 64 MB)\n",
	    (unsigned long long)reply.entries, (double)reply.bytes / 1e6, wall,
	    cpu, (double)before / 1024, (double)peak_kb / 1024);
	(void)remove(path);
}

int
main(void)
{
	struct bench_ca ca;
	struct bench b;

	bench_open(&b);
	bench_ca_open(&ca, &b, "ec-p256", 0);
	fill(signer_register(ca.s), &ca.key);
	bench_ca_reopen(&ca);
	measure(&ca, b.dir);
	bench_ca_close(&ca);
	bench_close(&b);
	hsm_exit(0);
}
