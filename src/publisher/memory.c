/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include <sys/resource.h>

#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>

#include <chancery/base/alloc.h>
#include <chancery/base/error.h>

#include "publisher.h"

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

/* A limit that is none: with another one a later allocation would fail. */
static void
lock_all(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
	    limit.rlim_cur == RLIM_INFINITY)
		(void)!mlockall(MCL_CURRENT | MCL_FUTURE);
}

void
publisher_memory_init(void)
{
	lock_all();
	if (CRYPTO_set_mem_functions(ossl_alloc, ossl_realloc, ossl_free) != 1)
		fatal("OpenSSL was used before its allocator was set");
	json_set_alloc_funcs(mem_alloc, mem_free_wiped);
	json_object_seed(0);
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_alloc, mem_free_wiped,
		mem_realloc_wiped, mem_strdup, mem_calloc) != CURLE_OK)
		fatal("libcurl");
}
