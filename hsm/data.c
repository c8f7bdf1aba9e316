/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <chancery/base/text.h>

#include "internal.h"

/*
 * CKO_DATA objects, found by label. CKA_APPLICATION is "chancery N": a replaced
 * object is written anew with N + 1 before the old one is destroyed, so that a
 * crash in between leaves two of which the newer is known.
 */
#define APPLICATION "chancery "
#define APPLICATION_SIZE 40

static const CK_OBJECT_CLASS class_data = CKO_DATA;

struct data_op {
	struct bytes label, value;
	struct buf *out;
	bool found;
};

struct newest {
	CK_OBJECT_HANDLE *v; /* all that have the label                       */
	CK_ULONG n;
	CK_OBJECT_HANDLE object;
	uint64_t number; /* 0: there is none                                  */
};

static CK_RV
data_number(struct hsm_call *c, CK_OBJECT_HANDLE o, uint64_t *number)
{
	auto_buf struct buf app = { 0 };
	CK_RV rv = object_attr(c, o, CKA_APPLICATION, &app);
	size_t n = strlen(APPLICATION);

	*number = 0;
	if (rv != CKR_OK)
		return ckr_is_absent(rv) ? CKR_OK : rv;
	if (app.n > n && memcmp(app.p, APPLICATION, n) == 0 &&
	    !parse_u64(buf_cstr(&app) + n, 1, UINT64_MAX - 1, number))
		*number = 0;
	return CKR_OK;
}

/* q->v is mem_free'd by the caller. */
static CK_RV
data_find(struct hsm_call *c, struct bytes label, struct newest *q)
{
	struct template t = { 0 };
	CK_RV rv;

	template_find(&t, &class_data, (struct bytes){ 0 }, label);
	rv = objects_find(c, &t, &q->v, &q->n);
	for (CK_ULONG i = 0; rv == CKR_OK && i < q->n; i++) {
		uint64_t number;

		rv = data_number(c, q->v[i], &number);
		if (rv != CKR_OK || number <= q->number)
			continue;
		q->number = number;
		q->object = q->v[i];
	}
	return rv;
}

static CK_RV
read_run(struct hsm_call *c, void *arg)
{
	struct data_op *d = arg;
	struct newest q = { 0 };
	CK_RV rv = data_find(c, d->label, &q);

	d->found = rv == CKR_OK && q.number > 0;
	if (d->found)
		rv = object_attr(c, q.object, CKA_VALUE, d->out);
	mem_free(q.v);
	return rv;
}

bool
hsm_data_read(struct hsm_token *t, const char *label, struct buf *out,
    struct error *e)
{
	static const struct hsm_op op = { read_run, false };
	auto_buf struct buf v = { 0 };
	struct data_op d = { .label = bytes_str(label), .out = &v };

	if (!hsm_run(t, &op, &d, e))
		return error_context(e, "data object '%s'", label);
	if (!d.found)
		return error_set(e, FAIL_NOT_FOUND,
		    "token '%s' has no data object '%s'", t->info.label, label);
	buf_add_bytes(out, buf_bytes(&v));
	return true;
}

static CK_RV
data_create(struct hsm_call *c, const struct data_op *d, uint64_t number)
{
	struct template t = { 0 };
	char app[APPLICATION_SIZE];
	CK_OBJECT_HANDLE o;
	int n = snprintf(app, sizeof(app), APPLICATION "%llu",
	    (unsigned long long)number);

	template_add(&t, CKA_CLASS, &class_data, sizeof(class_data));
	template_add_bool(&t, CKA_TOKEN, true);
	/* Only who is logged in may replace or remove it. */
	template_add_bool(&t, CKA_PRIVATE, true);
	template_add_bool(&t, CKA_MODIFIABLE, false);
	template_add(&t, CKA_APPLICATION, app, (size_t)n);
	template_add(&t, CKA_LABEL, d->label.p, d->label.n);
	template_add(&t, CKA_VALUE, d->value.p, d->value.n);
	return CK_CALL(c, C_CreateObject, c->s, t.a, t.n, &o);
}

static CK_RV
write_run(struct hsm_call *c, void *arg)
{
	const struct data_op *d = arg;
	struct newest q = { 0 };
	CK_RV rv = data_find(c, d->label, &q);

	if (rv == CKR_OK)
		rv = data_create(c, d, q.number + 1);
	for (CK_ULONG i = 0; rv == CKR_OK && i < q.n; i++)
		rv = CK_CALL(c, C_DestroyObject, c->s, q.v[i]);
	mem_free(q.v);
	return rv;
}

bool
hsm_data_write(struct hsm_token *t, const char *label, struct bytes v,
    struct error *e)
{
	static const struct hsm_op op = { write_run, false };
	struct data_op d = { .label = bytes_str(label), .value = v };

	if (!t->read_write)
		return error_set(e, FAIL_PERMISSION,
		    "token '%s' was opened read-only", t->info.label);
	if (label[0] == '\0' || v.n > LIMIT_HSM_DATA_BYTES)
		return error_set(e, FAIL_BAD_INPUT,
		    "data object '%s': no label, or more than %d bytes", label,
		    LIMIT_HSM_DATA_BYTES);
	if (!hsm_run(t, &op, &d, e))
		return error_context(e, "data object '%s'", label);
	return true;
}
