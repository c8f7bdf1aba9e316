/* SPDX-License-Identifier: Apache-2.0 */
#define CRYPTOKI_COMPAT
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#include <p11-kit/pkcs11.h>

#include "bench.h"

/*
 * The yardstick: nothing but C_SignInit and C_Sign, a session a thread. The module
 * is the one that is loaded already, so its login holds here too.
 */
struct raw {
	CK_FUNCTION_LIST_PTR f;
	CK_SLOT_ID slot;
	const struct hsm_key_info *key;
	double until;
	unsigned long done;
};

static CK_FUNCTION_LIST_PTR
functions(const char *path)
{
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST_PTR f;
	void *sym = lib == NULL ? NULL : dlsym(lib, "C_GetFunctionList");

	if (sym == NULL)
		fatal("%s", path);
	memcpy(&get, &sym, sizeof(get));
	if (get(&f) != CKR_OK)
		fatal("C_GetFunctionList");
	return f;
}

static bool
find(const struct raw *r, CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *out)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	uint8_t id[HSM_ID_MAX];
	CK_ATTRIBUTE t[] = { { CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, id, r->key->id_len } };
	CK_ULONG n = 0;

	memcpy(id, r->key->id, r->key->id_len);
	return r->f->C_FindObjectsInit(h, t, 2) == CKR_OK &&
	    r->f->C_FindObjects(h, out, 1, &n) == CKR_OK &&
	    r->f->C_FindObjectsFinal(h) == CKR_OK && n == 1;
}

/* PKCS#1 v1.5 wants the DigestInfo; ECDSA the hash alone. */
static void *
work(void *arg)
{
	struct raw *r = arg;
	CK_MECHANISM m = { r->key->type.alg == KEY_RSA ? CKM_RSA_PKCS
						       : CKM_ECDSA,
		NULL, 0 };
	CK_ULONG in = r->key->type.alg == KEY_RSA ? 51 : 32, n;
	CK_BYTE data[51] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
		0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
		0x20 };
	CK_SESSION_HANDLE h;
	CK_OBJECT_HANDLE o;
	CK_BYTE sig[1024];

	if (r->f->C_OpenSession(r->slot, CKF_SERIAL_SESSION, NULL, NULL, &h) !=
		CKR_OK ||
	    !find(r, h, &o))
		fatal("raw session");
	while (bench_wall() < r->until) {
		n = sizeof(sig);
		if (r->f->C_SignInit(h, &m, o) != CKR_OK ||
		    r->f->C_Sign(h, data, in, sig, &n) != CKR_OK)
			fatal("raw C_Sign");
		r->done++;
	}
	(void)r->f->C_CloseSession(h);
	return NULL;
}

static CK_SLOT_ID
slot_with(CK_FUNCTION_LIST_PTR f)
{
	CK_SLOT_ID slots[16];
	CK_TOKEN_INFO info;
	CK_ULONG n = 16, i;

	if (f->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		fatal("C_GetSlotList");
	for (i = 0; i < n; i++)
		if (f->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
		    memcmp(info.label, "bench ", 6) == 0)
			return slots[i];
	fatal("no slot");
}

struct raw_rate
raw_sign_rate(struct hsm_key *k, const char *module_path, unsigned threads,
    double seconds)
{
	struct raw r[64] = { 0 };
	pthread_t t[64];
	double wall, cpu;
	unsigned long done = 0;
	unsigned i;

	r[0].f = functions(module_path);
	r[0].slot = slot_with(r[0].f);
	r[0].key = hsm_key_get_info(k);
	wall = bench_wall();
	cpu = bench_cpu();
	for (i = 0; i < threads; i++) {
		r[i] = r[0];
		r[i].done = 0;
		r[i].until = wall + seconds;
		if (pthread_create(&t[i], NULL, work, &r[i]) != 0)
			fatal("pthread_create");
	}
	for (i = 0; i < threads; i++) {
		(void)pthread_join(t[i], NULL);
		done += r[i].done;
	}
	wall = bench_wall() - wall;
	cpu = bench_cpu() - cpu;
	return (struct raw_rate){ (double)done / wall, cpu / (double)done };
}
