/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of configuration (vault-pki-api.md 4.1): paths, fields, handlers. */
#include "routes_fields.h"

static const struct field_spec f_cfg_issuers[] = {
	STR("default", NULL, "Reference of the default issuer."),
	BOOL("default_follows_latest_issuer", NULL,
	    "A new issuer with a key becomes the default."),
	END
};
static const struct field_spec f_cfg_cluster[] = { STR("path", NULL,
						       "URL of this mount."),
	STR("aia_path", NULL, "URL of its public reads."), END };
static const struct field_spec f_cfg_keys[] = {
	STR("default", NULL, "Reference of the default key."), END
};
static const struct field_spec f_cfg_urls[] = {
	LIST("issuing_certificates", NULL, "URLs of the issuer's certificate."),
	LIST("crl_distribution_points", NULL, "URLs of the list."),
	LIST("delta_crl_distribution_points", NULL, "Kept."),
	LIST("ocsp_servers", NULL, "URLs of responders."),
	BOOL("enable_templating", NULL,
	    "URLs hold {{issuer_id}}, {{cluster_path}}, "
	    "{{cluster_aia_path}}."),
	END
};
static const struct field_spec f_cfg_crl[] = { STR("expiry", "72h",
						   "Life of a list."),
	BOOL("disable", NULL,
	    "No lists: none is made, reads answer 204; revocations are "
	    "recorded."),
	BOOL("ocsp_disable", NULL, "OCSP answers unauthorized."),
	STR("ocsp_expiry", "12h", "Life of an OCSP answer."),
	STR("ocsp_unknown", "unknown",
	    "What OCSP says of serials that were never issued: unknown or "
	    "revoked."),
	BOOL("auto_rebuild", NULL,
	    "A revocation does not wait for the next list."),
	STR("auto_rebuild_grace_period", "12h",
	    "With auto_rebuild a list is renewed that long before its end at "
	    "the latest."),
	BOOL("enable_delta", NULL,
	    "A delta list beside each full one; wants auto_rebuild."),
	STR("delta_rebuild_interval", "15m",
	    "From a delta list to the next, when something was revoked."),
	BOOL("allow_expired_cert_revocation", NULL,
	    "Expired certificates may be revoked."),
	INT("max_crl_entries", "-1", "Kept; lists have no limit."),
	STR("partitions", "auto",
	    "Lists that new certificates are spread over: a number, 0 for the "
	    "full list alone; auto or auto:CERTIFICATES (docs/pki.md)."),
	INT("renew_share", "67",
	    "Per cent of its life after which a list is renewed."),
	END };

static const struct field_spec f_cfg_acme[] = { BOOL("enabled", NULL,
						    "true is refused."),
	BOOL("allow_role_ext_key_usage", NULL, "Kept."),
	LIST("allowed_issuers", "*", "Kept."),
	LIST("allowed_roles", "*", "Kept."),
	STR("default_directory_policy", "sign-verbatim", "Kept."),
	STR("dns_resolver", NULL, "Kept."),
	STR("eab_policy", "not-required", "Kept."), END };

#define TIDY                                                                   \
	BOOL("tidy_cert_store", NULL, "Forget expired certificates."),         \
	    BOOL("tidy_revoked_certs", NULL,                                   \
		"Forget expired certificates that were revoked."),             \
	    BOOL("tidy_expired_issuers", NULL,                                 \
		"Detach expired issuers, but the default one."),               \
	    BOOL("tidy_revoked_cert_issuer_associations", NULL,                \
		"Accepted; there is nothing to do."),                          \
	    BOOL("tidy_invalid_certs", NULL,                                   \
		"Accepted; there is nothing to do."),                          \
	    BOOL("tidy_move_legacy_ca_bundle", NULL,                           \
		"Accepted; there is nothing to do."),                          \
	    BOOL("tidy_acme", NULL, "Accepted; there is nothing to do."),      \
	    DUR("safety_buffer", "259200",                                     \
		"How long a certificate must have been expired."),             \
	    DUR("revoked_safety_buffer", "259200",                             \
		"The same for revoked ones."),                                 \
	    DUR("issuer_safety_buffer", "31536000", "The same for issuers."),  \
	    DUR("acme_account_safety_buffer", "2592000", "Kept."),             \
	    STR("pause_duration", "0s", "Rest between two pages."),            \
	    INT("page_size", "1000", "Certificates a page.")

static const struct field_spec f_auto_tidy[] = { BOOL("enabled", NULL,
						     "Tidy from time to time."),
	DUR("interval_duration", "43200", "From the end of one to the next."),
	TIDY,
	BOOL("maintain_stored_certificate_counts", NULL,
	    "Show counts in tidy-status."),
	BOOL("publish_stored_certificate_count_metrics", NULL, "Kept."), END };
static const struct field_spec f_tidy[] = { TIDY,
	BOOL("tidy_revocation_list", NULL, "As tidy_revoked_certs."), END };
static const struct field_spec f_tidy_page[] = {
	STR("after", NULL, "Serial number behind which it begins."),
	BOOL("cancel", NULL, "End the run."), END
};

const struct route pki_config_routes[] = {
	{ "config/issuers", "Default issuer.", 0, f_cfg_issuers,
	    { config_issuers_read, NULL, config_issuers_write, NULL, NULL },
	    NULL },
	{ "config/keys", "Default key.", 0, f_cfg_keys,
	    { config_keys_read, NULL, config_keys_write, NULL, NULL }, NULL },
	{ "config/urls", "URLs that certificates name.", 0, f_cfg_urls,
	    { config_urls_read, NULL, config_urls_write, NULL, NULL }, NULL },
	{ "config/crl", "Lists of revoked certificates.", 0, f_cfg_crl,
	    { config_crl_read, NULL, config_crl_write, NULL, NULL }, NULL },
	{ "config/cluster", "URLs for templates.", 0, f_cfg_cluster,
	    { config_cluster_read, NULL, config_cluster_write, NULL, NULL },
	    NULL },
	{ "config/acme", "ACME: off, for those who look. The rest is kept.", 0,
	    f_cfg_acme,
	    { config_acme_read, NULL, config_acme_write, NULL, NULL }, NULL },
	{ "config/auto-tidy", "Tidy from time to time.", 0, f_auto_tidy,
	    { config_auto_tidy_read, NULL, config_auto_tidy_write, NULL, NULL },
	    NULL },
	{ "tidy", "Forget what expired, in the background.", 0, f_tidy,
	    WRITE(tidy_start), NULL },
	{ "tidy-cancel", "End a tidy that runs.", 0, NULL, WRITE(tidy_cancel),
	    NULL },
	{ "tidy-status", "The tidy that runs, or the last one.", 0, NULL,
	    READ(tidy_status), NULL },
	{ "tidy/page", "One page of a tidy.", ROUTE_OWN, f_tidy_page,
	    WRITE(tidy_page), NULL },
	{ NULL, NULL, 0, NULL, { NULL }, NULL },
};
