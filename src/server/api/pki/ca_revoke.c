/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issuer/:ref/revoke (vault-pki-api.md 4.9): recorded at the issuer above it, where this mount
 * has that one's key; from then on it signs no certificates, and nothing gives it that back.
 */
#include "revoke.h"

static void
warn_alone(struct call *c, const struct issuer *i, const struct doc *parent)
{
	char dflt[64];

	if (i->self_signed)
		call_warn(c,
		    "This issuer is self-signed: it stands on no list, and "
		    "whoever trusts it has to be told otherwise.");
	else if (parent == NULL)
		call_warn(c,
		    "The issuer of this one has no key in this mount: revoke "
		    "it there as well, or clients will not learn of it.");
	default_id(c->docs, c->mount->path, "issuers", dflt);
	if (strcmp(dflt, i->id) == 0)
		call_warn(c,
		    "This issuer is the default of this mount; what names no "
		    "other will fail until config/issuers has a new one.");
}

static void
answer(struct call *c)
{
	auto_doc const struct doc *doc = issuer_of_call(c);

	if (doc != NULL)
		call_ok(c, issuer_json(c->docs, c->mount->path, doc));
}

static bool
build(struct call *c, struct changes *ch)
{
	const struct revocation *r = c->state;
	auto_doc const struct doc *now = issuer_of_call(c);
	auto_buf struct buf usage = { 0 };
	json_t *doc;

	if (now == NULL)
		return false;
	doc = json_deep_copy(now->json);
	usage_text(issuer_of(now)->usage & ~(unsigned)USAGE_ISSUE, &usage);
	(void)json_object_set_new(doc, "usage", json_string(buf_cstr(&usage)));
	(void)json_object_set_new(doc, "revoked", json_integer(r->time_s));
	change_put(ch, "pki-issuer", c->mount->path, now->name, doc);
	return true;
}

static void
marked(struct call *c)
{
	const struct revocation *r = c->state;

	if (!c->reply->ok)
		call_fail_reply(c);
	else if (r->issuer != NULL)
		revocation_list(c, true, answer);
	else
		answer(c);
}

static void
mark(struct call *c)
{
	call_change(c, "pki issuer revoked", build, marked);
}

void
issuer_revoke(struct call *c)
{
	auto_doc const struct doc *doc = issuer_of_call(c), *parent = NULL;
	struct revocation *r;
	struct error e;

	if (doc == NULL)
		return;
	if (issuer_of(doc)->revoked_s != 0) {
		call_ok(c, issuer_json(c->docs, c->mount->path, doc));
		return;
	}
	parent = issuer_above(c->docs, c->mount->path, issuer_of(doc));
	warn_alone(c, issuer_of(doc), parent);
	r = revocation_new(c);
	r->time_s = c->now_s;
	if (parent == NULL)
		mark(c);
	/* The parsed certificate goes with its document: the revocation has its own. */
	else if (cert_parse(buf_bytes(&issuer_of(doc)->cert.der), "certificate",
		     &r->given, &e) &&
	    revocation_of_cert(c, r, parent, &r->given, &e))
		revocation_record(c, mark);
	else
		call_fail(c, &e);
}
