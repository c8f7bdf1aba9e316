/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/clock.h>
#include <chancery/kafka/judge.h>
#include <chancery/pki/name.h>

#include "judge_names.h"

#define SERVER_AUTH "1.3.6.1.5.5.7.3.1"
#define CLIENT_AUTH "1.3.6.1.5.5.7.3.2"
#define ANY_EKU "2.5.29.37.0"
/* A last fifth of its life, where renewal should have happened. */
#define SOON_PART 5
/* JDK 25 servers take chains of eight; ours never need more than four. */
#define CHAIN_USUAL 4

static void
check_time(const struct cert *c, const struct kafka_judge *j, bool leaf,
    struct kafka_findings *f)
{
	int64_t from = c->tbs.not_before_s, to = c->tbs.not_after_s;
	char when[TIME_TEXT_SIZE];

	time_format_s(to, when);
	if (j->now_s > to) {
		kafka_find(f, KAFKA_WRONG, leaf ? "expired" : "chain-expired",
		    "%s expired on %s", leaf ? "it" : "an intermediate", when);
	} else if (leaf && (to - j->now_s) < (to - from) / SOON_PART) {
		kafka_find(f, KAFKA_WARNING, "expires-soon",
		    "it expires on %s: less than a fifth of its life is left",
		    when);
	}
	if (j->now_s >= from)
		return;
	time_format_s(from, when);
	kafka_find(f, KAFKA_WRONG, "not-yet-valid",
	    "%s is valid from %s only; Java allows no skew",
	    leaf ? "it" : "an intermediate", when);
}

static bool
has_purpose(const struct cert *c, const char *oid)
{
	const struct ext *x = exts_find(&c->tbs.exts, EXT_EKU);
	char text[64];

	if (x == NULL)
		return true;
	for (size_t i = 0; ext_eku_at(x, i, text, sizeof(text)); i++)
		if (strcmp(text, oid) == 0 || strcmp(text, ANY_EKU) == 0)
			return true;
	return false;
}

static void
check_purpose(const struct cert *c, const struct kafka_judge *j,
    struct kafka_findings *f)
{
	bool client = has_purpose(c, CLIENT_AUTH);

	if (j->use == KAFKA_BROKER && !has_purpose(c, SERVER_AUTH))
		kafka_find(f, KAFKA_WRONG, "eku-server",
		    "its extended key usage lacks serverAuth: clients refuse "
		    "the broker");
	if (j->use == KAFKA_CLIENT && !client)
		kafka_find(f, KAFKA_WRONG, "eku-client",
		    "its extended key usage lacks clientAuth: brokers refuse "
		    "the client");
	if (j->use == KAFKA_BROKER && !client)
		kafka_find(f, j->server_only ? KAFKA_NOTE : KAFKA_WRONG,
		    "eku-client",
		    "its extended key usage lacks clientAuth: a broker is a "
		    "client of the others, and does not start where "
		    "inter-broker traffic goes over this listener");
	if (c->tbs.key_usage != 0 &&
	    (c->tbs.key_usage & KU_DIGITAL_SIGNATURE) == 0)
		kafka_find(f, KAFKA_WRONG, "key-usage",
		    "its key usage lacks digitalSignature, which TLS 1.2 with "
		    "ECDHE and TLS 1.3 need");
}

static void
check_key(const struct cert *c, struct kafka_findings *f)
{
	const char *name = c->tbs.alg_known ? sig_alg_info(c->alg)->name : "?";

	if (!c->tbs.key_ok)
		kafka_find(f, KAFKA_WRONG, "key-type",
		    "its key is not one of RSA from 2,048 bits, P-256, P-384, "
		    "P-521 and Ed25519");
	if (!c->tbs.alg_known)
		kafka_find(f, KAFKA_WRONG, "signature",
		    "it is signed with an algorithm that is weak or unknown");
	else if (sig_alg_info(c->alg)->pss)
		kafka_find(f, KAFKA_NOTE, "signature",
		    "it is signed with %s, which Java 8 does not know", name);
}

static void
check_leaf_profile(const struct cert *c, const struct kafka_judge *j,
    struct kafka_findings *f)
{
	if (c->tbs.is_ca)
		kafka_find(f, KAFKA_WRONG, "ca-as-leaf",
		    "it is a CA's certificate");
	if (j->use == KAFKA_CLIENT && c->tbs.subject.n <= 2)
		kafka_find(f, KAFKA_WRONG, "subject",
		    "its subject is empty: the broker has no name for it");
	if (name_count(c->tbs.subject, "CN") > 1)
		kafka_find(f, KAFKA_WARNING, "subject",
		    "its subject has several CNs: mapping rules take one of "
		    "them");
	if (name_has_multivalued(c->tbs.subject))
		kafka_find(f, KAFKA_WARNING, "subject",
		    "its subject has an RDN of several values, or a type "
		    "twice: easily mistaken in rules and ACLs");
	if (exts_find(&c->tbs.exts, EXT_CRL_DP) == NULL)
		kafka_find(f, KAFKA_WARNING, "no-crl-url",
		    "it names no CRL: a Java peer that checks revocation "
		    "refuses it");
}

static bool
is_self_issued(const struct cert *c)
{
	return bytes_eq(c->tbs.subject, c->tbs.issuer);
}

/* RFC 5280 6.1.4 (k) to (n): whether the i-th may have signed what is below it. */
static void
check_may_sign(const struct cert *const *chain, size_t i,
    struct kafka_findings *f)
{
	const struct tbs_view *t = &chain[i]->tbs;
	int below = 0;

	for (size_t k = 1; k < i; k++)
		below += !is_self_issued(chain[k]);
	if (!t->is_ca)
		kafka_find(f, KAFKA_WRONG, "chain",
		    "certificate %zu of the chain signed the one below it and "
		    "is no CA's: every peer refuses the chain",
		    i + 1);
	else if (t->key_usage != 0 && (t->key_usage & KU_CERT_SIGN) == 0)
		kafka_find(f, KAFKA_WRONG, "chain",
		    "certificate %zu of the chain is a CA's whose key usage "
		    "lacks keyCertSign: every peer refuses the chain",
		    i + 1);
	if (t->path_len >= 0 && below > t->path_len)
		kafka_find(f, KAFKA_WRONG, "chain",
		    "certificate %zu of the chain allows %d CAs below it, and "
		    "there are %d: every peer refuses the chain",
		    i + 1, t->path_len, below);
}

static void
check_intermediate(const struct cert *c, const struct kafka_judge *j,
    struct kafka_findings *f)
{
	check_time(c, j, false, f);
	check_key(c, f);
	if (c->tbs.key_usage != 0 && (c->tbs.key_usage & KU_CRL_SIGN) == 0)
		kafka_find(f, KAFKA_WARNING, "no-crl-sign",
		    "an intermediate lacks cRLSign: Java refuses its CRLs, and "
		    "with them everything below it");
	if (exts_find(&c->tbs.exts, EXT_CRL_DP) == NULL)
		kafka_find(f, KAFKA_WARNING, "no-crl-url",
		    "an intermediate names no CRL: where only the root is "
		    "trusted, a Java peer that checks revocation refuses the "
		    "chain");
}

void
kafka_judge_chain(const struct cert *const *chain, size_t n,
    const struct kafka_judge *j, struct kafka_findings *f)
{
	const struct cert *leaf = chain[0];

	check_time(leaf, j, true, f);
	check_key(leaf, f);
	check_leaf_profile(leaf, j, f);
	check_purpose(leaf, j, f);
	if (j->use == KAFKA_BROKER)
		judge_names(leaf, j, f);
	for (size_t i = 1; i < n; i++) {
		check_intermediate(chain[i], j, f);
		check_may_sign(chain, i, f);
	}
	if (n > CHAIN_USUAL)
		kafka_find(f, KAFKA_WARNING, "chain-long",
		    "the chain has %zu certificates; JDK 25 takes 8", n);
}

void
kafka_judge_pem_key(struct spki key, struct kafka_findings *f)
{
	if (key.type.alg == KEY_ED25519)
		kafka_find(f, KAFKA_WRONG, "key-type",
		    "Kafka's PEM stores load no Ed25519 key: use PKCS#12");
}
