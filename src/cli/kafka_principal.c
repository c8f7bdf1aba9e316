/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_config.h"

#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/kafka/principal.h>

bool
kafka_principal_of_file(const char *path, struct buf *out, struct error *e)
{
	auto_secret struct secret *text = secret_file(path, e);
	auto_cert struct cert c = { 0 };

	return text != NULL && cert_parse(secret_bytes(text), path, &c, e) &&
	    (kafka_principal(c.tbs.subject, out, e) ||
		error_context(e, "%s: subject", path));
}

bool
kafka_mapped(const struct cli *c, const char *principal, struct buf *out)
{
	if (!cli_has(c, "cn-rule") && !cli_has(c, "cn-rule-for"))
		return false;
	return kafka_cn_rule_apply(cli_flag(c, "cn-rule-for"), principal, out);
}

/* What the ACLs and super.users have to name. */
static void
show(const struct cli *c, const char *file, const char *principal)
{
	struct doc *row = doc_row(c->doc, "principals", "principals");
	auto_buf struct buf mapped = { 0 };
	bool is_mapped = kafka_mapped(c, principal, &mapped);

	doc_textf(row, "principal", "principal", "User:%s",
	    is_mapped ? buf_cstr(&mapped) : principal);
	doc_text(row, "name", "name of the certificate", principal);
	doc_text(row, "file", "file", file);
	if (strpbrk(principal, "\r\n") != NULL)
		doc_say(c->doc,
		    "%s: the name holds a line end, which Kafka writes into "
		    "its log as it is.",
		    file);
	if (!is_mapped && (cli_has(c, "cn-rule") || cli_has(c, "cn-rule-for")))
		doc_say(c->doc,
		    "%s: the rule does not match; with DEFAULT behind it the "
		    "whole name counts.",
		    file);
}

bool
kafka_principal_run(struct cli *c, struct error *e)
{
	auto_buf struct buf rule = { 0 };

	for (size_t i = 0; i < c->args; i++) {
		auto_buf struct buf principal = { 0 };

		if (!kafka_principal_of_file(c->arg[i], &principal, e))
			return false;
		show(c, c->arg[i], buf_cstr(&principal));
	}
	if (cli_has(c, "cn-rule") || cli_has(c, "cn-rule-for")) {
		kafka_cn_rule(cli_flag(c, "cn-rule-for"), &rule);
		doc_textf(c->doc, "rules", "ssl.principal.mapping.rules",
		    "%s,DEFAULT", buf_cstr(&rule));
	}
	return true;
}
