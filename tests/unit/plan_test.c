/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/limits.h>
#include <chancery/ceremony/ceremony.h>
#include <chancery/ceremony/plan.h>

#define EXAMPLE TEST_DATA_DIR "/plan/acme-root.yaml"

static void
read_example(struct buf *text)
{
	struct error e = { 0 };

	assert_true(file_read(EXAMPLE, LIMIT_CONFIG_BYTES, text, &e));
}

/* The example with one text replaced, which must be there once. */
static void
edited(const char *from, const char *to, struct buf *out)
{
	auto_buf struct buf text = { 0 };
	const char *at, *s;

	read_example(&text);
	s = buf_cstr(&text);
	at = strstr(s, from);
	assert_non_null(at);
	buf_add(out, s, (size_t)(at - s));
	buf_add_str(out, to);
	buf_add_str(out, at + strlen(from));
}

static struct plan *
parse(const struct buf *text, struct buf *report, struct error *e)
{
	return plan_parse(buf_bytes(text), "plan.yaml", TEST_DATA_DIR "/plan",
	    report, e);
}

static void
test_example_is_good(unused_arg void **state)
{
	struct error e = { 0 };
	auto_buf struct buf report = { 0 }, core = { 0 };
	auto_plan struct plan *p = plan_read(EXAMPLE, &report, &e);

	assert_non_null(p);
	assert_string_equal(p->id, "acme-root-2026");
	assert_int_equal(p->people.n, 5);
	assert_int_equal(p->root.life_s, 7300LL * 86400);
	assert_int_equal(p->intermediates.n, 1);
	assert_int_equal(ceremony_step_count(p), 16);
	plan_core_json(p, &core);
	assert_true(json_valid(buf_bytes(&core)));
}

struct mistake {
	const char *name, *from, *to, *says;
};

/* What is wrong with a plan, and where it says so. */
static const struct mistake mistakes[] = {
	{ "unknown key", "id: acme-root-2026", "idd: acme-root-2026",
	    "plan.yaml:3:1" },
	{ "missing key", "title: Acme Root CA, key ceremony of 2026\n", "",
	    "title" },
	{ "duplicate key", "outputs: out", "outputs: out\noutputs: two",
	    "plan.yaml:57:1" },
	{ "version", "version: 1", "version: 2", "plan.yaml:2:10" },
	{ "person with two roles", "name: Emil Novak", "name: Dana Fuchs",
	    "one person, one role" },
	{ "the same in other letters", "name: Emil Novak", "name: DANA fuchs",
	    "one person, one role" },
	{ "no witness", "role: witness", "role: operator", "no witness" },
	{ "no administrator", "role: administrator", "role: operator",
	    "no administrator" },
	{ "unknown role", "role: auditor", "role: guest", "plan.yaml:15:11" },
	{ "relative module", "path: /usr/lib/softhsm/libsofthsm2.so",
	    "path: libsofthsm2.so", "absolute path" },
	{ "uri", "uri: \"pkcs11:token=acme-ca\"", "uri: acme-ca",
	    "PKCS#11 URI" },
	{ "pin source", "pin: file:pin-ca", "pin: 123456", "plan.yaml:22:10" },
	{ "token twice", "uri: \"pkcs11:token=acme-log\"",
	    "uri: \"pkcs11:token=acme-ca\"", "the same token" },
	{ "log on a ca token", "  token: log", "  token: ca",
	    "not of role log" },
	{ "root on the log token", "label: acme-root\n  token: ca",
	    "label: acme-root\n  token: log", "not of role ca" },
	{ "token that is not there", "label: acme-root\n  token: ca",
	    "label: acme-root\n  token: hsm2", "not in tokens" },
	{ "origin", "origin: acme.example/chancery/root",
	    "origin: \"acme root\"", "log origin" },
	{ "key type", "type: ec-p384", "type: dsa-1024", "rsa-2048" },
	{ "subject", "CN=Acme Root CA,O=Acme,C=DE", "CN=Acme,ZZ=1",
	    "plan.yaml:39:12" },
	{ "subject without CN", "CN=Acme Root CA,O=Acme,C=DE", "O=Acme,C=DE",
	    "plain CN" },
	{ "no room for the mark", "CN=Acme Root CA,O=Acme,C=DE",
	    "CN=A name that leaves no room for the mark of a rehearsal,O=A",
	    "mark of a rehearsal" },
	{ "charter template", "charter: root", "charter: anything",
	    "no charter template" },
	{ "no charter", "  charter: root\n", "",
	    "needs charter or charter_file" },
	{ "charter file", "  charter: root\n", "  charter_file: absent.yaml\n",
	    "absent.yaml" },
	{ "life without unit", "life: 7300d", "life: 7300", "plan.yaml:41:9" },
	{ "intermediate outlives the root", "life: 1825d", "life: 7301d",
	    "longer than the root" },
	{ "output outside", "outputs: out", "outputs: ../out",
	    "inside the home" },
	{ "output over the register", "outputs: out", "outputs: register",
	    "plan.yaml:56:10: outputs: is a directory that the home uses" },
	{ "output over the journal", "outputs: out", "outputs: ./ceremony/x",
	    "uses itself" },
	{ "output over a rehearsal", "outputs: out", "outputs: rehearsal-1",
	    "uses itself" },
	{ "file over the transcript", "file: acme-root.pem",
	    "file: transcript.jsonl", "writes itself" },
	{ "CRL over the checkpoint", "file: acme-root.crl", "file: checkpoint",
	    "writes itself" },
	{ "empty label", "label: acme-root", "label: \"\"",
	    "plan.yaml:35:10: root.label" },
	{ "PIN in a URI", "uri: \"pkcs11:token=acme-ca\"",
	    "uri: \"pkcs11:token=acme-ca?pin-value=1234\"", "no PIN" },
	{ "file with a path", "file: acme-root.pem", "file: ../acme-root.pem",
	    "letters, digits" },
	{ "same file twice", "file: acme-kafka-ca.pem", "file: acme-root.pem",
	    "is there already" },
	{ "same label twice", "label: acme-kafka-ca", "label: acme-root",
	    "is there already" },
	{ "crl over the root", "file: acme-root.crl", "file: acme-root.pem",
	    "this file name" },
	{ "same subject twice", "CN=Acme Kafka Issuing CA", "CN=Acme Root CA",
	    "same subject" },
	{ "confirmations", "confirmations: every-step", "confirmations: never",
	    "confirmations" },
	{ "rehearsal hash", "outputs: out", "outputs: out\nrehearsal: abc",
	    "64 hex digits" },
	{ "an alias", "outputs: out", "outputs: *x", "plan.yaml:56:10" },
	{ "a url", "http://pki.acme.example/root.crl", "not a url", "crl" },
};

static void
test_mistakes_are_named(unused_arg void **state)
{
	for (size_t i = 0; i < countof(mistakes); i++) {
		const struct mistake *m = &mistakes[i];
		auto_buf struct buf text = { 0 }, report = { 0 };
		struct error e = { 0 };
		struct plan *p;

		edited(m->from, m->to, &text);
		p = parse(&text, &report, &e);
		if (p != NULL)
			fail_msg("%s: was accepted", m->name);
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		if (strstr(buf_cstr(&report), m->says) == NULL)
			fail_msg("%s: says %s", m->name, buf_cstr(&report));
		if (strstr(buf_cstr(&report), "plan.yaml:") == NULL)
			fail_msg("%s: no position in %s", m->name,
			    buf_cstr(&report));
	}
}

/* An empty file is read into a buffer that is not there. */
static void
test_nothing_at_all(unused_arg void **state)
{
	auto_buf struct buf nothing = { 0 }, report = { 0 };
	struct error e = { 0 };

	assert_null(parse(&nothing, &report, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
}

static void
test_hashes(unused_arg void **state)
{
	static const struct {
		const char *from, *to;
		bool core_differs;
	} cases[] = {
		{ "# A root ceremony", "# a root ceremony", false },
		{ "uri: \"pkcs11:token=acme-ca\"",
		    "uri: \"pkcs11:token=other\"", false },
		{ "pin: file:pin-ca", "pin: prompt", false },
		{ "life: 7300d", "life: 7299d", true },
		{ "label: acme-root", "label: acme-root2", true },
		{ "charter: root", "charter: open", true },
		{ "name: Ben Okafor", "name: Ben Okafor II", true },
	};
	struct error e = { 0 };
	auto_plan struct plan *before = plan_read(EXAMPLE, NULL, &e);

	assert_non_null(before);
	for (size_t i = 0; i < countof(cases); i++) {
		auto_buf struct buf text = { 0 };
		auto_plan struct plan *p = NULL;

		edited(cases[i].from, cases[i].to, &text);
		p = parse(&text, NULL, &e);
		assert_non_null(p);
		assert_memory_not_equal(p->hash.b, before->hash.b, SHA256_LEN);
		assert_int_equal(memcmp(p->core_hash.b, before->core_hash.b,
				     SHA256_LEN) != 0,
		    cases[i].core_differs);
	}
}

static void
test_subject_mark(unused_arg void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "CN=Root,O=A", "CN=REHEARSAL - NOT TRUSTED Root,O=A" },
		{ "O=A,CN=Root", "O=A,CN=REHEARSAL - NOT TRUSTED Root" },
		{ "O=A+cn=Root", "O=A+cn=REHEARSAL - NOT TRUSTED Root" },
		{ "O=CN=x,CN=y", "O=CN=x,CN=REHEARSAL - NOT TRUSTED y" },
		{ "O=a\\,CN=x,CN=y",
		    "O=a\\,CN=x,CN=REHEARSAL - NOT TRUSTED y" },
		{ "O=A", NULL },
		{ "CN=#0c0141", NULL },
		{ "CN=", NULL },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		auto_mem char *out = NULL, *same = NULL;
		struct error e = { 0 };
		bool ok = plan_subject(cases[i].in, true, &out, &e);

		assert_int_equal(ok, cases[i].out != NULL);
		if (!ok)
			continue;
		assert_string_equal(out, cases[i].out);
		assert_true(plan_subject(cases[i].in, false, &same, &e));
		assert_string_equal(same, cases[i].in);
	}
}

/* The steps are named once each, and every one that is asked for has words. */
static void
test_steps(unused_arg void **state)
{
	struct error e = { 0 };
	auto_plan struct plan *p = plan_read(EXAMPLE, NULL, &e);
	struct ceremony_step_text a, b;

	assert_non_null(p);
	for (size_t i = 0; i < ceremony_step_count(p); i++) {
		ceremony_step_text(p, i, &a);
		assert_non_null(a.words);
		for (size_t k = 0; k < i; k++) {
			ceremony_step_text(p, k, &b);
			assert_string_not_equal(a.id, b.id);
		}
	}
	ceremony_step_text(p, 0, &a);
	assert_string_equal(a.id, "opening");
	ceremony_step_text(p, ceremony_step_count(p) - 1, &a);
	assert_string_equal(a.id, "closing");
}

static void
fields_documented(const struct yaml_field *f, const char *text)
{
	for (; f->key != NULL; f++) {
		auto_mem char *quoted = mem_printf("`%s`", f->key);
		auto_mem char *map = mem_printf("`%s.", f->key);
		auto_mem char *list = mem_printf("`%s[]`", f->key);

		if (*f->key != '\0' && strstr(text, quoted) == NULL &&
		    strstr(text, map) == NULL && strstr(text, list) == NULL)
			fail_msg("docs/ceremony.md does not tell of %s",
			    f->key);
		if (f->fields != NULL)
			fields_documented(f->fields, text);
	}
}

/* Every key of a plan is explained, and every step. */
static void
test_guide_is_complete(unused_arg void **state)
{
	auto_buf struct buf text = { 0 };
	struct error e = { 0 };
	auto_plan struct plan *p = plan_read(EXAMPLE, NULL, &e);

	assert_true(file_read(TEST_DATA_DIR "/../../docs/ceremony.md",
	    LIMIT_CONFIG_BYTES, &text, &e));
	fields_documented(plan_schema, buf_cstr(&text));
	for (size_t i = 0; i < ceremony_step_count(p); i++) {
		struct ceremony_step_text t;
		auto_mem char *words = NULL;

		ceremony_step_text(p, i, &t);
		words = mem_printf("%s |", t.words);
		if (strncmp(t.id, "intermediate-", 13) != 0)
			assert_non_null(strstr(buf_cstr(&text), words));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example_is_good),
		cmocka_unit_test(test_mistakes_are_named),
		cmocka_unit_test(test_nothing_at_all),
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_subject_mark),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_guide_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
