/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable path of one leaf certificate, in process, on SoftHSM: CSR decode,
 * proof of possession, weak-key checks, TBS, lint, charter, INTENT, C_Sign, own
 * verification, SIGNED, assembly. Beside it, in the same run and in turns with it,
 * the bare public-key operations that it cannot do without.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <chancery/pki/lint.h>

#include "bench.h"

enum stage {
	STAGE_DECODE,
	STAGE_POP,
	STAGE_WEAK,
	STAGE_TBS,
	STAGE_LINT,
	STAGE_SUBMIT,
	STAGE_TURN,
	STAGE_ASSEMBLE,
	STAGE__COUNT
};
static const char *const stage_names[] = { "CSR decode", "proof of possession",
	"weak-key checks", "serial, TBS", "lint", "submit",
	"charter, register, C_Sign, verify", "assemble, PEM" };

struct run {
	struct bench_ca *ca;
	const struct bench_csrs *csrs;
	unsigned in_flight, limit, done;
	/* HELLO hands them out in batches. */
	uint8_t serial[256][LIMIT_SERIAL_BYTES];
	unsigned serials;
	bool staged;
	double stage[STAGE__COUNT];
};

struct flight {
	struct run *run;
	struct buf tbs;
};

static double
lap(struct run *r, enum stage stage, double since)
{
	double now;

	/* Reading the clock costs as much as a small stage. */
	if (!r->staged)
		return 0;
	now = bench_cpu();
	r->stage[stage] += now - since;
	return now;
}

static void
finished(void *arg, const struct signer_reply *a)
{
	auto_buf struct buf der = { 0 };
	auto_buf struct buf pem = { 0 };
	struct flight *f = arg;
	double t = f->run->staged ? bench_cpu() : 0;

	if (!a->ok)
		bench_fail("certify", &a->err);
	cert_assemble(buf_bytes(&f->tbs), f->run->ca->alg, a->sig, &der);
	pem_encode("CERTIFICATE", buf_bytes(&der), &pem);
	f->run->in_flight--;
	f->run->done++;
	/* It ran inside a turn. */
	f->run->stage[STAGE_TURN] -= lap(f->run, STAGE_ASSEMBLE, t) - t;
	buf_free(&f->tbs);
	mem_free(f);
}

static void
take_serial(struct run *r, uint8_t serial[LIMIT_SERIAL_BYTES])
{
	struct error e;

	if (r->serials == 0) {
		r->serials = countof(r->serial);
		if (!signer_serials(r->ca->s, r->serials, r->serial, &e))
			bench_fail("serial", &e);
	}
	memcpy(serial, r->serial[--r->serials], LIMIT_SERIAL_BYTES);
}

static void
build(struct tbs_template *tmpl, const struct csr *csr,
    const uint8_t serial[LIMIT_SERIAL_BYTES], struct flight *f)
{
	const struct general_name san = { GN_DNS,
		bytes_str("broker-1.kafka.acme.example") };
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	struct tbs_request req = { .subject = csr->subject,
		.key = &csr->key,
		.not_before_s = now_s,
		.not_after_s = now_s + 86400,
		.san = &san,
		.san_count = 1 };
	struct error e;

	req.serial = bytes_of(serial, LIMIT_SERIAL_BYTES);
	if (!tbs_write(tmpl, &req, &f->tbs, &e))
		bench_fail("tbs", &e);
}

static void
lint(const struct run *r, struct flight *f)
{
	struct tbs_view view;
	struct lint_context c = { .tbs = &view,
		.issuer = &r->ca->issuer,
		.issuer_spki = buf_bytes(&r->ca->spki_der),
		.now_s = clock_wall_ms(&clock_system) / 1000,
		.profile = profile_builtin("kafka-broker") };
	struct lint_report report;
	const struct lint_finding *stop;
	struct error e;

	if (!tbs_parse(buf_bytes(&f->tbs), &view, &e))
		bench_fail("parse", &e);
	lint_run(&c, &report);
	stop = lint_stopper(&report, c.profile, false);
	if (stop != NULL)
		fatal("lint: %s: %s", stop->rule->name, stop->text);
}

static void
submit(struct run *r, struct flight *f)
{
	const struct signer_certify req = { .key = r->ca->key,
		.tbs = buf_bytes(&f->tbs),
		.profile = "kafka-broker",
		.claim = { .who = "bench", .why = "bench" },
		.retry_of = UINT64_MAX };
	struct error e;

	if (!signer_certify(r->ca->s, &req, finished, f, &e))
		bench_fail("submit", &e);
	r->in_flight++;
}

static void
one(struct run *r, const struct buf *pem)
{
	auto_csr struct csr csr = { 0 };
	struct flight *f = mem_calloc(1, sizeof(*f));
	uint8_t serial[LIMIT_SERIAL_BYTES];
	double t = r->staged ? bench_cpu() : 0;
	struct error e;

	f->run = r;
	if (!csr_parse(buf_bytes(pem), "csr", &csr, &e))
		bench_fail("csr", &e);
	t = lap(r, STAGE_DECODE, t);
	if (!csr_verify(&csr, &e))
		bench_fail("pop", &e);
	t = lap(r, STAGE_POP, t);
	if (!spki_check_strong(&csr.key, &e))
		bench_fail("weak", &e);
	t = lap(r, STAGE_WEAK, t);
	take_serial(r, serial);
	build(r->ca->tmpl, &csr, serial, f);
	t = lap(r, STAGE_TBS, t);
	lint(r, f);
	t = lap(r, STAGE_LINT, t);
	submit(r, f);
	(void)lap(r, STAGE_SUBMIT, t);
}

struct result {
	double per_s, cpu_s;
};

static struct result
pipeline(struct run *r, unsigned n)
{
	double wall = bench_wall(), cpu = bench_cpu(), t;
	unsigned started = 0;
	struct error e;

	r->done = 0;
	while (r->done < n) {
		while (started < n && r->in_flight < r->limit)
			one(r, &r->csrs->pem[started++ % r->csrs->n]);
		t = r->staged ? bench_cpu() : 0;
		if (!signer_turn(r->ca->s, true, &e))
			bench_fail("turn", &e);
		(void)lap(r, STAGE_TURN, t);
	}
	return (struct result){ (double)n / (bench_wall() - wall),
		(bench_cpu() - cpu) / (double)n };
}

/* ---- the same with fronts on threads of their own, as a server has them ---- */

#define FRONTS 2
#define READY_MAX 64

struct fronts {
	struct run *run;
	uint8_t (*serial)[LIMIT_SERIAL_BYTES];
	unsigned n;
	atomic_uint next;
	pthread_mutex_t lock;
	pthread_cond_t room, work;
	struct flight *ready[READY_MAX];
	unsigned count;
};

static struct flight *
front_one(struct run *r, struct tbs_template *tmpl, const struct buf *pem,
    const uint8_t serial[LIMIT_SERIAL_BYTES])
{
	auto_csr struct csr csr = { 0 };
	struct flight *f = mem_calloc(1, sizeof(*f));
	struct error e;

	f->run = r;
	if (!csr_parse(buf_bytes(pem), "csr", &csr, &e) ||
	    !csr_verify(&csr, &e) || !spki_check_strong(&csr.key, &e))
		bench_fail("csr", &e);
	build(tmpl, &csr, serial, f);
	lint(r, f);
	return f;
}

static void *
front(void *arg)
{
	struct fronts *x = arg;
	struct run *r = x->run;
	struct tbs_template *tmpl;
	struct flight *f;
	struct error e;
	unsigned i;

	tmpl = tbs_template_new(profile_builtin("kafka-broker"), &r->ca->issuer,
	    &e);
	if (tmpl == NULL)
		bench_fail("template", &e);
	while ((i = atomic_fetch_add(&x->next, 1)) < x->n) {
		f = front_one(r, tmpl, &r->csrs->pem[i % r->csrs->n],
		    x->serial[i]);
		(void)pthread_mutex_lock(&x->lock);
		while (x->count == READY_MAX)
			(void)pthread_cond_wait(&x->room, &x->lock);
		x->ready[x->count++] = f;
		(void)pthread_cond_signal(&x->work);
		(void)pthread_mutex_unlock(&x->lock);
	}
	tbs_template_free(tmpl);
	return NULL;
}

/* Everything that is ready, up to the limit; waits when nothing else is to do. */
static void
take_ready(struct fronts *x)
{
	struct run *r = x->run;

	(void)pthread_mutex_lock(&x->lock);
	while (x->count == 0 && r->in_flight == 0)
		(void)pthread_cond_wait(&x->work, &x->lock);
	while (x->count > 0 && r->in_flight < r->limit)
		submit(r, x->ready[--x->count]);
	(void)pthread_cond_broadcast(&x->room);
	(void)pthread_mutex_unlock(&x->lock);
}

static struct result
fronted(struct run *r, unsigned n)
{
	struct fronts x = { .run = r, .n = n };
	pthread_t t[FRONTS];
	double wall, cpu;
	struct error e;
	unsigned i;

	x.serial = mem_calloc(n, sizeof(*x.serial));
	(void)pthread_mutex_init(&x.lock, NULL);
	(void)pthread_cond_init(&x.room, NULL);
	(void)pthread_cond_init(&x.work, NULL);
	if (!signer_serials(r->ca->s, n, x.serial, &e))
		bench_fail("serials", &e);
	r->done = 0;
	wall = bench_wall();
	cpu = bench_cpu();
	for (i = 0; i < FRONTS; i++)
		if (pthread_create(&t[i], NULL, front, &x) != 0)
			fatal("pthread_create");
	while (r->done < n) {
		take_ready(&x);
		if (!signer_turn(r->ca->s, true, &e))
			bench_fail("turn", &e);
	}
	wall = bench_wall() - wall;
	cpu = bench_cpu() - cpu;
	for (i = 0; i < FRONTS; i++)
		(void)pthread_join(t[i], NULL);
	mem_free(x.serial);
	return (struct result){ (double)n / wall, cpu / (double)n };
}

static int
compare(const void *a, const void *b)
{
	double x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static double
median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

#define ROUNDS 5

static void
print_stages(const struct run *r, unsigned certs)
{
	unsigned i;

	for (i = 0; i < STAGE__COUNT; i++)
		(void)printf("    %-36s %8.1f us\n", stage_names[i],
		    r->stage[i] / certs * 1e6);
}

/* CPU: one thread does everything, so that CPU is what there is to count. */
static void
cpu_ratio(struct bench *b, const char *type, const struct bench_csrs *csrs,
    unsigned n)
{
	double ratio[ROUNDS], cpu[ROUNDS], pop[ROUNDS], sign[ROUNDS],
	    verify[ROUNDS];
	struct run r = { .csrs = csrs, .limit = 32 };
	struct bench_ca ca;
	unsigned i;

	bench_ca_open(&ca, b, type, 0);
	r.ca = &ca;
	r.staged = true;
	(void)pipeline(&r, n);
	r.staged = false;
	for (i = 0; i < ROUNDS; i++) {
		pop[i] = bench_bare_pop(csrs, n);
		sign[i] = raw_sign_rate(signer_key_handle(ca.s, &ca.key),
		    b->module_path, 1, 0.1)
			      .cpu_s;
		verify[i] = bench_bare_verify(&ca, n);
		cpu[i] = pipeline(&r, n).cpu_s;
		ratio[i] = cpu[i] / (pop[i] + sign[i] + verify[i]);
	}
	(void)printf("CPU per certificate, %s CA, 32 in flight: %.1f us\n",
	    type, median(cpu, ROUNDS) * 1e6);
	print_stages(&r, n);
	(void)printf("  bare: proof of possession %.1f + C_Sign %.1f + own "
		     "verification %.1f us\n",
	    median(pop, ROUNDS) * 1e6, median(sign, ROUNDS) * 1e6,
	    median(verify, ROUNDS) * 1e6);
	(void)printf("  ratio %.2f (wanted: at most 1.35 for ec-p256)\n",
	    median(ratio, ROUNDS));
	bench_ca_close(&ca);
}

/* Throughput against the token's own, on all cores. */
static void
rate_ratio(struct bench *b, const char *type, const struct bench_csrs *csrs,
    unsigned workers, unsigned n, double wanted)
{
	double ratio[ROUNDS], rate[ROUNDS], raw[ROUNDS], cpu[ROUNDS],
	    bare[ROUNDS];
	struct raw_rate base;
	struct result res;
	struct run r = { .csrs = csrs, .limit = 32 };
	struct bench_ca ca;
	unsigned i;

	bench_ca_open(&ca, b, type, workers);
	r.ca = &ca;
	(void)pipeline(&r, n / 4);
	for (i = 0; i < ROUNDS; i++) {
		base = raw_sign_rate(signer_key_handle(ca.s, &ca.key),
		    b->module_path, workers, 0.5);
		raw[i] = base.per_s;
		bare[i] = base.cpu_s;
		res = fronted(&r, n);
		rate[i] = res.per_s;
		cpu[i] = res.cpu_s;
		ratio[i] = rate[i] / raw[i];
	}
	(void)printf("rate, %s CA, %u workers: %.0f certificates/s, bare "
		     "C_Sign %.0f/s, ratio %.2f",
	    type, workers, median(rate, ROUNDS), median(raw, ROUNDS),
	    median(ratio, ROUNDS));
	if (wanted > 0)
		(void)printf(" (wanted: at least %.2f)", wanted);
	(void)printf("; CPU %.0f us a certificate, %.0f us bare\n",
	    median(cpu, ROUNDS) * 1e6, median(bare, ROUNDS) * 1e6);
	bench_ca_close(&ca);
}

/* A network HSM: 2 ms in every C_Sign, 32 sessions, or as many as the queue finds useful.
 * The bound is 32 / 2 ms, or the CPU. */
static void
slow_module(struct bench *b, const struct bench_csrs *csrs, unsigned workers,
    unsigned n)
{
	struct run r = { .csrs = csrs, .limit = 64 };
	double rate[ROUNDS], cpu[ROUNDS];
	struct bench_ca ca;
	struct result res;
	unsigned i;

	bench_ca_open(&ca, b, "ec-p256", workers);
	r.ca = &ca;
	(void)pipeline(&r, n / 4);
	for (i = 0; i < ROUNDS; i++) {
		res = fronted(&r, n);
		rate[i] = res.per_s;
		cpu[i] = res.per_s * res.cpu_s;
	}
	(void)printf("slow module (2 ms in C_Sign), %s: %.0f "
		     "certificates/s = %.2f of 32 sessions / latency, %.2f "
		     "CPUs busy "
		     "(wanted: at least 0.80, or the CPU full)\n",
	    workers == KEY_WORKERS_AUTO ? "sessions by themselves"
					: "32 sessions",
	    median(rate, ROUNDS), median(rate, ROUNDS) / 16000,
	    median(cpu, ROUNDS));
	bench_ca_close(&ca);
}

/* Only the path itself, for a profiler. */
static void
profile(struct bench *b, const struct bench_csrs *csrs)
{
	struct run r = { .csrs = csrs, .limit = 32 };
	struct bench_ca ca;

	bench_ca_open(&ca, b, "ec-p256", 0);
	r.ca = &ca;
	(void)pipeline(&r, 2000);
	bench_ca_close(&ca);
}

int
main(int argc, char **argv)
{
	struct bench_csrs ec, rsa;
	struct bench b;

	/* One module a process: the slow one runs in a process of its own. */
	bench_csrs_make(&ec, 128, false);
	if (argc > 1 && strcmp(argv[1], "--slow") == 0) {
		bench_open(&b);
		slow_module(&b, &ec, 32, 8000);
		slow_module(&b, &ec, KEY_WORKERS_AUTO, 8000);
		bench_close(&b);
		(void)fflush(stdout);
		hsm_exit(0);
	}
	bench_open(&b);
	if (argc > 1 && strcmp(argv[1], "--profile") == 0) {
		profile(&b, &ec);
		hsm_exit(0);
	}
	bench_csrs_make(&rsa, 32, true);
	if (argc > 1 && strcmp(argv[1], "--rsa") == 0) {
		cpu_ratio(&b, "rsa-2048", &rsa, 600);
		rate_ratio(&b, "rsa-2048", &rsa, 2, 2000, 0.80);
		hsm_exit(0);
	}
	cpu_ratio(&b, "ec-p256", &ec, 2000);
	rate_ratio(&b, "ec-p256", &ec, 2, 4000, 0.0);
	rate_ratio(&b, "rsa-2048", &rsa, 2, 2000, 0.80);
	bench_csrs_free(&ec);
	bench_csrs_free(&rsa);
	bench_close(&b);
	(void)fflush(stdout);
	/* Another module: another process. */
	(void)setenv("FAULT_PKCS11_MODULE", b.module_path, 1);
	(void)setenv("FAULT_PKCS11_RULES", "C_Sign:sleep_ms=2", 1);
	(void)setenv("CHANCERY_BENCH_MODULE", FAULT_MODULE, 1);
	(void)execl("/proc/self/exe", argv[0], "--slow", (char *)NULL);
	hsm_exit(1);
}
