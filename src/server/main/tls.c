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
is_set(const char *s)
{
	return s != NULL && *s != '\0';
}

static bool
read_pair(struct room *r, struct buf *certificate, struct buf *key,
    struct error *e)
{
	const struct service_tls *t = &r->cfg.server.tls;
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;

	/* Room for the whole key at once, so that no copy stays behind. */
	(void)buf_reserve(key, LIMIT_CONFIG_BYTES);
	if (is_set(t->certificate))
		return file_read(t->certificate, LIMIT_CONFIG_BYTES,
			   certificate, e) &&
		    file_read(t->key, LIMIT_CONFIG_BYTES, key, e);
	if (is_set(t->authority) &&
	    authority_kept(&r->cfg, now_s, certificate, key,
		&r->authority.renew_s))
		return true;
	return selfsigned_get(&r->cfg, now_s, certificate, key, e);
}

bool
room_tls(struct room *r, struct error *e)
{
	auto_buf struct buf certificate = { 0 };
	auto_cleanup(wipe_free) struct buf key = { 0 };
	struct http_tls_config cfg = { .client_ca =
					   r->cfg.server.tls.client_ca };

	if (!read_pair(r, &certificate, &key, e))
		return error_context(e, "TLS");
	cfg.certificate_pem = buf_bytes(&certificate);
	cfg.key_pem = buf_bytes(&key);
	if (r->tls != NULL)
		return http_tls_reload(r->tls, &cfg, e);
	r->tls = http_tls_new(&cfg, e);
	return r->tls != NULL;
}
