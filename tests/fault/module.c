/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A PKCS#11 module that passes every call on to FAULT_PKCS11_MODULE, and does
 * to it what FAULT_PKCS11_RULES says: README.md.
 */
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "module.h"
#include "rules.h"

enum fn {
#define F(name, params, args) FN_##name,
#include "functions.h"
#undef F
	FN__COUNT
};

static const char *const fn_names[] = {
#define F(name, params, args) #name,
#include "functions.h"
#undef F
};

static CK_FUNCTION_LIST *module;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct rules rules;
static unsigned long epoch; /* of the rules                                   */
/* FAULT_PKCS11_SHARED: rules that another process writes, then raises `version`. */
#define SHARED_TEXT 4088
static const struct shared {
	_Atomic uint64_t version;
	char text[SHARED_TEXT];
} * shared;
static uint64_t shared_version;
static unsigned long calls[FN__COUNT];
static struct counts counts;
/* What happens behind the back happens between calls: modules do not promise to
 * survive C_Finalize under another thread. */
static pthread_rwlock_t inside = PTHREAD_RWLOCK_INITIALIZER;
/* The call of this thread. */
static _Thread_local bool corrupt;
static _Thread_local CK_ULONG lie;

/* What one call has to suffer. */
struct plan {
	unsigned sleep_ms;
	enum rule_kill kill;
	bool fail, real, corrupt, hang;
	CK_RV rv;
	CK_ULONG add;
	const char *call;
};

static void
plan_add(struct plan *p, const struct rule *r)
{
	p->sleep_ms += r->sleep_ms;
	if (r->kill != KILL_NONE)
		p->kill = r->kill;
	if (r->has_value) {
		p->fail = true;
		p->rv = r->value;
		p->real = r->real;
	}
	p->corrupt |= r->corrupt;
	p->add += r->add;
	p->hang |= r->hang;
	if (r->call[0] != '\0')
		p->call = r->call;
}

/* Whatever a session of another part of the process may do to ours. */
static void
behind_the_back(const char *call)
{
	CK_SLOT_ID slots[64];
	CK_ULONG n = 64;
	CK_SESSION_HANDLE s;

	if (strcmp(call, "C_Finalize") == 0) {
		(void)module->C_Finalize(NULL);
		return;
	}
	if (module->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		return;
	for (CK_ULONG i = 0; i < n; i++) {
		if (strcmp(call, "C_CloseAllSessions") == 0) {
			(void)module->C_CloseAllSessions(slots[i]);
		} else if (module->C_OpenSession(slots[i], CKF_SERIAL_SESSION,
			       NULL, NULL, &s) == CKR_OK) {
			(void)module->C_Logout(s);
			(void)module->C_CloseSession(s);
		}
	}
}

/* With the lock held. */
static void
look_at_shared(void)
{
	uint64_t version = shared != NULL ? atomic_load(&shared->version) : 0;

	if (version == shared_version)
		return;
	shared_version = version;
	rules_parse(shared->text, &rules);
	epoch++;
}

/* Whoever writes shared rules wakes nobody. */
static void
wait_for_change(void)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	(void)pthread_cond_timedwait(&changed, &lock, &until);
	look_at_shared();
}

static void
plan_start(enum fn fn, struct plan *p)
{
	unsigned long now;

	(void)pthread_mutex_lock(&lock);
	look_at_shared();
	calls[fn]++;
	counts_set(&counts, fn, calls[fn]);
	for (size_t i = 0; i < rules.n; i++)
		if (rule_hits(&rules.v[i], fn_names[fn]))
			plan_add(p, &rules.v[i]);
	now = epoch;
	while (p->hang && epoch == now)
		wait_for_change();
	corrupt = p->corrupt;
	lie = p->add;
	(void)pthread_mutex_unlock(&lock);
	if (p->call != NULL) {
		(void)pthread_rwlock_wrlock(&inside);
		behind_the_back(p->call);
		(void)pthread_rwlock_unlock(&inside);
	}
	if (p->kill == KILL_BEFORE)
		fault_kill();
	if (p->sleep_ms != 0)
		fault_sleep(p->sleep_ms);
}

static CK_RV
plan_end(const struct plan *p, CK_RV rv)
{
	if (p->kill == KILL_AFTER || p->kill == KILL_TORN)
		fault_kill();
	return p->fail ? p->rv : rv;
}

#define F(name, params, args)                                                  \
	static CK_RV wrap_##name params                                        \
	{                                                                      \
		struct plan p = { 0 };                                         \
		CK_RV rv = CKR_OK;                                             \
                                                                               \
		plan_start(FN_##name, &p);                                     \
		if (!p.fail || p.real) {                                       \
			(void)pthread_rwlock_rdlock(&inside);                  \
			rv = module->name args;                                \
			(void)pthread_rwlock_unlock(&inside);                  \
		}                                                              \
		return plan_end(&p, rv);                                       \
	}
#include "functions.h"
#undef F

/* ---- lies: outputs that are damaged, counts that are too large --------- */

static CK_RV
sign_damaged(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len,
    CK_BYTE *signature, CK_ULONG *signature_len)
{
	CK_RV rv =
	    wrap_C_Sign(session, data, data_len, signature, signature_len);

	if (rv == CKR_OK && corrupt && signature != NULL && *signature_len > 0)
		signature[*signature_len - 1] ^= 1;
	*signature_len += lie;
	return rv;
}

static CK_RV
slot_list_inflated(CK_BYTE token_present, CK_SLOT_ID *slots, CK_ULONG *count)
{
	CK_RV rv = wrap_C_GetSlotList(token_present, slots, count);

	*count += lie;
	return rv;
}

static CK_RV
find_inflated(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *object, CK_ULONG max,
    CK_ULONG *count)
{
	CK_RV rv = wrap_C_FindObjects(session, object, max, count);

	*count += lie;
	return rv;
}

static CK_RV
attributes_inflated(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE *templ, CK_ULONG count)
{
	CK_RV rv = wrap_C_GetAttributeValue(session, object, templ, count);

	for (CK_ULONG i = 0; i < count; i++)
		templ[i].ulValueLen += lie;
	return rv;
}

static CK_RV get_function_list(CK_FUNCTION_LIST **out);

static CK_FUNCTION_LIST wrapped = {
	.version = { 2, 40 },
	.C_GetFunctionList = get_function_list,
#define F(name, params, args) .name = wrap_##name,
#include "functions.h"
#undef F
};

static CK_RV
get_function_list(CK_FUNCTION_LIST **out)
{
	wrapped.C_Sign = sign_damaged;
	wrapped.C_GetSlotList = slot_list_inflated;
	wrapped.C_FindObjects = find_inflated;
	wrapped.C_GetAttributeValue = attributes_inflated;
	*out = &wrapped;
	return CKR_OK;
}

void __attribute__((visibility("default"))) fault_set_rules(const char *text)
{
	(void)pthread_mutex_lock(&lock);
	rules_parse(text, &rules);
	epoch++;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&lock);
}

unsigned long __attribute__((visibility("default")))
fault_calls(const char *name)
{
	unsigned long n = 0;

	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < FN__COUNT; i++)
		if (strcmp(fn_names[i], name) == 0)
			n = calls[i];
	(void)pthread_mutex_unlock(&lock);
	return n;
}

static bool
map_shared(void)
{
	const char *path = getenv("FAULT_PKCS11_SHARED");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *map;

	if (path == NULL)
		return true;
	map = fd < 0
	    ? MAP_FAILED
	    : mmap(NULL, sizeof(*shared), PROT_READ, MAP_SHARED, fd, 0);
	if (fd >= 0)
		(void)close(fd);
	if (map == MAP_FAILED) {
		(void)fprintf(stderr, "FAULT_PKCS11_SHARED is not mapped\n");
		return false;
	}
	shared = map;
	look_at_shared();
	return true;
}

static bool
load(void)
{
	const char *path = getenv("FAULT_PKCS11_MODULE");
	CK_C_GetFunctionList entry = NULL;
	void *dl, *p;

	if (module != NULL)
		return true;
	dl = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
	p = dl == NULL ? NULL : dlsym(dl, "C_GetFunctionList");
	if (p == NULL) {
		(void)fprintf(stderr, "FAULT_PKCS11_MODULE does not load\n");
		return false;
	}
	memcpy(&entry, &p, sizeof(entry));
	counts_open(&counts, getenv("FAULT_PKCS11_COUNTS"), fn_names,
	    FN__COUNT);
	rules_parse(getenv("FAULT_PKCS11_RULES"), &rules);
	return map_shared() && entry(&module) == CKR_OK;
}

CK_RV __attribute__((visibility("default")))
C_GetFunctionList(CK_FUNCTION_LIST **out)
{
	bool ok;

	(void)pthread_mutex_lock(&lock);
	ok = load();
	(void)pthread_mutex_unlock(&lock);
	return ok ? get_function_list(out) : CKR_GENERAL_ERROR;
}
