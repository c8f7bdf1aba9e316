/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/json.h>
#include <chancery/base/text.h>

#include "room.h"

/* Messages that only ask: SETTLE, KEYS, PROOF, STATUS. */

/* ---- SETTLE ------------------------------------------------------------ */

struct found {
	struct buf line, store, intent_line, intent_store;
	struct record rec, intent;
	char *path;
};

static void
found_free(struct found *f)
{
	buf_free(&f->line);
	buf_free(&f->store);
	buf_free(&f->intent_line);
	buf_free(&f->intent_store);
	mem_free(f->path);
}

/* Where the signer keeps a list. One that was signed but not put there before the end is
 * made anew: nobody has it. */
static void
settle_crl(const struct room *r, struct found *f, struct wire_answer *a)
{
	struct bytes scope = record_get(&f->intent, "scope");
	char hex[2 * SHA256_LEN + 1];
	auto_buf struct buf name = { 0 };
	struct sha256 key;

	(void)record_get_hash(&f->intent, "key", &key);
	hex_encode(sha256_bytes(&key), hex);
	for (size_t i = 0; i < scope.n; i++)
		buf_add_byte(&name, scope.p[i] == ':' ? '-' : scope.p[i]);
	a->crl_number = (uint64_t)record_get_int(&f->intent, "crl");
	a->entries = (uint64_t)record_get_int(&f->intent, "entries");
	f->path = mem_printf("%s/%s/%s/%llu.crl", r->settings->host.crl_dir,
	    hex, buf_cstr(&name), (unsigned long long)a->crl_number);
	a->path = f->path;
	if (access(f->path, F_OK) != 0)
		a->outcome = WIRE_OUTCOME_FAILED;
}

static bool
settle_signed(const struct room *r, uint64_t intent, uint64_t n,
    struct found *f, struct wire_answer *a, struct error *e)
{
	struct reg *reg = signer_register(r->signer);

	if (!reg_read(reg, n, &f->line, &f->rec, &f->store, e) ||
	    !reg_read(reg, intent, &f->intent_line, &f->intent,
		&f->intent_store, e))
		return false;
	a->index = n;
	a->t_s = f->rec.t_ms / 1000;
	a->sig = record_get(&f->rec, "sig");
	if (record_has(&f->intent, "crl"))
		settle_crl(r, f, a);
	return true;
}

void
room_settle(struct room_request *q, const struct wire_request *in)
{
	struct room *r = q->lane->room;
	auto_cleanup(found_free) struct found f = { 0 };
	struct wire_answer a = { .index = WIRE_NO_INDEX };
	enum signer_outcome out;
	uint64_t n;
	struct error e;

	if (!signer_settle(r->signer, in->id, &out, &a.intent, &n, &e)) {
		room_fail(q, &e);
		return;
	}
	a.outcome = (uint32_t)out;
	if (out == OUTCOME_SIGNED && !settle_signed(r, a.intent, n, &f, &a, &e))
		room_fail(q, &e);
	else
		room_answer(q, &a);
}

/* ---- KEYS -------------------------------------------------------------- */

void
room_keys(struct room_request *q, const struct wire_request *in)
{
	struct room *r = q->lane->room;
	const struct reg_state *state =
	    reg_get_state(signer_register(r->signer));
	const struct state_key *k;
	struct wire_answer a = { .count = reg_state_keys(state) };

	if (in->count < a.count) {
		k = reg_state_key_at(state, in->count);
		a.key = k->key;
		a.spki = k->spki;
		a.text = k->charter;
		a.label = k->label;
		a.token = k->token;
		a.imported = k->imported;
		a.outcome = signer_key_handle(r->signer, &k->key) != NULL;
	}
	room_answer(q, &a);
}

/* ---- PROOF ------------------------------------------------------------- */

static bool
proof(struct room *r, uint64_t n, struct buf *out, struct error *e)
{
	struct reg *reg = signer_register(r->signer);
	struct checkpoint c;

	if (n == WIRE_NO_INDEX)
		return reg_newest_checkpoint(reg, out, &c, e);
	if (n >= reg_durable_size(reg))
		return error_set(e, FAIL_NOT_FOUND, "record %llu of %llu",
		    (unsigned long long)n,
		    (unsigned long long)reg_durable_size(reg));
	if (reg_receipt(reg, n, out, e))
		return true;
	/* Newer than the newest checkpoint. */
	return e->why == FAIL_NOT_FOUND && reg_checkpoint(reg, e) &&
	    reg_receipt(reg, n, out, e);
}

void
room_proof(struct room_request *q, const struct wire_request *in)
{
	auto_buf struct buf text = { 0 };
	struct wire_answer a = { 0 };
	struct error e;

	if (!proof(q->lane->room, in->count, &text, &e)) {
		room_fail(q, &e);
		return;
	}
	a.text = buf_bytes(&text);
	room_answer(q, &a);
}

/* ---- STATUS ------------------------------------------------------------ */

static void
write_counts(const struct room *r, struct json_writer *w)
{
	static const enum wire_message by_name[] = { WIRE_CERTIFY, WIRE_CHARTER,
		WIRE_HELLO, WIRE_IMPORT, WIRE_KEYS, WIRE_KEY_GENERATE,
		WIRE_PROOF, WIRE_RECORD, WIRE_REVOKE, WIRE_SERIALS, WIRE_SETTLE,
		WIRE_SIGN_CRL, WIRE_SIGN_CSR, WIRE_SIGN_OCSP, WIRE_STATUS };

	json_key(w, "messages");
	json_object_begin(w);
	for (size_t i = 0; i < countof(by_name); i++)
		json_kv_int(w, wire_message_name(by_name[i]),
		    (int64_t)r->count[by_name[i]]);
	json_object_end(w);
}

/* KEYS tells all of them. */
#define STATUS_KEYS 1000

static void
write_keys(const struct room *r, struct json_writer *w)
{
	const struct reg_state *state =
	    reg_get_state(signer_register(r->signer));

	json_key(w, "keys");
	json_array_begin(w);
	for (size_t i = 0; i < reg_state_keys(state) && i < STATUS_KEYS; i++) {
		const struct state_key *k = reg_state_key_at(state, i);

		if (k->destroyed || k->released)
			continue;
		json_object_begin(w);
		json_kv_bool(w, "can_sign",
		    signer_key_handle(r->signer, &k->key) != NULL);
		json_kv_hex(w, "key", sha256_bytes(&k->key));
		json_kv_str(w, "label", k->label);
		json_kv_int(w, "signatures", (int64_t)k->signatures);
		json_object_end(w);
	}
	json_array_end(w);
}

static void
write_tokens(const struct room *r, struct json_writer *w)
{
	json_key(w, "tokens");
	json_array_begin(w);
	for (size_t i = 0; i < r->settings->host.tokens; i++) {
		const struct host_token *t = &r->settings->host.token[i];
		const struct hsm_token_info *info =
		    hsm_token_get_info(r->host->token[i]);

		json_object_begin(w);
		json_kv_str(w, "label", info->label);
		json_kv_str(w, "name", t->name);
		json_kv_str(w, "role", t->log ? "log" : "ca");
		json_kv_str(w, "serial", info->serial);
		json_object_end(w);
	}
	json_array_end(w);
}

static void
write_status(const struct room *r, struct buf *out)
{
	struct reg *reg = signer_register(r->signer);
	const struct room_lane *l;
	struct json_writer w;
	int64_t lanes = 0, now_ms;
	struct error e;

	LIST_FOREACH(l, &r->lanes, link)
	lanes += l->peer != NULL;
	json_begin(&w, out);
	json_object_begin(&w);
	json_kv_int(&w, "checkpoint", (int64_t)r->checkpoint_size);
	json_kv_str(&w, "clock", reg_now(reg, &now_ms, &e) ? "" : e.msg);
	json_kv_bool(&w, "file_backed", r->module.file_backed);
	json_kv_int(&w, "in_flight", (int64_t)signer_in_flight(r->signer));
	write_keys(r, &w);
	json_kv_int(&w, "lanes", lanes);
	write_counts(r, &w);
	json_kv_str(&w, "module", r->module.path);
	json_kv_str(&w, "origin", reg_state_origin(reg_get_state(reg)));
	json_kv_int(&w, "pid", getpid());
	json_kv_int(&w, "size", (int64_t)reg_durable_size(reg));
	write_tokens(r, &w);
	json_kv_int(&w, "uptime_s",
	    (clock_mono_ns() - r->started_ns) / 1000000000);
	json_kv_str(&w, "version", CHANCERY_VERSION);
	json_kv_str(&w, "vkey", reg_state_vkey(reg_get_state(reg)));
	json_kv_int(&w, "workers", (int64_t)r->settings->host.workers);
	json_object_end(&w);
}

void
room_status(struct room_request *q, unused_arg const struct wire_request *in)
{
	auto_buf struct buf text = { 0 };
	struct wire_answer a = { 0 };

	write_status(q->lane->room, &text);
	a.text = buf_bytes(&text);
	room_answer(q, &a);
}
