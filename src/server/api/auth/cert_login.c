/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificate it is, and the login with it. */
#include <chancery/server/pki.h>

#include "cert.h"

#define NOT_KNOWN "invalid certificate or no client certificate supplied"
#define NOT_FIT                                                                \
	"no chain matching all constraints could be found for this login "     \
	"certificate"

struct client_cert *
cert_shown(const struct call *c, struct error *e)
{
	auto_buf struct buf der = { 0 };

	if (http_peer_cert(c->x, &der))
		return client_cert_new(buf_bytes(&der), e);
	(void)error_set(e, FAIL_BAD_INPUT, "no client certificate found");
	return NULL;
}

/* ---- revoked: by lists of the mount, or by one of our own mounts ---- */

struct asking {
	const struct call *c;
	const struct cert_asked *a;
	const struct client_cert *shown;
	const struct cert_link *link;
	bool leaf_roles; /* those of one certificate come first */
	bool revoked, unfit;
	const struct doc *found; /* counted */
	struct error *e;
	struct error broken; /* the first thing that was wrong with a chain */
};

static bool
in_list(void *arg, const struct doc *d)
{
	struct asking *k = arg;

	k->revoked = d->parsed != NULL && cert_crl_has(d->parsed, k->link);
	return !k->revoked;
}

/* A row of that serial is of that certificate: signed by the same key, or, where the signer
 * was not shown, in the same name. One that was not kept has no name. */
static bool
same_issuer(const struct store_cert *row, const struct cert_link *link)
{
	const uint8_t *p = row->der.p;
	bool same;
	X509 *x;

	if (link->issuer_key != NULL)
		return memcmp(&row->issuer_key, link->issuer_key,
			   sizeof(row->issuer_key)) == 0;
	if (row->der.n == 0)
		return true;
	x = d2i_X509(NULL, &p, (long)row->der.n);
	same = x == NULL ||
	    X509_NAME_cmp(X509_get_issuer_name(x), link->issuer) == 0;
	X509_free(x);
	return same;
}

/* FAIL_NOT_FOUND: of another issuer, or nobody's. */
static bool
row_of(struct asking *k, const char *mount, bool *other, struct error *e)
{
	auto_buf struct buf mem = { 0 };
	struct store_cert row;

	if (!store_cert_get(k->c->store, mount, k->link->serial, &row, &mem, e))
		return false;
	*other = !same_issuer(&row, k->link);
	k->revoked = !*other && row.revoked_s != 0;
	return true;
}

static bool
in_mount(void *arg, const struct doc *d)
{
	struct asking *k = arg;
	bool other = false;

	if (row_of(k, d->name, &other, k->e) && !other)
		return false;
	return k->e->why == FAIL_NONE || k->e->why == FAIL_NOT_FOUND;
}

/* Two issuers may have used one number: then each mount is asked. */
static void
in_store(struct asking *k)
{
	bool other = false;

	if (row_of(k, NULL, &other, k->e) && other)
		docs_each(k->c->docs, "mount", "", in_mount, k);
	if (k->e->why == FAIL_NOT_FOUND)
		k->e->why = FAIL_NONE;
}

static bool
is_revoked(void *arg, const struct cert_link *link, struct error *e)
{
	struct asking *k = arg;

	k->link = link;
	k->e = e;
	k->revoked = false;
	docs_each(k->c->docs, CERT_CRL_KIND, k->a->mount, in_list, k);
	if (!k->revoked)
		in_store(k);
	return k->revoked;
}

/* ---- roles ---- */

static bool
try_role(void *arg, const struct doc *d)
{
	struct asking *k = arg;
	struct error e = { 0 };

	if (d->parsed == NULL || cert_role_is_leaf(d->parsed) != k->leaf_roles)
		return true;
	switch (cert_role_judge(d->parsed, d->json, k->shown, k->c->now_s,
	    is_revoked, k, &e)) {
	case CERT_GOOD:
		k->found = docs_ref(d);
		return false;
	case CERT_UNKNOWN:
		return true;
	case CERT_UNFIT:
		k->unfit = true;
		return true;
	case CERT_BROKEN:
		if (k->broken.why == FAIL_NONE)
			k->broken = e;
		return true;
	case CERT_UNDECIDED:
		k->broken = e;
		return false;
	}
	return true;
}

static void
try_roles(struct asking *k)
{
	if (k->a->role[0] == '\0') {
		docs_each(k->c->docs, CERT_ROLE_KIND, k->a->mount, try_role, k);
	} else {
		auto_doc const struct doc *d = docs_get(k->c->docs,
		    CERT_ROLE_KIND, k->a->mount, k->a->role);

		if (d != NULL)
			(void)try_role(k, d);
	}
}

static void
explain(const struct asking *k, struct error *e)
{
	if (k->broken.why != FAIL_NONE && k->broken.why != FAIL_BAD_INPUT)
		*e = k->broken;
	else if (k->unfit)
		(void)error_set(e, FAIL_BAD_INPUT, NOT_FIT);
	else if (k->broken.why != FAIL_NONE)
		(void)error_set(e, FAIL_BAD_INPUT,
		    "failed to verify client's certificate: %s", k->broken.msg);
	else
		(void)error_set(e, FAIL_BAD_INPUT, NOT_KNOWN);
}

const struct doc *
cert_match(const struct call *c, const struct cert_asked *a,
    const struct client_cert *shown, struct error *e)
{
	struct asking k = { .c = c, .a = a, .shown = shown };

	for (int leaf = 1; leaf >= 0; leaf--) {
		k.leaf_roles = leaf == 1;
		if (k.found == NULL)
			try_roles(&k);
	}
	if (k.found == NULL)
		explain(&k, e);
	return k.found;
}

/* ---- login ---- */

static void
answer_error(struct call *c, const struct error *e)
{
	if (e->why == FAIL_BAD_INPUT)
		call_error(c, 400, "%s", e->msg);
	else
		call_fail(c, e);
}

static json_t *
metadata(const struct doc *role, const struct client_cert *shown)
{
	json_t *meta = client_cert_metadata(shown,
	    json_object_get(role->json, "allowed_metadata_extensions"));

	(void)json_object_set_new(meta, "cert_name", json_string(role->name));
	return meta;
}

void
cert_login(struct call *c)
{
	char name[256];
	struct cert_asked a = { .mount = c->mount->path, .role = name };
	struct error e = { 0 };
	auto_client_cert struct client_cert *shown = cert_shown(c, &e);
	auto_doc const struct doc *role = NULL;
	auto_json json_t *meta = NULL;

	lower_text(call_str(c, "name"), name, sizeof(name));
	if (shown != NULL)
		role = cert_match(c, &a, shown, &e);
	if (role == NULL) {
		answer_error(c, &e);
		return;
	}
	meta = metadata(role, shown);
	login_finish(c,
	    &(struct login){ .role = role->json,
		.name = doc_str(role->json, "display_name"),
		.path = c->why,
		.meta = meta });
}

/* ---- renewal ---- */

bool
cert_renewable(const struct call *c, const struct token *t, const char *mount,
    struct error *e)
{
	auto_doc const struct doc *config =
	    docs_get(c->docs, CERT_CONFIG_KIND, mount, "config");
	auto_client_cert struct client_cert *shown = NULL;
	auto_doc const struct doc *role = NULL;
	struct cert_asked a = { .mount = mount,
		.role = doc_str(t->meta, "cert_name") };

	if (config != NULL &&
	    member_bool(config->json, "disable_binding", false))
		return true;
	shown = cert_shown(c, e);
	if (shown == NULL)
		return false;
	role = cert_match(c, &a, shown, e);
	if (role == NULL)
		return false;
	return client_cert_continues(shown, t->meta) ||
	    error_set(e, FAIL_BAD_INPUT,
		"client identity during renewal not matching client identity "
		"used during login");
}
