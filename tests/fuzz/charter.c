/* SPDX-License-Identifier: Apache-2.0 */
/* Charters from YAML and from JSON; octets that are a TBSCertificate are judged by an
 * open and a narrow one. */
#include <assert.h>

#include <chancery/base/limits.h>
#include <chancery/charter/charter.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* JSON in is JSON out; a charter is within itself. */
static void
check(const struct charter *c, struct bytes json)
{
	auto_buf struct buf out = { 0 };
	auto_buf struct buf text = { 0 };
	auto_charter struct charter *back = NULL;
	const char *field;
	struct error e;

	charter_to_json(c, &out);
	if (json.p != NULL)
		assert(bytes_eq(buf_bytes(&out), json));
	charter_describe(c, &text);
	assert(text.n > 0);
	if (out.n > LIMIT_RECORD_BYTES)
		return;
	back = charter_parse_json(buf_bytes(&out), &e);
	assert(back != NULL && charter_is_tighter(c, back, &field));
}

static void
judge(struct bytes der)
{
	static struct charter *charters[2];
	struct charter_usage u = { .now_s = 1795315465 };
	struct charter_verdict v;
	struct tbs_view tbs;
	struct error e;

	if (charters[0] == NULL) {
		charters[0] = charter_template("open");
		charters[1] = charter_template("intermediate");
	}
	if (!tbs_parse(der, &tbs, &e))
		return;
	u.now_s = tbs.not_before_s;
	for (size_t i = 0; i < countof(charters); i++)
		if (!charter_allows_cert(charters[i], &tbs, &u, &v, &e))
			assert(v.rule != NULL && v.field[0] != '\0');
	if (!charter_allows_csr(charters[1], tbs.subject, &u, &v, &e))
		assert(v.rule != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bytes in = bytes_of(p, n);
	auto_charter struct charter *json = NULL;
	auto_charter struct charter *yaml = NULL;
	struct error e;

	json = charter_parse_json(in, &e);
	if (json != NULL)
		check(json, in);
	yaml = charter_parse_yaml(in, "f", NULL, &e);
	if (yaml != NULL)
		check(yaml, (struct bytes){ 0 });
	judge(in);
	return 0;
}
