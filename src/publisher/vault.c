/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs for a Vault or OpenBao. */
#include <stdio.h>

#include "lookup.h"
#include "publisher.h"

/* What the statuses of that API say beside 200 (vault-pki-api.md 1.4). */
static const struct {
	long status;
	enum fail why;
	const char *msg;
} statuses[] = {
	{ 301, FAIL_NOT_FOUND, "it points elsewhere (301)" },
	{ 302, FAIL_NOT_FOUND, "it points elsewhere (302)" },
	{ 307, FAIL_NOT_FOUND,
	    "it points elsewhere (307): it is a standby node, and tokens "
	    "are not taken where an answer says" },
	{ 308, FAIL_NOT_FOUND, "it points elsewhere (308)" },
	{ 400, FAIL_NOT_FOUND,
	    "it answers 400: is its namespace the right one?" },
	{ 404, FAIL_NOT_FOUND,
	    "it answers 404: are address and namespace the right ones?" },
	{ 412, FAIL_BUSY, "it answers 412: it is not up to date yet" },
	{ 429, FAIL_BUSY, "it answers 429: too many questions" },
	{ 472, FAIL_BUSY, "it is a replica that does not serve (472)" },
	{ 473, FAIL_BUSY, "it is a standby node (473)" },
	{ 503, FAIL_BUSY, "it is sealed or under maintenance (503)" },
};

static void
by_status(struct errand *e, const struct outside_reply *r)
{
	char text[64];

	if (r->status == 403 && lookup_is_refusal(r->body)) {
		errand_fail(e, FAIL_PERMISSION, "it does not know the token");
		return;
	}
	for (size_t i = 0; i < countof(statuses); i++)
		if (statuses[i].status == r->status) {
			errand_fail(e, statuses[i].why, statuses[i].msg);
			return;
		}
	(void)snprintf(text, sizeof(text), "it answers with status %ld",
	    r->status);
	errand_fail(e, FAIL_IO, text);
}

static void
looked_up(void *arg, const struct outside_reply *r)
{
	struct errand *e = arg;
	struct lookup l = { 0 };
	struct error err = { 0 };

	if (r->why != FAIL_NONE)
		errand_fail(e, r->why, r->msg);
	else if (r->status != 200)
		by_status(e, r);
	else if (!lookup_read(r->body, r->token, &l, &err))
		errand_fail(e, err.why, err.msg);
	else
		errand_answer(e, &l.answer);
	lookup_free(&l);
}

void
vault_lookup(struct errand *e, const struct job_request *q, unused_arg int *fd)
{
	const struct service_vault *v = e->room->cfg.vault.v;
	struct outside *to = outside_get(e->room->outsides, q->service);
	struct error err = { 0 };
	struct outside_request r = { .path = "/v1/auth/token/lookup-self",
		.token = q->secret,
		.done = looked_up,
		.arg = e };

	if (to == NULL) {
		errand_fail(e, FAIL_NOT_FOUND, "there is no such Vault");
		return;
	}
	r.name_space = v[q->service].name_space;
	r.timeout_ms = v[q->service].timeout_s * 1000;
	if (!outside_get_path(to, &r, &err))
		errand_fail(e, err.why, err.msg);
}
