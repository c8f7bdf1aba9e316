/* SPDX-License-Identifier: Apache-2.0 */
/* Policies x path x operation, as vault-pki-api.md 7.5 resolves them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <chancery/server/auth.h>

/* Rows leave out what they do not need. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static const struct {
	const char *name;
	unsigned caps;
} ops[] = { { "read", CAP_READ }, { "list", CAP_LIST },
	{ "create", CAP_CREATE }, { "update", CAP_UPDATE },
	{ "delete", CAP_DELETE }, { "patch", CAP_PATCH },
	{ "update+sudo", CAP_UPDATE | CAP_SUDO },
	{ "delete+sudo", CAP_DELETE | CAP_SUDO },
	{ "list+sudo", CAP_LIST | CAP_SUDO } };

#define POLICIES 3
#define CHECKS 24
struct check {
	const char *op, *path;
	bool allowed;
	const char *params;
	int wrap_s;
};
struct group {
	const char *name;
	const char *policies[POLICIES];
	struct check checks[CHECKS];
};

#define CAPS(...) " { capabilities = [" __VA_ARGS__ "] }\n"
#define ALL CAPS("\"create\",\"read\",\"update\",\"delete\",\"list\",\"patch\"")
#define READ CAPS("\"read\"")
#define UPDATE CAPS("\"update\"")
#define LIST CAPS("\"list\"")
#define DENY CAPS("\"deny\"")
#define WITH(cap, more) " { capabilities = [\"" cap "\"]\n" more "\n}\n"
#define T true
#define F false

static const struct group groups[] = {
	{ "no policy", { "" }, { { "read", "a", F }, { "list", "a/", F } } },
	{ "exact",
	    { "path \"pki/issue/web\"" UPDATE "path \"/slash/first\"" READ },
	    { { "update", "pki/issue/web", T }, { "read", "pki/issue/web", F },
		{ "create", "pki/issue/web", F },
		{ "delete", "pki/issue/web", F },
		{ "patch", "pki/issue/web", F },
		{ "update+sudo", "pki/issue/web", F },
		{ "update", "pki/issue/web/", F },
		{ "update", "pki/issue/webx", F },
		{ "update", "pki/issue/we", F }, { "update", "pki/issue", F },
		{ "update", "PKI/issue/web", F },
		{ "update", "pki//issue/web", F },
		{ "update", "/pki/issue/web", T },
		{ "read", "slash/first", T } } },
	{ "every capability alone",
	    { "path \"c\"" CAPS(
		"\"create\"") "path \"r\"" READ "path \"u\"" UPDATE
			      "path \"d\"" CAPS(
				  "\"delete\"") "path \"l\"" LIST
						"path \"p\"" CAPS("\"patch\"") "path \"s\"" CAPS(
						    "\"sudo\"") "path "
								"\"us\"" CAPS(
								    "\"update\""
								    ",\"sudo"
								    "\"") },
	    { { "create", "c", T }, { "update", "c", F }, { "read", "r", T },
		{ "list", "r", F }, { "update", "u", T }, { "create", "u", F },
		{ "delete", "d", T }, { "update", "d", F }, { "list", "l", T },
		{ "list", "l/", T }, { "read", "l", F }, { "patch", "p", T },
		{ "update", "p", F }, { "update", "s", F },
		{ "update+sudo", "s", F }, { "update+sudo", "us", T },
		{ "update", "us", T }, { "delete+sudo", "us", F } } },
	{ "old forms",
	    { "path \"d\" { policy = \"deny\" }\n"
	      "path \"r\" { policy = \"read\" }\n"
	      "path \"w\" { policy = \"write\" }\n"
	      "path \"s\" { policy = \"sudo\" }\n"
	      "path \"rw\" { policy = \"read\" capabilities = [\"update\"] }" },
	    { { "read", "d", F }, { "read", "r", T }, { "list", "r", T },
		{ "update", "r", F }, { "create", "w", T }, { "read", "w", T },
		{ "update", "w", T }, { "delete", "w", T }, { "list", "w", T },
		{ "update+sudo", "w", F }, { "patch", "w", F },
		{ "update+sudo", "s", T }, { "list+sudo", "s", T },
		{ "read", "rw", T }, { "update", "rw", T },
		{ "delete", "rw", F } } },
	{ "prefix",
	    { "path \"pki/*\"" READ "path \"kv-*\"" READ
	      "path \"exact\"" READ },
	    { { "read", "pki/", T }, { "read", "pki/a", T },
		{ "read", "pki/a/b/c", T }, { "read", "pki", F },
		{ "read", "pkix", F }, { "list", "pki/", F },
		{ "read", "kv-", T }, { "read", "kv-1", T },
		{ "read", "kv-1/a", T }, { "read", "kv", F },
		{ "read", "exact/", F }, { "read", "exact/a", F } } },
	{ "everything", { "path \"*\"" READ },
	    { { "read", "a", T }, { "read", "a/b", T }, { "read", "", T },
		{ "update", "a", F } } },
	{ "longest prefix wins alone",
	    { "path \"a/*\"" ALL "path \"a/b/*\"" READ
	      "path \"a/b/c/*\"" DENY },
	    { { "update", "a/x", T }, { "update", "a/b", T },
		{ "update", "a/b/x", F }, { "read", "a/b/x", T },
		{ "read", "a/b/c/x", F }, { "read", "a/b/c", T },
		{ "read", "a/b/cx", T } } },
	{ "exact before prefix",
	    { "path \"a/*\"" ALL "path \"a/b\"" READ "path \"a/no\"" DENY },
	    { { "update", "a/b", F }, { "read", "a/b", T },
		{ "update", "a/b/", T }, { "read", "a/no", F },
		{ "read", "a/no/x", T }, { "update", "a/c", T } } },
	{ "exact that allows, prefix that denies",
	    { "path \"a/*\"" DENY "path \"a/b\"" READ },
	    { { "read", "a/b", T }, { "read", "a/c", F },
		{ "read", "a/b/c", F } } },
	{ "exact before plus", { "path \"a/+/c\"" ALL "path \"a/b/c\"" DENY },
	    { { "read", "a/b/c", F }, { "read", "a/x/c", T } } },
	{ "list, with and without the slash",
	    { "path \"with/\"" LIST "path \"without\"" LIST
	      "path \"under/*\"" LIST "path \"both\"" LIST
	      "path \"both/\"" DENY },
	    { { "list", "with/", T }, { "list", "without/", T },
		{ "list", "under/", T }, { "list", "under/x/", T },
		{ "list", "both/", F }, { "read", "without/", F },
		{ "list", "without", T }, { "list", "with", F } } },
	{ "list by wildcards covers the name without its slash",
	    { "path \"pki/+\"" LIST "path \"x/rol*\"" LIST
	      "path \"deep/+/b\"" LIST },
	    { { "list", "pki/roles/", T }, { "list", "pki/", T },
		{ "list", "pki/roles/x/", F }, { "list", "x/roles/", T },
		{ "list", "deep/a/b/", T }, { "list", "deep/a/", F },
		{ "read", "pki/roles/", F } } },
	{ "list by wildcards: what has the slash goes first",
	    { "path \"a/+\"" LIST "path \"a/b/*\"" DENY "path \"a/c*\"" DENY
	      "path \"x*\"" DENY "path \"x/+\"" LIST },
	    { { "list", "a/x/", T }, { "list", "a/b/", F },
		{ "list", "a/cc/", F }, { "list", "x/y/", F } } },
	{ "plus is one segment",
	    { "path \"a/+\"" READ "path \"+/z\"" READ "path \"b/+/d\"" READ },
	    { { "read", "a/x", T }, { "read", "a/", T }, { "read", "a", F },
		{ "read", "a/x/y", F }, { "read", "a/x/", F },
		{ "read", "q/z", T }, { "read", "/z", F },
		{ "read", "q/r/z", F }, { "read", "b/c/d", T },
		{ "read", "b//d", T }, { "read", "b/d", F },
		{ "read", "b/c/c/d", F }, { "read", "b/c/d/", F },
		{ "read", "b/+/d", T } } },
	{ "plus alone", { "path \"+\"" READ },
	    { { "read", "a", T }, { "read", "", T }, { "read", "a/", F },
		{ "read", "a/b", F } } },
	{ "plus that is no segment is a literal",
	    { "path \"a+b\"" READ "path \"c/d+\"" READ "path \"e/+f\"" READ },
	    { { "read", "a+b", T }, { "read", "axb", F }, { "read", "c/d+", T },
		{ "read", "c/dx", F }, { "read", "e/+f", T },
		{ "read", "e/xf", F } } },
	{ "star elsewhere is a literal",
	    { "path \"a/*/b\"" READ "path \"*/c\"" READ },
	    { { "read", "a/*/b", T }, { "read", "a/x/b", F },
		{ "read", "*/c", T }, { "read", "x/c", F } } },
	{ "plus and prefix",
	    { "path \"a/+/c*\"" READ "path \"b/+/*\"" READ
	      "path \"+/+/x/*\"" READ },
	    { { "read", "a/b/c", T }, { "read", "a/b/cd", T },
		{ "read", "a/b/c/d/e", T }, { "read", "a/b/d", F },
		{ "read", "a/b", F }, { "read", "b/c/", T },
		{ "read", "b/c/d/e", T }, { "read", "b/c", F },
		{ "read", "p/q/x/", T }, { "read", "p/q/x/y/z", T },
		{ "read", "p/q/x", F }, { "read", "p/q/y/z", F } } },
	{ "rank: wildcard further right",
	    { "path \"a/+/c\"" ALL "path \"a/b*\"" READ "path \"a/b/+\"" DENY },
	    { { "update", "a/x/c", T }, { "read", "a/b/c", F },
		{ "read", "a/b", T }, { "update", "a/bx/c", F },
		{ "read", "a/bx/c", T } } },
	{ "rank: plus against a prefix of the same place",
	    { "path \"a/+\"" READ "path \"a/*\"" DENY },
	    { { "read", "a/b", T }, { "read", "a/b/c", F } } },
	{ "rank: no prefix before prefix",
	    { "path \"a/+/c\"" READ "path \"a/+/*\"" DENY },
	    { { "read", "a/b/c", T }, { "read", "a/b/d", F },
		{ "read", "a/b/c/d", F } } },
	{ "rank: fewer plus segments",
	    { "path \"a/+/c/d\"" READ "path \"a/+/+/d\"" DENY },
	    { { "read", "a/b/c/d", T }, { "read", "a/b/x/d", F } } },
	{ "rank: longer", { "path \"a/+/c*\"" DENY "path \"a/+/cc*\"" READ },
	    { { "read", "a/b/ccc", T }, { "read", "a/b/cx", F } } },
	{ "rank: order of the policies does not matter",
	    { "path \"a/+/cc*\"" READ, "path \"a/+/c*\"" DENY },
	    { { "read", "a/b/ccc", T }, { "read", "a/b/cx", F } } },
	{ "one rule counts: no union over paths",
	    { "path \"a/*\"" READ, "path \"a/b*\"" UPDATE },
	    { { "read", "a/b", F }, { "update", "a/b", T },
		{ "read", "a/c", T } } },
	{ "union over policies with the same path",
	    { "path \"a\"" READ, "path \"a\"" UPDATE, "path \"a\"" LIST },
	    { { "read", "a", T }, { "update", "a", T }, { "list", "a", T },
		{ "delete", "a", F } } },
	{ "union within a policy", { "path \"a\"" READ "path \"a\"" UPDATE },
	    { { "read", "a", T }, { "update", "a", T } } },
	{ "the same path as prefix and exact are two",
	    { "path \"a\"" READ "path \"a*\"" UPDATE },
	    { { "read", "a", T }, { "update", "a", F }, { "update", "ab", T },
		{ "read", "ab", F } } },
	{ "deny wipes, first", { "path \"a\"" DENY, "path \"a\"" ALL },
	    { { "read", "a", F }, { "update", "a", F } } },
	{ "deny wipes, last", { "path \"a\"" ALL, "path \"a\"" DENY },
	    { { "read", "a", F }, { "update", "a", F } } },
	{ "deny wipes, between",
	    { "path \"a/*\"" ALL, "path \"a/*\"" DENY, "path \"a/*\"" ALL },
	    { { "read", "a/b", F } } },
	{ "deny in the same list",
	    { "path \"a\"" CAPS("\"read\",\"deny\",\"update\"") },
	    { { "read", "a", F }, { "update", "a", F } } },
	{ "deny of one plus path, not of its like",
	    { "path \"a/+/c\"" DENY, "path \"a/+/d\"" READ },
	    { { "read", "a/b/c", F }, { "read", "a/b/d", T } } },
	{ "empty capabilities",
	    { "path \"a\" { capabilities = [] }\n"
	      "path \"b\" { }\n" },
	    { { "read", "a", F }, { "read", "b", F } } },
	{ "empty rule before a wide prefix",
	    { "path \"*\"" ALL "path \"a\" { }\n" },
	    { { "read", "a", F }, { "read", "b", T } } },
	{ "templates never match",
	    { "path \"id/{{identity.entity.id}}\"" READ },
	    { { "read", "id/{{identity.entity.id}}", F },
		{ "read", "id/x", F } } },
	{ "allowed parameters",
	    { "path \"a\"" WITH("update",
		"allowed_parameters = { \"cn\" = [\"*.kafka.example\", "
		"\"one\"], \"ttl\" = [], \"n\" = [5, true] }") },
	    { { "update", "a", T }, { "update", "a", T, "{}" },
		{ "update", "a", T, "{\"cn\":\"b.kafka.example\"}" },
		{ "update", "a", T, "{\"cn\":\"one\"}" },
		{ "update", "a", F, "{\"cn\":\"onex\"}" },
		{ "update", "a", F, "{\"cn\":\"b.kafka.example.org\"}" },
		{ "update", "a", F, "{\"cn\":[\"one\"]}" },
		{ "update", "a", F, "{\"cn\":null}" },
		{ "update", "a", T, "{\"CN\":\"one\"}" },
		{ "update", "a", T, "{\"ttl\":\"1h\"}" },
		{ "update", "a", T, "{\"ttl\":{\"x\":1}}" },
		{ "update", "a", T, "{\"n\":5}" },
		{ "update", "a", T, "{\"n\":\"5\"}" },
		{ "update", "a", F, "{\"n\":6}" },
		{ "update", "a", T, "{\"n\":true}" },
		{ "update", "a", F, "{\"n\":false}" },
		{ "update", "a", F, "{\"other\":1}" },
		{ "update", "a", F, "{\"cn\":\"one\",\"other\":1}" },
		{ "update", "a", T, "{\"cn\":\"one\",\"ttl\":1}" } } },
	{ "allowed star",
	    { "path \"a\"" WITH("update",
		"allowed_parameters = { \"*\" = [] }") "path \"b\"" WITH("updat"
									 "e",
		"allowed_parameters = { \"*\" = [], \"k\" = [\"v\"] }") "path "
									"\"c"
									"\"" WITH(
									    "up"
									    "da"
									    "t"
									    "e",
									    "al"
									    "lo"
									    "we"
									    "d_"
									    "pa"
									    "ra"
									    "me"
									    "te"
									    "rs"
									    " ="
									    " {"
									    "}") },
	    { { "update", "a", T, "{\"any\":1}" },
		{ "update", "b", T, "{\"any\":1}" },
		{ "update", "b", T, "{\"k\":\"v\"}" },
		{ "update", "b", F, "{\"k\":\"w\"}" },
		{ "update", "c", T, "{\"any\":1}" } } },
	{ "globs",
	    { "path \"a\"" WITH("update",
		"allowed_parameters = { \"p\" = [\"pre*\"], \"s\" = "
		"[\"*suf\"], \"m\" = [\"*mid*\"], \"one\" = [\"*\"], \"two\" = "
		"[\"**\"], \"in\" = [\"a*b\"] }") },
	    { { "update", "a", T, "{\"p\":\"pre\"}" },
		{ "update", "a", T, "{\"p\":\"prefix\"}" },
		{ "update", "a", F, "{\"p\":\"xpre\"}" },
		{ "update", "a", T, "{\"s\":\"suf\"}" },
		{ "update", "a", T, "{\"s\":\"xsuf\"}" },
		{ "update", "a", F, "{\"s\":\"sufx\"}" },
		{ "update", "a", F, "{\"s\":\"uf\"}" },
		{ "update", "a", T, "{\"m\":\"amidb\"}" },
		{ "update", "a", T, "{\"m\":\"mid\"}" },
		{ "update", "a", F, "{\"m\":\"mi\"}" },
		{ "update", "a", T, "{\"one\":\"*\"}" },
		{ "update", "a", F, "{\"one\":\"x\"}" },
		{ "update", "a", T, "{\"two\":\"x\"}" },
		{ "update", "a", T, "{\"two\":\"\"}" },
		{ "update", "a", T, "{\"in\":\"a*b\"}" },
		{ "update", "a", F, "{\"in\":\"axb\"}" } } },
	{ "denied parameters",
	    { "path \"a\"" WITH("update",
		"denied_parameters = { \"alt\" = [], \"ttl\" = [\"1h\", 5], "
		"\"l\" = [\"bad*\"] }") "path \"b\"" WITH("update",
		"denied_parameters = { \"*\" = [] }") "path \"c\"" WITH("updat"
									"e",
		"denied_parameters = { \"x\" = [\"1\"] }\n"
		"allowed_parameters = { \"x\" = [], \"y\" = [] }") },
	    { { "update", "a", T }, { "update", "a", T, "{\"cn\":\"x\"}" },
		{ "update", "a", F, "{\"alt\":\"x\"}" },
		{ "update", "a", F, "{\"ALT\":null}" },
		{ "update", "a", F, "{\"ttl\":\"1h\"}" },
		{ "update", "a", T, "{\"ttl\":\"2h\"}" },
		{ "update", "a", F, "{\"ttl\":5}" },
		{ "update", "a", F, "{\"ttl\":\"5\"}" },
		{ "update", "a", F, "{\"l\":\"badly\"}" },
		{ "update", "a", F, "{\"l\":[\"good\",\"badly\"]}" },
		{ "update", "a", T, "{\"l\":[\"good\"]}" },
		{ "update", "b", T }, { "update", "b", T, "{}" },
		{ "update", "b", F, "{\"x\":1}" },
		{ "update", "c", F, "{\"x\":1}" },
		{ "update", "c", T, "{\"x\":2}" },
		{ "update", "c", T, "{\"y\":1}" },
		{ "update", "c", F, "{\"z\":1}" } } },
	{ "required parameters",
	    { "path \"a\" { capabilities = [\"update\",\"create\",\"patch\","
	      "\"read\",\"list\",\"delete\"]\n required_parameters = "
	      "[\"CN\",\"ttl\"] }\n" },
	    { { "update", "a", F }, { "update", "a", F, "{}" },
		{ "update", "a", F, "{\"cn\":\"x\"}" },
		{ "update", "a", T, "{\"cn\":\"x\",\"ttl\":null}" },
		{ "update", "a", T, "{\"cn\":\"x\",\"ttl\":1,\"more\":1}" },
		{ "update", "a", F, "{\"CN\":\"x\",\"ttl\":1}" },
		{ "create", "a", F, "{\"cn\":\"x\"}" },
		{ "patch", "a", F, "{\"cn\":\"x\"}" }, { "read", "a", T },
		{ "list", "a/", T }, { "delete", "a", T } } },
	{ "parameters merged over policies",
	    { "path \"a\"" WITH("update",
		  "allowed_parameters = { \"x\" = "
		  "[\"1\"], \"z\" = [\"1\"] }"),
		"path \"a\"" WITH("update",
		    "allowed_parameters = { \"x\" = "
		    "[\"2\"], \"z\" = [] }\n"
		    "required_parameters = [\"x\"]"),
		"path \"a\"" WITH("read",
		    "denied_parameters = { \"x\" = "
		    "[\"9\"] }") },
	    { { "update", "a", T, "{\"x\":\"1\"}" },
		{ "update", "a", T, "{\"x\":\"2\"}" },
		{ "update", "a", F, "{\"x\":\"3\"}" },
		{ "update", "a", F, "{\"x\":\"9\"}" },
		{ "update", "a", T, "{\"x\":\"1\",\"z\":\"7\"}" },
		{ "update", "a", F, "{\"z\":\"7\"}" },
		{ "update", "a", F, "{\"x\":\"1\",\"y\":\"1\"}" },
		{ "read", "a", T } } },
	{ "a policy without parameters does not lift those of another",
	    { "path \"a\"" UPDATE,
		"path \"a\"" WITH("update",
		    "allowed_parameters = { \"x\" = [] }") },
	    { { "update", "a", T, "{\"x\":1}" },
		{ "update", "a", F, "{\"y\":1}" } } },
	{ "wrapping ttl",
	    { "path \"a\"" WITH(
		"update", "min_wrapping_ttl = \"10s\"\nmax_wrapping_ttl = \"1m30s\"") "path \"b\"" WITH("update",
		"max_wrapping_ttl = 90") "path \"c\"" WITH("update",
		"min_wrapping_ttl = \"1s\"") },
	    { { "update", "a", F, NULL, 0 }, { "update", "a", F, NULL, 9 },
		{ "update", "a", T, NULL, 10 }, { "update", "a", T, NULL, 90 },
		{ "update", "a", F, NULL, 91 }, { "update", "b", F, NULL, 0 },
		{ "update", "b", T, NULL, 1 }, { "update", "b", F, NULL, 91 },
		{ "update", "c", F, NULL, 0 },
		{ "update", "c", T, NULL, 100000 } } },
	{ "wrapping ttl merged to the lesser",
	    { "path \"a\"" WITH("read", "max_wrapping_ttl = 100"),
		"path \"a\"" WITH("read",
		    "max_wrapping_ttl = 50\nmin_wrapping_ttl = 20"),
		"path \"a\"" WITH("read", "min_wrapping_ttl = 30") },
	    { { "read", "a", F, NULL, 19 }, { "read", "a", T, NULL, 20 },
		{ "read", "a", T, NULL, 50 }, { "read", "a", F, NULL, 51 } } },
	{ "expiration: now is 1000",
	    { "path \"past\"" WITH("read",
		"expiration = 1000") "path \"next\"" WITH("read",
		"expiration = \"1001\"") "path \"far\"" WITH("read",
		"expiration = \"2099-01-01T00:00:00Z\"") },
	    { { "read", "past", F }, { "read", "next", T },
		{ "read", "far", T } } },
	{ "JSON",
	    { "{\"path\":{\"a\":{\"capabilities\":[\"read\"]},"
	      "\"b/*\":{\"policy\":\"write\"}}}",
		" {\"name\":\"x\",\"path\":[{\"c\":{\"capabilities\":["
		"\"update\"],"
		"\"allowed_parameters\":{\"k\":[\"v\",1]}}},"
		"{\"d\":{\"capabilities\":\"read\"}}]} " },
	    { { "read", "a", T }, { "update", "b/x", T }, { "update", "c", T },
		{ "update", "c", T, "{\"k\":1}" },
		{ "update", "c", F, "{\"k\":2}" }, { "read", "d", T } } },
	{ "the forms of HCL",
	    { "# one\n// two\n/* three\n path \"no\" {} */\n"
	      "name = \"x\"\n"
	      "path \"a\" {\n  capabilities = [ \"read\", # why\n \"list\", "
	      "]\n}"
	      " path \"b\" { capabilities = [\"read\"], comment = \"c\" }\n"
	      "path heredoc { comment = <<EOT\nany } text \"\nEOT\n"
	      "  capabilities = [\"read\"] }\n"
	      "path \"in\" {\n comment = <<-EOT\n    a\n      b\n    EOT\n"
	      "capabilities = [\"read\"]\n}\n"
	      "path \"esc\\u002f\\x61\\142\\t\\\"\" { capabilities = "
	      "[\"read\"] }\n"
	      "path \"p\" { capabilities = [\"update\"]\n"
	      "allowed_parameters { x = [<<E\nline\nE\n, 0x10, -1, 1.5, {a = "
	      "[1]}] } }" },
	    { { "read", "a", T }, { "list", "a/", T }, { "read", "b", T },
		{ "read", "heredoc", T }, { "read", "in", T },
		{ "read", "no", F }, { "read", "esc/ab\t\"", T },
		{ "update", "p", T, "{\"x\":\"line\\n\"}" },
		{ "update", "p", T, "{\"x\":16}" },
		{ "update", "p", T, "{\"x\":-1}" },
		{ "update", "p", T, "{\"x\":1.5}" },
		{ "update", "p", T, "{\"x\":{\"a\":[1]}}" },
		{ "update", "p", F, "{\"x\":{\"a\":[2]}}" } } },
};

static unsigned
op_caps(const char *name)
{
	size_t i;

	for (i = 0; i < countof(ops); i++)
		if (strcmp(ops[i].name, name) == 0)
			return ops[i].caps;
	fail_msg("no operation %s", name);
	return 0;
}

static struct acl *
group_acl(const struct group *g)
{
	struct policy *p[POLICIES] = { NULL };
	struct acl *a;
	size_t i;

	for (i = 0; i < POLICIES && g->policies[i] != NULL; i++) {
		struct error e = { 0 };

		p[i] = policy_parse("p", bytes_str(g->policies[i]), &e);
		if (p[i] == NULL)
			fail_msg("%s: %s", g->name, e.msg);
	}
	a = acl_new((const struct policy *const *)p, POLICIES, false, 1000);
	for (i = 0; i < POLICIES; i++)
		policy_free(p[i]);
	return a;
}

static bool
check_run(const struct acl *a, const struct check *c)
{
	struct acl_request r = { .path = c->path,
		.need = op_caps(c->op),
		.wrap_ttl_s = c->wrap_s };
	json_t *params = NULL;
	bool allowed;

	if (c->params != NULL) {
		params = json_loads(c->params, 0, NULL);
		assert_non_null(params);
	}
	r.params = params;
	allowed = acl_allows(a, &r);
	json_decref(params);
	return allowed;
}

static void
test_table(unused_arg void **state)
{
	size_t g, c, rows = 0, wrong = 0;

	for (g = 0; g < countof(groups); g++) {
		auto_acl struct acl *a = group_acl(&groups[g]);

		for (c = 0; c < CHECKS && groups[g].checks[c].op != NULL;
		     c++, rows++) {
			const struct check *k = &groups[g].checks[c];

			if (check_run(a, k) == k->allowed)
				continue;
			wrong++;
			print_error("%s: %s %s %s: not %s\n", groups[g].name,
			    k->op, k->path, k->params == NULL ? "" : k->params,
			    k->allowed ? "allowed" : "refused");
		}
	}
	assert_int_equal(wrong, 0);
	assert_true(rows >= 250);
}

static void
test_root(unused_arg void **state)
{
	auto_acl struct acl *a = acl_new(NULL, 0, true, 0);
	struct acl_request r = { .path = "any", .need = CAP_DELETE | CAP_SUDO };
	bool root = false;

	assert_true(acl_allows(a, &r));
	assert_int_not_equal(acl_capabilities(a, "any", &root), 0);
	assert_true(root);
	assert_true(acl_any_below(a, "pki/"));
}

static void
test_nothing_needed_is_refused(unused_arg void **state)
{
	auto_acl struct acl *a = group_acl(
	    &(struct group){ "all", { "path \"*\"" ALL }, { { NULL } } });
	struct acl_request r = { .path = "any" };

	assert_false(acl_allows(a, &r));
}

static const struct {
	const char *path;
	unsigned caps;
} capability_rows[] = {
	{ "a", CAP_READ | CAP_SUDO },
	{ "b", CAP_DENY },
	{ "unknown", CAP_DENY },
	{ "list/", CAP_LIST },
	{ "list", CAP_LIST },
	{ "empty", CAP_DENY },
	{ "p/x", CAP_UPDATE | CAP_DELETE },
};

static void
test_capabilities(unused_arg void **state)
{
	auto_acl struct acl *a = group_acl(&(struct group){ "c",
	    { "path \"a\"" CAPS(
		"\"read\",\"sudo\"") "path \"b\"" DENY "path \"list\"" LIST
				     "path \"empty\" {}\n"
				     "path \"p/*\"" CAPS(
					 "\"update\",\"delete\"") },
	    { { NULL } } });
	size_t i;

	for (i = 0; i < countof(capability_rows); i++) {
		bool root = true;

		assert_int_equal(acl_capabilities(a, capability_rows[i].path,
				     &root),
		    capability_rows[i].caps);
		assert_false(root);
	}
}

static const struct {
	const char *policy, *prefix;
	bool any;
} below_rows[] = {
	{ "path \"pki/issue/x\"" UPDATE, "pki/", true },
	{ "path \"pki/issue/x\"" UPDATE, "pk/", false },
	{ "path \"pki/issue/x\"" DENY, "pki/", false },
	{ "path \"pki*\"" READ, "pki/", true },
	{ "path \"pki*\"" READ, "pki-int/", true },
	{ "path \"*\"" READ, "pki/", true },
	{ "path \"+/issue/*\"" READ, "pki/", true },
	{ "path \"+/issue/*\"" READ, "pki/int/", false },
	{ "path \"pki/+/issue/*\"" READ, "pki/int/", true },
	{ "path \"pki\"" READ, "pki/", false },
	{ "path \"pki/*\"" READ, "pki/int/", true },
	{ "path \"pki/int/issue/*\"" READ, "pki/", true },
	{ "", "pki/", false },
};

static void
test_any_below(unused_arg void **state)
{
	size_t i;

	for (i = 0; i < countof(below_rows); i++) {
		auto_acl struct acl *a = group_acl(&(struct group){ "b",
		    { below_rows[i].policy }, { { NULL } } });

		if (acl_any_below(a, below_rows[i].prefix) != below_rows[i].any)
			fail_msg("%s below %s", below_rows[i].policy,
			    below_rows[i].prefix);
	}
}

static const struct {
	const char *name, *text, *error;
} bad[] = {
	{ "unknown key", "path \"a\" {\n  capabilitys = [\"read\"]\n}",
	    "2:3: unknown key \"capabilitys\"" },
	{ "unknown top key", "\n rule \"a\" {}", "2:2: unknown key \"rule\"" },
	{ "unknown capability", "path \"a\" { capabilities = [\"write\"] }",
	    "1:28: invalid capability \"write\"" },
	{ "root is no capability", "path \"a\" { capabilities = [\"root\"] }",
	    "1:28: invalid capability \"root\"" },
	{ "capability beside deny",
	    "path \"a\" { capabilities = [\"deny\", \"x\"] }",
	    "1:36: invalid capability \"x\"" },
	{ "upper case", "path \"a\" { capabilities = [\"Read\"] }",
	    "1:28: invalid capability \"Read\"" },
	{ "unknown policy", "path \"a\" { policy = \"all\" }",
	    "1:21: invalid policy \"all\"" },
	{ "capabilities number", "path \"a\" { capabilities = 5 }",
	    "1:27: capabilities is a list of strings" },
	{ "capability number", "path \"a\" { capabilities = [5] }",
	    "1:28: a capability is a string" },
	{ "twice", "path \"a\" { policy = \"read\" policy = \"deny\" }",
	    "1:28: policy stands twice" },
	{ "plus star", "path \"a/+*\" {}",
	    "1:6: path \"a/+*\": '+*' is not a wildcard" },
	{ "no label", "path { }", "1:1: path: write path \"…\" { … }" },
	{ "assigned", "path = { a = {} }",
	    "1:1: path: write path \"…\" { … }" },
	{ "two labels", "path \"a\" \"b\" { }", "1:10: expected '{'" },
	{ "values no list", "path \"a\" { allowed_parameters = { x = \"1\" } }",
	    "1:39: \"x\": the values are a list" },
	{ "parameter twice",
	    "path \"a\" { denied_parameters = { x = [] X = [] } }",
	    "1:41: \"X\" stands twice" },
	{ "required no list", "path \"a\" { required_parameters = \"x\" }",
	    "1:34: required_parameters is a list" },
	{ "required number", "path \"a\" { required_parameters = [1] }",
	    "1:35: a parameter's name" },
	{ "wrapping order",
	    "path \"a\" { min_wrapping_ttl = 2 max_wrapping_ttl = 1 }",
	    "1:10: max_wrapping_ttl is less than min_wrapping_ttl" },
	{ "wrapping text", "path \"a\" { max_wrapping_ttl = \"soon\" }",
	    "1:31: a duration: \"90s\", \"1h\", 90" },
	{ "expiration", "path \"a\" { expiration = \"soon\" }",
	    "1:25: a time: \"2027-01-31T12:00:00Z\" or seconds since 1970" },
	{ "mfa", "path \"a\" { mfa_methods = [\"x\"] }",
	    "1:12: mfa_methods is not supported by this server" },
	{ "control group", "path \"a\" { control_group { } }",
	    "1:12: control_group is not supported by this server" },
	{ "comment", "path \"a\" { comment = 1 }",
	    "1:22: comment is a string" },
	{ "no end", "path \"a\" {", "1:11: text ends" },
	{ "string end", "path \"a", "1:6: string does not end" },
	{ "newline in a string", "path \"a\nb\" {}",
	    "1:6: string does not end" },
	{ "comment end", "\n/* x", "2:1: comment does not end" },
	{ "heredoc end", "path \"a\" { comment = <<E\nx\n}",
	    "3:2: heredoc: no line E" },
	{ "heredoc mark", "path \"a\" { comment = <<\nx\n}",
	    "1:24: heredoc: a word and the end of the line" },
	{ "escape", "path \"\\q\" {}", "1:8: unknown escape" },
	{ "escape digits", "path \"\\u00\" {}",
	    "1:11: bad digit in an escape" },
	{ "escape of zero", "path \"\\u0000\" {}",
	    "1:13: escape is not a character" },
	{ "octal beyond", "path \"\\400\" {}", "1:8: unknown escape" },
	{ "no comma in a list",
	    "path \"a\" { capabilities = [\"read\" \"list\"] }",
	    "1:35: expected ',' or ']'" },
	{ "two commas", "path \"a\" { capabilities = [\"read\",,] }",
	    "1:35: bad number" },
	{ "word for a value", "path \"a\" { comment = yes }",
	    "1:22: expected a value, found yes" },
	{ "number", "path \"a\" { min_wrapping_ttl = 5x }",
	    "1:32: bad number" },
	{ "brace too many", "path \"a\" {} }", "1:13: expected a name" },
	{ "JSON end", "{\"path\":{}} x", "1:13: text behind the end" },
	{ "JSON comma", "{\"path\":{},}", "1:12: nothing behind ','" },
	{ "JSON comment", "{ # x\n}", "1:3: expected a name" },
	{ "JSON colon", "{\"path\" {}}", "1:9: expected ':'" },
	{ "JSON word key", "{path:{}}", "1:2: expected a name" },
	{ "JSON stanza list", "{\"path\":{\"a\":[]}}",
	    "1:14: a path's rules are an object" },
	{ "JSON path text", "{\"path\":\"a\"}",
	    "1:9: path is an object of paths" },
	{ "JSON control", "{\"path\":{\"a\tb\":{}}}",
	    "1:12: control character in a string" },
	{ "JSON surrogate", "{\"\\ud800\":1}",
	    "1:9: escape is not a character" },
	{ "not UTF-8", "path \"\xff\" {}", "text is not UTF-8" },
	{ "columns are characters", "/* ä */ rule {}",
	    "1:9: unknown key \"rule\"" },
	{ "deep", "path \"a\" { x = [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]] }",
	    "1:31: nested deeper than 16" },
};

static void
test_bad_policies(unused_arg void **state)
{
	size_t i, wrong = 0;

	for (i = 0; i < countof(bad); i++) {
		struct error e = { 0 };
		auto_policy struct policy *p =
		    policy_parse("p", bytes_str(bad[i].text), &e);

		if (p == NULL && strcmp(e.msg, bad[i].error) == 0 &&
		    e.why == FAIL_BAD_INPUT)
			continue;
		wrong++;
		print_error("%s: %s\n  not %s\n", bad[i].name,
		    p == NULL ? e.msg : "accepted", bad[i].error);
	}
	assert_int_equal(wrong, 0);
}

static void
test_too_long(unused_arg void **state)
{
	auto_buf struct buf b = { 0 };
	struct error e = { 0 };
	size_t i;

	for (i = 0; i <= LIMIT_POLICY_BYTES; i++)
		buf_add_byte(&b, ' ');
	assert_null(policy_parse("p", buf_bytes(&b), &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
}

static void
test_templated_is_told(unused_arg void **state)
{
	struct error e = { 0 };
	auto_policy struct policy *p = policy_parse("p",
	    bytes_str("path \"a/{{identity.entity.id}}/*\"" READ), &e);

	assert_non_null(p);
	assert_true(policy_is_templated(p));
}

static void
test_valid_until(unused_arg void **state)
{
	auto_acl struct acl *a = group_acl(&(struct group){ "v",
	    { "path \"a\"" WITH("read", "expiration = 1500"),
		"path \"b\"" WITH("read", "expiration = 1200"),
		"path \"c\"" WITH("read", "expiration = 900") },
	    { { NULL } } });

	assert_int_equal(acl_valid_until(a), 1200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_nothing_needed_is_refused),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_any_below),
		cmocka_unit_test(test_bad_policies),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_templated_is_told),
		cmocka_unit_test(test_valid_until),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
