/* SPDX-License-Identifier: Apache-2.0 */
/* Charters as text: YAML, canonical JSON, templates, narrowing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/charter/charter.h>

#define HASH "3f2a99c03f2a99c03f2a99c03f2a99c03f2a99c03f2a99c03f2a99c03f2a99c0"

static struct charter *
from_yaml(const char *yaml)
{
	struct error e;
	struct charter *c = charter_parse_yaml(bytes_str(yaml), "c", NULL, &e);

	if (c == NULL)
		fail_msg("%s\n%s", e.msg, yaml);
	return c;
}

/* ---- YAML ----------------------------------------------------------------- */

#define LEAF                                                                   \
	"kinds: [leaf]\nmax_life: { leaf: 1d }\nalgs: [any]\n"                 \
	"subject_keys: [any]\nekus: [any]\nnames: { dn: [any] }\n"

static const struct {
	const char *name, *yaml, *told;
} mistakes[] = {
	{ "nothing", "", "c:1:1: missing key \"kinds\": nothing is allowed\n" },
	{ "kind", "kinds: [leef]\n",
	    "c:1:9: kinds[0]: \"leef\" is not leaf, ca, crl, ocsp, csr or "
	    "caller-crl\n" },
	{ "all that kind leaf and ca need", "kinds: [leaf, ca]\n",
	    "c:1:1: kind leaf needs max_life.leaf\n"
	    "c:1:1: kind ca needs max_life.ca (or self_signed)\n"
	    "c:1:1: kinds leaf and ca need algs\n"
	    "c:1:1: kinds leaf and ca need subject_keys\n"
	    "c:1:1: kinds leaf and ca need ekus\n"
	    "c:1:1: kinds leaf, ca and csr need names.dn\n" },
	{ "all that kind crl and ocsp need", "kinds: [crl, ocsp]\n",
	    "c:1:1: kind crl needs max_life.crl\n"
	    "c:1:1: kind ocsp needs max_life.ocsp\n" },
	{ "life of a caller's list", "kinds: [caller-crl]\n",
	    "c:1:1: kind caller-crl needs max_life.crl\n" },
	{ "life of zero", "kinds: [crl]\nmax_life:\n  crl: 0\n",
	    "c:3:8: kind crl needs max_life.crl\n" },
	{ "self-signed without its kind", LEAF "self_signed: once\n",
	    "c:7:14: self_signed needs max_life.self_signed\n"
	    "c:7:14: self_signed needs kind ca\n" },
	{ "any beside others",
	    LEAF "extensions: []\nkey_usage: [any, cRLSign]\n",
	    "c:8:12: key_usage: \"any\" stands alone\n" },
	{ "open beside a limit", "open: true\nmax_life: { ca: 1d }\n",
	    "c:2:17: ca: an open charter has no other limit\n" },
	{ "open beside its default", "open: true\nbackdate: 1m\n",
	    "c:2:11: backdate: an open charter has no other limit\n" },
	{ "unknown key", LEAF "max_lief: 1d\n",
	    "c:7:1: unknown key \"max_lief\"; did you mean \"max_life\"?\n" },
	{ "life as a number", "kinds: [crl]\nmax_life: { crl: 8 }\n",
	    "c:2:18: max_life.crl: \"8\" is not a duration: the unit is "
	    "missing (s, m, h, d or y)\n" },
	{ "quota of zero", LEAF "per_hour: 0\n",
	    "c:7:11: per_hour: 0 is out of range, allowed 1 to "
	    "9007199254740992\n" },
	{ "algorithm", LEAF "extensions: [x]\n",
	    "c:7:14: extensions[0]: \"x\" is not an OID (1.3.6.1.4.1 …)\n" },
	{ "texts of every list",
	    "algs: [sha1]\n"
	    "ekus: [x, anyExtendedKeyUsage, 2.5.29.37.0]\n"
	    "extensions: [1.03, 3.1, 1, 1.]\n"
	    "key_usage: [keyCertSign, x]\n"
	    "must_constrain: [x]\n"
	    "names:\n"
	    "  dn: [x, X=y]\n"
	    "  dns: ['*.a', a..b, '']\n"
	    "  email: [a, a@]\n"
	    "  ip: [10.0.0.0, 10.0.0.1/8, 10.0.0.0/33, x/8, 'fd00::/08']\n"
	    "  uri: [x, 'a:b c', 'http:///', 'a:/../b']\n"
	    "subject_keys: [rsa-1024]\n",
	    NULL },
	{ "quorum",
	    "kinds: [crl]\nmax_life: { crl: 8d }\n"
	    "quorum: { crl: { m: 0, custodians: 3F2A } }\n",
	    "c:3:21: quorum.crl.m: 0 is out of range, allowed 1 to 16\n"
	    "c:3:36: quorum.crl.custodians: \"3F2A\" is not a SHA-256 (64 "
	    "lower-case hex digits)\n" },
	{ "half a quorum",
	    "kinds: [crl]\nmax_life: { crl: 8d }\nquorum: { crl: { m: 2 } }\n",
	    "c:3:16: quorum.crl: missing key \"custodians\"\n" },
};

static size_t
count_lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void
test_yaml_mistakes(void **state unused_arg)
{
	for (size_t i = 0; i < countof(mistakes); i++) {
		auto_buf struct buf told = { 0 };
		struct error e;

		if (charter_parse_yaml(bytes_str(mistakes[i].yaml), "c", &told,
			&e) != NULL)
			fail_msg("%s: accepted", mistakes[i].name);
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		if (mistakes[i].told == NULL)
			/* One for every entry. */
			assert_int_equal(count_lines(buf_cstr(&told)), 28);
		else if (strcmp(buf_cstr(&told), mistakes[i].told) != 0)
			fail_msg("%s: %s", mistakes[i].name, buf_cstr(&told));
		assert_memory_equal(e.msg, buf_cstr(&told), strlen(e.msg));
	}
}

/* ---- JSON ----------------------------------------------------------------- */

static const char full_yaml[] =
    "kinds: [leaf, crl, leaf]\n"
    "max_life: { leaf: 90d, crl: 8d }\n"
    "backdate: 1h\n"
    "algs: [ecdsa-sha256]\n"
    "subject_keys: [ec-p256, rsa-3072]\n"
    "ekus: [1.3.6.1.5.5.7.3.1, clientAuth]\n"
    "per_hour: 60\n"
    "names:\n"
    "  dns: [.Kafka.Example, A.example]\n"
    "  ip: ['FD00:0::/8', 10.2.0.0/16]\n"
    "  dn: ['O = Acme, C=US']\n"
    "  email: ['Ops@Acme.example']\n"
    "quorum: { crl: { m: 2, custodians: " HASH " } }\n";

#define LIFE_JSON                                                              \
	"{\"ca\":0,\"crl\":691200,\"leaf\":7776000,\"ocsp\":0,"                \
	"\"self_signed\":0}"
#define NONE "{\"custodians\":\"\",\"m\":0}"
#define JSON_(kinds, quorum, dns)                                              \
	"{\"algs\":[\"ecdsa-sha256\"],\"backdate\":3600,"                      \
	"\"ekus\":[\"clientAuth\",\"serverAuth\"],\"extensions\":[],"          \
	"\"imported_keys\":\"deny\",\"key_usage\":[\"digitalSignature\","      \
	"\"keyAgreement\",\"keyEncipherment\"],\"kinds\":" kinds               \
	",\"max_life\":" LIFE_JSON ",\"must_constrain\":[],\"names\":"         \
	"{\"dn\":[\"O=Acme,C=US\"],\"dns\":" dns                               \
	",\"email\":[\"Ops@acme.example\"],\"ip\":[\"10.2.0.0/16\","           \
	"\"fd00::/8\"],\"uri\":[],\"wildcards\":false},\"open\":false,"        \
	"\"path_len\":0,\"per_hour\":60,\"quorum\":{\"ca\":" NONE              \
	",\"crl\":" quorum ",\"csr\":" NONE ",\"leaf\":" NONE                  \
	",\"ocsp\":" NONE "},\"self_signed\":\"deny\","                        \
	"\"subject_keys\":[\"ec-p256\",\"rsa-3072\"],\"total\":0,\"v\":1}"
#define KINDS "[\"crl\",\"leaf\"]"
#define TWO "{\"custodians\":\"" HASH "\",\"m\":2}"
#define DNS "[\".kafka.example\",\"a.example\"]"

static const char full_json[] = JSON_(KINDS, TWO, DNS);

static void
test_json(void **state unused_arg)
{
	auto_charter struct charter *c = from_yaml(full_yaml);
	auto_buf struct buf json = { 0 };
	auto_buf struct buf again = { 0 };
	struct error e;
	struct charter *back;

	charter_to_json(c, &json);
	assert_string_equal(buf_cstr(&json), full_json);
	back = charter_parse_json(buf_bytes(&json), &e);
	if (back == NULL)
		fail_msg("%s", e.msg);
	charter_to_json(back, &again);
	charter_free(back);
	assert_string_equal(buf_cstr(&again), full_json);
}

static const struct {
	const char *name, *json, *told;
} strict[] = {
	{ "empty", "", "charter: charter: expected an object" },
	{ "no object", "[]", "charter: charter: expected an object" },
	{ "no keys", "{}", "charter: algs: this key is missing here" },
	{ "unsorted entries", JSON_("[\"leaf\",\"crl\"]", TWO, DNS),
	    "charter: charter: entries are not sorted or not in the form that "
	    "is written" },
	{ "entry twice", JSON_("[\"crl\",\"crl\",\"leaf\"]", TWO, DNS),
	    "charter: charter: entries are not sorted or not in the form that "
	    "is written" },
	{ "another spelling", JSON_(KINDS, TWO, "[\".Kafka.example\"]"),
	    "charter: charter: entries are not sorted or not in the form that "
	    "is written" },
	{ "unknown kind", JSON_("[\"crl\",\"root\"]", TWO, DNS),
	    "charter: kinds: \"root\" is not leaf, ca, crl, ocsp, csr or "
	    "caller-crl" },
	{ "list that is none", JSON_("\"crl\"", TWO, DNS),
	    "charter: kinds: expected a list" },
	{ "list of numbers", JSON_("[1]", TWO, DNS),
	    "charter: kinds: expected text" },
	{ "quorum without custodians",
	    JSON_(KINDS, "{\"custodians\":\"\",\"m\":2}", DNS),
	    "charter: quorum: m and custodians go together" },
	{ "custodians without quorum",
	    JSON_(KINDS, "{\"custodians\":\"" HASH "\",\"m\":0}", DNS),
	    "charter: quorum: m and custodians go together" },
	{ "quorum too large",
	    JSON_(KINDS, "{\"custodians\":\"" HASH "\",\"m\":17}", DNS),
	    "charter: m: out of range" },
	{ "negative", JSON_(KINDS, "{\"custodians\":\"\",\"m\":-1}", DNS),
	    "charter: m: out of range" },
	{ "text for a number",
	    JSON_(KINDS, "{\"custodians\":\"\",\"m\":\"2\"}", DNS),
	    "charter: m: expected a whole number" },
	{ "key too many",
	    JSON_(KINDS, "{\"custodians\":\"\",\"m\":0,\"n\":1}", DNS),
	    "charter: crl: a key too many" },
	{ "key missing", JSON_(KINDS, "{\"custodians\":\"\"}", DNS),
	    "charter: m: this key is missing here" },
	{ "any beside others", JSON_(KINDS, TWO, "[\"a.example\",\"any\"]"),
	    "charter: limits: names.dns: \"any\" stands alone" },
	{ "kind without what it needs", JSON_("[\"crl\",\"ocsp\"]", TWO, DNS),
	    "charter: limits: kind ocsp needs max_life.ocsp" },
	{ "space behind", JSON_(KINDS, TWO, DNS) " ",
	    "charter: charter: not canonical JSON" },
	{ "space inside", JSON_("[\"crl\", \"leaf\"]", TWO, DNS),
	    "charter: kinds: expected text" },
};

static void
test_json_strict(void **state unused_arg)
{
	for (size_t i = 0; i < countof(strict); i++) {
		struct error e;

		if (charter_parse_json(bytes_str(strict[i].json), &e) != NULL)
			fail_msg("%s: accepted", strict[i].name);
		if (strcmp(e.msg, strict[i].told) != 0)
			fail_msg("%s: %s", strict[i].name, e.msg);
		assert_int_equal(e.why, FAIL_BAD_INPUT);
	}
}

/* One octet gone, or one too many, anywhere: never accepted as another charter. */
static void
test_json_mutations(void **state unused_arg)
{
	for (size_t i = 0; i < sizeof(full_json) - 1; i++) {
		auto_buf struct buf cut = { 0 };
		auto_buf struct buf again = { 0 };
		struct error e;
		struct charter *c;

		assert_null(charter_parse_json(bytes_of(full_json, i), &e));
		buf_add(&cut, full_json, i);
		buf_add(&cut, full_json + i + 1, sizeof(full_json) - 2 - i);
		c = charter_parse_json(buf_bytes(&cut), &e);
		if (c == NULL)
			continue;
		/* A shorter number or text is another good charter. */
		charter_to_json(c, &again);
		charter_free(c);
		assert_int_equal(again.n, cut.n);
		assert_memory_equal(again.p, cut.p, cut.n);
	}
}

/* A later version, and what no record can hold. */
static void
test_json_limits(void **state unused_arg)
{
	auto_buf struct buf b = { 0 };
	struct error e;

	buf_add(&b, full_json, sizeof(full_json) - 3);
	buf_add_str(&b, "2}");
	assert_null(charter_parse_json(buf_bytes(&b), &e));
	assert_string_equal(e.msg,
	    "charter: v: a version that this program does not know");
	while (b.n <= LIMIT_RECORD_BYTES)
		buf_add_byte(&b, ' ');
	assert_null(charter_parse_json(buf_bytes(&b), &e));
	assert_string_equal(e.msg,
	    "charter: 65536 octets, a record holds 65535");
}

/* ---- templates ------------------------------------------------------------ */

static void
test_templates(void **state unused_arg)
{
	const char *const *names = charter_template_names();
	size_t n = 0;

	for (; names[n] != NULL; n++) {
		auto_charter struct charter *c = charter_template(names[n]);
		auto_charter struct charter *back = NULL;
		auto_buf struct buf json = { 0 };
		auto_buf struct buf text = { 0 };
		const char *field = NULL;
		struct error e;

		assert_non_null(c);
		charter_to_json(c, &json);
		back = charter_parse_json(buf_bytes(&json), &e);
		if (back == NULL)
			fail_msg("%s: %s", names[n], e.msg);
		assert_true(charter_is_tighter(c, back, &field));
		charter_describe(c, &text);
		assert_int_equal(charter_is_open(c),
		    strcmp(names[n], "open") == 0);
		assert_int_equal(strstr(buf_cstr(&text), "NO LIMITS") != NULL,
		    charter_is_open(c));
		assert_int_equal(charter_allows_import(c), charter_is_open(c));
		assert_non_null(charter_template_yaml(names[n]));
	}
	assert_int_equal(n, 5);
	assert_null(charter_template("none"));
	assert_null(charter_template_yaml("none"));
}

static void
test_describe(void **state unused_arg)
{
	auto_charter struct charter *c = from_yaml(full_yaml);
	auto_buf struct buf text = { 0 };

	charter_describe(c, &text);
	assert_string_equal(buf_cstr(&text),
	    "algs:                  ecdsa-sha256\n"
	    "backdate:              1h\n"
	    "ekus:                  clientAuth; serverAuth\n"
	    "extensions:            none\n"
	    "imported_keys:         deny\n"
	    "key_usage:             digitalSignature; keyAgreement; "
	    "keyEncipherment\n"
	    "kinds:                 crl; leaf\n"
	    "max_life.crl:          8d\n"
	    "max_life.leaf:         90d\n"
	    "must_constrain:        none\n"
	    "names.dn:              O=Acme,C=US\n"
	    "names.dns:             .kafka.example; a.example\n"
	    "names.email:           Ops@acme.example\n"
	    "names.ip:              10.2.0.0/16; fd00::/8\n"
	    "names.uri:             none\n"
	    "path_len:              0\n"
	    "per_hour:              60\n"
	    "quorum.crl:            2 of the custodians " HASH "\n"
	    "self_signed:           deny\n"
	    "subject_keys:          ec-p256; rsa-3072\n");
}

/* What `document` writes is a charter file but for the kinds it must name. */
static void
test_document(void **state unused_arg)
{
	auto_buf struct buf yaml = { 0 };
	auto_buf struct buf markdown = { 0 };
	struct error e;

	charter_document_yaml(&yaml);
	assert_null(charter_parse_yaml(buf_bytes(&yaml), "doc", NULL, &e));
	assert_non_null(strstr(e.msg, "missing key \"kinds\""));
	buf_add_str(&yaml, "kinds: [crl]\nmax_life: { crl: 1d }\n");
	charter_free(from_yaml(buf_cstr(&yaml)));
	charter_document_markdown(&markdown);
	for (size_t i = 0; i < charter_rules_count; i++)
		assert_non_null(
		    strstr(buf_cstr(&markdown), charter_rules[i].name));
}

/* docs/charter.md: its tables are ours, its examples are charters. */
static void
test_documentation(void **state unused_arg)
{
	auto_buf struct buf doc = { 0 };
	auto_buf struct buf tables = { 0 };
	const char *text;
	struct error e;
	size_t examples = 0;

	if (!file_read(TEST_DATA_DIR "/../../docs/charter.md", 1 << 20, &doc,
		&e))
		fail_msg("%s", e.msg);
	text = buf_cstr(&doc);
	charter_document_markdown(&tables);
	assert_non_null(strstr(text, buf_cstr(&tables)));
	while ((text = strstr(text, "```yaml\n")) != NULL) {
		auto_buf struct buf yaml = { 0 };
		const char *end;

		text += strlen("```yaml\n");
		end = strstr(text, "```");
		assert_non_null(end);
		buf_add(&yaml, text, (size_t)(end - text));
		charter_free(from_yaml(buf_cstr(&yaml)));
		text = end + 3;
		examples++;
	}
	assert_int_equal(examples, 2);
}

/* ---- narrowing ------------------------------------------------------------ */

/* Each field from narrow to wide: every later value allows what an earlier one does,
 * and more. */
static const struct {
	const char *field, *key;
	const char *value[5];
} ladders[] = {
	{ "kinds", "kinds", { "[leaf]", "[leaf, ca]", "[leaf, ca, crl]" } },
	{ "algs", "algs",
	    { "[ecdsa-sha256]", "[ecdsa-sha256, ed25519]", "[any]" } },
	{ "backdate", "backdate", { "0", "1m", "2h", "30d" } },
	{ "ekus", "ekus",
	    { "[serverAuth]", "[clientAuth, serverAuth]", "[any]" } },
	{ "extensions", "extensions", { "[]", "[1.2.3]", "[1.2.3, 1.2.4]" } },
	{ "imported_keys", "imported_keys", { "deny", "allow" } },
	{ "key_usage", "key_usage",
	    { "[]", "[cRLSign]", "[cRLSign, keyAgreement]", "[any]" } },
	{ "max_life.ca", "max_life.ca", { "1d", "2d", "5y" } },
	{ "max_life.crl", "max_life.crl", { "1d", "8d", "8d1s" } },
	{ "max_life.leaf", "max_life.leaf", { "1s", "1d", "398d" } },
	{ "max_life.ocsp", "max_life.ocsp", { "0", "1d", "10d" } },
	{ "max_life.self_signed", "max_life.self_signed",
	    { "1d", "2d", "20y" } },
	{ "must_constrain", "must_constrain",
	    { "[dns, ip, uri]", "[dns, ip]", "[dns]", "[]" } },
	{ "names.dn", "names.dn",
	    { "['OU=K,O=Acme,C=US']", "['O=Acme,C=US']", "['O=Acme']",
		"['O=Acme', 'C=US']", "[any]" } },
	{ "names.dns", "names.dns",
	    { "[]", "[a.b.example]", "[.b.example]", "[.b.example, b.example]",
		"[.example]" } },
	{ "names.email", "names.email",
	    { "[]", "[a@b.example]", "['@b.example']", "[any]" } },
	{ "names.ip", "names.ip",
	    { "[]", "[10.2.3.0/24]", "[10.2.0.0/16]",
		"[10.2.0.0/15, 'fd00::/8']", "[any]" } },
	{ "names.uri", "names.uri",
	    { "[]", "['x://a/b/c']", "['x://a/b/']", "['x://a/']", "[any]" } },
	{ "names.wildcards", "names.wildcards", { "false", "true" } },
	{ "path_len", "path_len", { "0", "1", "16" } },
	{ "per_hour", "per_hour", { "1", "1000", "" } },
	{ "quorum.ca", "quorum.ca",
	    { "{ m: 3, custodians: " HASH " }",
		"{ m: 2, custodians: " HASH " }", "" } },
	{ "self_signed", "self_signed", { "deny", "once", "allow" } },
	{ "subject_keys", "subject_keys",
	    { "[ec-p256]", "[ec-p256, rsa-3072]", "[any]" } },
	{ "total", "total", { "1", "2", "" } },
};

static size_t
height(size_t ladder)
{
	size_t n = 0;

	while (n < countof(ladders[ladder].value) &&
	    ladders[ladder].value[n] != NULL)
		n++;
	return n;
}

/* A charter from one step of each ladder; keys of a section come together. */
static struct charter *
build(const size_t step[static countof(ladders)])
{
	auto_buf struct buf yaml = { 0 };
	char section[32] = "";

	for (size_t i = 0; i < countof(ladders); i++) {
		const char *key = ladders[i].key;
		const char *dot = strchr(key, '.');
		const char *value = ladders[i].value[step[i]];

		if (*value == '\0')
			continue;
		if (dot == NULL) {
			buf_addf(&yaml, "%s: %s\n", key, value);
			continue;
		}
		if (strncmp(section, key, (size_t)(dot - key) + 1) != 0) {
			memset(section, 0, sizeof(section));
			memcpy(section, key, (size_t)(dot - key) + 1);
			buf_addf(&yaml, "%.*s:\n", (int)(dot - key), key);
		}
		buf_addf(&yaml, "  %s: %s\n", dot + 1, value);
	}
	return from_yaml(buf_cstr(&yaml));
}

/* The same numbers every time. */
static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Steps that make a charter by themselves: self_signed needs kind ca, and with kind crl
 * beyond, ocsp is free. */
static void
random_steps(uint64_t *seed, size_t step[static countof(ladders)])
{
	for (size_t i = 0; i < countof(ladders); i++)
		step[i] = next_random(seed) % height(i);
	for (size_t i = 0; i < countof(ladders); i++)
		if (strcmp(ladders[i].field, "self_signed") == 0 &&
		    step[0] == 0)
			step[i] = 0;
}

static void
test_narrowing(void **state unused_arg)
{
	uint64_t seed = 0x9e3779b97f4a7c15;

	for (int round = 0; round < 400; round++) {
		size_t old[countof(ladders)], next[countof(ladders)];
		auto_charter struct charter *a = NULL;
		auto_charter struct charter *b = NULL;
		const char *field = NULL;
		bool narrower = false;

		random_steps(&seed, old);
		memcpy(next, old, sizeof(next));
		for (size_t i = 0; i < countof(ladders); i++) {
			/* Kinds stay, or self_signed might lose its own. */
			if (i == 0 || next_random(&seed) % 3 != 0)
				continue;
			next[i] = next_random(&seed) % (old[i] + 1);
			narrower = narrower || next[i] < old[i];
		}
		a = build(old);
		b = build(next);
		if (!charter_is_tighter(a, b, &field))
			fail_msg("round %d: %s", round, field);
		/* And never the other way round. */
		assert_int_equal(charter_is_tighter(b, a, &field), !narrower);
	}
}

/* One step up is named, whatever the other fields are. */
static void
test_widening(void **state unused_arg)
{
	uint64_t seed = 0x2545f4914f6cdd1d;

	for (int round = 0; round < 400; round++) {
		size_t old[countof(ladders)], next[countof(ladders)];
		size_t i = (size_t)round % countof(ladders);
		auto_charter struct charter *a = NULL;
		auto_charter struct charter *b = NULL;
		const char *field = "";

		random_steps(&seed, old);
		/* Enough kinds for every step of the others. */
		old[0] = i == 0 ? 0 : 2;
		for (size_t j = 0; i == 0 && j < countof(ladders); j++)
			if (strcmp(ladders[j].field, "self_signed") == 0)
				old[j] = 0;
		if (old[i] + 1 == height(i))
			old[i]--;
		memcpy(next, old, sizeof(next));
		next[i] =
		    old[i] + 1 + next_random(&seed) % (height(i) - old[i] - 1);
		a = build(old);
		b = build(next);
		assert_false(charter_is_tighter(a, b, &field));
		assert_string_equal(field, ladders[i].field);
	}
}

static void
test_incomparable(void **state unused_arg)
{
	static const char other[] =
	    "a02a99c03f2a99c03f2a99c03f2a99c03f2a99c03f2a99c03f2a99c03f2a99c0";
	auto_charter struct charter *open = charter_template("open");
	auto_charter struct charter *a = from_yaml(full_yaml);
	auto_mem char *yaml = mem_strdup(full_yaml);
	auto_charter struct charter *b = NULL;
	const char *field = "";

	assert_true(charter_is_tighter(open, a, &field));
	assert_true(charter_is_tighter(open, open, &field));
	assert_false(charter_is_tighter(a, open, &field));
	assert_string_equal(field, "open");
	/* Other people: neither is within the other. */
	memcpy(strstr(yaml, HASH), other, strlen(other));
	b = from_yaml(yaml);
	assert_false(charter_is_tighter(a, b, &field));
	assert_string_equal(field, "quorum.crl");
	assert_false(charter_is_tighter(b, a, &field));
}

static void
test_kind_names(void **state unused_arg)
{
	enum charter_kind k;

	for (unsigned i = 0; i < KIND__COUNT; i++) {
		assert_true(charter_kind_by_name(charter_kind_name(
						     (enum charter_kind)i),
		    &k));
		assert_int_equal(k, i);
	}
	assert_false(charter_kind_by_name("root", &k));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yaml_mistakes),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_strict),
		cmocka_unit_test(test_json_mutations),
		cmocka_unit_test(test_json_limits),
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_documentation),
		cmocka_unit_test(test_narrowing),
		cmocka_unit_test(test_widening),
		cmocka_unit_test(test_incomparable),
		cmocka_unit_test(test_kind_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
