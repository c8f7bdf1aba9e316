/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's easy interface for one call after the other. */

#include <chancery/base/clock.h>
#include <chancery/base/secret.h>
#include <chancery/base/text.h>

#include "connect.h"
#include "web.h"

#define CONNECT_MS 10000L

struct web {
	struct credentials tls;
	/* NUL-terminated: a bearer token, or what --user takes. */
	struct secret *credential;
	CURL *curl;
};

/* ---- credentials: read for every publication, so that new ones are taken up ------------ */

/* A header's value, which a line break would end. */
static bool
read_credential(const char *path, struct secret **out, struct error *e)
{
	struct secret *s;
	size_t n;

	if (!secret_from_file(path, out, e))
		return false;
	s = *out;
	n = secret_len(s);
	for (size_t i = 0; i < n; i++)
		if (secret_data(s)[i] < 0x20 || secret_data(s)[i] >= 0x7f)
			return error_set(e, FAIL_BAD_INPUT,
			    "%s: want one line of printable characters", path);
	return (n < LIMIT_CREDENTIAL_BYTES && secret_add(s, "", 1)) ||
	    error_set(e, FAIL_BAD_INPUT, "%s: more than %d octets", path,
		LIMIT_CREDENTIAL_BYTES);
}

static const char *
credential_file(const struct service_target *t)
{
	if (t->keys_file != NULL)
		return t->keys_file;
	return t->token_file != NULL ? t->token_file : t->password_file;
}

static bool
read_all(struct web *w, const struct service_target *t, struct error *e)
{
	const struct credential_files files = { t->ca_certificate,
		t->client_certificate, t->client_key };
	const char *file = credential_file(t);

	if (!credentials_read(&files, &w->tls, e))
		return false;
	if (file == NULL)
		return true;
	if (!read_credential(file, &w->credential, e))
		return false;
	/* Without a colon libcurl would look for a password elsewhere. */
	return t->token_file != NULL ||
	    strchr((const char *)secret_data(w->credential), ':') != NULL ||
	    error_set(e, FAIL_BAD_INPUT, "%s: want NAME:SECRET", file);
}

struct web *
web_new(const struct passage *p, struct error *e)
{
	struct web *w = mem_calloc(1, sizeof(*w));

	w->curl = curl_easy_init();
	if (w->curl == NULL)
		fatal("libcurl takes no call");
	if (read_all(w, p->target, e))
		return w;
	web_free(w);
	return NULL;
}

void
web_free(struct web *w)
{
	if (w == NULL)
		return;
	curl_easy_cleanup(w->curl);
	secret_free(w->credential);
	credentials_clear(&w->tls);
	mem_free(w);
}

/* ---- what passes ------------------------------------------------------------------------- */

struct transfer {
	struct passage *passage;
	struct web_call *call;
	struct curl_slist *headers;
	bool enough, broken;
	char words[CURL_ERROR_SIZE];
};

static size_t
take_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	long status = 0;

	n *= size;
	(void)curl_easy_getinfo(t->passage->web->curl, CURLINFO_RESPONSE_CODE,
	    &status);
	if (t->call->look == NULL || status != 200)
		return n;
	t->enough = !look_add(t->call->look, bytes_of(data, n));
	return t->enough ? 0 : n;
}

static size_t
give_body(char *to, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	bool ok;

	n = object_read(t->call->object, to, size * n, &ok);
	t->broken = !ok;
	return ok ? n : CURL_READFUNC_ABORT;
}

/* libcurl begins again after a connection that was gone. */
static int
seek_body(void *arg, curl_off_t at, int origin)
{
	struct transfer *t = arg;

	if (at != 0 || origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	object_rewind(t->call->object);
	return CURL_SEEKFUNC_OK;
}

static size_t
take_header(char *line, size_t size, size_t n, void *arg)
{
	static const char name[] = "etag:";
	struct transfer *t = arg;
	size_t at = sizeof(name) - 1, end;

	n *= size;
	if (n < at || strncasecmp(line, name, at) != 0)
		return n;
	while (at < n && line[at] == ' ')
		at++;
	for (end = at; end < n && line[end] > ' ' && line[end] < 0x7f;)
		end++;
	if (end - at < sizeof(t->call->etag)) {
		memcpy(t->call->etag, line + at, end - at);
		t->call->etag[end - at] = '\0';
	}
	return n;
}

static int
look_around(void *arg, unused_arg curl_off_t down_all,
    unused_arg curl_off_t down, unused_arg curl_off_t up_all,
    unused_arg curl_off_t up)
{
	const struct transfer *t = arg;

	return atomic_load(t->passage->stop) ? 1 : 0;
}

/* ---- setting up ------------------------------------------------------------------------------ */

#define SET(option, value)                                                     \
	(curl_easy_setopt(u, CURLOPT_##option, (value)) == CURLE_OK)

static bool
set_connection(CURL *u, const struct web *w, const char *url)
{
	return connect_set(u, url, &w->tls, CURL_BLOB_NOCOPY) &&
	    SET(PATH_AS_IS, 1L) && SET(CONNECTTIMEOUT_MS, CONNECT_MS) &&
	    SET(LOW_SPEED_LIMIT, (long)LIMIT_PUBLISH_SLOWEST_PER_S) &&
	    SET(LOW_SPEED_TIME, (long)LIMIT_PUBLISH_STALL_S);
}

static bool
set_credentials(CURL *u, const struct web *w, const struct service_target *t)
{
	const char *secret = w->credential != NULL
	    ? (const char *)secret_data(w->credential)
	    : NULL;
	auto_mem char *signature = t->kind == SERVICE_TARGET_S3
	    ? mem_printf("aws:amz:%s:s3", t->region)
	    : NULL;

	if (!connect_show(u, &w->tls, CURL_BLOB_NOCOPY))
		return false;
	if (signature != NULL)
		return SET(AWS_SIGV4, signature) && SET(USERPWD, secret);
	if (t->token_file != NULL)
		return SET(HTTPAUTH, CURLAUTH_BEARER) &&
		    SET(XOAUTH2_BEARER, secret);
	return secret == NULL ||
	    (SET(HTTPAUTH, CURLAUTH_BASIC) && SET(USERPWD, secret));
}

static bool
set_body(CURL *u, const struct web_call *c)
{
	if (c->object != NULL) {
		object_rewind(c->object);
		return SET(UPLOAD, 1L) &&
		    SET(INFILESIZE_LARGE, (curl_off_t)c->object->length) &&
		    SET(READFUNCTION, give_body) &&
		    SET(SEEKFUNCTION, seek_body);
	}
	return strcmp(c->method, "GET") == 0 ? SET(HTTPGET, 1L)
					     : SET(CUSTOMREQUEST, c->method);
}

static bool
set_callbacks(CURL *u, struct transfer *t, int64_t left_ms)
{
	return SET(TIMEOUT_MS, (long)left_ms) && SET(HTTPHEADER, t->headers) &&
	    SET(ERRORBUFFER, t->words) && SET(WRITEFUNCTION, take_body) &&
	    SET(WRITEDATA, t) && SET(READDATA, t) && SET(SEEKDATA, t) &&
	    SET(HEADERFUNCTION, take_header) && SET(HEADERDATA, t) &&
	    SET(NOPROGRESS, 0L) && SET(XFERINFOFUNCTION, look_around) &&
	    SET(XFERINFODATA, t);
}

static void
add_header(struct transfer *t, const char *line)
{
	struct curl_slist *more = curl_slist_append(t->headers, line);

	if (more == NULL)
		fatal("libcurl takes no field");
	t->headers = more;
}

/* S3 signs the hash of the body, which libcurl leaves to who has it. */
static bool
add_headers(struct transfer *t, struct error *e)
{
	const struct web_call *c = t->call;
	struct sha256 hash = sha256(bytes_of(NULL, 0));
	char hex[2 * SHA256_LEN + 1];
	auto_mem char *line = NULL;

	for (size_t i = 0; i < WEB_HEADERS_MAX; i++)
		if (c->headers[i] != NULL)
			add_header(t, c->headers[i]);
	/* What caches on the way have is not what is asked for. */
	if (c->look != NULL)
		add_header(t, "Cache-Control: no-cache");
	if (t->passage->target->kind != SERVICE_TARGET_S3 || !c->credentials)
		return true;
	if (c->object != NULL && !object_hash(c->object, &hash, e))
		return false;
	hex_encode(sha256_bytes(&hash), hex);
	line = mem_printf("x-amz-content-sha256: %s", hex);
	add_header(t, line);
	return true;
}

/* ---- the call ---------------------------------------------------------------------------------- */

static const struct {
	CURLcode rc;
	enum fail why;
	const char *msg;
} ends[] = {
	{ CURLE_OPERATION_TIMEDOUT, FAIL_TIMEOUT, "it does not go on" },
	{ CURLE_COULDNT_CONNECT, FAIL_IO, "it cannot be reached" },
	{ CURLE_ABORTED_BY_CALLBACK, FAIL_ABORTED, "the publisher ends" },
	{ CURLE_GOT_NOTHING, FAIL_IO, "it closes without an answer" },
};

static bool
ended_badly(const struct transfer *t, CURLcode rc, struct error *e)
{
	const struct web_call *c = t->call;

	if (t->broken)
		return error_set(e, FAIL_IO, "the list cannot be read");
	for (size_t i = 0; i < countof(ends); i++)
		if (ends[i].rc == rc)
			return error_set(e, ends[i].why, "%s %s: %s", c->method,
			    c->url, ends[i].msg);
	return error_set(e, FAIL_IO, "%s %s: %s", c->method, c->url,
	    t->words[0] != '\0' ? t->words : curl_easy_strerror(rc));
}

static bool
perform(struct transfer *t, int64_t left_ms, struct error *e)
{
	const struct passage *p = t->passage;
	CURL *u = p->web->curl;
	CURLcode rc;

	curl_easy_reset(u);
	if (!set_connection(u, p->web, t->call->url) ||
	    (t->call->credentials && !set_credentials(u, p->web, p->target)) ||
	    !set_body(u, t->call) || !set_callbacks(u, t, left_ms))
		fatal("libcurl takes no call");
	rc = curl_easy_perform(u);
	(void)curl_easy_getinfo(u, CURLINFO_RESPONSE_CODE, &t->call->status);
	/* What was wanted was seen: the rest of the answer did not matter. */
	if (rc == CURLE_OK || (rc == CURLE_WRITE_ERROR && t->enough))
		return true;
	return ended_badly(t, rc, e);
}

bool
web_do(struct passage *p, struct web_call *c, struct error *e)
{
	int64_t left_ms = (p->deadline_ns - clock_mono_ns()) / 1000000;
	struct transfer t = { .passage = p, .call = c };
	bool ok;

	c->status = 0;
	c->etag[0] = '\0';
	if (left_ms <= 0)
		return error_set(e, FAIL_TIMEOUT, "%s %s: no time is left",
		    c->method, c->url);
	ok = add_headers(&t, e) && perform(&t, left_ms, e);
	curl_slist_free_all(t.headers);
	return ok;
}
