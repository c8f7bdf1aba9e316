/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/register/bundle.h>

#include "internal.h"
#include "notes.h"

#define MAGIC "chancery register bundle 1\n"
#define KIT "kit/"
/* "123456789 " and a newline. */
#define HEADER_MAX (BUNDLE_NAME_MAX + 24)
#define PARTS_MAX 4096
#define FILE_MODE 0644U

/* ---- reading ----------------------------------------------------------- */

struct reading {
	struct bytes in;
	size_t at;
	uint64_t parts, segments;
	char last_kit[BUNDLE_NAME_MAX + 1];
};

static bool
wrong(const struct reading *r, const char *what, struct error *e)
{
	return error_set(e, FAIL_BAD_INPUT, "bundle: octet %zu: %s", r->at,
	    what);
}

/* "name 123" up to its newline. */
static bool
header(struct reading *r, char name[BUNDLE_NAME_MAX + 1], uint64_t *size,
    struct error *e)
{
	struct bytes rest = bytes_of(r->in.p + r->at, r->in.n - r->at);
	size_t max = rest.n < HEADER_MAX ? rest.n : HEADER_MAX;
	const uint8_t *end = max > 0 ? memchr(rest.p, '\n', max) : NULL;
	const uint8_t *space =
	    end != NULL ? memchr(rest.p, ' ', (size_t)(end - rest.p)) : NULL;
	size_t n;

	if (space == NULL)
		return wrong(r, "no name and size", e);
	n = (size_t)(space - rest.p);
	if (n == 0 || n > BUNDLE_NAME_MAX || memchr(rest.p, '\0', n) != NULL ||
	    !note_parse_size(bytes_of(space + 1, (size_t)(end - space - 1)),
		size))
		return wrong(r, "not a name and a size", e);
	memcpy(name, rest.p, n);
	name[n] = '\0';
	r->at += (size_t)(end - rest.p) + 1;
	return true;
}

/* "kit/" and letters, digits, "-_" and dots between, ".crl" at the end. */
static bool
kit_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	const char *base = name + strlen(KIT);
	size_t n = strlen(name);

	return strncmp(name, KIT, strlen(KIT)) == 0 && *base != '.' &&
	    base[strspn(base, allowed)] == '\0' && n > strlen(KIT) + 4 &&
	    strcmp(name + n - 4, ".crl") == 0;
}

/* Each part has its place; a kit's names ascend. */
static bool
in_its_place(struct reading *r, const char *name)
{
	char want[32];

	if (r->parts == 0)
		return strcmp(name, "checkpoint") == 0;
	(void)snprintf(want, sizeof(want), "log/%06llu.jsonl",
	    (unsigned long long)r->segments + 1);
	if (r->last_kit[0] == '\0' && strcmp(name, want) == 0) {
		r->segments++;
		return true;
	}
	if (r->segments == 0 || !kit_name(name) ||
	    strcmp(name, r->last_kit) <= 0)
		return false;
	(void)snprintf(r->last_kit, sizeof(r->last_kit), "%s", name);
	return true;
}

static bool
part(struct reading *r, const char *name, uint64_t size,
    struct bundle_part *out, struct error *e)
{
	if (r->parts == PARTS_MAX || !in_its_place(r, name))
		return wrong(r, "a part that does not belong here", e);
	if (size >= r->in.n - r->at || r->in.p[r->at + size] != '\n')
		return wrong(r, "the part is cut, or longer than it says", e);
	(void)snprintf(out->name, sizeof(out->name), "%s", name);
	out->data = bytes_of(r->in.p + r->at, (size_t)size);
	r->at += (size_t)size + 1;
	r->parts++;
	return true;
}

bool
bundle_read(struct bytes in, bundle_each_fn *each, void *arg, struct error *e)
{
	struct reading r = { .in = in, .at = strlen(MAGIC) };
	char name[BUNDLE_NAME_MAX + 1];
	struct bundle_part p;
	uint64_t size;

	if (in.n < r.at || memcmp(in.p, MAGIC, r.at) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "bundle: it does not begin with \"%.*s\"",
		    (int)strlen(MAGIC) - 1, MAGIC);
	for (;;) {
		if (!header(&r, name, &size, e))
			return false;
		if (strcmp(name, "end") == 0)
			break;
		if (!part(&r, name, size, &p, e) || !each(arg, &p, e))
			return false;
	}
	return (size == r.parts && r.segments > 0 && r.at == in.n) ||
	    wrong(&r, "not its end", e);
}

static bool
write_part(void *arg, const struct bundle_part *p, struct error *e)
{
	auto_mem char *path = path_join(arg, p->name);

	return file_create(path, p->data, FILE_MODE, e);
}

static bool
nothing(unused_arg void *arg, unused_arg const struct bundle_part *p,
    unused_arg struct error *e)
{
	return true;
}

bool
bundle_unpack(struct bytes in, const char *dir, struct error *e)
{
	auto_mem char *log = path_join(dir, "log");
	auto_mem char *kit = path_join(dir, "kit");
	auto_mem char *to = mem_strdup(dir);

	return bundle_read(in, nothing, NULL, e) && file_check_absent(dir, e) &&
	    dir_create(dir, 0755, e) && dir_create(log, 0755, e) &&
	    dir_create(kit, 0755, e) && bundle_read(in, write_part, to, e) &&
	    dir_sync(dir, e);
}

struct first {
	struct checkpoint *out;
	bool seen;
};

static bool
first_part(void *arg, const struct bundle_part *p, struct error *e)
{
	struct first *f = arg;

	if (f->seen)
		return true;
	f->seen = true;
	return checkpoint_parse(p->data, f->out, e) ||
	    error_context(e, "bundle: checkpoint");
}

bool
bundle_checkpoint(struct bytes in, struct checkpoint *out, struct error *e)
{
	struct first f = { .out = out };

	return bundle_read(in, first_part, &f, e);
}

/* ---- writing ----------------------------------------------------------- */

struct writing {
	struct buf *out;
	uint64_t parts;
};

static bool
add(struct writing *w, const char *name, struct bytes data, struct error *e)
{
	buf_addf(w->out, "%s %zu\n", name, data.n);
	buf_add_bytes(w->out, data);
	buf_add_byte(w->out, '\n');
	w->parts++;
	return w->out->n <= LIMIT_BUNDLE_BYTES ||
	    error_set(e, FAIL_BAD_INPUT,
		"the register is too large for a bundle: above %d octets",
		LIMIT_BUNDLE_BYTES);
}

/* Whole lines of a segment, at most *left of them. */
static bool
add_segment(struct writing *w, const char *dir, uint64_t segment,
    uint64_t *left, struct error *e)
{
	auto_mem char *path = segment_path(dir, "log", segment, "jsonl");
	auto_mem char *name =
	    mem_printf("log/%06llu.jsonl", (unsigned long long)segment);
	auto_map struct mapped m = { 0 };
	struct bytes line;
	size_t at = 0;

	if (!map_open(path, &m, e))
		return false;
	while (*left > 0 && line_next(bytes_of(m.p, m.n), &at, &line))
		--*left;
	return add(w, name, bytes_of(m.p, at), e);
}

static bool
add_log(struct writing *w, const char *dir, uint64_t size, struct error *e)
{
	uint64_t first, last;

	if (!segment_range(dir, &first, &last, e))
		return false;
	for (uint64_t k = first; k <= last && size > 0; k++)
		if (!add_segment(w, dir, k, &size, e))
			return false;
	return size == 0 ||
	    error_set(e, FAIL_CORRUPT,
		"register %s: %llu records of the checkpoint are missing", dir,
		(unsigned long long)size);
}

static int
by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void
list_kit(const char *dir, char ***names, size_t *n)
{
	auto_dir DIR *d = opendir(dir);
	const struct dirent *entry;
	size_t cap = 0;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		auto_mem char *name = mem_printf(KIT "%s", entry->d_name);

		if (strlen(name) > BUNDLE_NAME_MAX || !kit_name(name))
			continue;
		*names = mem_grow(*names, *n, &cap, sizeof(char *));
		(*names)[(*n)++] = take(name);
	}
	if (*n > 1)
		qsort(*names, *n, sizeof(char *), by_name);
}

static bool
add_kit(struct writing *w, const char *dir, struct error *e)
{
	char **names = NULL;
	size_t n = 0;
	bool ok = true;

	list_kit(dir, &names, &n);
	for (size_t i = 0; i < n; i++) {
		auto_mem char *path = path_join(dir, names[i] + strlen(KIT));
		auto_buf struct buf file = { 0 };

		ok = ok && file_read(path, LIMIT_BUNDLE_BYTES, &file, e) &&
		    add(w, names[i], buf_bytes(&file), e);
		mem_free(names[i]);
	}
	mem_free(names);
	return ok;
}

bool
bundle_write(struct reg *r, const char *kit_dir, struct buf *out,
    struct checkpoint *at, struct error *e)
{
	auto_buf struct buf note = { 0 };
	struct writing w = { .out = out };

	buf_add_str(out, MAGIC);
	if (!reg_newest_checkpoint(r, &note, at, e) ||
	    !add(&w, "checkpoint", buf_bytes(&note), e) ||
	    !add_log(&w, r->dir, at->size, e) ||
	    (kit_dir != NULL && !add_kit(&w, kit_dir, e)))
		return false;
	buf_addf(out, "end %llu\n", (unsigned long long)w.parts);
	return true;
}
