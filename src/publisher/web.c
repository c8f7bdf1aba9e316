/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets over HTTP: PUT, WebDAV and S3. What is there is fetched, held against ours and, where
 * the target tells its entity tag, replaced under the condition that it still is there.
 */
#include <stdio.h>
#include <string.h>

#include <chancery/base/clock.h>

#include "web.h"

/* ---- addresses --------------------------------------------------------------------- */

static void
add_path(struct buf *url, const char *path)
{
	if (path == NULL || *path == '\0')
		return;
	if (url->n > 0 && url->p[url->n - 1] != '/')
		buf_add_byte(url, '/');
	buf_add_str(url, path);
}

/* Of an object, or one of the collections it lies in. */
static void
target_url(const struct passage *p, const char *name, struct buf *url)
{
	buf_add_str(url, p->target->address);
	if (p->target->kind == SERVICE_TARGET_S3) {
		add_path(url, p->target->bucket);
		add_path(url, p->target->prefix);
	}
	add_path(url, name);
}

/* ---- what a status means -------------------------------------------------------------- */

static const struct {
	long from, to;
	enum fail why;
	const char *msg;
} statuses[] = {
	{ 300, 399, FAIL_NOT_FOUND, "it points elsewhere" },
	{ 401, 401, FAIL_PERMISSION, "it wants other credentials" },
	{ 403, 403, FAIL_PERMISSION, "it forbids that" },
	{ 404, 404, FAIL_NOT_FOUND, "there is no such place" },
	{ 405, 405, FAIL_PERMISSION, "it does not take that method" },
	{ 409, 409, FAIL_NOT_FOUND,
	    "its collection is missing, or somebody else writes" },
	{ 412, 412, FAIL_BUSY, "somebody else has changed it meanwhile" },
	{ 413, 413, FAIL_DISK_FULL, "the object is too large for it" },
	{ 429, 429, FAIL_BUSY, "too many requests" },
	{ 501, 501, FAIL_UNSUPPORTED,
	    "it does not know that: does it take `conditions`?" },
	{ 503, 503, FAIL_BUSY, "it does not serve just now" },
	{ 507, 507, FAIL_DISK_FULL, "it is full" },
};

static bool
bad_status(const char *what, const char *url, long status, struct error *e)
{
	for (size_t i = 0; i < countof(statuses); i++)
		if (status >= statuses[i].from && status <= statuses[i].to)
			return error_set(e, statuses[i].why, "%s %s: %ld: %s",
			    what, url, status, statuses[i].msg);
	return error_set(e, FAIL_IO, "%s %s: status %ld", what, url, status);
}

/* ---- looking ---------------------------------------------------------------------------- */

static bool
looked(struct passage *p, struct web_call *c, const char *url,
    enum there *there, struct facts *facts, struct error *e)
{
	struct look *l = c->look;

	if (c->status == 404 || c->status == 410) {
		*there = THERE_NOTHING;
		return true;
	}
	if (c->status != 200)
		return bad_status("GET", url, c->status, e);
	(void)snprintf(p->etag, sizeof(p->etag), "%s", c->etag);
	return look_end(l, there, facts, e) || error_context(e, "%s", url);
}

static bool
look_at(struct passage *p, const char *url, bool own, enum there *there,
    struct facts *facts, struct error *e)
{
	auto_look struct look *l = look_new(p->object);
	struct web_call c = { .method = "GET",
		.url = url,
		.look = l,
		.credentials = own };

	p->etag[0] = '\0';
	return web_do(p, &c, e) && looked(p, &c, url, there, facts, e);
}

/* A target that may be written but not read is seen through its readers' eyes. */
bool
web_look(struct passage *p, enum there *there, struct facts *facts,
    struct error *e)
{
	auto_buf struct buf url = { 0 };

	target_url(p, p->object->name, &url);
	if (look_at(p, buf_cstr(&url), true, there, facts, e))
		return true;
	if (e->why != FAIL_PERMISSION || p->target->public_url == NULL)
		return false;
	if (!public_look(p, there, facts, e))
		return false;
	p->etag[0] = '\0';
	return true;
}

bool
public_look(struct passage *p, enum there *there, struct facts *facts,
    struct error *e)
{
	auto_buf struct buf url = { 0 };

	buf_add_str(&url, p->target->public_url);
	add_path(&url, p->object->name);
	return look_at(p, buf_cstr(&url), false, there, facts, e);
}

/* ---- putting ------------------------------------------------------------------------------ */

static const char *const types[JOB_FORM__COUNT] = {
	[JOB_FORM_LIST] = "application/pkix-crl",
	[JOB_FORM_LIST_PEM] = "application/x-pem-file",
	[JOB_FORM_CERTIFICATE] = "application/pkix-cert",
	[JOB_FORM_CERTIFICATE_PEM] = "application/pem-certificate-chain",
};

/* Only a strong tag can be a condition (RFC 9110 13.1.1); what was not told cannot. */
static char *
condition(const struct passage *p, enum there there)
{
	if (!p->target->conditions)
		return NULL;
	if (there == THERE_NOTHING)
		return mem_strdup("If-None-Match: *");
	if (p->etag[0] == '"')
		return mem_printf("If-Match: %s", p->etag);
	return NULL;
}

static bool
put_to(struct passage *p, const char *url, const char *when, struct error *e)
{
	auto_mem char *type =
	    mem_printf("Content-Type: %s", types[p->object->form]);
	auto_mem char *cache = mem_printf("Cache-Control: max-age=%lld",
	    (long long)p->target->max_age_s);
	struct web_call c = { .method = "PUT",
		.url = url,
		.credentials = true,
		.object = p->object,
		.headers = { type, cache, when } };

	if (!web_do(p, &c, e))
		return false;
	return (c.status >= 200 && c.status <= 204) ||
	    bad_status("PUT", url, c.status, e);
}

/* 405: it is there already. */
static bool
make_collections(struct passage *p, struct error *e)
{
	auto_mem char *name = mem_strdup(p->object->name);

	for (char *slash = strchr(name, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		auto_buf struct buf url = { 0 };
		struct web_call c = { .method = "MKCOL", .credentials = true };

		*slash = '\0';
		target_url(p, name, &url);
		buf_add_byte(&url, '/');
		c.url = buf_cstr(&url);
		if (!web_do(p, &c, e))
			return false;
		if (c.status != 201 && c.status != 405 && c.status != 301)
			return bad_status("MKCOL", c.url, c.status, e);
		*slash = '/';
	}
	return true;
}

static bool
move(struct passage *p, const char *from, const char *to, const char *when,
    struct error *e)
{
	auto_mem char *destination = mem_printf("Destination: %s", to);
	struct web_call c = { .method = "MOVE",
		.url = from,
		.credentials = true,
		.headers = { destination, "Overwrite: T", when } };

	if (!web_do(p, &c, e))
		return false;
	return c.status == 201 || c.status == 204 ||
	    bad_status("MOVE", from, c.status, e);
}

/* "dir/.name.new": no object has such a name. */
static void
temporary_name(const char *name, struct buf *out)
{
	const char *slash = strrchr(name, '/');
	size_t n = slash != NULL ? (size_t)(slash + 1 - name) : 0;

	buf_add(out, name, n);
	buf_addf(out, ".%s.new", name + n);
}

/* RFC 4918: MOVE replaces in one step. Its If-Match is about the source, so whoever writes
 * meanwhile is not noticed here; two publishers of one place are not meant to be. */
static bool
put_and_move(struct passage *p, const char *url, struct error *e)
{
	auto_buf struct buf name = { 0 }, temporary = { 0 };

	temporary_name(p->object->name, &name);
	target_url(p, buf_cstr(&name), &temporary);
	if (!put_to(p, buf_cstr(&temporary), NULL, e) &&
	    (e->why != FAIL_NOT_FOUND || !make_collections(p, e) ||
		!put_to(p, buf_cstr(&temporary), NULL, e)))
		return false;
	return move(p, buf_cstr(&temporary), url, NULL, e);
}

bool
web_put(struct passage *p, enum there there, struct error *e)
{
	auto_buf struct buf url = { 0 };
	auto_mem char *when = condition(p, there);

	target_url(p, p->object->name, &url);
	if (p->target->webdav)
		return put_and_move(p, buf_cstr(&url), e);
	return put_to(p, buf_cstr(&url), when, e);
}
