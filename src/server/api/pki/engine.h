/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the handlers of the PKI engine share. */
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/limits.h>
#include <chancery/pki/cert.h>
#include <chancery/server/call.h>
#include <chancery/server/pki.h>
#include <chancery/server/pki_cert.h>

/* ---- documents, parsed (kinds.c) ---- */
enum { /* usage */
	USAGE_CRL = 1 << 0,
	USAGE_ISSUE = 1 << 1,
	USAGE_OCSP = 1 << 2,
	USAGE_READ = 1 << 3,
	USAGE_ALL = (1 << 4) - 1
};
struct issuer {
	char *id; /* owned, as the document's own name may move */
	const char *name, *key_id; /* of the document; key_id "": no key */
	struct cert cert;
	struct sha256 key; /* of its SPKI: the key's name for the signer */
	uint8_t ski[20];   /* SHA-1 of the key */
	struct buf pem;    /* with its last newline */
	unsigned usage;    /* USAGE_ */
	enum pki_beyond beyond;
	bool self_signed;              /* subject is issuer */
	struct pki_texts manual_chain; /* ids */
	struct pki_texts ca_urls, crl_urls, delta_urls, ocsp;
	bool templating;
	const char *crl_alg; /* revocation_signature_algorithm as stored */
	int64_t revoked_s;   /* 0: not */
};
struct key {
	char *id;
	const char *name;
	struct sha256 key;
	struct key_type type;
	bool imported; /* has lived outside an HSM */
	struct buf spki_der;
	struct spki spki; /* borrows */
	uint8_t ski[20];
};

/* "issuing-certificates,…" ↔ bits. */
bool usage_parse(const char *text, unsigned *out, struct error *e) must_check;
void usage_text(unsigned bits, struct buf *out);
/* "SHA256WithRSA" …; "" is fine. With a key of another algorithm: FAIL_BAD_INPUT. */
bool crl_alg_check(const char *name, struct key_type key,
    struct error *e) must_check;
/* What lists of that key are signed with. */
enum sig_alg crl_alg_of(const struct issuer *i);

/* ---- look-ups (find.c) ---- */
/* A reference: "default", a name, an id. NULL: FAIL_BAD_INPUT in Vault's words. */
const struct doc *issuer_find(struct docs *d, const char *mount,
    const char *ref, struct error *e) must_check;
/* That of the path's `ref`. NULL: the call is answered. */
const struct doc *issuer_of_call(struct call *c) must_check;
const struct doc *key_find(struct docs *d, const char *mount, const char *ref,
    struct error *e) must_check;
static inline const struct issuer *
issuer_of(const struct doc *d)
{
	return d->parsed;
}
static inline const struct key *
key_of(const struct doc *d)
{
	return d->parsed;
}
/* Member of config/issuers, config/keys: id or "" (copied). */
void default_id(struct docs *d, const char *mount, const char *config,
    char out[64]);
/* A config document merged over its defaults: fresh. */
json_t *config_get(struct docs *d, const char *mount,
    const char *name) must_check;
/* Documents of configuration: read, and partial updates; check may complete the document. */
struct config {
	const char *name, *what;
	bool (*check)(struct call *c, json_t *doc, struct error *e);
	/* It was changed, and the answer comes next; NULL: that is all. */
	call_fn *changed;
};
/* Both end the call. */
void config_read(struct call *c, const struct config *k);
void config_write(struct call *c, const struct config *k);
/* The lists of URLs in config/urls or an issuer. */
bool urls_check(struct call *c, json_t *doc, struct error *e) must_check;
/* Whether its distribution points have the place for a partition that config/crl wants. */
bool config_crl_fits(struct call *c, const json_t *doc,
    struct error *e) must_check;
/* Key document of that hash in the mount, NULL: none. */
const struct doc *key_by_hash(struct docs *d, const char *mount,
    const struct sha256 *key) must_check;
/* Whether another document of the kind has the name. */
bool name_taken(struct docs *d, const char *kind, const char *mount,
    const char *name, const char *except_id);
void uuid_new(char out[37]);
bool uuid_shaped(const char *s);

/* All issuers of a mount, held. */
struct issuer_set {
	const struct doc **v;
	size_t n, cap;
};
void issuer_set_load(struct docs *d, const char *mount, struct issuer_set *out);
void issuer_set_free(struct issuer_set *s);
#define CHAIN_MAX 16
/* Itself … root, as far as the mount knows them. Borrows from the set. */
size_t issuer_chain(const struct issuer_set *s, const struct issuer *i,
    const struct issuer *out[CHAIN_MAX]);

/* The issuer that made this one, where the mount has its key; NULL: none. Held. */
const struct doc *issuer_above(struct docs *d, const char *mount,
    const struct issuer *i) must_check;

/* ---- a role under an issuer, prepared (way.c) ---- */
struct way {
	struct way *next;
	unsigned refs;
	char *id; /* what it is cached under */
	const struct doc *role_doc, *issuer_doc,
	    *key_doc; /* held; role NULL: open */
	const struct doc *configs[4];
	struct issuer_set all;
	const struct pki_role *role;
	const struct issuer *issuer;
	const struct issuer *chain[CHAIN_MAX];
	size_t chain_n;
	enum sig_alg alg;
	struct pki_template *t; /* leaves; NULL: not made (CA certificates) */
	struct pki_texts ocsp, ca_urls, crl_urls; /* templates filled in */
	char profile[300];                        /* of the INTENT */
	/* partition.h: whether crl_urls are those of partitions, and of which range; per list
	 * of it, whether it is there. Else when to look whether it is time for them. */
	bool partitioned, automatic;
	unsigned width;
	int64_t most;
	const struct doc *range_doc;
	uint8_t *listed;
	int64_t look_s;
	/* PEM of the chain as JSON, whole and without what is self-signed: made once. */
	json_t *pem[CHAIN_MAX], *chain_json, *bare_chain_json;
};
/* role NULL: the open one. issuer_ref NULL: the role's. NULL: answered by `e`. */
struct way *way_get(struct call *c, const char *role, const char *issuer_ref,
    struct error *e) must_check;
void way_put(struct way *w); /* NULL is fine */
/* An issuer with key and that usage; NULL: FAIL_BAD_INPUT. Not cached: for CA acts. */
struct way *way_new_ca(struct call *c, const char *issuer_ref, int64_t bits,
    bool pss, struct error *e) must_check;
/* issuer part of a template */
void way_issuer_part(const struct way *w, struct pki_issuer_part *out);
/* AIA and CRL pointers of an issuer (its own, else the mount's), templates filled in. */
bool urls_of(struct call *c, const struct issuer *i, struct pki_texts *ocsp,
    struct pki_texts *ca_urls, struct pki_texts *crl_urls,
    struct error *e) must_check;

/* ---- one certificate on its way (sign.c) ---- */
enum form {
	FORM_PEM,
	FORM_DER,
	FORM_BUNDLE
};
bool form_parse(const char *text, enum form *out, struct error *e) must_check;
/* A private key from outside into the HSM, where the token's charter allows it (the signer says
 * no otherwise); as ca_key. */
void ca_key_import(struct call *c, const struct pki_outside *from,
    call_fn *next);
/* Certificates that were handed in (ca_import.c). */
struct import;
struct import *import_new(void) must_check;
void ca_import_free(struct import *i); /* NULL is fine */
bool import_add(struct import *i, struct bytes der, struct error *e) must_check;
/* One issuer each that is not there yet. */
void import_changes(struct call *c, struct changes *ch, struct import *i);
/* After the changes: the issuer of the last root among them, else of the first one, or "". */
const char *import_top(const struct import *i);
json_t *import_answer(const struct import *i) must_check;
struct work {
	struct way *way;
	struct csr csr;
	bool has_csr;
	struct pki_names names;
	struct pki_validity life;
	struct buf subject, tbs, spki_der, cert;
	struct spki key;
	EVP_PKEY *pkey; /* of issue */
	struct key_type pkey_type;
	struct error pkey_why;
	struct pki_template *own; /* instead of the way's */
	uint8_t serial[LIMIT_SERIAL_BYTES];
	unsigned partition; /* 0: none */
	unsigned place_tries;
	call_fn *placed;
	struct bytes skid;
	struct buf skid_mem;
	bool copy;      /* extensions of the CSR */
	bool ca;        /* what is signed is an authority\'s */
	enum form form; /* of the answer */
	bool retried;
	enum sig_alg alg;
	const char *profile;
	call_fn *answer; /* when `cert` is there */
	struct sha256 hsm_key;
	/* of CA acts */
	char key_id[37], issuer_id[37], label[ROOM_LABEL_MAX];
	call_fn *key_next;
	struct lane_keygen keygen;
	struct pki_role role; /* the open one with what the request sets */
	json_t *answer_data;
	struct import *import;
	struct cert given; /* of sign-self-issued */
};
/* c->state becomes a fresh one. */
struct work *work_new(struct call *c);
static inline struct work *
work_of(struct call *c)
{
	return c->state;
}
/* Serial, TBS, CERTIFY, certificate, store; once more after a stale serial. Then
 * w->answer. Errors are answered. */
void work_sign(struct call *c);
void warn_all(struct call *c, const struct pki_texts *t);
/* Fields that a row may lack. */
const char *in_str(const struct call *c, const char *field);
bool in_bool(const struct call *c, const char *field);
int64_t in_int(const struct call *c, const char *field);
bool oids_check(const struct pki_texts *oids, struct error *e) must_check;
/* Names and subject from fields that the row has. */
void names_in_of(struct call *c, const struct pki_role *r,
    const struct csr *csr, struct pki_names_in *out);
bool ca_subject(struct call *c, const struct pki_names *n, struct buf *der,
    struct error *e) must_check;

/* ---- CA acts (ca_*.c) ---- */
/* The key that `type` names: made, found, or an alias; its document is there when next
 * runs, with w->key, w->hsm_key, w->key_id. */
void ca_key(struct call *c, call_fn *next);
/* What can be refused before a key is made. */
bool ca_key_check(struct call *c, struct error *e) must_check;
/* w->way, w->hsm_key, w->alg of the issuer in the path or the request. */
bool ca_way(struct call *c, struct work *w, struct error *e) must_check;
bool ca_name_check(struct call *c, const char *kind, const char *field,
    struct error *e) must_check;
/* Life by the request's ttl, not_after, not_before; way NULL: self-signed. */
bool ca_life(struct call *c, struct work *w, struct error *e) must_check;
/* Extensions of a CA certificate as the request has them; owned texts in *x_mem. */
struct ca_extensions {
	struct pki_extensions x;
	struct pki_texts ku, eku_names, eku_oids;
	const char **eku;
	struct general_name *permitted, *excluded;
	struct pki_texts names[8];
	uint8_t (*ips)[32];
};
bool ca_extensions_read(struct call *c, struct ca_extensions *out,
    struct error *e) must_check;
void ca_extensions_free(struct ca_extensions *x);
/* New issuer document. */
json_t *issuer_document(struct bytes der, const char *name,
    const char *key_id) must_check;
/* Puts config/issuers or keys with this default if there is none (or it follows). */
void put_default(struct call *c, struct changes *ch, const char *config,
    const char *id, bool force);
void warn_no_urls(struct call *c, const struct pki_texts *ocsp,
    const struct pki_texts *ca, const struct pki_texts *crl);
/* The same of those of the mount. */
void warn_mount_urls(struct call *c);
/* A duration in a document of config/…; -1: none. */
int64_t config_seconds(const json_t *doc, const char *name) must_check;

/* ---- answers (answer.c) ---- */
json_t *pem_json(struct bytes der); /* PEM without its last newline */
void serial_text(const uint8_t serial[LIMIT_SERIAL_BYTES], struct buf *out);
void serial_text_int(struct bytes v, struct buf *out);
json_t *serial_json(struct bytes magnitude);
/* Any spelling of 4.0 → right-aligned; false: not a serial. */
bool pki_serial_parse(const char *text,
    uint8_t out[LIMIT_SERIAL_BYTES]) must_check;
json_t *base64_json(struct bytes v);
/* certificate, issuing_ca, ca_chain, serial_number, expiration; `first`: the new
 * certificate leads ca_chain (CA certificates). The key goes before the bundle. */
json_t *cert_answer(struct call *c, struct work *w, bool first,
    json_t *key) must_check;
json_t *texts_json(const struct pki_texts *t);
json_t *issuer_json(struct docs *d, const char *mount, const struct doc *doc);
json_t *chain_json(struct docs *d, const char *mount, const struct issuer *i);

/* ---- lists of revoked certificates (crl*.c) ---- */
/* Which list of a key: the number of a partition, or one of these. */
#define CRL_FULL 0
#define CRL_DELTA UINT32_MAX
#define CRL_SCOPE_SIZE 24
/* Newer JDKs keep the list that they have rather than read more than 20 MiB: the alarm comes
 * in time. */
#define CRL_LARGE_BYTES (UINT64_C(16) << 20)
/* As the signer names it: "full", "partition:3". */
void crl_scope(unsigned part, char out[CRL_SCOPE_SIZE]);
/* As paths and folders do: "full", "delta", "partition-3". False: none of them. */
bool crl_part(const char *text, unsigned *part) must_check;
static inline size_t
crl_hash(const struct sha256 *key, unsigned part)
{
	return ((size_t)key->b[0] << 8 | key->b[1]) +
	    part * (size_t)2654435761U;
}
/* Newest list: descriptor, size, number; -1: none. */
struct crl_file {
	int fd;
	uint64_t bytes, number;
	int64_t this_s, next_s, mtime_s;
	int64_t modified_s; /* later than that of every list before it */
};
bool crl_open(const struct sha256 *key, unsigned part, struct crl_file *out);
/* The same without a descriptor, for who asks what it is like. */
bool crl_look(const struct sha256 *key, unsigned part, struct crl_file *out);
/* Frees what is known of files. */
void crl_forget(void);
/* Ask for a new list and go on when it is there (or failed: a warning). At once where lists
 * are disabled, or the issuer may sign none. */
void crl_then(struct call *c, const struct doc *issuer, unsigned part,
    call_fn *next);
/* The same without a warning: next looks at c->reply. */
void crl_first(struct call *c, const struct doc *issuer, unsigned part,
    call_fn *next);
void crl_worker_end(void);
/* Ask worker 0 for one, at once unless it rests; many become one. Any thread. */
void crl_wanted(const struct sha256 *key, unsigned part);
/* All lists of a mount; those of its partitions. */
void crl_wanted_all(struct docs *d, const char *mount);
void crl_wanted_partitions(struct docs *d, const char *mount);
/* What a list is asked for with; not to be moved. */
struct crl_ask {
	struct lane_crl lane;
	char scope[CRL_SCOPE_SIZE];
	struct buf urls;
};
void crl_ask_make(struct docs *d, const char *mount, const struct issuer *i,
    unsigned part, struct crl_ask *out);
void crl_ask_free(struct crl_ask *a);
/* Its usage, key and certificate. */
bool crl_may_list(const struct issuer *i);
/* config/crl: life of a list; a member that is off by default; whether there are to be no lists;
 * delta lists beside the full ones. */
int64_t crl_expiry(struct docs *d, const char *mount);
bool crl_is_on(struct docs *d, const char *mount, const char *member);
bool crl_disabled(struct docs *d, const char *mount);
bool crl_has_delta(struct docs *d, const char *mount);
void crl_warn_large(struct call *c, const struct crl_file *f);

/* When the list `number` of a folder that is valid from this_s was modified, for
 * Last-Modified: a second after the one before it where both are of one second, because some
 * readers know versions by this date alone (crl_times.c). */
int64_t crl_modified_s(const char *dir, uint64_t number, int64_t this_s);
/* thisUpdate and nextUpdate of a list; its entries are passed over. */
bool crl_read_times(int fd, size_t size, int64_t *this_s,
    int64_t *next_s) must_check;

/* ---- what may be cached (cached.c) ---- */
struct cached {
	const char *type, *etag; /* the tag is strong, in its quotes */
	int64_t modified_s;
	bool date_exact; /* conditional.h */
	int64_t max_age_s;
	int64_t expires_s; /* 0: not said */
	const char *more;  /* of Cache-Control, with its comma; or NULL */
};
/* For a body of that length that the caller sends: 200 or 206, and which octets of it; 0: it is
 * answered without, 304, 412 or 416. */
int cached_begin(struct call *c, const struct cached *k, uint64_t length,
    uint64_t *from, uint64_t *n) must_check;
/* End the call: 200, 206, 304, 412 or 416. The descriptor is taken over. */
void cached_bytes(struct call *c, const struct cached *k, struct bytes body);
void cached_file(struct call *c, const struct cached *k, int fd,
    uint64_t length);
/* 204: there is none. */
void nothing_yet(struct call *c, const char *type);
/* cert/ca, cert/crl …: PEM as a certificate that is not revoked. */
json_t *pem_as_cert(struct bytes pem) must_check;

/* The row of what the signer has just signed (c->reply): its mount, record and serial are filled
 * in here. */
bool signed_put(struct call *c, struct store_cert *row,
    const uint8_t serial[LIMIT_SERIAL_BYTES], struct error *e) must_check;

/* ---- tidy (tidy*.c), acme.c ---- */
json_t *tidy_config_default(void) must_check;
json_t *acme_config_default(void) must_check;

/* ---- prepared RSA keys (pool.c) ---- */
EVP_PKEY *pool_take(struct key_type t); /* NULL: none ready */

/* ---- the process ---- */
extern struct pki_settings pki_process;

/* The rows, by area (routes_*.c). */
extern const struct route pki_leaf_routes[], pki_ca_routes[],
    pki_config_routes[], pki_cert_routes[], pki_ocsp_routes[];

/* Handlers, by file. */
call_fn root_generate, root_delete, intermediate_generate, set_signed,
    import_bundle, import_certs, import_register, sign_intermediate,
    intermediate_cross_sign, sign_self_issued, root_rotate, root_replace;
call_fn issue_leaf, sign_leaf, sign_verbatim;
call_fn role_read, role_write, role_patch, role_delete, role_list;
call_fn issuer_list, issuer_read, issuer_write, issuer_patch, issuer_delete,
    issuer_json_read, issuer_pem, issuer_der;
call_fn key_list, key_read, key_write, key_delete, key_generate, key_import;
call_fn config_issuers_read, config_issuers_write, config_keys_read,
    config_keys_write, config_urls_read, config_urls_write, config_crl_read,
    config_crl_write, config_cluster_read, config_cluster_write,
    config_acme_read, config_acme_write;
call_fn tidy_start, tidy_cancel, tidy_status, tidy_page, config_auto_tidy_read,
    config_auto_tidy_write;
call_fn revoke_cert, revoke_with_key, issuer_revoke, cert_list,
    cert_list_detailed, revocation_queue, sign_revocation_list, resign_crls,
    revoked_list, cert_read, cert_raw, cert_raw_pem;
call_fn cert_ca_json, cert_chain_json, cert_crl_json;
call_fn ca_der, ca_pem, ca_chain, crl_der, crl_pem, crl_json, delta_der,
    delta_pem, delta_json, cert_delta_json, crl_rotate, crl_rotate_delta;
