/* SPDX-License-Identifier: Apache-2.0 */
/* Every rule of a charter against TBSCertificates made here, octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/charter/charter.h>
#include <chancery/pki/der.h>
#include <chancery/pki/name.h>

/* A row is a whole certificate with one thing changed. */
#pragma GCC diagnostic ignored "-Woverride-init"

#define NOW INT64_C(1795315465) /* 2026-11-22T02:44:25Z */
#define DAY 86400

/* What a certificate says; zero is an ordinary broker certificate. */
struct spec {
	const char *subject;
	int64_t from, to; /* from NOW; to 0: 30 days */
	enum sig_alg alg; /* 0 (RSA) is written as ECDSA with SHA-256 */
	const char *key;  /* hex SubjectPublicKeyInfo */
	const char *san[4];
	const char *ekus; /* "-": no extension */
	int ku;           /* -1: no extension */
	const char *bc;   /* "ca", "ca:1" */
	const char *constraints[4];
	bool nc_plain; /* not critical */
	const char *oid;
	bool critical;
	bool v1, unique_id, self, approved;
	uint64_t signatures, in_hour, self_signed;
};

/* The generator as a public key: a point on the curve. */
#define P256                                                                   \
	"3059301306072a8648ce3d020106082a8648ce3d03010703420004"               \
	"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"     \
	"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define P384                                                                   \
	"3076301006072a8648ce3d020106052b8104002203620004"                     \
	"aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38"     \
	"5502f25dbf55296c3a545e3872760ab7"                                     \
	"3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c0"     \
	"0a60b1ce1d7e819d7a431d7c90ea0e5f"
#define ISSUER "CN=Kafka CA,O=Acme,C=US"

static void
put_hex(struct der_writer *w, uint8_t tag, const char *hex)
{
	auto_buf struct buf b = { 0 };

	assert_true(hex_decode(hex, strlen(hex), &b));
	if (tag == 0)
		der_w_raw(w, buf_bytes(&b));
	else
		der_w_tlv(w, tag, buf_bytes(&b));
}

static void
put_name(struct der_writer *w, const char *text)
{
	auto_buf struct buf b = { 0 };
	struct error e;

	/* RFC 4514 has no text for an attribute value with a NUL: as hex. */
	if (strncmp(text, "hex:", 4) == 0) {
		put_hex(w, 0, text + 4);
		return;
	}
	if (*text == '\0') {
		put_hex(w, 0, "3000");
		return;
	}
	if (!name_parse(text, &b, &e))
		fail_msg("%s", e.msg);
	der_w_raw(w, buf_bytes(&b));
}

/* "dns:a", "uri:a", "email:a", "ip:0a000001", "dir:O=Acme", "id:8800". */
static void
put_general_name(struct der_writer *w, const char *text)
{
	static const struct {
		const char *prefix;
		uint8_t tag;
	} kinds[] = {
		{ "email:", DER_CONTEXT(1) },
		{ "dns:", DER_CONTEXT(2) },
		{ "uri:", DER_CONTEXT(6) },
		{ "id:", DER_CONTEXT(8) },
	};
	size_t mark = der_w_mark(w);

	for (size_t i = 0; i < countof(kinds); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (strncmp(text, kinds[i].prefix, n) == 0)
			der_w_tlv(w, kinds[i].tag, bytes_str(text + n));
	}
	if (strncmp(text, "ip:", 3) == 0)
		put_hex(w, DER_CONTEXT(7), text + 3);
	if (strncmp(text, "dir:", 4) == 0) {
		put_name(w, text + 4);
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(4), mark);
	}
	assert_true(der_w_mark(w) != mark);
}

/* Around the value written since `mark`. */
static void
end_ext(struct der_writer *w, size_t mark, const char *oid, bool critical)
{
	der_w_wrap(w, DER_OCTET_STRING, mark);
	if (critical)
		der_w_bool(w, true);
	der_w_oid(w, oid);
	der_w_wrap(w, DER_SEQUENCE, mark);
}

static size_t
count(const char *const *v, size_t max)
{
	size_t n = 0;

	while (n < max && v[n] != NULL)
		n++;
	return n;
}

static void
put_san(struct der_writer *w, const struct spec *s)
{
	static const char *const dflt[] = { "dns:b1.kafka.example", NULL };
	const char *const *v = s->san[0] != NULL ? s->san : dflt;
	size_t mark = der_w_mark(w);

	if (strcmp(v[0], "-") == 0)
		return;
	for (size_t i = count(v, v == dflt ? 1 : 4); i-- > 0;)
		put_general_name(w, v[i]);
	der_w_wrap(w, DER_SEQUENCE, mark);
	end_ext(w, mark, "2.5.29.17", false);
}

static void
put_ekus(struct der_writer *w, const struct spec *s)
{
	const char *text = s->ekus != NULL ? s->ekus : "serverAuth,clientAuth";
	size_t mark = der_w_mark(w);

	if (strcmp(text, "-") == 0)
		return;
	for (const char *end = text + strlen(text); end > text;) {
		const char *from = end;
		char name[64] = "";

		while (from > text && from[-1] != ',')
			from--;
		memcpy(name, from, (size_t)(end - from));
		der_w_oid(w,
		    eku_oid_by_name(name) != NULL ? eku_oid_by_name(name)
						  : name);
		end = from > text ? from - 1 : text;
	}
	der_w_wrap(w, DER_SEQUENCE, mark);
	end_ext(w, mark, "2.5.29.37", false);
}

static void
put_key_usage(struct der_writer *w, const struct spec *s)
{
	unsigned ku = s->ku != 0 ? (unsigned)s->ku : KU_DIGITAL_SIGNATURE;
	uint8_t v[3] = { 0 };
	size_t n = ku > 0xff ? 3 : 2, mark = der_w_mark(w);

	if (s->ku < 0)
		return;
	for (unsigned i = 0; i < 9; i++)
		if ((ku & (1U << i)) != 0) {
			v[1 + i / 8] |= (uint8_t)(0x80 >> (i % 8));
			v[0] = (uint8_t)(7 - i % 8); /* unused bits */
		}
	der_w_tlv(w, DER_BIT_STRING, bytes_of(v, n));
	end_ext(w, mark, "2.5.29.15", true);
}

static void
put_basic_constraints(struct der_writer *w, const struct spec *s)
{
	size_t mark = der_w_mark(w);

	if (s->bc == NULL)
		return;
	if (s->bc[2] == ':')
		der_w_uint(w, (uint64_t)(s->bc[3] - '0'));
	der_w_bool(w, true);
	der_w_wrap(w, DER_SEQUENCE, mark);
	end_ext(w, mark, "2.5.29.19", true);
}

static void
put_subtrees(struct der_writer *w, const struct spec *s, char sign, uint8_t tag)
{
	size_t mark = der_w_mark(w);

	for (size_t i = count(s->constraints, 4); i-- > 0;) {
		size_t one = der_w_mark(w);

		if (s->constraints[i][0] != sign)
			continue;
		put_general_name(w, s->constraints[i] + 1);
		der_w_wrap(w, DER_SEQUENCE, one);
	}
	if (der_w_mark(w) != mark)
		der_w_wrap(w, tag, mark);
}

static void
put_constraints(struct der_writer *w, const struct spec *s)
{
	size_t mark = der_w_mark(w);

	if (s->constraints[0] == NULL)
		return;
	if (strncmp(s->constraints[0], "raw:", 4) == 0) {
		put_hex(w, 0, s->constraints[0] + 4);
	} else {
		put_subtrees(w, s, '-', DER_CONTEXT_CONSTRUCTED(1));
		put_subtrees(w, s, '+', DER_CONTEXT_CONSTRUCTED(0));
		der_w_wrap(w, DER_SEQUENCE, mark);
	}
	end_ext(w, mark, "2.5.29.30", !s->nc_plain);
}

static void
put_extensions(struct der_writer *w, const struct spec *s)
{
	size_t mark = der_w_mark(w);

	if (s->oid != NULL) {
		size_t one = der_w_mark(w);

		put_hex(w, 0, "0500");
		end_ext(w, one, s->oid, s->critical);
	}
	put_constraints(w, s);
	put_basic_constraints(w, s);
	put_key_usage(w, s);
	put_ekus(w, s);
	put_san(w, s);
	der_w_wrap(w, DER_SEQUENCE, mark);
	der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(3), mark);
}

static void
put_validity(struct der_writer *w, const struct spec *s)
{
	size_t mark = der_w_mark(w);

	der_w_time(w, NOW + (s->to != 0 ? s->to : 30 * DAY));
	der_w_time(w, NOW + s->from);
	der_w_wrap(w, DER_SEQUENCE, mark);
}

static void
put_tbs(struct der_writer *w, const struct spec *s)
{
	enum sig_alg alg = s->alg != 0 ? s->alg : SIG_ECDSA_SHA256;
	size_t mark;

	if (!s->v1)
		put_extensions(w, s);
	if (s->unique_id)
		put_hex(w, DER_CONTEXT(1), "0001");
	put_hex(w, 0, s->key != NULL ? s->key : P256);
	put_name(w, s->subject != NULL ? s->subject : "CN=b1,O=Acme,C=US");
	put_validity(w, s);
	put_name(w, ISSUER);
	der_w_raw(w, sig_alg_info(alg)->der);
	put_hex(w, DER_INTEGER, "40000000000000000000000000000001");
	if (!s->v1) {
		mark = der_w_mark(w);
		der_w_uint(w, 2);
		der_w_wrap(w, DER_CONTEXT_CONSTRUCTED(0), mark);
	}
	der_w_wrap(w, DER_SEQUENCE, 0);
}

static bool
judge(const struct charter *c, const struct spec *s, struct charter_verdict *v,
    struct error *e)
{
	auto_der_writer struct der_writer w;
	struct charter_usage u = {
		.now_s = NOW,
		.signatures = s->signatures,
		.in_hour = s->in_hour,
		.self_signed = s->self_signed,
		.self = s->self,
		.have_approvals = s->approved,
	};
	struct tbs_view tbs;

	der_w_init(&w, 2048);
	put_tbs(&w, s);
	if (!tbs_parse(der_w_bytes(&w), &tbs, e))
		fail_msg("%s", e->msg);
	return charter_allows_cert(c, &tbs, &u, v, e);
}

#define LIMITS_                                                                \
	"kinds: [leaf, ca, crl, csr]\n"                                        \
	"max_life: { leaf: 90d, ca: 5y, self_signed: 20y, crl: 8d }\n"         \
	"backdate: 1h\n"                                                       \
	"path_len: 1\n"                                                        \
	"self_signed: once\n"                                                  \
	"must_constrain: [dns, ip, dn, email]\n"                               \
	"algs: [ecdsa-sha256]\n"                                               \
	"subject_keys: [ec-p256]\n"                                            \
	"ekus: [serverAuth, clientAuth, OCSPSigning, 1.3.6.1.4.1.9999.1]\n"    \
	"extensions: [1.3.6.1.4.1.9999.2]\n"                                   \
	"per_hour: 10\n"                                                       \
	"total: 100\n"                                                         \
	"names:\n"                                                             \
	"  dns: [kafka.example, .kafka.example]\n"                             \
	"  ip: [10.2.0.0/16, 'fd00::/8']\n"                                    \
	"  dn: ['O=Acme,C=US', 'DC=kafka,DC=example']\n"                       \
	"  uri: ['spiffe://acme.example/kafka/', 'urn:acme:one']\n"            \
	"  email: ['@mail.example', 'Ops@acme.example']\n"

static struct charter *
limits(const char *more)
{
	auto_buf struct buf text = { 0 };
	struct charter *c;
	struct error e;

	buf_add_str(&text, LIMITS_);
	buf_add_str(&text, more);
	c = charter_parse_yaml(buf_bytes(&text), "limits", NULL, &e);
	if (c == NULL)
		fail_msg("%s", e.msg);
	return c;
}

/* An intermediate that passes; rows change one thing. */
#define CA                                                                     \
	.bc = "ca:0", .ku = KU_CERT_SIGN | KU_CRL_SIGN, .san = { "-" },        \
	.subject = "CN=Sub CA,O=Acme,C=US", .to = 1000 * DAY
#define CONSTRAINED                                                            \
	.constraints = { "+dns:kafka.example", "+ip:0a020000ffff0000",         \
		"+dir:O=Acme,C=US", "-email:" }
#define SELF                                                                   \
	.bc = "ca", .ku = KU_CERT_SIGN | KU_CRL_SIGN, .san = { "-" },          \
	.ekus = "-", .subject = ISSUER, .self = true, .to = 7000 * DAY

static const struct {
	const char *name;
	struct spec spec;
} allowed[] = {
	{ "broker", { 0 } },
	{ "all kinds of names",
	    { .san = { "ip:0a02ff01", "dir:CN=x,C=US,O=Acme",
		  "uri:spiffe://acme.example/kafka/b1",
		  "email:a@mail.example" } } },
	{ "other names of each kind",
	    { .san = { "ip:fd000000000000000000000000000001",
		  "dns:Kafka.EXAMPLE", "uri:urn:acme:one",
		  "email:Ops@ACME.example" } } },
	{ "second entry of names.dn",
	    { .subject = "UID=x,DC=kafka,DC=example" } },
	{ "emailAddress within",
	    { .subject = "emailAddress=x@mail.example,"
			 "CN=b1,O=Acme,C=US" } },
	{ "no subjectAltName", { .san = { "-" } } },
	{ "common name within",
	    { .subject = "CN=b1.kafka.example,O=Acme,C=US" } },
	{ "common name, address within",
	    { .subject = "CN=10.2.3.4,O=Acme,C=US" } },
	{ "common name that is no host",
	    { .subject = "CN=Acme broker v1.2,O=Acme,C=US" } },
	{ "common name of a client",
	    { .subject = "CN=svc.orders,O=Acme,C=US", .ekus = "clientAuth" } },
	{ "listed usage by OID", { .ekus = "1.3.6.1.4.1.9999.1" } },
	{ "listed extension", { .oid = "1.3.6.1.4.1.9999.2" } },
	{ "ocsp signer",
	    { .ekus = "OCSPSigning", .oid = "1.3.6.1.5.5.7.48.1.5" } },
	{ "as long as allowed", { .to = 90 * DAY } },
	{ "as early as allowed", { .from = -3600 } },
	{ "as late as allowed", { .from = LIMIT_FUTURE_S } },
	{ "last of the hour", { .in_hour = 9 } },
	{ "last of all", { .signatures = 99 } },
	{ "intermediate", { CA, CONSTRAINED } },
	{ "intermediate, all of a kind excluded",
	    { CA,
		.constraints = { "-dns:", "+ip:0a020300ffffff00",
		    "+dir:OU=x,O=Acme,C=US", "+email:mail.example" } } },
	{ "intermediate, dotted subtree",
	    { CA,
		.constraints = { "+dns:.kafka.example", "+ip:0a020000ffff0000",
		    "+dir:O=Acme,C=US", "+email:Ops@acme.example" } } },
	{ "own certificate", { SELF } },
};

static void
test_allowed(void **state unused_arg)
{
	auto_charter struct charter *c = limits("");
	struct charter_verdict v;
	struct error e;

	for (size_t i = 0; i < countof(allowed); i++) {
		if (!judge(c, &allowed[i].spec, &v, &e))
			fail_msg("%s: %s", allowed[i].name, e.msg);
		assert_null(v.rule);
	}
}

static const struct {
	const char *name;
	struct spec spec;
	const char *rule, *field, *sentence;
} refused[] = {
	{ "version 1", { .v1 = true }, "form", "version", "= 1, not 3" },
	{ "unique id", { .unique_id = true }, "form", "uniqueID",
	    "is not understood" },
	{ "issuer's name over another key", { .subject = ISSUER },
	    "self-signed", "subject",
	    "is the issuer's name, over another key" },
	{ "own key under another name", { SELF, .subject = "CN=x,O=Acme,C=US" },
	    "self-signed", "subject", "is another name for the signing key" },
	{ "own key as a leaf", { .self = true, .subject = ISSUER },
	    "self-signed", "subjectPublicKeyInfo",
	    "is the signing key, in a certificate that is no CA" },
	{ "own certificate twice", { SELF, .self_signed = 1 }, "self-signed",
	    "subjectPublicKeyInfo",
	    "is the signing key, which has certified itself already" },
	{ "other algorithm", { .alg = SIG_ECDSA_SHA384 }, "algs", "signature",
	    "= ecdsa-sha384 is not among algs" },
	{ "other key type", { .key = P384 }, "subject-keys",
	    "subjectPublicKeyInfo", "= ec-p384 is not among subject_keys" },
	{ "key off the curve",
	    { .key = "3059301306072a8648ce3d020106082a8648ce3d0301070342000"
		     "46b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a139"
		     "45d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315"
		     "ececbb6406837bf51f6" },
	    "subject-keys", "subjectPublicKeyInfo", "is not a key we know" },
	{ "in the future", { .from = LIMIT_FUTURE_S + 1 }, "future",
	    "validity.notBefore",
	    "lies 61 s ahead of the clock, 60 s allowed" },
	{ "backdated", { .from = -3601 }, "backdate", "validity.notBefore",
	    "lies 3601 s in the past, backdate allows 3600 s" },
	{ "ends before it begins", { .to = -1 }, "life", "validity.notAfter",
	    "lies before validity.notBefore" },
	{ "too long", { .to = 90 * DAY + 1 }, "life", "validity.notAfter",
	    "gives 7776001 s of validity, max_life.leaf allows 7776000 s" },
	{ "CA too long", { CA, CONSTRAINED, .to = 1826 * DAY }, "life",
	    "validity.notAfter",
	    "gives 157766400 s of validity, max_life.ca allows 157680000 s" },
	{ "own certificate too long", { SELF, .to = 7301L * DAY }, "life",
	    "validity.notAfter",
	    "gives 630806400 s of validity, max_life.self_signed allows "
	    "630720000 s" },
	{ "extension not listed", { .oid = "1.3.6.1.4.1.9999.3" }, "extensions",
	    "extensions.1.3.6.1.4.1.9999.3", "is not among extensions" },
	{ "listed extension, critical",
	    { .oid = "1.3.6.1.4.1.9999.2", .critical = true }, "extensions",
	    "extensions.1.3.6.1.4.1.9999.2",
	    "is critical, and we do not understand it" },
	{ "constraints in a leaf", { CONSTRAINED }, "extensions",
	    "extensions.nameConstraints",
	    "stands in a certificate that is no CA" },
	{ "nocheck in a broker", { .oid = "1.3.6.1.5.5.7.48.1.5" },
	    "extensions", "extensions.ocsp-nocheck",
	    "stands in a certificate that is no OCSP signer" },
	{ "key usage not listed", { .ku = KU_DIGITAL_SIGNATURE | KU_CRL_SIGN },
	    "key-usage", "extensions.keyUsage",
	    "has bits that are not among key_usage (mask 0x040)" },
	{ "ninth key usage bit", { .ku = KU_KEY_AGREEMENT | KU_DECIPHER_ONLY },
	    "key-usage", "extensions.keyUsage",
	    "has bits that are not among key_usage (mask 0x100)" },
	{ "no key usage", { .ku = -1 }, "key-usage", "extensions.keyUsage",
	    "is missing, and without it every usage is allowed" },
	{ "extended key usage not listed", { .ekus = "serverAuth,codeSigning" },
	    "ekus", "extensions.extKeyUsage[1]",
	    "= codeSigning is not among ekus" },
	{ "extended key usage unknown", { .ekus = "1.3.6.1.4.1.9999.7" },
	    "ekus", "extensions.extKeyUsage[0]",
	    "= 1.3.6.1.4.1.9999.7 is not among ekus" },
	{ "any extended key usage", { .ekus = "anyExtendedKeyUsage" }, "ekus",
	    "extensions.extKeyUsage[0]",
	    "= anyExtendedKeyUsage is not among ekus" },
	{ "no extended key usage", { .ekus = "-" }, "ekus",
	    "extensions.extKeyUsage",
	    "is missing, and without it every usage is allowed" },
	{ "CA without extended key usage", { CA, CONSTRAINED, .ekus = "-" },
	    "ekus", "extensions.extKeyUsage",
	    "is missing, and without it every usage is allowed" },
	{ "no path length", { CA, CONSTRAINED, .bc = "ca" }, "path-len",
	    "extensions.basicConstraints.pathLenConstraint",
	    "is missing, path_len allows 1" },
	{ "path length", { CA, CONSTRAINED, .bc = "ca:2" }, "path-len",
	    "extensions.basicConstraints.pathLenConstraint",
	    "= 2, path_len allows 1" },
	/* Able to sign certificates, to a reader that looks at one of two. */
	{ "keyCertSign alone makes a CA",
	    { .ku = KU_DIGITAL_SIGNATURE | KU_CERT_SIGN }, "path-len",
	    "extensions.basicConstraints.pathLenConstraint",
	    "is missing, path_len allows 1" },
	{ "cA alone makes a CA", { .bc = "ca:0" }, "name-constraints",
	    "extensions.nameConstraints",
	    "leave names of kind dn open; must_constrain demands them" },
	{ "no name constraints", { CA }, "name-constraints",
	    "extensions.nameConstraints",
	    "leave names of kind dn open; must_constrain demands them" },
	{ "name constraints not critical",
	    { CA, CONSTRAINED, .nc_plain = true }, "name-constraints",
	    "extensions.nameConstraints", "are not critical" },
	{ "a kind left open",
	    { CA,
		.constraints = { "+dns:kafka.example", "+dir:O=Acme,C=US",
		    "-email:" } },
	    "name-constraints", "extensions.nameConstraints",
	    "leave names of kind ip open; must_constrain demands them" },
	{ "one address family excluded",
	    { CA,
		.constraints = { "+dns:kafka.example", "+dir:O=Acme,C=US",
		    "-email:", "-ip:0000000000000000" } },
	    "name-constraints", "extensions.nameConstraints",
	    "leave names of kind ip open; must_constrain demands them" },
	{ "subtree of another domain",
	    { CA,
		.constraints = { "+dns:kafka.example", "+dns:evil.example" } },
	    "name-constraints",
	    "extensions.nameConstraints.permittedSubtrees[1]",
	    "(dNSName) permits names outside the charter's" },
	{ "subtree of the parent domain",
	    { CA, .constraints = { "+dns:example" } }, "name-constraints",
	    "extensions.nameConstraints.permittedSubtrees[0]",
	    "(dNSName) permits names outside the charter's" },
	{ "subtree of everything", { CA, .constraints = { "+dns:" } },
	    "name-constraints",
	    "extensions.nameConstraints.permittedSubtrees[0]",
	    "(dNSName) permits names outside the charter's" },
	{ "wider network", { CA, .constraints = { "+ip:0a000000ff000000" } },
	    "name-constraints",
	    "extensions.nameConstraints.permittedSubtrees[0]",
	    "(iPAddress) permits names outside the charter's" },
	{ "network with holes",
	    { CA, .constraints = { "+ip:0a020000ffff00ff" } },
	    "name-constraints",
	    "extensions.nameConstraints.permittedSubtrees[0]",
	    "(iPAddress) permits names outside the charter's" },
	{ "another organisation's subtree",
	    { CA, .constraints = { "+dir:O=Evil,C=US" } }, "name-constraints",
	    "extensions.nameConstraints.permittedSubtrees[0]",
	    "(directoryName) permits names outside the charter's" },
	{ "URI subtree", { CA, .constraints = { "+uri:acme.example" } },
	    "name-constraints",
	    "extensions.nameConstraints.permittedSubtrees[0]",
	    "(uniformResourceIdentifier) permits names outside the charter's" },
	{ "mail domain", { CA, .constraints = { "+email:.mail.example" } },
	    "name-constraints",
	    "extensions.nameConstraints.permittedSubtrees[0]",
	    "(rfc822Name) permits names outside the charter's" },
	{ "subtree of a kind we do not read",
	    { CA, .constraints = { "+id:8" } }, "name-constraints",
	    "extensions.nameConstraints.permittedSubtrees", "cannot be read" },
	{ "minimum of a subtree",
	    { CA,
		.constraints = { "raw:3016a0143012820d6b61666b612e6578616d"
				 "706c65800101" } },
	    "name-constraints", "extensions.nameConstraints.permittedSubtrees",
	    "cannot be read" },
	{ "constraints that hold nothing",
	    { CA, .constraints = { "raw:3000" } }, "name-constraints",
	    "extensions.nameConstraints", "cannot be read" },
	{ "other organisation", { .subject = "CN=b1,O=Evil,C=US" }, "names-dn",
	    "subject", "= \"CN=b1,O=Evil,C=US\" fits no entry of names.dn" },
	{ "attribute missing", { .subject = "CN=b1,O=Acme" }, "names-dn",
	    "subject", "= \"CN=b1,O=Acme\" fits no entry of names.dn" },
	/* A reader of the first or of the last would see another organisation. */
	{ "two organisations", { .subject = "O=Evil,O=Acme,C=US" }, "names-dn",
	    "subject", "= \"O=Evil,O=Acme,C=US\" fits no entry of names.dn" },
	{ "domain components in another order",
	    { .subject = "DC=example,DC=kafka" }, "names-dn", "subject",
	    "= \"DC=example,DC=kafka\" fits no entry of names.dn" },
	{ "empty subject", { .subject = "" }, "names-dn", "subject",
	    "= \"\" fits no entry of names.dn" },
	{ "dNSName outside",
	    { .san = { "dns:b1.kafka.example", "dns:kafka.example",
		  "dns:evil.example" } },
	    "names-san", "extensions.subjectAltName.dNSName[2]",
	    "= \"evil.example\" is not within names.dns" },
	{ "dNSName that ends alike", { .san = { "dns:evilkafka.example" } },
	    "names-san", "extensions.subjectAltName.dNSName[0]",
	    "= \"evilkafka.example\" is not within names.dns" },
	{ "dNSName with a final dot", { .san = { "dns:b1.kafka.example." } },
	    "names-san", "extensions.subjectAltName.dNSName[0]",
	    "= \"b1.kafka.example.\" is not within names.dns" },
	{ "dNSName with an empty label", { .san = { "dns:..kafka.example" } },
	    "names-san", "extensions.subjectAltName.dNSName[0]",
	    "= \"..kafka.example\" is not within names.dns" },
	{ "dNSName that is a suffix", { .san = { "dns:.kafka.example" } },
	    "names-san", "extensions.subjectAltName.dNSName[0]",
	    "= \".kafka.example\" is not within names.dns" },
	{ "dNSName with another name before",
	    { .san = { "dns:evil.example/x.kafka.example" } }, "names-san",
	    "extensions.subjectAltName.dNSName[0]",
	    "= \"evil.example/x.kafka.example\" is not within names.dns" },
	{ "wildcard", { .san = { "dns:*.kafka.example" } }, "names-san",
	    "extensions.subjectAltName.dNSName[0]",
	    "= \"*.kafka.example\"; names.wildcards is false" },
	{ "part of a label is no wildcard",
	    { .san = { "dns:b*.kafka.example" } }, "names-san",
	    "extensions.subjectAltName.dNSName[0]",
	    "= \"b*.kafka.example\" is not within names.dns" },
	{ "address outside", { .san = { "ip:0a030001" } }, "names-san",
	    "extensions.subjectAltName.iPAddress[0]",
	    "= \"10.3.0.1/32\" is not within names.ip" },
	{ "IPv4 address as IPv6",
	    { .san = { "ip:00000000000000000000ffff0a020001" } }, "names-san",
	    "extensions.subjectAltName.iPAddress[0]",
	    "= \"::ffff:10.2.0.1/128\" is not within names.ip" },
	{ "directoryName outside", { .san = { "dir:O=Evil,C=US" } },
	    "names-san", "extensions.subjectAltName.directoryName[0]",
	    "= \"O=Evil,C=US\" is not within names.dn" },
	{ "URI outside", { .san = { "uri:spiffe://evil.example/kafka/" } },
	    "names-san",
	    "extensions.subjectAltName.uniformResourceIdentifier[0]",
	    "= \"spiffe://evil.example/kafka/\" is not within names.uri" },
	{ "URI that climbs",
	    { .san = { "uri:spiffe://acme.example/kafka/../x" } }, "names-san",
	    "extensions.subjectAltName.uniformResourceIdentifier[0]",
	    "= \"spiffe://acme.example/kafka/../x\" is not within names.uri" },
	{ "URI longer than an exact one", { .san = { "uri:urn:acme:one/two" } },
	    "names-san",
	    "extensions.subjectAltName.uniformResourceIdentifier[0]",
	    "= \"urn:acme:one/two\" is not within names.uri" },
	{ "mailbox outside", { .san = { "email:a@x.mail.example" } },
	    "names-san", "extensions.subjectAltName.rfc822Name[0]",
	    "= \"a@x.mail.example\" is not within names.email" },
	{ "mailbox in another case", { .san = { "email:ops@acme.example" } },
	    "names-san", "extensions.subjectAltName.rfc822Name[0]",
	    "= \"ops@acme.example\" is not within names.email" },
	{ "two at signs", { .san = { "email:a@evil.example@mail.example" } },
	    "names-san", "extensions.subjectAltName.rfc822Name[0]",
	    "= \"a@evil.example@mail.example\" is not within names.email" },
	{ "kind of name we do not read", { .san = { "id:x" } }, "names-san",
	    "extensions.subjectAltName.otherName[0]",
	    "is of a kind we do not read" },
	{ "emailAddress outside",
	    { .subject = "emailAddress=x@evil.example,O=Acme,C=US" },
	    "names-email", "subject.emailAddress",
	    "= \"x@evil.example\" is not within names.email" },
	{ "common name is a host outside",
	    { .subject = "CN=evil.example,O=Acme,C=US" }, "names-cn",
	    "subject.commonName",
	    "= \"evil.example\" looks like a host and is not within "
	    "names.dns or names.ip" },
	{ "second common name",
	    { .subject = "CN=evil.example,CN=b1,O=Acme,C=US" }, "names-cn",
	    "subject.commonName",
	    "= \"evil.example\" looks like a host and is not within "
	    "names.dns or names.ip" },
	{ "common name is an address outside",
	    { .subject = "CN=10.3.0.1,O=Acme,C=US" }, "names-cn",
	    "subject.commonName",
	    "= \"10.3.0.1\" looks like a host and is not within names.dns or "
	    "names.ip" },
	{ "common name is a wildcard",
	    { .subject = "CN=*.kafka.example,O=Acme,C=US" }, "names-cn",
	    "subject.commonName",
	    "= \"*.kafka.example\" looks like a host and is not within "
	    "names.dns or names.ip" },
	{ "too many in this hour", { .in_hour = 10 }, "per-hour", "kind",
	    "would be signature 11 of this hour, per_hour allows 10" },
	{ "too many", { .signatures = 100 }, "total", "kind",
	    "would be signature 101 of this key, total allows 100" },
};

static void
assert_refusal(const char *name, const struct charter_verdict *v,
    const struct error *e, const char *rule, const char *field,
    const char *sentence)
{
	auto_mem char *full = mem_printf("charter-%s", rule);
	auto_mem char *msg = mem_printf("%s: %s %s", full, field, sentence);

	if (strcmp(e->msg, msg) != 0)
		fail_msg("%s: \"%s\" instead of \"%s\"", name, e->msg, msg);
	assert_string_equal(v->rule, full);
	assert_string_equal(v->field, field);
}

static void
test_refused(void **state unused_arg)
{
	auto_charter struct charter *c = limits("");

	for (size_t i = 0; i < countof(refused); i++) {
		struct charter_verdict v;
		struct error e;

		if (judge(c, &refused[i].spec, &v, &e))
			fail_msg("%s: allowed", refused[i].name);
		assert_int_equal(e.why, FAIL_REFUSED);
		assert_refusal(refused[i].name, &v, &e, refused[i].rule,
		    refused[i].field, refused[i].sentence);
	}
}

/* Every rule has a refusal in the table above or in a test of its own. */
static void
test_all_rules_tested(void **state unused_arg)
{
	static const char *const elsewhere[] = { "charter-kind",
		"charter-quorum" };

	for (size_t i = 0; i < charter_rules_count; i++) {
		const char *rule = charter_rules[i].name;
		bool found = false;

		for (size_t j = 0; j < countof(refused); j++)
			found = found ||
			    strcmp(rule + strlen("charter-"),
				refused[j].rule) == 0;
		for (size_t j = 0; j < countof(elsewhere); j++)
			found = found || strcmp(rule, elsewhere[j]) == 0;
		if (!found)
			fail_msg("%s has no test", rule);
		assert_true(strlen(charter_rules[i].about) > 10);
	}
}

static struct charter *
charter_of(const char *yaml)
{
	struct error e;
	struct charter *c = charter_parse_yaml(bytes_str(yaml), "c", NULL, &e);

	if (c == NULL)
		fail_msg("%s", e.msg);
	return c;
}

static void
test_kinds(void **state unused_arg)
{
	auto_charter struct charter *crl =
	    charter_of("kinds: [crl]\nmax_life: { crl: 8d }\n");
	struct charter_usage u = { .now_s = NOW };
	struct spec leaf = { 0 }, ca = { CA };
	struct charter_verdict v;
	struct error e;

	assert_false(judge(crl, &leaf, &v, &e));
	assert_refusal("leaf", &v, &e, "kind", "kind",
	    "= leaf is not among kinds");
	assert_false(judge(crl, &ca, &v, &e));
	assert_refusal("ca", &v, &e, "kind", "kind", "= ca is not among kinds");
	assert_false(
	    charter_allows_csr(crl, bytes_of("\x30\0", 2), &u, &v, &e));
	assert_refusal("csr", &v, &e, "kind", "kind",
	    "= csr is not among kinds");
	assert_false(
	    charter_allows_list(crl, KIND_OCSP, NOW, NOW + 1, &u, &v, &e));
	assert_refusal("ocsp", &v, &e, "kind", "kind",
	    "= ocsp is not among kinds");
}

static void
test_lists(void **state unused_arg)
{
	static const struct {
		const char *name;
		int64_t from, to;
		uint64_t in_hour;
		const char *rule, *field, *sentence;
	} cases[] = {
		{ "good", 0, 8 * DAY, 0, NULL, NULL, NULL },
		{ "early and late", -3600, 8 * DAY - 3600, 9, NULL, NULL,
		    NULL },
		{ "future", 61, DAY, 0, "future", "thisUpdate",
		    "lies 61 s ahead of the clock, 60 s allowed" },
		{ "past", -3601, DAY, 0, "backdate", "thisUpdate",
		    "lies 3601 s in the past, backdate allows 3600 s" },
		{ "long", 0, 8 * DAY + 1, 0, "life", "nextUpdate",
		    "gives 691201 s of validity, max_life.crl allows 691200 "
		    "s" },
		{ "backwards", 0, -1, 0, "life", "nextUpdate",
		    "lies before thisUpdate" },
		{ "hour", 0, DAY, 10, "per-hour", "kind",
		    "would be signature 11 of this hour, per_hour allows 10" },
	};
	auto_charter struct charter *c = limits("");

	for (size_t i = 0; i < countof(cases); i++) {
		struct charter_usage u = { .now_s = NOW,
			.in_hour = cases[i].in_hour };
		struct charter_verdict v;
		struct error e;
		bool ok = charter_allows_list(c, KIND_CRL, NOW + cases[i].from,
		    NOW + cases[i].to, &u, &v, &e);

		assert_int_equal(ok, cases[i].rule == NULL);
		if (!ok)
			assert_refusal(cases[i].name, &v, &e, cases[i].rule,
			    cases[i].field, cases[i].sentence);
	}
}

static void
test_csr(void **state unused_arg)
{
	static const struct {
		const char *subject, *rule, *field;
	} cases[] = {
		{ "CN=Sub CA,O=Acme,C=US", NULL, NULL },
		{ "CN=Sub CA,O=Evil,C=US", "charter-names-dn", "subject" },
		{ "CN=evil.example,O=Acme,C=US", "charter-names-cn",
		    "subject.commonName" },
		{ "emailAddress=a@b.c,O=Acme,C=US", "charter-names-email",
		    "subject.emailAddress" },
	};
	auto_charter struct charter *c = limits("");
	struct charter_usage u = { .now_s = NOW };

	for (size_t i = 0; i < countof(cases); i++) {
		auto_buf struct buf der = { 0 };
		struct charter_verdict v;
		struct error e;

		assert_true(name_parse(cases[i].subject, &der, &e));
		assert_int_equal(charter_allows_csr(c, buf_bytes(&der), &u, &v,
				     &e),
		    cases[i].rule == NULL);
		if (cases[i].rule == NULL)
			continue;
		assert_string_equal(v.rule, cases[i].rule);
		assert_string_equal(v.field, cases[i].field);
		/* Garbage is no name. */
		assert_false(
		    charter_allows_csr(c, bytes_of("\x30\x05", 2), &u, &v, &e));
		assert_string_equal(v.rule, "charter-names-dn");
	}
}

#define CUSTODIANS                                                             \
	"3f2a99c03f2a99c03f2a99c03f2a99c03f2a99c03f2a99c03f2a99c03f2a99c0"

static void
test_quorum(void **state unused_arg)
{
	auto_charter struct charter *c =
	    limits("quorum: { ca: { m: 2, custodians: " CUSTODIANS " } }\n");
	struct spec leaf = { 0 }, ca = { CA, CONSTRAINED };
	struct spec bad = { CA, CONSTRAINED, .bc = "ca:7" };
	struct charter_verdict v;
	struct error e;

	assert_true(judge(c, &leaf, &v, &e));
	assert_false(judge(c, &ca, &v, &e));
	assert_int_equal(e.why, FAIL_QUORUM);
	assert_refusal("ca", &v, &e, "quorum", "kind",
	    "= ca needs the approval of 2 custodians");
	ca.approved = true;
	assert_true(judge(c, &ca, &v, &e));
	/* People are not asked for what they cannot allow. */
	assert_false(judge(c, &bad, &v, &e));
	assert_int_equal(e.why, FAIL_REFUSED);
	assert_string_equal(v.rule, "charter-path-len");
}

/* A list with entries of its caller's: a kind of its own, with the life and the quorum of
 * CRLs. No template but "open" has it. */
static void
test_caller_crl(void **state unused_arg)
{
	static const char yaml[] =
	    "kinds: [caller-crl]\nmax_life: { crl: 1d }\n"
	    "quorum: { crl: { m: 1, custodians: " CUSTODIANS " } }\n";
	static const struct charter_usage now = { .now_s = NOW };
	const char *const *name = charter_template_names();
	struct charter_usage approved = { .now_s = NOW,
		.have_approvals = true };
	auto_charter struct charter *c =
	    charter_parse_yaml(bytes_str(yaml), "c", NULL, NULL);
	struct charter_verdict v;
	struct error e;

	assert_non_null(c);
	assert_true(charter_allows_list(c, KIND_CALLER_CRL, NOW, NOW + DAY,
	    &approved, &v, &e));
	assert_false(charter_allows_list(c, KIND_CALLER_CRL, NOW, NOW + DAY,
	    &now, &v, &e));
	assert_int_equal(e.why, FAIL_QUORUM);
	assert_false(charter_allows_list(c, KIND_CALLER_CRL, NOW, NOW + DAY + 1,
	    &approved, &v, &e));
	assert_string_equal(v.rule, "charter-life");
	assert_false(charter_allows_list(c, KIND_CRL, NOW, NOW + DAY, &approved,
	    &v, &e));
	assert_string_equal(v.rule, "charter-kind");
	for (; *name != NULL; name++) {
		auto_charter struct charter *t = charter_template(*name);

		assert_int_equal(charter_allows_list(t, KIND_CALLER_CRL, NOW,
				     NOW + 3600, &now, &v, &e),
		    charter_is_open(t));
	}
}

static void
test_wildcards(void **state unused_arg)
{
	static const char yaml[] =
	    "kinds: [leaf]\nmax_life: { leaf: 90d }\nalgs: [any]\n"
	    "subject_keys: [any]\nekus: [any]\nnames:\n"
	    "  dn: [any]\n  wildcards: true\n"
	    "  dns: [.kafka.example, exact.example]\n";
	static const struct {
		const char *name;
		bool ok;
	} cases[] = {
		{ "dns:*.kafka.example", true },
		{ "dns:*.b.kafka.example", true },
		{ "dns:*.example", false },
		/* Stands for names below, of which none is listed. */
		{ "dns:*.exact.example", false },
		{ "dns:*.*.kafka.example", false },
		{ "dns:*", false },
		{ "dns:*.", false },
		{ "dns:a.*.kafka.example", false },
	};
	auto_charter struct charter *c = charter_of(yaml);

	for (size_t i = 0; i < countof(cases); i++) {
		struct spec s = { .san = { cases[i].name } };
		struct charter_verdict v;
		struct error e;

		if (judge(c, &s, &v, &e) != cases[i].ok)
			fail_msg("%s", cases[i].name);
		if (!cases[i].ok)
			assert_string_equal(v.rule, "charter-names-san");
	}
}

static void
test_any(void **state unused_arg)
{
	static const char yaml[] =
	    "kinds: [leaf]\nmax_life: { leaf: 90d }\nalgs: [any]\n"
	    "subject_keys: [any]\nekus: [any]\nkey_usage: [any]\n"
	    "names: { dn: [any], dns: [any], ip: [any], uri: [any], "
	    "email: [any] }\n";
	auto_charter struct charter *c = charter_of(yaml);
	struct spec s = { .subject = "",
		.ku = -1,
		.ekus = "-",
		.key = P384,
		.alg = SIG_RSA_SHA512,
		.san = { "dns:a.b", "ip:01020304", "uri:x:y", "email:a@b" } };
	struct spec bad = { .san = { "dns:a b" } };
	struct spec ekus = { .ekus = "anyExtendedKeyUsage" };
	struct charter_verdict v;
	struct error e;

	if (!judge(c, &s, &v, &e))
		fail_msg("%s", e.msg);
	assert_true(judge(c, &ekus, &v, &e));
	/* Any name, but a name. */
	assert_false(judge(c, &bad, &v, &e));
	assert_string_equal(v.field, "extensions.subjectAltName.dNSName[0]");
}

static void
test_open(void **state unused_arg)
{
	auto_charter struct charter *c = charter_template("open");
	struct spec any = { .subject = "CN=evil.example",
		.san = { "id:x" },
		.from = -100000,
		.to = 30000L * DAY,
		.oid = "1.2.3",
		.critical = true,
		.ku = -1,
		.ekus = "-" };
	struct spec future = { .from = 100 };
	struct charter_verdict v;
	struct error e;

	assert_true(charter_is_open(c));
	if (!judge(c, &any, &v, &e))
		fail_msg("%s", e.msg);
	assert_false(judge(c, &future, &v, &e));
	assert_string_equal(v.rule, "charter-future");
}

/* Extensions that carry garbage are refused by the rule that reads them. */
static void
test_garbage_extensions(void **state unused_arg)
{
	static const struct {
		enum ext_kind kind;
		const char *value, *field;
	} cases[] = {
		{ EXT_SAN, "\x30\x05", "extensions.subjectAltName" },
		{ EXT_EKU, "\x30\x05", "extensions.extKeyUsage" },
	};
	auto_charter struct charter *c = limits("");
	struct spec s = { 0 };

	for (size_t i = 0; i < countof(cases); i++) {
		auto_der_writer struct der_writer w;
		struct charter_usage u = { .now_s = NOW };
		struct charter_verdict v;
		struct tbs_view tbs;
		struct error e;

		der_w_init(&w, 2048);
		put_tbs(&w, &s);
		assert_true(tbs_parse(der_w_bytes(&w), &tbs, &e));
		for (size_t j = 0; j < tbs.exts.n; j++)
			if (tbs.exts.v[j].kind == cases[i].kind)
				tbs.exts.v[j].value =
				    bytes_of(cases[i].value, 2);
		assert_false(charter_allows_cert(c, &tbs, &u, &v, &e));
		assert_string_equal(v.field, cases[i].field);
		assert_int_equal(e.why, FAIL_REFUSED);
	}
}

/* What a charter within another allows, the other allows: all pairs of some charters,
 * all certificates of the tables above. */
static const char *const dns_steps[] = { "[b1.kafka.example]",
	"[kafka.example, .kafka.example]", "[.example]", "[any]" };
static const char *const dn_steps[] = { "['CN=b1,O=Acme,C=US']",
	"['O=Acme,C=US']", "['C=US', 'O=Acme', 'DC=kafka,DC=example']",
	"[any]" };
static const char *const eku_steps[] = { "[serverAuth, clientAuth]",
	"[serverAuth, clientAuth, OCSPSigning, codeSigning]", "[any]" };
static const char *const constrain_steps[] = { "[dns, ip, dn, email]", "[dns]",
	"[]" };
#define VARIANTS (4 * 4 * 3 * 3)

static struct charter *
variant(size_t i)
{
	auto_mem char *yaml = mem_printf(
	    "kinds: [leaf, ca]\nmax_life: { leaf: 90d, ca: 5y }\n"
	    "backdate: 1h\npath_len: %d\nalgs: [any]\nsubject_keys: [any]\n"
	    "ekus: %s\nextensions: [1.3.6.1.4.1.9999.2]\n"
	    "must_constrain: %s\n"
	    "names:\n  dns: %s\n  dn: %s\n  ip: [10.2.0.0/16]\n"
	    "  email: ['@mail.example']\n",
	    i % 2 == 0 ? 1 : 2, eku_steps[i / 48], constrain_steps[i / 16 % 3],
	    dns_steps[i / 4 % 4], dn_steps[i % 4]);

	return charter_of(yaml);
}

static const struct spec *
spec_at(size_t i)
{
	return i < countof(allowed) ? &allowed[i].spec
				    : &refused[i - countof(allowed)].spec;
}
#define SPECS (countof(allowed) + countof(refused))

static void
test_tighter_allows_less(void **state unused_arg)
{
	static bool allows[VARIANTS][SPECS];
	struct charter *c[VARIANTS];
	size_t pairs = 0, yes = 0;

	for (size_t i = 0; i < VARIANTS; i++) {
		c[i] = variant(i);
		for (size_t k = 0; k < SPECS; k++) {
			struct charter_verdict v;
			struct error e;

			allows[i][k] = judge(c[i], spec_at(k), &v, &e);
			yes += allows[i][k];
		}
	}
	for (size_t i = 0; i < VARIANTS; i++)
		for (size_t j = 0; j < VARIANTS; j++) {
			const char *field;

			if (!charter_is_tighter(c[i], c[j], &field))
				continue;
			pairs++;
			for (size_t k = 0; k < SPECS; k++)
				if (allows[j][k] && !allows[i][k])
					fail_msg("%zu in %zu: %zu", j, i, k);
		}
	/* Pairs beside a charter and itself, certificates on both sides. */
	assert_true(pairs > 2 * VARIANTS);
	assert_in_range(yes, VARIANTS, VARIANTS * SPECS - VARIANTS);
	for (size_t i = 0; i < VARIANTS; i++)
		charter_free(c[i]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_all_rules_tested),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_csr),
		cmocka_unit_test(test_quorum),
		cmocka_unit_test(test_caller_crl),
		cmocka_unit_test(test_wildcards),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_garbage_extensions),
		cmocka_unit_test(test_tighter_allows_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
