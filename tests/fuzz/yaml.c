/* SPDX-License-Identifier: Apache-2.0 */
/* The YAML binder with a field of every type. A file that binds must not be touched by
 * the reader's report, and every text it gave must be there. */
#include <assert.h>
#include <stddef.h>

#include <chancery/config/yaml.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct row {
	char *key, *value;
};
struct all {
	char *text;
	uint64_t number, size;
	bool flag;
	int64_t life, when;
	int choice;
	struct yaml_texts texts;
	struct row section;
	struct yaml_list rows, named;
};
static const char *const choices[] = { "one", "two", NULL };
static const struct yaml_field row_fields[] = {
	{ .key = "", .type = YAML_TEXT, .offset = offsetof(struct row, key) },
	{ .key = "value",
	    .type = YAML_TEXT,
	    .offset = offsetof(struct row, value),
	    .required = true,
	    .max = 40 },
	{ 0 },
};
#define AT(member) .offset = offsetof(struct all, member)
static const struct yaml_field schema[] = {
	{ .key = "text", .type = YAML_TEXT, AT(text) },
	{ .key = "number", .type = YAML_UINT, AT(number), .max = 1000 },
	{ .key = "size", .type = YAML_SIZE, AT(size) },
	{ .key = "flag", .type = YAML_BOOL, AT(flag) },
	{ .key = "life", .type = YAML_DURATION, AT(life), .min = 1 },
	{ .key = "when", .type = YAML_TIME, AT(when) },
	{ .key = "choice", .type = YAML_ENUM, AT(choice), .names = choices },
	{ .key = "texts", .type = YAML_TEXT_LIST, AT(texts), .max = 8 },
	{ .key = "section",
	    .type = YAML_SECTION,
	    AT(section),
	    .fields = row_fields },
	{ .key = "rows",
	    .type = YAML_SECTION_LIST,
	    AT(rows),
	    .fields = row_fields,
	    .size = sizeof(struct row) },
	{ .key = "named",
	    .type = YAML_SECTION_MAP,
	    AT(named),
	    .fields = row_fields,
	    .size = sizeof(struct row) },
	{ 0 },
};

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_buf struct buf report = { 0 };
	struct error e = { 0 };
	struct all all;
	auto_yaml_doc struct yaml_doc *doc = yaml_bind(bytes_of(p, n), "f",
	    schema, &all, sizeof(all), &report, &e);
	const struct row *rows;

	if (doc == NULL) {
		assert(report.n > 0 && e.why == FAIL_BAD_INPUT);
		return 0;
	}
	assert(report.n == 0 && all.number <= 1000 && all.texts.n <= 8);
	rows = all.named.v;
	for (size_t i = 0; i < all.named.n; i++)
		assert(rows[i].key != NULL && strlen(rows[i].value) <= 40);
	for (size_t i = 0; i < all.texts.n; i++)
		assert(*yaml_where(doc, &all.texts.v[i]) == 'f');
	return 0;
}
