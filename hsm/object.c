/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

void *
unconst(const void *p)
{
	void *q;

	memcpy(&q, &p, sizeof(q));
	return q;
}

void
template_add(struct template *t, CK_ATTRIBUTE_TYPE type, const void *p,
    size_t n)
{
	if (t->n >= TEMPLATE_MAX)
		fatal("PKCS#11 template is full");
	t->a[t->n++] = (CK_ATTRIBUTE){ type, unconst(p), n };
}

void
template_add_bool(struct template *t, CK_ATTRIBUTE_TYPE type, bool v)
{
	static const CK_BBOOL values[] = { CK_FALSE, CK_TRUE };

	template_add(t, type, &values[v], sizeof(values[v]));
}

void
template_find(struct template *t, const CK_OBJECT_CLASS *class, struct bytes id,
    struct bytes label)
{
	template_add(t, CKA_CLASS, class, sizeof(*class));
	if (id.n > 0)
		template_add(t, CKA_ID, id.p, id.n);
	if (label.n > 0)
		template_add(t, CKA_LABEL, label.p, label.n);
}

#define FIND_BATCH 64

static CK_RV
find_all(struct hsm_call *c, struct buf *found)
{
	CK_OBJECT_HANDLE batch[FIND_BATCH] = { CK_INVALID_HANDLE };
	CK_ULONG n = FIND_BATCH;

	while (n > 0) {
		CK_RV rv =
		    CK_CALL(c, C_FindObjects, c->s, batch, FIND_BATCH, &n);

		if (rv != CKR_OK)
			return rv;
		if (n > FIND_BATCH ||
		    found->n / sizeof(batch[0]) + n > LIMIT_HSM_OBJECTS)
			return hsm_own_error(c, FAIL_HSM,
			    "token '%s' has more than %d matching objects",
			    c->t->info.label, LIMIT_HSM_OBJECTS);
		buf_add(found, batch, n * sizeof(batch[0]));
	}
	return CKR_OK;
}

CK_RV
objects_find(struct hsm_call *c, struct template *tmpl, CK_OBJECT_HANDLE **out,
    CK_ULONG *n)
{
	auto_buf struct buf found = { 0 };
	CK_RV rv;

	rv = CK_CALL(c, C_FindObjectsInit, c->s, tmpl->a, tmpl->n);
	if (rv != CKR_OK)
		return rv;
	/* On failure the session is dropped, and the search with it. */
	rv = find_all(c, &found);
	if (rv != CKR_OK)
		return rv;
	rv = CK_CALL(c, C_FindObjectsFinal, c->s);
	if (rv != CKR_OK)
		return rv;
	*n = found.n / sizeof(CK_OBJECT_HANDLE);
	*out = mem_alloc(found.n + sizeof(CK_OBJECT_HANDLE));
	if (found.n > 0)
		memcpy(*out, found.p, found.n);
	return CKR_OK;
}

bool
ckr_is_absent(CK_RV rv)
{
	return rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	    rv == CKR_ATTRIBUTE_SENSITIVE || rv == CKR_ATTRIBUTE_VALUE_INVALID;
}

CK_RV
object_attr(struct hsm_call *c, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type,
    struct buf *out)
{
	CK_ATTRIBUTE a = { type, NULL, 0 };
	CK_RV rv = CK_CALL(c, C_GetAttributeValue, c->s, o, &a, 1);
	CK_ULONG room;

	buf_reset(out);
	if (rv != CKR_OK)
		return rv;
	/* 2.40 5.7: -1 says that the attribute cannot be had. */
	if (a.ulValueLen == CK_UNAVAILABLE_INFORMATION)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (a.ulValueLen > LIMIT_HSM_ATTR_BYTES)
		return hsm_own_error(c, FAIL_HSM,
		    "attribute 0x%lx of an object is larger than %d bytes",
		    type, LIMIT_HSM_ATTR_BYTES);
	room = a.ulValueLen;
	a.pValue = buf_reserve(out, room + 1);
	rv = CK_CALL(c, C_GetAttributeValue, c->s, o, &a, 1);
	if (rv != CKR_OK)
		return rv;
	if (a.ulValueLen > room)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	buf_commit(out, a.ulValueLen);
	return CKR_OK;
}

CK_RV
object_ulong(struct hsm_call *c, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type,
    CK_ULONG *out)
{
	CK_ULONG v = 0;
	CK_ATTRIBUTE a = { type, &v, sizeof(v) };
	CK_RV rv = CK_CALL(c, C_GetAttributeValue, c->s, o, &a, 1);

	if (rv == CKR_OK && a.ulValueLen != sizeof(v))
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (rv == CKR_OK)
		*out = v;
	return rv;
}
