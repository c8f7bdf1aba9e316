/* SPDX-License-Identifier: Apache-2.0 */
/* Wiping allocators for the libraries that secrets pass through here. */
#include <event2/event.h>

#include <chancery/base/alloc.h>
#include <chancery/base/crypto.h>
#include <chancery/server/http.h>

static void *
event_alloc(size_t n)
{
	return mem_alloc(n);
}

void
http_memory_init(void)
{
	crypto_wipe_memory();
	event_set_mem_functions(event_alloc, mem_realloc_wiped, mem_free_wiped);
}
