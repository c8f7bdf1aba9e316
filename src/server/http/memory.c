/* SPDX-License-Identifier: Apache-2.0 */
/* Wiping allocators for the libraries that secrets pass through here. */
#include <event2/event.h>
#include <openssl/crypto.h>

#include <chancery/base/alloc.h>
#include <chancery/server/http.h>

static void *
ossl_alloc(size_t n, unused_arg const char *file, unused_arg int line)
{
	return mem_alloc(n);
}

static void *
ossl_realloc(void *p, size_t n, unused_arg const char *file,
    unused_arg int line)
{
	/* CRYPTO_realloc(3): to nothing is to free. */
	if (n > 0)
		return mem_realloc_wiped(p, n);
	mem_free_wiped(p);
	return NULL;
}

static void
ossl_free(void *p, unused_arg const char *file, unused_arg int line)
{
	mem_free_wiped(p);
}

static void *
event_alloc(size_t n)
{
	return mem_alloc(n);
}

void
http_memory_init(void)
{
	if (CRYPTO_set_mem_functions(ossl_alloc, ossl_realloc, ossl_free) != 1)
		fatal("OpenSSL was used before its allocator was set");
	event_set_mem_functions(event_alloc, mem_realloc_wiped, mem_free_wiped);
}
