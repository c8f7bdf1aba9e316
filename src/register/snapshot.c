/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The state at the end of a segment as canonical JSON (version 1), the sorted
 * serials beside it (revoked.c). Its hash is a record, so the bytes must follow
 * from the records alone.
 */
#include <stdio.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>

#include "internal.h"

static void
kv_u64(struct json_writer *w, const char *key, uint64_t v)
{
	json_kv_int(w, key, (int64_t)v);
}

static void
kv_hash(struct json_writer *w, const char *key, const struct sha256 *h)
{
	json_kv_hex(w, key, sha256_bytes(h));
}

static void
write_key(struct json_writer *w, const struct state_key *k)
{
	json_object_begin(w);
	json_kv_bool(w, "adopted", k->adopted);
	json_key(w, "charter"); /* as text: its depth is its own */
	json_strn(w, k->charter);
	kv_u64(w, "charter_at", k->charter_index);
	json_kv_bool(w, "destroyed", k->destroyed);
	kv_u64(w, "hour", k->hour);
	json_kv_hex(w, "id", bytes_of(k->id, k->id_len));
	/* Said where it is so: older states stay as they were hashed. */
	if (k->imported)
		json_kv_bool(w, "imported", true);
	kv_u64(w, "in_hour", k->in_hour);
	json_kv_str(w, "label", k->label);
	kv_u64(w, "made_at", k->made_index);
	json_key(w, "names");
	json_array_begin(w);
	for (size_t i = 0; i < k->names_n; i++)
		json_base64(w, k->names[i]);
	json_array_end(w);
	json_kv_bool(w, "released", k->released);
	kv_u64(w, "self_signed", k->self_signed);
	kv_u64(w, "signatures", k->signatures);
	json_kv_base64(w, "spki", k->spki);
	json_kv_str(w, "token", k->token);
	json_object_end(w);
}

static void
write_crl(struct json_writer *w, const struct state_crl *c)
{
	json_object_begin(w);
	kv_u64(w, "intent", c->intent);
	kv_hash(w, "key", &c->key);
	json_kv_int(w, "next", c->next_s);
	kv_u64(w, "number", c->number);
	json_kv_str(w, "scope", c->scope);
	json_kv_int(w, "this", c->this_s);
	json_object_end(w);
}

static void
write_open(struct json_writer *w, const struct open_intent *o)
{
	const struct intent_more *m = o->more;

	json_object_begin(w);
	kv_u64(w, "count", o->count);
	if (m != NULL && o->pub.type == REC_INTENT) {
		json_key(w, "crl");
		json_object_begin(w);
		json_kv_int(w, "next", m->next_s);
		kv_u64(w, "number", m->number);
		json_kv_str(w, "scope", m->scope);
		json_kv_int(w, "this", m->this_s);
		json_object_end(w);
	}
	kv_u64(w, "hour", o->hour);
	if (m != NULL && o->pub.type == REC_KEYGEN_INTENT) {
		json_key(w, "keygen");
		json_object_begin(w);
		json_kv_hex(w, "id", bytes_of(m->id, m->id_len));
		if (m->imported)
			kv_hash(w, "imported", &o->pub.key);
		json_kv_str(w, "label", m->label);
		json_kv_str(w, "token", m->token);
		json_object_end(w);
	} else {
		kv_hash(w, "key", &o->pub.key);
	}
	kv_u64(w, "n", o->pub.n);
	json_kv_bool(w, "self", o->self);
	json_object_end(w);
}

static void
write_request(struct json_writer *w, const struct state_request *q)
{
	json_object_begin(w);
	json_key(w, "approved");
	json_array_begin(w);
	for (size_t i = 0; i < q->approvals; i++)
		json_str(w, q->custodian[i]);
	json_array_end(w);
	json_kv_int(w, "expires", q->expires_s);
	kv_hash(w, "key", &q->key);
	kv_u64(w, "n", q->n);
	kv_hash(w, "sha256", &q->sha256);
	json_object_end(w);
}

static void
write_import(struct json_writer *w, const struct state_import *i)
{
	json_object_begin(w);
	json_kv_str(w, "mount", i->mount);
	kv_u64(w, "n", i->n);
	json_kv_str(w, "origin", i->origin);
	kv_hash(w, "root", &i->root);
	kv_u64(w, "size", i->size);
	json_kv_str(w, "vkey", i->vkey);
	json_object_end(w);
}

static void
write_shard(struct json_writer *w, const struct revoked_shard *s)
{
	json_object_begin(w);
	kv_u64(w, "count", s->base_count);
	kv_hash(w, "key", &s->key);
	kv_u64(w, "segment", s->base_segment);
	kv_hash(w, "sha256", &s->base_hash);
	json_object_end(w);
}

static void
write_log_key(struct json_writer *w, const struct state_vkey *k)
{
	json_object_begin(w);
	kv_u64(w, "from", k->from);
	json_kv_str(w, "vkey", k->vkey);
	json_object_end(w);
}

#define WRITE_ARRAY(w, name, n, call)                                          \
	do {                                                                   \
		json_key(w, name);                                             \
		json_array_begin(w);                                           \
		for (size_t i = 0; i < (n); i++)                               \
			(call);                                                \
		json_array_end(w);                                             \
	} while (0)

void
snapshot_encode(const struct reg_state *s, const struct log_position *at,
    struct buf *out)
{
	struct json_writer w;

	json_begin(&w, out);
	json_object_begin(&w);
	WRITE_ARRAY(&w, "crls", s->crls_n, write_crl(&w, s->crls[i]));
	/* Registers without one have the snapshots that they always had. */
	if (s->imports_n > 0)
		WRITE_ARRAY(&w, "imports", s->imports_n,
		    write_import(&w, &s->imports[i]));
	WRITE_ARRAY(&w, "keys", s->keys_n, write_key(&w, s->keys[i]));
	WRITE_ARRAY(&w, "log_keys", s->vkeys_n,
	    write_log_key(&w, &s->vkeys[i]));
	kv_u64(&w, "n", s->n);
	WRITE_ARRAY(&w, "open", s->open_n, write_open(&w, &s->open[i]));
	json_kv_str(&w, "origin", reg_state_origin(s));
	kv_hash(&w, "prev", &at->prev);
	WRITE_ARRAY(&w, "requests", s->requests_n,
	    write_request(&w, &s->requests[i]));
	WRITE_ARRAY(&w, "revoked", s->shards_n, write_shard(&w, s->shards[i]));
	kv_u64(&w, "segment", s->segment);
	json_kv_int(&w, "t_ms", s->floor_ms);
	WRITE_ARRAY(&w, "tree", at->tree.n,
	    json_hex(&w, sha256_bytes(&at->tree.node[i])));
	kv_u64(&w, "v", 1);
	json_object_end(&w);
}

/* ---- reading ---------------------------------------------------------- */

static void
want(struct json_reader *r, const char *key)
{
	struct bytes k;

	if (!json_next_key(r, &k) || !bytes_eq(k, bytes_str(key)))
		r->failed = true;
}

static void
object_end(struct json_reader *r)
{
	struct bytes k;

	if (json_next_key(r, &k))
		r->failed = true;
}

static int64_t
get_positive(struct json_reader *r)
{
	int64_t v = json_get_int(r);

	r->failed |= v < 0;
	return v;
}

static uint64_t
get_u64(struct json_reader *r, const char *key)
{
	want(r, key);
	return (uint64_t)get_positive(r);
}

static int64_t
get_s(struct json_reader *r, const char *key)
{
	return (int64_t)get_u64(r, key);
}

static bool
get_flag(struct json_reader *r, const char *key)
{
	want(r, key);
	return json_get_bool(r);
}

/* Whether "imported" comes, which is said only where it is so; else it is `next`. */
static bool
next_is_imported(struct json_reader *r, const char *next)
{
	struct bytes k = { 0 };

	(void)json_next_key(r, &k);
	if (!r->failed && bytes_eq(k, bytes_str("imported")))
		return true;
	r->failed |= !bytes_eq(k, bytes_str(next));
	return false;
}

/* Text as fresh memory in b; never holds NUL (json.h). */
static struct bytes
get_text(struct json_reader *r, const char *key, struct buf *b)
{
	if (key != NULL)
		want(r, key);
	buf_reset(b);
	(void)buf_cstr(b);
	if (!json_get_str(r, b))
		r->failed = true;
	return buf_bytes(b);
}

static void
get_fixed(struct json_reader *r, const char *key, char *out, size_t size)
{
	auto_buf struct buf b = { 0 };
	struct bytes t = get_text(r, key, &b);

	if (t.n >= size) {
		r->failed = true;
		return;
	}
	memcpy(out, t.p, t.n);
	out[t.n] = '\0';
}

/* Lower-case hex, as it was written. */
static bool
get_hex(struct json_reader *r, struct buf *b)
{
	struct bytes raw = json_get_raw_str(r);

	buf_reset(b);
	for (size_t i = 0; i < raw.n; i++)
		if (raw.p[i] >= 'A' && raw.p[i] <= 'F')
			r->failed = true;
	if (r->failed || !hex_decode((const char *)raw.p, raw.n, b))
		r->failed = true;
	return !r->failed;
}

static void
get_hash_value(struct json_reader *r, struct sha256 *out)
{
	auto_buf struct buf b = { 0 };

	if (!get_hex(r, &b) || b.n != SHA256_LEN)
		r->failed = true;
	else
		memcpy(out->b, b.p, SHA256_LEN);
}

static void
get_hash(struct json_reader *r, const char *key, struct sha256 *out)
{
	want(r, key);
	get_hash_value(r, out);
}

static void
get_id(struct json_reader *r, uint8_t id[64], size_t *len)
{
	auto_buf struct buf b = { 0 };

	want(r, "id");
	if (!get_hex(r, &b) || b.n > 64) {
		r->failed = true;
		return;
	}
	if (b.n > 0)
		memcpy(id, b.p, b.n);
	*len = b.n;
}

/* Names of one key, each once, as they were learned. */
static void
get_names(struct json_reader *r, struct state_key *k)
{
	auto_buf struct buf b = { 0 };
	struct bytes raw;

	want(r, "names");
	json_enter_array(r);
	while (json_next_element(r)) {
		raw = json_get_raw_str(r);
		buf_reset(&b);
		if (r->failed ||
		    !base64_decode((const char *)raw.p, raw.n, &b) ||
		    b.n == 0 || state_key_has_name(k, buf_bytes(&b))) {
			r->failed = true;
			return;
		}
		state_key_add_name(k, buf_bytes(&b));
	}
}

static void
read_key(struct json_reader *r, struct reg_state *s)
{
	auto_buf struct buf charter = { 0 }, spki = { 0 };
	struct state_key k = { 0 }, *added;
	struct bytes raw;
	struct sha256 hash;

	json_enter_object(r);
	k.adopted = get_flag(r, "adopted");
	k.charter = get_text(r, "charter", &charter);
	k.charter_index = get_u64(r, "charter_at");
	k.destroyed = get_flag(r, "destroyed");
	k.hour = get_u64(r, "hour");
	get_id(r, k.id, &k.id_len);
	k.imported = next_is_imported(r, "in_hour");
	if (k.imported) {
		r->failed |= !json_get_bool(r);
		want(r, "in_hour");
	}
	k.in_hour = (uint64_t)get_positive(r);
	get_fixed(r, "label", k.label, sizeof(k.label));
	k.made_index = get_u64(r, "made_at");
	get_names(r, &k);
	k.released = get_flag(r, "released");
	k.self_signed = get_u64(r, "self_signed");
	k.signatures = get_u64(r, "signatures");
	want(r, "spki");
	raw = json_get_raw_str(r);
	if (r->failed || !base64_decode((const char *)raw.p, raw.n, &spki))
		r->failed = true;
	get_fixed(r, "token", k.token, sizeof(k.token));
	object_end(r);
	hash = sha256(buf_bytes(&spki));
	if (r->failed || spki.n == 0 || reg_state_key(s, &hash) != NULL) {
		state_key_free_names(&k);
		r->failed = true;
		return;
	}
	added = state_key_add(s, &hash, buf_bytes(&spki));
	k.key = hash;
	k.spki = added->spki;
	if (k.charter.n > 0)
		k.charter.p = mem_dup(k.charter.p, k.charter.n);
	else
		k.charter = (struct bytes){ 0 };
	*added = k;
}

static void
read_crl(struct json_reader *r, struct reg_state *s)
{
	struct state_crl c = { 0 };

	json_enter_object(r);
	c.intent = get_u64(r, "intent");
	get_hash(r, "key", &c.key);
	c.next_s = get_s(r, "next");
	c.number = get_u64(r, "number");
	get_fixed(r, "scope", c.scope, sizeof(c.scope));
	c.this_s = get_s(r, "this");
	object_end(r);
	if (r->failed || reg_state_crl(s, &c.key, c.scope) != NULL)
		r->failed = true;
	else
		*state_crl_add(s, &c.key, c.scope) = c;
}

static void
read_open_crl(struct json_reader *r, struct intent_more *m)
{
	json_enter_object(r);
	m->next_s = get_s(r, "next");
	m->number = get_u64(r, "number");
	get_fixed(r, "scope", m->scope, sizeof(m->scope));
	m->this_s = get_s(r, "this");
	object_end(r);
}

static void
read_open_key(struct json_reader *r, struct intent_more *m, struct sha256 *from)
{
	json_enter_object(r);
	get_id(r, m->id, &m->id_len);
	m->imported = next_is_imported(r, "label");
	if (m->imported) {
		get_hash_value(r, from);
		want(r, "label");
	}
	get_fixed(r, NULL, m->label, sizeof(m->label));
	get_fixed(r, "token", m->token, sizeof(m->token));
	object_end(r);
}

static void
read_open(struct json_reader *r, struct reg_state *s)
{
	struct open_intent o = { .pub.type = REC_INTENT };
	struct intent_more m = { 0 };
	struct bytes k = { 0 };
	bool crl, keygen = false;

	json_enter_object(r);
	o.count = get_u64(r, "count");
	(void)json_next_key(r, &k);
	crl = bytes_eq(k, bytes_str("crl"));
	if (crl) {
		read_open_crl(r, &m);
		(void)json_next_key(r, &k);
	}
	if (!bytes_eq(k, bytes_str("hour")))
		r->failed = true;
	o.hour = (uint64_t)json_get_int(r);
	(void)json_next_key(r, &k);
	keygen = !r->failed && !crl && bytes_eq(k, bytes_str("keygen"));
	if (keygen)
		read_open_key(r, &m, &o.pub.key);
	else if (!r->failed && bytes_eq(k, bytes_str("key")))
		get_hash_value(r, &o.pub.key);
	else
		r->failed = true;
	o.pub.n = get_u64(r, "n");
	o.self = get_flag(r, "self");
	object_end(r);
	if (r->failed || (int64_t)o.hour < 0 ||
	    (s->open_n > 0 && s->open[s->open_n - 1].pub.n >= o.pub.n)) {
		r->failed = true;
		return;
	}
	if (keygen)
		o.pub.type = REC_KEYGEN_INTENT;
	if (keygen || crl)
		o.more = mem_dup(&m, sizeof(m));
	*state_open_add(s, o.pub.n, o.pub.type) = o;
	s->open_wide += o.count > 1;
}

static void
read_request(struct json_reader *r, struct reg_state *s)
{
	struct state_request *q = state_request_add(s, 0);
	auto_buf struct buf b = { 0 };
	struct bytes t;

	json_enter_object(r);
	want(r, "approved");
	json_enter_array(r);
	while (json_next_element(r)) {
		t = get_text(r, NULL, &b);
		if (r->failed)
			return;
		state_request_approve(q, t);
	}
	q->expires_s = get_s(r, "expires");
	get_hash(r, "key", &q->key);
	q->n = get_u64(r, "n");
	get_hash(r, "sha256", &q->sha256);
	object_end(r);
}

static void
read_shard(struct json_reader *r, struct reg_state *s)
{
	uint64_t count, segment;
	struct sha256 key = { { 0 } }, hash = { { 0 } };
	struct revoked_shard *shard;

	json_enter_object(r);
	count = get_u64(r, "count");
	get_hash(r, "key", &key);
	segment = get_u64(r, "segment");
	get_hash(r, "sha256", &hash);
	object_end(r);
	for (size_t i = 0; i < s->shards_n; i++)
		if (memcmp(&s->shards[i]->key, &key, sizeof(key)) == 0)
			r->failed = true;
	if (r->failed)
		return;
	shard = state_shard_add(s, &key);
	shard->base_count = count;
	shard->base_segment = segment;
	shard->base_hash = hash;
}

static void
read_log_key(struct json_reader *r, struct reg_state *s)
{
	auto_buf struct buf b = { 0 };
	struct bytes vkey;
	uint64_t from;

	json_enter_object(r);
	from = get_u64(r, "from");
	vkey = get_text(r, "vkey", &b);
	object_end(r);
	if (!r->failed)
		state_vkey_add(s, from, vkey);
}

static void
read_array(struct json_reader *r, const char *key, struct reg_state *s,
    void (*one)(struct json_reader *r, struct reg_state *s))
{
	want(r, key);
	json_enter_array(r);
	while (json_next_element(r))
		one(r, s);
}

static void
read_tree(struct json_reader *r, uint64_t size, struct tree_frontier *t)
{
	tree_init(t);
	t->size = size;
	want(r, "tree");
	json_enter_array(r);
	while (json_next_element(r)) {
		if (t->n == countof(t->node)) {
			r->failed = true;
			return;
		}
		get_hash_value(r, &t->node[t->n++]);
	}
	if (t->n != (unsigned)__builtin_popcountll(size))
		r->failed = true;
}

static char *
get_owned(struct json_reader *r, const char *key)
{
	auto_buf struct buf b = { 0 };
	struct bytes t = get_text(r, key, &b);

	return mem_printf("%.*s", r->failed ? 0 : (int)t.n,
	    r->failed ? "" : (const char *)t.p);
}

static void
read_import(struct json_reader *r, struct reg_state *s)
{
	auto_mem char *mount = NULL, *origin = NULL;
	struct state_import *i;
	uint64_t n;

	json_enter_object(r);
	mount = get_owned(r, "mount");
	n = get_u64(r, "n");
	origin = get_owned(r, "origin");
	if (reg_state_import(s, origin) != NULL)
		r->failed = true;
	if (r->failed)
		return;
	i = state_import_take(s, bytes_str(origin));
	i->mount = take(mount);
	i->n = n;
	get_hash(r, "root", &i->root);
	i->size = get_u64(r, "size");
	i->vkey = get_owned(r, "vkey");
	object_end(r);
}

/* "imports" stands only where there is one: then the array of keys comes behind it. */
static void
read_imports_and_keys(struct json_reader *r, struct reg_state *s)
{
	struct bytes k;
	bool imports;

	if (!json_next_key(r, &k))
		r->failed = true;
	imports = !r->failed && bytes_eq(k, bytes_str("imports"));
	if (imports) {
		json_enter_array(r);
		while (json_next_element(r))
			read_import(r, s);
		r->failed |= s->imports_n == 0;
		read_array(r, "keys", s, read_key);
		return;
	}
	if (r->failed || !bytes_eq(k, bytes_str("keys")))
		r->failed = true;
	json_enter_array(r);
	while (json_next_element(r))
		read_key(r, s);
}

static void
read_all(struct json_reader *r, struct reg_state *s, struct log_position *at)
{
	auto_buf struct buf b = { 0 };
	struct bytes t;

	json_enter_object(r);
	read_array(r, "crls", s, read_crl);
	read_imports_and_keys(r, s);
	read_array(r, "log_keys", s, read_log_key);
	s->n = get_u64(r, "n");
	read_array(r, "open", s, read_open);
	t = get_text(r, "origin", &b);
	if (!r->failed)
		s->origin = mem_printf("%.*s", (int)t.n, (const char *)t.p);
	get_hash(r, "prev", &at->prev);
	read_array(r, "requests", s, read_request);
	read_array(r, "revoked", s, read_shard);
	s->segment = get_u64(r, "segment");
	s->floor_ms = get_s(r, "t_ms");
	read_tree(r, s->n, &at->tree);
	if (get_u64(r, "v") != 1)
		r->failed = true;
	object_end(r);
}

struct reg_state *
snapshot_decode(struct bytes json, struct log_position *at, struct error *e)
{
	struct reg_state *s = reg_state_new();
	struct log_position where = { 0 };
	struct json_reader r;

	json_read(&r, json);
	read_all(&r, s, &where);
	if (!json_done(&r)) {
		reg_state_free(s);
		(void)error_set(e, FAIL_CORRUPT,
		    "snapshot: malformed at octet %zu", r.at);
		return NULL;
	}
	*at = where;
	return s;
}

/* ---- files ------------------------------------------------------------ */

static char *
shard_path(const char *dir, uint64_t segment, const struct revoked_shard *s)
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256_bytes(&s->key), hex);
	return mem_printf("%s/snapshot/%06llu.%s.revoked", dir,
	    (unsigned long long)segment, hex);
}

bool
snapshot_make(struct reg_state *s, const struct log_position *at,
    const char *dir, uint64_t segment, struct sha256 *hash, struct error *e)
{
	auto_buf struct buf json = { 0 };
	auto_mem char *path = NULL;

	for (size_t i = 0; i < s->shards_n; i++) {
		auto_mem char *file = NULL;

		if (dir != NULL)
			file = shard_path(dir, segment, s->shards[i]);
		if (!revoked_shard_merge(s->shards[i], segment, file, e))
			return error_context(e, "snapshot");
	}
	snapshot_encode(s, at, &json);
	if (dir != NULL) {
		/* Also makes the names of the files above durable. */
		path = segment_path(dir, "snapshot", segment, "json");
		if (!file_replace(path, buf_bytes(&json), 0640, e))
			return error_context(e, "snapshot");
	}
	*hash = sha256(buf_bytes(&json));
	return true;
}

struct reg_state *
snapshot_load(const char *dir, uint64_t segment, const struct sha256 *hash,
    struct log_position *at, struct error *e)
{
	auto_mem char *path = segment_path(dir, "snapshot", segment, "json");
	auto_buf struct buf json = { 0 };
	struct log_position where;
	struct sha256 is;
	struct reg_state *s;

	if (!file_read(path, LIMIT_SNAPSHOT_BYTES, &json, e))
		return NULL;
	is = sha256(buf_bytes(&json));
	if (memcmp(&is, hash, sizeof(is)) != 0) {
		(void)error_set(e, FAIL_CORRUPT,
		    "%s: not the snapshot that was recorded", path);
		return NULL;
	}
	s = snapshot_decode(buf_bytes(&json), &where, e);
	for (size_t i = 0; s != NULL && i < s->shards_n; i++) {
		auto_mem char *file =
		    shard_path(dir, s->shards[i]->base_segment, s->shards[i]);

		if (revoked_shard_load(s->shards[i], file, e))
			continue;
		/* What is not mapped must not be looked at. */
		for (size_t j = i; j < s->shards_n; j++)
			s->shards[j]->base_count = 0;
		reg_state_free(s);
		return NULL;
	}
	if (s != NULL)
		*at = where;
	return s;
}

/* Whether a file named "<segment>.<key>.revoked" is still the base of a shard. */
static bool
in_use(const struct reg_state *s, const char *name, uint64_t segment)
{
	char hex[2 * SHA256_LEN + 1];

	for (size_t i = 0; i < s->shards_n; i++) {
		hex_encode(sha256_bytes(&s->shards[i]->key), hex);
		if ((s->shards[i]->base_segment == segment ||
			s->shards[i]->before_segment == segment) &&
		    strstr(name, hex) != NULL)
			return true;
	}
	return false;
}

void
snapshot_prune(const struct reg_state *s, const char *dir, uint64_t segment)
{
	auto_mem char *path = path_join(dir, "snapshot");
	auto_dir DIR *d = opendir(path);
	const struct dirent *entry;
	char digits[16];
	uint64_t n;
	size_t len;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		len = strcspn(entry->d_name, ".");
		if (len < 6 || len >= sizeof(digits))
			continue;
		memcpy(digits, entry->d_name, len);
		digits[len] = '\0';
		n = 0;
		for (size_t i = 0; i < len; i++)
			n = n * 10 + (uint64_t)(digits[i] - '0');
		if (n + 2 > segment || in_use(s, entry->d_name, n))
			continue;
		auto_mem char *old = path_join(path, entry->d_name);

		(void)unlink(old);
	}
}
