/* SPDX-License-Identifier: Apache-2.0 */

/* The rule table and its runner. BR: CA/Browser Forum Baseline Requirements. */
#include <chancery/pki/lint.h>

#include <stdarg.h>
#include <stdio.h>

#include "lint_checks.h"

#define STRUCTURE LINT_STRUCTURE
#define RFC LINT_RFC5280
#define HOUSE LINT_HOUSE

const struct lint_rule lint_rules[] = {
	{ "structure-der", STRUCTURE, false, "X.690 10",
	    "every field and extension value is DER", lint_der },
	{ "structure-version", STRUCTURE, false, "RFC 5280 4.1.2.1",
	    "version 3", lint_version },
	{ "structure-serial", STRUCTURE, false, "RFC 5280 4.1.2.2",
	    "serial number positive, at most 20 octets", lint_serial },
	{ "structure-algorithm", STRUCTURE, false,
	    "RFC 5280 4.1.1.2, BR 7.1.3.2",
	    "exact AlgorithmIdentifier of the issuer's algorithm",
	    lint_algorithm },
	{ "structure-key", STRUCTURE, false, "RFC 5280 4.1.2.7",
	    "subject key of a known type, well formed", lint_key },
	{ "structure-time-form", STRUCTURE, false, "RFC 5280 4.1.2.5",
	    "UTCTime through 2049, GeneralizedTime after", lint_time_form },
	{ "structure-validity", STRUCTURE, false, "RFC 5280 4.1.2.5",
	    "notAfter is after notBefore", lint_validity },
	{ "structure-validity-nested", STRUCTURE, false, "RFC 5280 6.1.3",
	    "validity lies inside the issuer's", lint_validity_nested },
	{ "structure-issuer-name", STRUCTURE, false, "RFC 5280 4.1.2.4",
	    "issuer is the issuer's subject, octet for octet",
	    lint_issuer_name },
	{ "structure-aki", STRUCTURE, false, "RFC 5280 4.2.1.1, BR 7.1.2.11.1",
	    "authority key identifier is the issuer's, nothing else in it",
	    lint_aki },
	{ "structure-subject-key", STRUCTURE, false, "RFC 5280 3.2",
	    "subject key differs from the issuer's", lint_subject_key },
	{ "structure-unique-ids", STRUCTURE, false, "RFC 5280 4.1.2.8",
	    "no unique identifiers", lint_unique_ids },
	{ "structure-extensions", STRUCTURE, false, "RFC 5280 4.2",
	    "every extension that is known decodes", lint_extensions },

	{ "rfc5280-self-signed-names", RFC, false, "RFC 5280 3.2",
	    "self-signed: a CA whose key may sign certificates",
	    lint_self_signed_names },
	{ "rfc5280-ca-basic-constraints", RFC, false, "RFC 5280 4.2.1.9",
	    "CA: basic constraints critical", lint_ca_basic_constraints },
	{ "rfc5280-ca-key-usage", RFC, false, "RFC 5280 4.2.1.3",
	    "CA: key usage with keyCertSign", lint_ca_key_usage },
	{ "rfc5280-ca-ski", RFC, false, "RFC 5280 4.2.1.2",
	    "CA: subject key identifier present", lint_ca_ski },
	{ "rfc5280-cert-sign", RFC, false, "RFC 5280 4.2.1.9",
	    "keyCertSign only with cA", lint_cert_sign },
	{ "rfc5280-path-len", RFC, false, "RFC 5280 4.2.1.9",
	    "path length only with cA and keyCertSign", lint_path_len },
	{ "rfc5280-key-usage-critical", RFC, false, "RFC 5280 4.2.1.3",
	    "key usage critical, at least one bit", lint_key_usage_critical },
	{ "rfc5280-key-usage-key-type", RFC, false,
	    "RFC 3279 2.3.1, RFC 8813 3, RFC 8410 5",
	    "key usage bits that the key's algorithm can do",
	    lint_key_usage_key_type },
	{ "rfc5280-criticality", RFC, false, "RFC 5280 4.2",
	    "extensions critical or not as their clauses say",
	    lint_criticality },
	{ "rfc5280-name-constraints", RFC, false, "RFC 5280 4.2.1.10",
	    "name constraints only in a CA", lint_name_constraints },
	{ "rfc5280-subject", RFC, false, "RFC 5280 4.1.2.6",
	    "subject not empty in a CA, or without subjectAltName",
	    lint_subject },
	{ "rfc5280-subject-strings", RFC, false, "RFC 5280 A.1, X.501 9.3",
	    "country of two letters, values inside their upper bounds, no "
	    "type twice in one RDN",
	    lint_subject_strings },
	{ "rfc5280-san-critical", RFC, false, "RFC 5280 4.2.1.6",
	    "subjectAltName critical if and only if the subject is empty",
	    lint_san_critical },
	{ "rfc5280-san-form", RFC, false, "RFC 5280 4.2.1.6",
	    "names of the SAN in their prescribed forms, none twice",
	    lint_san_form },
	{ "rfc5280-eku", RFC, false, "RFC 5280 4.2.1.12",
	    "no purpose twice; any purpose not critical", lint_eku },
	{ "rfc5280-eku-key-usage", RFC, false, "RFC 5280 4.2.1.12",
	    "each purpose has a key usage bit that serves it",
	    lint_eku_key_usage },
	{ "rfc5280-policies", RFC, false, "RFC 5280 4.2.1.4", "no policy twice",
	    lint_policies },
	{ "rfc5280-crl-dp", RFC, false, "RFC 5280 4.2.1.13",
	    "CRL distribution points are URIs", lint_crl_dp },
	{ "rfc5280-aia", RFC, false, "RFC 5280 4.2.2.1",
	    "authority information is of OCSP or CA certificates, by URI",
	    lint_aia },

	{ "house-serial", HOUSE, false, "BR 7.1",
	    "serial long enough for 64 random bits", lint_house_serial },
	{ "house-ski", HOUSE, false, "RFC 5280 4.2.1.2 (1)",
	    "subject key identifier is the SHA-1 of the key", lint_house_ski },
	{ "house-crl-dp", HOUSE, false, "BR 7.1.2.11.2",
	    "one distribution point, http, no reasons, no cRLIssuer",
	    lint_house_crl_dp },
	{ "house-aia", HOUSE, false, "BR 7.1.2.7.7",
	    "authority information by http", lint_house_aia },
	{ "house-san", HOUSE, false, "Kafka and JSSE name matching",
	    "host names that every client matches", lint_house_san },
	{ "house-ca-key", HOUSE, false, "own",
	    "CA: RSA of 3072 bits or more, or EC, or Ed25519",
	    lint_house_ca_key },
	{ "house-root-extensions", HOUSE, true, "BR 7.1.2.1.2",
	    "root: SKI, AKI the same or absent; no purposes, policies, CRL "
	    "pointers",
	    lint_house_root_extensions },
	{ "house-root-key-usage", HOUSE, true, "BR 7.1.2.10.7",
	    "root: keyCertSign and cRLSign, at most digitalSignature besides",
	    lint_house_root_key_usage },
	{ "house-root-life", HOUSE, true, "BR 7.1.2.1.1",
	    "root: 2922 to 9132 days, notBefore within a day of now",
	    lint_house_root_life },
	{ "house-root-path-len", HOUSE, true, "BR 7.1.2.1.4",
	    "root: no path length", lint_house_root_path_len },
	{ "house-ca-path-len", HOUSE, true, "own",
	    "intermediate: a path length is present", lint_house_ca_path_len },
	{ "house-ca-key-usage", HOUSE, true, "BR 7.1.2.10.7",
	    "intermediate: keyCertSign and cRLSign, nothing else",
	    lint_house_ca_key_usage },
	{ "house-ca-eku", HOUSE, true, "BR 7.1.2.10.6",
	    "intermediate: serverAuth and clientAuth, nothing else",
	    lint_house_ca_eku },
	{ "house-ca-life", HOUSE, true, "own",
	    "intermediate: at most five years", lint_house_ca_life },
	{ "house-ca-name-constraints", HOUSE, true, "own",
	    "intermediate: permitted DNS names are named",
	    lint_house_ca_name_constraints },
	{ "house-ca-subject", HOUSE, true, "BR 7.1.2.10.2",
	    "intermediate: C, O, CN and no OU", lint_house_ca_subject },
	{ "house-ca-pointers", HOUSE, true, "BR 7.1.2.10.3",
	    "intermediate: CRL distribution point and caIssuers",
	    lint_house_ca_pointers },
	{ "house-leaf-key-usage", HOUSE, true, "BR 7.1.2.7.11",
	    "leaf: digitalSignature, and keyEncipherment only with RSA",
	    lint_house_leaf_key_usage },
	{ "house-leaf-life", HOUSE, true, "own", "leaf: at most 90 days",
	    lint_house_leaf_life },
	{ "house-leaf-not-before", HOUSE, true, "BR 7.1.2.7",
	    "leaf: notBefore within 48 hours of now",
	    lint_house_leaf_not_before },
	{ "house-leaf-revocation", HOUSE, true, "BR 7.1.2.11.2, RFC 9608",
	    "leaf: a CRL or OCSP pointer", lint_house_leaf_revocation },
	{ "house-cn-in-san", HOUSE, true, "BR 7.1.4.3",
	    "every CN is also in the subjectAltName", lint_house_cn_in_san },
	{ "house-kafka-broker-eku", HOUSE, true, "Kafka inter-broker TLS",
	    "broker: serverAuth and clientAuth, as brokers are clients of each "
	    "other",
	    lint_house_broker_eku },
	{ "house-kafka-broker-san", HOUSE, true, "Kafka host name verification",
	    "broker: subjectAltName with host names or addresses, no wildcard",
	    lint_house_broker_san },
	{ "house-kafka-client-eku", HOUSE, true, "Kafka client authentication",
	    "client: clientAuth only", lint_house_client_eku },
	{ "house-kafka-client-cn", HOUSE, true, "Kafka principal mapping",
	    "client: CN of letters, digits, dot, hyphen and underscore",
	    lint_house_client_cn },
	{ "house-kafka-subject", HOUSE, true, "Kafka principal mapping",
	    "exactly one CN, no multi-valued RDN", lint_house_kafka_subject },
	{ "house-ocsp-eku", HOUSE, true, "BR 7.1.2.8.5",
	    "OCSP responder: OCSPSigning only", lint_house_ocsp_eku },
	{ "house-ocsp-extensions", HOUSE, true,
	    "RFC 6960 4.2.2.2.1, BR 7.1.2.8.2",
	    "OCSP responder: ocsp-nocheck; no SAN, policies or CRL pointers",
	    lint_house_ocsp_extensions },
	{ "house-ocsp-life", HOUSE, true, "own",
	    "OCSP responder: at most 35 days", lint_house_ocsp_life },
};
const size_t lint_rules_count = countof(lint_rules);

bool
lint_bad(struct error *e, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(e, FAIL_REFUSED, "%s", text);
}

bool
lint_profile_names(const struct profile *p, const char *rule)
{
	if (p == NULL)
		return false;
	for (size_t i = 0;
	     i < countof(p->house_rules) && p->house_rules[i] != NULL; i++)
		if (strcmp(p->house_rules[i], rule) == 0)
			return true;
	return false;
}

void
lint_run(const struct lint_context *c, struct lint_report *out)
{
	struct error e;

	out->n = 0;
	for (size_t i = 0; i < countof(lint_rules); i++) {
		const struct lint_rule *rule = &lint_rules[i];

		if ((rule->only_named &&
			!lint_profile_names(c->profile, rule->name)) ||
		    rule->check(c, &e) || out->n == LINT_FINDINGS_MAX)
			continue;
		out->v[out->n].rule = rule;
		(void)snprintf(out->v[out->n].text, sizeof(out->v[out->n].text),
		    "%.199s", e.msg);
		out->n++;
	}
}

bool
lint_structure(const struct lint_context *c, struct error *e)
{
	for (size_t i = 0; i < countof(lint_rules); i++)
		if (lint_rules[i].set == LINT_STRUCTURE &&
		    !lint_rules[i].check(c, e))
			return error_context(e, "%s", lint_rules[i].name);
	return true;
}

const struct lint_finding *
lint_stopper(const struct lint_report *r, const struct profile *p,
    bool ceremony)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct lint_rule *rule = r->v[i].rule;

		switch (rule->set) {
		case LINT_STRUCTURE:
			return &r->v[i];
		case LINT_RFC5280:
			if (ceremony)
				return &r->v[i];
			break;
		case LINT_HOUSE:
			if (lint_profile_names(p, rule->name))
				return &r->v[i];
			break;
		}
	}
	return NULL;
}
