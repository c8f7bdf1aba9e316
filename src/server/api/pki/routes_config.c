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
	BOOL("disable", NULL, "Kept; lists are always made."),
	BOOL("ocsp_disable", NULL, "OCSP answers unauthorized."),
	STR("ocsp_expiry", "12h", "Life of an OCSP answer."),
	BOOL("auto_rebuild", NULL,
	    "A revocation does not wait for the next list."),
	STR("auto_rebuild_grace_period", "12h", "Kept."),
	BOOL("enable_delta", NULL, "Kept."),
	STR("delta_rebuild_interval", "15m", "Kept."),
	BOOL("allow_expired_cert_revocation", NULL,
	    "Expired certificates may be revoked."),
	INT("max_crl_entries", "-1", "Kept; lists have no limit."), END };

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
	{ NULL, NULL, 0, NULL, { NULL }, NULL },
};
