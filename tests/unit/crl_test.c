/* SPDX-License-Identifier: Apache-2.0 */

/* CRLs: written in pieces, read by OpenSSL and by us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/x509.h>

#include <chancery/pki/crl.h>
#include <chancery/pki/crl_scan.h>
#include <chancery/pki/der.h>
#include <chancery/pki/lint.h>

#include "pki_sample.h"

static struct sample_issuer issuer;

static int
setup(void **state)
{
	(void)state;
	sample_issuer_make(&issuer,
	    "CN=CRL CA,OU=Long enough to be taken for DER and not text,"
	    "O=Acme,C=DE",
	    sample_key("ec-p256"));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	sample_issuer_free(&issuer);
	sample_keys_free();
	return 0;
}

/* Entries from an array, or made up by number when there is none. */
struct list {
	const struct crl_entry *v;
	size_t n, at;
	size_t grow; /* entries more on the second pass */
	unsigned rewinds;
};

static const enum crl_reason some_reasons[] = { CRL_UNSPECIFIED,
	CRL_KEY_COMPROMISE, CRL_SUPERSEDED, CRL_CESSATION,
	CRL_PRIVILEGE_WITHDRAWN, CRL_AA_COMPROMISE, CRL_CA_COMPROMISE,
	CRL_AFFILIATION_CHANGED };

static struct crl_entry
made_up(size_t i)
{
	struct crl_entry e = {
		.revoked_s = SAMPLE_NOW_S - (int64_t)(i % 1000) * 3600,
		.reason = some_reasons[i % countof(some_reasons)],
		.invalidity_s = i % 5 == 0 ? SAMPLE_NOW_S - SAMPLE_DAY : 0,
	};
	/* From one octet to twenty, with and without the top bit. */
	size_t len = i < 255 ? 1 : 20;

	e.serial[20 - len] = len == 1 ? (uint8_t)(i + 1) : 0x11;
	if (len == 20)
		for (size_t b = 0; b < 8; b++)
			e.serial[19 - b] = (uint8_t)(i >> (8 * b));
	return e;
}

static bool
list_next(void *arg, struct crl_entry *out)
{
	struct list *l = arg;
	size_t n = l->n + (l->rewinds > 1 ? l->grow : 0);

	if (l->at >= n)
		return false;
	*out = l->v != NULL ? l->v[l->at] : made_up(l->at);
	l->at++;
	return true;
}

static void
list_rewind(void *arg)
{
	struct list *l = arg;

	l->at = 0;
	l->rewinds++;
}

struct sink {
	struct buf out;
	size_t pieces, largest;
	bool fails;
};

static bool
sink_write(void *arg, struct bytes piece, struct error *e)
{
	struct sink *s = arg;

	if (s->fails)
		return error_set(e, FAIL_DISK_FULL, "sink");
	buf_add_bytes(&s->out, piece);
	s->pieces++;
	if (piece.n > s->largest)
		s->largest = piece.n;
	return true;
}

static struct crl_params
params(void)
{
	struct crl_params p = {
		.issuer = buf_bytes(&issuer.name),
		.alg = issuer.key->alg,
		.this_update_s = SAMPLE_NOW_S,
		.next_update_s = SAMPLE_NOW_S + 7 * SAMPLE_DAY,
		.number = 7,
		.delta_base = -1,
	};

	memcpy(p.aki, issuer.key->id, 20);
	return p;
}

/* The whole CertificateList, its digest checked. */
static void
write_crl(const struct crl_params *p, struct list *l, struct buf *der)
{
	struct crl_source src = { list_next, list_rewind, l };
	struct sink s = { 0 };
	auto_buf struct buf sig = { 0 }, tail = { 0 };
	uint8_t digest[DIGEST_MAX], want[DIGEST_MAX];
	uint64_t bytes, entries;
	size_t n;
	struct error e;

	if (!crl_write_tbs(p, &src, sink_write, &s, digest, &n, &bytes,
		&entries, &e))
		fail_msg("%s", e.msg);
	assert_true(bytes == s.out.n);
	assert_true(entries == l->n);
	assert_true(s.largest <= 65536 + 1024);
	if (sig_alg_info(p->alg)->prehash) {
		assert_int_equal(n,
		    digest_of(sig_alg_info(p->alg)->digest, buf_bytes(&s.out),
			want));
		assert_memory_equal(digest, want, n);
	} else {
		assert_int_equal(n, 0);
	}
	sample_sign(issuer.key, p->alg, buf_bytes(&s.out), &sig);
	crl_outer(bytes, p->alg, buf_bytes(&sig), der, &tail);
	buf_add_bytes(der, buf_bytes(&s.out));
	buf_add_bytes(der, buf_bytes(&tail));
	buf_free(&s.out);
}

static void
assert_openssl_agrees(struct bytes der, EVP_PKEY *key, size_t entries)
{
	const uint8_t *p = der.p;
	uint8_t *again = NULL;
	X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)der.n);
	STACK_OF(X509_REVOKED) *list;
	int n;

	assert_non_null(x);
	assert_ptr_equal(p, der.p + der.n);
	list = X509_CRL_get_REVOKED(x);
	/* Absent when empty, or OpenSSL would show an empty stack. */
	assert_int_equal(list == NULL, entries == 0);
	if (list != NULL)
		assert_int_equal(sk_X509_REVOKED_num(list), entries);
	n = i2d_re_X509_CRL_tbs(x, &again);
	assert_true(n > 0);
	OPENSSL_free(again);
	again = NULL;
	n = i2d_X509_CRL(x, &again);
	assert_int_equal(n, der.n);
	assert_memory_equal(again, der.p, der.n);
	OPENSSL_free(again);
	assert_int_equal(X509_CRL_verify(x, key), 1);
	X509_CRL_free(x);
}

static void
assert_reads_back(struct bytes der, size_t entries)
{
	auto_buf struct buf owned = { 0 };
	struct crl_view v;
	struct crl_entry got, want;
	struct error e;
	size_t at = 0, n = 0;

	if (!crl_parse(der, "sample", &owned, &v, &e) ||
	    !crl_verify(&v, &issuer.key->spki, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(v.version, 2);
	assert_true(v.number == 7);
	assert_true(v.this_update_s == SAMPLE_NOW_S);
	assert_true(v.next_update_s == SAMPLE_NOW_S + 7 * SAMPLE_DAY);
	assert_true(bytes_eq(v.aki, bytes_of(issuer.key->id, 20)));
	for (; crl_next_entry(&v, &at, &got, &e); n++) {
		want = made_up(n);
		assert_memory_equal(got.serial, want.serial, 20);
		assert_true(got.revoked_s == want.revoked_s);
		assert_true(got.invalidity_s == want.invalidity_s);
		assert_int_equal(got.reason, want.reason);
	}
	assert_int_equal(e.why, FAIL_NONE);
	assert_int_equal(n, entries);
	if (!lint_crl(&v, NULL, buf_bytes(&issuer.name), issuer.key->id,
		SAMPLE_NOW_S, &e))
		fail_msg("%s", e.msg);
}

static void
test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 8, 300, 5000 };

	(void)state;
	for (size_t i = 0; i < countof(sizes); i++) {
		auto_buf struct buf der = { 0 };
		struct list l = { .n = sizes[i] };
		struct crl_params p = params();

		write_crl(&p, &l, &der);
		assert_openssl_agrees(buf_bytes(&der), issuer.key->pkey,
		    sizes[i]);
		assert_reads_back(buf_bytes(&der), sizes[i]);
	}
}

static void
test_every_algorithm(void **state)
{
	static const char *const types[] = { "rsa-2048", "ec-p384", "ed25519" };

	(void)state;
	for (size_t i = 0; i < countof(types); i++) {
		auto_buf struct buf der = { 0 };
		struct list l = { .n = 10 };
		struct sample_issuer old = issuer;
		struct crl_params p;

		issuer.key = sample_key(types[i]);
		p = params();
		write_crl(&p, &l, &der);
		assert_openssl_agrees(buf_bytes(&der), issuer.key->pkey, 10);
		assert_reads_back(buf_bytes(&der), 10);
		issuer = old;
	}
}

static void
test_scope_and_delta(void **state)
{
	auto_buf struct buf der = { 0 }, owned = { 0 };
	struct list l = { .n = 3 };
	struct crl_params p = params();
	struct crl_view v;
	struct error e;

	(void)state;
	p.idp_url = "http://crl.example/5.crl";
	p.idp_only_user = true;
	p.delta_base = 4;
	write_crl(&p, &l, &der);
	assert_openssl_agrees(buf_bytes(&der), issuer.key->pkey, 3);
	assert_true(crl_parse(buf_bytes(&der), "x", &owned, &v, &e));
	assert_true(v.has_idp && v.idp_critical && v.idp_only_user);
	assert_false(v.idp_only_ca);
	assert_true(bytes_eq(v.idp_url, bytes_str(p.idp_url)));
	assert_true(v.has_delta && v.delta_critical);
	assert_true(v.delta_base == 4);
	der.n = 0;
	p.idp_only_user = false;
	p.idp_only_ca = true;
	p.idp_url = NULL;
	p.delta_base = -1;
	write_crl(&p, &l, &der);
	assert_openssl_agrees(buf_bytes(&der), issuer.key->pkey, 3);
	assert_true(crl_parse(buf_bytes(&der), "x", &owned, &v, &e));
	assert_true(v.has_idp && v.idp_only_ca && !v.has_delta);
	assert_int_equal(v.idp_url.n, 0);
}

static void
test_pem(void **state)
{
	auto_buf struct buf der = { 0 }, pem = { 0 }, owned = { 0 };
	struct list l = { .n = 3 };
	struct crl_params p = params();
	struct crl_view v;
	struct error e;

	(void)state;
	write_crl(&p, &l, &der);
	pem_encode("X509 CRL", buf_bytes(&der), &pem);
	assert_true(crl_parse(buf_bytes(&pem), "x", &owned, &v, &e));
	assert_true(bytes_eq(v.der, buf_bytes(&der)));
	assert_ptr_equal(v.der.p, owned.p);
	assert_false(crl_parse(bytes_str("no PEM here, none at all"), "f.crl",
	    &owned, &v, &e));
	assert_non_null(strstr(e.msg, "f.crl"));
}

/* What the writer refuses, and that it then tells nothing. */
static const struct {
	const char *name, *says;
	struct crl_entry v[2];
	size_t n;
} bad_entries[] = {
	{ "zero serial", "zero", { { .revoked_s = 1 } }, 1 },
	{ "twice", "ascending",
	    { { .serial = { [19] = 1 } }, { .serial = { [19] = 1 } } }, 2 },
	{ "descending", "ascending",
	    { { .serial = { [19] = 2 } }, { .serial = { [19] = 1 } } }, 2 },
	{ "21 octets", "20 octets", { { .serial = { [0] = 0x80 } } }, 1 },
	{ "reason 7", "reason",
	    { { .serial = { [19] = 1 }, .reason = (enum crl_reason)7 } }, 1 },
	{ "year 10000", "date",
	    { { .serial = { [19] = 1 }, .revoked_s = INT64_C(253402300800) } },
	    1 },
	{ "before 1970", "date",
	    { { .serial = { [19] = 1 }, .invalidity_s = -1 } }, 1 },
};

static bool
try_write(const struct crl_params *p, struct list *l, struct sink *s,
    struct error *e)
{
	struct crl_source src = { list_next, list_rewind, l };
	uint8_t digest[DIGEST_MAX];
	uint64_t bytes, entries;
	size_t n;

	return crl_write_tbs(p, &src, sink_write, s, digest, &n, &bytes,
	    &entries, e);
}

static void
test_bad_entries(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bad_entries); i++) {
		struct list l = { .v = bad_entries[i].v,
			.n = bad_entries[i].n };
		struct crl_params p = params();
		struct sink s = { 0 };
		struct error e;

		if (try_write(&p, &l, &s, &e) ||
		    strstr(e.msg, bad_entries[i].says) == NULL)
			fail_msg("%s: %s", bad_entries[i].name, e.msg);
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		assert_int_equal(s.pieces, 0);
	}
}

static void
test_bad_params(void **state)
{
	struct list l = { .n = 1 };
	struct crl_params p = params();
	struct sink s = { 0 };
	struct error e;

	(void)state;
	p.next_update_s = p.this_update_s;
	assert_false(try_write(&p, &l, &s, &e));
	assert_non_null(strstr(e.msg, "nextUpdate"));
	p = params();
	p.idp_only_ca = p.idp_only_user = true;
	assert_false(try_write(&p, &l, &s, &e));
	assert_non_null(strstr(e.msg, "both"));
	p = params();
	p.idp_url = "crl.example/a b";
	assert_false(try_write(&p, &l, &s, &e));
	assert_non_null(strstr(e.msg, "IDP URL"));
	p = params();
	p.delta_base = 7;
	assert_false(try_write(&p, &l, &s, &e));
	assert_non_null(strstr(e.msg, "delta base"));
	p = params();
	p.issuer = bytes_of("\x30\x01", 2);
	assert_false(try_write(&p, &l, &s, &e));
	assert_non_null(strstr(e.msg, "issuer"));
	assert_int_equal(s.pieces, 0);
}

static void
test_source_changes(void **state)
{
	static const struct {
		size_t n, grow;
	} cases[] = { { 3, 1 }, { 3, (size_t)-1 }, { 0, 1 } };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct list l = { .n = cases[i].n, .grow = cases[i].grow };
		struct crl_params p = params();
		struct sink s = { 0 };
		struct error e;

		assert_false(try_write(&p, &l, &s, &e));
		assert_int_equal(e.why, FAIL_INTERNAL);
		buf_free(&s.out);
	}
}

static void
test_sink_fails(void **state)
{
	struct list l = { .n = 3 };
	struct crl_params p = params();
	struct sink s = { .fails = true };
	struct error e;

	(void)state;
	assert_false(try_write(&p, &l, &s, &e));
	assert_int_equal(e.why, FAIL_DISK_FULL);
}

static void
test_reason_names(void **state)
{
	enum crl_reason r;

	(void)state;
	for (int i = 0; i <= 10; i++) {
		if (i == 7) /* not used: RFC 5280 5.3.1 */
			continue;
		assert_true(
		    crl_reason_by_name(crl_reason_name((enum crl_reason)i),
			&r));
		assert_int_equal(r, i);
	}
	assert_string_equal(crl_reason_name(CRL_CA_COMPROMISE), "cACompromise");
	assert_false(crl_reason_by_name("keycompromise", &r));
}

/* A TBSCertList from pieces in hex; "" leaves one out. */
struct raw {
	const char *name, *says;
	const char *version, *times, *entries, *extensions;
};
#define TIMES "170d3236313132323030303030305a170d3236313132393030303030305a"
#define V2 "020101"
#define AKI_NUMBER                                                             \
	"a02f 302d 301f 0603551d23 0418 3016 8014"                             \
	"0000000000000000000000000000000000000000"                             \
	"300a 0603551d14 0403 020107"

static void
raw_crl(const struct raw *r, struct buf *der)
{
	const char *parts[] = { r->extensions, r->entries, r->times };
	auto_der_writer struct der_writer w = { 0 };
	struct bytes alg = sig_alg_info(issuer.key->alg)->der;
	size_t mark;

	der_w_bit_string(&w, bytes_of("sig", 3));
	der_w_raw(&w, alg);
	mark = der_w_mark(&w);
	for (size_t i = 0; i < countof(parts); i++) {
		auto_buf struct buf b = sample_hex(parts[i]);

		der_w_raw(&w, buf_bytes(&b));
	}
	der_w_raw(&w, buf_bytes(&issuer.name));
	der_w_raw(&w, alg);
	{
		auto_buf struct buf b = sample_hex(r->version);

		der_w_raw(&w, buf_bytes(&b));
	}
	der_w_wrap(&w, DER_SEQUENCE, mark);
	der_w_wrap(&w, DER_SEQUENCE, 0);
	buf_add_bytes(der, der_w_bytes(&w));
}

static const struct raw bad_raws[] = {
	{ "version 3", "version", "020102", TIMES, "", AKI_NUMBER },
	{ "v1 with extensions", "crlExtensions", "", TIMES, "", AKI_NUMBER },
	{ "no nextUpdate", "nextUpdate", V2, "170d3236313132323030303030305a",
	    "", AKI_NUMBER },
	{ "no thisUpdate", "thisUpdate", V2, "", "", AKI_NUMBER },
	{ "entries not a SEQUENCE", "crlExtensions", V2, TIMES, "3100",
	    AKI_NUMBER },
	{ "bytes behind", "bytes after", V2, TIMES, "", AKI_NUMBER "0500" },
	{ "number of 72 bits", "above 64", V2, TIMES, "",
	    "a016 3014 3012 0603551d14 040b 0209 010000000000000000" },
	{ "negative number", "cRLNumber", V2, TIMES, "",
	    "a00e 300c 300a 0603551d14 0403 0201ff" },
	{ "unknown critical", "critical", V2, TIMES, "",
	    "a00e 300c 300a 06022a03 0101ff 040100" },
	{ "duplicate extension", "twice", V2, TIMES, "",
	    "a01a 3018 300a 0603551d14 0403 020107"
	    "300a 0603551d14 0403 020107" },
	{ "IDP flag FALSE", "issuingDistributionPoint", V2, TIMES, "",
	    "a013 3011 300f 0603551d1c 0101ff 0405 3003 820100" },
	{ "IDP flags in wrong order", "issuingDistributionPoint", V2, TIMES, "",
	    "a016 3014 3012 0603551d1c 0101ff 0408 3006 8201ff 8101ff" },
};

static void
test_reader_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bad_raws); i++) {
		const struct raw r = bad_raws[i];
		auto_buf struct buf der = { 0 }, owned = { 0 };
		struct crl_view v = { .number = 99 };
		struct error e;

		raw_crl(&r, &der);
		if (crl_parse(buf_bytes(&der), "bad.crl", &owned, &v, &e))
			fail_msg("%s: accepted", r.name);
		if (strstr(e.msg, r.says) == NULL)
			fail_msg("%s: %s", r.name, e.msg);
	}
}

#define DATE "170d3236313132313030303030305a"
static const struct raw bad_lists[] = {
	{ "negative serial", "offset 0", V2, TIMES, "3014 3012 0201ff" DATE,
	    AKI_NUMBER },
	{ "serial of 21 octets", "offset 0", V2, TIMES,
	    "3028 3026 0215 010101010101010101010101010101010101010101" DATE,
	    AKI_NUMBER },
	{ "no date", "offset 0", V2, TIMES, "3005 3003 020101", AKI_NUMBER },
	{ "certificateIssuer", "offset 0", V2, TIMES,
	    "3024 3022 020101" DATE "300e 300c 0603551d1d 0101ff 0402 3000",
	    AKI_NUMBER },
	{ "reason 7", "offset 0", V2, TIMES,
	    "3022 3020 020101" DATE "300c 300a 0603551d15 0403 0a0107",
	    AKI_NUMBER },
	{ "invalidityDate as UTCTime", "offset 0", V2, TIMES,
	    "302e 302c 020101" DATE "3018 3016 0603551d18 040f" DATE,
	    AKI_NUMBER },
	{ "cut", "offset 0", V2, TIMES, "3002 3005", AKI_NUMBER },
	{ "second one bad", "offset 20", V2, TIMES,
	    "3019 3012 020101" DATE "3003 020102", AKI_NUMBER },
};

static void
test_entries_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(bad_lists); i++) {
		auto_buf struct buf der = { 0 }, owned = { 0 };
		struct crl_entry entry;
		struct crl_view v;
		struct error e;
		size_t at = 0;

		raw_crl(&bad_lists[i], &der);
		if (!crl_parse(buf_bytes(&der), "x", &owned, &v, &e))
			fail_msg("%s: %s", bad_lists[i].name, e.msg);
		while (crl_next_entry(&v, &at, &entry, &e))
			;
		if (e.why != FAIL_BAD_INPUT ||
		    strstr(e.msg, bad_lists[i].says) == NULL)
			fail_msg("%s: %s", bad_lists[i].name, e.msg);
	}
}

/* Outer structure: cut anywhere, or longer, it is refused. */
static void
test_cut_everywhere(void **state)
{
	auto_buf struct buf der = { 0 }, owned = { 0 };
	struct list l = { .n = 2 };
	struct crl_params p = params();
	struct crl_view v;
	struct error e;

	(void)state;
	write_crl(&p, &l, &der);
	for (size_t n = 0; n < der.n; n++)
		assert_false(
		    crl_parse(bytes_of(der.p, n), "x", &owned, &v, &e));
	buf_add_byte(&der, 0);
	assert_false(crl_parse(buf_bytes(&der), "x", &owned, &v, &e));
}

static void
test_verify_refuses(void **state)
{
	auto_buf struct buf der = { 0 }, owned = { 0 };
	struct list l = { .n = 2 };
	struct crl_params p = params();
	struct crl_view v;
	struct error e;

	(void)state;
	write_crl(&p, &l, &der);
	assert_true(crl_parse(buf_bytes(&der), "x", &owned, &v, &e));
	assert_true(crl_verify(&v, &issuer.key->spki, &e));
	assert_false(crl_verify(&v, &sample_other_key("ec-p256")->spki, &e));
	assert_int_equal(e.why, FAIL_CRYPTO);
}

/* Lint: one bad list a rule. `raw` is parsed when given, else params and list
 * are written; then the context is changed. */
struct lint_case {
	const char *rule;
	struct raw raw;
	void (*change)(struct crl_params *p, struct list *l,
	    struct lint_crl_context *c);
};

static struct crl_view previous;

static void
other_issuer(struct crl_params *p, struct list *l, struct lint_crl_context *c)
{
	(void)p;
	(void)l;
	c->issuer_name = bytes_of("\x30\x00", 2);
}

static void
other_aki(struct crl_params *p, struct list *l, struct lint_crl_context *c)
{
	(void)l;
	(void)c;
	p->aki[0] ^= 1;
}

static void
same_number(struct crl_params *p, struct list *l, struct lint_crl_context *c)
{
	(void)l;
	previous.number = p->number;
	c->previous = &previous;
}

static void
ahead(struct crl_params *p, struct list *l, struct lint_crl_context *c)
{
	(void)p;
	(void)l;
	c->now_s = SAMPLE_NOW_S - 61;
}

static void
older_than_previous(struct crl_params *p, struct list *l,
    struct lint_crl_context *c)
{
	(void)p;
	(void)l;
	previous.this_update_s = SAMPLE_NOW_S + 1;
	c->previous = &previous;
}

static void
year_and_more(struct crl_params *p, struct list *l, struct lint_crl_context *c)
{
	(void)l;
	(void)c;
	p->next_update_s = p->this_update_s + 367 * SAMPLE_DAY;
}

static void
eleven_days_for_leaves(struct crl_params *p, struct list *l,
    struct lint_crl_context *c)
{
	(void)l;
	(void)c;
	p->idp_only_user = true;
	p->next_update_s = p->this_update_s + 11 * SAMPLE_DAY;
}

static void
scope_appears(struct crl_params *p, struct list *l, struct lint_crl_context *c)
{
	(void)l;
	p->idp_url = "http://crl.example/1.crl";
	c->previous = &previous;
}

static void
revoked_later(struct crl_params *p, struct list *l, struct lint_crl_context *c)
{
	static const struct crl_entry one = { .serial = { [19] = 1 },
		.revoked_s = SAMPLE_NOW_S + 1 };

	(void)p;
	(void)c;
	*l = (struct list){ .v = &one, .n = 1 };
}

static void
hold(struct crl_params *p, struct list *l, struct lint_crl_context *c)
{
	static const struct crl_entry one = { .serial = { [19] = 1 },
		.reason = CRL_HOLD };

	(void)p;
	(void)c;
	*l = (struct list){ .v = &one, .n = 1 };
}

static void
remove_in_full(struct crl_params *p, struct list *l, struct lint_crl_context *c)
{
	static const struct crl_entry one = { .serial = { [19] = 1 },
		.reason = CRL_REMOVE };

	(void)p;
	(void)c;
	*l = (struct list){ .v = &one, .n = 1 };
}

#define RAW(entries, extensions)                                               \
	{                                                                      \
		"", "", V2, TIMES, entries, extensions                         \
	}
static const struct lint_case lint_cases[] = {
	{ "crl-version", { "", "", "", TIMES, "", "" }, NULL },
	{ "crl-issuer", { 0 }, other_issuer },
	{ "crl-aki", { 0 }, other_aki },
	{ "crl-number", { 0 }, same_number },
	{ "crl-number",
	    RAW("",
		"a023 3021 301f 0603551d23 0418 3016 8014"
		"0000000000000000000000000000000000000000"),
	    NULL },
	{ "crl-times", { 0 }, ahead },
	{ "crl-times", { 0 }, older_than_previous },
	{ "crl-period", { 0 }, year_and_more },
	{ "crl-period", { 0 }, eleven_days_for_leaves },
	{ "crl-idp",
	    RAW("", "a013 3011 300f 0603551d1c 0101ff 0405 3003 8401ff"),
	    NULL },
	{ "crl-idp", RAW("", "a010 300e 300c 0603551d1c 0405 3003 8201ff"),
	    NULL },
	{ "crl-idp", RAW("", "a010 300e 300c 0603551d1c 0101ff 0402 3000"),
	    NULL },
	{ "crl-scope", { 0 }, scope_appears },
	{ "crl-delta", RAW("", "a00e 300c 300a 0603551d1b 0403 020101"), NULL },
	{ "crl-delta",
	    RAW("",
		"a01d 301b 300a 0603551d14 0403 020105"
		"300d 0603551d1b 0101ff 0403 020105"),
	    NULL },
	{ "crl-entries", { 0 }, revoked_later },
	{ "crl-entries", { 0 }, hold },
	{ "crl-entries", { 0 }, remove_in_full },
	{ "crl-entries", RAW("3000", AKI_NUMBER), NULL },
	{ "crl-entries", RAW("3005 3003 020101", AKI_NUMBER), NULL },
	{ "crl-entries",
	    RAW("3028 3012 020102" DATE "3012 020101" DATE, AKI_NUMBER), NULL },
};

static const struct lint_crl_rule *
crl_rule(const char *name)
{
	for (size_t i = 0; i < lint_crl_rules_count; i++)
		if (strcmp(lint_crl_rules[i].name, name) == 0)
			return &lint_crl_rules[i];
	fail_msg("no rule %s", name);
	return NULL;
}

static void
run_lint_case(const struct lint_case *t, size_t row)
{
	auto_buf struct buf der = { 0 }, owned = { 0 };
	struct list l = { .n = 4 };
	struct crl_params p = params();
	struct crl_view v = { 0 };
	struct lint_crl_context c = { .crl = &v,
		.issuer_name = buf_bytes(&issuer.name),
		.issuer_key_id = issuer.key->id,
		.now_s = SAMPLE_NOW_S };
	struct error e;

	previous = (struct crl_view){ .number = 1 };
	if (t->change != NULL) {
		t->change(&p, &l, &c);
		write_crl(&p, &l, &der);
	} else {
		raw_crl(&t->raw, &der);
	}
	if (!crl_parse(buf_bytes(&der), "x", &owned, &v, &e))
		fail_msg("%s %zu: %s", t->rule, row, e.msg);
	if (crl_rule(t->rule)->check(&c, &e))
		fail_msg("%s %zu: fine", t->rule, row);
	assert_false(lint_crl(&v, c.previous, c.issuer_name, c.issuer_key_id,
	    c.now_s, &e));
}

static void
test_lint_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(lint_cases); i++)
		run_lint_case(&lint_cases[i], i);
	for (size_t r = 0; r < lint_crl_rules_count; r++) {
		size_t cases = 0;

		for (size_t i = 0; i < countof(lint_cases); i++)
			cases += strcmp(lint_cases[i].rule,
				     lint_crl_rules[r].name) == 0;
		if (cases == 0)
			fail_msg("%s has no bad sample",
			    lint_crl_rules[r].name);
	}
}

/* ---- passing by in pieces (crl_scan.h) ---- */

static bool
scan(struct bytes der, size_t step, const struct spki *key,
    struct crl_view *out, struct crl_scan **kept, struct error *e)
{
	struct crl_scan *s = crl_scan_new(key);
	bool ok;

	for (size_t at = 0; at < der.n; at += step) {
		size_t n = der.n - at < step ? der.n - at : step;

		if (!crl_scan_add(s, bytes_of(der.p + at, n)))
			break;
	}
	ok = crl_scan_end(s, out, e);
	*kept = s;
	return ok;
}

static void
assert_scans(struct bytes der, size_t step)
{
	auto_buf struct buf owned = { 0 };
	auto_crl_scan struct crl_scan *s = NULL;
	struct crl_view want, got;
	struct error e = { 0 };

	assert_true(crl_parse(der, "sample", &owned, &want, &e));
	if (!scan(der, step, &issuer.key->spki, &got, &s, &e))
		fail_msg("in pieces of %zu: %s", step, e.msg);
	assert_true(got.number == want.number);
	assert_true(got.this_update_s == want.this_update_s);
	assert_true(got.next_update_s == want.next_update_s);
	assert_true(bytes_eq(got.issuer, want.issuer));
	assert_true(bytes_eq(got.aki, want.aki));
	assert_true(bytes_eq(got.idp_url, want.idp_url));
	assert_true(bytes_eq(got.sig, want.sig));
	assert_int_equal(got.has_delta, want.has_delta);
	assert_int_equal(got.entries.n, 0);
}

static void
test_scan_in_pieces(unused_arg void **state)
{
	static const size_t counts[] = { 0, 1, 100, 600, 30000 };
	static const size_t steps[] = { 1, 7, 16384, 16385, 1 << 20 };

	for (size_t c = 0; c < countof(counts); c++) {
		struct list l = { .n = counts[c] };
		struct crl_params p = params();
		auto_buf struct buf der = { 0 };

		p.idp_url = "http://crl.example.com/partition-1";
		write_crl(&p, &l, &der);
		for (size_t i = 0; i < countof(steps); i++)
			assert_scans(buf_bytes(&der), steps[i]);
	}
}

/* Every cut, what follows the end, and every octet changed: none is taken. */
static void
test_scan_takes_nothing_else(unused_arg void **state)
{
	struct list l = { .n = 3 };
	struct crl_params p = params();
	auto_buf struct buf der = { 0 };
	struct crl_view v;
	struct error e;

	write_crl(&p, &l, &der);
	for (size_t n = 0; n < der.n; n++) {
		auto_crl_scan struct crl_scan *s = NULL;

		assert_false(scan(bytes_of(der.p, n), 64, &issuer.key->spki, &v,
		    &s, &e));
	}
	for (size_t i = 0; i < der.n; i++) {
		auto_crl_scan struct crl_scan *s = NULL;

		der.p[i] ^= 0x01;
		if (scan(buf_bytes(&der), 64, &issuer.key->spki, &v, &s, &e))
			fail_msg("octet %zu was changed", i);
		der.p[i] ^= 0x01;
	}
	buf_add_byte(&der, 0);
	{
		auto_crl_scan struct crl_scan *s = NULL;

		assert_false(
		    scan(buf_bytes(&der), 64, &issuer.key->spki, &v, &s, &e));
	}
}

static void
test_scan_wants_the_issuer(unused_arg void **state)
{
	struct list l = { .n = 3 };
	struct crl_params p = params();
	auto_buf struct buf der = { 0 };
	auto_crl_scan struct crl_scan *s = NULL;
	struct crl_view v;
	struct error e;

	write_crl(&p, &l, &der);
	assert_false(scan(buf_bytes(&der), 64,
	    &sample_other_key("ec-p256")->spki, &v, &s, &e));
	assert_int_equal(e.why, FAIL_CRYPTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_every_algorithm),
		cmocka_unit_test(test_scope_and_delta),
		cmocka_unit_test(test_pem),
		cmocka_unit_test(test_bad_entries),
		cmocka_unit_test(test_bad_params),
		cmocka_unit_test(test_source_changes),
		cmocka_unit_test(test_sink_fails),
		cmocka_unit_test(test_reason_names),
		cmocka_unit_test(test_reader_refuses),
		cmocka_unit_test(test_entries_refused),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_verify_refuses),
		cmocka_unit_test(test_lint_rules),
		cmocka_unit_test(test_scan_in_pieces),
		cmocka_unit_test(test_scan_takes_nothing_else),
		cmocka_unit_test(test_scan_wants_the_issuer),
	};

	return cmocka_run_group_tests_name("crl", tests, setup, teardown);
}
