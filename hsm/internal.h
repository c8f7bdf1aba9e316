/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the files of hsm/ share. Nobody else includes this or Cryptoki.
 *
 * Locks, in the order they are taken: keygen (one key generation at a time) →
 * gate (many callers inside, or one recovery alone) → pool.
 */
#include <p11-kit/pkcs11.h>

#include <openssl/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <chancery/base/limits.h>
#include <chancery/hsm/hsm.h>

#include "ckr.h"
#include "uri.h"

/* ---- traits of modules (quirks.c) -------------------------------------- */

struct hsm_quirk {
	const char *manufacturer; /* prefix of CK_INFO, NULL: any            */
	const char *description;
	bool file_backed;      /* C_Login rewrites the token's files          */
	bool copy_is_original; /* destroying a copy destroys the key: attack
	                          only sacrificial keys (NSS)                 */
};
const struct hsm_quirk *quirk_find(const char *manufacturer,
    const char *description);

/* ---- module (module.c, session.c) -------------------------------------- */

/* Many callers inside at once, or one alone. Not a pthread rwlock because both
 * ways in need a deadline and a waiting recovery must not starve. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned inside, waiting;
	bool closed;
};

struct hsm_module {
	void *dl;
	CK_FUNCTION_LIST *f;
	char *init_args;
	struct hsm_module_info info;
	const struct hsm_quirk *quirk;
	struct gate gate;
	struct hsm_token *tokens; /* open ones                               */
	bool hung; /* a call never came back: nothing may be freed           */
};

/* C_Initialize with our arguments. */
CK_RV module_initialize(struct hsm_module *m);
/* Slots with a token in them; *out is mem_free'd by the caller. */
CK_RV module_slots(struct hsm_module *m, CK_SLOT_ID **out, CK_ULONG *n,
    const char **call);
/* Modules loaded by this process at the moment. */
unsigned module_count(void);

/* False when the deadline passed. */
bool gate_enter(struct gate *g, int64_t deadline_ns) must_check;
void gate_leave(struct gate *g);
bool gate_seize(struct gate *g, int64_t deadline_ns) must_check;
void gate_release(struct gate *g);

/* ---- token ------------------------------------------------------------- */

struct session_pool {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	CK_SESSION_HANDLE *idle; /* last in, first out: few stay warm        */
	unsigned idle_n, opened, max, limit;
};

struct hsm_token {
	struct hsm_module *m;
	struct hsm_token *next;
	struct hsm_token_info info;
	struct secret *pin; /* NULL: none needed, or refused and wiped        */
	bool pin_refused;
	bool read_write;
	bool has_rng;
	unsigned deadline_ms;
	pthread_mutex_t keygen;
	/* Changed only with the gate seized. */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE login; /* never used, never closed: holds the login */
	bool up;
	bool attach_failed; /* …and is not up: why is in `down`              */
	struct error down;
	uint64_t generation; /* handles of another generation are stale      */
	struct session_pool pool;
};

/* Find the slot, open the idle session, log in. The gate is seized. */
bool token_attach(struct hsm_token *t, struct error *e) must_check;
/* Sessions are gone or given up: forget them (close: tell the module). */
void token_detach(struct hsm_token *t, bool close);
/* The token's words, trimmed. */
void token_info_from(const CK_TOKEN_INFO *in, struct hsm_token_info *out);

void pool_init(struct session_pool *p, unsigned limit);
void pool_free(struct session_pool *p);
CK_RV session_borrow(struct hsm_token *t, int64_t deadline_ns,
    CK_SESSION_HANDLE *out);
void session_return(struct hsm_token *t, CK_SESSION_HANDLE s);
void session_drop(struct hsm_token *t, CK_SESSION_HANDLE s);

/* ---- calls under the ladder (recovery.c) ------------------------------- */

struct hsm_call {
	struct hsm_token *t;
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE s;
	uint64_t generation;
	const char *call; /* the Cryptoki function last called               */
	bool decisive;    /* an effect may have happened: see hsm_op.once     */
	bool described;   /* *e is filled already                             */
	bool own_error; /* …by the operation, and recovery is no use        */
	struct error *e;
};

/* Name the call that is being made, then make it. */
#define CK_CALL(c, fn, ...) ((c)->call = #fn, (c)->f->fn(__VA_ARGS__))

typedef CK_RV hsm_op_fn(struct hsm_call *c, void *arg);

struct hsm_op {
	hsm_op_fn *run;
	bool once; /* not repeated after a lost device once c->decisive       */
};

/* Run with a session of the pool, climb the ladder on failure, run again. */
bool hsm_run(struct hsm_token *t, const struct hsm_op *op, void *arg,
    struct error *e) must_check;
/* For operations: fail with an error of their own. */
CK_RV hsm_own_error(struct hsm_call *c, enum fail why, const char *fmt, ...)
    printf_like(3, 4);

/* Deadlines: nanoseconds of CLOCK_MONOTONIC (wait.c). */
int64_t deadline_after(unsigned ms);
void wait_init(pthread_mutex_t *lock, pthread_cond_t *cond);
/* pthread_cond_wait to a deadline; false once it has passed. */
bool wait_until(pthread_cond_t *cond, pthread_mutex_t *lock,
    int64_t deadline_ns) must_check;
void pause_ms(unsigned ms);

/* ---- objects (object.c) ------------------------------------------------ */

#define TEMPLATE_MAX 32
struct template
{
	CK_ATTRIBUTE a[TEMPLATE_MAX];
	CK_ULONG n;
};
/* `p` is borrowed until the call that the template is for. */
void template_add(struct template *t, CK_ATTRIBUTE_TYPE type, const void *p,
    size_t n);
void template_add_bool(struct template *t, CK_ATTRIBUTE_TYPE type, bool v);
/* Cryptoki takes pointers to what it does not change. */
void *unconst(const void *p);

/* Handles of every object that matches; *out is mem_free'd by the caller. */
CK_RV objects_find(struct hsm_call *c, struct template *tmpl,
    CK_OBJECT_HANDLE **out, CK_ULONG *n);
/* One attribute into a buffer. Absent, sensitive or invalid: the CKR says. */
CK_RV object_attr(struct hsm_call *c, CK_OBJECT_HANDLE o,
    CK_ATTRIBUTE_TYPE type, struct buf *out);
CK_RV object_ulong(struct hsm_call *c, CK_OBJECT_HANDLE o,
    CK_ATTRIBUTE_TYPE type, CK_ULONG *out);
/* Class and CKA_ID or label; either may be empty. */
void template_find(struct template *t, const CK_OBJECT_CLASS *class,
    struct bytes id, struct bytes label);
/* Codes with which a module says "no such attribute". */
bool ckr_is_absent(CK_RV rv);

/* ---- keys (key.c, spki.c, verify.c) ------------------------------------ */

/* Contexts of the public key that were used and will be again (verify.c). */
#define VERIFY_KEPT 8
struct verify_ctx {
	EVP_PKEY_CTX *ctx;
	enum sig_alg alg;
};
struct verify_pool {
	pthread_mutex_t lock;
	struct verify_ctx v[VERIFY_KEPT];
	unsigned n;
};

struct hsm_key {
	struct hsm_token *t;
	struct hsm_key_info info;
	struct buf spki; /* info.spki points here                           */
	char *uri;
	bool can_pkcs1, can_pss, can_ecdsa, can_eddsa;
	bool sacrificial; /* a throw-away key: may be attacked to death   */
	EVP_PKEY *public;
	struct verify_pool verify;
	/* The handle belongs to a generation; written before it. */
	_Atomic CK_OBJECT_HANDLE handle;
	_Atomic uint64_t generation;
};

/* The private object in this generation. */
CK_RV key_handle(struct hsm_call *c, struct hsm_key *k, CK_OBJECT_HANDLE *out);
/* Type of a key object of either class; false: one that we do not support. */
CK_RV key_object_type(struct hsm_call *c, CK_OBJECT_HANDLE o, bool *known,
    struct key_type *out);
/* Objects of a class with this id. */
CK_RV key_halves(struct hsm_call *c, CK_OBJECT_CLASS class, struct bytes id,
    CK_OBJECT_HANDLE **out, CK_ULONG *n);

/* CKA_EC_PARAMS of a curve; empty for RSA. */
struct bytes curve_params(enum key_alg alg);
bool curve_by_params(struct bytes params, enum key_alg *out) must_check;
/* SubjectPublicKeyInfo from what a public object holds. */
bool spki_rsa(struct bytes modulus, struct bytes exponent,
    struct buf *out) must_check;
bool spki_point(enum key_alg alg, struct bytes point,
    struct buf *out) must_check;
EVP_PKEY *spki_decode(struct bytes spki, struct key_type *type,
    struct error *e) must_check;

/* What makes a key of an outside one, added to both templates (import.c). */
void outside_template(const struct hsm_outside *o, struct template *pub,
    struct template *priv);

void verify_pool_init(struct verify_pool *p);
void verify_pool_free(struct verify_pool *p);
/* With the key's public half. */
bool signature_verify(struct hsm_key *k, enum sig_alg alg, struct bytes in,
    struct bytes sig, struct error *e) must_check;

/* ---- custody (custody.c, attack.c) ------------------------------------- */

/* Mount every attack on the key; appends. A lost device is a CK_RV for the
 * ladder, never a refusal. */
CK_RV attack_key(struct hsm_call *c, struct hsm_key *k,
    struct hsm_custody *out);
/* Try the private key without a login. The gate is seized; the token is logged
 * in again afterwards. */
bool attack_without_login(struct hsm_key *k, struct hsm_custody *out,
    struct error *e) must_check;
void attack_note(struct hsm_custody *out, const char *name, const char *call,
    CK_RV rv, bool tried);
/* Room for larger private values and wrapped keys than any of ours. */
#define ATTACK_BUFFER 8192
