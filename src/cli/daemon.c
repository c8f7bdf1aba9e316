/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include <curl/curl.h>
#include <string.h>

#include <chancery/base/cleanup.h>

#include "curl_body.h"

/* The server's own longest wait (LIMIT_IMPORT_WAIT_MS), and some. */
#define CALL_TIMEOUT_S 130L
/* What is only read is in its memory. Whoever asks for the status of a service that hangs wants to know
 * so. */
#define READ_TIMEOUT_S 5L
/* Root tokens, health: small. */
#define ANSWER_MAX (1 << 20)

DEFINE_AUTO(curl, CURL *, curl_easy_cleanup)
DEFINE_AUTO(headers, struct curl_slist *, curl_slist_free_all)

struct yaml_doc *
daemon_config(const struct cli *c, struct service_config *cfg, struct error *e)
{
	const char *dir = cli_home_dir(c, e);

	return dir != NULL ? service_config_open(dir, cfg, NULL, e) : NULL;
}

static bool
set_up(CURL *curl, const struct service_config *cfg, const char *method,
    const char *url)
{
	const long timeout_s =
	    strcmp(method, "GET") == 0 ? READ_TIMEOUT_S : CALL_TIMEOUT_S;

	return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH,
		cfg->server.socket) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout_s) == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    /* The socket is of this machine: no proxy of the environment. */
	    curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, curl_body_add) ==
	    CURLE_OK;
}

static bool
perform(CURL *curl, const struct service_config *cfg, struct curl_body *body,
    long *status, struct error *e)
{
	CURLcode rc;

	if (curl_easy_setopt(curl, CURLOPT_WRITEDATA, body) != CURLE_OK)
		return error_set(e, FAIL_INTERNAL, "curl");
	rc = curl_easy_perform(curl);
	if (rc == CURLE_COULDNT_CONNECT)
		return error_set(e, FAIL_NOT_FOUND,
		    "nobody answers at %s: chanceryd does not run",
		    cfg->server.socket);
	if (rc != CURLE_OK)
		return error_set(e,
		    rc == CURLE_OPERATION_TIMEDOUT ? FAIL_TIMEOUT : FAIL_IO,
		    "%s: %s", cfg->server.socket, curl_easy_strerror(rc));
	if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status) != CURLE_OK)
		return error_set(e, FAIL_INTERNAL, "curl");
	return true;
}

static void
add_json(struct buf *out, const json_t *v)
{
	size_t n = json_dumpb(v, NULL, 0, JSON_COMPACT);

	(void)json_dumpb(v, (char *)buf_reserve(out, n), n, JSON_COMPACT);
	buf_commit(out, n);
}

bool
daemon_call(const struct service_config *cfg, const char *method,
    const char *path, json_t *body, long *status, json_t **answer,
    struct error *e)
{
	auto_cleanup(curl_cleanup) CURL *curl = curl_easy_init();
	auto_cleanup(headers_cleanup) struct curl_slist *headers =
	    curl_slist_append(NULL,
		strcmp(method, "PATCH") == 0
		    ? "Content-Type: application/merge-patch+json"
		    : "X-Vault-Request: true");
	auto_mem char *url = mem_printf("http://chancery/v1/%s", path);
	auto_curl_body struct curl_body got = { .max = ANSWER_MAX };
	auto_buf struct buf json = { 0 };
	bool ok;

	if (curl == NULL || headers == NULL || !set_up(curl, cfg, method, url))
		return error_set(e, FAIL_INTERNAL, "curl");
	if (body != NULL)
		add_json(&json, body);
	ok = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
	    (body == NULL ||
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, buf_cstr(&json)) ==
		    CURLE_OK);
	ok = ok ? perform(curl, cfg, &got, status, e)
		: error_set(e, FAIL_INTERNAL, "curl");
	if (ok)
		*answer =
		    json_loadb((const char *)got.text.p, got.text.n, 0, NULL);
	return ok;
}

static const struct {
	long from, to;
	enum fail why;
} statuses[] = {
	{ 400, 400, FAIL_BAD_INPUT },
	{ 403, 403, FAIL_PERMISSION },
	{ 404, 404, FAIL_NOT_FOUND },
	{ 405, 405, FAIL_UNSUPPORTED },
	{ 412, 412, FAIL_BUSY },
	{ 429, 429, FAIL_BUSY },
	{ 503, 503, FAIL_BUSY },
};

static void
refused(long status, const json_t *answer, struct error *e)
{
	const json_t *first =
	    json_array_get(json_object_get(answer, "errors"), 0);
	const char *text = json_string_value(first);
	enum fail why = FAIL_IO;

	for (size_t i = 0; i < countof(statuses); i++)
		if (status >= statuses[i].from && status <= statuses[i].to)
			why = statuses[i].why;
	error_set(e, why, "chanceryd answers %ld%s%s", status,
	    text != NULL ? ": " : "", text != NULL ? text : "");
}

bool
daemon_ask(const struct service_config *cfg, const char *method,
    const char *path, json_t *body, json_t **answer, struct error *e)
{
	json_t *got = NULL;
	long status = 0;

	if (!daemon_call(cfg, method, path, body, &status, &got, e))
		return false;
	if (status >= 200 && status < 300) {
		*answer = got;
		return true;
	}
	refused(status, got, e);
	json_decref(got);
	return false;
}

/* ---- commands that need the register for themselves --------------------------- */

static const struct {
	const char *words, *instead;
} instead[] = {
	{ "key generate", "POST v1/MOUNT/keys/generate/internal" },
	{ "issuer create",
	    "POST v1/MOUNT/root/generate/internal, or "
	    "v1/MOUNT/intermediate/generate/internal" },
	{ "sign intermediate", "POST v1/MOUNT/root/sign-intermediate" },
	{ "sign csr", "POST v1/MOUNT/sign/ROLE, or v1/MOUNT/sign-verbatim" },
	{ "revoke", "POST v1/MOUNT/revoke" },
	{ "crl issue", "GET v1/MOUNT/crl/rotate" },
};

const char *
daemon_instead(const char *words)
{
	for (size_t i = 0; i < countof(instead); i++)
		if (strcmp(instead[i].words, words) == 0)
			return instead[i].instead;
	return NULL;
}
