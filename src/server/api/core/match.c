/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/alloc.h>
#include <chancery/server/request.h>

#define SEGMENTS_MAX 32
/* How well a row fits, segment by segment from the left. */
enum fit {
	FIT_NONE,
	FIT_REST, /* "*x" */
	FIT_ONE,  /* ":x" */
	FIT_LITERAL
};

struct segments {
	struct bytes v[SEGMENTS_MAX];
	size_t n;
};

/* whole: a path, which is never refused. */
static bool
split(const char *text, bool whole, struct segments *out)
{
	out->n = 0;
	while (*text != '\0') {
		size_t n = strcspn(text, "/");

		if (out->n == SEGMENTS_MAX)
			return false;
		/* What is longer than any row can only be the rest of one ("*x"). */
		if (whole && out->n == SEGMENTS_MAX - 1)
			n = strlen(text);
		out->v[out->n++] = bytes_of(text, n);
		text += n + (text[n] == '/');
	}
	return true;
}

/* How many segments of the path "*x" at pattern[i] takes. */
static size_t
rest_of(const struct segments *pattern, const struct segments *path, size_t i,
    size_t j)
{
	size_t tail = pattern->n - i - 1;

	return path->n - j > tail ? path->n - j - tail : 0;
}

static enum fit
fit_segment(struct bytes pattern, struct bytes segment)
{
	if (pattern.n > 0 && pattern.p[0] == ':')
		return FIT_ONE;
	if (pattern.n > 0 && pattern.p[0] == '*')
		return FIT_REST;
	return bytes_eq(pattern, segment) ? FIT_LITERAL : FIT_NONE;
}

/* fits: one for each segment of the path; false: does not match. */
static bool
fit_row(const struct segments *pattern, const struct segments *path,
    uint8_t fits[SEGMENTS_MAX])
{
	size_t j = 0;

	for (size_t i = 0; i < pattern->n; i++) {
		enum fit f;
		size_t n = 1;

		if (j >= path->n)
			return false;
		f = fit_segment(pattern->v[i], path->v[j]);
		if (f == FIT_REST)
			n = rest_of(pattern, path, i, j);
		if (f == FIT_NONE || n == 0)
			return false;
		while (n-- > 0)
			fits[j++] = (uint8_t)f;
	}
	return j == path->n;
}

static void
capture(const struct segments *pattern, const struct segments *path,
    json_t *out)
{
	size_t j = 0;

	for (size_t i = 0; i < pattern->n; i++) {
		struct bytes p = pattern->v[i], last;
		size_t n =
		    p.n > 0 && p.p[0] == '*' ? rest_of(pattern, path, i, j) : 1;
		const uint8_t *from = path->v[j].p;

		last = path->v[j + n - 1];
		j += n;
		if (p.n == 0 || (p.p[0] != ':' && p.p[0] != '*'))
			continue;
		(void)json_object_setn_new(out, (const char *)p.p + 1, p.n - 1,
		    json_stringn((const char *)from,
			(size_t)(last.p + last.n - from)));
	}
}

const struct route *
backend_routes(const struct backend *b, size_t i)
{
	if (i == 0)
		return b->routes;
	return b->more_routes != NULL ? b->more_routes[i - 1] : NULL;
}

/* ---- the table ---- */

struct row {
	const struct route *route;
	size_t array; /* of the backend */
	struct segments pattern;
	json_t *defaults;
};
struct route_table {
	struct row *row;
	size_t n, cap;
};

static void
add_row(struct route_table *t, const struct route *r, size_t array)
{
	struct row *row;

	t->row = mem_grow(t->row, t->n, &t->cap, sizeof(t->row[0]));
	row = &t->row[t->n++];
	*row = (struct row){ .route = r,
		.array = array,
		.defaults = fields_defaults(r->fields) };
	if (!split(r->pattern, false, &row->pattern))
		fatal("route %s: too many segments", r->pattern);
}

struct route_table *
route_table_new(const struct backend *b)
{
	struct route_table *t = mem_calloc(1, sizeof(*t));
	const struct route *r;

	for (size_t i = 0; (r = backend_routes(b, i)) != NULL; i++)
		for (; r->pattern != NULL; r++)
			add_row(t, r, i);
	return t;
}

void
route_table_free(struct route_table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		json_decref(t->row[i].defaults);
	mem_free(t->row);
	mem_free(t);
}

/* An array is asked only when none before it has a row that fits. */
static const struct row *
best_row(const struct route_table *t, const struct segments *path)
{
	uint8_t best_fit[SEGMENTS_MAX] = { 0 };
	const struct row *best = NULL;

	for (const struct row *r = t->row; r < t->row + t->n; r++) {
		uint8_t fits[SEGMENTS_MAX] = { 0 };

		if (best != NULL && r->array != best->array)
			break;
		if (!fit_row(&r->pattern, path, fits))
			continue;
		if (best == NULL || memcmp(fits, best_fit, sizeof(fits)) > 0) {
			best = r;
			memcpy(best_fit, fits, sizeof(fits));
		}
	}
	return best;
}

bool
route_match(const struct route_table *t, const char *path,
    struct route_found *out)
{
	struct segments segments = { 0 };
	const struct row *r;

	if (!split(path, true, &segments) || segments.n == 0)
		return false;
	r = best_row(t, &segments);
	if (r == NULL)
		return false;
	*out = (struct route_found){ .route = r->route,
		.defaults = r->defaults,
		.captures = json_object() };
	capture(&r->pattern, &segments, out->captures);
	return true;
}
