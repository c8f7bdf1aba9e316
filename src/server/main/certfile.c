/* SPDX-License-Identifier: Apache-2.0 */
/* What the self-signed certificate and the one of an authority share. */
#include <arpa/inet.h>

#include "certfile.h"

static bool
is_address(const char *name)
{
	uint8_t a[16];

	return inet_pton(AF_INET, name, a) == 1 ||
	    inet_pton(AF_INET6, name, a) == 1;
}

/* "DNS:localhost,IP:127.0.0.1,…": what a client may have been told to connect to. */
void
cert_sans(const struct service_config *cfg, struct buf *out)
{
	const struct yaml_texts *names = &cfg->server.tls.names;

	buf_add_str(out, "DNS:localhost,IP:127.0.0.1,IP:::1");
	for (size_t i = 0; i < names->n; i++)
		buf_addf(out, ",%s:%s", is_address(names->v[i]) ? "IP" : "DNS",
		    names->v[i]);
}

void
cert_bio_take(BIO *b, struct buf *out)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);

	buf_add(out, p, (size_t)n);
}

/* "<directory of the store>/tls.crt" */
char *
cert_path(const struct service_config *cfg, const char *name)
{
	const char *slash = strrchr(cfg->server.store, '/');

	return mem_printf("%.*s%s",
	    slash != NULL ? (int)(slash - cfg->server.store) + 1 : 0,
	    cfg->server.store, name);
}
