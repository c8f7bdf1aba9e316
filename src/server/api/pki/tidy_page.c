/* SPDX-License-Identifier: Apache-2.0 */
/* One page of a tidy, as a call of the service's own: look, record, and with it the store
 * forgets. The last one removes expired issuers and ends the run. */
#include <chancery/base/text.h>
#include <chancery/config/service.h>

#include "tidy.h"

struct page {
	struct store *store;
	char *mount;
	struct store_tidy t;
	struct store_tidy_count n;
	size_t rows;
	bool looks, cancelled;
	struct error error; /* why the run ends */
};

static void
page_free(void *state)
{
	struct page *p = state;

	mem_free(p->mount);
	mem_free(p);
}

static const struct doc *
running(struct call *c)
{
	const struct doc *doc =
	    docs_get(c->docs, TIDY_KIND, c->mount->path, TIDY_STATE);
	const char *state = doc != NULL
	    ? json_string_value(json_object_get(doc->json, "state"))
	    : NULL;

	if (state != NULL && strcmp(state, "Running") == 0)
		return doc;
	docs_put(doc);
	return NULL;
}

/* What notAfter has to lie before; 0: the switch is off. */
static int64_t
before(const json_t *state, const char *sw, const char *buffer)
{
	const json_t *o = json_object_get(state, "options");
	int64_t at = tidy_int(state, "started") - tidy_int(o, buffer);

	return tidy_bool(o, sw) && at > 0 ? at : 0;
}

static void
read_state(struct call *c, struct page *p, const json_t *state)
{
	const char *after = call_str(c, "after"),
		   *at = json_string_value(json_object_get(state, "at"));

	p->store = c->store;
	p->mount = mem_strdup(c->mount->path);
	p->t.mount = p->mount;
	p->t.origin = c->settings->origin;
	p->cancelled = call_bool(c, "cancel");
	p->rows =
	    (size_t)tidy_int(json_object_get(state, "options"), "page_size");
	p->t.below = (uint64_t)tidy_int(state, "below");
	p->t.certs_before_s = before(state, "tidy_cert_store", "safety_buffer");
	p->t.revoked_before_s =
	    before(state, "tidy_revoked_certs", "revoked_safety_buffer");
	p->looks = p->t.certs_before_s != 0 || p->t.revoked_before_s != 0;
	/* The runner may have seen more than was worth a record. */
	if (after[0] == '\0')
		after = at != NULL ? at : "";
	if (!hex_decode_fixed(after, p->t.after, LIMIT_SERIAL_BYTES))
		memset(p->t.after, 0, LIMIT_SERIAL_BYTES);
}

/* ---- answers for the runner ---- */

static void
more(struct call *c)
{
	const struct page *p = c->state;
	char after[2 * LIMIT_SERIAL_BYTES + 1];

	hex_encode(bytes_of(p->t.to, LIMIT_SERIAL_BYTES), after);
	call_ok(c, json_pack("{s:b,s:s}", "more", 1, "after", after));
}

static void
no_more(struct call *c)
{
	call_ok(c, json_pack("{s:b}", "more", 0));
}

/* ---- the end ---- */

struct expired {
	struct changes *ch;
	const char *mount;
	char dflt[64];
	int64_t before_s;
	size_t n;
};

/* Not the default one, as upstream: somebody has to choose another first. */
static bool
remove_expired(void *arg, const struct doc *doc)
{
	struct expired *x = arg;

	if (doc->parsed == NULL || strcmp(doc->name, x->dflt) == 0 ||
	    issuer_of(doc)->cert.tbs.not_after_s >= x->before_s)
		return true;
	change_delete(x->ch, "pki-issuer", x->mount, doc->name);
	x->n++;
	return true;
}

static bool
build_end(struct call *c, struct changes *ch)
{
	const struct page *p = c->state;
	auto_doc const struct doc *doc = running(c);
	struct expired x = { .ch = ch, .mount = c->mount->path };
	json_t *state;

	if (doc == NULL) {
		no_more(c);
		return false;
	}
	state = json_deep_copy(doc->json);
	x.before_s =
	    before(state, "tidy_expired_issuers", "issuer_safety_buffer");
	default_id(c->docs, c->mount->path, "issuers", x.dflt);
	if (!p->cancelled && p->error.why == FAIL_NONE && x.before_s != 0)
		docs_each(c->docs, "pki-issuer", x.mount, remove_expired, &x);
	(void)json_object_del(state, "page");
	(void)json_object_set_new(state, "issuers",
	    json_integer((json_int_t)x.n));
	(void)json_object_set_new(state, "finished", json_integer(c->now_s));
	(void)json_object_set_new(state, "state",
	    json_string(p->error.why != FAIL_NONE ? "Error"
		    : p->cancelled                ? "Cancelled"
						  : "Finished"));
	if (p->error.why != FAIL_NONE)
		(void)json_object_set_new(state, "error",
		    json_string(p->error.msg));
	change_put(ch, TIDY_KIND, x.mount, TIDY_STATE, state);
	return true;
}

static void
ended(struct call *c)
{
	if (c->reply->ok)
		no_more(c);
	else
		call_fail_reply(c);
}

/* ---- a page ---- */

static json_t *
page_json(const struct store_tidy *t)
{
	char after[2 * LIMIT_SERIAL_BYTES + 1], to[2 * LIMIT_SERIAL_BYTES + 1];

	hex_encode(bytes_of(t->after, LIMIT_SERIAL_BYTES), after);
	hex_encode(bytes_of(t->to, LIMIT_SERIAL_BYTES), to);
	return json_pack("{s:s,s:s,s:I,s:I,s:I}", "after", after, "to", to,
	    "below", (json_int_t)t->below, "certs_before",
	    (json_int_t)t->certs_before_s, "revoked_before",
	    (json_int_t)t->revoked_before_s);
}

static void
add(json_t *state, const char *name, uint64_t n)
{
	(void)json_object_set_new(state, name,
	    json_integer(tidy_int(state, name) + (json_int_t)n));
}

static bool
build_page(struct call *c, struct changes *ch)
{
	const struct page *p = c->state;
	auto_doc const struct doc *doc = running(c);
	json_t *state, *page;

	if (doc == NULL) {
		no_more(c);
		return false;
	}
	state = json_deep_copy(doc->json);
	page = page_json(&p->t);
	(void)json_object_set(state, "at", json_object_get(page, "to"));
	(void)json_object_set_new(state, "page", page);
	add(state, "certs", p->t.certs_before_s != 0 ? p->n.certs : 0);
	add(state, "revoked", p->n.revoked);
	change_put(ch, TIDY_KIND, c->mount->path, TIDY_STATE, state);
	return true;
}

static void
recorded(struct call *c)
{
	if (c->reply->ok)
		more(c);
	else
		call_fail_reply(c);
}

/* On a helper thread. */
static void
look(void *state)
{
	struct page *p = state;

	if (!store_tidy_look(p->store, p->rows, &p->t, &p->n, &p->error) &&
	    p->error.why == FAIL_NONE)
		fatal("a failure without a reason");
}

static void
looked(struct call *c)
{
	struct page *p = c->state;

	if (p->error.why == FAIL_NONE && p->n.rows > 0)
		call_change(c, "pki tidy page", build_page, recorded);
	else if (p->error.why == FAIL_NONE && !p->n.end)
		more(c);
	else
		call_change(c, "pki tidy ended", build_end, ended);
}

void
tidy_page(struct call *c)
{
	struct page *p = mem_calloc(1, sizeof(*p));
	auto_doc const struct doc *doc = running(c);

	c->state = p;
	c->state_free = page_free;
	if (doc == NULL) {
		no_more(c);
		return;
	}
	read_state(c, p, doc->json);
	if (p->looks && !p->cancelled)
		call_offload(c, look, looked);
	else
		call_change(c, "pki tidy ended", build_end, ended);
}
