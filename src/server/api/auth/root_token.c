/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `chancery token root`: a root token without one before it. Who may is told by the kernel:
 * the peer of the unix socket is uid 0, the service itself, or named in
 * server.socket_root_uids. The act is recorded before the token exists.
 */
#include <stdio.h>
#include <unistd.h>

#include "handlers.h"

struct making {
	struct secret *text;
	struct buf mem;
	struct store_secret_change change;
};

static void
making_free(void *state)
{
	struct making *m = state;

	secret_free(m->text);
	buf_free(&m->mem);
	mem_free(m);
}

static bool
peer_may(const struct call *c, unsigned *uid)
{
	const struct yaml_texts *uids = &c->settings->server.socket_root_uids;
	unsigned gid;
	char text[16];
	size_t i;
	int pid;

	if (http_listener_of(c->x) != HTTP_UNIX ||
	    !http_peer_cred(c->x, uid, &gid, &pid))
		return false;
	if (*uid == 0 || *uid == geteuid())
		return true;
	(void)snprintf(text, sizeof(text), "%u", *uid);
	for (i = 0; i < uids->n; i++)
		if (strcmp(uids->v[i], text) == 0)
			return true;
	return false;
}

static void
root_written(struct call *c)
{
	struct making *m = c->state;
	json_t *data;

	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	data = json_pack("{s:s%, s:s}", "token", secret_data(m->text),
	    secret_len(m->text), "accessor", m->change.row.alias);
	if (data == NULL)
		fatal("root_written");
	call_ok_secret(c, data);
}

static void
root_recorded(struct call *c)
{
	struct making *m = c->state;

	if (c->reply->ok)
		call_secrets(c, &m->change, 1, root_written);
	else
		call_fail_reply(c);
}

void
root_token(struct call *c)
{
	struct making *m;
	struct error e = { 0 };
	unsigned uid = 0;

	if (!peer_may(c, &uid)) {
		(void)error_set(&e, FAIL_PERMISSION, "not from here");
		call_fail(c, &e);
		return;
	}
	m = mem_calloc(1, sizeof(*m));
	c->state = m;
	c->state_free = making_free;
	m->text = secret_new(TOKEN_TEXT_MAX);
	if (!auth_root_token(&m->change, &m->mem, m->text, c->now_s, &e)) {
		call_fail(c, &e);
		return;
	}
	(void)snprintf(c->who, sizeof(c->who), "uid:%u", uid);
	call_event(c, "root-token",
	    json_pack("{s:s, s:I}", "accessor", m->change.row.alias, "uid",
		(json_int_t)uid),
	    root_recorded);
}
