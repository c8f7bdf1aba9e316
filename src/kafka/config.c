/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/cleanup.h>
#include <chancery/kafka/config.h>
#include <chancery/kafka/names.h>

/* ---- properties ------------------------------------------------------------------ */

static uint32_t
code_point(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	unsigned more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0;
	uint32_t c = more == 0 ? s[0] : s[0] & (0x3fU >> more);

	for (unsigned i = 1; i <= more && s[i] != '\0'; i++) {
		c = c << 6 | (s[i] & 0x3fU);
		(*p)++;
	}
	(*p)++;
	return c;
}

static void
add_unicode(uint32_t c, struct buf *out)
{
	if (c >= 0x10000) {
		c -= 0x10000;
		buf_addf(out, "\\u%04x", (unsigned)(0xd800 + (c >> 10)));
		c = 0xdc00 + (c & 0x3ff);
	}
	buf_addf(out, "\\u%04x", (unsigned)c);
}

void
kafka_property(const char *key, const char *value, struct buf *out)
{
	buf_addf(out, "%s=", key);
	if (*value == ' ')
		buf_add_byte(out, '\\');
	while (*value != '\0') {
		uint32_t c = code_point(&value);

		if (c == '\\')
			buf_add_str(out, "\\\\");
		else if (c < 0x20 || c > 0x7e)
			add_unicode(c, out);
		else
			buf_add_byte(out, (uint8_t)c);
	}
	buf_add_byte(out, '\n');
}

static void
property_under(const char *prefix, const char *key, const char *value,
    struct buf *out)
{
	auto_mem char *whole = mem_printf("%s%s", prefix, key);

	kafka_property(whole, value, out);
}

/* ---- pieces -------------------------------------------------------------------------- */

/*
 * JSSE looks at lists only with both of the first two; the time-outs are for the network thread,
 * which waits. A resumed session is not checked again: the rest ends resumption. No single one
 * does on every release: newSessionTicketCount=0 is not known to 17.0.15.
 */
static const char *const jvm_flags[] = {
	"-Dcom.sun.net.ssl.checkRevocation=true",
	"-Dcom.sun.security.enableCRLDP=true",
	"-Dcom.sun.security.crl.timeout=2",
	"-Dcom.sun.security.crl.readtimeout=2",
	/* servers only */
	"-Djdk.tls.server.disableExtensions=pre_shared_key",
	"-Djdk.tls.server.enableSessionTicketExtension=false",
	"-Djdk.tls.server.sessionTicketTimeout=1",
	"-Djdk.tls.server.newSessionTicketCount=0",
};
#define CLIENT_FLAGS 4

void
kafka_config_jvm(bool server, struct buf *out)
{
	size_t n = server ? countof(jvm_flags) : CLIENT_FLAGS;

	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%s%s", i > 0 ? " " : "", jvm_flags[i]);
}

/* A password's place in the properties: Kafka reads it from there itself (KIP-421). */
static void
add_password(const struct kafka_config *c, const char *prefix, const char *key,
    struct buf *out)
{
	auto_mem char *value = mem_printf("${file:%s}", c->password);

	property_under(prefix, key, value, out);
}

static void
add_provider(const struct kafka_config *c, struct buf *out)
{
	if (!c->p12)
		return;
	kafka_property("config.providers", "file", out);
	kafka_property("config.providers.file.class",
	    "org.apache.kafka.common.config.provider.FileConfigProvider", out);
}

static void
add_stores(const struct kafka_config *c, const char *prefix, struct buf *out)
{
	const char *type = c->p12 ? "PKCS12" : "PEM",
		   *ext = c->p12 ? "p12" : "pem";
	auto_mem char *key = mem_printf("%s/%s.%s", c->dir, c->name, ext),
		      *trust = mem_printf("%s/%s.%s", c->dir, c->trust, ext);

	property_under(prefix, "ssl.keystore.type", type, out);
	property_under(prefix, "ssl.keystore.location", key, out);
	if (c->p12) {
		add_password(c, prefix, "ssl.keystore.password", out);
		add_password(c, prefix, "ssl.key.password", out);
	}
	property_under(prefix, "ssl.truststore.type", type, out);
	property_under(prefix, "ssl.truststore.location", trust, out);
	if (c->p12)
		add_password(c, prefix, "ssl.truststore.password", out);
}

static void
add_protocols(const char *prefix, struct buf *out)
{
	property_under(prefix, "ssl.enabled.protocols", "TLSv1.3,TLSv1.2", out);
	property_under(prefix, "ssl.endpoint.identification.algorithm", "https",
	    out);
}

/* ---- server ---------------------------------------------------------------------------- */

struct found {
	bool inter_broker, controller;
};

/* "SSL:SSL,CONTROLLER:SSL" */
static bool
protocol_map(const struct kafka_config *c, struct buf *map, struct found *f,
    struct error *e)
{
	const char *text = c->listeners;
	struct kafka_listener l;
	bool bad = false;

	while (kafka_listener_next(&text, &l, &bad)) {
		buf_addf(map, "%s%s:SSL", map->n > 0 ? "," : "", l.name);
		f->inter_broker =
		    f->inter_broker || strcmp(l.name, c->inter_broker) == 0;
		f->controller = f->controller ||
		    (c->controller != NULL &&
			strcmp(l.name, c->controller) == 0);
	}
	if (bad || map->n == 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "listeners: want NAME://HOST:PORT,…");
	/* A broker alone names the controllers' listener without having it. */
	if (c->controller != NULL && !f->controller)
		buf_addf(map, ",%s:SSL", c->controller);
	return f->inter_broker ||
	    error_set(e, FAIL_USAGE, "no listener is called \"%s\"",
		c->inter_broker);
}

static void
add_listeners(const struct kafka_config *c, const char *map, struct buf *out)
{
	kafka_property("listeners", c->listeners, out);
	if (c->advertised != NULL)
		kafka_property("advertised.listeners", c->advertised, out);
	kafka_property("listener.security.protocol.map", map, out);
	kafka_property("inter.broker.listener.name", c->inter_broker, out);
	if (c->controller != NULL)
		kafka_property("controller.listener.names", c->controller, out);
}

bool
kafka_config_server(const struct kafka_config *c, struct buf *out,
    struct error *e)
{
	auto_buf struct buf map = { 0 };
	struct found f = { 0 };

	if (!protocol_map(c, &map, &f, e))
		return false;
	buf_add_str(out,
	    "# Every listener asks for a certificate. The flags of the JVM are "
	    "needed too:\n# without them no list of revoked certificates is "
	    "looked at.\n");
	add_provider(c, out);
	add_listeners(c, buf_cstr(&map), out);
	kafka_property("ssl.client.auth", "required", out);
	add_stores(c, "", out);
	add_protocols("", out);
	kafka_property("ssl.principal.mapping.rules",
	    c->rules != NULL ? c->rules : "DEFAULT", out);
	kafka_property("authorizer.class.name",
	    c->controller != NULL
		? "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		: "kafka.security.authorizer.AclAuthorizer",
	    out);
	kafka_property("allow.everyone.if.no.acl.found", "false", out);
	if (c->super_users != NULL)
		kafka_property("super.users", c->super_users, out);
	return true;
}

/* ---- clients ---------------------------------------------------------------------------- */

void
kafka_config_client(const struct kafka_config *c, struct buf *out)
{
	add_provider(c, out);
	kafka_property("security.protocol", "SSL", out);
	add_stores(c, "", out);
	add_protocols("", out);
}

void
kafka_config_connect(const struct kafka_config *c, struct buf *out)
{
	static const char *const prefixes[] = { "", "producer.", "consumer.",
		"admin." };

	add_provider(c, out);
	for (size_t i = 0; i < countof(prefixes); i++) {
		property_under(prefixes[i], "security.protocol", "SSL", out);
		add_stores(c, prefixes[i], out);
		add_protocols(prefixes[i], out);
	}
	buf_add_str(out, "# Its REST server.\n");
	if (c->listeners != NULL)
		kafka_property("listeners", c->listeners, out);
	add_stores(c, "listeners.https.", out);
	kafka_property("listeners.https.ssl.client.auth", "required", out);
	kafka_property("listeners.https.ssl.enabled.protocols",
	    "TLSv1.3,TLSv1.2", out);
}

void
kafka_config_librdkafka(const struct kafka_config *c, struct buf *out)
{
	buf_add_str(out, "security.protocol=ssl\n");
	buf_addf(out, "ssl.ca.location=%s/%s.pem\n", c->dir, c->trust);
	/* Before 2.8.0 ssl.keystore.location sends the leaf alone. */
	buf_addf(out, "ssl.certificate.location=%s/%s.pem\n", c->dir, c->name);
	buf_addf(out, "ssl.key.location=%s/%s.pem\n", c->dir, c->name);
	buf_add_str(out, "ssl.endpoint.identification.algorithm=https\n");
	buf_addf(out,
	    "# The broker's own revocation: a PEM file that is read once, at "
	    "the "
	    "start (crls: of\n# chancery renew keeps it).\n"
	    "#ssl.crl.location=%s/crls.pem\n",
	    c->dir);
}
