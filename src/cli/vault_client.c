/* SPDX-License-Identifier: Apache-2.0 */
#include "vault_client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/secret_source.h>
#include <chancery/config/service.h>

#include "curl_body.h"

#define CALL_TIMEOUT_S 60L
/* The longest: a list of a mount's certificates is not asked for. */
#define ANSWER_MAX (8 << 20)
/* Of vault_fetch: a list with seven million entries. */
#define FETCH_MAX (256 << 20)
#define TOKEN_HEADER "X-Vault-Token: "

struct vault_client {
	CURL *curl;
	char *address;
	char *socket, *ca_cert, *cert, *key; /* or NULL */
	struct secret *header;               /* NUL-terminated */
	char *name_space;
	struct curl_body answer;
};

/* ---- the token ------------------------------------------------------------ */

static bool
header_set(struct vault_client *v, struct bytes token, struct error *e)
{
	for (size_t i = 0; i < token.n; i++)
		if (token.p[i] <= 0x20 || token.p[i] >= 0x7f)
			return error_set(e, FAIL_BAD_INPUT,
			    "the token has characters that none has");
	if (token.n == 0 || token.n > VAULT_TOKEN_MAX)
		return error_set(e, FAIL_BAD_INPUT,
		    "the token is empty or longer than %d characters",
		    VAULT_TOKEN_MAX);
	v->header = secret_new(VAULT_TOKEN_MAX + sizeof(TOKEN_HEADER));
	if (!secret_set(v->header, TOKEN_HEADER, sizeof(TOKEN_HEADER) - 1) ||
	    !secret_add(v->header, token.p, token.n) ||
	    !secret_add(v->header, "", 1))
		fatal("no room for a token");
	return true;
}

static bool
token_from_source(struct vault_client *v, const char *source, struct error *e)
{
	struct secret *token = secret_from(source, "token", VAULT_TOKEN_MAX, e);
	bool ok;

	if (token == NULL)
		return error_context(e, "--token");
	ok = header_set(v, bytes_of(secret_data(token), secret_len(token)), e);
	secret_free(token);
	return ok;
}

static bool
take_token(struct vault_client *v, const struct cli *c, struct error *e)
{
	const char *source = cli_flag(c, "token");
	const char *text = getenv("VAULT_TOKEN");

	if (source != NULL)
		return token_from_source(v, source, e);
	if (text == NULL || *text == '\0')
		return error_set(e, FAIL_USAGE,
		    "--token SOURCE is missing, and there is no variable "
		    "VAULT_TOKEN");
	return header_set(v, bytes_str(text), e);
}

/* ---- opening ---------------------------------------------------------------- */

static bool
set_text(CURL *u, CURLoption option, const char *value)
{
	return value == NULL || curl_easy_setopt(u, option, value) == CURLE_OK;
}

/* Nothing of the environment has a say in where the token goes. */
static bool
set_up(struct vault_client *v)
{
	bool tls = strncmp(v->address, "https:", 6) == 0;
	CURL *u = v->curl;

	return set_text(u, CURLOPT_UNIX_SOCKET_PATH, v->socket) &&
	    set_text(u, CURLOPT_CAINFO, v->ca_cert) &&
	    set_text(u, CURLOPT_SSLCERT, v->cert) &&
	    set_text(u, CURLOPT_SSLKEY, v->key) &&
	    (v->ca_cert == NULL ||
		curl_easy_setopt(u, CURLOPT_CAPATH, NULL) == CURLE_OK) &&
	    curl_easy_setopt(u, CURLOPT_PROTOCOLS_STR,
		tls ? "https" : "http") == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_SSLVERSION,
		(long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_TIMEOUT, CALL_TIMEOUT_S) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_WRITEFUNCTION, curl_body_add) ==
	    CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_WRITEDATA, &v->answer) == CURLE_OK;
}

static char *
copy(const char *text)
{
	return text != NULL ? mem_strdup(text) : NULL;
}

static char *
address_of(const struct vault_target *t)
{
	size_t n;

	if (t->socket != NULL)
		return mem_strdup("http://localhost");
	n = strlen(t->address);
	return mem_printf("%.*s", (int)(n - (t->address[n - 1] == '/')),
	    t->address);
}

struct vault_client *
vault_client_connect(const struct vault_target *t, struct error *e)
{
	auto_vault_client struct vault_client *v = mem_calloc(1, sizeof(*v));

	if (t->socket == NULL && !service_address_check(t->address, e))
		return NULL;
	v->address = address_of(t);
	v->socket = copy(t->socket);
	v->ca_cert = copy(t->ca_cert);
	v->cert = copy(t->cert);
	v->key = copy(t->key);
	v->name_space = t->name_space != NULL
	    ? mem_printf("X-Vault-Namespace: %s", t->name_space)
	    : NULL;
	/* What it gives back is wiped: it copies the token. */
	(void)curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_alloc,
	    mem_free_wiped, mem_realloc_wiped, mem_strdup, mem_calloc);
	v->curl = curl_easy_init();
	if (v->curl == NULL || !set_up(v)) {
		(void)error_set(e, FAIL_INTERNAL, "curl");
		return NULL;
	}
	return take(v);
}

bool
vault_client_set_token(struct vault_client *v, struct bytes token,
    struct error *e)
{
	secret_free(take(v->header));
	return header_set(v, token, e);
}

struct vault_client *
vault_client_new(const struct cli *c, struct error *e)
{
	const struct vault_target t = {
		.address = cli_flag(c, "address"),
		.ca_cert = cli_flag(c, "ca-cert"),
		.name_space = cli_flag(c, "namespace"),
	};
	auto_vault_client struct vault_client *v = NULL;

	if (!service_address_check(t.address, e)) {
		(void)error_context(e, "--address");
		e->why = FAIL_USAGE;
		return NULL;
	}
	v = vault_client_connect(&t, e);
	return v != NULL && take_token(v, c, e) ? take(v) : NULL;
}

void
vault_client_free(struct vault_client *v)
{
	if (v == NULL)
		return;
	curl_easy_cleanup(v->curl);
	secret_free(v->header);
	mem_free(v->address);
	mem_free(v->socket);
	mem_free(v->ca_cert);
	mem_free(v->cert);
	mem_free(v->key);
	mem_free(v->name_space);
	curl_body_free(&v->answer);
	mem_free(v);
}

bool
vault_mount_check(const char *mount, const char *flag, struct error *e)
{
	size_t n = strlen(mount);

	return (n > 0 && mount[0] != '/' && mount[n - 1] != '/' &&
		   strspn(mount,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		       "0123456789-_./") == n &&
		   strstr(mount, "..") == NULL) ||
	    error_set(e, FAIL_USAGE,
		"%s: want the path of a mount, such as kafka-int-ca", flag);
}

/* ---- asking -------------------------------------------------------------------- */

DEFINE_AUTO(headers, struct curl_slist *, curl_slist_free_all)

static bool
add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (more != NULL)
		*list = more;
	return more != NULL;
}

static bool
perform(struct vault_client *v, const char *method, const char *url,
    struct curl_slist *headers, long *status, struct error *e)
{
	CURL *u = v->curl;
	CURLcode rc;

	if (curl_easy_setopt(u, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_setopt(u, CURLOPT_CUSTOMREQUEST, method) != CURLE_OK ||
	    curl_easy_setopt(u, CURLOPT_HTTPHEADER, headers) != CURLE_OK)
		return error_set(e, FAIL_INTERNAL, "curl");
	buf_reset(&v->answer.text);
	rc = curl_easy_perform(u);
	if (rc != CURLE_OK)
		return error_set(e,
		    rc == CURLE_OPERATION_TIMEDOUT ? FAIL_TIMEOUT : FAIL_IO,
		    "%s: %s", v->address, curl_easy_strerror(rc));
	return curl_easy_getinfo(u, CURLINFO_RESPONSE_CODE, status) ==
	    CURLE_OK ||
	    error_set(e, FAIL_INTERNAL, "curl");
}

static bool
refused(const char *path, long status, const json_t *answer, struct error *e)
{
	static const struct {
		long status;
		enum fail why;
	} rows[] = {
		{ 400, FAIL_BAD_INPUT },
		{ 403, FAIL_PERMISSION },
		{ 404, FAIL_NOT_FOUND },
		{ 405, FAIL_UNSUPPORTED },
		{ 503, FAIL_BUSY },
	};
	const char *text = json_string_value(
	    json_array_get(json_object_get(answer, "errors"), 0));
	enum fail why = FAIL_IO;

	for (size_t i = 0; i < countof(rows); i++)
		if (rows[i].status == status)
			why = rows[i].why;
	return error_set(e, why, "%s: it answers %ld%s%s", path, status,
	    text != NULL ? ": " : "", text != NULL ? text : "");
}

static bool
set_body(struct vault_client *v, const json_t *body, struct buf *text)
{
	size_t n;

	if (body == NULL)
		return curl_easy_setopt(v->curl, CURLOPT_HTTPGET, 1L) ==
		    CURLE_OK;
	/* With room for the NUL: a buffer that grows leaves a copy behind. */
	n = json_dumpb(body, NULL, 0, JSON_COMPACT);
	(void)json_dumpb(body, (char *)buf_reserve(text, n + 1), n,
	    JSON_COMPACT);
	buf_commit(text, n);
	return curl_easy_setopt(v->curl, CURLOPT_POSTFIELDS, buf_cstr(text)) ==
	    CURLE_OK;
}

/* The answer's octets are in v->answer, whatever the status. */
static bool
send_one(struct vault_client *v, const char *method, const char *path,
    const json_t *body, long *status, struct error *e)
{
	auto_cleanup(headers_cleanup) struct curl_slist *headers = NULL;
	auto_mem char *url = mem_printf("%s/v1/%s", v->address, path);
	auto_wiped struct buf text = { 0 };

	if ((v->header != NULL &&
		!add_header(&headers, (const char *)secret_data(v->header))) ||
	    !add_header(&headers, "X-Vault-Request: true") ||
	    (v->name_space != NULL && !add_header(&headers, v->name_space)) ||
	    (body != NULL &&
		!add_header(&headers, "Content-Type: application/json")) ||
	    !set_body(v, body, &text))
		return error_set(e, FAIL_INTERNAL, "curl");
	return perform(v, method, url, headers, status, e);
}

static json_t *
answer_json(const struct vault_client *v)
{
	return json_loadb((const char *)v->answer.text.p, v->answer.text.n,
	    JSON_REJECT_DUPLICATES, NULL);
}

bool
vault_ask(struct vault_client *v, const char *method, const char *path,
    const json_t *body, json_t **answer, struct error *e)
{
	json_t *got;
	long status = 0;

	v->answer.max = ANSWER_MAX;
	if (!send_one(v, method, path, body, &status, e))
		return false;
	got = answer_json(v);
	if (status < 200 || status > 299) {
		(void)refused(path, status, got, e);
		json_decref(got);
		return false;
	}
	*answer = got;
	return true;
}

bool
vault_fetch(struct vault_client *v, const char *path, struct buf *out,
    struct error *e)
{
	json_t *got;
	long status = 0;

	v->answer.max = FETCH_MAX;
	if (!send_one(v, "GET", path, NULL, &status, e))
		return false;
	if (status == 200) {
		buf_add_bytes(out, buf_bytes(&v->answer.text));
		return true;
	}
	got = answer_json(v);
	(void)refused(path, status, got, e);
	json_decref(got);
	return false;
}

json_t *
vault_read(struct vault_client *v, const char *path, struct error *e)
{
	json_t *answer = NULL, *data;

	if (!vault_ask(v, "GET", path, NULL, &answer, e))
		return NULL;
	data = json_incref(json_object_get(answer, "data"));
	json_decref(answer);
	if (json_is_object(data))
		return data;
	json_decref(data);
	(void)error_set(e, FAIL_BAD_INPUT, "%s: an answer without data", path);
	return NULL;
}

json_t *
vault_list(struct vault_client *v, const char *path, struct error *e)
{
	auto_mem char *query = mem_printf("%s?list=true", path);
	json_t *data = vault_read(v, query, e), *keys;

	if (data == NULL)
		return e->why == FAIL_NOT_FOUND ? json_array() : NULL;
	keys = json_incref(json_object_get(data, "keys"));
	json_decref(data);
	if (json_is_array(keys))
		return keys;
	json_decref(keys);
	(void)error_set(e, FAIL_BAD_INPUT, "%s: a list without keys", path);
	return NULL;
}
