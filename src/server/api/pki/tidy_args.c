/* SPDX-License-Identifier: Apache-2.0 */
/* What a tidy is told, and config/auto-tidy. */
#include <chancery/server/request.h>

#include "tidy.h"

const char *const tidy_switches[] = { "tidy_cert_store", "tidy_revoked_certs",
	"tidy_revoked_cert_issuer_associations", "tidy_expired_issuers",
	"tidy_invalid_certs", "tidy_move_legacy_ca_bundle", "tidy_acme", NULL };
const char *const tidy_buffers[] = { "safety_buffer", "revoked_safety_buffer",
	"issuer_safety_buffer", "acme_account_safety_buffer", NULL };
static const int64_t buffer_defaults[] = { 259200, 259200, 31536000, 2592000 };

/* Rows that one page takes away: a transaction of the store's one writer, which others wait
 * for. */
#define PAGE_DEFAULT 1000
#define PAGE_MIN 5
#define PAGE_MAX 10000

json_t *
tidy_pause_json(int64_t ms)
{
	auto_buf struct buf text = { 0 };
	char whole[40];

	pki_duration_text(ms / 1000, whole);
	if (ms > 0 && ms < 1000) {
		buf_addf(&text, "%lldms", (long long)ms);
	} else {
		/* Any fraction stands before the "s", without zeros at its end. */
		buf_add(&text, whole, strlen(whole) - 1);
		if (ms % 1000 != 0) {
			buf_addf(&text, ".%03lld", (long long)(ms % 1000));
			while (text.p[text.n - 1] == '0')
				text.n--;
		}
		buf_add_byte(&text, 's');
	}
	return json_stringn((const char *)text.p, text.n);
}

static bool
read_pause(const json_t *from, int64_t *ms, struct error *e)
{
	const char *text =
	    json_string_value(json_object_get(from, "pause_duration"));

	*ms = 0;
	if (text == NULL || text[0] == '\0')
		return true;
	if (request_duration_ms(text[0] == '-' ? text + 1 : text, ms))
		return text[0] != '-' ||
		    error_set(e, FAIL_BAD_INPUT,
			"received invalid, negative pause_duration");
	return error_set(e, FAIL_BAD_INPUT,
	    "Error parsing pause_duration: \"%.60s\" is not a duration", text);
}

static bool
check_buffers(const json_t *from, struct error *e)
{
	for (size_t i = 0; tidy_buffers[i] != NULL; i++)
		if (tidy_int(from, tidy_buffers[i]) < 1)
			return error_set(e, FAIL_BAD_INPUT,
			    "%s must be greater than zero", tidy_buffers[i]);
	return true;
}

bool
tidy_wants_any(const json_t *options)
{
	for (size_t i = 0; tidy_switches[i] != NULL; i++)
		if (tidy_bool(options, tidy_switches[i]))
			return true;
	return false;
}

json_t *
tidy_options(const json_t *from, struct error *e)
{
	int64_t ms, page = tidy_int(from, "page_size");
	json_t *o;

	if (!check_buffers(from, e) || !read_pause(from, &ms, e))
		return NULL;
	o = json_object();
	for (size_t i = 0; tidy_switches[i] != NULL; i++)
		(void)json_object_set_new(o, tidy_switches[i],
		    json_boolean(tidy_bool(from, tidy_switches[i])));
	if (tidy_bool(from, "tidy_revocation_list"))
		(void)json_object_set_new(o, "tidy_revoked_certs", json_true());
	for (size_t i = 0; tidy_buffers[i] != NULL; i++)
		(void)json_object_set_new(o, tidy_buffers[i],
		    json_integer(tidy_int(from, tidy_buffers[i])));
	if (page < 1)
		page = PAGE_DEFAULT;
	(void)json_object_set_new(o, "page_size",
	    json_integer(page < PAGE_MAX ? page : PAGE_MAX));
	(void)json_object_set_new(o, "pause_ms", json_integer(ms));
	return o;
}

/* ---- config/auto-tidy ------------------------------------------------------------ */

json_t *
tidy_config_default(void)
{
	json_t *o = json_pack("{s:b,s:i,s:s,s:i,s:b,s:b}", "enabled", 0,
	    "interval_duration", 43200, "pause_duration", "0s", "page_size",
	    PAGE_DEFAULT, "maintain_stored_certificate_counts", 0,
	    "publish_stored_certificate_count_metrics", 0);

	for (size_t i = 0; tidy_switches[i] != NULL; i++)
		(void)json_object_set_new(o, tidy_switches[i], json_false());
	for (size_t i = 0; tidy_buffers[i] != NULL; i++)
		(void)json_object_set_new(o, tidy_buffers[i],
		    json_integer(buffer_defaults[i]));
	return o;
}

static bool
check_enabled(const json_t *doc, struct error *e)
{
	if (tidy_bool(doc, "enabled") && !tidy_wants_any(doc))
		return error_set(e, FAIL_BAD_INPUT,
		    "Auto-tidy enabled but no tidy operations were requested. "
		    "Enable at least one tidy operation to be run "
		    "(tidy_cert_store / tidy_revoked_certs / "
		    "tidy_invalid_certs / "
		    "tidy_revoked_cert_issuer_associations / "
		    "tidy_expired_issuers / tidy_move_legacy_ca_bundle / "
		    "tidy_acme).");
	return !tidy_bool(doc, "publish_stored_certificate_count_metrics") ||
	    tidy_bool(doc, "maintain_stored_certificate_counts") ||
	    error_set(e, FAIL_BAD_INPUT,
		"Can not publish a running storage metrics count to metrics "
		"without first maintaining that count.  Enable "
		"`maintain_stored_certificate_counts` to enable "
		"`publish_stored_certificate_count_metrics`.");
}

static bool
config_check(struct call *c, json_t *doc, struct error *e)
{
	int64_t ms;

	if (call_given(c, "safety_buffer") &&
	    !call_given(c, "revoked_safety_buffer"))
		(void)json_object_set(doc, "revoked_safety_buffer",
		    json_object_get(doc, "safety_buffer"));
	if (!check_buffers(doc, e) || !read_pause(doc, &ms, e))
		return false;
	if (tidy_int(doc, "page_size") < PAGE_MIN)
		return error_set(e, FAIL_BAD_INPUT,
		    "page_size must be at least %d", PAGE_MIN);
	(void)json_object_set_new(doc, "pause_duration", tidy_pause_json(ms));
	return check_enabled(doc, e);
}

static const struct config auto_tidy = { "auto-tidy", "pki config auto-tidy",
	config_check, NULL };

void
config_auto_tidy_read(struct call *c)
{
	config_read(c, &auto_tidy);
}

void
config_auto_tidy_write(struct call *c)
{
	config_write(c, &auto_tidy);
}
