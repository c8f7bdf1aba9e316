/* SPDX-License-Identifier: Apache-2.0 */
/* An emergency kit is looked at, and one of its lists is put where the service serves and
 * publishes it. Neither needs the root. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/pki/crl.h>

#include "crl_kit.h"

const struct flag crl_kit_check_flags[] = {
	{ "published", "FILE",
	    "the list that readers have: those of the kit must be newer", false,
	    false },
	{ 0 },
};
const struct flag crl_kit_publish_flags[] = {
	{ "number", "N", "which of its lists", true, false },
	{ 0 },
};

struct list {
	char *name;
	struct buf der;
	struct crl_view v;
	uint64_t entries;
};
struct kit {
	struct cert issuer;
	struct list *v; /* by number */
	size_t n, cap;
};

static void
kit_free(struct kit *k)
{
	for (size_t i = 0; i < k->n; i++) {
		mem_free(k->v[i].name);
		buf_free(&k->v[i].der);
	}
	mem_free(k->v);
	cert_free(&k->issuer);
}

static int
by_number(const void *a, const void *b)
{
	const struct list *x = a, *y = b;

	return x->v.number < y->v.number ? -1 : x->v.number > y->v.number;
}

/* ---- reading: every line of SHA256SUMS is a list ----------------------------------- */

static bool
count_entries(struct list *l, struct error *e)
{
	struct crl_entry ignored;
	size_t at = 0;

	while (crl_next_entry(&l->v, &at, &ignored, e))
		l->entries++;
	return e->why == FAIL_NONE;
}

static bool
read_list(struct kit *k, const char *dir, const char *name,
    const struct sha256 *want, struct error *e)
{
	auto_mem char *path = path_join(dir, name);
	auto_buf struct buf owned = { 0 };
	struct sha256 got;
	struct list *l;

	k->v = mem_grow(k->v, k->n, &k->cap, sizeof(*k->v));
	l = &k->v[k->n++];
	*l = (struct list){ .name = mem_strdup(name) };
	if (!file_read(path, KIT_FILE_MAX, &l->der, e))
		return false;
	got = sha256(buf_bytes(&l->der));
	if (memcmp(got.b, want->b, SHA256_LEN) != 0)
		return error_set(e, FAIL_CORRUPT,
		    "%s is not what " KIT_SUMS " names", path);
	if (!crl_parse(buf_bytes(&l->der), path, &owned, &l->v, e))
		return error_context(e, "%s", path);
	/* What is served is DER, and the view borrows it. */
	if (owned.n > 0)
		return error_set(e, FAIL_BAD_INPUT, "%s: PEM, want DER", path);
	if (!crl_verify(&l->v, &k->issuer.tbs.key, e) || !count_entries(l, e))
		return error_context(e, "%s", path);
	return bytes_eq(l->v.issuer, k->issuer.tbs.subject) ||
	    error_set(e, FAIL_BAD_INPUT, "%s: of another issuer", path);
}

/* "<64 digits>  name" */
static bool
read_line(struct kit *k, const char *dir, const char *line, size_t n,
    struct error *e)
{
	auto_mem char *name = NULL, *hex = mem_printf("%.64s", line);
	struct sha256 h;

	if (n < 67 || !hex_decode_fixed(hex, h.b, SHA256_LEN) ||
	    memcmp(line + 64, "  ", 2) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    KIT_SUMS ": want \"HASH  FILE\" on each line");
	name = mem_printf("%.*s", (int)(n - 66), line + 66);
	if (strchr(name, '/') != NULL || name[0] == '.')
		return error_set(e, FAIL_BAD_INPUT,
		    KIT_SUMS ": \"%s\" is no file of a kit", name);
	return read_list(k, dir, name, &h, e);
}

static bool
kit_read(struct kit *k, const char *dir, struct error *e)
{
	auto_mem char *issuer = path_join(dir, KIT_ISSUER);
	auto_mem char *sums = path_join(dir, KIT_SUMS);
	auto_buf struct buf pem = { 0 }, text = { 0 };
	const char *p, *end;

	if (!file_read(issuer, LIMIT_CONFIG_BYTES, &pem, e) ||
	    !cert_parse(buf_bytes(&pem), issuer, &k->issuer, e) ||
	    !file_read(sums, LIMIT_CONFIG_BYTES, &text, e))
		return false;
	if (!k->issuer.tbs.key_ok)
		return error_set(e, FAIL_BAD_INPUT, "%s: unusable key", issuer);
	for (p = buf_cstr(&text); *p != '\0'; p = end + (*end == '\n')) {
		end = strchrnul(p, '\n');
		if (!read_line(k, dir, p, (size_t)(end - p), e))
			return false;
	}
	if (k->n == 0)
		return error_set(e, FAIL_BAD_INPUT, "%s names no list", sums);
	qsort(k->v, k->n, sizeof(*k->v), by_number);
	return true;
}

/* ---- judging ---------------------------------------------------------------------------- */

static bool
check_ages(const struct kit *k, struct error *e)
{
	int64_t now = clock_wall_ms(&clock_system) / 1000;
	char when[TIME_TEXT_SIZE];

	for (size_t i = 0; i < k->n; i++) {
		if (i > 0 && k->v[i].v.number != k->v[i - 1].v.number + 1)
			return error_set(e, FAIL_CORRUPT,
			    "after list %llu comes %llu: one is missing, or "
			    "they are of two kits",
			    (unsigned long long)k->v[i - 1].v.number,
			    (unsigned long long)k->v[i].v.number);
		if (k->v[i].v.next_update_s > now)
			continue;
		time_format_s(k->v[i].v.next_update_s, when);
		return error_set(e, FAIL_REFUSED,
		    "%s ended at %s: make a new kit", k->v[i].name, when);
	}
	return true;
}

static bool
check_newer(const struct list *l, const struct crl_view *than, const char *what,
    struct error *e)
{
	return (l->v.number > than->number &&
		   l->v.this_update_s >= than->this_update_s) ||
	    error_set(e, FAIL_REFUSED,
		"%s is list %llu, not newer than %s, which is %llu: readers "
		"would be given an older one",
		l->name, (unsigned long long)l->v.number, what,
		(unsigned long long)than->number);
}

static bool
check_published(const struct kit *k, const char *path, struct error *e)
{
	auto_buf struct buf text = { 0 }, owned = { 0 };
	struct crl_view v;

	if (path == NULL)
		return true;
	if (!file_read(path, KIT_FILE_MAX, &text, e) ||
	    !crl_parse(buf_bytes(&text), path, &owned, &v, e) ||
	    !crl_verify(&v, &k->issuer.tbs.key, e))
		return false;
	return check_newer(&k->v[0], &v, path, e);
}

bool
run_crl_kit_check(struct cli *c, struct error *e)
{
	auto_cleanup(kit_free) struct kit k = { 0 };

	if (!kit_read(&k, c->arg[0], e) || !check_ages(&k, e) ||
	    !check_published(&k, cli_flag(c, "published"), e))
		return false;
	for (size_t i = 0; i < k.n; i++) {
		struct doc *row = doc_row(c->doc, "lists", "lists");

		doc_int(row, "number", "number", (int64_t)k.v[i].v.number);
		doc_text(row, "file", "file", k.v[i].name);
		doc_int(row, "entries", "entries", (int64_t)k.v[i].entries);
		doc_time(row, "this_update", "signed", k.v[i].v.this_update_s);
		doc_time(row, "next_update", "ends", k.v[i].v.next_update_s);
	}
	doc_say(c->doc, "It verifies today.");
	return true;
}

/* ---- publishing ----------------------------------------------------------------------------- */

static const struct list *
find_list(const struct kit *k, const char *number, struct error *e)
{
	uint64_t n;

	if (!parse_u64(number, 0, INT64_MAX, &n)) {
		(void)error_set(e, FAIL_USAGE, "--number \"%s\"", number);
		return NULL;
	}
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].v.number == n)
			return &k->v[i];
	(void)error_set(e, FAIL_NOT_FOUND, "the kit has no list %s", number);
	return NULL;
}

/* The newest number in a folder of lists; 0: none. */
static uint64_t
newest_in(const char *dir)
{
	auto_dir DIR *d = opendir(dir);
	const struct dirent *entry;
	uint64_t best = 0, n;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		size_t digits = strspn(entry->d_name, "0123456789");
		auto_mem char *text =
		    mem_printf("%.*s", (int)digits, entry->d_name);

		if (strcmp(entry->d_name + digits, ".crl") == 0 &&
		    parse_u64(text, 1, INT64_MAX, &n) && n > best)
			best = n;
	}
	return best;
}

static bool
check_served(const struct list *l, const char *dir, struct error *e)
{
	uint64_t n = newest_in(dir);
	auto_mem char *path =
	    mem_printf("%s/%llu.crl", dir, (unsigned long long)n);
	auto_buf struct buf der = { 0 }, owned = { 0 };
	struct crl_view v;

	if (n == 0)
		return error_set(e, FAIL_NOT_FOUND,
		    "%s: no list of this issuer is served here: is this the "
		    "service's home?",
		    dir);
	return file_read(path, KIT_FILE_MAX, &der, e) &&
	    crl_parse(buf_bytes(&der), path, &owned, &v, e) &&
	    check_newer(l, &v, "the one that is served", e);
}

/* The server has a user of its own: whatever root's umask is, it reads the list. */
static bool
serve(const struct home *h, const struct list *l, const char *path,
    struct error *e)
{
	const mode_t mask = umask(022);
	bool ok = file_create(path, buf_bytes(&l->der), 0644, e);

	(void)umask(mask);
	return ok && home_give_back(h, e);
}

bool
run_crl_kit_publish(struct cli *c, struct error *e)
{
	auto_cleanup(kit_free) struct kit k = { 0 };
	auto_home struct home *h = cli_home(c, e);
	auto_mem char *path = NULL, *dir = NULL;
	char hex[2 * SHA256_LEN + 1];
	const struct list *l;
	struct sha256 key;

	if (h == NULL || !kit_read(&k, c->arg[0], e) || !check_ages(&k, e) ||
	    (l = find_list(&k, cli_flag(c, "number"), e)) == NULL)
		return false;
	key = sha256(k.issuer.tbs.spki_der);
	hex_encode(sha256_bytes(&key), hex);
	dir = mem_printf("%s/%s/full", h->crl_dir, hex);
	path = mem_printf("%s/%llu.crl", dir, (unsigned long long)l->v.number);
	if (!check_served(l, dir, e) || !serve(h, l, path, e))
		return false;
	doc_int(c->doc, "number", "number", (int64_t)l->v.number);
	doc_int(c->doc, "entries", "entries", (int64_t)l->entries);
	doc_text(c->doc, "file", "served from", path);
	doc_say(c->doc,
	    "The service serves and publishes it from now on. The next list of "
	    "the root has a higher number.");
	return true;
}
