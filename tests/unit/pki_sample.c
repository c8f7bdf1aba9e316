/* SPDX-License-Identifier: Apache-2.0 */

#include "pki_sample.h"

#include <assert.h>
#include <stdio.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <chancery/base/text.h>
#include <chancery/pki/der.h>
#include <chancery/pki/name.h>

int64_t sample_now_s = SAMPLE_NOW_S;

struct buf
sample_hex(const char *hex)
{
	struct buf out = { 0 }, text = { 0 };

	for (; *hex != '\0'; hex++)
		if (*hex != ' ')
			buf_add_byte(&text, (uint8_t)*hex);
	if (!hex_decode((const char *)text.p, text.n, &out))
		fatal("bad hex in a test");
	buf_free(&text);
	return out;
}

struct buf
sample_name(const char *rfc4514)
{
	struct buf out = { 0 };
	struct error e;

	if (!name_parse(rfc4514, &out, &e))
		fatal("name %s: %s", rfc4514, e.msg);
	return out;
}

static EVP_PKEY *
generate(struct key_type type)
{
	static const char *const curves[] = {
		[KEY_EC_P256] = "P-256",
		[KEY_EC_P384] = "P-384",
		[KEY_EC_P521] = "P-521",
	};

	if (type.alg == KEY_RSA)
		return EVP_RSA_gen(type.bits);
	if (type.alg == KEY_ED25519)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return EVP_EC_gen(curves[type.alg]);
}

static void
key_make(struct sample_key *k, const char *type_name)
{
	struct key_type type = { KEY_EC_P521, 0 };
	struct error e;
	uint8_t *der = NULL;
	int n;

	if (strcmp(type_name, "ec-p521") != 0 &&
	    !key_type_by_name(type_name, &type))
		fatal("key type %s", type_name);
	k->pkey = generate(type);
	n = i2d_PUBKEY(k->pkey, &der);
	assert(n > 0);
	buf_add(&k->der, der, (size_t)n);
	OPENSSL_free(der);
	if (!spki_parse(buf_bytes(&k->der), &k->spki, &e))
		fatal("%s: %s", type_name, e.msg);
	spki_key_id(&k->spki, k->id);
	k->alg = sig_alg_default(k->spki.type);
}

#define KEYS 8
static struct {
	char type[16];
	struct sample_key key;
} cache[2][KEYS];

static const struct sample_key *
cached(unsigned which, const char *type)
{
	size_t i = 0;

	while (i < KEYS && cache[which][i].type[0] != '\0' &&
	    strcmp(cache[which][i].type, type) != 0)
		i++;
	assert(i < KEYS);
	if (cache[which][i].type[0] == '\0') {
		(void)snprintf(cache[which][i].type,
		    sizeof(cache[which][i].type), "%s", type);
		key_make(&cache[which][i].key, type);
	}
	return &cache[which][i].key;
}

const struct sample_key *
sample_key(const char *type)
{
	return cached(0, type);
}

const struct sample_key *
sample_other_key(const char *type)
{
	return cached(1, type);
}

void
sample_keys_free(void)
{
	for (size_t w = 0; w < 2; w++)
		for (size_t i = 0; i < KEYS; i++) {
			EVP_PKEY_free(cache[w][i].key.pkey);
			buf_free(&cache[w][i].key.der);
		}
	memset(cache, 0, sizeof(cache));
}

void
sample_sign(const struct sample_key *k, enum sig_alg alg, struct bytes message,
    struct buf *sig)
{
	static const char *const mds[] = { "SHA256", "SHA384", "SHA512" };
	const struct sig_alg_info *info = sig_alg_info(alg);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	uint8_t out[1024];
	size_t n = sizeof(out);

	if (EVP_DigestSignInit_ex(ctx, &pctx,
		info->prehash ? mds[info->digest] : NULL, NULL, NULL, k->pkey,
		NULL) != 1)
		fatal("EVP_DigestSignInit_ex");
	if (info->pss &&
	    (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) != 1 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx,
		    RSA_PSS_SALTLEN_DIGEST) != 1))
		fatal("PSS");
	if (EVP_DigestSign(ctx, out, &n, message.p, message.n) != 1)
		fatal("EVP_DigestSign");
	EVP_MD_CTX_free(ctx);
	buf_add(sig, out, n);
}

void
sample_issuer_make(struct sample_issuer *out, const char *name,
    const struct sample_key *key)
{
	*out = (struct sample_issuer){ .key = key, .name = sample_name(name) };
	out->tbs.name = buf_bytes(&out->name);
	memcpy(out->tbs.key_id, key->id, sizeof(key->id));
	out->tbs.alg = key->alg;
	out->tbs.not_before_s = sample_now_s - 3652 * SAMPLE_DAY;
	out->tbs.not_after_s = sample_now_s + 3652 * SAMPLE_DAY;
}

void
sample_issuer_free(struct sample_issuer *i)
{
	buf_free(&i->name);
}

void
sample_tbs_good(const struct profile *p, const struct tbs_issuer *issuer,
    const struct sample_key *key, struct buf *tbs)
{
	static uint8_t serial[16] = { 0x4a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
		12, 13, 0, 0 };
	static const uint8_t ip[] = { 192, 0, 2, 7 };
	const struct general_name san[] = {
		{ GN_DNS, bytes_str("broker-1.kafka.example") },
		{ GN_DNS, bytes_str("kafka.example") },
		{ GN_IP, bytes_of(ip, sizeof(ip)) },
	};
	auto_tbs_template struct tbs_template *t = NULL;
	/* Without a SAN, Java holds a CN that could be a host name against the
	 * issuer's name constraints. */
	auto_buf struct buf subject =
	    sample_name(p->ca        ? "CN=Sample CA,O=Acme,C=DE"
		    : p->san_allowed ? "CN=sample-1,O=Acme,C=DE"
				     : "CN=Sample OCSP 1,O=Acme,C=DE");
	bool self = issuer->not_after_s == 0;
	struct tbs_request r = {
		.serial = bytes_of(serial, sizeof(serial)),
		.not_before_s = sample_now_s - p->backdate_s,
		.not_after_s = sample_now_s + p->life_s,
		.subject = self ? issuer->name : buf_bytes(&subject),
		.key = &key->spki,
		.san = san,
		.san_count = p->san_allowed ? countof(san) : 0,
	};
	struct error e;

	serial[14] += ++serial[15] == 0;
	t = tbs_template_new(p, issuer, &e);
	if (t == NULL || !tbs_write(t, &r, tbs, &e))
		fatal("sample: %s", e.msg);
}

void
sample_certificate(struct bytes tbs, const struct sample_key *issuer,
    struct buf *der)
{
	auto_buf struct buf sig = { 0 };

	sample_sign(issuer, issuer->alg, tbs, &sig);
	cert_assemble(tbs, issuer->alg, buf_bytes(&sig), der);
}

void
sample_tbs_split(const struct tbs_view *v, struct sample_tbs *out)
{
	*out = (struct sample_tbs){
		.version = v->version,
		.serial = v->serial,
		.alg_der = v->sig_alg_der,
		.issuer = v->issuer,
		.subject = v->subject,
		.spki = v->spki_der,
		.not_before_s = v->not_before_s,
		.not_after_s = v->not_after_s,
		.unique_id = v->has_unique_id,
		.n = v->exts.n,
	};
	for (size_t i = 0; i < v->exts.n; i++) {
		out->ext[i].critical = v->exts.v[i].critical;
		out->ext[i].value = v->exts.v[i].value;
		if (!der_oid_text(v->exts.v[i].oid, out->ext[i].oid,
			sizeof(out->ext[i].oid)))
			fatal("sample OID");
	}
}

static void
join_extensions(const struct sample_tbs *s, struct der_writer *w)
{
	size_t all = der_w_mark(w);

	for (size_t i = s->n; i-- > 0;) {
		size_t mark = der_w_mark(w);

		der_w_tlv(w, DER_OCTET_STRING, s->ext[i].value);
		if (s->ext[i].critical)
			der_w_bool(w, true);
		der_w_oid(w, s->ext[i].oid);
		der_w_wrap(w, DER_SEQUENCE, mark);
	}
	if (s->n == 0)
		return;
	der_w_wrap(w, DER_SEQUENCE, all);
	der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(3), all);
}

static void
join_time(const struct sample_tbs *s, struct der_writer *w, int64_t t_s)
{
	if (s->generalized)
		der_w_generalized_time(w, t_s);
	else
		der_w_time(w, t_s);
}

void
sample_tbs_join(const struct sample_tbs *s, struct buf *out)
{
	static const uint8_t unique[] = { 0x81, 2, 0, 1 };
	auto_der_writer struct der_writer w = { 0 };
	size_t mark;

	join_extensions(s, &w);
	if (s->unique_id)
		der_w_raw(&w, bytes_of(unique, sizeof(unique)));
	der_w_raw(&w, s->spki);
	der_w_raw(&w, s->subject);
	mark = der_w_mark(&w);
	join_time(s, &w, s->not_after_s);
	join_time(s, &w, s->not_before_s);
	der_w_wrap(&w, DER_SEQUENCE, mark);
	der_w_raw(&w, s->issuer);
	der_w_raw(&w, s->alg_der);
	der_w_tlv(&w, DER_INTEGER, s->serial);
	if (s->version > 1) {
		mark = der_w_mark(&w);
		der_w_uint(&w, s->version - 1);
		der_w_wrap(&w, DER_CONTEXT_CONSTRUCTED(0), mark);
	}
	der_w_wrap(&w, DER_SEQUENCE, 0);
	buf_add_bytes(out, der_w_bytes(&w));
}

void
sample_ext_drop(struct sample_tbs *s, const char *oid)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->ext[i].oid, oid) != 0)
			s->ext[kept++] = s->ext[i];
	s->n = kept;
}

void
sample_ext_set(struct sample_tbs *s, const char *oid, bool critical,
    struct bytes value)
{
	sample_ext_drop(s, oid);
	assert(s->n < countof(s->ext));
	(void)snprintf(s->ext[s->n].oid, sizeof(s->ext[s->n].oid), "%s", oid);
	s->ext[s->n].critical = critical;
	s->ext[s->n].value = value;
	s->n++;
}
