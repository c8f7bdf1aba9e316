/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/kafka/store.h>

#include "key.h"

/* The key of an RSA-8192 in PEM has 6.5 KiB, a chain of four certificates 8 KiB. */
#define KEY_PEM_BYTES KAFKA_INPUT_BYTES

bool
kafka_alias_check(const char *alias, struct error *e)
{
	size_t n = strlen(alias);

	return (n > 0 && n <= 128 &&
		   strspn(alias,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		       "0123456789._-") == n) ||
	    error_set(e, FAIL_USAGE,
		"alias \"%s\": want letters, digits, '.', '_' and '-'", alias);
}

bool
kafka_password_check(const struct secret *s, struct error *e)
{
	const uint8_t *p = secret_data(s);

	if (secret_len(s) < KAFKA_PASSWORD_MIN)
		return error_set(e, FAIL_BAD_INPUT,
		    "the password is shorter than %d characters: keytool takes "
		    "none such",
		    KAFKA_PASSWORD_MIN);
	for (size_t i = 0; i < secret_len(s); i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return error_set(e, FAIL_BAD_INPUT,
			    "the password has characters beyond printable "
			    "ASCII, which programs encode differently");
	return true;
}

void
kafka_chain_pem(const struct kafka_bundle *b, struct buf *out)
{
	const struct cert *c;

	for (size_t i = 0; (c = kafka_bundle_chain(b, i)) != NULL; i++)
		pem_encode("CERTIFICATE", buf_bytes(&c->der), out);
}

void
kafka_trust_pem(const struct kafka_bundle *b, struct buf *out)
{
	const struct cert *c;

	for (size_t i = 0; (c = kafka_bundle_anchor(b, i)) != NULL; i++)
		pem_encode("CERTIFICATE", buf_bytes(&c->der), out);
}

struct secret *
kafka_key_only_pem(const struct kafka_bundle *b, struct error *e)
{
	struct secret *s = secret_new(KEY_PEM_BYTES);

	if (private_write_pem(kafka_bundle_key(b), s, e))
		return s;
	secret_free(s);
	return NULL;
}

struct secret *
kafka_key_pem(const struct kafka_bundle *b, struct error *e)
{
	auto_buf struct buf chain = { 0 };
	struct secret *s = secret_new(KEY_PEM_BYTES);

	kafka_chain_pem(b, &chain);
	if (private_write_pem(kafka_bundle_key(b), s, e)) {
		if (secret_add(s, chain.p, chain.n))
			return s;
		(void)error_set(e, FAIL_BAD_INPUT,
		    "key and chain are larger than %d bytes", KEY_PEM_BYTES);
	}
	secret_free(s);
	return NULL;
}
