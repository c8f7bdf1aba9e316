/* SPDX-License-Identifier: Apache-2.0 */
#include "connect.h"

#include <stdio.h>
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>

/* ---- credentials --------------------------------------------------------------- */

void
credentials_clear(struct credentials *c)
{
	buf_free(&c->ca);
	buf_free(&c->certificate);
	secret_free(c->key);
	*c = (struct credentials){ 0 };
}

bool
secret_from_file(const char *path, struct secret **out, struct error *e)
{
	auto_file FILE *f = fopen(path, "re");
	struct secret *s;

	if (f == NULL)
		return error_errno(e, FAIL_PERMISSION, "%s", path);
	s = secret_new(LIMIT_OUTSIDE_ANSWER_BYTES);
	if (secret_read_fd(s, fileno(f), e)) {
		*out = s;
		return true;
	}
	secret_free(s);
	return error_context(e, "%s", path);
}

bool
credentials_read(const struct credential_files *f, struct credentials *out,
    struct error *e)
{
	*out = (struct credentials){ 0 };
	if ((f->ca == NULL ||
		file_read(f->ca, LIMIT_CONFIG_BYTES, &out->ca, e)) &&
	    (f->certificate == NULL ||
		(file_read(f->certificate, LIMIT_CONFIG_BYTES,
		     &out->certificate, e) &&
		    secret_from_file(f->key, &out->key, e))))
		return true;
	credentials_clear(out);
	return false;
}

/* ---- libcurl --------------------------------------------------------------------- */

static bool
set_blob(CURL *u, CURLoption option, const void *p, size_t n, unsigned flags)
{
	struct curl_blob blob = { .len = n, .flags = flags };

	/* libcurl only reads it: the blob only is not const. */
	memcpy(&blob.data, &p, sizeof(p));
	return n == 0 || curl_easy_setopt(u, option, &blob) == CURLE_OK;
}

#define SET(option, value)                                                     \
	(curl_easy_setopt(u, CURLOPT_##option, (value)) == CURLE_OK)

bool
connect_set(CURL *u, const char *url, const struct credentials *c,
    unsigned blob)
{
	const bool tls = strncmp(url, "https:", 6) == 0;

	return SET(URL, url) && SET(PROTOCOLS_STR, tls ? "https" : "http") &&
	    SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	    SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	    SET(CAINFO, NULL) && SET(CAPATH, NULL) &&
	    set_blob(u, CURLOPT_CAINFO_BLOB, c->ca.p, c->ca.n, blob) &&
	    SET(FOLLOWLOCATION, 0L) && SET(PROXY, "") &&
	    SET(NETRC, (long)CURL_NETRC_IGNORED) && SET(NOSIGNAL, 1L);
}

bool
connect_show(CURL *u, const struct credentials *c, unsigned blob)
{
	return set_blob(u, CURLOPT_SSLCERT_BLOB, c->certificate.p,
		   c->certificate.n, blob) &&
	    (c->key == NULL ||
		set_blob(u, CURLOPT_SSLKEY_BLOB, secret_data(c->key),
		    secret_len(c->key), blob));
}
