/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of listeners, and the names in them: whatever is taken is a name or an address that the
 * same code takes again, and a properties line stays one line. */
#include <assert.h>
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/kafka/config.h>
#include <chancery/kafka/names.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
walk(const char *text)
{
	struct kafka_listener l;
	const char *before;
	bool bad = false;

	do {
		before = text;
		if (!kafka_listener_next(&text, &l, &bad))
			break;
		assert(text > before && l.port < 65536 && l.name[0] != '\0');
	} while (!bad);
}

static void
take_names(const char *text)
{
	auto_kafka_names struct kafka_names *names = kafka_names_new(),
					    *again = kafka_names_new();
	struct error e;
	const char *one;

	if (!kafka_names_add_listeners(names, text, 7, &e))
		return;
	for (size_t i = 0; (one = kafka_names_dns(names, i)) != NULL; i++)
		assert(kafka_names_add(again, one, &e) &&
		    strcmp(kafka_names_dns(again, i), one) == 0);
	for (size_t i = 0; (one = kafka_names_ip(names, i)) != NULL; i++)
		assert(kafka_names_add(again, one, &e) &&
		    strcmp(kafka_names_ip(again, i), one) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_buf struct buf text = { 0 }, line = { 0 };

	buf_add(&text, p, n);
	walk(buf_cstr(&text));
	take_names(buf_cstr(&text));
	kafka_property("k", buf_cstr(&text), &line);
	for (size_t i = 0; i + 1 < line.n; i++)
		assert(line.p[i] >= 0x20 && line.p[i] < 0x7f);
	return 0;
}
