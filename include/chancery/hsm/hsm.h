/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The HSM tier: one PKCS#11 module, its tokens, their keys.
 * PKCS#11 2.40/3.0; quirks of modules are data (quirks.c), learned by asking.
 *
 * Lifetime: hsm_module_load → hsm_token_open → hsm_key_* → close in reverse.
 * Load the module after the last fork; one module may be loaded once a process
 * (two different ones may be, say an HSM and SoftHSM for the log key).
 * Never dlclose'd; end such a process with hsm_exit().
 *
 * Threads: struct hsm_token is safe to use from several threads; every thread
 * that signs borrows a session of the pool. Recovery (lost sessions, logged-out
 * token, finalised module) happens inside the calls, under one lock, within the
 * ladder of docs/architecture.md; callers see FAIL_HSM_GONE only after it failed.
 *
 * This header and queue.h, evp.h are the only ones of hsm/ that others include.
 */
#include <chancery/base/alg.h>
#include <chancery/base/bytes.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>
#include <chancery/base/secret.h>

struct hsm_module;
struct hsm_token;
struct hsm_key;

/* ---- module ------------------------------------------------------------ */

struct hsm_module_config {
	const char *path;      /* absolute; anything else is refused          */
	const char *init_args; /* pReserved string (NSS), or NULL             */
};

/* dlopen, C_GetFunctionList, C_Initialize with CKF_OS_LOCKING_OK. FAIL_NOT_FOUND
 * names the path; FAIL_BAD_INPUT for a relative one. */
struct hsm_module *hsm_module_load(const struct hsm_module_config *cfg,
    struct error *e) must_check;
/* C_Finalize. All tokens must be closed. Where a call hangs in the module this
 * and hsm_token_close leave its memory alone; end the process. */
void hsm_module_unload(struct hsm_module *m);
DEFINE_AUTO(hsm_module, struct hsm_module *, hsm_module_unload)
#define auto_hsm_module auto_cleanup(hsm_module_cleanup)

/* _exit() after flushing stdio: modules crash in exit handlers. Under
 * AddressSanitizer it looks for leaks first, and a leak is another status. */
_Noreturn void hsm_exit(int status);

/* What the module says of itself, for reports: strings are trimmed. */
struct hsm_module_info {
	char manufacturer[33], description[33];
	unsigned cryptoki_major, cryptoki_minor, lib_major, lib_minor;
	char path[256];
	struct sha256 file_hash; /* of the module's file */
	/* C_Login rewrites files non-atomically: a resident signer should see
	 * the token read-only (landlock). */
	bool file_backed;
};
bool hsm_module_info(struct hsm_module *m, struct hsm_module_info *out,
    struct error *e) must_check;

struct hsm_token_info {
	char label[33], manufacturer[33], model[17], serial[17];
	unsigned hw_major, hw_minor, fw_major, fw_minor;
	bool initialised, login_required, pin_initialised, write_protected;
	bool pin_count_low, pin_final_try, pin_locked;
};
/* Every token present; *out is mem_free'd by the caller. */
bool hsm_tokens(struct hsm_module *m, struct hsm_token_info **out, size_t *n,
    struct error *e) must_check;

/* ---- token ------------------------------------------------------------- */

struct hsm_token_config {
	/* RFC 7512: "pkcs11:token=ca;serial=0123". Must name exactly one. */
	const char *uri;
	bool read_write;       /* key generation, destruction, data objects   */
	unsigned sessions_max; /* pool bound; 0: by the token's own limit, 64 */
	/* How long one call climbs the recovery ladder before it gives up; a call
	 * that hangs cannot be cut short (queue.h). 0: LIMIT_SIGN_DEADLINE_MS */
	unsigned sign_deadline_ms;
};

/* Find the token, log in once as CKU_USER with `pin` (borrowed only for the
 * call; the token keeps a locked copy for relogin after a lost session). A
 * refused PIN is FAIL_PIN: the copy is wiped, the text says what the token
 * tells of remaining tries, and no further login is made with it, ever, by this
 * object. FAIL_NOT_FOUND lists the tokens that are there. */
struct hsm_token *hsm_token_open(struct hsm_module *m,
    const struct hsm_token_config *cfg, const struct secret *pin,
    struct error *e) must_check;
void hsm_token_close(struct hsm_token *t);
DEFINE_AUTO(hsm_token, struct hsm_token *, hsm_token_close)
#define auto_hsm_token auto_cleanup(hsm_token_cleanup)

/* Begin anew with module and token, as recovery does (others' calls wait meanwhile):
 * what another process made on a file-backed token is seen then. */
bool hsm_token_renew(struct hsm_token *t, struct error *e) must_check;

const struct hsm_token_info *hsm_token_get_info(const struct hsm_token *t);
/* C_GenerateRandom, for serials; at most 64 bytes a call. FAIL_UNSUPPORTED
 * where the token has no generator. */
bool hsm_token_random(struct hsm_token *t, void *p, size_t n,
    struct error *e) must_check;

/* ---- keys -------------------------------------------------------------- */

#define HSM_ID_MAX 64

struct hsm_key_info {
	char label[128];
	uint8_t id[HSM_ID_MAX];
	size_t id_len;
	struct key_type type;
	bool has_private, has_public;
	struct bytes spki; /* DER SubjectPublicKeyInfo; empty if unknown;
	                           owned by the list or key it came from     */
};

/* All key pairs and orphan halves on the token, by id, then label. Objects that
 * are neither RSA nor of one of our curves are left out. A public object that a
 * killed module left unfinished is listed with neither half: hsm_object_destroy
 * removes it by its id. */
struct hsm_key_list {
	struct hsm_key_info *v;
	size_t n;
};
bool hsm_keys(struct hsm_token *t, struct hsm_key_list *out,
    struct error *e) must_check;
void hsm_key_list_free(struct hsm_key_list *l);

/* Open the one private key that an RFC 7512 URI names on this token (object,
 * id; token attributes, when given, must match). FAIL_NOT_FOUND says what was
 * looked for and what is there; two matches are FAIL_EXISTS. Needs the public
 * half, or `spki` when the token does not keep it (may be empty). */
struct hsm_key *hsm_key_open(struct hsm_token *t, const char *uri,
    struct bytes spki, struct error *e) must_check;
void hsm_key_close(struct hsm_key *k);
DEFINE_AUTO(hsm_key, struct hsm_key *, hsm_key_close)
#define auto_hsm_key auto_cleanup(hsm_key_cleanup)
const struct hsm_key_info *hsm_key_get_info(const struct hsm_key *k);
/* "pkcs11:token=…;serial=…;object=…;id=%…;type=private", NUL-terminated. */
const char *hsm_key_uri(const struct hsm_key *k);

struct hsm_keygen {
	struct key_type type;
	const char *label;
	struct bytes id;  /* CKA_ID, chosen and recorded by the caller    */
	bool destroyable; /* CKA_DESTROYABLE of both halves               */
};

/* What a module would not accept in the strict template, by attribute name;
 * NULL-terminated, static strings. */
#define HSM_DROPPED_MAX 8

/* Generate with the strict template (TOKEN PRIVATE SENSITIVE SIGN true;
 * EXTRACTABLE DECRYPT UNWRAP DERIVE SIGN_RECOVER MODIFIABLE COPYABLE false;
 * pkcs11.md section 6), serialised. An existing key of that id or label is
 * FAIL_EXISTS and nothing is made. Needs read_write. */
struct hsm_key *hsm_key_generate(struct hsm_token *t,
    const struct hsm_keygen *spec, const char *dropped[HSM_DROPPED_MAX + 1],
    struct error *e) must_check;
/* A private key that was made elsewhere: DER of PKCS#8 (RFC 5208), RSA of 2048, 3072 or
 * 4096, P-256, P-384, Ed25519. Copied to a locked page, wiped by free. Needs no token. FAIL_BAD_INPUT
 * for what is none or whose halves do not belong together, FAIL_UNSUPPORTED another kind. */
struct hsm_outside;
void hsm_outside_free(struct hsm_outside *o);
DEFINE_AUTO(hsm_outside, struct hsm_outside *, hsm_outside_free)
#define auto_hsm_outside auto_cleanup(hsm_outside_cleanup)
struct hsm_outside *hsm_outside_read(struct bytes pkcs8,
    struct error *e) must_check;
struct key_type hsm_outside_type(const struct hsm_outside *o);
struct bytes hsm_outside_spki(const struct hsm_outside *o);
/* As hsm_key_generate, with C_CreateObject for the public half and then for the private one; the
 * template is the same, but that the public half may be destroyed: alone it is nothing, and goes by
 * hsm_object_destroy. spec->type is the key's. The token says of such a key that it is not CKA_LOCAL, nor was ALWAYS_SENSITIVE
 * or NEVER_EXTRACTABLE: hsm_key_attributes tells that it is worth less. */
struct hsm_key *hsm_key_import(struct hsm_token *t,
    const struct hsm_keygen *spec, const struct hsm_outside *from,
    const char *dropped[HSM_DROPPED_MAX + 1], struct error *e) must_check;
/* Destroy both halves, then prove it: find gives none. Closes k on success only.
 * Orphan halves: see hsm_object_destroy. */
bool hsm_key_destroy(struct hsm_key *k, struct error *e) must_check;
/* Destroy whatever has this CKA_ID (private, public or both); *n counts. */
bool hsm_object_destroy(struct hsm_token *t, struct bytes id, unsigned *n,
    struct error *e) must_check;

/* ---- custody evidence -------------------------------------------------- */

enum hsm_tri {
	HSM_FALSE,
	HSM_TRUE,
	HSM_NOT_REPORTED
};
struct hsm_attr {
	const char *name;  /* "CKA_SENSITIVE", static                     */
	bool private_half; /* which half it was read from                 */
	enum hsm_tri value;
	enum hsm_tri required; /* NOT_REPORTED: no requirement                */
};
struct hsm_attack {
	const char *name;    /* "wrap with a session AES key"               */
	const char *call;    /* "C_WrapKey"                                 */
	unsigned long rv;    /* CKR of the decisive call                    */
	const char *rv_name; /* "CKR_KEY_UNEXTRACTABLE"                     */
	bool refused;        /* the module said no (any error)              */
	bool tried;          /* false: could not be mounted; rv says why    */
};
#define HSM_ATTRS_MAX 48
#define HSM_ATTACKS_MAX 24
struct hsm_custody {
	struct hsm_attr attr[HSM_ATTRS_MAX];
	size_t attrs;
	struct hsm_attack attack[HSM_ATTACKS_MAX];
	size_t attacks;
	unsigned long keygen_mechanism; /* ~0 when not reported              */
	bool attrs_ok;   /* every required value was reported and right      */
	bool attacks_ok; /* every attack was refused                         */
};
/* Read every attribute of both halves, one at a time. */
bool hsm_key_attributes(struct hsm_key *k, struct hsm_custody *out,
    struct error *e) must_check;
/* Attack: read the value, wrap (session AES key, then PKCS#8 formats the module
 * has), copy to EXTRACTABLE, set EXTRACTABLE/SENSITIVE/MODIFIABLE/DECRYPT, use for
 * decrypt / derive / unwrap / sign-recover, sign without login (this closes all
 * sessions of the token and logs in again). NSS destroys the original with its
 * copy: there only hsm_sacrificial_test mounts that attack, `tried` is false on
 * others. An attack that gives way may change the key: on a production key only
 * after hsm_sacrificial_test passed. Appends to *out. */
bool hsm_key_attack(struct hsm_key *k, struct hsm_custody *out,
    struct error *e) must_check;
/* Generate a throw-away key with the same template, read back, attack, destroy,
 * prove it gone. */
bool hsm_sacrificial_test(struct hsm_token *t, struct key_type type,
    struct hsm_custody *out, struct error *e) must_check;

/* ---- signing ----------------------------------------------------------- */

/* One signature, synchronously, in X.509 form (ECDSA as DER, RFC 3279 2.2.3).
 * `in` is the digest for prehash algorithms (its length is checked: SoftHSM
 * would sign anything: FAIL_BAD_INPUT) and the message for Ed25519. The signature
 * is verified with the public key before it is appended to `sig`; one that does
 * not verify is FAIL_CRYPTO and is not released. *attempts counts C_Sign calls,
 * each of which may have produced a signature (recovery retries); it is set on
 * failure too. Safe for several threads with one key. */
bool hsm_sign(struct hsm_key *k, enum sig_alg alg, struct bytes in,
    struct buf *sig, unsigned *attempts, struct error *e) must_check;
/* Whether the token can make such a signature with this key. */
bool hsm_key_can(const struct hsm_key *k, enum sig_alg alg);

/* ---- data objects (anchors) -------------------------------------------- */

/* CKO_DATA by label; at most 4096 bytes. Replacing is create-new-then-destroy-
 * old. FAIL_NOT_FOUND when absent. */
bool hsm_data_read(struct hsm_token *t, const char *label, struct buf *out,
    struct error *e) must_check;
bool hsm_data_write(struct hsm_token *t, const char *label, struct bytes v,
    struct error *e) must_check;

/* ---- SoftHSM helper ---------------------------------------------------- */

/* Make a SoftHSM token in a directory of its own: <dir>/softhsm2.conf and
 * <dir>/tokens, C_InitToken and C_InitPIN through the module (not softhsm2-util).
 * Sets SOFTHSM2_CONF for this process (before threads). The module must not be
 * loaded yet, and is not afterwards. Several labels may share a directory; one
 * that is there already is FAIL_EXISTS. */
bool hsm_softtoken_create(const char *module, const char *dir,
    const char *label, const struct secret *so_pin, const struct secret *pin,
    struct error *e) must_check;

/* SoftHSM rewrites token.object at each login, not atomically: a process killed in
 * between leaves the token unreadable. Before the module is loaded: put back a file
 * that is not as long as its copy (its length is one for the life of a token); make
 * the copy where there is none yet. */
bool hsm_softtoken_mend(const char *dir, struct error *e) must_check;
/* After a good login, or after a token was made: keep copies in <dir>/keep. */
bool hsm_softtoken_keep(const char *dir, struct error *e) must_check;
