/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The store at size: writing into an empty and a full one, reading, opening; and its
 * making from a register.
 *
 *   bench_store                  1,000,000 certificates in TMPDIR: all of it, then gone
 *   bench_store rows N [DIR]     a store with N certificates
 *   bench_store register N [DIR] a register with N certificates, the store from it
 *   bench_store more N DIR       the store of `rows`, with N so far: more of them
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include <chancery/base/text.h>
#include <chancery/server/catchup.h>

#include "register_certs.h"

#define DER_BYTES 900
#define MEASURED 200000
#define READS 100000
#define ORIGIN CERTS_ORIGIN

static double
seconds(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
wall(void)
{
	return seconds(CLOCK_MONOTONIC);
}

static double
cpu(void)
{
	return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static double
peak_mib(void)
{
	struct rusage use;

	(void)getrusage(RUSAGE_SELF, &use);
	return (double)use.ru_maxrss / 1024;
}

static double
file_mib(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (double)st.st_size / (1 << 20) : 0;
}

/* ---- rows -------------------------------------------------------------- */

static void
put_rows(struct store *s, uint64_t from, uint64_t n)
{
	static uint8_t der[DER_BYTES];
	struct store_cert c = { .mount = "pki",
		.origin = ORIGIN,
		.not_before_s = 1790000000,
		.not_after_s = 1792592000,
		.der = { der, sizeof(der) } };
	struct error e;

	random_bytes(der, sizeof(der));
	for (uint64_t i = from; i < from + n; i++) {
		certs_serial(i, c.serial);
		memcpy(der + 16, c.serial, sizeof(c.serial));
		c.index = 2 * i + 1;
		while (!store_cert_put(s, &c, &e)) {
			certs_must(e.why == FAIL_BUSY, &e);
			certs_must(store_sync(s, &e), &e);
		}
	}
	certs_must(store_sync(s, &e), &e);
}

static void
measure_put(struct store *s, uint64_t from, const char *what)
{
	double w = wall(), c = cpu();

	put_rows(s, from, MEASURED);
	w = wall() - w;
	c = cpu() - c;
	(void)printf("  put, %-18s %8.0f rows/s  %5.1f us CPU a row\n", what,
	    MEASURED / w, 1e6 * c / MEASURED);
}

static void
measure_get(struct store *s, uint64_t n)
{
	struct buf mem = { 0 };
	uint8_t serial[LIMIT_SERIAL_BYTES];
	struct store_cert c;
	struct error e;
	double w = wall();
	uint64_t at = 1;

	for (int i = 0; i < READS; i++) {
		at = at * UINT64_C(6364136223846793005) + 1442695040888963407U;
		certs_serial((at >> 20) % n, serial);
		certs_must(store_cert_get(s, "pki", serial, &c, &mem, &e), &e);
	}
	(void)printf("  get                    %8.1f us\n",
	    1e6 * (wall() - w) / READS);
	buf_free(&mem);
}

struct page {
	uint8_t last[LIMIT_SERIAL_BYTES];
	uint64_t n;
};

static bool
take_row(void *arg, const struct store_cert *c)
{
	struct page *p = arg;

	memcpy(p->last, c->serial, sizeof(p->last));
	p->n++;
	return true;
}

static void
measure_list(struct store *s)
{
	struct store_cert_query q = { .mount = "pki", .limit = 1000 };
	struct page p = { 0 };
	struct error e;
	uint64_t before;
	double w = wall();

	do {
		before = p.n;
		q.after = p.n == 0 ? NULL : p.last;
		certs_must(store_cert_list(s, &q, take_row, &p, &e), &e);
	} while (p.n > before);
	w = wall() - w;
	(void)
	    printf("  list of all            %8.2f s, %.2f us a row, pages of "
		   "1000: %.2f ms\n",
		w, 1e6 * w / (double)p.n, 1e6 * w / (double)p.n);
}

static void
measure_rest(struct store *s)
{
	struct sha256 sum;
	struct error e;
	uint64_t certs, revoked;
	double w = wall();

	certs_must(store_cert_count(s, "pki", &certs, &revoked, &e), &e);
	(void)printf("  count                  %8.1f us (%llu)\n",
	    1e6 * (wall() - w), (unsigned long long)certs);
	w = wall();
	certs_must(store_digest(s, &sum, &e), &e);
	(void)printf("  digest                 %8.2f s\n", wall() - w);
}

static struct store *
open_store(const char *path, bool create, bool bulk)
{
	struct store_config cfg = { .path = path,
		.create = create,
		.bulk = bulk };
	struct error e = { 0 };
	struct store *s = store_open(&cfg, &e);

	certs_must(s != NULL, &e);
	return s;
}

static void
rows(const char *dir, uint64_t n)
{
	auto_mem char *path = mem_printf("%s/store.sqlite", dir);
	struct store *s = open_store(path, true, false);
	struct error e;
	double w;

	measure_put(s, 0, "empty");
	if (n > MEASURED)
		put_rows(s, MEASURED, n - MEASURED);
	measure_put(s, n, "with all");
	measure_get(s, n);
	measure_list(s);
	measure_rest(s);
	w = wall();
	certs_must(store_close(s, &e), &e);
	(void)printf("  close                  %8.1f ms\n", 1e3 * (wall() - w));
	w = wall();
	s = open_store(path, false, false);
	put_rows(s, n + MEASURED, 1);
	(void)printf("  open, first row        %8.1f ms\n", 1e3 * (wall() - w));
	certs_must(store_close(s, &e), &e);
	(void)printf("  file %.0f MiB, peak %.0f MiB\n", file_mib(path),
	    peak_mib());
}

static void
more(const char *dir, uint64_t n)
{
	auto_mem char *path = mem_printf("%s/store.sqlite", dir);
	struct store *s = open_store(path, false, false);
	struct error e;

	measure_put(s, n, "with all");
	certs_must(store_close(s, &e), &e);
}

/* ---- from a register --------------------------------------------------- */

static void
from_register(const char *dir, uint64_t n)
{
	auto_mem char *reg = mem_printf("%s/register", dir);
	auto_mem char *path = mem_printf("%s/rebuilt.sqlite", dir);
	struct catchup_report r;
	struct store *s;
	struct error e;
	double w, c;

	certs_register(reg, n, 0);
	(void)printf("  register made, peak %.0f MiB\n", peak_mib());
	s = open_store(path, true, true);
	w = wall();
	c = cpu();
	certs_must(catchup_run(s, reg, NULL, &r, &e) && store_close(s, &e), &e);
	w = wall() - w;
	(void)
	    printf("  rebuild of %-11llu %8.1f s, %.0f certificates/s, %.1f us "
		   "CPU each, peak %.0f MiB\n",
		(unsigned long long)r.certs, w, (double)r.certs / w,
		1e6 * (cpu() - c) / (double)r.certs, peak_mib());
	w = wall();
	s = open_store(path, false, false);
	certs_must(catchup_run(s, reg, NULL, &r, &e), &e);
	(void)printf("  open, nothing to do    %8.1f ms\n", 1e3 * (wall() - w));
	certs_must(store_close(s, &e), &e);
	(void)printf("  file %.0f MiB\n", file_mib(path));
}

static int
in_new_dir(uint64_t n)
{
	const char *tmp = getenv("TMPDIR");
	auto_mem char *dir =
	    mem_printf("%s/bench-store-XXXXXX", tmp == NULL ? "/tmp" : tmp);

	if (mkdtemp(dir) == NULL)
		return 1;
	(void)printf("store of %llu in %s\n", (unsigned long long)n, dir);
	rows(dir, n);
	from_register(dir, n);
	return 0;
}

int
main(int argc, char **argv)
{
	uint64_t n = 1000000;

	if (argc > 2 && !parse_u64(argv[2], MEASURED, 100000000, &n))
		return 64;
	if (argc < 4)
		return in_new_dir(n);
	if (strcmp(argv[1], "rows") == 0)
		rows(argv[3], n);
	else if (strcmp(argv[1], "more") == 0)
		more(argv[3], n);
	else
		from_register(argv[3], n);
	return 0;
}
