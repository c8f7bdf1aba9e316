/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_lists.h"

#include <curl/curl.h>
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/text.h>

#include "curl_body.h"

/* Java's own, without the flags that we advise. */
#define FETCH_TIMEOUT_S 15L
/* crl.timeout and crl.readtimeout, as we advise them. */
#define SLOW_MS 2000
#define LIST_BYTES_MAX (64UL << 20)
#define URLS_MAX 16

DEFINE_AUTO(curl, CURL *, curl_easy_cleanup)

/* The certificate's author chose the URL: nothing but HTTP, and no other scheme after a
 * redirection. */
static bool
set_up(CURL *u, const char *url, struct curl_body *body)
{
	return curl_easy_setopt(u, CURLOPT_URL, url) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_REDIR_PROTOCOLS_STR, "http") ==
	    CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_MAXREDIRS, 3L) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_TIMEOUT, FETCH_TIMEOUT_S) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_FAILONERROR, 1L) == CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_WRITEFUNCTION, curl_body_add) ==
	    CURLE_OK &&
	    curl_easy_setopt(u, CURLOPT_WRITEDATA, body) == CURLE_OK;
}

/* Java 17.0.15 gives up at the first distribution point that cannot be fetched; of several names
 * in one point it takes what there is. */
static bool
fetch(const char *url, bool alone, struct curl_body *body,
    struct kafka_findings *f)
{
	auto_cleanup(curl_cleanup) CURL *u = curl_easy_init();
	int64_t start = clock_mono_ns(), ms;
	CURLcode rc;

	if (u == NULL || !set_up(u, url, body))
		fatal("curl");
	rc = curl_easy_perform(u);
	ms = (clock_mono_ns() - start) / 1000000;
	if (rc != CURLE_OK) {
		kafka_find(f, alone ? KAFKA_WRONG : KAFKA_WARNING, "crl",
		    "no list at %s: %s%s", url, curl_easy_strerror(rc),
		    alone ? "; Java 17.0.15 refuses the certificate for that, "
			    "whatever the other distribution points have"
			  : "");
		return false;
	}
	if (ms > SLOW_MS)
		kafka_find(f, KAFKA_WARNING, "crl-slow",
		    "the list at %s took %lld ms; Java waits for it in the "
		    "broker's network thread",
		    url, (long long)ms);
	return true;
}

static void
row(struct doc *d, const char *subject, const char *standing, const char *url)
{
	struct doc *r = doc_row(d, "revocation", "revocation");

	doc_text(r, "standing", "standing", standing);
	doc_text(r, "subject", "certificate", subject);
	doc_text(r, "url", "list", url);
}

/* The first address with a list that counts ends the search, as in Java. */
static bool
look_at(struct doc *d, const char *subject, const struct cert *c,
    const struct cert *issuer, const char *url, bool alone, int64_t now_s,
    struct kafka_findings *f)
{
	auto_curl_body struct curl_body body = { .max = LIST_BYTES_MAX };
	enum kafka_standing s;

	if (!fetch(url, alone, &body, f))
		return false;
	s = kafka_judge_list(c, issuer, url, buf_bytes(&body.text), now_s, f);
	if (s == KAFKA_NO_LIST)
		return false;
	row(d, subject, s == KAFKA_REVOKED ? "revoked" : "good", url);
	return true;
}

void
kafka_lists_look(struct doc *d, const char *subject, const struct cert *c,
    const struct cert *issuer, int64_t now_s, struct kafka_findings *f)
{
	const struct ext *x = exts_find(&c->tbs.exts, EXT_CRL_DP);
	struct crl_dp_shape shape = { 0 };
	struct bytes uri[URLS_MAX];
	struct error e;
	size_t n = 0;

	/* That it names none is said where the chain is judged. */
	if (x == NULL || !ext_crl_dp_shape(x, &shape, &e) ||
	    !ext_crl_dp(x, uri, URLS_MAX, &n, &e) || n == 0) {
		row(d, subject, "unknown", "none");
		return;
	}
	for (size_t i = 0; i < n && i < URLS_MAX; i++) {
		auto_mem char *url =
		    mem_printf("%.*s", (int)uri[i].n, (const char *)uri[i].p);

		if (look_at(d, subject, c, issuer, url, shape.points > 1, now_s,
			f))
			return;
	}
	row(d, subject, "unknown", "");
	kafka_find(f, KAFKA_WRONG, "crl",
	    "%s: none of the %zu addresses of its list has one that counts: "
	    "Java peers that check revocation refuse it",
	    subject, n);
}
