/* SPDX-License-Identifier: Apache-2.0 */
/* Names both ways: the input as DER, and as text. What is read from text is a
 * name, and writing and reading it again changes nothing any more. */
#include <assert.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>
#include <chancery/pki/name.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
from_der(struct bytes der)
{
	static const struct name_policy_row rows[] = { { "O", NAME_MATCH },
		{ "CN", NAME_SUPPLIED }, { "OU", NAME_OPTIONAL } };
	auto_buf struct buf text = { 0 }, value = { 0 }, out = { 0 };
	struct error e;
	bool ok = name_check(der, &e);

	assert(name_format(der, &text, &e) == ok);
	assert(!ok || utf8_valid(buf_bytes(&text)));
	(void)name_get(der, "CN", 1, &value);
	(void)name_count(der, "2.5.4.11");
	(void)name_has_multivalued(der);
	if (name_policy_apply(rows, 3, false, der, der, &out, &e))
		assert(ok && name_check(buf_bytes(&out), &e));
}

static void
from_text(const char *text)
{
	auto_buf struct buf der = { 0 }, once = { 0 }, der2 = { 0 },
			    twice = { 0 };
	struct error e;

	if (!name_parse(text, &der, &e))
		return;
	assert(name_check(buf_bytes(&der), &e));
	assert(name_format(buf_bytes(&der), &once, &e));
	/* #hex may carry what text is not allowed to say (lengths). */
	if (!name_parse(buf_cstr(&once), &der2, &e))
		return;
	assert(name_format(buf_bytes(&der2), &twice, &e));
	assert(bytes_eq(buf_bytes(&once), buf_bytes(&twice)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_buf struct buf text = { 0 };

	from_der(bytes_of(p, n));
	buf_add(&text, p, n);
	from_text(buf_cstr(&text));
	return 0;
}
