/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The store at size: writing into an empty and a full one, reading, opening; and its
 * making from a register.
 *
 *   bench_store                  1,000,000 certificates in TMPDIR: all of it, then gone
 *   bench_store rows N [DIR]     a store with N certificates
 *   bench_store register N [DIR] a register with N certificates, the store from it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/x509.h>

#include <chancery/base/text.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/spki.h>
#include <chancery/pki/tbs.h>
#include <chancery/register/register.h>
#include <chancery/server/catchup.h>

#define DER_BYTES 900
#define MEASURED 200000
#define READS 100000
#define ORIGIN "bench.example/log"

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

static void
must(bool ok, const struct error *e)
{
	if (!ok)
		fatal("%s", e->msg);
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
serial_of(uint64_t n, uint8_t out[LIMIT_SERIAL_BYTES])
{
	struct sha256 h = sha256(bytes_of(&n, sizeof(n)));

	memcpy(out, h.b, LIMIT_SERIAL_BYTES);
	out[0] = (out[0] & 0x7f) | 0x40;
}

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
		serial_of(i, c.serial);
		memcpy(der + 16, c.serial, sizeof(c.serial));
		c.index = 2 * i + 1;
		while (!store_cert_put(s, &c, &e)) {
			must(e.why == FAIL_BUSY, &e);
			must(store_sync(s, &e), &e);
		}
	}
	must(store_sync(s, &e), &e);
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
		serial_of((at >> 20) % n, serial);
		must(store_cert_get(s, "pki", serial, &c, &mem, &e), &e);
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
		must(store_cert_list(s, &q, take_row, &p, &e), &e);
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

	must(store_cert_count(s, "pki", &certs, &revoked, &e), &e);
	(void)printf("  count                  %8.1f us (%llu)\n",
	    1e6 * (wall() - w), (unsigned long long)certs);
	w = wall();
	must(store_digest(s, &sum, &e), &e);
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

	must(s != NULL, &e);
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
	must(store_close(s, &e), &e);
	(void)printf("  close                  %8.1f ms\n", 1e3 * (wall() - w));
	w = wall();
	s = open_store(path, false, false);
	put_rows(s, n + MEASURED, 1);
	(void)printf("  open, first row        %8.1f ms\n", 1e3 * (wall() - w));
	must(store_close(s, &e), &e);
	(void)printf("  file %.0f MiB, peak %.0f MiB\n", file_mib(path),
	    peak_mib());
}

/* ---- from a register --------------------------------------------------- */

struct template
{
	struct buf tbs;
	size_t serial_at;
	struct sha256 key;
	struct buf spki;
};

static void
make_key(struct buf *der)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	uint8_t *p = NULL;
	int n = i2d_PUBKEY(k, &p);

	buf_add(der, p, (size_t)n);
	OPENSSL_free(p);
	EVP_PKEY_free(k);
}

/* One good TBS; certificates differ in their serials. */
static void
make_template(struct template *t)
{
	static const char cn[] = "CN=broker.kafka.example";
	struct tbs_issuer issuer = { .alg = SIG_ECDSA_SHA256,
		.not_before_s = 1780000000,
		.not_after_s = 2000000000 };
	struct general_name san = { .kind = GN_DNS };
	struct buf name = { 0 };
	struct spki key;
	struct tbs_request r = { .not_before_s = 1790000000,
		.not_after_s = 1792592000,
		.san = &san,
		.san_count = 1 };
	struct tbs_template *tmpl;
	struct tbs_view v;
	struct error e;
	uint8_t serial[LIMIT_SERIAL_BYTES];

	make_key(&t->spki);
	t->key = sha256(buf_bytes(&t->spki));
	must(spki_parse(buf_bytes(&t->spki), &key, &e), &e);
	must(name_parse(cn, &name, &e), &e);
	issuer.name = r.subject = buf_bytes(&name);
	r.key = &key;
	san.value = bytes_str("broker.kafka.example");
	serial_of(0, serial);
	r.serial = bytes_of(serial, sizeof(serial));
	tmpl = tbs_template_new(profile_builtin("kafka-broker"), &issuer, &e);
	must(tmpl != NULL && tbs_write(tmpl, &r, &t->tbs, &e), &e);
	tbs_template_free(tmpl);
	must(tbs_parse(buf_bytes(&t->tbs), &v, &e), &e);
	t->serial_at = (size_t)(v.serial.p - t->tbs.p);
	buf_free(&name);
}

static uint64_t
add(struct reg *r, struct record *rec, struct bytes body)
{
	struct error e;
	uint64_t n = 0;

	must(reg_append(r, rec, body, &n, &e), &e);
	return n;
}

static void
add_key(struct reg *r, const struct template *t)
{
	struct record rec;
	uint64_t n;

	record_init(&rec, REC_KEYGEN_INTENT);
	record_bytes(&rec, "id", bytes_of(t->spki.p, 16));
	record_text(&rec, "label", "bench");
	record_text(&rec, "token", "none");
	record_text(&rec, "type", "ec-p256");
	record_text(&rec, "who", "bench");
	record_text(&rec, "why", "bench");
	n = add(r, &rec, (struct bytes){ 0 });
	record_init(&rec, REC_KEYGEN_DONE);
	record_int(&rec, "intent", (int64_t)n);
	record_hash(&rec, "key", &t->key);
	record_text(&rec, "module", "none");
	record_bytes(&rec, "spki", buf_bytes(&t->spki));
	(void)add(r, &rec, (struct bytes){ 0 });
	record_init(&rec, REC_CHARTER);
	record_json(&rec, "charter", bytes_str("{}"));
	record_hash(&rec, "key", &t->key);
	record_text(&rec, "who", "bench");
	record_text(&rec, "why", "bench");
	(void)add(r, &rec, (struct bytes){ 0 });
	record_init(&rec, REC_CONFIG);
	record_text(&rec, "what", "mount");
	(void)add(r, &rec,
	    bytes_str("[{\"kind\":\"mount\",\"name\":\"pki\",\"op\":\"put\","
		      "\"scope\":\"\",\"value\":{}}]"));
}

static uint64_t
add_intent(struct reg *r, struct template *t, uint64_t i)
{
	uint8_t *serial = t->tbs.p + t->serial_at;
	struct record rec;
	struct sha256 hash;

	serial_of(i, serial);
	hash = sha256(buf_bytes(&t->tbs));
	record_init(&rec, REC_INTENT);
	record_text(&rec, "alg", "ecdsa-sha256");
	record_hash(&rec, "key", &t->key);
	record_text(&rec, "kind", "leaf");
	record_text(&rec, "profile", "role:kafka-broker");
	record_bytes(&rec, "req", bytes_of(serial, 16));
	record_bytes(&rec, "serial", bytes_of(serial, LIMIT_SERIAL_BYTES));
	record_hash(&rec, "sha256", &hash);
	record_bytes(&rec, "tbs", buf_bytes(&t->tbs));
	record_text(&rec, "who", "token:kafka");
	record_text(&rec, "why", "pki/sign/kafka-broker");
	return add(r, &rec, (struct bytes){ 0 });
}

static void
add_outcome(struct reg *r, struct template *t, uint64_t intent, uint64_t i)
{
	uint8_t sig[71], serial[LIMIT_SERIAL_BYTES];
	struct record rec;
	uint64_t n;

	random_bytes(sig, sizeof(sig));
	record_init(&rec, REC_SIGNED);
	record_int(&rec, "attempts", 1);
	record_int(&rec, "intent", (int64_t)intent);
	record_bytes(&rec, "sig", bytes_of(sig, sizeof(sig)));
	n = add(r, &rec, (struct bytes){ 0 });
	if (i % 10 != 0)
		return;
	serial_of(i, serial);
	record_init(&rec, REC_REVOKE);
	record_int(&rec, "cert", (int64_t)n);
	record_time(&rec, "date", 1790000000);
	record_hash(&rec, "key", &t->key);
	record_time(&rec, "not_after", 1792592000);
	record_int(&rec, "partition", 0);
	record_text(&rec, "reason", "superseded");
	record_bytes(&rec, "serial", bytes_of(serial, sizeof(serial)));
	record_text(&rec, "who", "bench");
	record_text(&rec, "why", "pki/revoke");
	(void)add(r, &rec, (struct bytes){ 0 });
}

#define ROUND 32

static void
make_register(const char *dir, uint64_t n)
{
	struct reg_config cfg = { .dir = dir,
		.origin = ORIGIN,
		.software = "bench_store" };
	struct template t = { 0 };
	struct error e;
	struct reg *r = reg_create(&cfg, &e);
	uint64_t intent[ROUND];

	must(r != NULL, &e);
	make_template(&t);
	add_key(r, &t);
	for (uint64_t i = 0; i < n; i += ROUND) {
		for (uint64_t k = 0; k < ROUND; k++)
			intent[k] = add_intent(r, &t, i + k);
		must(reg_commit(r, &e), &e);
		for (uint64_t k = 0; k < ROUND; k++)
			add_outcome(r, &t, intent[k], i + k);
	}
	must(reg_commit(r, &e), &e);
	reg_close(r);
	buf_free(&t.tbs);
	buf_free(&t.spki);
}

static void
from_register(const char *dir, uint64_t n)
{
	auto_mem char *reg = mem_printf("%s/register", dir);
	auto_mem char *path = mem_printf("%s/rebuilt.sqlite", dir);
	struct catchup_report r;
	struct store *s;
	struct error e;
	double w, c;

	make_register(reg, n);
	(void)printf("  register made, peak %.0f MiB\n", peak_mib());
	s = open_store(path, true, true);
	w = wall();
	c = cpu();
	must(catchup_run(s, reg, NULL, &r, &e) && store_close(s, &e), &e);
	w = wall() - w;
	(void)
	    printf("  rebuild of %-11llu %8.1f s, %.0f certificates/s, %.1f us "
		   "CPU each, peak %.0f MiB\n",
		(unsigned long long)r.certs, w, (double)r.certs / w,
		1e6 * (cpu() - c) / (double)r.certs, peak_mib());
	w = wall();
	s = open_store(path, false, false);
	must(catchup_run(s, reg, NULL, &r, &e), &e);
	(void)printf("  open, nothing to do    %8.1f ms\n", 1e3 * (wall() - w));
	must(store_close(s, &e), &e);
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
	else
		from_register(argv[3], n);
	return 0;
}
