/* SPDX-License-Identifier: Apache-2.0 */
/* certs, certs/revoked, cert/:serial (vault-pki-api.md 4.12). Lists are streamed a page at
 * a time: millions take no more memory than hundreds. */
#include <chancery/base/text.h>

#include "engine.h"

#define PAGE 500

struct pages {
	struct store *store;
	char *mount;
	struct store_cert_query q;
	uint8_t after[LIMIT_SERIAL_BYTES];
	size_t left; /* of ?limit= */
	bool begun, done;
	struct buf *out; /* of the page being read */
	size_t got;
};

static void
pages_free(void *arg)
{
	struct pages *p = arg;

	mem_free(p->mount);
	mem_free(p);
}

static bool
add_serial(void *arg, const struct store_cert *c)
{
	struct pages *p = arg;

	buf_add_str(p->out, p->begun ? ",\"" : "\"");
	serial_text(c->serial, p->out);
	buf_add_byte(p->out, '"');
	memcpy(p->after, c->serial, sizeof(p->after));
	p->begun = true;
	p->got++;
	return true;
}

static bool
read_page(struct pages *p, struct buf *out, struct error *e)
{
	p->out = out;
	p->got = 0;
	p->q.limit = p->left < PAGE ? p->left : PAGE;
	if (!store_cert_list(p->store, &p->q, add_serial, p, e))
		return false;
	p->q.after = p->after;
	p->left -= p->got;
	p->done = p->got < p->q.limit || p->left == 0;
	return true;
}

static bool
next_page(void *arg, struct buf *out, struct error *e)
{
	struct pages *p = arg;

	e->why = FAIL_NONE;
	if (p->done)
		return false;
	if (!read_page(p, out, e))
		return false;
	if (p->done)
		buf_add_str(out, "]}");
	return true;
}

/* The first page is there before the answer begins: an empty list is 404. */
struct first {
	struct pages *pages;
	struct buf text;
	bool sent;
};

static bool
first_page(void *arg, struct buf *out, struct error *e)
{
	struct first *f = arg;

	e->why = FAIL_NONE;
	if (f->sent)
		return next_page(f->pages, out, e);
	f->sent = true;
	buf_add_bytes(out, buf_bytes(&f->text));
	return true;
}

static void
first_free(void *arg)
{
	struct first *f = arg;

	pages_free(f->pages);
	buf_free(&f->text);
	mem_free(f);
}

static bool
take_range(struct call *c, struct pages *p, struct error *e)
{
	const char *after = call_str(c, "after");
	int64_t limit = call_int(c, "limit");

	p->left = limit > 0 ? (size_t)limit : SIZE_MAX;
	if (after[0] == '\0')
		return true;
	p->q.after = p->after;
	return pki_serial_parse(after, p->after) ||
	    error_set(e, FAIL_BAD_INPUT,
		"after: \"%.100s\" is not a serial number in hex", after);
}

static void
list(struct call *c, bool revoked_only)
{
	struct pages *p = mem_calloc(1, sizeof(*p));
	struct first *f = mem_calloc(1, sizeof(*f));
	struct error e;

	p->store = c->store;
	p->mount = mem_strdup(c->mount->path);
	p->q = (struct store_cert_query){ .mount = p->mount,
		.revoked_only = revoked_only };
	f->pages = p;
	buf_add_str(&f->text, "{\"keys\":[");
	if (!take_range(c, p, &e) || !read_page(p, &f->text, &e)) {
		first_free(f);
		call_fail(c, &e);
	} else if (!p->begun) {
		first_free(f);
		call_not_found(c);
	} else {
		if (p->done)
			buf_add_str(&f->text, "]}");
		call_ok_stream(c, first_page, first_free, f);
	}
}

void
cert_list(struct call *c)
{
	list(c, false);
}

void
revoked_list(struct call *c)
{
	list(c, true);
}

/* ---- one ------------------------------------------------------------------------- */

struct row {
	struct store_cert cert;
	struct buf mem;
};

static void
row_free(struct row *r)
{
	buf_free(&r->mem);
}

/* False: answered. */
static bool
find_row(struct call *c, struct row *r)
{
	uint8_t serial[LIMIT_SERIAL_BYTES];
	struct error e;

	if (!pki_serial_parse(call_str(c, "serial"), serial)) {
		call_not_found(c);
		return false;
	}
	if (store_cert_get(c->store, c->mount->path, serial, &r->cert, &r->mem,
		&e) &&
	    r->cert.der.n > 0)
		return true;
	if (r->cert.der.n == 0 || e.why == FAIL_NOT_FOUND)
		call_not_found(c);
	else
		call_fail(c, &e);
	return false;
}

struct owner {
	const struct sha256 *key;
	json_t *data;
};

static bool
of_key(void *arg, const struct doc *doc)
{
	struct owner *o = arg;

	if (doc->parsed == NULL ||
	    memcmp(issuer_of(doc)->key.b, o->key->b, SHA256_LEN) != 0)
		return true;
	(void)json_object_set_new(o->data, "issuer_id", json_string(doc->name));
	return false;
}

static json_t *
row_json(struct call *c, const struct store_cert *cert)
{
	char when[TIME_TEXT_SIZE] = "";
	json_t *data =
	    json_pack("{s:o,s:I}", "certificate", pem_json(cert->der),
		"revocation_time", (json_int_t)cert->revoked_s);
	struct owner o = { &cert->issuer_key, data };

	if (cert->revoked_s != 0) {
		time_format_s(cert->revoked_s, when);
		docs_each(c->docs, "pki-issuer", c->mount->path, of_key, &o);
	}
	(void)json_object_set_new(data, "revocation_time_rfc3339",
	    json_string(when));
	return data;
}

/* cert/ca, cert/ca_chain, cert/crl are rows of their own; what is left is a serial. */
void
cert_read(struct call *c)
{
	auto_cleanup(row_free) struct row r = { 0 };

	if (find_row(c, &r))
		call_ok(c, row_json(c, &r.cert));
}

void
cert_raw(struct call *c)
{
	auto_cleanup(row_free) struct row r = { 0 };

	if (find_row(c, &r))
		call_raw(c, 200, "application/pkix-cert", r.cert.der);
}

void
cert_raw_pem(struct call *c)
{
	auto_cleanup(row_free) struct row r = { 0 };
	auto_buf struct buf pem = { 0 };

	if (!find_row(c, &r))
		return;
	pem_encode("CERTIFICATE", r.cert.der, &pem);
	call_raw(c, 200, "application/pem-certificate-chain", buf_bytes(&pem));
}
