/* SPDX-License-Identifier: Apache-2.0 */
/* Login with a password. Whoever is not there takes as long as whoever is. */
#include <stdio.h>

#include "userpass.h"

struct attempt {
	char name[256];
	struct sha256 user;
	struct secret *text;
	struct password kept;
	bool known; /* there is such a password */
	uint8_t hash[PASSWORD_LEN];
};

static void
attempt_free(void *state)
{
	struct attempt *a = state;

	secret_free(a->text);
	explicit_bzero(a, sizeof(*a));
	mem_free(a);
}

static void
hash_work(void *state)
{
	struct attempt *a = state;

	password_hash(&a->kept, a->text, a->hash);
}

static void
let_in(struct call *c, const struct doc *d, const char *name)
{
	auto_mem char *path = userpass_path(c->mount->path, name);
	auto_json json_t *meta = json_pack("{s:s}", "username", name);

	login_finish(c,
	    &(struct login){ .role = d->json,
		.name = name,
		.path = path,
		.meta = meta });
}

static void
hashed(struct call *c)
{
	struct attempt *a = c->state;
	auto_doc const struct doc *d = userpass_user(c, a->name);
	bool same = crypto_equal(a->hash, a->kept.hash, PASSWORD_LEN),
	     good = a->known && same && d != NULL;
	char name[256];

	memcpy(name, a->name, sizeof(name));
	lockout_end(auth_lockout(c->tokens), &a->user, good, c->now_s);
	attempt_free(a);
	c->state = NULL;
	c->state_free = NULL;
	if (good)
		let_in(c, d, name);
	else
		call_error(c, 400, "invalid username or password");
}

/* False: the store fails, and it has answered. */
static bool
find_password(struct call *c, struct attempt *a)
{
	auto_buf struct buf mem = { 0 };
	struct store_secret row;
	struct error e = { 0 };

	if (store_secret_get(c->store, PASSWORD_KIND, &a->user, c->now_s, &row,
		&mem, &e) &&
	    password_decode(&row, &a->kept, &e)) {
		a->known = true;
		return true;
	}
	if (e.why == FAIL_NOT_FOUND) {
		password_fresh(&a->kept);
		return true;
	}
	call_fail(c, &e);
	return false;
}

static void
try_password(struct call *c, struct attempt *a)
{
	switch (lockout_begin(auth_lockout(c->tokens), &a->user, c->now_s)) {
	case LOCKOUT_GO:
		call_offload(c, hash_work, hashed);
		break;
	case LOCKOUT_LOCKED:
		call_error(c, 403, "permission denied");
		break;
	case LOCKOUT_BUSY:
		call_fail(c,
		    &(struct error){ .why = FAIL_BUSY,
			.msg = "too many logins at once" });
		break;
	}
}

void
userpass_login(struct call *c)
{
	char name[256];
	struct secret *text;
	struct attempt *a;

	if (!userpass_name(c, name))
		return;
	text = userpass_password(c);
	if (text == NULL) {
		if (call_str(c, "password")[0] == '\0')
			call_error(c, 400, "missing password");
		return;
	}
	a = mem_calloc(1, sizeof(*a));
	memcpy(a->name, name, sizeof(name));
	a->text = text;
	a->user = password_key(c->mount->path, name);
	c->state = a;
	c->state_free = attempt_free;
	if (find_password(c, a))
		try_password(c, a);
}

/* ---- sys/locked-users/:mount_accessor/unlock/:alias_identifier ---- */

struct mount_search {
	const char *accessor;
	char path[256];
};

static bool
by_accessor(void *arg, const struct doc *d)
{
	struct mount_search *s = arg;

	if (strcmp(doc_str(d->json, "accessor"), s->accessor) != 0)
		return true;
	(void)snprintf(s->path, sizeof(s->path), "%s", d->name);
	return false;
}

void
userpass_unlock(struct call *c)
{
	struct mount_search s = { .accessor = call_str(c, "mount_accessor") };
	char name[256];
	struct sha256 user;

	lower_text(call_str(c, "alias_identifier"), name, sizeof(name));
	docs_each(c->docs, "mount", "", by_accessor, &s);
	user = password_key(s.path, name);
	(void)lockout_clear(auth_lockout(c->tokens), &user);
	call_no_content(c);
}
