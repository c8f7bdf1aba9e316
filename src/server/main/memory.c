/* SPDX-License-Identifier: Apache-2.0 */
#include <event2/event.h>
#include <openssl/crypto.h>

#include <chancery/base/alloc.h>
#include <chancery/server/request.h>

#include "memory.h"

static void *
ossl_alloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return n > 0 ? wiping_alloc(n) : NULL;
}

static void *
ossl_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return wiping_realloc(p, n);
}

static void
ossl_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	wiping_free(p);
}

void
memory_wipe(void)
{
	if (CRYPTO_set_mem_functions(ossl_alloc, ossl_realloc, ossl_free) != 1)
		fatal("OpenSSL has allocated before its allocator was set");
	event_set_mem_functions(wiping_alloc, wiping_realloc, wiping_free);
}
