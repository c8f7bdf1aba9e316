/* SPDX-License-Identifier: Apache-2.0 */

/* Names: the table of tests/data/pki-names, and the pipeline around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/server/pki_names.h>

#include "pki_util.h"

/* ---- one name ---- */

static void
check_row(const struct pki_role *r, const char *role, const char *line)
{
	bool want = line[0] != '-';

	if (pki_role_allows_name(r, line + 2) != want)
		fail_msg("[%s] %s", role, line);
}

static void
test_table(void **state)
{
	auto_buf struct buf text = { 0 };
	struct pki_role *r = NULL;
	char *line, *at, *role = NULL;
	unsigned rows = 0;
	struct error e;

	(void)state;
	if (!file_read(TEST_DATA_DIR "/pki-names/rows", 1 << 20, &text, &e))
		fail_msg("%s", e.msg);
	at = buf_take_str(&text);
	for (char *p = at; (line = strsep(&p, "\n")) != NULL;) {
		if (line[0] == '[') {
			pki_role_free(r);
			line[strlen(line) - 1] = '\0';
			role = line + 1;
			r = util_role(role);
		} else if (line[0] != '\0') {
			check_row(r, role, line);
			rows++;
		}
	}
	assert_true(rows > 150);
	pki_role_free(r);
	mem_free(at);
}

/* A dNSName of no octets in a request: found by fuzz/pki_role. */
static void
test_empty_name(void **state)
{
	struct pki_role *r = util_role("allow_any_name !enforce_hostnames");

	(void)state;
	assert_false(pki_role_allows_name(r, ""));
	assert_false(pki_role_allows_name(pki_role_open(), ""));
	pki_role_free(r);
}

static void
test_hostname(void **state)
{
	static const struct {
		const char *name;
		bool valid;
	} rows[] = {
		{ "a", true },
		{ "a.b", true },
		{ "*.a", true },
		{ "a.", true },
		{ "*.a.", true },
		{ "1.2.3.4", true },
		{ "xn--a", true },
		{ "", false },
		{ ".", false },
		{ "*", false },
		{ "*.", false },
		{ "a..", false },
		{ ".a", false },
		{ "a.*", false },
		{ "*.*.a", false },
		{ "a_b", false },
		{ "-a", false },
		{ "a-", false },
		{ "a b", false },
		{ "a\nb", false },
		{ "b\xc3\xbc"
		  "cher",
		    false },
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++)
		if (pki_hostname_valid(rows[i].name) != rows[i].valid)
			fail_msg("\"%s\"", rows[i].name);
}

static void
test_idna(void **state)
{
	static const struct {
		const char *name, *ascii;
		enum pki_idna want;
	} rows[] = {
		{ "b\xc3\xbc"
		  "cher.example",
		    "xn--bcher-kva.example", PKI_IDNA_OK },
		{ "stra\xc3\x9f"
		  "e.example",
		    "xn--strae-oqa.example", PKI_IDNA_OK },
		{ "A.example", "A.example", PKI_IDNA_OK },
		{ "A.example.", NULL, PKI_IDNA_LONG },
		{ "Acme Root CA", "Acme Root CA", PKI_IDNA_OK },
		{ "B\xc3\xbcro CA", NULL, PKI_IDNA_NOT },
		{ "a..b", NULL, PKI_IDNA_LONG },
		{ "", NULL, PKI_IDNA_LONG },
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		if (pki_idna(rows[i].name, out) != rows[i].want)
			fail_msg("%s", rows[i].name);
		if (rows[i].ascii != NULL)
			assert_string_equal(out, rows[i].ascii);
	}
}

static void
test_glob(void **state)
{
	static const struct {
		const char *glob, *text;
		bool fold, match;
	} rows[] = {
		{ "*", "", false, true },
		{ "", "", false, true },
		{ "", "a", false, false },
		{ "a*c", "abbc", false, true },
		{ "a*c", "abcd", false, false },
		{ "a*b*c", "a1b2b3c", false, true },
		{ "A*", "abc", false, false },
		{ "A*", "abc", true, true },
		{ "**", "x", false, true },
		{ "*a*a*a*a*a*a*a*a*b",
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		    false, false },
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++)
		if (pki_glob(rows[i].glob, bytes_str(rows[i].text),
			rows[i].fold) != rows[i].match)
			fail_msg("%s on %s", rows[i].glob, rows[i].text);
}

/* ---- the pipeline ---- */

/* "DNS:a email:b@c IP:10.0.0.1 URI:x other:hex" */
static void
show_san(const struct pki_names *n, struct buf *out)
{
	static const char *const kinds[] = { [GN_EMAIL] = "email",
		[GN_DNS] = "DNS",
		[GN_URI] = "URI",
		[GN_IP] = "IP",
		[GN_OTHER] = "other" };

	for (size_t i = 0; i < n->san_n; i++) {
		const struct general_name *g = &n->san[i];

		buf_addf(out, "%s%s:", i > 0 ? " " : "", kinds[g->kind]);
		if (g->kind == GN_IP || g->kind == GN_OTHER)
			buf_add_hex(out, g->value);
		else
			buf_add_bytes(out, g->value);
	}
}

#define ANY "allow_any_name"

static const struct {
	const char *what, *role;
	const char *cn, *alt, *ip, *uri, *other, *uid, *serial;
	bool exclude;
	/* The SAN, or what the error holds behind '!'. */
	const char *want;
	unsigned warnings;
} cases[] = {
	{ "cn becomes a SAN", ANY, "a.example", "", "", "", "", "", "", false,
	    "DNS:a.example", 0 },
	{ "excluded", ANY, "a.example", "b.example", "", "", "", "", "", true,
	    "DNS:b.example", 0 },
	{ "excluded and still checked",
	    "allowed_domains=b.example "
	    "allow_subdomains",
	    "a.example", "x.b.example", "", "", "", "", "", true,
	    "!common name a.example not allowed by this role", 0 },
	{ "order of the request, once, spaces off", ANY, "c.example",
	    "b.example,a.example,B.example", "", "", "", "", "", false,
	    "DNS:c.example DNS:b.example DNS:a.example", 0 },
	{ "e-mails sorted, behind DNS", ANY, "c@x.example",
	    "b@x.example,a.example,a@x.example", "", "", "", "", "", false,
	    "DNS:a.example email:a@x.example email:b@x.example "
	    "email:c@x.example",
	    0 },
	{ "no host name stays out of the SAN", ANY " !enforce_hostnames",
	    "Acme Root CA", "", "", "", "", "", "", false, "", 0 },
	{ "Unicode", ANY,
	    "b\xc3\xbc"
	    "cher.example",
	    "", "", "", "", "", "", false, "DNS:xn--bcher-kva.example", 0 },
	{ "cn needed", ANY, "", "a.example", "", "", "", "", "", false,
	    "!the common_name field is required", 0 },
	{ "cn not needed", ANY " !require_cn", "", "a.example", "", "", "", "",
	    "", false, "DNS:a.example", 0 },
	{ "cn of 64 octets", ANY " !enforce_hostnames",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "", "", "", "", "", "", false, "!longer than 63", 0 },
	{ "garbage among alt_names", ANY, "a.example", "b_c.example", "", "",
	    "", "", "", false, "!alt_names: \"b_c.example\" is neither", 0 },
	{ "address among alt_names", ANY, "a.example", "10.0.0.1", "", "", "",
	    "", "", false, "DNS:a.example DNS:10.0.0.1", 1 },
	{ "wildcard among alt_names", ANY, "a.example", "*.b.example", "", "",
	    "", "", "", false, "DNS:a.example DNS:*.b.example", 0 },
	{ "alt_name not allowed", "allowed_domains=example allow_subdomains",
	    "a.example", "b.other", "", "", "", "", "", false,
	    "!subject alternate name b.other not allowed by this role", 0 },
	{ "e-mail not allowed", "allowed_domains=example allow_subdomains",
	    "a.example", "x@other", "", "", "", "", "", false,
	    "!email address x@other not allowed by this role", 0 },
	{ "cn_validations without email", ANY " cn_validations=hostname",
	    "x@a.example", "", "", "", "", "", "", false,
	    "!common name x@a.example not allowed", 0 },
	{ "cn_validations without hostname", ANY " cn_validations=email",
	    "a.example", "", "", "", "", "", "", false,
	    "!common name a.example not allowed", 0 },
	{ "cn_validations disabled, the copy is checked",
	    "cn_validations=disabled", "a.example", "", "", "", "", "", "",
	    false, "!subject alternate name a.example not allowed", 0 },
	{ "cn_validations disabled, excluded", "cn_validations=disabled",
	    "a.example", "", "", "", "", "", "", true, "", 0 },
	{ "addresses", ANY, "a.example", "", "10.0.0.1,::1,::ffff:10.0.0.2", "",
	    "", "", "", false,
	    "DNS:a.example IP:0a000001 "
	    "IP:00000000000000000000000000000001 IP:0a000002",
	    0 },
	{ "no address", ANY, "a.example", "", "10.0.0.256", "", "", "", "",
	    false, "!the value \"10.0.0.256\" is not a valid IP address", 0 },
	{ "addresses not allowed", ANY " !allow_ip_sans", "a.example", "",
	    "10.0.0.1", "", "", "", "", false,
	    "!IP Subject Alternative Names are not allowed in this role, but "
	    "was provided via the API",
	    0 },
	{ "inside the networks",
	    ANY " allowed_ip_sans_cidr=192.0.2.0/24,10.1.2.3/8", "a.example",
	    "", "10.0.0.1", "", "", "", "", false, "DNS:a.example IP:0a000001",
	    0 },
	{ "outside the networks", ANY " allowed_ip_sans_cidr=192.0.2.0/24",
	    "a.example", "", "10.0.0.1", "", "", "", "", false,
	    "!allowed_ip_sans_cidr", 0 },
	{ "URIs", ANY " allowed_uri_sans=spiffe://*,urn:x", "a.example", "", "",
	    "spiffe://td/ns,urn:x", "", "", "", false,
	    "DNS:a.example URI:spiffe://td/ns URI:urn:x", 0 },
	{ "no URIs", ANY, "a.example", "", "", "urn:x", "", "", "", false,
	    "!URI Subject Alternative Names are not allowed in this role", 0 },
	{ "URI outside", ANY " allowed_uri_sans=spiffe://*", "a.example", "",
	    "", "urn:x", "", "", "", false,
	    "!which are not valid for this role", 0 },
	{ "no URI", ANY " allowed_uri_sans=*", "a.example", "", "", "x y", "",
	    "", "", false, "!is not a valid URI", 0 },
	{ "otherName first",
	    ANY " allowed_other_sans=1.3.6.1.4.1.311.20.2.3;UTF8:*@corp",
	    "a.example", "", "", "", "1.3.6.1.4.1.311.20.2.3;utf-8:bob@corp",
	    "", "", false,
	    "other:a018060a2b060104018237140203a00a0c08626f6240636f7270 "
	    "DNS:a.example",
	    0 },
	{ "otherName of another value", ANY " allowed_other_sans=1.2.3;UTF8:a*",
	    "a.example", "", "", "", "1.2.3;UTF8:b", "", "", false,
	    "!other SAN b not allowed for OID 1.2.3 by this role", 0 },
	{ "otherName of another OID", ANY " allowed_other_sans=1.2.3;UTF8:*",
	    "a.example", "", "", "", "1.2.4;UTF8:b", "", "", false,
	    "!other SAN OID 1.2.4 not allowed by this role", 0 },
	{ "no otherName", ANY " allowed_other_sans=*", "a.example", "", "", "",
	    "1.2.3:x", "", "", false, "!could not parse requested other SAN",
	    0 },
	{ "user ids", ANY " allowed_user_ids=bob,al*", "a.example", "", "", "",
	    "", "BOB,alice", "", false, "DNS:a.example", 0 },
	{ "user id outside", ANY " allowed_user_ids=bob", "a.example", "", "",
	    "", "", "eve", "", false,
	    "!user_id eve is not allowed by this role", 0 },
	{ "serial", ANY " allowed_serial_numbers=1*", "a.example", "", "", "",
	    "", "", "12", false, "DNS:a.example", 0 },
	{ "serial outside", ANY, "a.example", "", "", "", "", "", "12", false,
	    "!serial_number 12 not allowed by this role", 0 },
};

static void
run_case(size_t i)
{
	struct pki_role *r = util_role(cases[i].role);
	json_t *l[] = { util_list(cases[i].alt), util_list(cases[i].ip),
		util_list(cases[i].uri), util_list(cases[i].other),
		util_list(cases[i].uid) };
	struct pki_names_in in = { .role = r,
		.exclude_cn_from_sans = cases[i].exclude,
		.common_name = cases[i].cn,
		.serial_number = cases[i].serial,
		.alt_names = l[0],
		.ip_sans = l[1],
		.uri_sans = l[2],
		.other_sans = l[3],
		.user_ids = l[4] };
	bool refused = cases[i].want[0] == '!';
	auto_buf struct buf shown = { 0 };
	struct pki_names n;
	struct error e = { 0 };

	if (pki_names_make(&in, &n, &e) == refused)
		fail_msg("%s: %s", cases[i].what, e.msg);
	if (refused && strstr(e.msg, cases[i].want + 1) == NULL)
		fail_msg("%s: \"%s\"", cases[i].what, e.msg);
	show_san(&n, &shown);
	if (!refused && strcmp(buf_cstr(&shown), cases[i].want) != 0)
		fail_msg("%s: \"%s\"", cases[i].what, buf_cstr(&shown));
	if (!refused && n.warnings.n != cases[i].warnings)
		fail_msg("%s: %zu warnings", cases[i].what, n.warnings.n);
	pki_names_free(&n);
	pki_role_free(r);
	for (size_t j = 0; j < countof(l); j++)
		json_decref(l[j]);
}

static void
test_pipeline(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		run_case(i);
}

/* ---- with a request ---- */

static const struct {
	const char *role, *file, *cn, *alt, *want_cn, *want;
	unsigned warnings;
} csr_cases[] = {
	{ ANY, "keytool-statefulset-san.pem", "", "", NULL, "DNS:", 0 },
	{ ANY " !use_csr_sans !enforce_hostnames",
	    "keytool-statefulset-san.pem", "", "a.example", NULL,
	    "DNS:a.example", 0 },
	{ ANY, "keytool-statefulset-san.pem", "x.example", "a.example", NULL,
	    "DNS:", 2 },
	{ ANY " !use_csr_common_name", "keytool-statefulset-san.pem",
	    "x.example", "", "x.example", "DNS:", 0 },
	{ ANY " !use_csr_common_name !use_csr_sans",
	    "keytool-statefulset-san.pem", "x.example", "", "x.example",
	    "DNS:x.example", 0 },
};

static void
run_csr_case(size_t i)
{
	struct pki_role *r = util_role(csr_cases[i].role);
	json_t *alt = util_list(csr_cases[i].alt);
	auto_buf struct buf pem = { 0 }, shown = { 0 };
	auto_mem char *path =
	    mem_printf(TEST_DATA_DIR "/csr/%s", csr_cases[i].file);
	auto_csr struct csr csr = { 0 };
	struct pki_names_in in = { .role = r,
		.csr = &csr,
		.common_name = csr_cases[i].cn,
		.serial_number = "",
		.alt_names = alt };
	struct pki_names n;
	struct error e;

	if (!file_read(path, 65536, &pem, &e) ||
	    !csr_parse(buf_bytes(&pem), path, &csr, &e) ||
	    !pki_names_make(&in, &n, &e))
		fail_msg("%zu: %s", i, e.msg);
	show_san(&n, &shown);
	if (strstr(buf_cstr(&shown), csr_cases[i].want) == NULL)
		fail_msg("%zu: %s", i, buf_cstr(&shown));
	if (csr_cases[i].want_cn != NULL)
		assert_string_equal(n.common_name, csr_cases[i].want_cn);
	assert_int_equal(n.warnings.n, csr_cases[i].warnings);
	pki_names_free(&n);
	pki_role_free(r);
	json_decref(alt);
}

static void
test_request(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(csr_cases); i++)
		run_csr_case(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_empty_name),
		cmocka_unit_test(test_hostname),
		cmocka_unit_test(test_idna),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
