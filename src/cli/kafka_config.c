/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_config.h"

#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/text.h>
#include <chancery/kafka/config.h>
#include <chancery/kafka/judge.h>
#include <chancery/kafka/names.h>
#include <chancery/kafka/store.h>

/* ---- flags ---------------------------------------------------------------------- */

static bool
stores_flags(const struct cli *c, struct kafka_config *k, struct error *e)
{
	const char *format = cli_flag(c, "format");

	k->dir = cli_flag(c, "dir");
	k->name = cli_flag(c, "name");
	k->trust =
	    cli_flag(c, "trust") != NULL ? cli_flag(c, "trust") : "trust";
	k->password = cli_flag(c, "password-property");
	if (format != NULL && strcmp(format, "pem") != 0 &&
	    strcmp(format, "p12") != 0)
		return error_set(e, FAIL_USAGE,
		    "--format \"%s\": must be pem or p12", format);
	k->p12 = format != NULL && strcmp(format, "p12") == 0;
	if (k->p12 && (k->password == NULL || strchr(k->password, ':') == NULL))
		return error_set(e, FAIL_USAGE,
		    "--password-property FILE:KEY is missing: a properties "
		    "file that Kafka reads the password from");
	return kafka_alias_check(k->name, e) && kafka_alias_check(k->trust, e);
}

/* What super.users says of the certificates' owners. It is split at ';'. */
static bool
super_users(const struct cli *c, struct buf *out, struct error *e)
{
	const char *path;

	for (size_t i = 0; (path = cli_flag_at(c, "super", i)) != NULL; i++) {
		auto_buf struct buf name = { 0 }, mapped = { 0 };

		if (!kafka_principal_of_file(path, &name, e))
			return false;
		if (!kafka_mapped(c, buf_cstr(&name), &mapped))
			buf_add_bytes(&mapped, buf_bytes(&name));
		if (memchr(mapped.p, ';', mapped.n) != NULL)
			return error_set(e, FAIL_REFUSED,
			    "%s: its name has a ';', at which Kafka splits "
			    "super.users",
			    path);
		buf_addf(out, "%sUser:%s", out->n > 0 ? ";" : "",
		    buf_cstr(&mapped));
	}
	return true;
}

static void
rules(const struct cli *c, struct buf *out)
{
	if (!cli_has(c, "cn-rule") && !cli_has(c, "cn-rule-for"))
		return;
	kafka_cn_rule(cli_flag(c, "cn-rule-for"), out);
	buf_add_str(out, ",DEFAULT");
}

/* ---- against the certificate -------------------------------------------------------- */

#define HOSTS_MAX 64

/* Standard output is a properties file: what is to be said goes beside it. */
static void
tell(const char *path, const struct kafka_findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		auto_buf struct buf text = { 0 };

		buf_add_visible(&text, bytes_str(f->v[i].text));
		complain("%s: %s: %s (%s)", path,
		    kafka_level_name(f->v[i].level), buf_cstr(&text),
		    f->v[i].code);
	}
}

/* The certificate has to be good for what clients are told to connect to. */
static bool
check_cert(struct cli *c, const struct kafka_config *k, struct error *e)
{
	auto_kafka_names struct kafka_names *names = kafka_names_new();
	auto_kafka_findings struct kafka_findings f = { 0 };
	auto_cert struct cert cert = { 0 };
	const char *path = cli_flag(c, "cert"), *hosts[HOSTS_MAX];
	struct kafka_judge how = {
		.use = KAFKA_BROKER,
		.now_s = clock_wall_ms(&clock_system) / 1000,
		.hosts = hosts,
	};
	const struct cert *chain[] = { &cert };
	auto_secret struct secret *text = NULL;

	if (path == NULL)
		return true;
	text = secret_file(path, e);
	if (text == NULL || !cert_parse(secret_bytes(text), path, &cert, e) ||
	    !kafka_names_add_listeners(names,
		k->advertised != NULL ? k->advertised : k->listeners, 0, e))
		return false;
	for (size_t i = 0; how.hosts_n < HOSTS_MAX &&
	     (hosts[how.hosts_n] = kafka_names_dns(names, i)) != NULL;
	     i++)
		how.hosts_n++;
	for (size_t i = 0; how.hosts_n < HOSTS_MAX &&
	     (hosts[how.hosts_n] = kafka_names_ip(names, i)) != NULL;
	     i++)
		how.hosts_n++;
	kafka_judge_chain(chain, 1, &how, &f);
	if (!findings_accept(c, &f, e))
		return false;
	findings_show(c->doc, &f);
	if (!findings_pass(&f, e))
		return error_context(e, "%s", path);
	if (!cli_json(c))
		tell(path, &f);
	return true;
}

/* ---- printing ------------------------------------------------------------------------- */

static void
answer(struct cli *c, const char *kind, struct buf *text, const char *jvm)
{
	doc_text(c->doc, "kind", NULL, kind);
	doc_textn(c->doc, "text", NULL, buf_bytes(text));
	if (*jvm != '\0')
		doc_text(c->doc, "kafka_opts", NULL, jvm);
	c->quiet = !cli_json(c);
	if (cli_json(c))
		return;
	out_bytes(buf_bytes(text));
	if (*jvm != '\0')
		out("# KAFKA_OPTS=\"%s\"\n", jvm);
}

bool
kafka_config_server_run(struct cli *c, struct error *e)
{
	auto_buf struct buf text = { 0 }, map = { 0 }, super = { 0 },
			    jvm = { 0 };
	const char *inter = cli_flag(c, "inter-broker");
	struct kafka_config k = {
		.listeners = cli_flag(c, "listeners"),
		.advertised = cli_flag(c, "advertised"),
		.inter_broker = inter != NULL ? inter : "SSL",
		.controller = cli_flag(c, "controller"),
	};

	rules(c, &map);
	if (!stores_flags(c, &k, e) || !super_users(c, &super, e) ||
	    !check_cert(c, &k, e))
		return false;
	k.rules = map.n > 0 ? buf_cstr(&map) : NULL;
	k.super_users = super.n > 0 ? buf_cstr(&super) : NULL;
	if (!kafka_config_server(&k, &text, e))
		return false;
	kafka_config_jvm(true, &jvm);
	answer(c, "server", &text, buf_cstr(&jvm));
	return true;
}

bool
kafka_config_client_run(struct cli *c, struct error *e)
{
	static const struct {
		const char *kind;
		void (*write)(const struct kafka_config *, struct buf *);
		bool jvm, server;
	} kinds[] = {
		{ "java", kafka_config_client, true, false },
		{ "librdkafka", kafka_config_librdkafka, false, false },
		{ "connect", kafka_config_connect, true, true },
	};
	auto_buf struct buf text = { 0 }, jvm = { 0 };
	struct kafka_config k = { .listeners = cli_flag(c, "listeners") };

	if (!stores_flags(c, &k, e))
		return false;
	for (size_t i = 0; i < countof(kinds); i++) {
		if (strcmp(c->arg[0], kinds[i].kind) != 0)
			continue;
		kinds[i].write(&k, &text);
		if (kinds[i].jvm)
			kafka_config_jvm(kinds[i].server, &jvm);
		answer(c, kinds[i].kind, &text, buf_cstr(&jvm));
		return true;
	}
	return error_set(e, FAIL_USAGE,
	    "\"%s\": must be java, librdkafka or connect", c->arg[0]);
}
