/* SPDX-License-Identifier: Apache-2.0 */
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

static bool
split(const char *text, struct segments *out)
{
	out->n = 0;
	while (*text != '\0') {
		size_t n = strcspn(text, "/");

		if (out->n == SEGMENTS_MAX)
			return false;
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

/* Most rows differ in their first segment, which is literal in nearly all of them. */
static bool
may_fit(const char *pattern, struct bytes first)
{
	if (*pattern == ':' || *pattern == '*')
		return true;
	return strncmp(pattern, (const char *)first.p, first.n) == 0 &&
	    (pattern[first.n] == '\0' || pattern[first.n] == '/');
}

const struct route *
route_match(const struct route *routes, const char *path, json_t **captures)
{
	uint8_t best_fit[SEGMENTS_MAX] = { 0 };
	const struct route *best = NULL;
	struct segments segments = { 0 }, pattern = { 0 };

	if (!split(path, &segments) || segments.n == 0)
		return NULL;
	for (const struct route *r = routes; r->pattern != NULL; r++) {
		uint8_t fits[SEGMENTS_MAX] = { 0 };

		if (!may_fit(r->pattern, segments.v[0]))
			continue;
		if (!split(r->pattern, &pattern))
			fatal("route %s: too many segments", r->pattern);
		if (!fit_row(&pattern, &segments, fits))
			continue;
		if (best == NULL || memcmp(fits, best_fit, sizeof(fits)) > 0) {
			best = r;
			memcpy(best_fit, fits, sizeof(fits));
		}
	}
	if (best == NULL)
		return NULL;
	(void)split(best->pattern, &pattern);
	*captures = json_object();
	capture(&pattern, &segments, *captures);
	return best;
}

const struct route *
backend_routes(const struct backend *b, size_t i)
{
	if (i == 0)
		return b->routes;
	return b->more_routes != NULL ? b->more_routes[i - 1] : NULL;
}
