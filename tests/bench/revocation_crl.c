/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   revocation_crl N…     for each number of revocations:
 *
 * a full list through the signer (revoked index, INTENT, C_Sign, SIGNED, file), and one
 * certificate revoked and the list that has it asked for, from the call to the file under
 * its name. Wall time, CPU, and the most anonymous memory the process had meanwhile.
 *
 * N revocations are not recorded one by one: their index is planted, as a file, into a
 * register that was just born, and taken up by the end of a segment. From there on all is
 * as it always is.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <chancery/base/text.h>

#include "bench.h"
#include "revoked_index.h"

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
plant(struct bench_ca *ca, uint64_t n)
{
	struct error e;

	if (!signer_close(ca->s, &e))
		bench_fail("close", &e);
	revoked_index_plant(&ca->cfg.reg, ca->b->dir, &ca->key, n);
}

/* ---- measuring --------------------------------------------------------- */

struct span {
	double wall, cpu;
	long before_kb;
	pthread_t t;
};

static void
span_begin(struct span *s)
{
	stop = false;
	s->before_kb = rss_anon_kb();
	peak_kb = s->before_kb;
	if (pthread_create(&s->t, NULL, watch, NULL) != 0)
		fatal("pthread_create");
	s->cpu = bench_cpu();
	s->wall = bench_wall();
}

static void
span_end(struct span *s)
{
	s->wall = bench_wall() - s->wall;
	s->cpu = bench_cpu() - s->cpu;
	stop = true;
	(void)pthread_join(s->t, NULL);
}

static void
list(struct bench_ca *ca, struct signer_reply *reply)
{
	struct signer_crl req = { .key = ca->key,
		.issuer = buf_bytes(&ca->name),
		.alg = ca->alg,
		.scope = "full",
		.period_s = 86400,
		.claim = { .who = "bench", .why = "bench" } };
	struct error e;

	memcpy(req.issuer_key_id, ca->issuer.key_id, 20);
	if (!signer_sign_crl_wait(ca->s, &req, reply, &e))
		bench_fail("crl", &e);
}

static uint64_t
certificate(struct bench_ca *ca, struct bench_csrs *csrs)
{
	struct signer_certify req = { .key = ca->key,
		.claim = { .who = "bench", .why = "bench" },
		.retry_of = UINT64_MAX };
	const struct general_name san = { GN_DNS,
		bytes_str("broker-1.kafka.acme.example") };
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	struct tbs_request cert = { .not_before_s = now_s,
		.not_after_s = now_s + 86400,
		.san = &san,
		.san_count = 1 };
	uint8_t serial[1][LIMIT_SERIAL_BYTES];
	auto_csr struct csr csr = { 0 };
	auto_buf struct buf tbs = { 0 };
	struct signer_reply reply;
	struct error e;

	if (!signer_serials(ca->s, 1, serial, &e) ||
	    !csr_parse(buf_bytes(&csrs->pem[0]), "bench", &csr, &e))
		bench_fail("request", &e);
	cert.serial = bytes_of(serial[0], sizeof(serial[0]));
	cert.subject = csr.subject;
	cert.key = &csr.key;
	if (!tbs_write(ca->tmpl, &cert, &tbs, &e))
		bench_fail("tbs", &e);
	req.tbs = buf_bytes(&tbs);
	if (!signer_certify_wait(ca->s, &req, NULL, &reply, &e))
		bench_fail("certify", &e);
	return reply.signed_;
}

static void
measure_list(struct bench_ca *ca)
{
	struct signer_reply reply;
	struct span s;

	span_begin(&s);
	list(ca, &reply);
	span_end(&s);
	(void)printf("list of %llu entries, %.1f MB, %u signature: %.2f s, "
		     "%.2f s of CPU; anonymous memory %.1f MB, at most %.1f "
		     "MB (wanted: 64 MB)\n",
	    (unsigned long long)reply.entries, (double)reply.bytes / 1e6,
	    reply.attempts, s.wall, s.cpu, (double)s.before_kb / 1024,
	    (double)peak_kb / 1024);
}

/* From the request to the file: one record durable, then a list of its own. */
static void
measure_revocation(struct bench_ca *ca, struct bench_csrs *csrs)
{
	struct signer_revoke req = { .key = ca->key,
		.cert = certificate(ca, csrs),
		.claim = { .who = "bench", .why = "bench" } };
	struct signer_reply reply;
	struct error e;
	struct span s;

	span_begin(&s);
	if (!signer_revoke_wait(ca->s, &req, &reply, &e))
		bench_fail("revoke", &e);
	list(ca, &reply);
	span_end(&s);
	(void)printf("one more revocation, and the list of %llu with it on "
		     "disk: %.2f s\n",
	    (unsigned long long)reply.entries, s.wall);
}

static void
measure(struct bench *b, struct bench_csrs *csrs, uint64_t n)
{
	auto_mem char *crls = mem_printf("%s/crl", b->dir);
	struct bench_ca ca;
	double at;

	bench_ca_open(&ca, b, "ec-p256", 0);
	ca.cfg.crl_dir = crls;
	plant(&ca, n);
	at = bench_wall();
	bench_ca_start(&ca);
	(void)printf("signer with %llu revocations opened in %.2f s\n",
	    (unsigned long long)n, bench_wall() - at);
	for (int i = 0; i < 3; i++)
		measure_list(&ca);
	for (int i = 0; i < 3; i++)
		measure_revocation(&ca, csrs);
	bench_ca_close(&ca);
}

int
main(int argc, char **argv)
{
	struct bench_csrs csrs;
	uint64_t n;

	bench_csrs_make(&csrs, 1, false);
	for (int i = 1; i < argc; i++) {
		struct bench b;

		if (!parse_u64(argv[i], 1, 100000000, &n))
			fatal("\"%s\" is not a number of revocations", argv[i]);
		bench_open(&b);
		measure(&b, &csrs, n);
		bench_close(&b);
	}
	bench_csrs_free(&csrs);
	hsm_exit(0);
}
