/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate for the time before there is an authority: self-signed, kept beside the
 * store so that clients that were given it (VAULT_CACERT) still know the server after a
 * restart.
 */
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/pki/selfsigned.h>

#include "certfile.h"

bool
selfsigned_get(const struct service_config *cfg, int64_t now_s,
    struct buf *certificate, struct buf *key, struct error *e)
{
	auto_mem char *cert_at = cert_path(cfg, "tls-self-signed.crt");
	auto_mem char *key_at = cert_path(cfg, "tls-self-signed.key");
	auto_buf struct buf sans = { 0 };
	struct error absent = { 0 };

	cert_sans(cfg, &sans);
	if (file_read(cert_at, LIMIT_CERT_BYTES, certificate, &absent) &&
	    file_read(key_at, LIMIT_CERT_BYTES, key, &absent) &&
	    selfsigned_is_good(buf_bytes(certificate), buf_cstr(&sans), now_s))
		return true;
	buf_reset(certificate);
	buf_reset(key);
	return selfsigned_make(buf_cstr(&sans), now_s, certificate, key, e) &&
	    file_replace(key_at, buf_bytes(key), 0600, e) &&
	    file_replace(cert_at, buf_bytes(certificate), 0644, e);
}
