/* SPDX-License-Identifier: Apache-2.0 */

/* Roles: defaults, full replacement, merge, what is refused, words of the API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chancery/base/alg.h>
#include <chancery/pki/ext.h>

#include "pki_util.h"

/* What OpenBao 2.7.2 answers for `write pki/roles/x allowed_domains=a.com,b.com`, with
 * not_after_bound as it is here and the two fields that only Vault has. */
static const char defaults[] =
    "{\"allow_any_name\":false,\"allow_bare_domains\":false,"
    "\"allow_glob_domains\":false,\"allow_globs_in_identity_templates\":false,"
    "\"allow_ip_sans\":true,\"allow_localhost\":true,"
    "\"allow_subdomains\":false,\"allow_token_displayname\":false,"
    "\"allow_wildcard_certificates\":true,"
    "\"allowed_domains\":[\"a.com\",\"b.com\"],"
    "\"allowed_domains_template\":false,\"allowed_ip_sans_cidr\":[],"
    "\"allowed_other_sans\":[],\"allowed_serial_numbers\":[],"
    "\"allowed_uri_sans\":[],\"allowed_uri_sans_template\":false,"
    "\"allowed_user_ids\":[],\"basic_constraints_valid_for_non_ca\":false,"
    "\"client_flag\":true,\"cn_validations\":[\"email\",\"hostname\"],"
    "\"code_signing_flag\":false,\"country\":[],"
    "\"email_protection_flag\":false,\"enforce_hostnames\":true,"
    "\"ext_key_usage\":[],\"ext_key_usage_oids\":[],\"generate_lease\":false,"
    "\"issuer_ref\":\"default\",\"key_bits\":2048,\"key_type\":\"rsa\","
    "\"key_usage\":[\"DigitalSignature\",\"KeyAgreement\","
    "\"KeyEncipherment\"],\"locality\":[],\"max_ttl\":0,\"no_store\":false,"
    "\"not_after\":\"\",\"not_after_bound\":\"ttl-limited\","
    "\"not_before\":\"\",\"not_before_bound\":\"permit\","
    "\"not_before_duration\":30,\"organization\":[],\"ou\":[],"
    "\"policy_identifiers\":[],\"postal_code\":[],\"province\":[],"
    "\"require_cn\":true,\"serial_number_source\":\"json-csr\","
    "\"server_flag\":true,\"signature_bits\":0,"
    "\"street_address\":[],\"ttl\":0,\"use_csr_common_name\":true,"
    "\"use_csr_sans\":true,\"use_pss\":false}";

static json_t *
written(const char *text, struct error *e)
{
	json_t *in = util_role_json(text), *doc = pki_role_document(in);
	struct pki_role *r;
	bool lease;

	json_decref(in);
	r = pki_role_normalise(doc, &lease, e) ? pki_role_parse(doc, e) : NULL;
	if (r == NULL) {
		json_decref(doc);
		return NULL;
	}
	pki_role_free(r);
	return doc;
}

static void
test_defaults(void **state)
{
	json_t *want = json_loads(defaults, 0, NULL), *doc;
	struct error e;

	(void)state;
	doc = written("allowed_domains=a.com,b.com", &e);
	assert_non_null(want);
	if (doc == NULL || !json_equal(doc, want))
		fail_msg("%s",
		    doc == NULL ? e.msg : json_dumps(doc, JSON_SORT_KEYS));
	json_decref(doc);
	json_decref(want);
}

/* A second write forgets what the first said; a merge keeps it. */
static void
test_merge(void **state)
{
	struct error e;
	json_t *doc = written("allow_any_name key_type=ec ttl=60", &e);
	json_t *in = util_role_json("ttl=120 key_type=rsa"),
	       *given = util_role_json("ttl=1"), *merged, *fresh;

	(void)state;
	merged = pki_role_merge(doc, in, given);
	assert_int_equal(json_integer_value(json_object_get(merged, "ttl")),
	    120);
	assert_string_equal(json_string_value(
				json_object_get(merged, "key_type")),
	    "ec");
	assert_true(json_is_true(json_object_get(merged, "allow_any_name")));
	fresh = pki_role_document(in);
	assert_true(json_is_false(json_object_get(fresh, "allow_any_name")));
	/* The document it came from is as it was. */
	assert_int_equal(json_integer_value(json_object_get(doc, "ttl")), 60);
	json_decref(doc);
	json_decref(in);
	json_decref(given);
	json_decref(merged);
	json_decref(fresh);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *role, *text;
	} rows[] = {
		{ "ttl=120 max_ttl=60", "\"ttl\" value must be less than" },
		{ "ttl=-1", "not negative" },
		{ "key_type=dsa", "unknown key type dsa" },
		{ "key_bits=1024", "unsupported bit length for RSA key: 1024" },
		{ "key_type=ec key_bits=224",
		    "unsupported bit length for EC key: 224" },
		{ "signature_bits=160", "unsupported hash signature" },
		{ "cn_validations=disabled,email", "cn_validations" },
		{ "cn_validations=phone", "cn_validations" },
		{ "cn_validations=", "cn_validations" },
		{ "allowed_ip_sans_cidr=10.0.0.0/33", "allowed_ip_sans_cidr" },
		{ "allowed_ip_sans_cidr=10.0.0.0", "allowed_ip_sans_cidr" },
		{ "allowed_other_sans=1.2.3;IA5:x", "allowed_other_sans" },
		{ "allowed_other_sans=x;UTF8:x", "allowed_other_sans" },
		{ "ext_key_usage_oids=1.2.3,abc",
		    "\"abc\" could not be parsed as a valid OID" },
		{ "policy_identifiers=abc", "policy_identifiers" },
		{ "not_after=tomorrow", "not_after" },
		{ "not_after_bound=perhaps", "not_after_bound" },
		{ "not_before_bound=perhaps", "not_before_bound" },
		{ "issuer_ref=a/b", "issuer_ref" },
		{ "serial_number_source=csr", "serial_number_source" },
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct error e;

		assert_null(written(rows[i].role, &e));
		if (strstr(e.msg, rows[i].text) == NULL)
			fail_msg("%s: %s", rows[i].role, e.msg);
		assert_int_equal(e.why, FAIL_BAD_INPUT);
	}
}

static void
test_wrong_types(void **state)
{
	static const char *const docs[] = { "{\"ttl\":\"60\"}",
		"{\"allow_any_name\":1}", "{\"key_type\":1}",
		"{\"allowed_domains\":\"a\"}" };

	(void)state;
	for (size_t i = 0; i < countof(docs); i++) {
		json_t *doc = json_loads(docs[i], 0, NULL);
		struct error e;

		assert_null(pki_role_parse(doc, &e));
		assert_non_null(strstr(e.msg, "not of its type"));
		json_decref(doc);
	}
}

static void
check_policies(json_t *value, const char *want)
{
	json_t *doc = pki_role_document(NULL);
	struct pki_role *r;
	struct error e;
	bool lease;

	json_object_set_new(doc, "policy_identifiers", value);
	if (!pki_role_normalise(doc, &lease, &e))
		fail_msg("%s", e.msg);
	r = pki_role_parse(doc, &e);
	if (r == NULL)
		fail_msg("%s", e.msg);
	assert_string_equal(r->policy_identifiers.v[0], want);
	pki_role_free(r);
	json_decref(doc);
}

static void
test_policies(void **state)
{
	(void)state;
	check_policies(json_string("1.2.3, 1.2.4"), "1.2.3");
	check_policies(json_pack("[s]", "1.2.3"), "1.2.3");
	check_policies(json_pack("[{ss}]", "oid", "1.2.3"),
	    "{\"oid\":\"1.2.3\"}");
	check_policies(json_string(
			   "[{\"oid\":\"1.2.3\",\"cps\":\"http://x\"}]"),
	    "{\"cps\":\"http://x\",\"oid\":\"1.2.3\"}");
}

static void
test_lease(void **state)
{
	json_t *in = util_role_json("no_store generate_lease"),
	       *doc = pki_role_document(in);
	struct error e;
	bool lease;

	(void)state;
	assert_true(pki_role_normalise(doc, &lease, &e));
	assert_true(lease);
	assert_true(json_is_false(json_object_get(doc, "generate_lease")));
	json_decref(in);
	json_decref(doc);
}

static void
test_words(void **state)
{
	struct pki_role *r =
	    util_role("!client_flag email_protection_flag "
		      "key_usage=digitalsignature,CRLSign,nonsense "
		      "ext_key_usage=ocspsigning,nonsense,ServerAuth "
		      "ext_key_usage_oids=1.2.3,1.3.6.1.5.5.7.3.1");
	static const char *const want[] = { "1.3.6.1.5.5.7.3.1",
		"1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.9", "1.2.3" };

	(void)state;
	assert_int_equal(r->key_usage_bits, KU_DIGITAL_SIGNATURE | KU_CRL_SIGN);
	assert_int_equal(r->eku_n, countof(want));
	for (size_t i = 0; i < countof(want); i++)
		assert_string_equal(r->eku[i], want[i]);
	pki_role_free(r);
}

static void
test_texts(void **state)
{
	static const struct {
		const char *text;
		int64_t t;
	} times[] = {
		{ "1970-01-01T00:00:10Z", 10 },
		{ "1970-01-01T01:00:10+01:00", 10 },
		{ "1970-01-01T00:00:10.999Z", 10 },
		{ "1969-12-31T23:00:10-01:00", 10 },
		{ "1970-01-01", -1 },
		{ "1970-01-01T00:00:10", -1 },
		{ "1970-01-01T00:00:10+0100", -1 },
		{ "1970-01-01T00:00:10.Z", -1 },
	};
	static const char *const names[] = { "a", "a-b.c_d", "0", "A1" },
				 *const bad[] = { "", "-a", "a-", ".a", "a/b",
					 "a b", "a:b" };
	int64_t t;

	(void)state;
	for (size_t i = 0; i < countof(times); i++)
		if (pki_time_parse(times[i].text, &t) ? t != times[i].t
						      : times[i].t >= 0)
			fail_msg("%s", times[i].text);
	for (size_t i = 0; i < countof(names); i++)
		assert_true(pki_name_valid(names[i]));
	for (size_t i = 0; i < countof(bad); i++)
		assert_false(pki_name_valid(bad[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_lease),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
