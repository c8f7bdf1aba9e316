/* SPDX-License-Identifier: Apache-2.0 */
/* Leases as a tree of their ids, one level a list; how many there are that cannot be ended. */
#include "sys.h"

struct listing {
	struct store *store;
	int64_t now_s;
	char *prefix; /* "" or with a slash at its end */
	json_t *keys;
	bool more, ok;
	struct error e;
};

static void
listing_free(void *state)
{
	struct listing *l = state;

	mem_free(l->prefix);
	json_decref(l->keys);
	mem_free(l);
}

/* Of one id the part that is this level's; `after` gets where the next one begins. */
static void
add_key(struct listing *l, const char *id, struct buf *after)
{
	const char *rest = id + strlen(l->prefix), *slash = strchr(rest, '/');
	size_t n = slash != NULL ? (size_t)(slash - rest) + 1 : strlen(rest);

	(void)json_array_append_new(l->keys, json_stringn(rest, n));
	buf_reset(after);
	buf_add(after, id, (size_t)(rest - id) + n);
	/* Behind everything below it: no octet of UTF-8 is as high. */
	if (slash != NULL)
		buf_add_byte(after, 0xff);
}

/* One look-up a key, however many leases are below it. On a helper thread. */
static void
list_keys(void *state)
{
	struct listing *l = state;
	auto_buf struct buf after = { 0 }, below = { 0 }, mem = { 0 };
	struct store_secret row;

	buf_add_str(&after, l->prefix);
	buf_add_str(&below, l->prefix);
	buf_add_byte(&below, 0xff);
	while (store_secret_next(l->store, STORE_KIND_LEASE, buf_cstr(&after),
	    buf_cstr(&below), l->now_s, &row, &mem, &l->e)) {
		l->more = json_array_size(l->keys) == LIMIT_LEASE_KEYS;
		if (l->more)
			break;
		add_key(l, row.alias, &after);
	}
	l->ok = l->more || l->e.why == FAIL_NOT_FOUND;
}

static void
listed(struct call *c)
{
	struct listing *l = c->state;

	if (!l->ok) {
		call_fail(c, &l->e);
		return;
	}
	if (l->more)
		call_warn(c, "only the first %d are listed", LIMIT_LEASE_KEYS);
	call_keys(c, take(l->keys), NULL);
}

static void
list_below(struct call *c, const char *path)
{
	struct listing *l = mem_calloc(1, sizeof(*l));

	c->state = l;
	c->state_free = listing_free;
	l->store = c->store;
	l->now_s = c->now_s;
	l->prefix = path[0] != '\0' ? mem_printf("%s/", path) : mem_strdup("");
	l->keys = json_array();
	call_offload(c, list_keys, listed);
}

void
sys_lease_list(struct call *c)
{
	list_below(c, call_str(c, "prefix"));
}

/* Its row is that of leases/lookup, which wants no sudo. */
void
sys_lease_list_all(struct call *c)
{
	const struct acl_request r = { .path = "sys/leases/lookup/",
		.need = CAP_LIST | CAP_SUDO };

	if (acl_allows(c->token->acl, &r))
		list_below(c, "");
	else
		flight_refuse(flight_of(c), 403, "permission denied");
}

/* What is due is tried until its certificate has ended: there is none of these. */
static bool
of_irrevocable(struct call *c)
{
	if (strcmp(call_str(c, "type"), "irrevocable") == 0)
		return true;
	call_not_found(c);
	return false;
}

void
sys_lease_irrevocable(struct call *c)
{
	if (of_irrevocable(c))
		call_ok(c, json_pack("{s:i,s:[]}", "lease_count", 0, "leases"));
}

void
sys_lease_count(struct call *c)
{
	if (of_irrevocable(c))
		call_ok(c, json_pack("{s:i,s:{}}", "lease_count", 0, "counts"));
}
