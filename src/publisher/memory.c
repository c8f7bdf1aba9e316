/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include <sys/resource.h>

#include <curl/curl.h>
#include <jansson.h>

#include <chancery/base/alloc.h>
#include <chancery/base/crypto.h>
#include <chancery/base/error.h>

#include "publisher.h"

/* A limit that is none: with another one a later allocation would fail. What is never touched
 * need not be there; a list that is mapped is let go of by who maps it. */
static void
lock_all(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
	    limit.rlim_cur == RLIM_INFINITY)
		(void)!mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

void
publisher_memory_init(void)
{
	lock_all();
	crypto_wipe_memory();
	json_set_alloc_funcs(mem_alloc, mem_free_wiped);
	json_object_seed(0);
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_alloc, mem_free_wiped,
		mem_realloc_wiped, mem_strdup, mem_calloc) != CURLE_OK)
		fatal("libcurl");
}
