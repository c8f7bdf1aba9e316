/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/ec.h>
#include <openssl/x509.h>

#include <chancery/base/cleanup.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/spki.h>
#include <chancery/pki/tbs.h>
#include <chancery/register/register.h>

#include "register_certs.h"

void
certs_must(bool ok, const struct error *e)
{
	if (!ok)
		fatal("%s", e->msg);
}

void
certs_serial(uint64_t n, uint8_t out[LIMIT_SERIAL_BYTES])
{
	struct sha256 h = sha256(bytes_of(&n, sizeof(n)));

	memcpy(out, h.b, LIMIT_SERIAL_BYTES);
	out[0] = (out[0] & 0x7f) | 0x40;
}

/* `per_round` INTENTs share a commit; every `revoke_every`th certificate is revoked. */
struct template
{
	struct buf tbs;
	size_t serial_at;
	struct sha256 key;
	struct buf spki;
	int64_t from_s, until_s;
	const char *why;
	uint64_t per_round, revoke_every;
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

/* One good TBS, of that issuer or else under its own name; certificates differ in their
 * serials. */
static void
make_template(struct template *t, const struct cert *by)
{
	static const char cn[] = "CN=broker.kafka.example";
	struct tbs_issuer issuer = { .alg = SIG_ECDSA_SHA256,
		.not_before_s = by != NULL ? by->tbs.not_before_s : 1780000000,
		.not_after_s = by != NULL ? by->tbs.not_after_s : 2000000000 };
	struct general_name san = { .kind = GN_DNS };
	struct buf name = { 0 };
	struct spki key;
	struct tbs_request r = { .not_before_s = t->from_s,
		.not_after_s = t->until_s,
		.san = &san,
		.san_count = 1 };
	struct tbs_template *tmpl;
	struct tbs_view v;
	struct error e;
	uint8_t serial[LIMIT_SERIAL_BYTES];

	make_key(&t->spki);
	t->key = sha256(by != NULL ? by->tbs.spki_der : buf_bytes(&t->spki));
	certs_must(spki_parse(buf_bytes(&t->spki), &key, &e), &e);
	certs_must(name_parse(cn, &name, &e), &e);
	r.subject = buf_bytes(&name);
	issuer.name = by != NULL ? by->tbs.subject : r.subject;
	r.key = &key;
	san.value = bytes_str("broker.kafka.example");
	certs_serial(0, serial);
	r.serial = bytes_of(serial, sizeof(serial));
	tmpl = tbs_template_new(profile_builtin("kafka-broker"), &issuer, &e);
	certs_must(tmpl != NULL && tbs_write(tmpl, &r, &t->tbs, &e), &e);
	tbs_template_free(tmpl);
	certs_must(tbs_parse(buf_bytes(&t->tbs), &v, &e), &e);
	t->serial_at = (size_t)(v.serial.p - t->tbs.p);
	buf_free(&name);
}

static uint64_t
add(struct reg *r, struct record *rec, struct bytes body)
{
	struct error e;
	uint64_t n = 0;

	certs_must(reg_append(r, rec, body, &n, &e), &e);
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

	certs_serial(i, serial);
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
	record_text(&rec, "why", t->why);
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
	if (i % t->revoke_every != 0)
		return;
	certs_serial(i, serial);
	record_init(&rec, REC_REVOKE);
	record_int(&rec, "cert", (int64_t)n);
	record_time(&rec, "date", t->from_s);
	record_hash(&rec, "key", &t->key);
	record_time(&rec, "not_after", t->until_s);
	record_int(&rec, "partition", 0);
	record_text(&rec, "reason", "superseded");
	record_bytes(&rec, "serial", bytes_of(serial, sizeof(serial)));
	record_text(&rec, "who", "bench");
	record_text(&rec, "why", "pki/revoke");
	(void)add(r, &rec, (struct bytes){ 0 });
}

/* A thousand commits a million are enough where only the end counts. */
#define ROUND_MAX 1024

/* A document now and then: what a start finds between certificates. */
static void
add_doc(struct reg *r, uint64_t i)
{
	auto_mem char *json =
	    mem_printf("[{\"kind\":\"pki-role\",\"name\":\"role-%llu\",\"op\":"
		       "\"put\",\"scope\":\"pki\",\"value\":%llu}]",
		(unsigned long long)i % 50, (unsigned long long)i);
	struct record rec;

	record_init(&rec, REC_CONFIG);
	record_text(&rec, "what", "role");
	(void)add(r, &rec, bytes_str(json));
}

static void
add_certs(struct reg *r, struct template *t, uint64_t n, uint64_t doc_every)
{
	uint64_t intent[ROUND_MAX];
	struct error e;

	for (uint64_t i = 0; i < n; i += t->per_round) {
		for (uint64_t k = 0; k < t->per_round; k++)
			intent[k] = add_intent(r, t, i + k);
		certs_must(reg_commit(r, &e), &e);
		for (uint64_t k = 0; k < t->per_round; k++) {
			add_outcome(r, t, intent[k], i + k);
			if (doc_every != 0 && (i + k) % doc_every == 0)
				add_doc(r, i + k);
		}
	}
	certs_must(reg_commit(r, &e), &e);
}

static void
template_free(struct template *t)
{
	buf_free(&t->tbs);
	buf_free(&t->spki);
}

void
certs_register(const char *dir, uint64_t n, uint64_t doc_every)
{
	struct reg_config cfg = { .dir = dir,
		.origin = CERTS_ORIGIN,
		.software = "a test" };
	struct template t = { .from_s = 1790000000,
		.until_s = 1792592000,
		.why = "pki/sign/kafka-broker",
		.per_round = 32,
		.revoke_every = 10 };
	struct error e;
	auto_reg struct reg *r = reg_create(&cfg, &e);

	certs_must(r != NULL, &e);
	make_template(&t, NULL);
	add_key(r, &t);
	add_certs(r, &t, n, doc_every);
	template_free(&t);
}

void
certs_revoked(const char *dir, const char *origin, const struct cert *issuer,
    const char *why, uint64_t n)
{
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	struct reg_config cfg = { .dir = dir,
		.origin = origin,
		.software = "a test",
		.who = "bench" };
	struct template t = { .from_s = now_s,
		.until_s = now_s + 30 * 86400,
		.why = why,
		.per_round = ROUND_MAX,
		.revoke_every = 1 };
	struct error e;
	auto_reg struct reg *r = reg_open(&cfg, &e);

	certs_must(r != NULL, &e);
	make_template(&t, issuer);
	add_certs(r, &t, n, 0);
	template_free(&t);
}
