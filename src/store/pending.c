/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/alloc.h>

#include "pending.h"

void
pending_init(struct pending *p)
{
	memset(p, 0, sizeof(*p));
	p->tail = &p->first;
}

void
pending_clear(struct pending *p)
{
	pending_committed(p, p->n);
}

/* FNV-1a: serials of ours are random, those of others may be small numbers. */
static struct op **
bucket_of(struct pending *p, const uint8_t serial[LIMIT_SERIAL_BYTES])
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < LIMIT_SERIAL_BYTES; i++)
		h = (h ^ serial[i]) * UINT64_C(0x100000001b3);
	return &p->bucket[(h >> 32) % PENDING_BUCKETS];
}

static struct bytes
text_bytes(const char *t)
{
	return t == NULL ? bytes_of("", 1) : bytes_of(t, strlen(t) + 1);
}

static struct op *
op_copy(enum op_kind kind, const struct store_cert *c, bool with_der)
{
	struct bytes mount = text_bytes(c->mount),
		     origin = text_bytes(c->origin);
	size_t der = with_der ? c->der.n : 0;
	struct op *op = mem_alloc(sizeof(*op) + mount.n + origin.n + der);
	uint8_t *at = (uint8_t *)(op + 1);

	*op = (struct op){ .kind = kind, .cert = *c, .has_der = c->der.n > 0 };
	memcpy(at, mount.p, mount.n);
	op->cert.mount = (const char *)at;
	at += mount.n;
	memcpy(at, origin.p, origin.n);
	op->cert.origin = (const char *)at;
	at += origin.n;
	if (der > 0)
		memcpy(at, c->der.p, der);
	op->cert.der = bytes_of(at, der);
	return op;
}

struct op *
op_new(enum op_kind kind, const struct store_cert *c)
{
	return op_copy(kind, c, true);
}

void
pending_add(struct pending *p, struct op *op)
{
	struct op **at = bucket_of(p, op->cert.serial);

	op->number = ++p->last;
	op->next = NULL;
	*p->tail = op;
	p->tail = &op->next;
	p->n++;
	op->chain = NULL;
	if (op->kind == OP_POSITION)
		return;
	while (*at != NULL)
		at = &(*at)->chain;
	*at = op;
}

void
pending_committed(struct pending *p, size_t n)
{
	struct op *op, **at;

	for (; n > 0 && p->first != NULL; n--) {
		op = p->first;
		p->first = op->next;
		if (p->first == NULL)
			p->tail = &p->first;
		p->n--;
		p->done = op->number;
		if (op->kind != OP_POSITION) {
			at = bucket_of(p, op->cert.serial);
			while (*at != op)
				at = &(*at)->chain;
			*at = op->chain;
		}
		mem_free(op);
	}
}

void
pending_copy_free(struct pending_copy *c)
{
	for (size_t i = 0; i < c->puts; i++)
		mem_free(c->put[i]);
	mem_free(c->put);
	mem_free(c->overlay);
	*c = (struct pending_copy){ 0 };
}

static void
take_copy(const struct op *op, const char *mount, bool with_der,
    struct pending_copy *out)
{
	const struct store_cert *c = &op->cert;
	struct overlay *o;

	if (op->kind == OP_REVOKE) {
		out->overlay = mem_grow(out->overlay, out->overlays,
		    &out->overlays_cap, sizeof(*out->overlay));
		o = &out->overlay[out->overlays++];
		*o = (struct overlay){ .issuer_key = c->issuer_key,
			.revoked_s = c->revoked_s,
			.reason = c->reason,
			.index = c->revoke_index };
		memcpy(o->serial, c->serial, sizeof(o->serial));
	} else if (op->kind == OP_PUT &&
	    (mount == NULL || strcmp(mount, c->mount) == 0)) {
		out->put = mem_grow(out->put, out->puts, &out->puts_cap,
		    sizeof(struct op *));
		out->put[out->puts] = op_copy(OP_PUT, c, with_der);
		out->put[out->puts++]->has_der = op->has_der;
	}
}

void
pending_find(const struct pending *p, const char *mount,
    const uint8_t serial[LIMIT_SERIAL_BYTES], struct pending_copy *out)
{
	const struct op *op;
	struct pending *writable;

	memcpy(&writable, &p, sizeof(p));
	for (op = *bucket_of(writable, serial); op != NULL; op = op->chain)
		if (memcmp(op->cert.serial, serial, LIMIT_SERIAL_BYTES) == 0)
			take_copy(op, mount, true, out);
}

void
pending_collect(const struct pending *p, const char *mount,
    const uint8_t *after, bool with_der, struct pending_copy *out)
{
	const struct op *op;

	for (op = p->first; op != NULL; op = op->next)
		if (after == NULL ||
		    memcmp(op->cert.serial, after, LIMIT_SERIAL_BYTES) > 0)
			take_copy(op, mount, with_der, out);
}

void
overlay_apply(const struct pending_copy *c, struct store_cert *cert)
{
	const struct overlay *o;

	for (size_t i = 0; i < c->overlays; i++) {
		o = &c->overlay[i];
		if (cert->revoked_s != 0 ||
		    memcmp(o->serial, cert->serial, sizeof(o->serial)) != 0 ||
		    memcmp(&o->issuer_key, &cert->issuer_key,
			sizeof(o->issuer_key)) != 0)
			continue;
		cert->revoked_s = o->revoked_s;
		cert->reason = o->reason;
		cert->revoke_index = o->index;
	}
}
