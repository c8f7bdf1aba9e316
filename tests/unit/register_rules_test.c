/* SPDX-License-Identifier: Apache-2.0 */

/* Every rule between records: one record that breaks it, and that a broken one
 * changes nothing. */
#include <stdio.h>

#include "register_util.h"

#include "../../src/register/state_internal.h"

struct world {
	struct reg_state *s;
	struct record rec;
	struct sha256 key, other, hash;
	uint64_t keygen, intent, crl_intent, request, settled;
	uint8_t tbs[64], spki[91], spki2[91];
};

static bool
apply(struct world *w, struct error *e)
{
	w->rec.n = w->s->n;
	if (w->rec.t_ms == 0)
		w->rec.t_ms = 1790000000000;
	return reg_state_apply(w->s, &w->rec, e);
}

static uint64_t
must(struct world *w)
{
	struct error e;

	if (!apply(w, &e))
		fail_msg("%s", e.msg);
	return w->rec.n;
}

static void
crl_intent(struct world *w, int64_t number)
{
	struct record *r = &w->rec;

	record_init(r, REC_INTENT);
	record_text(r, "alg", "ecdsa-sha256");
	record_int(r, "crl", number);
	record_hash(r, "key", &w->key);
	record_text(r, "kind", "crl");
	record_time(r, "next", 1790086400);
	record_int(r, "position", 3);
	record_text(r, "scope", "full");
	record_hash(r, "sha256", &w->hash);
	record_time(r, "this", 1790000000);
	record_text(r, "who", "tester");
	record_text(r, "why", "a test");
}

/* Two log keys and the old one's signature over the new. */
static struct {
	char vkey[256], next[256];
	/* Of another log, and of a third. */
	char root[256], root2[256], third[256];
	char witness[256], third_witness[256]; /* cosignature keys */
	uint8_t sig[64];
} log_keys;

static void
name_log_key(const struct note_signer *s, const char *origin, uint8_t type,
    char out[256])
{
	auto_buf struct buf vkey = { 0 };
	struct note_key key;

	note_key_init(&key, origin, type, s->key.pub);
	note_vkey_format(&key, &vkey);
	(void)snprintf(out, 256, "%s", buf_cstr(&vkey));
}

static int
make_log_keys(void **state)
{
	auto_buf struct buf text = { 0 }, vkey = { 0 };
	struct fixture a, b;
	struct error e;

	(void)state;
	fixture_open(&a);
	fixture_open(&b);
	note_vkey_format(&a.signer.key, &vkey);
	(void)snprintf(log_keys.vkey, sizeof(log_keys.vkey), "%s",
	    buf_cstr(&vkey));
	buf_reset(&vkey);
	note_vkey_format(&b.signer.key, &vkey);
	(void)snprintf(log_keys.next, sizeof(log_keys.next), "%s",
	    buf_cstr(&vkey));
	name_log_key(&a.signer, "test.example/root", NOTE_ED25519,
	    log_keys.root);
	name_log_key(&b.signer, "test.example/root", NOTE_ED25519,
	    log_keys.root2);
	name_log_key(&b.signer, "test.example/third", NOTE_ED25519,
	    log_keys.third);
	name_log_key(&b.signer, "test.example/log", NOTE_COSIGNATURE,
	    log_keys.witness);
	name_log_key(&a.signer, "test.example/third", NOTE_COSIGNATURE,
	    log_keys.third_witness);
	buf_addf(&text, "chancery log key\ntest.example/log\n%s\n",
	    log_keys.next);
	assert_true(
	    a.signer.sign(a.signer.arg, buf_bytes(&text), log_keys.sig, &e));
	fixture_close(&a);
	fixture_close(&b);
	return 0;
}

static void
log_open(struct world *w)
{
	record_init(&w->rec, REC_LOG_OPEN);
	record_text(&w->rec, "origin", "test.example/log");
	record_text(&w->rec, "software", "test");
	record_text(&w->rec, "vkey", log_keys.vkey);
}

static void
adopt(struct world *w, struct bytes spki, const char *label)
{
	w->other = sha256(spki);
	record_init(&w->rec, REC_ADOPT);
	record_bytes(&w->rec, "id", bytes_str(label));
	record_hash(&w->rec, "key", &w->other);
	record_text(&w->rec, "label", label);
	record_text(&w->rec, "origin", "elsewhere");
	record_bytes(&w->rec, "spki", spki);
	record_text(&w->rec, "token", "0123456789abcdef");
	record_text(&w->rec, "who", "tester");
	record_text(&w->rec, "why", "a test");
}

static void
request(struct world *w)
{
	w->hash = sha256(bytes_of(w->tbs, sizeof(w->tbs)));
	record_init(&w->rec, REC_REQUEST);
	record_time(&w->rec, "expires", 1790003600);
	record_hash(&w->rec, "key", &w->key);
	record_text(&w->rec, "kind", "ca");
	record_hash(&w->rec, "sha256", &w->hash);
	record_bytes(&w->rec, "tbs", bytes_of(w->tbs, sizeof(w->tbs)));
	record_text(&w->rec, "who", "tester");
	record_text(&w->rec, "why", "a test");
}

static void
approval(struct world *w, uint64_t of, const char *custodian)
{
	record_init(&w->rec, REC_APPROVAL);
	record_text(&w->rec, "custodian", custodian);
	record_int(&w->rec, "of", (int64_t)of);
	record_bytes(&w->rec, "sig", bytes_str("signature"));
	record_text(&w->rec, "statement", "yes");
}

static void
clear_clock(struct world *w, int64_t from, int64_t to)
{
	record_init(&w->rec, REC_CLOCK);
	record_time(&w->rec, "from", from);
	record_time(&w->rec, "to", to);
	record_text(&w->rec, "who", "tester");
	record_text(&w->rec, "why", "a test");
}

static void
with_key(struct world *w, enum record_type type)
{
	struct record *r = &w->rec;

	record_init(r, type);
	record_hash(r, "key", &w->key);
	record_text(r, "who", "tester");
	record_text(r, "why", "a test");
	if (type == REC_RELEASE)
		record_text(r, "to", "elsewhere");
	if (type == REC_DESTROY)
		record_json(r, "proof", bytes_str("{}"));
}

static void
import(struct world *w, const char *origin, const char *vkey, int64_t size)
{
	struct record *r = &w->rec;

	record_init(r, REC_IMPORT);
	record_text(r, "mount", "root-ca");
	record_text(r, "origin", origin);
	record_hash(r, "root", &w->hash);
	record_hash(r, "sha256", &w->hash);
	record_int(r, "size", size);
	record_text(r, "vkey", vkey);
	record_text(r, "who", "tester");
}

static void
import_root(struct world *w, int64_t size)
{
	import(w, "test.example/root", log_keys.root, size);
}

static struct bytes
tbs(struct world *w, uint8_t first)
{
	w->tbs[0] = first;
	return bytes_of(w->tbs, sizeof(w->tbs));
}

/* LOG-OPEN, a key with a charter, an open KEYGEN-INTENT, INTENTs for a certificate
 * and a CRL, a waiting REQUEST, one settled INTENT, one revoked serial, another log. */
static void
world_open(struct world *w)
{
	uint8_t serial[20] = { 1 };

	memset(w, 0, sizeof(*w));
	w->s = reg_state_new();
	memset(w->spki, 1, sizeof(w->spki));
	memset(w->spki2, 2, sizeof(w->spki2));
	log_open(w);
	(void)must(w);
	make_keygen_intent(&w->rec, "first");
	w->keygen = must(w);
	make_keygen_done(&w->rec, w->keygen, bytes_of(w->spki, 91), &w->key);
	(void)must(w);
	make_charter(&w->rec, &w->key);
	(void)must(w);
	make_keygen_intent(&w->rec, "open");
	w->keygen = must(w);
	make_intent(&w->rec, &w->key, tbs(w, 1), &w->hash);
	w->settled = must(w);
	make_signed(&w->rec, w->settled);
	(void)must(w);
	make_intent(&w->rec, &w->key, tbs(w, 2), &w->hash);
	w->intent = must(w);
	crl_intent(w, 7);
	w->crl_intent = must(w);
	request(w);
	w->request = must(w);
	approval(w, w->request, "alice");
	(void)must(w);
	make_revoke(&w->rec, &w->key, serial);
	(void)must(w);
	import_root(w, 40);
	(void)must(w);
}

static void
world_close(struct world *w)
{
	reg_state_free(w->s);
}

/* ---- the broken ones -------------------------------------------------- */

static void
b_log_open_twice(struct world *w)
{
	log_open(w);
}

static void
b_time(struct world *w)
{
	record_init(&w->rec, REC_EVENT);
	record_text(&w->rec, "what", "x");
	w->rec.t_ms = 1789999999999;
}

static void
b_snapshot(struct world *w)
{
	record_init(&w->rec, REC_SNAPSHOT);
	record_int(&w->rec, "segment", 0);
	record_hash(&w->rec, "sha256", &w->hash);
}

static void
b_clock_from(struct world *w)
{
	clear_clock(w, 1789999999, 1780000000);
}

static void
b_clock_forward(struct world *w)
{
	clear_clock(w, 1790000000, 1790000001);
}

static void
next_log_key(struct world *w)
{
	record_init(&w->rec, REC_LOG_KEY);
	record_text(&w->rec, "new", log_keys.next);
	record_text(&w->rec, "old", log_keys.vkey);
	record_bytes(&w->rec, "sig",
	    bytes_of(log_keys.sig, sizeof(log_keys.sig)));
}

static void
b_log_key(struct world *w)
{
	next_log_key(w);
	record_text(&w->rec, "old", log_keys.next);
}

static void
b_log_key_new(struct world *w)
{
	next_log_key(w);
	record_text(&w->rec, "new", "something");
}

/* No checkpoint can be opened with these. */
static void
b_log_key_cosignature(struct world *w)
{
	next_log_key(w);
	record_text(&w->rec, "new", log_keys.witness);
}

static void
b_log_key_name(struct world *w)
{
	next_log_key(w);
	record_text(&w->rec, "new", log_keys.root2);
}

static void
b_log_key_signature(struct world *w)
{
	static uint8_t sig[64];

	memcpy(sig, log_keys.sig, sizeof(sig));
	sig[9] ^= 1;
	next_log_key(w);
	record_bytes(&w->rec, "sig", bytes_of(sig, sizeof(sig)));
}

static void
b_log_key_short(struct world *w)
{
	next_log_key(w);
	record_bytes(&w->rec, "sig", bytes_of(log_keys.sig, 63));
}

static void
b_pruned(struct world *w)
{
	record_init(&w->rec, REC_PRUNED);
	record_int(&w->rec, "from", 3);
	record_hash(&w->rec, "root", &w->hash);
	record_int(&w->rec, "to", 3);
	record_text(&w->rec, "who", "tester");
	record_text(&w->rec, "why", "a test");
}

static void
b_keygen_id(struct world *w)
{
	make_keygen_intent(&w->rec, "first");
}

static void
b_keygen_id_open(struct world *w)
{
	make_keygen_intent(&w->rec, "open");
}

static void
b_import_known(struct world *w)
{
	make_import_intent(&w->rec, "known", bytes_of(w->spki, 91));
}

static void
b_import_open(struct world *w)
{
	make_import_intent(&w->rec, "one", bytes_of(w->spki2, 91));
	(void)must(w);
	make_import_intent(&w->rec, "two", bytes_of(w->spki2, 91));
}

static void
b_import_another(struct world *w)
{
	uint64_t n;

	make_import_intent(&w->rec, "one", bytes_str("another"));
	n = must(w);
	make_keygen_done(&w->rec, n, bytes_of(w->spki2, 91), &w->other);
}

static void
b_keygen_id_length(struct world *w)
{
	static const uint8_t id[65];

	make_keygen_intent(&w->rec, "x");
	record_bytes(&w->rec, "id", bytes_of(id, sizeof(id)));
}

static void
b_keygen_label(struct world *w)
{
	static char label[129];

	memset(label, 'x', 128);
	make_keygen_intent(&w->rec, "x");
	record_text(&w->rec, "label", label);
}

static void
b_done_without(struct world *w)
{
	make_keygen_done(&w->rec, w->intent, bytes_of(w->spki2, 91), &w->other);
}

static void
b_done_key_twice(struct world *w)
{
	make_keygen_done(&w->rec, w->keygen, bytes_of(w->spki, 91), &w->other);
}

static void
b_done_hash(struct world *w)
{
	make_keygen_done(&w->rec, w->keygen, bytes_of(w->spki2, 91), &w->other);
	record_hash(&w->rec, "key", &w->hash);
}

static void
b_keygen_failed(struct world *w)
{
	record_init(&w->rec, REC_KEYGEN_FAILED);
	record_int(&w->rec, "intent", 999);
	record_text(&w->rec, "reason", "x");
}

static void
b_custody(struct world *w)
{
	record_init(&w->rec, REC_CUSTODY);
	record_hash(&w->rec, "key", &w->hash);
	record_bool(&w->rec, "ok", true);
	record_json(&w->rec, "result", bytes_str("{}"));
	record_text(&w->rec, "what", "x");
}

static void
b_adopt_twice(struct world *w)
{
	adopt(w, bytes_of(w->spki, 91), "again");
}

static void
b_charter(struct world *w)
{
	make_charter(&w->rec, &w->hash);
}

static void
b_intent_no_charter(struct world *w)
{
	adopt(w, bytes_of(w->spki2, 91), "second");
	(void)must(w);
	make_intent(&w->rec, &w->other, tbs(w, 3), &w->hash);
}

static void
b_intent_unknown(struct world *w)
{
	struct sha256 none = { { 9 } };

	w->other = none;
	make_intent(&w->rec, &w->other, tbs(w, 3), &w->hash);
}

static void
b_intent_hash(struct world *w)
{
	make_intent(&w->rec, &w->key, tbs(w, 3), &w->hash);
	record_hash(&w->rec, "sha256", &w->key);
}

static void
b_intent_retry(struct world *w)
{
	make_intent(&w->rec, &w->key, tbs(w, 3), &w->hash);
	record_int(&w->rec, "retry", 1000);
}

static void
b_intent_serial(struct world *w)
{
	static const uint8_t long_[21] = { 1 };

	make_intent(&w->rec, &w->key, tbs(w, 3), &w->hash);
	record_bytes(&w->rec, "serial", bytes_of(long_, 21));
}

static void
b_intent_kind(struct world *w)
{
	make_intent(&w->rec, &w->key, tbs(w, 3), &w->hash);
	record_text(&w->rec, "kind", "crl");
}

static void
b_crl_same(struct world *w)
{
	crl_intent(w, 7);
}

static void
b_crl_fields(struct world *w)
{
	crl_intent(w, 8);
	record_text(&w->rec, "scope", NULL);
}

static void
b_crl_position(struct world *w)
{
	crl_intent(w, 8);
	record_int(&w->rec, "position", 1000);
}

/* Full and delta have one series; a delta names the last full list that was signed. */
static void
delta_intent(struct world *w, uint64_t base)
{
	crl_intent(w, 8);
	record_text(&w->rec, "scope", "delta");
	record_int(&w->rec, "base", (int64_t)base);
}

static void
b_delta_no_base(struct world *w)
{
	delta_intent(w, w->crl_intent);
}

static void
b_delta_other_base(struct world *w)
{
	make_signed(&w->rec, w->crl_intent);
	(void)must(w);
	delta_intent(w, w->intent);
}

static void
b_delta_number(struct world *w)
{
	make_signed(&w->rec, w->crl_intent);
	(void)must(w);
	delta_intent(w, w->crl_intent);
	record_int(&w->rec, "crl", 7);
}

static void
b_full_below_delta(struct world *w)
{
	make_signed(&w->rec, w->crl_intent);
	(void)must(w);
	delta_intent(w, w->crl_intent);
	(void)must(w);
	crl_intent(w, 8);
}

static void
b_full_with_base(struct world *w)
{
	crl_intent(w, 8);
	record_int(&w->rec, "base", (int64_t)w->crl_intent);
}

static void
b_caller_without_tbs(struct world *w)
{
	crl_intent(w, 8);
	record_text(&w->rec, "kind", "caller-crl");
	record_text(&w->rec, "scope", "caller");
}

static void
b_caller_scope(struct world *w)
{
	crl_intent(w, 8);
	w->hash = sha256(tbs(w, 3));
	record_bytes(&w->rec, "tbs", bytes_of(w->tbs, sizeof(w->tbs)));
	record_hash(&w->rec, "sha256", &w->hash);
	record_text(&w->rec, "kind", "caller-crl");
}

static void
b_crl_with_tbs(struct world *w)
{
	b_caller_scope(w);
	record_text(&w->rec, "kind", "crl");
}

static void
b_key_destroyed(struct world *w)
{
	adopt(w, bytes_of(w->spki2, 91), "second");
	(void)must(w);
	with_key(w, REC_DESTROY);
	record_hash(&w->rec, "key", &w->other);
	(void)must(w);
	make_charter(&w->rec, &w->other);
}

static void
b_key_released(struct world *w)
{
	adopt(w, bytes_of(w->spki2, 91), "second");
	(void)must(w);
	with_key(w, REC_RELEASE);
	record_hash(&w->rec, "key", &w->other);
	(void)must(w);
	make_charter(&w->rec, &w->other);
}

static void
b_destroy_in_use(struct world *w)
{
	with_key(w, REC_DESTROY);
}

static void
b_release_in_use(struct world *w)
{
	with_key(w, REC_RELEASE);
}

static void
b_signed_without(struct world *w)
{
	make_signed(&w->rec, 3);
}

static void
b_signed_keygen(struct world *w)
{
	make_signed(&w->rec, w->keygen);
}

static void
b_second_outcome(struct world *w)
{
	make_signed(&w->rec, w->settled);
}

static void
b_attempts(struct world *w)
{
	make_signed(&w->rec, w->intent);
	record_int(&w->rec, "attempts", 0);
}

static void
b_failed_without(struct world *w)
{
	record_init(&w->rec, REC_FAILED);
	record_int(&w->rec, "attempts", 1);
	record_int(&w->rec, "intent", 2);
	record_text(&w->rec, "reason", "x");
}

static void
b_assumed_without(struct world *w)
{
	record_init(&w->rec, REC_ASSUMED);
	record_int(&w->rec, "intent", -1);
	record_text(&w->rec, "reason", "x");
}

static void
b_revoked_twice(struct world *w)
{
	static const uint8_t serial[20] = { 1 };

	make_revoke(&w->rec, &w->key, serial);
}

static void
b_revoke_unknown(struct world *w)
{
	static const uint8_t serial[20] = { 2 };

	make_revoke(&w->rec, &w->hash, serial);
}

static void
b_revoke_reason(struct world *w)
{
	static const uint8_t serial[20] = { 2 };

	make_revoke(&w->rec, &w->key, serial);
	record_text(&w->rec, "reason", "whim");
}

static void
b_revoke_serial(struct world *w)
{
	static const uint8_t serial[21] = { 2 };

	make_revoke(&w->rec, &w->key, serial);
	record_bytes(&w->rec, "serial", bytes_of(serial, 21));
}

static void
b_revoke_cert(struct world *w)
{
	static const uint8_t serial[20] = { 2 };

	make_revoke(&w->rec, &w->key, serial);
	record_int(&w->rec, "cert", 4711);
}

static void
b_revoke_partition(struct world *w)
{
	static const uint8_t serial[20] = { 2 };

	make_revoke(&w->rec, &w->key, serial);
	record_int(&w->rec, "partition", -1);
}

static void
b_request_expired(struct world *w)
{
	request(w);
	record_time(&w->rec, "expires", 1789999999);
}

static void
b_request_hash(struct world *w)
{
	request(w);
	record_hash(&w->rec, "sha256", &w->key);
}

static void
b_approval_without(struct world *w)
{
	approval(w, w->intent, "bob");
}

static void
b_approval_late(struct world *w)
{
	approval(w, w->request, "bob");
	w->rec.t_ms = 1790003601000;
}

static void
b_approval_twice(struct world *w)
{
	approval(w, w->request, "alice");
}

static void
b_import_own(struct world *w)
{
	import(w, "test.example/log", log_keys.vkey, 3);
}

static void
b_import_older(struct world *w)
{
	import_root(w, 39);
}

static void
b_import_fork(struct world *w)
{
	static const struct sha256 other = { { 9 } };

	import_root(w, 40);
	record_hash(&w->rec, "root", &other);
}

static void
b_import_key(struct world *w)
{
	import(w, "test.example/root", log_keys.root2, 41);
}

static void
b_import_key_name(struct world *w)
{
	import(w, "test.example/root", log_keys.third, 41);
}

static void
b_import_key_cosignature(struct world *w)
{
	import(w, "test.example/third", log_keys.third_witness, 41);
}

static void
b_import_mount(struct world *w)
{
	import_root(w, 41);
	record_text(&w->rec, "mount", "another");
}

static void
b_import_foreign(struct world *w)
{
	import(w, "test.example/third", log_keys.third, 41);
}

static void
b_import_size(struct world *w)
{
	import(w, "test.example/third", log_keys.third, 0);
	record_text(&w->rec, "mount", "another");
}

static const struct {
	const char *rule;
	void (*make)(struct world *w);
} broken[] = {
	{ "import-own-log", b_import_own },
	{ "import-older", b_import_older },
	{ "import-fork", b_import_fork },
	{ "import-key", b_import_key },
	{ "import-key", b_import_key_name },
	{ "import-key", b_import_key_cosignature },
	{ "import-mount", b_import_mount },
	{ "import-foreign", b_import_foreign },
	{ "import-size", b_import_size },
	{ "log-open-twice", b_log_open_twice },
	{ "time-decreases", b_time },
	{ "snapshot-order", b_snapshot },
	{ "clock-from", b_clock_from },
	{ "clock-not-back", b_clock_forward },
	{ "log-key-old", b_log_key },
	{ "log-key-new", b_log_key_new },
	{ "log-key-new", b_log_key_cosignature },
	{ "log-key-new", b_log_key_name },
	{ "log-key-signature", b_log_key_signature },
	{ "log-key-signature", b_log_key_short },
	{ "pruned-range", b_pruned },
	{ "key-id-twice", b_keygen_id },
	{ "key-id-twice", b_keygen_id_open },
	{ "key-twice", b_import_known },
	{ "import-twice", b_import_open },
	{ "imported-key", b_import_another },
	{ "key-id-length", b_keygen_id_length },
	{ "text-too-long", b_keygen_label },
	{ "done-without-intent", b_done_without },
	{ "key-twice", b_done_key_twice },
	{ "key-hash", b_done_hash },
	{ "failed-without-intent", b_keygen_failed },
	{ "key-unknown", b_custody },
	{ "key-twice", b_adopt_twice },
	{ "charter-without-key", b_charter },
	{ "intent-without-charter", b_intent_no_charter },
	{ "key-unknown", b_intent_unknown },
	{ "intent-hash", b_intent_hash },
	{ "retry-unknown", b_intent_retry },
	{ "serial-form", b_intent_serial },
	{ "crl-fields", b_intent_kind },
	{ "crl-number-not-above", b_crl_same },
	{ "crl-fields", b_crl_fields },
	{ "crl-position", b_crl_position },
	{ "crl-base", b_delta_no_base },
	{ "crl-base", b_delta_other_base },
	{ "crl-number-not-above", b_delta_number },
	{ "crl-number-not-above", b_full_below_delta },
	{ "crl-fields", b_full_with_base },
	{ "crl-fields", b_caller_without_tbs },
	{ "crl-fields", b_caller_scope },
	{ "crl-fields", b_crl_with_tbs },
	{ "key-destroyed", b_key_destroyed },
	{ "key-released", b_key_released },
	{ "key-in-use", b_destroy_in_use },
	{ "key-in-use", b_release_in_use },
	{ "signed-without-intent", b_signed_without },
	{ "signed-without-intent", b_signed_keygen },
	{ "second-outcome", b_second_outcome },
	{ "attempts", b_attempts },
	{ "failed-without-intent", b_failed_without },
	{ "assumed-without-intent", b_assumed_without },
	{ "revoked-twice", b_revoked_twice },
	{ "key-unknown", b_revoke_unknown },
	{ "revoke-reason", b_revoke_reason },
	{ "serial-form", b_revoke_serial },
	{ "revoke-cert", b_revoke_cert },
	{ "revoke-partition", b_revoke_partition },
	{ "request-expired", b_request_expired },
	{ "request-hash", b_request_hash },
	{ "approval-without-request", b_approval_without },
	{ "approval-without-request", b_approval_late },
	{ "approval-twice", b_approval_twice },
};

/* The whole state as bytes: revoked serials are folded in by their count. */
static void
picture(const struct reg_state *s, struct buf *out)
{
	static const struct log_position at;

	snapshot_encode(s, &at, out);
	for (size_t i = 0; i < s->shards_n; i++)
		buf_addf(out, " %llu",
		    (unsigned long long)revoked_shard_count(s->shards[i]));
}

static void
test_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(broken); i++) {
		auto_buf struct buf before = { 0 }, after = { 0 };
		auto_mem char *want = mem_printf("rule %s:", broken[i].rule);
		struct world w;
		struct error e;

		world_open(&w);
		broken[i].make(&w);
		picture(w.s, &before);
		if (apply(&w, &e))
			fail_msg("row %zu: %s was not refused", i,
			    broken[i].rule);
		assert_int_equal(e.why, FAIL_CORRUPT);
		if (strstr(e.msg, want) == NULL)
			fail_msg("row %zu: %s, not %s", i, e.msg, want);
		picture(w.s, &after);
		assert_true(bytes_eq(buf_bytes(&before), buf_bytes(&after)));
		world_close(&w);
	}
}

/* A log is born with no key, or with one that opens its checkpoints. */
static void
test_log_open_key(void **state)
{
	const char *const bad[] = { "something", log_keys.witness,
		log_keys.root };
	struct world w;
	struct error e;

	(void)state;
	memset(&w, 0, sizeof(w));
	for (size_t i = 0; i < countof(bad); i++) {
		w.s = reg_state_new();
		log_open(&w);
		record_text(&w.rec, "vkey", bad[i]);
		assert_false(apply(&w, &e));
		assert_non_null(strstr(e.msg, "rule log-open-key:"));
		world_close(&w);
	}
	w.s = reg_state_new();
	log_open(&w);
	record_text(&w.rec, "vkey", "");
	(void)must(&w);
	world_close(&w);
}

static void
test_number(void **state)
{
	struct world w;
	struct error e;

	(void)state;
	world_open(&w);
	record_init(&w.rec, REC_EVENT);
	record_text(&w.rec, "what", "x");
	w.rec.n = 3;
	w.rec.t_ms = 1790000000000;
	assert_false(reg_state_apply(w.s, &w.rec, &e));
	assert_non_null(strstr(e.msg, "rule record-number:"));
	world_close(&w);
	w.s = reg_state_new();
	record_init(&w.rec, REC_EVENT);
	record_text(&w.rec, "what", "x");
	assert_false(apply(&w, &e));
	assert_non_null(strstr(e.msg, "rule log-not-open:"));
	world_close(&w);
}

static void
test_counters(void **state)
{
	struct world w;
	const struct state_key *k;
	const struct state_crl *c;

	(void)state;
	world_open(&w);
	k = reg_state_key(w.s, &w.key);
	assert_int_equal(k->signatures, 3);
	assert_int_equal(k->in_hour, 3);
	assert_string_equal(k->label, "first");
	assert_true(bytes_eq(k->charter, bytes_str("{\"kinds\":[\"leaf\"]}")));
	b_failed_without(&w);
	record_int(&w.rec, "intent", (int64_t)w.intent);
	(void)must(&w);
	assert_int_equal(k->signatures, 2);
	assert_int_equal(k->in_hour, 2);
	/* Signed CRLs are known with their times; the number was reserved
	 * by the INTENT. */
	c = reg_state_crl(w.s, &w.key, "full");
	assert_int_equal(c->number, 7);
	assert_int_equal(c->next_s, 0);
	make_signed(&w.rec, w.crl_intent);
	(void)must(&w);
	assert_int_equal(c->next_s, 1790086400);
	assert_int_equal(c->intent, w.crl_intent);
	assert_null(reg_state_crl(w.s, &w.key, "partition:1"));
	/* A new hour begins at nothing. */
	make_intent(&w.rec, &w.key, tbs(&w, 9), &w.hash);
	w.rec.t_ms = 1790003700000;
	(void)must(&w);
	assert_int_equal(k->in_hour, 1);
	assert_int_equal(k->signatures, 3);
	assert_int_equal(reg_state_open_count(w.s), 2);
	assert_int_equal(reg_state_open_at(w.s, 0)->type, REC_KEYGEN_INTENT);
	assert_null(reg_state_open_at(w.s, 2));
	world_close(&w);
}

/* A destroyed key cannot come back, a released one can; the CLOCK record lowers
 * what times may follow. */
static void
test_allowed(void **state)
{
	struct world w;
	struct error e;

	(void)state;
	world_open(&w);
	b_key_released(&w);
	adopt(&w, bytes_of(w.spki2, 91), "second");
	(void)must(&w);
	assert_false(reg_state_key(w.s, &w.other)->released);
	assert_true(reg_state_key(w.s, &w.other)->adopted);
	with_key(&w, REC_DESTROY);
	record_hash(&w.rec, "key", &w.other);
	(void)must(&w);
	adopt(&w, bytes_of(w.spki2, 91), "third");
	assert_false(apply(&w, &e));
	assert_non_null(strstr(e.msg, "key-destroyed"));
	clear_clock(&w, 1790000000, 1780000000);
	(void)must(&w);
	b_time(&w);
	w.rec.t_ms = 1780000000000;
	(void)must(&w);
	next_log_key(&w);
	w.rec.t_ms = 1780000000000;
	(void)must(&w);
	assert_string_equal(reg_state_vkey(w.s), log_keys.next);
	world_close(&w);
}

/* Another log grows, or is taken in again as it is. */
static void
test_import(void **state)
{
	const struct state_import *i;
	struct world w;

	(void)state;
	world_open(&w);
	import_root(&w, 40);
	(void)must(&w);
	import_root(&w, 55);
	(void)must(&w);
	i = reg_state_import(w.s, "test.example/root");
	assert_non_null(i);
	assert_int_equal(i->size, 55);
	assert_int_equal(i->n, w.rec.n);
	assert_string_equal(i->mount, "root-ca");
	assert_string_equal(i->vkey, log_keys.root);
	assert_null(reg_state_import(w.s, "test.example/third"));
	assert_ptr_equal(reg_state_import_at(w.s, 0), i);
	assert_null(reg_state_import_at(w.s, 1));
	world_close(&w);
}

/* Decode what encode wrote, and the same state comes again. */
static void
test_snapshot_round(void **state)
{
	auto_buf struct buf a = { 0 }, b = { 0 };
	struct log_position at = { 0 }, at2;
	struct sha256 hash;
	struct reg_state *s;
	struct world w;
	struct error e;

	(void)state;
	world_open(&w);
	tree_init(&at.tree);
	for (uint64_t i = 0; i < w.s->n; i++)
		tree_append(&at.tree, &w.hash);
	assert_true(snapshot_make(w.s, &at, NULL, 1, &hash, &e));
	snapshot_encode(w.s, &at, &a);
	s = snapshot_decode(buf_bytes(&a), &at2, &e);
	if (s == NULL)
		fail_msg("%s", e.msg);
	snapshot_encode(s, &at2, &b);
	assert_string_equal(buf_cstr(&a), buf_cstr(&b));
	reg_state_free(s);
	/* No octet may be changed to something that is still taken and gives
	 * other bytes. */
	for (size_t i = 0; i < a.n; i++) {
		a.p[i] ^= 1;
		s = snapshot_decode(buf_bytes(&a), &at2, &e);
		if (s != NULL) {
			buf_reset(&b);
			snapshot_encode(s, &at2, &b);
			assert_true(bytes_eq(buf_bytes(&a), buf_bytes(&b)));
		}
		reg_state_free(s);
		a.p[i] ^= 1;
	}
	world_close(&w);
}

/* An open INTENT for many signatures is one after a snapshot too, and its outcome ends that. */
static void
test_snapshot_keeps_room_for_many_signatures(void **state)
{
	auto_buf struct buf json = { 0 };
	struct log_position at = { 0 };
	struct sha256 hash;
	struct world w;
	struct error e;
	uint64_t n;

	(void)state;
	world_open(&w);
	make_intent(&w.rec, &w.key, tbs(&w, 9), &w.hash);
	record_text(&w.rec, "kind", "ocsp");
	record_bytes(&w.rec, "serial", (struct bytes){ 0 });
	record_int(&w.rec, "entries", 256);
	n = must(&w);
	assert_int_equal(w.s->open_wide, 1);
	tree_init(&at.tree);
	for (uint64_t i = 0; i < w.s->n; i++)
		tree_append(&at.tree, &w.hash);
	assert_true(snapshot_make(w.s, &at, NULL, 1, &hash, &e));
	snapshot_encode(w.s, &at, &json);
	reg_state_free(w.s);
	w.s = snapshot_decode(buf_bytes(&json), &at, &e);
	assert_non_null(w.s);
	assert_int_equal(w.s->open_wide, 1);
	b_failed_without(&w);
	record_int(&w.rec, "intent", (int64_t)n);
	(void)must(&w);
	assert_int_equal(w.s->open_wide, 0);
	world_close(&w);
}

/* ---- revoked serials -------------------------------------------------- */

static void
revoke_number(struct world *w, unsigned v)
{
	uint8_t serial[20] = { 0 };

	serial[0] = (uint8_t)(v * 37);
	serial[18] = (uint8_t)(v >> 8);
	serial[19] = (uint8_t)v;
	make_revoke(&w->rec, &w->key, serial);
	(void)must(w);
}

static unsigned
count_sorted(const struct world *w, uint64_t position)
{
	struct revoked_cursor c;
	struct revoked_entry entry, last = { .index = 0 };
	unsigned n = 0;

	revoked_cursor_start(&c, w->s, &w->key, position);
	for (; revoked_cursor_next(&c, &entry); n++) {
		if (n > 0)
			assert_true(memcmp(last.serial, entry.serial, 20) < 0);
		assert_true(entry.index < position);
		last = entry;
	}
	return n;
}

static void
test_revoked_index(void **state)
{
	struct log_position at = { 0 };
	struct revoked_cursor c;
	struct revoked_entry entry;
	uint8_t serial[20] = { 1 };
	struct sha256 hash;
	struct error e;
	struct world w;
	uint64_t middle;
	unsigned n;

	(void)state;
	world_open(&w);
	assert_true(reg_state_revoked(w.s, &w.key, serial, &entry));
	assert_int_equal(entry.reason, 1);
	assert_int_equal(entry.not_after_s, 1890000000);
	serial[0] = 77;
	assert_false(reg_state_revoked(w.s, &w.key, serial, &entry));
	assert_false(reg_state_revoked(w.s, &w.hash, serial, &entry));
	for (unsigned i = 2; i < 500; i++)
		revoke_number(&w, i);
	middle = w.s->n;
	assert_true(snapshot_make(w.s, &at, NULL, 1, &hash, &e));
	for (unsigned i = 500; i < 1000; i++)
		revoke_number(&w, i);
	assert_int_equal(reg_state_revoked_count(w.s, &w.key), 999);
	assert_int_equal(count_sorted(&w, UINT64_MAX), 999);
	assert_int_equal(count_sorted(&w, middle), 499);
	/* A cursor in the middle of its way lives through revocations and the
	 * end of a segment. */
	revoked_cursor_start(&c, w.s, &w.key, middle);
	for (n = 0; n < 100; n++)
		assert_true(revoked_cursor_next(&c, &entry));
	for (unsigned i = 1000; i < 1100; i++)
		revoke_number(&w, i);
	assert_true(snapshot_make(w.s, &at, NULL, 2, &hash, &e));
	while (revoked_cursor_next(&c, &entry))
		n++;
	assert_int_equal(n, 499);
	assert_int_equal(count_sorted(&w, UINT64_MAX), 1099);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_log_open_key),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_import),
		cmocka_unit_test(test_snapshot_round),
		cmocka_unit_test(test_snapshot_keeps_room_for_many_signatures),
		cmocka_unit_test(test_revoked_index),
	};

	return cmocka_run_group_tests(tests, make_log_keys, NULL);
}
