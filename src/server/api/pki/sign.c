/* SPDX-License-Identifier: Apache-2.0 */
/* The part that all certificates share: serial, TBS, CERTIFY, store. */
#include <openssl/evp.h>

#include "lease.h"
#include "partition.h"

static void
work_free(void *state)
{
	struct work *w = state;

	way_put(w->way);
	csr_free(&w->csr);
	pki_names_free(&w->names);
	pki_texts_free(&w->life.warnings);
	buf_free(&w->subject);
	buf_free(&w->tbs);
	buf_free(&w->spki_der);
	buf_free(&w->cert);
	buf_free(&w->skid_mem);
	EVP_PKEY_free(w->pkey);
	pki_template_free(w->own);
	json_decref(w->answer_data);
	ca_import_free(w->import);
	cert_free(&w->given);
	mem_free(w);
}

struct work *
work_new(struct call *c)
{
	struct work *w = mem_calloc(1, sizeof(*w));

	c->state = w;
	c->state_free = work_free;
	return w;
}

void
warn_all(struct call *c, const struct pki_texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		call_warn(c, "%s", t->v[i]);
}

bool
signed_put(struct call *c, struct store_cert *row,
    const uint8_t serial[LIMIT_SERIAL_BYTES], struct error *e)
{
	const struct lane_hello *hello = lane_hello(c->lane);

	row->mount = c->mount->path;
	row->origin = hello != NULL ? hello->origin : "";
	row->index = c->reply->index;
	memcpy(row->serial, serial, sizeof(row->serial));
	return store_cert_put(c->store, row, e);
}

/* A certificate that is not kept is still the register's; only its row is empty. */
static bool
put_cert(struct call *c, struct work *w, struct error *e)
{
	bool no_store = w->way != NULL && w->way->role->no_store;
	struct store_cert row = { .issuer_key = w->hsm_key,
		.der = no_store ? bytes_of(NULL, 0) : buf_bytes(&w->cert),
		.not_before_s = w->life.from_s,
		.not_after_s = w->life.to_s,
		.ca = w->ca };

	return signed_put(c, &row, w->serial, e);
}

static void
signed_(struct call *c)
{
	struct work *w = work_of(c);
	struct error e;

	if (!c->reply->ok && c->reply->stale_serial && !w->retried) {
		w->retried = true;
		work_sign(c);
		return;
	}
	if (!c->reply->ok) {
		call_fail_reply(c);
		return;
	}
	cert_assemble(buf_bytes(&w->tbs), w->alg, c->reply->sig, &w->cert);
	/* Nobody gets what the store could not take; the register has it. */
	if (!put_cert(c, w, &e)) {
		call_fail(c, &e);
		return;
	}
	if (lease_wanted(w))
		lease_make(c);
	else
		w->answer(c);
}

static void
write_tbs(struct call *c)
{
	struct work *w = work_of(c);
	struct pki_cert_request r = { .serial = bytes_of(w->serial,
					  sizeof(w->serial)),
		.from_s = w->life.from_s,
		.to_s = w->life.to_s,
		.beyond = w->life.beyond,
		.subject = buf_bytes(&w->subject),
		.key = &w->key,
		.san = w->names.san,
		.san_n = w->names.san_n,
		.partition = w->partition,
		.skid = w->skid,
		.copy = w->copy ? &w->csr.exts : NULL,
		.now_s = c->now_s };
	struct error e;

	buf_reset(&w->tbs);
	if (!pki_template_write(w->own != NULL ? w->own : w->way->t, &r,
		&w->tbs, &e)) {
		call_fail(c, &e);
		return;
	}
	call_certify(c, &w->hsm_key, buf_bytes(&w->tbs), w->profile, signed_);
}

/* The partition follows from the serial. */
static void
with_serial(struct call *c)
{
	const struct way *way = work_of(c)->way;

	if (!c->reply->ok)
		call_fail_reply(c);
	else if (way != NULL && way->partitioned)
		partition_place(c, write_tbs);
	else
		write_tbs(c);
}

void
work_sign(struct call *c)
{
	if (lease_check(c, work_of(c)))
		call_serial(c, work_of(c)->serial, with_serial);
}

/* ---- fields ------------------------------------------------------------------ */

const char *
in_str(const struct call *c, const char *field)
{
	const char *s = json_string_value(call_get(c, field));

	return s != NULL ? s : "";
}

bool
in_bool(const struct call *c, const char *field)
{
	return json_is_true(call_get(c, field));
}

int64_t
in_int(const struct call *c, const char *field)
{
	return json_integer_value(call_get(c, field));
}

bool
oids_check(const struct pki_texts *oids, struct error *e)
{
	for (size_t i = 0; i < oids->n; i++)
		if (!pki_oid_valid(oids->v[i]))
			return error_set(e, FAIL_BAD_INPUT,
			    "\"%.100s\" could not be parsed as a valid OID",
			    oids->v[i]);
	return true;
}

void
names_in_of(struct call *c, const struct pki_role *r, const struct csr *csr,
    struct pki_names_in *out)
{
	*out = (struct pki_names_in){ .role = r,
		.csr = csr,
		.exclude_cn_from_sans = in_bool(c, "exclude_cn_from_sans"),
		.common_name = in_str(c, "common_name"),
		.serial_number = in_str(c, "serial_number"),
		.alt_names = call_get(c, "alt_names"),
		.ip_sans = call_get(c, "ip_sans"),
		.uri_sans = call_get(c, "uri_sans"),
		.other_sans = call_get(c, "other_sans"),
		.user_ids = call_get(c, "user_ids") };
}

bool
ca_subject(struct call *c, const struct pki_names *n, struct buf *der,
    struct error *e)
{
	static const char *const fields[] = { "country", "organization", "ou",
		"locality", "province", "street_address", "postal_code" };
	struct pki_texts list[countof(fields)] = { 0 };
	struct pki_subject s = { &list[0], &list[1], &list[2], &list[3],
		&list[4], &list[5], &list[6], n->common_name, n->serial_number,
		n->user_ids, n->user_ids_n };
	bool ok;

	for (size_t i = 0; i < countof(fields); i++)
		pki_texts_set(&list[i], call_get(c, fields[i]));
	ok = pki_subject_encode(&s, der, e);
	for (size_t i = 0; i < countof(fields); i++)
		pki_texts_free(&list[i]);
	return ok;
}
