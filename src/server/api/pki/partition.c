/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges as documents, and what their URLs are. */
#include <endian.h>
#include <stdio.h>

#include <chancery/base/text.h>
#include <chancery/pki/ext.h>

#include "partition.h"

#define MARK "{{partition}}"
/* What the URLs of certificates have in common, by which the signer knows the list. */
#define STEM "partition-"
#define SLOT "partition-{partition}"
/* URLs of a certificate that are looked at. */
#define CERT_URLS 16

/* ---- documents ------------------------------------------------------------- */

void
range_free(void *parsed)
{
	struct range *r = parsed;

	pki_texts_free(&r->urls);
	mem_free(r->taken);
	mem_free(r);
}

static bool
number_of(const json_t *json, const char *name, int64_t most, int64_t *out)
{
	const json_t *v = json_object_get(json, name);

	*out = json_integer_value(v);
	return json_is_integer(v) && *out >= 0 && *out <= most;
}

static bool
range_fill(struct range *r, const json_t *json)
{
	const char *hex = json_string_value(json_object_get(json, "key")),
		   *run = json_string_value(json_object_get(json, "run"));
	auto_buf struct buf key = { 0 };
	int64_t first, n;

	if (hex == NULL || run == NULL || strlen(run) >= sizeof(r->run) ||
	    !hex_decode(hex, strlen(hex), &key) || key.n != SHA256_LEN ||
	    !number_of(json, "first", INT32_MAX, &first) || first < 1 ||
	    !number_of(json, "n", PARTITIONS_MAX, &n) || n < 1 ||
	    !number_of(json, "opened", INT64_MAX, &r->opened_s) ||
	    !number_of(json, "until", INT64_MAX, &r->until_s) ||
	    !number_of(json, "most", INT64_MAX, &r->most) ||
	    !number_of(json, "granted", INT64_MAX, &r->granted))
		return false;
	memcpy(r->key.b, key.p, SHA256_LEN);
	memcpy(r->run, run, strlen(run) + 1);
	r->first = (unsigned)first;
	r->n = (unsigned)n;
	r->automatic = json_is_true(json_object_get(json, "auto"));
	r->closed = json_is_true(json_object_get(json, "closed"));
	pki_texts_set(&r->urls, json_object_get(json, "urls"));
	return true;
}

void *
range_parse(const char *scope, const char *name, const json_t *json,
    struct error *e)
{
	struct range *r = mem_calloc(1, sizeof(*r));

	(void)scope;
	r->taken = mem_calloc(1, sizeof(*r->taken));
	if (range_fill(r, json))
		return r;
	(void)error_set(e, FAIL_CORRUPT, "%s %.40s: malformed", PARTITION_KIND,
	    name);
	range_free(r);
	return NULL;
}

struct search {
	unsigned k;
	const struct doc *found;
};

static bool
has_number(void *arg, const struct doc *doc)
{
	struct search *s = arg;
	const struct range *r = range_of(doc);

	if (r == NULL || !range_has(r, s->k))
		return true;
	s->found = docs_ref(doc);
	return false;
}

const struct doc *
range_with(struct docs *d, const char *mount, unsigned k)
{
	struct search s = { .k = k };

	docs_each(d, PARTITION_KIND, mount, has_number, &s);
	return s.found;
}

bool
range_lives(const struct range *r, int64_t now_s, int64_t expiry_s)
{
	return r->until_s + 2 * expiry_s > now_s;
}

/* ---- config/crl -------------------------------------------------------------- */

bool
partition_mode_parse(const char *text, struct partition_mode *out,
    struct error *e)
{
	uint64_t n = 0, most = 0;

	*out = (struct partition_mode){ 0 };
	if (strcmp(text, "auto") == 0) {
		most = PARTITION_CERTS;
	} else if (strncmp(text, "auto:", 5) == 0) {
		if (!parse_u64(text + 5, PARTITION_CERTS_MIN,
			PARTITION_CERTS_MAX, &most))
			return error_set(e, FAIL_BAD_INPUT,
			    "partitions: \"%.40s\": not %d to %d certificates "
			    "a list",
			    text, PARTITION_CERTS_MIN, PARTITION_CERTS_MAX);
	} else if (!parse_u64(text, 0, PARTITIONS_MAX, &n)) {
		return error_set(e, FAIL_BAD_INPUT,
		    "partitions: \"%.40s\" is neither auto, auto:CERTIFICATES "
		    "nor a number up to %d",
		    text, PARTITIONS_MAX);
	}
	out->automatic = most > 0;
	out->most = (int64_t)most;
	out->n = (unsigned)n;
	return true;
}

void
partition_mode_get(struct docs *d, const char *mount,
    struct partition_mode *out)
{
	json_t *cfg = config_get(d, mount, "crl");
	const char *text =
	    json_string_value(json_object_get(cfg, "partitions"));
	struct error ignored;

	if (text == NULL || !partition_mode_parse(text, out, &ignored))
		*out = (struct partition_mode){ .automatic = true,
			.most = PARTITION_CERTS };
	json_decref(cfg);
}

/* ---- URLs -------------------------------------------------------------------- */

static bool
ends_in(const char *url, const char *end)
{
	size_t n = strlen(url), m = strlen(end);

	return n >= m && strcmp(url + n - m, end) == 0;
}

static void
add(struct pki_texts *t, char *text)
{
	t->v = mem_realloc(t->v, (t->n + 1) * sizeof(t->v[0]));
	t->v[t->n++] = text;
}

/* `with` in the place of the mark. */
static char *
replaced(const char *url, const char *with)
{
	const char *at = strstr(url, MARK);

	return mem_printf("%.*s%s%s", (int)(at - url), url, with,
	    at + sizeof(MARK) - 1);
}

static char *
pattern_of(const char *url)
{
	if (strstr(url, MARK) != NULL)
		return replaced(url, SLOT);
	if (ends_in(url, "/crl"))
		return mem_printf("%s/%s", url, SLOT);
	if (ends_in(url, "/crl/der"))
		return mem_printf("%.*s/%s/der",
		    (int)(strlen(url) - sizeof("/der") + 1), url, SLOT);
	return NULL;
}

/* One number, and nothing before it that looks like one. */
static bool
pattern_ok(const char *pattern)
{
	const char *at = strstr(pattern, STEM);

	return at != NULL && strncmp(at, SLOT, sizeof(SLOT) - 1) == 0 &&
	    strstr(pattern, "{partition}") == at + sizeof(STEM) - 1 &&
	    strstr(at + sizeof(SLOT) - 1, "{partition}") == NULL;
}

bool
partition_patterns(const struct pki_texts *urls, struct pki_texts *out,
    struct error *e)
{
	for (size_t i = 0; i < urls->n; i++) {
		char *p = pattern_of(urls->v[i]);

		if (p != NULL && pattern_ok(p)) {
			add(out, p);
			continue;
		}
		mem_free(p);
		return error_set(e, FAIL_BAD_INPUT,
		    "crl_distribution_points: \"%.150s\" has no place for a "
		    "partition: once \"" MARK "\", or an end in /crl or "
		    "/crl/der; and \"" STEM "\" nowhere else",
		    urls->v[i]);
	}
	return true;
}

void
partition_none(struct pki_texts *urls)
{
	for (size_t i = 0; i < urls->n; i++)
		while (strstr(urls->v[i], MARK) != NULL) {
			char *text = replaced(urls->v[i], "full");

			mem_free(urls->v[i]);
			urls->v[i] = text;
		}
}

void
partition_fill(const char *pattern, unsigned k, struct buf *out)
{
	const char *at = strstr(pattern, "{partition}");

	buf_addf(out, "%.*s%u%s", (int)(at - pattern), pattern, k,
	    at + sizeof("{partition}") - 1);
}

/* ---- a certificate -------------------------------------------------------------- */

static unsigned
number_in(struct bytes url)
{
	const uint8_t *at = memmem(url.p, url.n, STEM, sizeof(STEM) - 1);
	unsigned v = 0;

	if (at == NULL)
		return 0;
	for (at += sizeof(STEM) - 1;
	     at < url.p + url.n && *at >= '0' && *at <= '9' && v < 100000000;
	     at++)
		v = v * 10 + (unsigned)(*at - '0');
	return v;
}

unsigned
partition_in_cert(struct bytes der)
{
	auto_cert struct cert cert = { 0 };
	struct bytes uri[CERT_URLS];
	const struct ext *dp;
	struct error ignored;
	unsigned k = 0;
	size_t n;

	if (der.n == 0 || !cert_parse(der, "certificate", &cert, &ignored))
		return 0;
	dp = exts_find(&cert.tbs.exts, EXT_CRL_DP);
	if (dp == NULL || !ext_crl_dp(dp, uri, CERT_URLS, &n, &ignored))
		return 0;
	for (size_t i = 0; i < n && i < CERT_URLS && k == 0; i++)
		k = number_in(uri[i]);
	return k;
}
