/* SPDX-License-Identifier: Apache-2.0 */

/* The pipeline of vault-pki-api.md 5.3; its numbers are the steps here. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <chancery/base/alloc.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/pki/name.h>

#include "names_work.h"

#define UID_OID "0.9.2342.19200300.100.1.1"

static bool
refused(struct error *e, const char *what, const char *value, const char *rest)
{
	return error_set(e, FAIL_REFUSED, "%s %.150s %s", what, value, rest);
}

static void
warn(struct pki_names *out, const char *text)
{
	struct pki_texts *w = &out->warnings;

	w->v = mem_realloc(w->v, (w->n + 1) * sizeof(w->v[0]));
	w->v[w->n++] = mem_strdup(text);
}

static void
warn_name(struct pki_names *out, const char *fmt, const char *name)
{
	auto_buf struct buf b = { 0 };

	buf_add_str(&b, fmt);
	buf_addf(&b, " %.150s", name);
	warn(out, buf_cstr(&b));
}

bool
names_from_csr(const struct names_work *w)
{
	return w->in->csr != NULL && w->in->role->use_csr_sans;
}

/* The last value of an attribute, as Go reads a subject. */
static const char *
csr_attribute(const struct names_work *w, const char *type)
{
	struct bytes subject = w->in->csr->subject;
	unsigned n = name_count(subject, type);
	auto_buf struct buf v = { 0 };

	if (n == 0 || !name_get(subject, type, n - 1, &v))
		return "";
	return (const char *)arena_add(w->out->arena, buf_bytes(&v)).p;
}

/* 1, 2 */
static bool
take_subject(struct names_work *w, struct error *e)
{
	const struct pki_role *r = w->in->role;
	const char *cn = w->in->common_name, *serial = w->in->serial_number;

	if (w->in->csr != NULL && r->use_csr_common_name) {
		const char *own = csr_attribute(w, "CN");

		if (own[0] != '\0' && cn[0] != '\0' && strcmp(own, cn) != 0)
			warn(w->out,
			    "common_name was ignored: the role takes the one "
			    "of the CSR (use_csr_common_name)");
		cn = own[0] != '\0' ? own : cn;
	}
	if (serial[0] == '\0' && w->in->csr != NULL &&
	    strcmp(r->serial_number_source, "json") != 0)
		serial = csr_attribute(w, "serialNumber");
	w->out->common_name = cn;
	w->out->serial_number = serial;
	return cn[0] != '\0' || !r->require_cn ||
	    error_set(e, FAIL_BAD_INPUT,
		"the common_name field is required, or must be provided in a "
		"CSR with \"use_csr_common_name\" set to true, unless "
		"\"require_cn\" is set to false");
}

static void
add_dns(struct names_work *w, const char *name)
{
	name_list_add_once(&w->dns, arena_add(w->out->arena, bytes_str(name)),
	    true);
}

static void
add_email(struct names_work *w, const char *name)
{
	name_list_add_once(&w->email, arena_add(w->out->arena, bytes_str(name)),
	    false);
}

static bool
too_long(const char *name, struct error *e)
{
	return error_set(e, FAIL_BAD_INPUT,
	    "\"%.100s\": a label is empty or longer than 63 octets, or the "
	    "name is longer than 253",
	    name);
}

/* 3 */
static bool
take_csr_san(struct names_work *w, struct error *e)
{
	const struct ext *x = exts_find(&w->in->csr->exts, EXT_SAN);

	if (x == NULL)
		return true;
	w->csr_san = mem_calloc(LIMIT_SANS, sizeof(w->csr_san[0]));
	if (!ext_san(x, w->csr_san, LIMIT_SANS, &w->csr_san_n, e))
		return error_context(e, "certificate request");
	if (w->csr_san_n > LIMIT_SANS)
		return error_set(e, FAIL_BAD_INPUT,
		    "certificate request: %zu subject alternative names, "
		    "limit %d",
		    w->csr_san_n, LIMIT_SANS);
	for (size_t i = 0; i < w->csr_san_n; i++) {
		const struct general_name *g = &w->csr_san[i];
		const char *text =
		    (const char *)arena_add(w->out->arena, g->value).p;

		if ((g->kind == GN_DNS || g->kind == GN_EMAIL) &&
		    memchr(g->value.p, 0, g->value.n) != NULL)
			return error_set(e, FAIL_BAD_INPUT,
			    "certificate request: NUL in a name");
		if (g->kind == GN_DNS)
			add_dns(w, text);
		else if (g->kind == GN_EMAIL)
			add_email(w, text);
	}
	return true;
}

/* 4 */
static bool
take_cn(struct names_work *w, struct error *e)
{
	const char *cn = w->out->common_name;
	char ascii[256];

	if (w->in->exclude_cn_from_sans || cn[0] == '\0')
		return true;
	if (strchr(cn, '@') != NULL) {
		add_email(w, cn);
		return true;
	}
	switch (pki_idna(cn, ascii)) {
	case PKI_IDNA_LONG:
		return too_long(cn, e);
	case PKI_IDNA_OK:
		if (pki_hostname_valid(ascii))
			add_dns(w, ascii);
		return true;
	case PKI_IDNA_NOT:
		return true;
	}
	fatal("corrupt pki_idna");
}

/* What upstream drops without a word is refused; an address is written as it writes
 * it, with a warning. */
static bool
take_alt_name(struct names_work *w, const char *name, struct error *e)
{
	char ascii[256];
	uint8_t ip[16];
	size_t n;

	if (name[0] == '\0')
		return true;
	if (strchr(name, '@') != NULL) {
		add_email(w, name);
		return true;
	}
	switch (pki_idna(name, ascii)) {
	case PKI_IDNA_LONG:
		return too_long(name, e);
	case PKI_IDNA_NOT:
		break;
	case PKI_IDNA_OK:
		if (!pki_hostname_valid(ascii) && strchr(ascii, '*') == NULL)
			break;
		if (name_ip(ascii, ip, &n))
			warn_name(w->out,
			    "an IP address among alt_names becomes a DNS "
			    "name, which clients do not match; ip_sans is "
			    "for addresses:",
			    name);
		add_dns(w, ascii);
		return true;
	}
	return error_set(e, FAIL_BAD_INPUT,
	    "alt_names: \"%.150s\" is neither a host name nor an e-mail "
	    "address",
	    name);
}

/* 5 */
static bool
take_alt_names(struct names_work *w, struct error *e)
{
	size_t i;
	json_t *v;

	if (names_from_csr(w)) {
		if (json_array_size(w->in->alt_names) > 0)
			warn(w->out,
			    "alt_names was ignored: the role takes those of "
			    "the CSR (use_csr_sans)");
		return true;
	}
	json_array_foreach(w->in->alt_names, i,
	    v) if (!take_alt_name(w, json_string_value(v), e)) return false;
	return true;
}

static bool
listed(const struct pki_texts *l, const char *v)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], v) == 0)
			return true;
	return false;
}

/* 6 */
static bool
check_cn(const struct names_work *w, struct error *e)
{
	const struct pki_role *r = w->in->role;
	const char *cn = w->out->common_name;
	bool email = strchr(cn, '@') != NULL;

	if (cn[0] == '\0' ||
	    (r->cn_validations.n == 1 &&
		strcmp(r->cn_validations.v[0], "disabled") == 0))
		return true;
	return (pki_role_allows_name(r, cn) &&
		   listed(&r->cn_validations, email ? "email" : "hostname")) ||
	    refused(e, "common name", cn, "not allowed by this role");
}

bool
names_any_glob(const struct pki_texts *l, const char *v, bool fold)
{
	for (size_t i = 0; i < l->n; i++)
		if (pki_glob(l->v[i], bytes_str(v), false) ||
		    (fold && strcasecmp(l->v[i], v) == 0))
			return true;
	return false;
}

/* 7 */
static bool
check_serial(const struct names_work *w, struct error *e)
{
	const char *serial = w->out->serial_number;

	return serial[0] == '\0' ||
	    names_any_glob(&w->in->role->allowed_serial_numbers, serial,
		false) ||
	    refused(e, "serial_number", serial, "not allowed by this role");
}

/* 8, 9 */
static bool
check_list(const struct names_work *w, const struct name_list *l,
    const char *what, struct error *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (!pki_role_allows_name(w->in->role, (const char *)l->v[i].p))
			return refused(e, what, (const char *)l->v[i].p,
			    "not allowed by this role");
	return true;
}

/* 15 */
static bool
add_user_id(struct names_work *w, struct name_list *ids, const char *v,
    struct error *e)
{
	if (!names_any_glob(&w->in->role->allowed_user_ids, v, true))
		return refused(e, "user_id", v, "is not allowed by this role");
	name_list_add_once(ids, arena_add(w->out->arena, bytes_str(v)), false);
	return true;
}

static bool
take_user_ids(struct names_work *w, struct name_list *ids, struct error *e)
{
	const struct csr *csr = w->in->csr;
	auto_buf struct buf v = { 0 };
	size_t i;
	json_t *one;

	json_array_foreach(w->in->user_ids, i,
	    one) if (!add_user_id(w, ids, json_string_value(one),
			 e)) return false;
	if (json_array_size(w->in->user_ids) > 0 || csr == NULL)
		return true;
	for (unsigned n = 0; name_get(csr->subject, UID_OID, n, &v); n++) {
		if (!add_user_id(w, ids, buf_cstr(&v), e))
			return false;
		buf_reset(&v);
	}
	return true;
}

/* ---- together ---------------------------------------------------------------- */

static int
by_octets(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;

	return bytes_cmp(*x, *y);
}

static void
add_kind(struct pki_names *out, enum general_name_kind kind,
    const struct name_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		out->san[out->san_n++] = (struct general_name){ kind, l->v[i] };
}

static bool
finish(struct names_work *w, struct error *e)
{
	size_t n = w->other.n + w->dns.n + w->email.n + w->ip.n + w->uri.n;

	if (n > LIMIT_SANS)
		return error_set(e, FAIL_BAD_INPUT,
		    "%zu subject alternative names, limit %d", n, LIMIT_SANS);
	if (w->email.n > 1)
		qsort(w->email.v, w->email.n, sizeof(w->email.v[0]), by_octets);
	w->out->san = mem_calloc(n + 1, sizeof(w->out->san[0]));
	add_kind(w->out, GN_OTHER, &w->other);
	add_kind(w->out, GN_DNS, &w->dns);
	add_kind(w->out, GN_EMAIL, &w->email);
	add_kind(w->out, GN_IP, &w->ip);
	add_kind(w->out, GN_URI, &w->uri);
	return true;
}

static bool
run(struct names_work *w, struct error *e)
{
	struct name_list ids = { 0 };
	bool ok = take_subject(w, e) &&
	    (!names_from_csr(w) || take_csr_san(w, e)) && take_cn(w, e) &&
	    take_alt_names(w, e) && check_cn(w, e) && check_serial(w, e) &&
	    check_list(w, &w->dns, "subject alternate name", e) &&
	    check_list(w, &w->email, "email address", e) &&
	    names_take_other(w, e) && names_take_ips(w, e) &&
	    names_take_uris(w, e) && take_user_ids(w, &ids, e) && finish(w, e);

	w->out->user_ids = ids.v;
	w->out->user_ids_n = ids.n;
	return ok;
}

static void
work_free(struct names_work *w)
{
	mem_free(w->csr_san);
	mem_free(w->dns.v);
	mem_free(w->email.v);
	mem_free(w->ip.v);
	mem_free(w->uri.v);
	mem_free(w->other.v);
}

bool
pki_names_make(const struct pki_names_in *in, struct pki_names *out,
    struct error *e)
{
	auto_cleanup(work_free) struct names_work w = { .in = in, .out = out };

	*out = (struct pki_names){ .arena = arena_new(),
		.common_name = "",
		.serial_number = "" };
	return run(&w, e);
}

void
pki_names_free(struct pki_names *n)
{
	mem_free(n->user_ids);
	mem_free(n->san);
	pki_texts_free(&n->warnings);
	arena_free(n->arena);
	*n = (struct pki_names){ 0 };
}
