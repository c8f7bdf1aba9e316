/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>

#include "room.h"

static void
wipe_free(struct buf *b)
{
	if (b->p != NULL)
		OPENSSL_cleanse(b->p, b->cap);
	buf_free(b);
}

static bool
read_pair(const struct service_config *cfg, struct buf *certificate,
    struct buf *key, struct error *e)
{
	const struct service_tls *t = &cfg->server.tls;

	/* Room for the whole key at once, so that no copy stays behind. */
	(void)buf_reserve(key, LIMIT_CONFIG_BYTES);
	if (t->certificate == NULL || *t->certificate == '\0')
		return selfsigned_get(cfg, clock_wall_ms(&clock_system) / 1000,
		    certificate, key, e);
	return file_read(t->certificate, LIMIT_CONFIG_BYTES, certificate, e) &&
	    file_read(t->key, LIMIT_CONFIG_BYTES, key, e);
}

bool
room_tls(struct room *r, struct error *e)
{
	auto_buf struct buf certificate = { 0 };
	auto_cleanup(wipe_free) struct buf key = { 0 };
	struct http_tls_config cfg = { .client_ca =
					   r->cfg.server.tls.client_ca };

	if (!read_pair(&r->cfg, &certificate, &key, e))
		return error_context(e, "TLS");
	cfg.certificate_pem = buf_bytes(&certificate);
	cfg.key_pem = buf_bytes(&key);
	if (r->tls != NULL)
		return http_tls_reload(r->tls, &cfg, e);
	r->tls = http_tls_new(&cfg, e);
	return r->tls != NULL;
}
