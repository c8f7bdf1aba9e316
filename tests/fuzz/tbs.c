/* SPDX-License-Identifier: Apache-2.0 */

/* A TBSCertificate or Certificate: parsed, every extension read, linted. */
#include <chancery/base/cleanup.h>
#include <chancery/pki/cert.h>
#include <chancery/pki/lint.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
read_everything(const struct tbs_view *v)
{
	struct general_name names[4];
	struct bytes uri[2];
	struct error e;
	char oid[32];
	size_t count;

	for (size_t i = 0; i < v->exts.n; i++) {
		const struct ext *x = &v->exts.v[i];

		(void)!ext_check(x, &e);
		/* Each reader must bear the value of any other. */
		(void)!ext_san(x, names, countof(names), &count, &e);
		(void)!ext_crl_dp(x, uri, countof(uri), &count, &e);
		(void)!ext_aia(x, "1.3.6.1.5.5.7.48.1", uri, countof(uri),
		    &count, &e);
		(void)!ext_name_constraints(x, true, names, countof(names),
		    &count, &e);
		(void)!ext_eku_at(x, 1, oid, sizeof(oid));
		(void)!ext_policy_at(x, 1, oid, sizeof(oid));
	}
}

static void
lint(const struct tbs_view *v)
{
	static const uint8_t serial[20];
	struct profile p = *profile_builtin("generic");
	struct tbs_issuer issuer = { .name = v->issuer,
		.alg = SIG_ECDSA_SHA256,
		.not_after_s = INT64_MAX };
	struct lint_context c = { .tbs = v, .profile = &p };
	struct lint_report report;

	memcpy(issuer.key_id, serial, sizeof(issuer.key_id));
	/* The rules that run only where they are named, eight at a time. */
	for (size_t at = 0; at < lint_rules_count; at += 8) {
		for (size_t i = 0; i < 8; i++)
			p.house_rules[i] = at + i < lint_rules_count
			    ? lint_rules[at + i].name
			    : NULL;
		lint_run(&c, &report);
		(void)lint_stopper(&report, &p, true);
	}
	c.issuer = &issuer;
	lint_run(&c, &report);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_cert struct cert c = { 0 };
	struct tbs_view v;
	struct error e;

	if (tbs_parse(bytes_of(p, n), &v, &e)) {
		read_everything(&v);
		lint(&v);
	} else if (cert_parse(bytes_of(p, n), "fuzz", &c, &e)) {
		read_everything(&c.tbs);
		lint(&c.tbs);
	}
	return 0;
}
