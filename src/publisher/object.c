/* SPDX-License-Identifier: Apache-2.0 */
#include "object.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <chancery/base/clock.h>
#include <chancery/base/text.h>
#include <chancery/pki/crl_scan.h>

#include "publisher.h"

#define LABEL "X509 CRL"
#define PIECE (256 * 1024)

bool
object_is_list(const struct object *o)
{
	return o->form == JOB_FORM_LIST || o->form == JOB_FORM_LIST_PEM;
}

bool
object_is_pem(const struct object *o)
{
	return o->form == JOB_FORM_LIST_PEM ||
	    o->form == JOB_FORM_CERTIFICATE_PEM;
}

/* ---- reading ---------------------------------------------------------------- */

void
object_rewind(struct object *o)
{
	o->at = 0;
	o->pem_at = 0;
	o->pem_made = 0;
	buf_reset(&o->pem);
}

static size_t
read_plain(struct object *o, void *p, size_t n, bool *ok)
{
	uint64_t all = o->fd >= 0 ? o->file_n : o->memory.n;
	uint64_t left = all - o->at;
	ssize_t got;

	n = n < left ? n : (size_t)left;
	if (n == 0)
		return 0;
	if (o->fd < 0) {
		memcpy(p, o->memory.p + o->at, n);
	} else {
		got = pread(o->fd, p, n, (off_t)o->at);
		*ok = got > 0;
		n = *ok ? (size_t)got : 0;
	}
	o->at += n;
	return n;
}

static bool
fill(struct object *o, uint8_t *p, size_t n, size_t *got)
{
	bool ok = true;
	size_t r;

	for (*got = 0; *got < n && ok; *got += r) {
		r = read_plain(o, p + *got, n - *got, &ok);
		if (r == 0)
			break;
	}
	return ok;
}

/* The next lines. */
static bool
next_pem(struct object *o)
{
	struct pem_piece p = pem_piece_at(LABEL, o->file_n, o->pem_made);
	uint8_t der[PEM_PIECE_BYTES];
	size_t n;

	buf_reset(&o->pem);
	o->pem_at = 0;
	o->at = p.at;
	if (!fill(o, der, p.n, &n) || n != p.n)
		return false;
	pem_piece_encode(LABEL, o->file_n, &p, bytes_of(der, n), &o->pem);
	o->pem_made += o->pem.n;
	return true;
}

size_t
object_read(struct object *o, void *p, size_t n, bool *ok)
{
	size_t left;

	*ok = true;
	if (o->form != JOB_FORM_LIST_PEM)
		return read_plain(o, p, n, ok);
	if (o->pem_at == o->pem.n && o->pem_made < o->length)
		*ok = next_pem(o);
	left = *ok ? o->pem.n - o->pem_at : 0;
	n = n < left ? n : left;
	if (n > 0)
		memcpy(p, o->pem.p + o->pem_at, n);
	o->pem_at += n;
	return n;
}

bool
object_hash(struct object *o, struct sha256 *out, struct error *e)
{
	struct digest *d = digest_new(DIGEST_SHA256);
	auto_mem uint8_t *piece = mem_alloc(PIECE);
	uint8_t full[DIGEST_MAX];
	bool ok = true;
	size_t n;

	object_rewind(o);
	while ((n = object_read(o, piece, PIECE, &ok)) > 0)
		digest_add(d, bytes_of(piece, n));
	(void)digest_finish(d, full);
	memcpy(out->b, full, sizeof(out->b));
	return ok || error_errno(e, FAIL_IO, "the list");
}

/* ---- the first stage: what is to be published is right ------------------------- */

struct facts
facts_of(const struct crl_view *v)
{
	return (struct facts){ .number = v->number,
		.this_s = v->this_update_s,
		.next_s = v->next_update_s,
		.delta = v->has_delta,
		.url = sha256(v->idp_url) };
}

static bool
take_facts(struct object *o, const struct crl_view *v, struct error *e)
{
	o->facts = facts_of(v);
	return bytes_eq(v->issuer, o->issuer.tbs.subject) ||
	    error_set(e, FAIL_BAD_INPUT, "the list is of another issuer");
}

/* Ed25519 signs the message itself: the file is mapped, which takes no memory of ours. (All
 * of the process may be locked: not this.) */
static bool
verify_mapped(struct object *o, struct error *e)
{
	struct crl_view v;
	auto_buf struct buf owned = { 0 };
	void *map = mmap(NULL, o->file_n, PROT_READ, MAP_PRIVATE, o->fd, 0);
	bool ok;

	if (map == MAP_FAILED)
		return error_errno(e, FAIL_IO, "the list");
	(void)munlock(map, o->file_n);
	ok = crl_parse(bytes_of(map, o->file_n), "the list", &owned, &v, e) &&
	    crl_verify(&v, &o->issuer.tbs.key, e) && take_facts(o, &v, e);
	(void)munmap(map, o->file_n);
	return ok;
}

static bool
verify_passing(struct object *o, const _Atomic bool *stop, struct error *e)
{
	auto_crl_scan struct crl_scan *scan = crl_scan_new(&o->issuer.tbs.key);
	auto_mem uint8_t *piece = mem_alloc(PIECE);
	struct crl_view v;
	bool ok = true;
	size_t n;

	object_rewind(o);
	while ((n = read_plain(o, piece, PIECE, &ok)) > 0 &&
	    crl_scan_add(scan, bytes_of(piece, n)))
		if (atomic_load(stop))
			return error_set(e, FAIL_ABORTED, "the publisher ends");
	if (!ok)
		return error_errno(e, FAIL_IO, "the list");
	return crl_scan_end(scan, &v, e) && take_facts(o, &v, e);
}

static bool
check_facts(const struct facts *f, uint64_t number, struct error *e)
{
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;

	if (f->number != number)
		return error_set(e, FAIL_BAD_INPUT,
		    "the list has number %llu, not %llu",
		    (unsigned long long)f->number, (unsigned long long)number);
	if (f->this_s > now_s + LIMIT_FUTURE_S || f->next_s <= f->this_s)
		return error_set(e, FAIL_BAD_INPUT,
		    "the list is not valid yet, or never");
	return true;
}

static bool
open_list(struct object *o, const struct job_request *q,
    const _Atomic bool *stop, struct error *e)
{
	struct stat st;
	bool mapped = o->issuer.tbs.key.type.alg == KEY_ED25519;

	if (o->fd < 0 || fstat(o->fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size <= 0 || st.st_size > LIMIT_LIST_BYTES)
		return error_set(e, FAIL_BAD_INPUT, "no list came");
	o->file_n = (uint64_t)st.st_size;
	o->length =
	    o->form == JOB_FORM_LIST ? o->file_n : pem_length(LABEL, o->file_n);
	return (mapped ? verify_mapped(o, e) : verify_passing(o, stop, e)) &&
	    check_facts(&o->facts, q->number, e);
}

static void
open_certificate(struct object *o)
{
	if (o->form == JOB_FORM_CERTIFICATE)
		buf_add_bytes(&o->memory, buf_bytes(&o->issuer.der));
	else
		pem_encode("CERTIFICATE", buf_bytes(&o->issuer.der),
		    &o->memory);
	o->length = o->memory.n;
}

bool
object_open(struct object *o, const struct job_request *q, int fd,
    const _Atomic bool *stop, struct error *e)
{
	*o = (struct object){ .fd = -1 };
	if (q->form >= JOB_FORM__COUNT)
		return error_set(e, FAIL_BAD_INPUT, "form %u", q->form);
	if (q->name == NULL || !service_object_name_check(q->name, e))
		return error_context(e, "name");
	if (!cert_parse(q->issuer, "issuer", &o->issuer, e))
		return false;
	o->form = (enum job_form)q->form;
	o->name = q->name;
	if (!o->issuer.tbs.key_ok)
		return error_set(e, FAIL_UNSUPPORTED, "issuer: unknown key");
	if (!object_is_list(o)) {
		open_certificate(o);
		return true;
	}
	o->fd = fd;
	return open_list(o, q, stop, e);
}

void
object_close(struct object *o)
{
	cert_free(&o->issuer);
	buf_free(&o->memory);
	buf_free(&o->pem);
}
