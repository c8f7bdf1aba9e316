/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/x509.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/pki/der.h>
#include <chancery/pki/name.h>

#define B(s) bytes_of((s), sizeof(s) - 1)

static void
parse(const char *text, struct buf *der)
{
	struct error e;

	if (!name_parse(text, der, &e))
		fail_msg("%s: %s", text, e.msg);
}

/* libcrypto reads it and would write the same (its own encoding, not the copy
 * that it keeps). */
static void
assert_same_in_libcrypto(struct bytes der)
{
	const unsigned char *p = der.p;
	unsigned char *again = NULL;
	X509_NAME *n = d2i_X509_NAME(NULL, &p, (long)der.n), *copy;

	assert_non_null(n);
	assert_ptr_equal(p, der.p + der.n);
	copy = X509_NAME_new();
	for (int i = 0, last = -1; i < X509_NAME_entry_count(n); i++) {
		X509_NAME_ENTRY *ne = X509_NAME_get_entry(n, i);

		assert_int_equal(X509_NAME_add_entry(copy, ne, -1,
				     X509_NAME_ENTRY_set(ne) == last ? -1 : 0),
		    1);
		last = X509_NAME_ENTRY_set(ne);
	}
	assert_int_equal(i2d_X509_NAME(copy, &again), der.n);
	assert_memory_equal(again, der.p, der.n);
	OPENSSL_free(again);
	X509_NAME_free(copy);
	X509_NAME_free(n);
}

/* Text, its DER, and the text that comes back. */
static void
test_both_ways(void **state)
{
	static const struct {
		const char *text, *hex, *back;
	} cases[] = {
		{ "", "3000", "" },
		{ "CN=x", "300c310a300806035504030c0178", "CN=x" },
		/* RFC 4514 section 4, the examples. */
		{ "UID=jsmith,DC=example,DC=net", NULL,
		    "UID=jsmith,DC=example,DC=net" },
		{ "OU=Sales+CN=J.  Smith,DC=example,DC=net", NULL,
		    "OU=Sales+CN=J.  Smith,DC=example,DC=net" },
		{ "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net", NULL,
		    "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net" },
		{ "CN=Before\\0dAfter,DC=example,DC=net", NULL,
		    "CN=Before\\0DAfter,DC=example,DC=net" },
		{ "1.3.6.1.4.1.1466.0=#04024869", NULL, NULL },
		{ "CN=Lu\\C4\\8Di\\C4\\87",
		    "30123110300e06035504030c074c75c48d69c487", "CN=Lučić" },
		/* Spaces around separators are not the value's. */
		{ " CN = a b , O = c ", NULL, "CN=a b,O=c" },
		{ "CN=\\ a\\ ", "300e310c300a06035504030c03206120",
		    "CN=\\ a\\ " },
		{ "CN=a\\20", NULL, "CN=a\\ " },
		{ "CN=\\#1", NULL, "CN=\\#1" },
		{ "CN=a#1", NULL, "CN=a#1" },
		{ "CN=a=b", NULL, "CN=a=b" },
		{ "CN=\"a, b+c\",O=\"\\\"q\\\"\"", NULL,
		    "CN=a\\, b\\+c,O=\\\"q\\\"" },
		{ "CN=\\;\\<\\>\\\\\\=\\+", NULL, "CN=\\;\\<\\>\\\\=\\+" },
		{ "CN=#0c0178", "300c310a300806035504030c0178", "CN=x" },
		{ "CN=#130178", "300c310a30080603550403130178", "CN=x" },
		{ "2.5.4.3=x", "300c310a300806035504030c0178", "CN=x" },
		{ "2.999.1=#0c0178",
		    "300c310a30080603883701"
		    "0c0178",
		    "2.999.1=#0c0178" },
		/* The string types that RFC 5280 asks for. */
		{ "C=KR", "300d310b3009060355040613024b52", "C=KR" },
		{ "serialNumber=7", "300c310a30080603550405130137",
		    "serialNumber=7" },
		{ "dnQualifier=7", "300c310a3008060355042e130137",
		    "dnQualifier=7" },
		{ "E=a@b",
		    "30143112301006092a864886f70d01090116"
		    "03614062",
		    "emailAddress=a@b" },
		{ "DC=x", "30133111300f060a0992268993f22c640119160178",
		    "DC=x" },
		/* DER order inside an RDN is the encoder's work. */
		{ "UID=7+CN=app", NULL, "CN=app+UID=7" },
		{ "cn=X,countryname=US,ORGANIZATIONNAME=y", NULL,
		    "CN=X,C=US,O=y" },
		/* Bidi control: visible as octets. */
		{ "CN=a\xe2\x80\xae"
		  "b",
		    NULL, "CN=a\\E2\\80\\AEb" },
		{ "CN=a\\7f\\01", NULL, "CN=a\\7F\\01" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_buf struct buf der = { 0 }, hex = { 0 }, back = { 0 },
				    again = { 0 }, once_more = { 0 };
		struct error e;
		bool ok = name_parse(cases[i].text, &der, &e);

		if (cases[i].back == NULL && cases[i].hex == NULL) {
			assert_false(ok);
			continue;
		}
		if (!ok)
			fail_msg("%s: %s", cases[i].text, e.msg);
		buf_add_hex(&hex, buf_bytes(&der));
		if (cases[i].hex != NULL && cases[i].back != NULL)
			assert_string_equal(buf_cstr(&hex), cases[i].hex);
		assert_true(name_check(buf_bytes(&der), &e));
		assert_same_in_libcrypto(buf_bytes(&der));
		assert_true(name_format(buf_bytes(&der), &back, &e));
		if (cases[i].back != NULL)
			assert_string_equal(buf_cstr(&back), cases[i].back);
		/* What was written reads as the same name (string types that
		 * the text cannot carry apart). */
		parse(buf_cstr(&back), &again);
		assert_true(name_format(buf_bytes(&again), &once_more, &e));
		assert_string_equal(buf_cstr(&once_more), buf_cstr(&back));
	}
}

static void
test_every_type(void **state)
{
	static const char *const types[] = { "CN", "ST", "L", "O", "OU",
		"STREET", "DC", "UID", "serialNumber", "emailAddress", "SN",
		"GN", "initials", "generationQualifier", "name", "pseudonym",
		"title", "description", "businessCategory", "postalCode",
		"telephoneNumber", "dnQualifier", "organizationIdentifier",
		"unstructuredName", "jurisdictionL", "jurisdictionST" };

	(void)state;
	for (size_t i = 0; i < countof(types); i++) {
		auto_buf struct buf der = { 0 }, back = { 0 }, value = { 0 };
		auto_mem char *text = mem_printf("%s=v1", types[i]);
		struct error e;

		parse(text, &der);
		assert_true(name_format(buf_bytes(&der), &back, &e));
		assert_string_equal(buf_cstr(&back), text);
		assert_true(name_get(buf_bytes(&der), types[i], 0, &value));
		assert_string_equal(buf_cstr(&value), "v1");
	}
}

static void
test_bad_text(void **state)
{
	static const struct {
		const char *text, *msg;
	} cases[] = {
		{ "CN", "name: attribute 1 (CN): no '=' after" },
		{ "=x", "name: attribute 1: no attribute type" },
		{ "CN=", "name: attribute 1 (CN): empty value" },
		{ "CN=  ", "name: attribute 1 (CN): empty value" },
		{ "CN=\"\"", "name: attribute 1 (CN): empty value" },
		{ "CN=a,", "name: attribute 1 (CN): nothing after ','" },
		{ "CN=a,,O=b", "name: attribute 2: no attribute type" },
		{ "CN=a+", "name: attribute 2: no attribute type" },
		{ "CN=a,XX=b", "name: attribute 2 (XX): unknown attribute" },
		{ "O=a,CN=b;C=c",
		    "name: attribute 2 (CN): a character out of" },
		{ "CN=a\"b", "name: attribute 1 (CN): a character out of" },
		{ "CN=\"a", "name: attribute 1 (CN): quote without end" },
		{ "CN=\"a\"b",
		    "name: attribute 1 (CN): ',' or '+' is missing" },
		{ "CN=a\\", "name: attribute 1 (CN): '\\' stands before" },
		{ "CN=a\\x", "name: attribute 1 (CN): '\\' stands before" },
		{ "CN=a\\4", "name: attribute 1 (CN): '\\' stands before" },
		{ "CN=a\\00", "name: attribute 1 (CN): not UTF-8, or" },
		{ "CN=\\ff", "name: attribute 1 (CN): not UTF-8, or" },
		{ "CN=#", "name: attribute 1 (CN): no octets in hex" },
		{ "CN=#0c0", "name: attribute 1 (CN): no octets in hex" },
		{ "CN=#0c0278", "name: attribute 1 (CN): the octets after" },
		{ "CN=#0c017800", "name: attribute 1 (CN): the octets after" },
		{ "CN=#020101", "name: attribute 1 (CN): the DER after '#'" },
		{ "CN=#1301ff", "name: attribute 1 (CN): the DER after '#'" },
		{ "CN=#0c0178x", "name: attribute 1 (CN): ',' or '+'" },
		{ "2.999=x", "name: attribute 1 (2.999): a type given by" },
		{ "3.1=#0c0178", "name: attribute 1 (3.1): unknown" },
		{ "1.40=#0c0178", "name: attribute 1 (1.40): unknown" },
		{ "1=#0c0178", "name: attribute 1 (1): unknown" },
		{ "1..2=#0c0178", "name: attribute 1 (1..2): unknown" },
		{ "1.2.=#0c0178", "name: attribute 1 (1.2.): unknown" },
		{ "1.02=#0c0178", "name: attribute 1 (1.02): unknown" },
		{ "1.2.99999999999999999999=#0c0178",
		    "name: attribute 1 (1.2.99999999999999999999): unknown" },
		{ "C=DEU", "name: attribute 1 (C): 3 characters, must be 2" },
		{ "C=D", "name: attribute 1 (C): 1 characters, must be 2" },
		{ "C=\\C3\\A4x", "name: attribute 1 (C): may only hold" },
		{ "DC=\\C3\\A4",
		    "name: attribute 1 (DC): may only hold ASCII" },
		{ "CN=a+CN=b", "name: RDN 1: an attribute type stands twice" },
		{ "CN=a+CN=a", "name: RDN 1: " },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct buf der = { 0 };
		struct error e;

		assert_false(name_parse(cases[i].text, &der, &e));
		if (strncmp(e.msg, cases[i].msg, strlen(cases[i].msg)) != 0)
			fail_msg("%s: \"%s\"", cases[i].text, e.msg);
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		assert_null(der.p);
	}
}

/* RFC 5280 A.1: at the bound, and one character above; characters, not octets. */
static void
test_upper_bounds(void **state)
{
	static const struct {
		const char *type;
		size_t max;
	} cases[] = { { "CN", 64 }, { "O", 64 }, { "OU", 64 }, { "L", 128 },
		{ "ST", 128 }, { "title", 64 }, { "serialNumber", 64 },
		{ "emailAddress", 255 }, { "DC", 63 }, { "postalCode", 40 },
		{ "GN", 32768 } };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_buf struct buf text = { 0 }, der = { 0 };
		struct error e;
		bool wide = strcmp(cases[i].type, "O") == 0;

		buf_addf(&text, "%s=", cases[i].type);
		for (size_t n = 0; n < cases[i].max; n++)
			buf_add_str(&text, wide ? "회" : "a");
		if (!name_parse(buf_cstr(&text), &der, &e))
			fail_msg("%s", e.msg);
		buf_add_str(&text, "a");
		assert_false(name_parse(buf_cstr(&text), &der, &e));
		assert_non_null(strstr(e.msg, "at most"));
	}
}

static void
test_limits(void **state)
{
	auto_buf struct buf text = { 0 }, der = { 0 }, rdn = { 0 };
	struct error e;

	(void)state;
	for (int i = 0; i < LIMIT_NAME_ATTRIBUTES; i++)
		buf_addf(&text, "%sOU=%d", i == 0 ? "" : ",", i);
	parse(buf_cstr(&text), &der);
	buf_reset(&rdn);
	assert_true(name_format(buf_bytes(&der), &rdn, &e));
	assert_string_equal(buf_cstr(&rdn), buf_cstr(&text));
	buf_add_str(&text, ",OU=x");
	assert_false(name_parse(buf_cstr(&text), &der, &e));
	assert_string_equal(e.msg, "name: over 128 attributes");
	buf_reset(&rdn);
	for (int i = 0; i < 17; i++)
		buf_addf(&rdn, "%s1.2.%d=#0c0178", i == 0 ? "" : "+", i);
	assert_false(name_parse(buf_cstr(&rdn), &der, &e));
	assert_non_null(strstr(e.msg, "too many in one RDN"));
}

#define CN_X "\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01x"

static void
test_bad_der(void **state)
{
	static const struct {
		const char *what;
		struct bytes der;
		const char *msg;
	} cases[] = {
#define CASE(what, der, msg)                                                   \
	{ what, { (const uint8_t *)(der), sizeof(der) - 1 }, msg }
		CASE("nothing", "", "not a sequence"),
		CASE("not a SEQUENCE", "\x31\x00", "not a sequence"),
		CASE("trailing", "\x30\x00\x00", "not a sequence"),
		CASE("short", "\x30\x0c\x31\x0a\x30\x08", "not a sequence"),
		CASE("empty SET", "\x30\x02\x31\x00", "not a sequence"),
		CASE("SEQUENCE for SET",
		    "\x30\x0c\x30\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01x",
		    "not a sequence"),
		CASE("three in the pair",
		    "\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x01x\x05"
		    "\x00",
		    "not a sequence"),
		CASE("no value", "\x30\x09\x31\x07\x30\x05\x06\x03\x55\x04\x03",
		    "not a sequence"),
		CASE("indefinite", "\x30\x80" CN_X "\x00\x00",
		    "not a sequence"),
		CASE("long length", "\x30\x81\x0c" CN_X, "not a sequence"),
		CASE("integer value",
		    "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x02\x01x",
		    "CN: tag 0x02 is not a string"),
		CASE("constructed string",
		    "\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x2c\x03\x0c"
		    "\x01x",
		    "CN: tag 0x2c is not a string"),
		CASE("empty string",
		    "\x30\x0b\x31\x09\x30\x07\x06\x03\x55\x04\x03\x0c\x00",
		    "CN: empty"),
		CASE("NUL in UTF8String",
		    "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02x\0",
		    "CN: empty, or not"),
		CASE("NUL in BMPString",
		    "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x1e\x02\0\0",
		    "CN: empty, or not"),
		CASE("half a BMPString",
		    "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x1e\x01x",
		    "CN: empty, or not"),
		CASE("surrogate in BMPString",
		    "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x1e\x02\xd8"
		    "\0",
		    "CN: empty, or not"),
		CASE("beyond Unicode",
		    "\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x1c\x04\x00"
		    "\x11"
		    "\x00\x00",
		    "CN: empty, or not"),
		CASE("overlong UTF-8",
		    "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02\xc0"
		    "\x80",
		    "CN: empty, or not"),
		CASE("@ in PrintableString",
		    "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01@",
		    "CN: empty, or not"),
		CASE("high bit in IA5String",
		    "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x16\x01\x80",
		    "CN: empty, or not"),
		CASE("letter in NumericString",
		    "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x12\x01x",
		    "CN: empty, or not"),
		CASE("control in VisibleString",
		    "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x1a\x01\x07",
		    "CN: empty, or not"),
		CASE("padded OID",
		    "\x30\x0d\x31\x0b\x30\x09\x06\x04\x55\x04\x80\x03\x0c\x01x",
		    "RDN 1: malformed"),
		CASE("empty OID", "\x30\x09\x31\x07\x30\x05\x06\x00\x0c\x01x",
		    "RDN 1: malformed"),
		CASE("OID over 64 bits",
		    "\x30\x14\x31\x12\x30\x10\x06\x0b\x55\x83\xff\xff\xff\xff"
		    "\xff\xff\xff\xff\x7f\x0c\x01x",
		    "RDN 1: malformed"),
		CASE("SET not sorted",
		    "\x30\x17\x31\x15\x30\x09\x06\x03\x55\x04\x03\x0c\x02xy"
		    "\x30\x08\x06\x03\x55\x04\x0a\x0c\x01y",
		    "RDN 1: the SET is not in DER order"),
		CASE("one attribute twice",
		    "\x30\x16\x31\x14\x30\x08\x06\x03\x55\x04\x03\x0c\x01x"
		    "\x30\x08\x06\x03\x55\x04\x03\x0c\x01x",
		    "RDN 1: the SET is not in DER order"),
		CASE("second RDN bad",
		    "\x30\x18" CN_X
		    "\x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x0c\x01\xff",
		    "O: empty, or not"),
#undef CASE
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct buf text = { 0 };
		struct error e;

		assert_false(name_check(cases[i].der, &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		if (strstr(e.msg, cases[i].msg) == NULL)
			fail_msg("%s: \"%s\"", cases[i].what, e.msg);
		assert_false(name_format(cases[i].der, &text, &e));
		assert_null(text.p);
	}
}

/* The string types as text. */
static void
test_string_types(void **state)
{
	static const struct {
		struct bytes value;
		const char *text;
	} cases[] = {
		{ { (const uint8_t *)"\x0c\x02\xc3\xa4", 4 }, "ä" },
		{ { (const uint8_t *)"\x13\x01x", 3 }, "x" },
		{ { (const uint8_t *)"\x16\x01@", 3 }, "@" },
		{ { (const uint8_t *)"\x12\x02"
				     "1 ",
		      4 },
		    "1 " },
		{ { (const uint8_t *)"\x1a\x01~", 3 }, "~" },
		{ { (const uint8_t *)"\x14\x02"
				     "a\xe4",
		      4 },
		    "aä" },
		{ { (const uint8_t *)"\x1e\x06\x00"
				     "a\x00\xe4\xd6\x8c",
		      8 },
		    "aä회" },
		{ { (const uint8_t *)"\x1c\x04\x00\x01\xf5\x10", 6 }, "🔐" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_der_writer struct der_writer w;
		auto_buf struct buf text = { 0 };
		struct error e;

		der_w_init(&w, 64);
		der_w_raw(&w, cases[i].value);
		der_w_oid(&w, "2.5.4.3");
		der_w_wrap(&w, DER_SEQUENCE, 0);
		der_w_wrap(&w, DER_SET, 0);
		der_w_wrap(&w, DER_SEQUENCE, 0);
		if (!name_check(der_w_bytes(&w), &e))
			fail_msg("%s: %s", cases[i].text, e.msg);
		assert_true(name_get(der_w_bytes(&w), "CN", 0, &text));
		assert_string_equal(buf_cstr(&text), cases[i].text);
	}
}

static void
test_get(void **state)
{
	auto_buf struct buf der = { 0 }, v = { 0 };

	(void)state;
	parse("CN=app1,CN=admin,OU=Kafka+UID=7,O=Acme,2.999=#0c0161", &der);
	assert_true(name_get(buf_bytes(&der), "CN", 0, &v));
	assert_string_equal(buf_cstr(&v), "admin");
	buf_reset(&v);
	assert_true(name_get(buf_bytes(&der), "commonName", 1, &v));
	assert_string_equal(buf_cstr(&v), "app1");
	assert_false(name_get(buf_bytes(&der), "CN", 2, &v));
	buf_reset(&v);
	assert_true(name_get(buf_bytes(&der), "2.999", 0, &v));
	assert_string_equal(buf_cstr(&v), "a");
	assert_false(name_get(buf_bytes(&der), "L", 0, &v));
	assert_false(name_get(buf_bytes(&der), "nonsense", 0, &v));
	assert_false(name_get(B("\x30\x05"), "CN", 0, &v));
	assert_int_equal(name_count(buf_bytes(&der), "2.5.4.3"), 2);
	assert_int_equal(name_count(buf_bytes(&der), "O"), 1);
	assert_int_equal(name_count(buf_bytes(&der), "C"), 0);
}

/* Go's encoder writes several values of an attribute into one RDN. */
static void
test_type_twice_in_rdn(void **state)
{
	struct bytes der = bytes_of("\x30\x16\x31\x14\x30\x08\x06\x03\x55\x04"
				    "\x0b\x0c\x01x\x30\x08\x06\x03\x55\x04"
				    "\x0b\x0c\x01y",
	    24);
	auto_buf struct buf text = { 0 };
	struct error e;

	(void)state;
	if (!name_check(der, &e) || !name_format(der, &text, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(buf_cstr(&text), "OU=x+OU=y");
	assert_true(name_has_multivalued(der));
}

static void
test_multivalued(void **state)
{
	static const struct {
		const char *text;
		bool multi;
	} cases[] = { { "", false }, { "CN=a", false }, { "CN=a,O=b", false },
		{ "CN=a+UID=b", true }, { "O=x,CN=a+UID=b", true },
		{ "CN=a,O=b,CN=c", true }, { "DC=a,DC=b", true } };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		auto_buf struct buf der = { 0 };

		parse(cases[i].text, &der);
		assert_int_equal(name_has_multivalued(buf_bytes(&der)),
		    cases[i].multi);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_every_type),
		cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_upper_bounds),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_bad_der),
		cmocka_unit_test(test_string_types),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_type_twice_in_rdn),
		cmocka_unit_test(test_multivalued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
