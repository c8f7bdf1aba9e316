/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/pki/spki.h>

#include "crl_audit.h"

/* One list as it lies in its folder, against its INTENT and the revocations. */

void
audit_map_free(struct audit_map *m)
{
	if (m->at != NULL)
		(void)munmap(m->at, m->n);
	mem_free(m->path);
	*m = (struct audit_map){ 0 };
}

static char *
path_of(const struct auditing *x, const struct audit_one *o)
{
	const struct audit_series *s = &x->series[o->series];
	auto_mem char *dir = crl_list_dir(x->a->crl_dir, &s->key->key, s->text);

	return mem_printf("%s/%llu.crl", dir, (unsigned long long)o->number);
}

bool
audit_map_open(const struct auditing *x, const struct audit_one *o,
    struct audit_map *m, struct error *e)
{
	auto_fd int fd = -1;
	struct stat st;

	audit_map_free(m);
	m->path = path_of(x, o);
	fd = open(m->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return error_errno(e,
		    errno == ENOENT ? FAIL_NOT_FOUND : FAIL_IO, "%s", m->path);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return error_set(e, FAIL_BAD_INPUT, "%s: empty, or not a file",
		    m->path);
	m->n = (size_t)st.st_size;
	m->at = mmap(NULL, m->n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (m->at != MAP_FAILED)
		return true;
	m->at = NULL;
	return error_errno(e, FAIL_IO, "%s: mmap", m->path);
}

/* The signer names a file right after its SIGNED: a daemon may be between the two. */
static bool
open_newest(const struct auditing *x, const struct audit_one *o,
    struct audit_map *m, struct error *e)
{
	int tries = 0;

	while (!audit_map_open(x, o, m, e)) {
		if (e->why != FAIL_NOT_FOUND || ++tries == 5)
			return false;
		(void)usleep(100000);
	}
	return true;
}

bool
audit_is_current(struct auditing *x, const struct audit_series *s)
{
	const struct audit_series *full;

	/* A kit's lists are sealed elsewhere. */
	if (s->newest == SIZE_MAX || s->scope.kind == CRL_KIT)
		return false;
	if (s->scope.kind != CRL_DELTA)
		return true;
	full = audit_series_find(x, &s->key->key, "full");
	return full != NULL && full->newest != SIZE_MAX &&
	    x->one[s->newest].base == x->one[full->newest].intent;
}

/* ---- entries ----------------------------------------------------------- */

struct comparison {
	struct auditing *x;
	const struct audit_series *s;
	const struct audit_one *o;
	uint64_t since; /* of a delta */
	struct revoked_cursor c;
	struct revoked_entry own; /* the next record's */
	bool has_own;
	uint64_t entries, waiting;
};

static const char *
serial_text(const uint8_t serial[20], char out[41])
{
	size_t skip = 0;

	while (skip < 19 && serial[skip] == 0)
		skip++;
	hex_encode(bytes_of(serial + skip, 20 - skip), out);
	return out;
}

/* The next record that this list is for. */
static void
next_own(struct comparison *k)
{
	while ((k->has_own = revoked_cursor_next(&k->c, &k->own))) {
		if (k->s->scope.kind == CRL_PARTITION &&
		    k->own.partition != k->s->scope.partition)
			continue;
		if (k->own.index < k->since)
			continue;
		if (k->own.index < k->o->position)
			return;
		k->waiting++;
	}
}

static void
own_missing(struct comparison *k)
{
	char hex[41];

	if (k->own.not_after_s >= k->x->a->now_s)
		audit_found(k->x, RULE_ENTRY_MISSING, k->s, k->o->number,
		    "serial %s, revoked by record %llu, is not on it",
		    serial_text(k->own.serial, hex),
		    (unsigned long long)k->own.index);
	next_own(k);
}

static void
unknown(struct comparison *k, const struct crl_entry *v)
{
	struct revoked_entry r;
	char hex[41];
	bool known = reg_state_revoked(reg_get_state(k->x->a->reg),
	    &k->s->key->key, v->serial, &r);

	(void)serial_text(v->serial, hex);
	if (!known)
		audit_found(k->x, RULE_ENTRY_UNKNOWN, k->s, k->o->number,
		    "serial %s has no record", hex);
	else
		audit_found(k->x, RULE_ENTRY_SCOPE, k->s, k->o->number,
		    "serial %s, revoked by record %llu, belongs to another "
		    "list",
		    hex, (unsigned long long)r.index);
}

static void
compare(struct comparison *k, const struct crl_entry *v)
{
	char hex[41];
	int order = -1;

	k->entries++;
	while (k->has_own && (order = memcmp(k->own.serial, v->serial, 20)) < 0)
		own_missing(k);
	if (!k->has_own || order != 0) {
		unknown(k, v);
		return;
	}
	if (v->revoked_s != k->own.date_s ||
	    v->invalidity_s != k->own.invalidity_s ||
	    (unsigned)v->reason != k->own.reason)
		audit_found(k->x, RULE_ENTRY_DIFFERS, k->s, k->o->number,
		    "serial %s: date, reason or invalidity date are not those "
		    "of record %llu",
		    serial_text(v->serial, hex),
		    (unsigned long long)k->own.index);
	next_own(k);
}

static uint64_t
since_of(struct auditing *x, const struct audit_series *s)
{
	const struct audit_series *full =
	    audit_series_find(x, &s->key->key, "full");

	/* Current: its base is the newest full list. */
	return s->scope.kind == CRL_DELTA ? x->one[full->newest].position : 0;
}

static void
entries_check(struct comparison *k, const struct crl_view *v)
{
	struct crl_entry one;
	struct error e;
	size_t at = 0;

	revoked_cursor_start(&k->c, reg_get_state(k->x->a->reg),
	    &k->s->key->key, k->x->size);
	next_own(k);
	while (crl_next_entry(v, &at, &one, &e))
		compare(k, &one);
	while (k->has_own)
		own_missing(k);
	if (e.why != FAIL_NONE)
		audit_found(k->x, RULE_LIST_FORM, k->s, k->o->number, "%s",
		    e.msg);
}

/* A caller's entries are the caller's; they are only counted. */
static uint64_t
count_entries(const struct crl_view *v)
{
	struct crl_entry one;
	struct error e;
	size_t at = 0;
	uint64_t n = 0;

	while (crl_next_entry(v, &at, &one, &e))
		n++;
	return n;
}

/* ---- the list ---------------------------------------------------------- */

static void
record_check(struct auditing *x, const struct audit_series *s,
    const struct audit_one *o, const struct crl_view *v)
{
	struct sha256 h = sha256(v->tbs);
	struct spki spki;
	struct error e;

	if (memcmp(h.b, o->hash.b, SHA256_LEN) != 0 || v->number != o->number ||
	    v->this_update_s != o->this_s || v->next_update_s != o->next_s)
		audit_found(x, RULE_LIST_RECORD, s, o->number,
		    "its bytes are not those of INTENT %llu",
		    (unsigned long long)o->intent);
	if (!spki_parse(s->key->spki, &spki, &e) || !crl_verify(v, &spki, &e))
		audit_found(x, RULE_LIST_SIGNATURE, s, o->number, "%s", e.msg);
}

/* A key that is gone signs no list any more; a caller's list is its caller's to renew. */
static void
age_check(struct auditing *x, const struct audit_series *s,
    const struct audit_one *o)
{
	char when[TIME_TEXT_SIZE];

	if (s->scope.kind == CRL_CALLER || s->key->destroyed ||
	    s->key->released || o->next_s >= x->a->now_s)
		return;
	time_format_s(o->next_s, when);
	audit_found(x, RULE_LIST_STALE, s, o->number, "nextUpdate was %s",
	    when);
}

static void
view_check(struct auditing *x, const struct audit_series *s,
    const struct audit_map *m, const struct crl_view *v)
{
	struct comparison k = { .x = x, .s = s, .o = &x->one[s->newest] };
	struct crl_audit_list told = { .key = s->key,
		.scope = s->text,
		.path = m->path,
		.number = k.o->number,
		.bytes = m->n,
		.this_s = k.o->this_s,
		.next_s = k.o->next_s };

	record_check(x, s, k.o, v);
	age_check(x, s, k.o);
	if (s->scope.kind == CRL_CALLER) {
		told.entries = count_entries(v);
	} else {
		k.since = since_of(x, s);
		entries_check(&k, v);
		told.entries = k.entries;
		told.waiting = k.waiting;
	}
	x->a->list(x->a->arg, &told);
}

bool
audit_file(struct auditing *x, const struct audit_series *s, struct error *e)
{
	const struct audit_one *o = &x->one[s->newest];
	auto_cleanup(audit_map_free) struct audit_map m = { 0 };
	auto_buf struct buf pem = { 0 };
	struct crl_view v;

	memset(x->told, 0, sizeof(x->told));
	if (!open_newest(x, o, &m, e)) {
		if (e->why != FAIL_NOT_FOUND && e->why != FAIL_BAD_INPUT)
			return false;
		audit_found(x,
		    e->why == FAIL_NOT_FOUND ? RULE_LIST_MISSING
					     : RULE_LIST_FORM,
		    s, o->number, "%s", e->msg);
		return true;
	}
	if (!crl_parse(bytes_of(m.at, m.n), m.path, &pem, &v, e))
		audit_found(x, RULE_LIST_FORM, s, o->number, "%s", e->msg);
	else if (pem.n > 0)
		audit_found(x, RULE_LIST_FORM, s, o->number,
		    "%s: PEM, and its readers want DER", m.path);
	else
		view_check(x, s, &m, &v);
	return true;
}
