/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <chancery/base/file.h>

#include "internal.h"

#ifdef CHANCERY_ASAN
#include <sanitizer/lsan_interface.h>
#endif

/* Of all modules of the process: hsm_key_evp must not share one with us. */
static atomic_uint loaded;

unsigned
module_count(void)
{
	return atomic_load(&loaded);
}

/* NSS reads one pointer past the standard structure. */
struct init_args {
	CK_C_INITIALIZE_ARGS std;
	void *beyond[4];
};

CK_RV
module_initialize(struct hsm_module *m)
{
	struct init_args args = { .std.flags = CKF_OS_LOCKING_OK };

	args.std.pReserved = m->init_args;
	return m->f->C_Initialize(&args);
}

static bool
check_path(const char *path, struct error *e)
{
	if (path[0] != '/')
		return error_set(e, FAIL_BAD_INPUT,
		    "PKCS#11 module %s: not an absolute path", path);
	if (strlen(path) >= sizeof(((struct hsm_module_info *)NULL)->path))
		return error_set(e, FAIL_BAD_INPUT,
		    "PKCS#11 module: path is too long");
	if (access(path, R_OK) != 0)
		return error_errno(e, FAIL_NOT_FOUND, "PKCS#11 module %s",
		    path);
	return true;
}

/* dlsym gives an object pointer; ISO C has no cast to a function pointer. */
static CK_C_GetFunctionList
find_entry(void *dl)
{
	void *p = dlsym(dl, "C_GetFunctionList");
	CK_C_GetFunctionList fn = NULL;

	memcpy(&fn, &p, sizeof(fn));
	return fn;
}

static bool
load(struct hsm_module *m, const char *path, struct error *e)
{
	CK_C_GetFunctionList entry;
	CK_RV rv;

	/* No RTLD_DEEPBIND: it breaks sanitizers and allocators. */
	m->dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (m->dl == NULL)
		return error_set(e, FAIL_BAD_INPUT, "PKCS#11 module %s: %s",
		    path, dlerror());
	entry = find_entry(m->dl);
	if (entry == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "%s is no PKCS#11 module: C_GetFunctionList is missing",
		    path);
	rv = entry(&m->f);
	if (rv != CKR_OK)
		return error_ckr(e, rv, "C_GetFunctionList");
	if (m->f == NULL || m->f->version.major < 2)
		return error_set(e, FAIL_UNSUPPORTED,
		    "%s: not Cryptoki 2 or later", path);
	return true;
}

/* Blank-padded (2.40 3.1); some modules pad with zeros. */
static void
trim(const unsigned char *in, size_t n, char *out)
{
	while (n > 0 && (in[n - 1] == ' ' || in[n - 1] == '\0'))
		n--;
	memcpy(out, in, n);
	out[n] = '\0';
}

static bool
learn(struct hsm_module *m, struct error *e)
{
	struct hsm_module_info *o = &m->info;
	CK_INFO i = { 0 };
	CK_RV rv = m->f->C_GetInfo(&i);

	if (rv != CKR_OK)
		return error_ckr(e, rv, "C_GetInfo");
	trim(i.manufacturerID, sizeof(i.manufacturerID), o->manufacturer);
	trim(i.libraryDescription, sizeof(i.libraryDescription),
	    o->description);
	o->cryptoki_major = i.cryptokiVersion.major;
	o->cryptoki_minor = i.cryptokiVersion.minor;
	o->lib_major = i.libraryVersion.major;
	o->lib_minor = i.libraryVersion.minor;
	m->quirk = quirk_find(o->manufacturer, o->description);
	o->file_backed = m->quirk->file_backed;
	return true;
}

static void
module_free(struct hsm_module *m)
{
	/* Never dlclose: modules leave threads and exit handlers behind. */
	mem_free(m->init_args);
	mem_free(m);
}
DEFINE_AUTO(half_module, struct hsm_module *, module_free)

struct hsm_module *
hsm_module_load(const struct hsm_module_config *cfg, struct error *e)
{
	auto_cleanup(half_module_cleanup) struct hsm_module *m =
	    mem_calloc(1, sizeof(*m));
	CK_RV rv;

	if (!check_path(cfg->path, e))
		return NULL;
	/* p11-kit's client raises it when the remote end goes. */
	(void)signal(SIGPIPE, SIG_IGN);
	memcpy(m->info.path, cfg->path, strlen(cfg->path) + 1);
	if (cfg->init_args != NULL)
		m->init_args = mem_strdup(cfg->init_args);
	wait_init(&m->gate.lock, &m->gate.changed);
	if (!load(m, cfg->path, e))
		return NULL;
	rv = module_initialize(m);
	if (rv != CKR_OK) {
		(void)error_ckr(e, rv, "C_Initialize");
		(void)error_context(e, "PKCS#11 module %s", cfg->path);
		return NULL;
	}
	if (!learn(m, e)) {
		(void)m->f->C_Finalize(NULL);
		return NULL;
	}
	(void)atomic_fetch_add(&loaded, 1);
	return take(m);
}

void
hsm_module_unload(struct hsm_module *m)
{
	/* With a call still inside even C_Finalize may hang. */
	if (m == NULL || m->hung)
		return;
	if (m->tokens != NULL)
		fatal("hsm_module_unload: a token is still open");
	(void)m->f->C_Finalize(NULL);
	(void)atomic_fetch_sub(&loaded, 1);
	module_free(m);
}

/* What exit handlers do for the instrumented builds; hsm_exit runs none. */
#ifdef CHANCERY_COVERAGE
void __gcov_dump(void);
#define write_counters() __gcov_dump()
#else
#define write_counters() ((void)0)
#endif
#ifdef CHANCERY_ASAN
#define check_leaks() __lsan_do_leak_check()
/* Leaks that are not ours. Here and not in a file, which a confined room cannot read.
 * SoftHSM 2.6.1 never frees the curve name that it decodes in C_SignInit with an Ed25519
 * key. Generators of random numbers that are there until the end lie in libcrypto's secure
 * heap (kafka_lock_memory), where nobody looks for pointers to what they hold. */
__attribute__((visibility("default"))) const char *
__lsan_default_suppressions(void)
{
	return "leak:libsofthsm2.so\n"
	       "leak:EVP_RAND_instantiate\n";
}
#else
#define check_leaks() ((void)0)
#endif

_Noreturn void
hsm_exit(int status)
{
	(void)fflush(NULL);
	write_counters();
	check_leaks();
	_exit(status);
}

static bool
hash_file(const char *path, struct sha256 *out, struct error *e)
{
	auto_file FILE *f = fopen(path, "rbe");
	struct digest *d;
	uint8_t block[16384], md[DIGEST_MAX];
	size_t n;

	if (f == NULL)
		return error_errno(e, FAIL_IO, "%s", path);
	d = digest_new(DIGEST_SHA256);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		digest_add(d, bytes_of(block, n));
	(void)digest_finish(d, md);
	if (ferror(f))
		return error_errno(e, FAIL_IO, "reading %s", path);
	memcpy(out->b, md, sizeof(out->b));
	return true;
}

bool
hsm_module_info(struct hsm_module *m, struct hsm_module_info *out,
    struct error *e)
{
	struct sha256 hash;

	if (!hash_file(m->info.path, &hash, e))
		return false;
	*out = m->info;
	out->file_hash = hash;
	return true;
}

CK_RV
module_slots(struct hsm_module *m, CK_SLOT_ID **out, CK_ULONG *n,
    const char **call)
{
	auto_mem CK_SLOT_ID *v = NULL;
	CK_ULONG count = 0, room;
	CK_RV rv;

	*call = "C_GetSlotList";
	rv = m->f->C_GetSlotList(CK_TRUE, NULL, &count);
	/* A token may appear between the two calls. */
	for (int tries = 0; tries < 3; tries++) {
		if (rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL)
			return rv;
		if (count > LIMIT_HSM_SLOTS)
			return CKR_GENERAL_ERROR;
		count += 8;
		room = count;
		v = mem_realloc(v, room * sizeof(*v));
		/* No slot's number, where the count is more than was written. */
		memset(v, 0xff, room * sizeof(*v));
		rv = m->f->C_GetSlotList(CK_TRUE, v, &count);
		if (rv == CKR_OK && count <= room) {
			*out = take(v);
			*n = count;
			return CKR_OK;
		}
	}
	/* One whose count grows faster than the room for it. */
	return rv == CKR_OK ? CKR_GENERAL_ERROR : rv;
}

void
token_info_from(const CK_TOKEN_INFO *in, struct hsm_token_info *o)
{
	trim(in->label, sizeof(in->label), o->label);
	trim(in->manufacturerID, sizeof(in->manufacturerID), o->manufacturer);
	trim(in->model, sizeof(in->model), o->model);
	trim(in->serialNumber, sizeof(in->serialNumber), o->serial);
	o->hw_major = in->hardwareVersion.major;
	o->hw_minor = in->hardwareVersion.minor;
	o->fw_major = in->firmwareVersion.major;
	o->fw_minor = in->firmwareVersion.minor;
	o->initialised = (in->flags & CKF_TOKEN_INITIALIZED) != 0;
	o->login_required = (in->flags & CKF_LOGIN_REQUIRED) != 0;
	o->pin_initialised = (in->flags & CKF_USER_PIN_INITIALIZED) != 0;
	o->write_protected = (in->flags & CKF_WRITE_PROTECTED) != 0;
	o->pin_count_low = (in->flags & CKF_USER_PIN_COUNT_LOW) != 0;
	o->pin_final_try = (in->flags & CKF_USER_PIN_FINAL_TRY) != 0;
	o->pin_locked = (in->flags & CKF_USER_PIN_LOCKED) != 0;
}

static bool
tokens_inside(struct hsm_module *m, struct hsm_token_info **out, size_t *n,
    struct error *e)
{
	auto_mem CK_SLOT_ID *slots = NULL;
	auto_mem struct hsm_token_info *v = NULL;
	CK_ULONG count = 0;
	const char *call;
	CK_RV rv = module_slots(m, &slots, &count, &call);

	if (rv != CKR_OK)
		return error_ckr(e, rv, call);
	v = mem_calloc(count + 1, sizeof(*v));
	*n = 0;
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info = { 0 };

		rv = m->f->C_GetTokenInfo(slots[i], &info);
		/* Pulled out since the list was made. */
		if (rv == CKR_TOKEN_NOT_PRESENT)
			continue;
		if (rv != CKR_OK)
			return error_ckr(e, rv, "C_GetTokenInfo");
		token_info_from(&info, &v[(*n)++]);
	}
	*out = take(v);
	return true;
}

bool
hsm_tokens(struct hsm_module *m, struct hsm_token_info **out, size_t *n,
    struct error *e)
{
	bool ok;

	if (!gate_enter(&m->gate, deadline_after(LIMIT_SIGN_DEADLINE_MS)))
		return error_set(e, FAIL_HSM_GONE,
		    "the module is being recovered");
	ok = tokens_inside(m, out, n, e);
	gate_leave(&m->gate);
	return ok;
}
