/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The register at size: appending, opening, verifying.
 *
 *   bench_register              1,000,000 records in TMPDIR: all three, then gone
 *   bench_register gen DIR N    a valid register: INTENT and SIGNED with random
 *                               bytes, a REVOKE for every tenth certificate
 *   bench_register open DIR
 *   bench_register verify DIR
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>
#include <chancery/register/register.h>

#define BATCH 64
#define TBS_BYTES 400
#define RECORDS 1000000

static double
seconds(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool
add(struct reg *r, struct record *rec, uint64_t *n, struct error *e)
{
	return reg_append(r, rec, (struct bytes){ 0 }, n, e);
}

static bool
add_key(struct reg *r, struct sha256 *key, struct error *e)
{
	uint8_t spki[91];
	struct record rec;
	uint64_t n;

	random_bytes(spki, sizeof(spki));
	*key = sha256(bytes_of(spki, sizeof(spki)));
	record_init(&rec, REC_KEYGEN_INTENT);
	record_bytes(&rec, "id", bytes_of(spki, 16));
	record_text(&rec, "label", "bench");
	record_text(&rec, "token", "none");
	record_text(&rec, "type", "ec-p256");
	record_text(&rec, "who", "bench");
	record_text(&rec, "why", "bench");
	if (!add(r, &rec, &n, e))
		return false;
	record_init(&rec, REC_KEYGEN_DONE);
	record_int(&rec, "intent", (int64_t)n);
	record_hash(&rec, "key", key);
	record_text(&rec, "module", "none");
	record_bytes(&rec, "spki", bytes_of(spki, sizeof(spki)));
	if (!add(r, &rec, &n, e))
		return false;
	record_init(&rec, REC_CHARTER);
	record_json(&rec, "charter", bytes_str("{}"));
	record_hash(&rec, "key", key);
	record_text(&rec, "who", "bench");
	record_text(&rec, "why", "bench");
	return add(r, &rec, &n, e);
}

static bool
add_intent(struct reg *r, const struct sha256 *key, uint8_t serial[20],
    uint64_t *n, struct error *e)
{
	uint8_t tbs[TBS_BYTES], req[16];
	struct sha256 hash;
	struct record rec;

	random_bytes(tbs, sizeof(tbs));
	random_bytes(req, sizeof(req));
	random_bytes(serial, 20);
	serial[0] = (serial[0] & 0x7f) | 0x40;
	hash = sha256(bytes_of(tbs, sizeof(tbs)));
	record_init(&rec, REC_INTENT);
	record_text(&rec, "alg", "ecdsa-sha256");
	record_hash(&rec, "key", key);
	record_text(&rec, "kind", "leaf");
	record_text(&rec, "profile", "kafka-broker");
	record_bytes(&rec, "req", bytes_of(req, sizeof(req)));
	record_bytes(&rec, "serial", bytes_of(serial, 20));
	record_hash(&rec, "sha256", &hash);
	record_bytes(&rec, "tbs", bytes_of(tbs, sizeof(tbs)));
	record_text(&rec, "who", "broker-17.kafka.example");
	record_text(&rec, "why", "renewal");
	return add(r, &rec, n, e);
}

static bool
add_signed(struct reg *r, uint64_t intent, uint64_t *n, struct error *e)
{
	struct record rec;
	uint8_t sig[71];

	random_bytes(sig, sizeof(sig));
	record_init(&rec, REC_SIGNED);
	record_int(&rec, "attempts", 1);
	record_int(&rec, "intent", (int64_t)intent);
	record_bytes(&rec, "sig", bytes_of(sig, sizeof(sig)));
	return add(r, &rec, n, e);
}

static bool
add_revoke(struct reg *r, const struct sha256 *key, const uint8_t serial[20],
    uint64_t cert, struct error *e)
{
	struct record rec;
	uint64_t n;

	record_init(&rec, REC_REVOKE);
	record_int(&rec, "cert", (int64_t)cert);
	record_time(&rec, "date", 1790000000);
	record_hash(&rec, "key", key);
	record_time(&rec, "not_after", 1890000000);
	record_int(&rec, "partition", 0);
	record_text(&rec, "reason", "superseded");
	record_bytes(&rec, "serial", bytes_of(serial, 20));
	record_text(&rec, "who", "bench");
	record_text(&rec, "why", "replaced");
	return add(r, &rec, &n, e);
}

/* INTENTs in one commit, their outcomes in the next, as the signer makes them. */
static bool
one_round(struct reg *r, const struct sha256 *key, uint64_t *count,
    struct error *e)
{
	uint64_t intent[BATCH], signed_;
	uint8_t serial[BATCH][20];

	for (size_t i = 0; i < BATCH; i++)
		if (!add_intent(r, key, serial[i], &intent[i], e))
			return false;
	if (!reg_commit(r, e))
		return false;
	for (size_t i = 0; i < BATCH; i++) {
		if (!add_signed(r, intent[i], &signed_, e))
			return false;
		if (++*count % 10 == 0 &&
		    !add_revoke(r, key, serial[i], signed_, e))
			return false;
	}
	return true;
}

static bool
generate(const char *dir, uint64_t n, struct error *e)
{
	struct reg_config cfg = { .dir = dir,
		.origin = "bench.example/log",
		.software = "bench_register" };
	auto_reg struct reg *r = reg_create(&cfg, e);
	struct sha256 key;
	uint64_t count = 0;

	if (r == NULL || !add_key(r, &key, e))
		return false;
	while (reg_size(r) < n)
		if (!one_round(r, &key, &count, e))
			return false;
	return reg_commit(r, e);
}

static bool
open_close(const char *dir, struct error *e)
{
	struct reg_config cfg = { .dir = dir, .software = "bench_register" };
	auto_reg struct reg *r = reg_open(&cfg, e);

	return r != NULL;
}

static bool
verify(const char *dir, struct error *e)
{
	struct reg_verify_report v;

	if (!reg_verify(dir, NULL, &v, e))
		return false;
	(void)printf("  %" PRIu64 " records, %" PRIu64 " revoked, %" PRIu64
		     " snapshots\n",
	    v.records, v.revoked, v.snapshots);
	return true;
}

static bool
work(const char *what, const char *dir, uint64_t n, struct error *e)
{
	if (strcmp(what, "gen") == 0)
		return generate(dir, n, e);
	if (strcmp(what, "open") == 0)
		return open_close(dir, e);
	if (strcmp(what, "verify") == 0)
		return verify(dir, e);
	return error_set(e, FAIL_USAGE,
	    "bench_register [gen DIR N | open DIR | verify DIR]");
}

static int
measured(const char *what, const char *dir, uint64_t n)
{
	double wall = seconds(CLOCK_MONOTONIC);
	struct rusage use;
	struct error e;

	if (!work(what, dir, n, &e)) {
		(void)fprintf(stderr, "bench_register: %s\n", e.msg);
		return 1;
	}
	(void)getrusage(RUSAGE_SELF, &use);
	(void)printf("register %-7s wall %7.3f s  cpu %7.3f s  peak %ld MiB\n",
	    what, seconds(CLOCK_MONOTONIC) - wall,
	    seconds(CLOCK_PROCESS_CPUTIME_ID), use.ru_maxrss / 1024);
	return fflush(stdout) == 0 ? 0 : 1;
}

/* Each in a process of its own: their memory is told apart. */
static int
in_child(const char *what, const char *dir)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		_exit(measured(what, dir, RECORDS));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return status == 0 ? 0 : 1;
}

static int
run_all(void)
{
	const char *tmp = getenv("TMPDIR");
	auto_mem char *dir =
	    mem_printf("%s/bench-register-XXXXXX", tmp == NULL ? "/tmp" : tmp);
	auto_mem char *reg = NULL;

	if (mkdtemp(dir) == NULL)
		return 1;
	(void)printf("%d records in %s\n", RECORDS, dir);
	reg = mem_printf("%s/reg", dir);
	return in_child("gen", reg) != 0 || in_child("open", reg) != 0 ||
	    in_child("verify", reg) != 0;
}

int
main(int argc, char **argv)
{
	uint64_t n = RECORDS;

	if (argc < 3)
		return run_all();
	if (argc > 3 && !parse_u64(argv[3], 1, 1000000000, &n))
		return 64;
	return measured(argv[1], argv[2], n);
}
