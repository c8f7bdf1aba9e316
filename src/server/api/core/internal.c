/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the service's own (its TLS certificate): the same rows and handlers. */
#include "core.h"

static void
serve_internal(struct call *c)
{
	struct flight *f = flight_of(c);
	struct error e = { 0 };

	serve_find_row(f);
	if (c->route == NULL || c->route->op[c->op] == NULL) {
		flight_refuse(f, 404, "unsupported path");
		return;
	}
	c->typed =
	    fields_typed(c->route->fields, f->captures, c->given, NULL, &e);
	if (c->typed == NULL)
		call_error(c, 400, "%s", e.msg);
	else
		c->route->op[c->op](c);
}

void
api_call(struct api *a, unsigned worker, const struct api_own_call *own,
    api_done_fn *done, void *arg)
{
	struct flight *f = flight_new(&a->workers[worker], NULL);

	f->done = done;
	f->done_arg = arg;
	f->c.op = own->op;
	f->c.given = own->given;
	f->c.token = auth_token_peer(f->c.tokens, geteuid(), true, f->c.now_s);
	buf_add_str(&f->path, own->path);
	(void)buf_cstr(&f->path);
	text_cut(f->c.why, sizeof(f->c.why), own->path);
	text_cut(f->c.who, sizeof(f->c.who),
	    own->who != NULL ? own->who : "server");
	flight_run(f, serve_internal);
}
