/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <chancery/base/error.h>

#include "faulty.h"

static void (*set_rules)(const char *);
static unsigned long (*calls)(const char *);

static void
find(void *dl, const char *name, void *fn, size_t size)
{
	void *p = dlsym(dl, name);

	if (p == NULL)
		fatal("%s: %s", name, dlerror());
	memcpy(fn, &p, size);
}

void
faulty_start(void)
{
	void *dl = dlopen(FAULT_MODULE, RTLD_NOW | RTLD_LOCAL);

	if (dl == NULL)
		fatal("%s", dlerror());
	if (setenv("FAULT_PKCS11_MODULE", SOFTHSM_MODULE, 1) != 0)
		fatal("setenv");
	find(dl, "fault_set_rules", &set_rules, sizeof(set_rules));
	find(dl, "fault_calls", &calls, sizeof(calls));
}

void
faulty_rules(const char *rules)
{
	set_rules(rules);
}

unsigned long
faulty_calls(const char *function)
{
	return calls(function);
}
