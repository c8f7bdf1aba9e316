/* SPDX-License-Identifier: Apache-2.0 */
/* Names as a Kafka broker prints them: a name that is one has one text, whose separators are
 * not any value's; a mapping rule never yields more than a plain CN. */
#include <assert.h>
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/kafka/principal.h>
#include <chancery/pki/name.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Attributes, by the separators that no backslash is before. */
static unsigned
attributes_of(const char *text)
{
	unsigned n = *text != '\0';

	for (; *text != '\0'; text++) {
		if (*text == '\\' && text[1] != '\0')
			text++;
		else
			n += *text == ',' || *text == '+';
	}
	return n;
}

static unsigned
attributes_in(struct bytes der)
{
	auto_buf struct buf text = { 0 };
	struct error e;

	assert(name_format(der, &text, &e));
	return attributes_of(buf_cstr(&text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_buf struct buf text = { 0 }, cn = { 0 };
	struct error e;
	struct bytes der = bytes_of(p, n);

	if (!kafka_principal(der, &text, &e)) {
		assert(text.n == 0);
		return 0;
	}
	assert(name_check(der, &e));
	assert(attributes_of(buf_cstr(&text)) == attributes_in(der));
	if (kafka_cn_rule_apply(NULL, buf_cstr(&text), &cn)) {
		assert(strncmp(buf_cstr(&text), "CN=", 3) == 0);
		assert(strpbrk(buf_cstr(&cn), ",+=\\ \n") == NULL);
	}
	return 0;
}
