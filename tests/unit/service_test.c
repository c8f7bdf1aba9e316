/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cmocka.h>

#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/log.h>
#include <chancery/config/pass.h>
#include <chancery/config/service.h>
#include <chancery/config/show.h>

static const char good[] =
    "origin: acme.example/log\n"                                  /*  1 */
    "module: /bin/sh\n"                                           /*  2 */
    "tokens:\n"                                                   /*  3 */
    "  zulu: { uri: \"pkcs11:token=a\", pin: prompt, role: ca,\n" /*  4 */
    "          charter: intermediate }\n"                         /*  5 */
    "  alpha: { uri: \"pkcs11:token=b\", pin: \"file:pin\",\n"    /*  6 */
    "           role: log }\n"                                    /*  7 */
    "server:\n"                                                   /*  8 */
    "  listen: [\"127.0.0.1:8200\", \"[::1]:8200\"]\n"            /*  9 */
    "  workers: 2\n"                                              /* 10 */
    "  max_lease_ttl: 24h\n"                                      /* 11 */
    "  access_log: access.json\n"                                 /* 12 */
    "log_level: debug\n";                                         /* 13 */

struct fixture {
	char dir[64];
	char *path, *pin;
};

static int
setup(void **state)
{
	struct fixture *f = mem_calloc(1, sizeof(*f));
	struct error e = { 0 };

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/chancery-service-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	f->path = path_join(f->dir, "chancery.yaml");
	f->pin = path_join(f->dir, "pin");
	*state = f;
	return file_replace(f->pin, bytes_str("1"), 0600, &e) ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->path);
	(void)unlink(f->pin);
	(void)rmdir(f->dir);
	mem_free(f->path);
	mem_free(f->pin);
	mem_free(f);
	return 0;
}

static void
write_config(const struct fixture *f, const char *text)
{
	struct error e = { 0 };

	assert_true(file_replace(f->path, bytes_str(text), 0600, &e));
}

/* `good` with one text replaced. */
static void
replaced(struct buf *text, const char *from, const char *to)
{
	const char *at = strstr(good, from);

	assert_non_null(at);
	buf_add(text, good, (size_t)(at - good));
	buf_add_str(text, to);
	buf_add_str(text, at + strlen(from));
}

static void
is_below(const struct fixture *f, const char *path, const char *name)
{
	auto_mem char *want = path_join(f->dir, name);

	assert_string_equal(path, want);
}

static void
test_open(void **state)
{
	struct fixture *f = *state;
	struct error e = { 0 };
	struct service_config c;
	auto_yaml_doc struct yaml_doc *d = NULL;
	const struct service_token *t;

	write_config(f, good);
	d = service_config_open(f->dir, &c, NULL, &e);
	if (d == NULL)
		fail_msg("%s", e.msg);
	t = c.tokens.v;
	assert_int_equal(c.tokens.n, 2);
	/* The order of the file is the index of a token. */
	assert_string_equal(t[0].name, "zulu");
	assert_string_equal(t[1].name, "alpha");
	assert_string_equal(t[0].pin, "prompt");
	is_below(f, service_pin_file(t[1].pin), "pin");
	is_below(f, c.register_dir, "register");
	is_below(f, c.run_dir, "run");
	is_below(f, c.server.socket, "run/chancery.sock");
	is_below(f, c.server.store, "store/store.sqlite");
	is_below(f, c.server.access_log, "access.json");
	assert_int_equal(c.server.max_lease_ttl_s, 86400);
	/* 768h is only our default: the maximum that was written wins. */
	assert_int_equal(c.server.default_lease_ttl_s, 86400);
	assert_int_equal(service_log_level(c.log_level), LOG_LEVEL_DEBUG);
}

static const struct {
	const char *from, *to, *says;
} mistakes[] = {
	{ "origin: acme.example/log\n", "", "chancery.yaml:1:1: missing" },
	{ "pin: prompt, ", "", ":4:3: token zulu: where its PIN" },
	{ "pin: prompt", "pin: 123456", ":4:39: " },
	{ "pin: prompt",
	    "pin: prompt, pin_in_this_file_i_accept_the_risk: \"1\"",
	    "not both" },
	{ "charter: intermediate", "charter: a, charter_file: /bin/sh",
	    "not both" },
	{ "charter: intermediate", "charter_file: absent", "no such file" },
	{ "file:pin", "file:absent", ":6:40: " },
	{ "role: ca", "role: log", "both of role log" },
	{ "module: /bin/sh", "module: /absent.so", ":2:9: /absent.so: there" },
	{ "[::1]:8200", "127.0.0.1:8200", ":9:30: 127.0.0.1:8200 is" },
	{ "[::1]:8200", "localhost:8200", "numeric address" },
	{ "[::1]:8200", "::1:8200", "numeric address" },
	{ "[::1]:8200", "[::1]:82000", "numeric address" },
	{ "[::1]:8200", "[::1]", "numeric address" },
	{ "[::1]:8200", "[127.0.0.1]:1", "numeric address" },
	{ "workers: 2", "workers: 65", "out of range, allowed 0 to 64" },
	{ "workers: 2", "workers: auto", "\"auto\" is not a whole number" },
	{ "log_level: debug", "workers: 257",
	    ":13:10: workers: 257 is out of range, allowed 0 to 256" },
	{ "log_level: debug", "workers: many",
	    "\"many\" is not auto or a whole number" },
	{ "log_level: debug", "workers: \"auto\"", "without quotes" },
	{ "workers: 2", "tls: { key: /bin/sh }",
	    "needs server.tls.certificate" },
	{ "workers: 2", "tls: { certificate: /bin/sh }",
	    "needs server.tls.key" },
	{ "workers: 2", "tls: { certificate: absent, key: /bin/sh }",
	    "no such file" },
	{ "workers: 2",
	    "tls: { certificate: /bin/sh, key: /bin/sh, authority: m }",
	    "not both" },
	{ "workers: 2",
	    "tls: { certificate: /bin/sh, key: /bin/sh, names: [a] }",
	    "has its own" },
	{ "workers: 2", "tls: { authority: m }", "needs server.tls.names" },
	{ "workers: 2", "default_lease_ttl: 25h", ":10:22: server.default" },
	{ "workers: 2", "socket_root_uids: [root]", "numeric uid" },
	{ "workers: 2", "plain_listen: [\"[::1]:8200\"]",
	    "is listened on already" },
	{ "workers: 2", "store: store.sqlite", ":10:10: server.store: the" },
	{ "workers: 2", "store: run/s", "give it one of its own" },
	{ "workers: 2", "socket: \"\"", "empty" },
	{ "workers: 2",
	    "socket: /0123456789012345678901234567890123456789012345678901234"
	    "56789012345678901234567890123456789012345678901234567",
	    "at most 107 octets" },
	{ "log_level: debug", "log_level: loud", "want error, warning" },
	{ "log_level: debug", "user_server: www", "needs user_signer" },
	{ "log_level: debug", "user_signer: www", "needs user_server" },
	{ "log_level: debug", "user_server: a\nuser_signer: a", "one user" },
	{ "log_level: debug", "user_server: a b\nuser_signer: a",
	    ":13:14: user_server: want the name" },
	{ "log_level: debug", "publisher: {}", "unknown key" },
	/* Vaults whose tokens are accepted */
	{ "log_level: debug", "vault: { a: { same_name: true } }", "missing" },
	{ "log_level: debug",
	    "vault: { a: { address: \"ftp://x\", same_name: true } }",
	    "want https://HOST" },
	{ "log_level: debug",
	    "vault: { a: { address: \"https://x/v1\", same_name: true } }",
	    "want https://HOST" },
	{ "log_level: debug",
	    "vault: { a: { address: \"https://u@x\", same_name: true } }",
	    "want https://HOST" },
	{ "log_level: debug",
	    "vault: { a: { address: \"https://x:0\", same_name: true } }",
	    "want https://HOST" },
	{ "log_level: debug",
	    "vault: { a: { address: \"http://10.0.0.1\", same_name: true } }",
	    "in the clear" },
	{ "log_level: debug",
	    "vault: { a: { address: \"http://localhost.evil\", "
	    "same_name: true } }",
	    "in the clear" },
	{ "log_level: debug",
	    "vault: { a: { address: \"https://x\", same_name: true } }",
	    "ca_certificate is missing" },
	{ "log_level: debug",
	    "vault: { a: { address: \"https://x\", ca_certificate: absent, "
	    "same_name: true } }",
	    "absent: there is no such file" },
	{ "log_level: debug", "vault: { a: { address: \"http://127.0.0.1\" } }",
	    "policies and same_name are both missing" },
	{ "log_level: debug",
	    "vault: { a: { address: \"http://127.0.0.1\", same_name: true, "
	    "client_key: /bin/sh } }",
	    "both or neither" },
	{ "log_level: debug",
	    "vault: { a: { address: \"http://127.0.0.1\", same_name: true, "
	    "cache: 61s } }",
	    "out of range" },
	{ "log_level: debug",
	    "vault: { a: { address: \"http://127.0.0.1\", same_name: true, "
	    "namespace: \"a\\nb\" } }",
	    "want a namespace" },
	{ "log_level: debug",
	    "vault: { a: { address: \"http://127.0.0.1\", "
	    "policies: { p: { here: [] } } } }",
	    "1 to 16" },
	{ "log_level: debug",
	    "vault: { a: { address: \"http://127.0.0.1\", "
	    "policies: { p: { here: [Ops] } } } }",
	    "lower case" },
	{ "log_level: debug",
	    "vault: { a: { address: \"http://127.0.0.1\", same_name: true }, "
	    "b: { address: \"http://[::1]:1\", same_name: true } }",
	    "vaults a and b take the same tokens" },
	{ "log_level: debug",
	    "user_server: a\nuser_signer: b\nvault: { a: { address: "
	    "\"http://localhost:8200/\", same_name: true } }",
	    "needs user_publisher" },
	{ "log_level: debug",
	    "user_server: a\nuser_signer: b\nuser_publisher: b",
	    "the user of another room" },
	{ "log_level: debug", "user_publisher: b", "needs user_server" },
	/* Where lists are published */
	{ "log_level: debug", "publish: { a: { directory: /usr/share } }",
	    "missing key \"kind\"" },
	{ "log_level: debug",
	    "publish: { a: { kind: ftp, directory: /usr/share } }",
	    ":13:23: publish.a.kind: " },
	{ "log_level: debug", "publish: { a: { kind: files } }",
	    "directory is missing" },
	{ "log_level: debug",
	    "publish: { a: { kind: files, directory: absent } }",
	    "absent: there is no such directory" },
	{ "log_level: debug", "publish: { a: { kind: files, directory: / } }",
	    "a directory of its own" },
	{ "log_level: debug",
	    "publish: { a: { kind: files, directory: /usr/share, "
	    "address: \"https://x\", ca_certificate: /bin/sh } }",
	    "address is not for kind files" },
	{ "log_level: debug",
	    "publish: { a: { kind: files, directory: /usr/share, "
	    "webdav: true } }",
	    "webdav is for http" },
	{ "log_level: debug", "publish: { a: { kind: http } }",
	    "address is missing" },
	{ "log_level: debug",
	    "publish: { a: { kind: http, address: \"http://10.0.0.1/\" } }",
	    "in the clear" },
	{ "log_level: debug",
	    "publish: { a: { kind: http, address: \"https://x/a//b\", "
	    "ca_certificate: /bin/sh } }",
	    "want https://HOST" },
	{ "log_level: debug",
	    "publish: { a: { kind: http, address: \"https://x/a/../b\", "
	    "ca_certificate: /bin/sh } }",
	    "want https://HOST" },
	{ "log_level: debug",
	    "publish: { a: { kind: http, address: \"https://x/a?b\", "
	    "ca_certificate: /bin/sh } }",
	    "want https://HOST" },
	{ "log_level: debug",
	    "publish: { a: { kind: http, address: \"https://u:p@x\", "
	    "ca_certificate: /bin/sh } }",
	    "want https://HOST" },
	{ "log_level: debug",
	    "publish: { a: { kind: http, address: \"https://x\" } }",
	    "ca_certificate is missing" },
	{ "log_level: debug",
	    "publish: { a: { kind: http, address: \"http://[::1]:1\", "
	    "token_file: /bin/sh, password_file: /bin/sh } }",
	    "not both" },
	{ "log_level: debug",
	    "publish: { a: { kind: http, address: \"http://[::1]:1\", "
	    "client_key: /bin/sh } }",
	    "both or neither" },
	{ "log_level: debug",
	    "publish: { a: { kind: http, address: \"http://[::1]:1\", "
	    "keys_file: /bin/sh } }",
	    "keys_file is not for kind http" },
	{ "log_level: debug",
	    "publish: { a: { kind: http, address: \"http://[::1]:1\", "
	    "public_url: \"ftp://x\" } }",
	    "want http://HOST" },
	{ "log_level: debug",
	    "publish: { a: { kind: s3, address: \"http://[::1]:1\", "
	    "keys_file: /bin/sh } }",
	    "region is missing" },
	{ "log_level: debug",
	    "publish: { a: { kind: s3, address: \"http://[::1]:1\", "
	    "region: r } }",
	    "keys_file is missing" },
	{ "log_level: debug",
	    "publish: { a: { kind: s3, address: \"http://[::1]:1\", "
	    "region: r, keys_file: /bin/sh, prefix: /x } }",
	    "is no name of an object" },
	{ "log_level: debug",
	    "publish: { a: { kind: files, directory: /usr/share, "
	    "lists: \"{issuer}/{what}\" } }",
	    "{what} is none of" },
	{ "log_level: debug",
	    "publish: { a: { kind: files, directory: /usr/share, "
	    "lists: \"{issuer}/../x\" } }",
	    "is no name of an object" },
	{ "log_level: debug",
	    "publish: { a: { kind: files, directory: /usr/share, "
	    "lists: \"{scope}.crl\" } }",
	    "without {mount}" },
	{ "log_level: debug",
	    "publish: { a: { kind: files, directory: /usr/share, "
	    "certificates: \"{issuer}{scope}\" } }",
	    "have no {scope}" },
	{ "log_level: debug",
	    "publish: { a: { kind: files, directory: /usr/share, "
	    "lists: \"{issuer}\", certificates: \"{issuer}\" } }",
	    "two patterns are the same" },
	{ "log_level: debug",
	    "publish: { a: { kind: files, directory: /usr/share, "
	    "lists: \"\", certificates: \"\" } }",
	    "nothing to publish" },
	{ "log_level: debug",
	    "publish: { a: { kind: files, directory: /usr/share, "
	    "check: 0s } }",
	    "out of range" },
	{ "log_level: debug",
	    "user_server: a\nuser_signer: b\npublish: { a: { kind: files, "
	    "directory: /usr/share } }",
	    "with publish: user_server needs user_publisher" },
};

static void
test_mistakes(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < countof(mistakes); i++) {
		auto_buf struct buf text = { 0 }, report = { 0 };
		struct error e = { 0 };
		struct service_config c;

		replaced(&text, mistakes[i].from, mistakes[i].to);
		write_config(f, buf_cstr(&text));
		assert_null(service_config_open(f->dir, &c, &report, &e));
		assert_int_equal(e.why, FAIL_BAD_INPUT);
		if (strstr(buf_cstr(&report), mistakes[i].says) == NULL)
			fail_msg("%s: says %s", mistakes[i].to,
			    buf_cstr(&report));
		/* One mistake is told once. */
		if (strchr(buf_cstr(&report), '\n') !=
		    buf_cstr(&report) + report.n - 1)
			fail_msg("%s: says more: %s", mistakes[i].to,
			    buf_cstr(&report));
	}
}

/* A token goes to one Vault, or to none. */
static void
test_vault_for(void **state)
{
	static const struct {
		const char *token;
		int vault; /* -1: none */
	} rows[] = {
		{ "hvs.CAESIabc", 1 },
		{ "hvb.AAAA", 1 },
		{ "s.abc", 1 },
		{ "b.abc", 1 },
		{ "s.team.abc", 0 },
		{ "s.team.a.abc", 2 },
		{ "s.team.a.", 0 },
		{ "s.team.", 1 },
		{ "s.", -1 },
		{ "hvs.", -1 },
		{ "eyJhbGciOi.J9.x", -1 },
		{ "root", -1 },
		{ "", -1 },
	};
	struct fixture *f = *state;
	auto_buf struct buf text = { 0 };
	struct error e = { 0 };
	struct service_config c;
	auto_yaml_doc struct yaml_doc *d = NULL;
	size_t i, at;

	replaced(&text, "log_level: debug",
	    "vault:\n"
	    "  t: { address: \"http://127.0.0.1\", same_name: true,\n"
	    "       token_prefix: s.team. }\n"
	    "  all: { address: \"http://127.0.0.1\", same_name: true }\n"
	    "  a: { address: \"http://127.0.0.1\", same_name: true,\n"
	    "       token_prefix: s.team.a. }");
	write_config(f, buf_cstr(&text));
	d = service_config_open(f->dir, &c, NULL, &e);
	if (d == NULL)
		fail_msg("%s", e.msg);
	for (i = 0; i < countof(rows); i++) {
		bool any = service_vault_for(&c, bytes_str(rows[i].token), &at);

		if (any != (rows[i].vault >= 0) ||
		    (any && at != (size_t)rows[i].vault))
			fail_msg("%s: %d, %zu", rows[i].token, any, at);
	}
}

/* Mistakes of single values and across fields, in one go and in the order of the file. */
static void
test_all_at_once(void **state)
{
	static const char bad[] =
	    "origin: x\n"
	    "module: /absent.so\n"
	    "tokens:\n"
	    "  ca: { uri: \"pkcs11:token=a\", role: ca }\n"
	    "server:\n"
	    "  workers: many\n"
	    "  tls: { key: /bin/sh }\n"
	    "log_level: loud\n";
	static const char *const places[] = { ":2:9: ", ":4:3: ", ":6:12: ",
		":7:15: ", ":8:12: " };
	struct fixture *f = *state;
	struct service_config c;
	auto_buf struct buf report = { 0 };
	struct error e = { 0 };
	const char *at;

	write_config(f, bad);
	assert_null(service_config_open(f->dir, &c, &report, &e));
	at = buf_cstr(&report);
	for (size_t i = 0; i < countof(places); i++) {
		const char *next = strstr(at, places[i]);

		if (next == NULL)
			fail_msg("no %s in\n%s", places[i], buf_cstr(&report));
		at = next;
	}
}

static void
test_listen(unused_arg void **state)
{
	struct sockaddr_storage a;
	struct sockaddr_in v4;
	struct error e = { 0 };
	socklen_t len;

	assert_true(service_listen_parse("192.0.2.1:80", &a, &len, &e));
	assert_int_equal(len, sizeof(v4));
	memcpy(&v4, &a, sizeof(v4));
	assert_int_equal(ntohs(v4.sin_port), 80);
	assert_int_equal(ntohl(v4.sin_addr.s_addr), 0xc0000201);
	assert_true(service_listen_parse("[2001:db8::1]:0", &a, &len, &e));
	assert_int_equal(len, sizeof(struct sockaddr_in6));
	assert_int_equal(a.ss_family, AF_INET6);
}

static void
open_good(const struct fixture *f, struct service_config *c,
    struct yaml_doc **d)
{
	struct error e = { 0 };

	write_config(f, good);
	*d = service_config_open(f->dir, c, NULL, &e);
	assert_non_null(*d);
}

static void
test_pass_and_back(void **state)
{
	struct service_config c, back;
	auto_yaml_doc struct yaml_doc *d = NULL, *d2 = NULL;
	auto_buf struct buf json = { 0 }, again = { 0 };
	struct error e = { 0 };
	const struct service_token *t;

	open_good(*state, &c, &d);
	schema_pack(service_schema, &c, &json);
	assert_true(json_valid(buf_bytes(&json)));
	d2 = schema_unpack(service_schema, buf_bytes(&json), &back,
	    sizeof(back), &e);
	if (d2 == NULL)
		fail_msg("%s", e.msg);
	schema_pack(service_schema, &back, &again);
	assert_true(bytes_eq(buf_bytes(&json), buf_bytes(&again)));
	t = back.tokens.v;
	assert_string_equal(t[0].name, "zulu");
	assert_int_equal(t[1].role, SERVICE_ROLE_LOG);
	assert_null(t[0].charter_file);
	assert_null(back.server.tls.key);
	assert_int_equal(back.server.listen.n, 2);
	assert_string_equal(back.server.listen.v[1], "[::1]:8200");
	assert_int_equal(back.server.max_lease_ttl_s, 86400);
	assert_string_equal(yaml_where(d2, &back.origin), "?");
}

/* What a room must not take: each line is one change of a packed configuration. */
/* What `workers` of the signer may be, and how it is shown. */
static void
test_key_workers(void **state)
{
	static const struct {
		const char *line, *shown;
		uint64_t n;
	} rows[] = {
		{ "log_level: debug", "workers: auto\n",
		    SERVICE_KEY_WORKERS_AUTO },
		{ "workers: auto", "workers: auto\n",
		    SERVICE_KEY_WORKERS_AUTO },
		{ "workers: 0", "workers: 0\n", 0 },
		{ "workers: 256", "workers: 256\n", 256 },
	};
	const struct fixture *f = *state;

	for (size_t i = 0; i < countof(rows); i++) {
		auto_yaml_doc struct yaml_doc *d = NULL, *d2 = NULL;
		auto_buf struct buf text = { 0 }, json = { 0 }, shown = { 0 };
		struct service_config c, back;
		struct error e = { 0 };

		replaced(&text, "log_level: debug", rows[i].line);
		write_config(f, buf_cstr(&text));
		d = service_config_open(f->dir, &c, NULL, &e);
		if (d == NULL)
			fail_msg("%s", e.msg);
		assert_int_equal(c.workers, rows[i].n);
		schema_pack(service_schema, &c, &json);
		d2 = schema_unpack(service_schema, buf_bytes(&json), &back,
		    sizeof(back), &e);
		if (d2 == NULL)
			fail_msg("%s", e.msg);
		assert_int_equal(back.workers, rows[i].n);
		schema_show(service_schema, &back, &shown);
		assert_non_null(strstr(buf_cstr(&shown), rows[i].shown));
	}
}

static const struct {
	const char *name, *from, *to;
} unpacked_wrongly[] = {
	{ "unknown key", "{\"anchor_object\"", "{\"aaa\":1,\"anchor_object\"" },
	{ "missing number", "\"workers\":\"auto\"}", "\"zz\":0}" },
	{ "missing number at the end", ",\"workers\":\"auto\"}", "}" },
	{ "word that is none", "\"workers\":\"auto\"}",
	    "\"workers\":\"many\"}" },
	{ "number in quotes", "\"workers\":\"auto\"}", "\"workers\":\"2\"}" },
	{ "number that the word reads as", "\"workers\":\"auto\"}",
	    "\"workers\":257}" },
	{ "missing text with a default", "\"log_key\":\"log-key\",", "" },
	{ "missing required text", "\"origin\":\"acme.example/log\",", "" },
	{ "unsorted", "\"anchor_object\":false,\"crl_dir\":",
	    "\"crl_dir\":\"/x\",\"anchor_object\":false,\"crl_dir\":" },
	{ "text for a number", "\"workers\":2", "\"workers\":\"2\"" },
	{ "number out of range", "\"workers\":2", "\"workers\":65" },
	{ "negative number", "\"workers\":2", "\"workers\":-1" },
	{ "number for a text", "\"log_level\":\"debug\"", "\"log_level\":1" },
	{ "text that fails its check", "\"log_level\":\"debug\"",
	    "\"log_level\":\"loud\"" },
	{ "name that is none", "\"role\":\"ca\"", "\"role\":\"cb\"" },
	{ "number for a switch", "\"anchor_object\":false",
	    "\"anchor_object\":0" },
	{ "object for a list", "\"plain_listen\":[]", "\"plain_listen\":{}" },
	{ "list for a section", "\"tls\":{\"names\":[]}", "\"tls\":[]" },
	{ "no tokens", "\"tokens\":[{", "\"tokens\":[],\"u\":[{" },
	{ "row without its key", "{\"\":\"zulu\",", "{" },
	{ "entry that fails its check", "\"[::1]:8200\"", "\"::1:8200\"" },
	{ "control character", "\"acme.example/log\"",
	    "\"acme.example\\u0001\"" },
	{ "space", "{\"anchor_object\":", "{ \"anchor_object\":" },
	{ "something behind it", "\"workers\":\"auto\"}", "\"workers\":0}}" },
	{ "nothing", NULL, "" },
	{ "cut short", NULL, "{\"anchor_object\":fal" },
};

static void
test_unpack_is_strict(void **state)
{
	struct service_config c, out;
	auto_yaml_doc struct yaml_doc *d = NULL;
	auto_buf struct buf json = { 0 };
	const char *text;

	open_good(*state, &c, &d);
	schema_pack(service_schema, &c, &json);
	text = buf_cstr(&json);
	for (size_t i = 0; i < countof(unpacked_wrongly); i++) {
		const char *from = unpacked_wrongly[i].from, *at = NULL;
		auto_buf struct buf bad = { 0 };
		struct error e = { 0 };

		if (from != NULL) {
			at = strstr(text, from);
			if (at == NULL)
				fail_msg("%s is not in %s", from, text);
			buf_add(&bad, text, (size_t)(at - text));
		}
		buf_add_str(&bad, unpacked_wrongly[i].to);
		if (at != NULL)
			buf_add_str(&bad, at + strlen(from));
		if (schema_unpack(service_schema, buf_bytes(&bad), &out,
			sizeof(out), &e) != NULL)
			fail_msg("%s was taken", unpacked_wrongly[i].name);
		assert_int_equal(e.why, FAIL_BAD_INPUT);
	}
}

/* `config show --defaults` is a file that can be started from: what it lacks is told. */
static void
test_defaults_read_back(void **state)
{
	struct fixture *f = *state;
	struct service_config c;
	auto_buf struct buf text = { 0 };
	struct error e = { 0 };
	auto_yaml_doc struct yaml_doc *d = NULL;

	yaml_document(service_schema, &text);
	d = yaml_bind(buf_bytes(&text), f->path, service_schema, &c, sizeof(c),
	    NULL, &e);
	if (d == NULL)
		fail_msg("%s\n%s", e.msg, buf_cstr(&text));
	assert_string_equal(c.server.listen.v[0], "127.0.0.1:8200");
	assert_int_equal(c.server.default_lease_ttl_s, 768 * 3600);
}

/* `config show` is a file, too. */
static void
test_show_reads_back(void **state)
{
	struct fixture *f = *state;
	struct service_config c, back;
	auto_yaml_doc struct yaml_doc *d = NULL, *d2 = NULL;
	auto_buf struct buf text = { 0 }, a = { 0 }, b = { 0 };
	struct error e = { 0 };

	open_good(f, &c, &d);
	schema_show(service_schema, &c, &text);
	write_config(f, buf_cstr(&text));
	d2 = service_config_open(f->dir, &back, NULL, &e);
	if (d2 == NULL)
		fail_msg("%s\n%s", e.msg, buf_cstr(&text));
	schema_pack(service_schema, &c, &a);
	schema_pack(service_schema, &back, &b);
	assert_true(bytes_eq(buf_bytes(&a), buf_bytes(&b)));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mistakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vault_for, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_all_at_once, setup,
		    teardown),
		cmocka_unit_test(test_listen),
		cmocka_unit_test_setup_teardown(test_pass_and_back, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_key_workers, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_unpack_is_strict, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_show_reads_back, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_defaults_read_back, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
