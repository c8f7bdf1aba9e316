/* SPDX-License-Identifier: Apache-2.0 */
/* certs, certs/revoked, certs/detailed, cert/:serial (vault-pki-api.md 4.12). Lists are
 * streamed a page at a time: millions take no more memory than hundreds. */
#include <chancery/base/text.h>

#include "certs.h"

#define PAGE 500

/* What is written one part after the other, each over the same range of serials. */
struct part {
	const char *open, *close; /* open NULL ends */
	bool with_der;
	void (*row)(const struct store_cert *c, struct buf *out);
};

static void
row_serial(const struct store_cert *c, struct buf *out)
{
	buf_add_byte(out, '"');
	serial_text(c->serial, out);
	buf_add_byte(out, '"');
}

static const struct part plain[] = {
	{ "{\"keys\":[", "]", false, row_serial },
	{ 0 },
};
static const struct part detailed[] = {
	{ "{\"keys\":[", "]", false, row_serial },
	{ ",\"key_info\":{", "}", true, cert_row_info },
	{ 0 },
};

struct pages {
	struct store *store;
	char *mount;
	const struct part *part;
	struct store_cert_query q;
	uint8_t start[LIMIT_SERIAL_BYTES], after[LIMIT_SERIAL_BYTES];
	bool from_start; /* no ?after= */
	/* The last row of the first part: others end there. */
	uint8_t last[LIMIT_SERIAL_BYTES];
	size_t left; /* of ?limit= */
	bool first, begun, done, passed;
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
add_row(void *arg, const struct store_cert *c)
{
	struct pages *p = arg;

	p->passed =
	    !p->first && memcmp(c->serial, p->last, LIMIT_SERIAL_BYTES) > 0;
	if (p->passed)
		return false;
	if (p->begun)
		buf_add_byte(p->out, ',');
	p->part->row(c, p->out);
	memcpy(p->after, c->serial, sizeof(p->after));
	if (p->first)
		memcpy(p->last, c->serial, sizeof(p->last));
	p->begun = true;
	p->got++;
	return true;
}

static void
begin_part(struct pages *p, struct buf *out)
{
	buf_add_str(out, p->part->open);
	p->begun = false;
	p->q.after = NULL;
	if (p->from_start)
		return;
	memcpy(p->after, p->start, sizeof(p->after));
	p->q.after = p->after;
}

static void
end_part(struct pages *p, struct buf *out)
{
	buf_add_str(out, p->part->close);
	p->part++;
	p->first = false;
	p->left = SIZE_MAX;
	p->done = p->part->open == NULL;
	if (p->done)
		buf_add_byte(out, '}');
	else
		begin_part(p, out);
}

/* Rows that go between two parts are missing in the second, new ones in the first; an
 * entry of keys without one of key_info is what clients have to expect. */
static bool
read_page(struct pages *p, struct buf *out, struct error *e)
{
	p->out = out;
	p->got = 0;
	p->passed = false;
	p->q.with_der = p->part->with_der;
	p->q.limit = p->left < PAGE ? p->left : PAGE;
	if (!store_cert_list(p->store, &p->q, add_row, p, e))
		return false;
	p->q.after = p->after;
	p->left -= p->got;
	if (p->passed || p->got < p->q.limit || p->left == 0)
		end_part(p, out);
	return true;
}

static bool
next_page(void *arg, struct buf *out, struct error *e)
{
	struct pages *p = arg;

	e->why = FAIL_NONE;
	return !p->done && read_page(p, out, e);
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
	p->from_start = after[0] == '\0';
	return p->from_start || pki_serial_parse(after, p->start) ||
	    error_set(e, FAIL_BAD_INPUT,
		"after: \"%.100s\" is not a serial number in hex", after);
}

static bool
first_read(struct call *c, struct first *f, struct error *e)
{
	struct pages *p = f->pages;

	if (!take_range(c, p, e))
		return false;
	begin_part(p, &f->text);
	return read_page(p, &f->text, e);
}

static void
list(struct call *c, const struct part *parts, bool revoked_only)
{
	struct pages *p = mem_calloc(1, sizeof(*p));
	struct first *f = mem_calloc(1, sizeof(*f));
	struct error e;

	p->store = c->store;
	p->mount = mem_strdup(c->mount->path);
	p->part = parts;
	p->first = true;
	p->q = (struct store_cert_query){ .mount = p->mount,
		.revoked_only = revoked_only };
	f->pages = p;
	if (!first_read(c, f, &e)) {
		first_free(f);
		call_fail(c, &e);
	} else if (p->got == 0) {
		first_free(f);
		call_not_found(c);
	} else {
		call_ok_stream(c, first_page, first_free, f);
	}
}

void
cert_list(struct call *c)
{
	list(c, plain, false);
}

void
revoked_list(struct call *c)
{
	list(c, plain, true);
}

void
cert_list_detailed(struct call *c)
{
	list(c, detailed, false);
}

/* Nothing waits to be revoked elsewhere: there is one place. */
void
revocation_queue(struct call *c)
{
	call_not_found(c);
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
