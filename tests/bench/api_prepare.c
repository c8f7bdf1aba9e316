/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What scripts/bench api needs beside the load:
 *   api_prepare bodies ec-p256|rsa-2048 N   N requests for sign/:role, a line each
 *   api_prepare bare CA-TYPE CSR-TYPE       CPU of the public-key operations alone, on
 *                                           SoftHSM; one line of JSON
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chancery/base/json.h>

#include "bench.h"

#define ROUNDS 3

static bool
is_rsa(const char *type)
{
	return strncmp(type, "rsa", 3) == 0;
}

static void
print(struct buf *out)
{
	buf_add_byte(out, '\n');
	(void)fwrite(out->p, 1, out->n, stdout);
	buf_free(out);
}

static void
bodies(const char *type, size_t n)
{
	struct bench_csrs csrs;

	bench_csrs_make(&csrs, n, is_rsa(type));
	for (size_t i = 0; i < n; i++) {
		struct buf out = { 0 };
		struct json_writer w;

		json_begin(&w, &out);
		json_object_begin(&w);
		json_kv_str(&w, "common_name", "broker-1.kafka.acme.example");
		json_kv_str(&w, "csr", buf_cstr(&csrs.pem[i]));
		json_object_end(&w);
		print(&out);
	}
	bench_csrs_free(&csrs);
}

static double
least(double a, double b)
{
	return a == 0 || b < a ? b : a;
}

/* The least of some rounds: other work on the machine only ever adds. */
static void
bare(const char *ca_type, const char *csr_type)
{
	double pop = 0, sign = 0, verify = 0, rate = 0;
	struct bench_csrs csrs;
	struct bench_ca ca;
	struct bench b;

	bench_open(&b);
	bench_csrs_make(&csrs, 16, is_rsa(csr_type));
	bench_ca_open(&ca, &b, ca_type, 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct hsm_key *k = signer_key_handle(ca.s, &ca.key);
		struct raw_rate one, two;

		pop = least(pop, bench_bare_pop(&csrs, 1000));
		verify = least(verify, bench_bare_verify(&ca, 1000));
		one = raw_sign_rate(k, b.module_path, 1, 0.3);
		two = raw_sign_rate(k, b.module_path, 2, 0.3);
		sign = least(sign, one.cpu_s);
		rate = two.per_s > rate ? two.per_s : rate;
	}
	(void)printf("{\"pop_us\":%.1f,\"sign_us\":%.1f,\"verify_us\":%.1f,"
		     "\"token_per_s\":%.0f}\n",
	    pop * 1e6, sign * 1e6, verify * 1e6, rate);
	(void)fflush(stdout);
	bench_ca_close(&ca);
	bench_csrs_free(&csrs);
	bench_close(&b);
	hsm_exit(0);
}

int
main(int argc, char **argv)
{
	if (argc != 4)
		errx(64, "usage: api_prepare bodies TYPE N | bare TYPE TYPE");
	if (strcmp(argv[1], "bodies") == 0)
		bodies(argv[2], strtoul(argv[3], NULL, 10));
	else
		bare(argv[2], argv[3]);
	return 0;
}
