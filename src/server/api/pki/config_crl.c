/* SPDX-License-Identifier: Apache-2.0 */
/* config/crl (vault-pki-api.md 6.1; ocsp_unknown, partitions and renew_share are ours). */
#include <chancery/base/text.h>
#include <chancery/server/request.h>

#include "partition.h"

int64_t
config_seconds(const json_t *doc, const char *name)
{
	const char *s = json_string_value(json_object_get(doc, name));
	int64_t v;

	/* "1y" is not one of Go's. */
	if (s == NULL || *s == '\0' ||
	    (!request_duration(s, &v) && !parse_duration(s, &v)))
		return -1;
	return v;
}

static bool
share_check(const json_t *doc, struct error *e)
{
	int64_t n = json_integer_value(json_object_get(doc, "renew_share"));

	return (n >= 1 && n <= 95) ||
	    error_set(e, FAIL_BAD_INPUT,
		"renew_share: %lld, not 1 to 95 per cent of a list's life",
		(long long)n);
}

static bool
ocsp_unknown_check(const json_t *doc, struct error *e)
{
	const char *s = json_string_value(json_object_get(doc, "ocsp_unknown"));

	return (s != NULL &&
		   (strcmp(s, "unknown") == 0 || strcmp(s, "revoked") == 0)) ||
	    error_set(e, FAIL_BAD_INPUT,
		"ocsp_unknown: \"unknown\" or \"revoked\"");
}

static bool
urls_carry(const struct pki_texts *urls, struct error *e)
{
	struct pki_texts patterns = { 0 };
	bool ok = partition_patterns(urls, &patterns, e);

	pki_texts_free(&patterns);
	return ok;
}

struct carry {
	struct error *e;
	bool ok;
};

static bool
issuer_carries(void *arg, const struct doc *doc)
{
	struct carry *k = arg;

	if (doc->parsed == NULL)
		return true;
	k->ok = urls_carry(&issuer_of(doc)->crl_urls, k->e);
	if (!k->ok)
		(void)error_context(k->e, "issuer %s", doc->name);
	return k->ok;
}

/* A number: every URL that certificates would name has a place for theirs. */
static bool
partitions_check(struct call *c, const json_t *doc, struct error *e)
{
	auto_doc const struct doc *of_mount =
	    docs_get(c->docs, "pki-config", c->mount->path, "urls");
	struct carry k = { .e = e, .ok = true };
	struct pki_texts named = { 0 };
	struct partition_mode mode;

	if (!partition_mode_parse(json_string_value(
				      json_object_get(doc, "partitions")),
		&mode, e))
		return false;
	if (mode.automatic || mode.n == 0)
		return true;
	if (of_mount != NULL)
		pki_texts_set(&named,
		    json_object_get(of_mount->json, "crl_distribution_points"));
	k.ok = urls_carry(&named, e);
	pki_texts_free(&named);
	if (k.ok)
		docs_each(c->docs, "pki-issuer", c->mount->path, issuer_carries,
		    &k);
	return k.ok;
}

bool
config_crl_fits(struct call *c, const json_t *doc, struct error *e)
{
	struct pki_texts urls = { 0 };
	struct partition_mode mode;
	bool ok;

	partition_mode_get(c->docs, c->mount->path, &mode);
	pki_texts_set(&urls, json_object_get(doc, "crl_distribution_points"));
	ok = mode.automatic || mode.n == 0 || urls_carry(&urls, e);
	pki_texts_free(&urls);
	return ok;
}

static bool
crl_check(struct call *c, json_t *doc, struct error *e)
{
	static const char *const durations[] = { "expiry", "ocsp_expiry",
		"auto_rebuild_grace_period", "delta_rebuild_interval" };
	int64_t expiry = config_seconds(doc, "expiry");
	bool auto_rebuild = json_is_true(json_object_get(doc, "auto_rebuild"));

	if (!share_check(doc, e) || !ocsp_unknown_check(doc, e) ||
	    !partitions_check(c, doc, e))
		return false;
	for (size_t i = 0; i < countof(durations); i++)
		if (config_seconds(doc, durations[i]) < 0)
			return error_set(e, FAIL_BAD_INPUT,
			    "given %s could not be decoded: %.60s",
			    durations[i],
			    json_string_value(
				json_object_get(doc, durations[i])));
	if (expiry < 1)
		return error_set(e, FAIL_BAD_INPUT,
		    "expiry: at least one second");
	if (auto_rebuild &&
	    config_seconds(doc, "auto_rebuild_grace_period") >= expiry)
		return error_set(e, FAIL_BAD_INPUT,
		    "CRL auto-rebuilding grace period must be strictly shorter "
		    "than CRL expiry");
	if (!json_is_true(json_object_get(doc, "enable_delta")))
		return true;
	if (!auto_rebuild)
		return error_set(e, FAIL_BAD_INPUT,
		    "Delta CRLs cannot be enabled when auto rebuilding is "
		    "disabled as the complete CRL is always regenerated!");
	return config_seconds(doc, "delta_rebuild_interval") < expiry ||
	    error_set(e, FAIL_BAD_INPUT,
		"Delta CRL rebuild window must be strictly shorter than CRL "
		"expiry");
}

/* Another period is for the next lists; they come at once. */
static void
crl_changed(struct call *c)
{
	crl_wanted_all(c->docs, c->mount->path);
}

static const struct config crl = { "crl", "pki config crl", crl_check,
	crl_changed };

void
config_crl_read(struct call *c)
{
	config_read(c, &crl);
}

void
config_crl_write(struct call *c)
{
	config_write(c, &crl);
}
