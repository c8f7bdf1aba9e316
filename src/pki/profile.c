/* SPDX-License-Identifier: Apache-2.0 */

/* The built-in profiles. BR: CA/Browser Forum Baseline Requirements, whose shape
 * is a good one for a private PKI too. */
#include <chancery/pki/profile.h>

#define DAY ((int64_t)86400)
#define BACKDATE 300 /* JSSE allows no skew: five minutes for slow clocks */

/* Kafka's principal is the DN as text, so kinds and order are fixed; OpenSSL's
 * ca(1) writes and keytool asks in this order. */
#define KAFKA_SUBJECT                                                          \
	{ "C", NAME_OPTIONAL }, { "ST", NAME_OPTIONAL },                       \
	    { "L", NAME_OPTIONAL }, { "O", NAME_OPTIONAL },                    \
	    { "OU", NAME_OPTIONAL },                                           \
	{                                                                      \
		"CN", NAME_SUPPLIED                                            \
	}

const struct profile profiles[] = {
	{
	    .name = "root",
	    .about = "A self-signed root: signs intermediates and CRLs only, "
		     "20 years, no path length, purposes or pointers "
		     "(BR 7.1.2.1).",
	    .ca = true,
	    .path_len = -1,
	    .key_usage_rsa = KU_CERT_SIGN | KU_CRL_SIGN,
	    .key_usage_ec = KU_CERT_SIGN | KU_CRL_SIGN,
	    .life_s = 7305 * DAY,
	    .life_max_s = 9132 * DAY,
	    .backdate_s = BACKDATE,
	    .aki = true,
	    .house_rules = { "house-root-extensions", "house-root-key-usage",
		"house-root-life", "house-ca-key" },
	},
	{
	    .name = "intermediate",
	    .about = "A CA under the root that issues leaves only: path "
		     "length 0, TLS server and client purposes, 5 years "
		     "(BR 7.1.2.6).",
	    .ca = true,
	    .path_len = 0,
	    .key_usage_rsa = KU_CERT_SIGN | KU_CRL_SIGN,
	    .key_usage_ec = KU_CERT_SIGN | KU_CRL_SIGN,
	    .eku = { "serverAuth", "clientAuth" },
	    .life_s = 1825 * DAY, /* "5y" in a charter */
	    .life_max_s = 1826 * DAY,
	    .backdate_s = BACKDATE,
	    .aki = true,
	    .house_rules = { "house-ca-path-len", "house-ca-key-usage",
		"house-ca-eku", "house-ca-life" },
	},
	{
	    .name = "kafka-broker",
	    .about = "A Kafka broker, Connect, Schema Registry or REST Proxy: "
		     "server to its users and client to its peers, every "
		     "listener in the SAN, 90 days.",
	    .path_len = -1,
	    .key_usage_rsa = KU_DIGITAL_SIGNATURE,
	    .key_usage_ec = KU_DIGITAL_SIGNATURE,
	    .eku = { "serverAuth", "clientAuth" },
	    .life_s = 90 * DAY,
	    .life_max_s = 90 * DAY,
	    .backdate_s = BACKDATE,
	    .san_required = true,
	    .san_allowed = true,
	    .aki = true,
	    .subject = { KAFKA_SUBJECT },
	    .subject_strict = true,
	    .house_rules = { "house-leaf-key-usage", "house-kafka-broker-eku",
		"house-kafka-broker-san", "house-kafka-subject" },
	},
	{
	    .name = "kafka-client",
	    .about = "A Kafka client: client purpose only; its subject is its "
		     "principal, so one plain CN in a fixed order, 90 days.",
	    .path_len = -1,
	    .key_usage_rsa = KU_DIGITAL_SIGNATURE,
	    .key_usage_ec = KU_DIGITAL_SIGNATURE,
	    .eku = { "clientAuth" },
	    .life_s = 90 * DAY,
	    .life_max_s = 90 * DAY,
	    .backdate_s = BACKDATE,
	    .san_allowed = true,
	    .aki = true,
	    .subject = { KAFKA_SUBJECT },
	    .subject_strict = true,
	    .house_rules = { "house-leaf-key-usage", "house-kafka-client-eku",
		"house-kafka-subject", "house-kafka-client-cn" },
	},
	{
	    .name = "ocsp-responder",
	    .about = "A delegated OCSP responder of the CA that issues it: "
		     "OCSPSigning only, never checked for revocation itself, "
		     "35 days (RFC 6960 4.2.2.2, BR 7.1.2.8).",
	    .path_len = -1,
	    .key_usage_rsa = KU_DIGITAL_SIGNATURE,
	    .key_usage_ec = KU_DIGITAL_SIGNATURE,
	    .eku = { "OCSPSigning" },
	    .life_s = 30 * DAY,
	    .life_max_s = 35 * DAY,
	    .backdate_s = BACKDATE,
	    .ocsp_nocheck = true,
	    .aki = true,
	    .house_rules = { "house-leaf-key-usage", "house-ocsp-eku",
		"house-ocsp-extensions", "house-ocsp-life" },
	},
	{
	    .name = "generic",
	    .about = "Any TLS server or client: subject and SAN as asked, one "
		     "year.",
	    .path_len = -1,
	    .key_usage_rsa = KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT,
	    .key_usage_ec = KU_DIGITAL_SIGNATURE,
	    .eku = { "serverAuth", "clientAuth" },
	    .life_s = 90 * DAY,
	    .life_max_s = 398 * DAY,
	    .backdate_s = BACKDATE,
	    .san_allowed = true,
	    .aki = true,
	},
};
const size_t profiles_count = countof(profiles);

const struct profile *
profile_builtin(const char *name)
{
	for (size_t i = 0; i < countof(profiles); i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}
