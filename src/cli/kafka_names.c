/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_config.h"

#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>
#include <chancery/kafka/names.h>

/* More pods than any cluster has brokers. */
#define REPLICAS_MAX 1000

static bool
set_of(const struct cli *c, struct kafka_statefulset *s, uint64_t *replicas,
    struct error *e)
{
	const char *domain = cli_flag(c, "cluster-domain"),
		   *n = cli_flag(c, "replicas"),
		   *space = cli_flag(c, "namespace");

	s->name = cli_flag(c, "statefulset");
	s->service = cli_flag(c, "service");
	s->name_space = space != NULL ? space : "default";
	s->domain = domain != NULL ? domain : "cluster.local";
	*replicas = 1;
	if ((s->name == NULL) != (s->service == NULL))
		return error_set(e, FAIL_USAGE,
		    "--statefulset and --service: both or none");
	if (s->name == NULL && cli_has(c, "bootstrap"))
		return error_set(e, FAIL_USAGE,
		    "--bootstrap goes with --statefulset");
	return n == NULL || parse_u64(n, 1, REPLICAS_MAX, replicas) ||
	    error_set(e, FAIL_USAGE, "--replicas \"%s\": want 1 to %d", n,
		REPLICAS_MAX);
}

static bool
collect(const struct cli *c, const struct kafka_statefulset *s,
    unsigned ordinal, struct kafka_names *n, struct error *e)
{
	const char *v;

	if (s->name != NULL && !kafka_names_add_pod(n, s, ordinal, e))
		return false;
	for (size_t i = 0; (v = cli_flag_at(c, "listeners", i)) != NULL; i++)
		if (!kafka_names_add_listeners(n, v, ordinal, e))
			return false;
	for (size_t i = 0; (v = cli_flag_at(c, "host", i)) != NULL; i++)
		if (!kafka_names_add(n, v, e))
			return false;
	for (size_t i = 0; (v = cli_flag_at(c, "bootstrap", i)) != NULL; i++)
		if (!kafka_names_add_service(n, v, s, e))
			return false;
	return kafka_names_dns(n, 0) != NULL || kafka_names_ip(n, 0) != NULL ||
	    error_set(e, FAIL_USAGE,
		"give --statefulset and --service, --listeners or --host");
}

/* One certificate: fields of the answer, and the arguments of a write. */
static void
show(struct cli *c, const struct kafka_names *n, unsigned ordinal)
{
	struct doc *row = doc_row(c->doc, "certificates", "certificates");
	auto_buf struct buf dns = { 0 }, ip = { 0 };
	const char *cn = kafka_names_common(n);

	kafka_names_join(n, false, &dns);
	kafka_names_join(n, true, &ip);
	doc_int(row, "ordinal", NULL, (int64_t)ordinal);
	doc_text(row, "common_name", NULL, cn != NULL ? cn : "");
	doc_textn(row, "alt_names", NULL, buf_bytes(&dns));
	doc_textn(row, "ip_sans", NULL, buf_bytes(&ip));
	if (cli_json(c))
		return;
	if (cn != NULL)
		out("common_name=%s ", cn);
	out("alt_names=%s%s%s\n", buf_cstr(&dns), ip.n > 0 ? " ip_sans=" : "",
	    buf_cstr(&ip));
}

bool
kafka_names_run(struct cli *c, struct error *e)
{
	struct kafka_statefulset s;
	uint64_t replicas;

	if (!set_of(c, &s, &replicas, e))
		return false;
	for (unsigned i = 0; i < replicas; i++) {
		auto_kafka_names struct kafka_names *n = kafka_names_new();

		if (!collect(c, &s, i, n, e))
			return false;
		show(c, n, i);
	}
	c->quiet = !cli_json(c);
	return true;
}
