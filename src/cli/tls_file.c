/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_file.h"

#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/pki/selfsigned.h>

/* "[::1]:8200" → "::1". */
static void
add_address(struct buf *out, const char *listen)
{
	const char *colon = strrchr(listen, ':');
	size_t n = colon != NULL ? (size_t)(colon - listen) : strlen(listen);

	if (n > 2 && listen[0] == '[') {
		listen++;
		n -= 2;
	}
	buf_addf(out, ",IP:%.*s", (int)n, listen);
}

static void
add_names(struct buf *out, const char *listen)
{
	char host[64] = "";

	buf_add_str(out, "DNS:localhost,IP:127.0.0.1,IP:::1");
	(void)gethostname(host, sizeof(host) - 1);
	if (host[0] != '\0' &&
	    strspn(host,
		"abcdefghijklmnopqrstuvwxyz0123456789.-"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(host))
		buf_addf(out, ",DNS:%s", host);
	add_address(out, listen);
}

static void
wipe_free(struct buf *b)
{
	OPENSSL_cleanse(b->p, b->cap);
	buf_free(b);
}

bool
tls_file_create(const char *dir, const char *listen, struct error *e)
{
	auto_mem char *path = path_join(dir, "certificate.pem"),
		      *key_path = path_join(dir, "key.pem");
	auto_cleanup(wipe_free) struct buf key = { 0 };
	auto_buf struct buf certificate = { 0 }, names = { 0 };

	if (access(path, F_OK) == 0 && access(key_path, F_OK) == 0)
		return true;
	/* One without the other is of an attempt that was cut short. */
	(void)unlink(path);
	(void)unlink(key_path);
	add_names(&names, listen);
	(void)buf_reserve(&key, SELFSIGNED_KEY_MAX);
	return selfsigned_make(buf_cstr(&names),
		   clock_wall_ms(&clock_system) / 1000, &certificate, &key,
		   e) &&
	    file_create(key_path, buf_bytes(&key), 0600, e) &&
	    file_create(path, buf_bytes(&certificate), 0644, e);
}
