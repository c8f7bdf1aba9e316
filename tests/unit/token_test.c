/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: lifetimes, the rules of creation, names, CIDR lists, the cache over a store. */
#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "../../src/server/auth/secret_id.h"
#include "store_util.h"

/* Rows leave out what they do not need. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define DAY 86400
#define SYSTEM_MAX (32 * DAY)
#define NOW 1000000

/* ---- lifetimes ---- */

static const struct {
	const char *name;
	struct ttl_ask ask; /* system's defaults and now are filled in */
	int64_t ttl_s;      /* 0: past its maximum */
	bool warned;
} ttls[] = {
	{ "nothing asked: the system's default", { .issued_s = NOW },
	    SYSTEM_MAX },
	{ "asked", { .issued_s = NOW, .wanted_s = 60 }, 60 },
	{ "the role's default", { .issued_s = NOW, .default_s = 120 }, 120 },
	{ "asked before the role's default",
	    { .issued_s = NOW, .wanted_s = 60, .default_s = 120 }, 60 },
	{ "asked too much", { .issued_s = NOW, .wanted_s = SYSTEM_MAX + 1 },
	    SYSTEM_MAX, true },
	{ "the role's maximum",
	    { .issued_s = NOW, .wanted_s = 600, .max_s = 300 }, 300, true },
	{ "the role's maximum beyond the system's",
	    { .issued_s = NOW,
		.wanted_s = 2 * SYSTEM_MAX,
		.max_s = 2 * SYSTEM_MAX },
	    SYSTEM_MAX, true },
	{ "explicit maximum",
	    { .issued_s = NOW, .wanted_s = 600, .explicit_s = 100 }, 100,
	    true },
	{ "the least of all maxima",
	    { .issued_s = NOW,
		.wanted_s = 600,
		.explicit_s = 100,
		.max_s = 50 },
	    50, true },
	{ "renewed: from now on", { .issued_s = NOW - 100, .wanted_s = 60 },
	    60 },
	{ "renewed without increment: as at first",
	    { .issued_s = NOW - 100, .default_s = 3600 }, 3600 },
	{ "renewed up to the maximum from issue",
	    { .issued_s = NOW - 100, .wanted_s = 600, .max_s = 300 }, 200,
	    true },
	{ "renewed up to the explicit maximum",
	    { .issued_s = NOW - 90, .wanted_s = 600, .explicit_s = 100 }, 10,
	    true },
	{ "renewed up to the system's",
	    { .issued_s = NOW - SYSTEM_MAX + 5, .default_s = 3600 }, 5, true },
	{ "renewed at its maximum",
	    { .issued_s = NOW - 300, .wanted_s = 600, .max_s = 300 }, 0 },
	{ "renewed past its maximum",
	    { .issued_s = NOW - 301, .wanted_s = 600, .max_s = 300 }, 0 },
	{ "periodic", { .issued_s = NOW, .period_s = 600 }, 600 },
	{ "periodic ignores what is asked",
	    { .issued_s = NOW, .period_s = 600, .wanted_s = 60 }, 600 },
	{ "periodic, long after its issue", { .issued_s = 1, .period_s = 600 },
	    600 },
	{ "periodic ignores the role's maximum",
	    { .issued_s = NOW - 1000, .period_s = 600, .max_s = 700 }, 600 },
	{ "periodic, bounded by the explicit maximum",
	    { .issued_s = NOW - 1000, .period_s = 600, .explicit_s = 1100 },
	    100, true },
	{ "periodic, past the explicit maximum",
	    { .issued_s = NOW - 1000, .period_s = 600, .explicit_s = 1000 },
	    0 },
	{ "period beyond the system's maximum",
	    { .issued_s = NOW, .period_s = SYSTEM_MAX + 1 }, SYSTEM_MAX, true },
};

static void
test_ttl(unused_arg void **state)
{
	size_t i;

	for (i = 0; i < countof(ttls); i++) {
		auto_json json_t *warnings = json_array();
		struct ttl_ask ask = ttls[i].ask;
		struct error e = { 0 };
		int64_t ttl = -1;
		bool good;

		ask.now_s = NOW;
		ask.system_default_s = ask.system_max_s = SYSTEM_MAX;
		good = ttl_compute(&ask, &ttl, warnings, &e);
		if (good != (ttls[i].ttl_s > 0) ||
		    (good && ttl != ttls[i].ttl_s) ||
		    (json_array_size(warnings) > 0) != ttls[i].warned)
			fail_msg("%s: %d, %" PRId64, ttls[i].name, good, ttl);
		if (!good)
			assert_int_equal(e.why, FAIL_BAD_INPUT);
	}
}

/* ---- creation ---- */

struct making {
	const char *name;
	/* The parent: policies as a list, and what it is. */
	const char *parent;
	int64_t parent_expires_s, parent_uses;
	const char *role; /* JSON, NULL: none */
	const char *policies;
	struct token_ask ask;
	/* What comes of it: an error's text, or */
	const char *error;
	const char *gets;
	int64_t ttl_s;
	bool orphan, not_renewable;
};

static const struct making makings[] = {
	{ "the parent's policies", "a,b,default", NOW + DAY,
	    .ask = { .renewable = true }, .gets = "a,b,default",
	    .ttl_s = SYSTEM_MAX },
	{ "the parent's policies without default", "a", NOW + DAY, .gets = "a",
	    .ttl_s = SYSTEM_MAX, .not_renewable = true },
	{ "a subset", "a,b,default", NOW + DAY, .policies = "b",
	    .ask = { .ttl_s = 60, .renewable = true }, .gets = "b,default",
	    .ttl_s = 60 },
	{ "a subset without default", "a,b,default", NOW + DAY, .policies = "b",
	    .ask = { .ttl_s = 60,
		.renewable = true,
		.no_default_policy = true },
	    .gets = "b", .ttl_s = 60 },
	{ "default is added only where the parent has it", "a,b", NOW + DAY,
	    .policies = "b", .ask = { .renewable = true }, .gets = "b",
	    .ttl_s = SYSTEM_MAX },
	{ "case and blanks", "a,b", NOW + DAY, .policies = " B ,b,a,",
	    .ask = { .renewable = true }, .gets = "a,b", .ttl_s = SYSTEM_MAX },
	{ "more than the parent has", "a,default", NOW + DAY, .policies = "a,c",
	    .error = "child policies must be subset of parent" },
	{ "default is more than the parent has", "a", NOW + DAY,
	    .policies = "default",
	    .error = "child policies must be subset of parent" },
	{ "sudo: any", "a", NOW + DAY, .policies = "c",
	    .ask = { .sudo = true, .renewable = true }, .gets = "c,default",
	    .ttl_s = SYSTEM_MAX },
	{ "sudo is not root", "a", NOW + DAY, .policies = "root",
	    .ask = { .sudo = true },
	    .error =
		"root tokens may not be created without parent token being "
		"root" },
	{ "root hidden among others", "a", NOW + DAY, .policies = "x, ROOT ",
	    .ask = { .sudo = true },
	    .error =
		"root tokens may not be created without parent token being "
		"root" },
	{ "root makes root", "root", 0, .ask = { .sudo = true }, .gets = "root",
	    .not_renewable = true },
	{ "root makes a root that expires", "root", 0,
	    .ask = { .sudo = true, .ttl_s = 60, .renewable = true },
	    .gets = "root", .ttl_s = 60 },
	{ "root with an explicit maximum alone", "root", 0,
	    .ask = { .sudo = true, .explicit_max_s = 90, .renewable = true },
	    .gets = "root", .ttl_s = 90 },
	{ "an expiring root makes no endless one", "root", NOW + 60,
	    .ask = { .sudo = true },
	    .error =
		"expiring root tokens cannot create non-expiring root tokens" },
	{ "root makes others", "root", 0, .policies = "p",
	    .ask = { .sudo = true, .renewable = true }, .gets = "default,p",
	    .ttl_s = SYSTEM_MAX },
	{ "a use count cannot be multiplied", "a", NOW + DAY, 3,
	    .error = "restricted use token cannot generate child tokens" },
	{ "negative uses", "a", NOW + DAY, .ask = { .uses = -1 },
	    .error = "number of uses cannot be negative" },
	{ "an id needs sudo", "a", NOW + DAY, .ask = { .custom_id = true },
	    .error = "root or sudo privileges required to specify token id" },
	{ "a period needs sudo", "a", NOW + DAY, .ask = { .period_s = 60 },
	    .error =
		"root or sudo privileges required to create periodic token" },
	{ "a period with sudo", "a", NOW + DAY,
	    .ask = { .period_s = 60, .sudo = true, .renewable = true },
	    .gets = "a", .ttl_s = 60 },
	{ "no parent needs sudo", "a", NOW + DAY, .ask = { .no_parent = true },
	    .error =
		"root or sudo privileges required to create orphan token" },
	{ "no parent with sudo", "a", NOW + DAY,
	    .ask = { .no_parent = true, .sudo = true, .renewable = true },
	    .gets = "a", .ttl_s = SYSTEM_MAX, .orphan = true },
	{ "create-orphan", "a", NOW + DAY,
	    .ask = { .orphan = true, .renewable = true }, .gets = "a",
	    .ttl_s = SYSTEM_MAX, .orphan = true },
	{ "endless explicit maximum", "root", 0,
	    .ask = { .sudo = true, .explicit_max_s = INT64_MAX },
	    .error = "ttl, explicit_max_ttl or period is too long" },
	{ "endless period", "root", 0,
	    .ask = { .sudo = true, .period_s = INT64_MAX },
	    .error = "ttl, explicit_max_ttl or period is too long" },
	{ "batch", "a", NOW + DAY, .ask = { .type = "batch" },
	    .error = "batch tokens are not supported by this server: use "
		     "type=service" },
	{ "an unknown type", "a", NOW + DAY, .ask = { .type = "x" },
	    .error = "invalid 'token_type' value" },
	{ "explicit maximum cuts", "a", NOW + DAY,
	    .ask = { .ttl_s = 100, .explicit_max_s = 50, .renewable = true },
	    .gets = "a", .ttl_s = 50 },
	{ "no policy at all", "", NOW + DAY,
	    .error = "token must have at least one policy" },
	{ "role without lists: the parent's rules", "a", NOW + DAY,
	    .role = "{}", .policies = "b",
	    .error = "child policies must be subset of parent" },
	{ "role: what it allows, when nothing is asked", "a", NOW + DAY,
	    .role = "{\"allowed_policies\":[\"x\",\"y\"]}",
	    .ask = { .renewable = true }, .gets = "default,x,y",
	    .ttl_s = SYSTEM_MAX },
	{ "role: one of what it allows", "a", NOW + DAY,
	    .role = "{\"allowed_policies\":[\"x\",\"y\"]}", .policies = "y",
	    .ask = { .renewable = true }, .gets = "default,y",
	    .ttl_s = SYSTEM_MAX },
	{ "role: more than it allows", "a", NOW + DAY,
	    .role = "{\"allowed_policies\":[\"x\"]}", .policies = "x,a",
	    .error = "token policies must be subset of the role's allowed "
		     "policies: \"a\" is not" },
	{ "role: by glob", "a", NOW + DAY,
	    .role = "{\"allowed_policies_glob\":[\"kafka-*\"]}",
	    .policies = "kafka-int", .ask = { .renewable = true },
	    .gets = "default,kafka-int", .ttl_s = SYSTEM_MAX },
	{ "role: root only from root", "a", NOW + DAY,
	    .role = "{\"allowed_policies_glob\":[\"*\"]}", .policies = "root",
	    .ask = { .sudo = true },
	    .error =
		"root tokens may not be created without parent token being "
		"root" },
	{ "role: disallowed", "a,b", NOW + DAY,
	    .role = "{\"disallowed_policies\":[\"b\"]}", .policies = "b",
	    .error = "token policy \"b\" is disallowed by this role" },
	{ "role: disallowed among the parent's", "a,b", NOW + DAY,
	    .role = "{\"disallowed_policies\":[\"b\"]}",
	    .error = "token policy \"b\" is disallowed by this role" },
	{ "role: disallowed by glob", "a", NOW + DAY,
	    .role = "{\"disallowed_policies_glob\":[\"ad*n\"]}",
	    .policies = "admin",
	    .error = "token policy \"admin\" is disallowed by this role" },
	{ "role: only disallowed, so anything else", "a", NOW + DAY,
	    .role = "{\"disallowed_policies\":[\"b\"]}", .policies = "z",
	    .ask = { .renewable = true }, .gets = "default,z",
	    .ttl_s = SYSTEM_MAX },
	{ "role: default disallowed", "a", NOW + DAY,
	    .role = "{\"allowed_policies\":[\"x\"],\"disallowed_policies\":["
		    "\"default\"]}",
	    .ask = { .renewable = true }, .gets = "x", .ttl_s = SYSTEM_MAX },
	{ "role: no default policy", "a", NOW + DAY,
	    .role = "{\"allowed_policies\":[\"x\"],"
		    "\"token_no_default_policy\":true}",
	    .ask = { .renewable = true }, .gets = "x", .ttl_s = SYSTEM_MAX },
	{ "role: default asked where the role does not add it", "a", NOW + DAY,
	    .role = "{\"allowed_policies\":[\"x\"],"
		    "\"token_no_default_policy\":true}",
	    .policies = "default",
	    .error = "token policies must be subset of the role's allowed "
		     "policies: \"default\" is not" },
	{ "role: period without sudo", "a", NOW + DAY,
	    .role = "{\"token_period\":120}", .ask = { .renewable = true },
	    .gets = "a", .ttl_s = 120 },
	{ "role: the lesser explicit maximum", "a", NOW + DAY,
	    .role = "{\"token_explicit_max_ttl\":30}",
	    .ask = { .explicit_max_s = 60, .ttl_s = 90, .renewable = true },
	    .gets = "a", .ttl_s = 30 },
	{ "role: orphan", "a", NOW + DAY, .role = "{\"orphan\":true}",
	    .ask = { .renewable = true }, .gets = "a", .ttl_s = SYSTEM_MAX,
	    .orphan = true },
	{ "role: no_parent means nothing there", "a", NOW + DAY,
	    .role = "{\"orphan\":false}",
	    .ask = { .no_parent = true, .renewable = true }, .gets = "a",
	    .ttl_s = SYSTEM_MAX },
	{ "role: not renewable", "a", NOW + DAY,
	    .role = "{\"renewable\":false}", .ask = { .renewable = true },
	    .gets = "a", .ttl_s = SYSTEM_MAX, .not_renewable = true },
	{ "role: batch", "a", NOW + DAY, .role = "{\"token_type\":\"batch\"}",
	    .error = "batch tokens are not supported by this server: use "
		     "type=service" },
};

/* "a,b" as an array. */
static json_t *
list_of(const char *text)
{
	json_t *list = json_array();
	const char *p = text;

	while (*p != '\0') {
		size_t n = strcspn(p, ",");

		(void)json_array_append_new(list, json_stringn(p, n));
		p += n + (p[n] == ',');
	}
	return list;
}

static char *
joined(const struct token *t)
{
	auto_buf struct buf b = { 0 };
	size_t i;

	for (i = 0; i < t->policies_n; i++)
		buf_addf(&b, "%s%s", i == 0 ? "" : ",", t->policies[i]);
	return buf_take_str(&b);
}

static void
making_check(const struct making *m, const struct token *t)
{
	auto_mem char *got = joined(t);
	static const struct sha256 none;

	if (strcmp(got, m->gets) != 0)
		fail_msg("%s: %s", m->name, got);
	if (t->ttl_s != m->ttl_s || t->orphan != m->orphan ||
	    t->renewable != !m->not_renewable)
		fail_msg("%s: ttl %" PRId64 " orphan %d renewable %d", m->name,
		    t->ttl_s, t->orphan, t->renewable);
	assert_int_equal(t->expires_s, t->ttl_s == 0 ? 0 : NOW + t->ttl_s);
	assert_int_equal(memcmp(&t->parent, &none, sizeof(none)) == 0,
	    m->orphan);
}

static void
making_run(const struct making *m)
{
	auto_json json_t *parent_names = list_of(m->parent);
	auto_json json_t *names =
	    m->policies == NULL ? NULL : list_of(m->policies);
	auto_json json_t *role =
	    m->role == NULL ? NULL : json_loads(m->role, 0, NULL);
	auto_json json_t *warnings = json_array();
	struct token parent = { .expires_s = m->parent_expires_s,
		.uses_left = m->parent_uses,
		.key = { { 1 } } };
	struct token_ask ask = m->ask;
	struct token t = { 0 };
	struct error e = { 0 };
	bool good;

	if (json_array_size(parent_names) > 0)
		assert_true(token_set_policies(&parent, parent_names, &e));
	ask.parent = &parent;
	ask.role = role;
	ask.role_name = "";
	ask.path = "auth/token/create";
	ask.now_s = NOW;
	ask.system_default_s = ask.system_max_s = SYSTEM_MAX;
	ask.policies = names;
	ask.display_name = "";
	ask.type = ask.type == NULL ? "" : ask.type;
	good = token_make(&ask, &t, warnings, &e);
	if (good && m->error == NULL)
		making_check(m, &t);
	else if (good || m->error == NULL || strcmp(e.msg, m->error) != 0)
		fail_msg("%s: %s", m->name, good ? "made" : e.msg);
	token_clear(&t);
	token_clear(&parent);
}

static void
test_make(unused_arg void **state)
{
	size_t i;

	for (i = 0; i < countof(makings); i++)
		making_run(&makings[i]);
}

static const struct {
	const char *asked, *name;
} display_names[] = {
	{ "", "token" },
	{ "ci", "token-ci" },
	{ "a b/c.d", "token-a-b-c-d" },
	{ "x!", "token-x" },
	{ "terraform", "token-terraform" },
};

static void
test_display_name(unused_arg void **state)
{
	size_t i;

	for (i = 0; i < countof(display_names); i++) {
		char *policies[] = { (char *)(uintptr_t) "a" };
		struct token parent = { .policies = policies, .policies_n = 1 };
		struct token_ask ask = { .parent = &parent,
			.role_name = "",
			.path = "auth/token/create",
			.now_s = NOW,
			.system_default_s = DAY,
			.system_max_s = DAY,
			.display_name = display_names[i].asked,
			.type = "" };
		struct token t = { 0 };

		ok(token_make(&ask, &t, NULL, &e));
		assert_string_equal(t.display_name, display_names[i].name);
		token_clear(&t);
	}
}

/* ---- logins ---- */

static void
test_login(unused_arg void **state)
{
	auto_json json_t *role =
	    json_loads("{\"token_policies\":[\"kafka\"],\"token_ttl\":600,"
		       "\"token_max_ttl\":900,\"token_num_uses\":3,"
		       "\"token_bound_cidrs\":[\"10.0.0.0/8\"]}",
		0, NULL);
	struct login_ask ask = { .role = role,
		.path = "auth/approle/login",
		.display_name = "approle",
		.now_s = NOW,
		.mount_default_s = DAY,
		.mount_max_s = DAY };
	struct token t = { 0 };

	ok(token_login(&ask, &t, NULL, &e));
	assert_int_equal(t.ttl_s, 600);
	assert_int_equal(t.max_ttl_s, 900);
	assert_int_equal(t.uses_left, 3);
	assert_int_equal(t.policies_n, 2);
	assert_string_equal(t.policies[0], "default");
	assert_true(t.orphan && t.renewable);
	assert_true(auth_token_from(&t, "10.1.2.3:4711"));
	assert_false(auth_token_from(&t, "11.1.2.3:4711"));
	assert_false(auth_token_from(&t, "unix:17"));
	token_clear(&t);
	(void)json_object_set_new(role, "token_policies",
	    json_pack("[s]", "Root"));
	fails(FAIL_BAD_INPUT, token_login(&ask, &t, NULL, &e));
}

/* ---- CIDR lists ---- */

static const struct {
	const char *cidr, *peer;
	bool match;
} cidrs[] = {
	{ "10.0.0.0/8", "10.255.0.1:1", true },
	{ "10.0.0.0/8", "11.0.0.1:1", false },
	{ "10.1.2.3", "10.1.2.3:65535", true },
	{ "10.1.2.3/32", "10.1.2.4:1", false },
	{ "10.1.2.0/23", "10.1.3.9:1", true },
	{ "10.1.2.0/23", "10.1.4.0:1", false },
	{ "0.0.0.0/0", "192.0.2.1:1", true },
	{ "0.0.0.0/0", "[2001:db8::1]:1", false },
	{ "::/0", "[2001:db8::1]:1", true },
	{ "2001:db8::/32", "[2001:db8:1::1]:443", true },
	{ "2001:db8::/32", "[2001:db9::1]:443", false },
	{ "10.0.0.0/8", "[::ffff:10.0.0.1]:1", true },
	{ "::1", "[::1]:1", true },
	{ "10.0.0.0/8", "unix:1", false },
	{ "10.0.0.0/8", "", false },
	{ "10.0.0.0/33", "10.0.0.1:1", false },
	{ "nonsense", "10.0.0.1:1", false },
};

static void
test_cidr(unused_arg void **state)
{
	size_t i;

	for (i = 0; i < countof(cidrs); i++)
		if (cidr_match(cidrs[i].cidr, cidrs[i].peer) != cidrs[i].match)
			fail_msg("%s %s", cidrs[i].cidr, cidrs[i].peer);
}

static void
test_cidrs_within(unused_arg void **state)
{
	auto_json json_t *outer = list_of("10.0.0.0/8,192.0.2.0/24");
	auto_json json_t *inside = list_of("10.1.0.0/16,192.0.2.7");
	auto_json json_t *outside = list_of("10.1.0.0/16,192.0.3.7");
	auto_json json_t *wider = list_of("10.0.0.0/7");
	auto_json json_t *bad = list_of("10.0.0.0/8,x");

	assert_true(cidrs_within(inside, outer));
	assert_false(cidrs_within(outside, outer));
	assert_false(cidrs_within(wider, outer));
	ok(cidrs_check(outer, &e));
	fails(FAIL_BAD_INPUT, cidrs_check(bad, &e));
}

/* ---- the cache over a store ---- */

struct world {
	struct store_fixture *f;
	struct docs *docs;
	struct auth *auth;
};

static void
world_open(struct world *w, void **state)
{
	w->f = *state;
	w->docs = docs_open(w->f->s, auth_doc_kinds, &(struct error){ 0 });
	assert_non_null(w->docs);
	w->auth = auth_new(w->f->s, w->docs);
}

static void
world_close(struct world *w)
{
	auth_free(w->auth);
	docs_free(w->docs);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
struct written {
	bool done, ok;
	enum fail why;
};

static void
write_done(void *arg, bool good, const struct error *e)
{
	struct written *w = arg;

	(void)pthread_mutex_lock(&lock);
	w->done = true;
	w->ok = good;
	if (!good)
		w->why = e->why;
	(void)pthread_cond_broadcast(&wake);
	(void)pthread_mutex_unlock(&lock);
}

static struct written
write_wait(struct store *s, const struct store_secret_change *ch, size_t n)
{
	struct written w = { 0 };

	store_secrets_write(s, ch, n, write_done, &w);
	(void)pthread_mutex_lock(&lock);
	while (!w.done)
		(void)pthread_cond_wait(&wake, &lock);
	(void)pthread_mutex_unlock(&lock);
	return w;
}

/* A token with that text below `parent` (NULL: none). */
static void
put_token(struct world *w, const char *text, const char *parent,
    const char *policies, int64_t expires_s, int64_t uses)
{
	auto_buf struct buf mem = { 0 };
	auto_json json_t *names = list_of(policies);
	struct token t = { .expires_s = expires_s,
		.created_s = NOW,
		.ttl_s = expires_s == 0 ? 0 : expires_s - NOW,
		.uses_left = uses,
		.renewable = true,
		.orphan = parent == NULL,
		.key = token_hash(bytes_str(text)) };
	struct store_secret_change ch = { .op = STORE_SECRET_PUT };

	if (parent != NULL)
		t.parent = token_hash(bytes_str(parent));
	(void)snprintf(t.accessor, sizeof(t.accessor), "acc-%s", text);
	(void)snprintf(t.display_name, sizeof(t.display_name), "%s", text);
	(void)snprintf(t.path, sizeof(t.path), "auth/token/create");
	ok(token_set_policies(&t, names, &e));
	ch.row = token_row(&t, &mem);
	assert_true(write_wait(w->f->s, &ch, 1).ok);
	auth_forget(w->auth, &t.key);
	token_clear(&t);
}

static bool
is_good(struct world *w, const char *text, int64_t now_s)
{
	struct error e = { 0 };
	auto_token const struct token *t =
	    auth_token_get(w->auth, bytes_str(text), now_s, &e);

	if (t == NULL)
		assert_int_equal(e.why, FAIL_PERMISSION);
	return t != NULL;
}

static bool
may(struct world *w, const char *text, unsigned cap, const char *path,
    int64_t now_s)
{
	struct error e = { 0 };
	auto_token const struct token *t =
	    auth_token_get(w->auth, bytes_str(text), now_s, &e);
	struct acl_request r = { .path = path, .need = cap };

	return t != NULL && acl_allows(t->acl, &r);
}

static void
test_get(void **state)
{
	struct world w;

	world_open(&w, state);
	put_token(&w, "one", NULL, "default", NOW + 60, 0);
	assert_true(is_good(&w, "one", NOW));
	assert_true(is_good(&w, "one", NOW + 59));
	assert_false(is_good(&w, "one", NOW + 60));
	assert_false(is_good(&w, "one", NOW + 61));
	assert_false(is_good(&w, "One", NOW));
	assert_false(is_good(&w, "one ", NOW));
	assert_false(is_good(&w, "", NOW));
	assert_false(is_good(&w, "on", NOW));
	assert_true(may(&w, "one", CAP_READ, "auth/token/lookup-self", NOW));
	assert_false(may(&w, "one", CAP_READ, "pki/x", NOW));
	world_close(&w);
}

static void
test_root(void **state)
{
	auto_buf struct buf mem = { 0 };
	struct secret *text = secret_new(TOKEN_TEXT_MAX);
	struct store_secret_change ch;
	struct world w;
	const struct token *t;

	world_open(&w, state);
	ok(auth_root_token(&ch, &mem, text, NOW, &e));
	assert_int_equal(secret_len(text), 4 + TOKEN_RANDOM + TOKEN_CHECK);
	assert_memory_equal(secret_data(text), "hvs.", 4);
	assert_true(write_wait(w.f->s, &ch, 1).ok);
	t = auth_token_get(w.auth,
	    bytes_of(secret_data(text), secret_len(text)), NOW,
	    &(struct error){ 0 });
	assert_non_null(t);
	assert_true(t->root && t->expires_s == 0);
	assert_string_equal(t->display_name, "root");
	auth_token_put(t);
	t = auth_token_by_accessor(w.auth, ch.row.alias, NOW,
	    &(struct error){ 0 });
	assert_non_null(t);
	auth_token_put(t);
	secret_free(text);
	world_close(&w);
}

static void
test_accessor(void **state)
{
	struct world w;
	struct error e = { 0 };
	const struct token *t;

	world_open(&w, state);
	put_token(&w, "one", NULL, "default", NOW + 60, 0);
	t = auth_token_by_accessor(w.auth, "acc-one", NOW, &e);
	assert_non_null(t);
	assert_string_equal(t->display_name, "one");
	auth_token_put(t);
	assert_null(auth_token_by_accessor(w.auth, "acc-two", NOW, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_null(auth_token_by_accessor(w.auth, "", NOW, &e));
	assert_int_equal(e.why, FAIL_NOT_FOUND);
	assert_null(auth_token_by_accessor(w.auth, "acc-one", NOW + 60, &e));
	world_close(&w);
}

static void
delete_tree(struct world *w, const char *text)
{
	struct store_secret_change ch = { .op = STORE_SECRET_DELETE_TREE,
		.row = { .kind = TOKEN_KIND,
		    .key = token_hash(bytes_str(text)),
		    .scope = "" } };

	assert_true(write_wait(w->f->s, &ch, 1).ok);
	auth_forget(w->auth, NULL);
}

static void
test_tree(void **state)
{
	static const char *const all[] = { "top", "mid", "leaf", "other" };
	struct world w;
	size_t i;

	world_open(&w, state);
	put_token(&w, "top", NULL, "default", NOW + 1000, 0);
	put_token(&w, "mid", "top", "default", NOW + 1000, 0);
	put_token(&w, "leaf", "mid", "default", NOW + 1000, 0);
	put_token(&w, "other", "top", "default", NOW + 1000, 0);
	for (i = 0; i < countof(all); i++)
		assert_true(is_good(&w, all[i], NOW));
	delete_tree(&w, "mid");
	assert_true(is_good(&w, "top", NOW));
	assert_false(is_good(&w, "mid", NOW));
	assert_false(is_good(&w, "leaf", NOW));
	assert_true(is_good(&w, "other", NOW));
	delete_tree(&w, "top");
	assert_false(is_good(&w, "other", NOW));
	world_close(&w);
}

/* A child outlives no ancestor, cached or not. */
static void
test_ancestor_expires(void **state)
{
	struct world w;

	world_open(&w, state);
	put_token(&w, "top", NULL, "default", NOW + 100, 0);
	put_token(&w, "mid", "top", "default", NOW + 1000, 0);
	put_token(&w, "leaf", "mid", "default", 0, 0);
	assert_true(is_good(&w, "leaf", NOW));
	assert_true(is_good(&w, "leaf", NOW + 99));
	assert_false(is_good(&w, "leaf", NOW + 100));
	assert_false(is_good(&w, "mid", NOW + 100));
	/* The parent is renewed: so is what is below it. */
	put_token(&w, "top", NULL, "default", NOW + 200, 0);
	assert_true(is_good(&w, "leaf", NOW + 150));
	assert_false(is_good(&w, "leaf", NOW + 200));
	world_close(&w);
}

static void
test_missing_parent(void **state)
{
	struct world w;

	world_open(&w, state);
	put_token(&w, "child", "nobody", "default", NOW + 100, 0);
	assert_false(is_good(&w, "child", NOW));
	world_close(&w);
}

static void
test_too_deep(void **state)
{
	struct world w;
	char text[16], parent[16];
	unsigned i;

	world_open(&w, state);
	put_token(&w, "t0", NULL, "default", 0, 0);
	for (i = 1; i <= LIMIT_TOKEN_DEPTH + 1; i++) {
		(void)snprintf(text, sizeof(text), "t%u", i);
		(void)snprintf(parent, sizeof(parent), "t%u", i - 1);
		put_token(&w, text, parent, "default", 0, 0);
		assert_int_equal(is_good(&w, text, NOW),
		    i <= LIMIT_TOKEN_DEPTH);
	}
	world_close(&w);
}

static uint64_t doc_index;

static void
put_policy(struct world *w, const char *name, const char *text)
{
	auto_buf struct buf json = { 0 }, value = { 0 };
	auto_json json_t *o = json_pack("{s:s}", "policy", text);
	struct store_doc_op op = { "policy", "", name, { 0 } };

	json_canonical(o, &value);
	op.value = buf_bytes(&value);
	store_docs_encode(&op, 1, &json);
	ok(store_docs_apply(w->f->s, buf_bytes(&json), ORIGIN, ++doc_index,
	    &e));
	docs_apply(w->docs, buf_bytes(&json));
	auth_forget(w->auth, NULL);
}

static void
test_policies_follow(void **state)
{
	struct world w;

	world_open(&w, state);
	put_token(&w, "one", NULL, "kafka,default", NOW + 1000, 0);
	assert_false(may(&w, "one", CAP_READ, "a", NOW));
	put_policy(&w, "kafka", "path \"a\" { capabilities = [\"read\"] }");
	assert_true(may(&w, "one", CAP_READ, "a", NOW));
	put_policy(&w, "kafka", "path \"b\" { capabilities = [\"read\"] }");
	assert_false(may(&w, "one", CAP_READ, "a", NOW));
	assert_true(may(&w, "one", CAP_READ, "b", NOW));
	/* A document stands before what is built in. */
	put_policy(&w, "default", "path \"c\" { capabilities = [\"read\"] }");
	assert_true(may(&w, "one", CAP_READ, "c", NOW));
	assert_false(may(&w, "one", CAP_READ, "auth/token/lookup-self", NOW));
	world_close(&w);
}

/* A rule's expiration counts although the token is in the cache. */
static void
test_rule_expires(void **state)
{
	struct world w;

	world_open(&w, state);
	put_policy(&w, "timed",
	    "path \"a\" { capabilities = [\"read\"] expiration = 1000050 }");
	put_token(&w, "one", NULL, "timed", NOW + 1000, 0);
	assert_true(may(&w, "one", CAP_READ, "a", NOW + 49));
	assert_false(may(&w, "one", CAP_READ, "a", NOW + 50));
	assert_true(is_good(&w, "one", NOW + 50));
	world_close(&w);
}

static void
test_cache_is_bounded(void **state)
{
	struct world w;
	char text[16];
	unsigned i;

	world_open(&w, state);
	put_token(&w, "first", NULL, "default", 0, 0);
	for (i = 0; i < 300; i++) {
		(void)snprintf(text, sizeof(text), "n%u", i);
		put_token(&w, text, NULL, "default", 0, 0);
		assert_true(is_good(&w, text, NOW));
	}
	assert_true(is_good(&w, "first", NOW));
	world_close(&w);
}

/* ---- use counts: of two at once one is late ---- */

static void
test_swap(void **state)
{
	auto_buf struct buf m1 = { 0 }, m2 = { 0 };
	struct store_secret_change a = { .op = STORE_SECRET_SWAP },
				   b = { .op = STORE_SECRET_SWAP };
	const struct token *t;
	struct token x, y;
	struct written late;
	struct world w;

	world_open(&w, state);
	put_token(&w, "one", NULL, "default", NOW + 1000, 2);
	t = auth_token_get(w.auth, bytes_str("one"), NOW, &(struct error){ 0 });
	assert_non_null(t);
	x = y = *t;
	x.uses_left--;
	y.uses_left--;
	a.row = token_row(&x, &m1);
	b.row = token_row(&y, &m2);
	assert_true(write_wait(w.f->s, &a, 1).ok);
	late = write_wait(w.f->s, &b, 1);
	assert_false(late.ok);
	assert_int_equal(late.why, FAIL_BUSY);
	auth_token_put(t);
	auth_forget(w.auth, &x.key);
	t = auth_token_get(w.auth, bytes_str("one"), NOW, &(struct error){ 0 });
	assert_non_null(t);
	assert_int_equal(t->uses_left, 1);
	auth_token_put(t);
	world_close(&w);
}

static void
test_row_survives(void **state)
{
	auto_json json_t *meta = json_pack("{s:s}", "ä", "ö\n");
	auto_buf struct buf mem = { 0 }, again = { 0 }, read = { 0 };
	char *policies[] = { (char *)(uintptr_t) "a" };
	char *bound[] = { (char *)(uintptr_t) "10.0.0.0/8" };
	struct token t = { .key = { { 7 } },
		.parent = { { 8 } },
		.accessor = "acc",
		.display_name = "token-x",
		.policies = policies,
		.policies_n = 1,
		.bound_cidrs = bound,
		.bound_cidrs_n = 1,
		.renewable = true,
		.created_s = 1,
		.ttl_s = 2,
		.expires_s = NOW + 3,
		.explicit_max_s = 4,
		.period_s = 5,
		.max_ttl_s = 6,
		.renewed_s = 7,
		.uses_left = 8,
		.path = "auth/token/create/r",
		.role = "r",
		.meta = meta };
	struct store_fixture *f = *state;
	struct store_secret_change ch = { .op = STORE_SECRET_PUT };
	struct store_secret row;
	struct token *back;

	ch.row = token_row(&t, &mem);
	assert_true(write_wait(f->s, &ch, 1).ok);
	ok(store_secret_get(f->s, TOKEN_KIND, &t.key, NOW, &row, &read, &e));
	back = token_decode(&row, &(struct error){ 0 });
	assert_non_null(back);
	token_encode(back, &again);
	assert_true(bytes_eq(buf_bytes(&mem), buf_bytes(&again)));
	assert_memory_equal(&back->parent, &t.parent, sizeof(t.parent));
	assert_int_equal(back->expires_s, NOW + 3);
	auth_token_put(back);
	row.value = bytes_str("[1");
	assert_null(token_decode(&row, &(struct error){ 0 }));
}

static void
test_texts_are_random(unused_arg void **state)
{
	struct secret *a = secret_new(TOKEN_TEXT_MAX);
	struct secret *b = secret_new(TOKEN_TEXT_MAX);
	char uuid[37];
	size_t i;

	token_text_random(a, "hvs.");
	token_text_random(b, "hvs.");
	assert_int_equal(secret_len(a), 34);
	assert_memory_not_equal(secret_data(a), secret_data(b), 34);
	for (i = 4; i < 34; i++)
		assert_true(isalnum(secret_data(a)[i]));
	uuid_random(uuid);
	assert_int_equal(strlen(uuid), 36);
	assert_int_equal(uuid[14], '4');
	assert_non_null(strchr("89ab", uuid[19]));
	secret_free(a);
	secret_free(b);
}

/* Also when it is long gone: it must not be shown to anybody else. */
static void
test_ours_are_known(unused_arg void **state)
{
	static const struct {
		const char *text;
		bool ours;
	} rows[] = {
		{ "", true },
		{ "an-id-of-its-own", true },
		{ "hvs.AAAAAAAAAAAAAAAAAAAAAAAA", true }, /* as once */
		{ "hvs.AAAAAAAAAAAAAAAAAAAAAAA", false },
		{ "hvs.AAAAAAAAAAAAAAAAAAAAAAAAA", false },
		{ "hvs.AAAAAAAAAAAAAAAAAAAAAAA-", false },
		{ "s.AAAAAAAAAAAAAAAAAAAAAAAA", false },
		{ "hvs.CAESIJRM-T1q5lEjIWux1Tjx-VGqAYJdd4FZtbp1wpD5Ym9pGh4KHGh2"
		  "cy5TSjRndGoxaU44NzNscm5MSlRLQXZ0ZGg",
		    false },
		{ "hvs.", false },
	};
	struct secret *s = secret_new(TOKEN_TEXT_MAX);
	uint8_t text[64];
	size_t i, n;

	for (i = 0; i < countof(rows); i++)
		if (auth_text_is_ours(bytes_str(rows[i].text)) != rows[i].ours)
			fail_msg("%s", rows[i].text);
	token_text_random(s, TOKEN_PREFIX);
	n = secret_len(s);
	memcpy(text, secret_data(s), n);
	assert_true(auth_text_is_ours(bytes_of(text, n)));
	for (i = 4; i < n; i++) {
		uint8_t was = text[i];

		text[i] = was == 'a' ? 'b' : 'a';
		assert_false(auth_text_is_ours(bytes_of(text, n)));
		text[i] = was;
	}
	secret_free(s);
}

static void
put_doc(struct world *w, const char *kind, const char *name, const char *json)
{
	auto_buf struct buf text = { 0 };
	struct store_doc_op op = { kind, "", name, bytes_str(json) };

	store_docs_encode(&op, 1, &text);
	ok(store_docs_apply(w->f->s, buf_bytes(&text), ORIGIN, ++doc_index,
	    &e));
	docs_apply(w->docs, buf_bytes(&text));
}

static bool
peer_may(struct world *w, unsigned uid, bool root, unsigned cap)
{
	auto_token const struct token *t =
	    auth_token_peer(w->auth, uid, root, NOW);
	struct acl_request r = { .path = "auth/token/lookup-self",
		.need = cap };

	return t != NULL && acl_allows(t->acl, &r);
}

static void
test_peer(void **state)
{
	struct world w;
	const struct token *t;

	world_open(&w, state);
	t = auth_token_peer(w.auth, 42, true, NOW);
	assert_string_equal(t->display_name, "uid:42");
	assert_true(t->root);
	auth_token_put(t);
	assert_true(peer_may(&w, 42, true, CAP_READ | CAP_SUDO));
	assert_null(auth_token_peer(w.auth, 42, false, NOW));
	put_doc(&w, "socket-peer", "42", "{\"policies\":[\"default\"]}");
	put_doc(&w, "socket-peer", "43", "{\"policies\":[]}");
	assert_true(peer_may(&w, 42, false, CAP_READ));
	assert_false(peer_may(&w, 42, false, CAP_READ | CAP_SUDO));
	assert_false(peer_may(&w, 43, false, CAP_READ));
	assert_null(auth_token_peer(w.auth, 4, false, NOW));
	world_close(&w);
}

/* What is cached below a revoked one goes, and nothing else. */
static void
test_forget_tree(void **state)
{
	struct store_secret_change ch = { .op = STORE_SECRET_DELETE_TREE,
		.row = { .kind = TOKEN_KIND,
		    .key = token_hash(bytes_str("mid")),
		    .scope = "" } };
	struct world w;

	world_open(&w, state);
	put_token(&w, "top", NULL, "default", 0, 0);
	put_token(&w, "mid", "top", "default", 0, 0);
	put_token(&w, "leaf", "mid", "default", 0, 0);
	put_token(&w, "side", "top", "default", 0, 0);
	assert_true(is_good(&w, "leaf", NOW) && is_good(&w, "side", NOW));
	assert_true(write_wait(w.f->s, &ch, 1).ok);
	/* Until it is told, the cache knows no better. */
	assert_true(is_good(&w, "leaf", NOW));
	auth_forget_tree(w.auth, &ch.row.key);
	assert_false(is_good(&w, "leaf", NOW));
	assert_false(is_good(&w, "mid", NOW));
	assert_true(is_good(&w, "side", NOW) && is_good(&w, "top", NOW));
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_display_name),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_cidr),
		cmocka_unit_test(test_cidrs_within),
		cmocka_unit_test_setup_teardown(test_get, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(test_root, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(test_accessor, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(test_tree, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(test_ancestor_expires,
		    store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_missing_parent,
		    store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_too_deep, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(test_policies_follow,
		    store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_rule_expires, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(test_cache_is_bounded,
		    store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(test_swap, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(test_row_survives, store_setup,
		    store_teardown),
		cmocka_unit_test(test_texts_are_random),
		cmocka_unit_test(test_ours_are_known),
		cmocka_unit_test_setup_teardown(test_peer, store_setup,
		    store_teardown),
		cmocka_unit_test_setup_teardown(test_forget_tree, store_setup,
		    store_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
