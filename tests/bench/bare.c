/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

double
bench_bare_pop(const struct bench_csrs *c, unsigned n)
{
	struct csr *csr = mem_calloc(c->n, sizeof(*csr));
	struct error e;
	double cpu;
	unsigned i;

	for (i = 0; i < c->n; i++)
		if (!csr_parse(buf_bytes(&c->pem[i]), "csr", &csr[i], &e))
			bench_fail("csr", &e);
	cpu = bench_cpu();
	for (i = 0; i < n; i++)
		if (!csr_verify(&csr[i % c->n], &e))
			bench_fail("pop", &e);
	cpu = bench_cpu() - cpu;
	for (i = 0; i < c->n; i++)
		csr_free(&csr[i]);
	mem_free(csr);
	return cpu / n;
}

double
bench_bare_verify(struct bench_ca *ca, unsigned n)
{
	const uint8_t digest[32] = { 7 };
	auto_buf struct buf sig = { 0 };
	unsigned attempts, i;
	struct error e;
	double cpu;

	if (!hsm_sign(signer_key_handle(ca->s, &ca->key), ca->alg,
		bytes_of(digest, 32), &sig, &attempts, &e))
		bench_fail("sign", &e);
	cpu = bench_cpu();
	for (i = 0; i < n; i++)
		if (!spki_verify_digest(&ca->spki, ca->alg,
			bytes_of(digest, 32), buf_bytes(&sig), &e))
			bench_fail("verify", &e);
	return (bench_cpu() - cpu) / n;
}
