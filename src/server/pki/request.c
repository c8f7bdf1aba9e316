/* SPDX-License-Identifier: Apache-2.0 */

/* Requests: those that come (vault-pki-api.md 5.2) and those that we make. */
#include <string.h>

#include <chancery/pki/cert.h>
#include <chancery/pki/ext_write.h>
#include <chancery/server/pki_cert.h>

/* 1.2.840.113549.1.9.14 */
#define OID_EXTENSION_REQUEST "1.2.840.113549.1.9.14"

static bool
has_block(const char *pem)
{
	return strstr(pem, "-----BEGIN ") != NULL;
}

bool
pki_csr_read(const char *pem, struct csr *out, struct error *e)
{
	auto_csr struct csr c = { 0 };

	if (pem[0] == '\0')
		return error_set(e, FAIL_BAD_INPUT, "\"csr\" is empty");
	if (!has_block(pem))
		return error_set(e, FAIL_BAD_INPUT, "csr contains no data");
	if (!csr_parse(bytes_str(pem), "csr", &c, e)) {
		(void)error_context(e,
		    "certificate request could not be parsed");
		e->why = FAIL_BAD_INPUT;
		return false;
	}
	if (!spki_check_strong(&c.key, e))
		return error_context(e, "csr");
	*out = c;
	c = (struct csr){ 0 };
	return true;
}

const char *
pki_key_type_word(struct key_type t)
{
	switch (t.alg) {
	case KEY_RSA:
		return "rsa";
	case KEY_EC_P256:
	case KEY_EC_P384:
	case KEY_EC_P521:
		return "ec";
	case KEY_ED25519:
		return "ed25519";
	case KEY_ALG__COUNT:
		break;
	}
	fatal("corrupt key_alg %d", (int)t.alg);
}

unsigned
pki_key_bits(struct key_type t)
{
	static const unsigned bits[KEY_ALG__COUNT] = {
		[KEY_EC_P256] = 256,
		[KEY_EC_P384] = 384,
		[KEY_EC_P521] = 521,
	};

	return t.alg == KEY_RSA ? t.bits : bits[t.alg];
}

bool
pki_csr_fits(const struct csr *c, const struct pki_role *r, struct error *e)
{
	const char *type = pki_key_type_word(c->key.type);
	unsigned bits = pki_key_bits(c->key.type);

	if (strcmp(r->key_type, "any") == 0)
		return true;
	if (strcmp(r->key_type, type) != 0)
		return error_set(e, FAIL_REFUSED,
		    "role requires keys of type %s", r->key_type);
	/* A role that names no size has its type's default (0: Ed25519). */
	return (int64_t)bits >= r->key_bits ||
	    error_set(e, FAIL_REFUSED,
		"role requires a minimum of a %lld-bit key, but CSR's key is "
		"%u bits",
		(long long)r->key_bits, bits);
}

enum sig_alg
pki_sig_alg(struct key_type issuer, int64_t bits, bool pss)
{
	static const enum sig_alg rsa[2][3] = {
		{ SIG_RSA_SHA256, SIG_RSA_SHA384, SIG_RSA_SHA512 },
		{ SIG_PSS_SHA256, SIG_PSS_SHA384, SIG_PSS_SHA512 },
	};

	if (issuer.alg != KEY_RSA)
		return sig_alg_default(issuer);
	return rsa[pss][bits == 512 ? 2 : bits == 384 ? 1 : 0];
}

static void
write_extensions(struct der_writer *w, const struct pki_csr_info *in)
{
	size_t mark = der_w_mark(w);

	/* Backwards. */
	if (in->san_n > 0)
		ext_w_san(w, in->san, in->san_n, in->subject.n <= 2);
	if (in->basic_constraints)
		ext_w_basic_constraints(w, -1);
	if (in->key_usage != 0)
		ext_w_key_usage(w, in->key_usage);
	if (der_w_mark(w) == mark)
		return;
	der_w_wrap(w, DER_SEQUENCE, mark); /* Extensions */
	der_w_wrap(w, DER_SET, mark);
	der_w_oid(w, OID_EXTENSION_REQUEST);
	der_w_wrap(w, DER_SEQUENCE, mark); /* Attribute */
}

/* RFC 2986 4.1: the attributes stand there even when there are none. */
void
pki_csr_info_write(const struct pki_csr_info *in, struct buf *info)
{
	auto_der_writer struct der_writer w = { 0 };

	der_w_init(&w, 1024);
	write_extensions(&w, in);
	der_w_wrap(&w, DER_CONTEXT_CONSTRUCTED(0), 0);
	der_w_raw(&w, in->spki);
	der_w_raw(&w, in->subject);
	der_w_uint(&w, 0);
	der_w_wrap(&w, DER_SEQUENCE, 0);
	buf_add_bytes(info, der_w_bytes(&w));
}
