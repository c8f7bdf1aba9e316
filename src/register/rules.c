/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/text.h>

#include "notes.h"
#include "rules.h"

bool
rule_broken(struct error *e, const struct record *r, const char *rule,
    const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(e, FAIL_CORRUPT, "record %llu (%s): rule %s: %s",
	    (unsigned long long)r->n, record_spec(r->type)->name, rule, text);
}

bool
rule_fits(struct error *e, const struct record *r, const char *field,
    size_t size)
{
	if (record_get(r, field).n < size)
		return true;
	return rule_broken(e, r, "text-too-long", "\"%s\" has %zu octets",
	    field, record_get(r, field).n);
}

void
rule_copy_text(char *out, size_t size, struct bytes text)
{
	assert(text.n < size);
	if (text.n > 0)
		memcpy(out, text.p, text.n);
	memset(out + text.n, 0, size - text.n);
}

bool
rule_earlier(const struct record *r, const char *field)
{
	int64_t v = record_get_int(r, field);

	return v >= 0 && (uint64_t)v < r->n;
}

/* ---- the log itself --------------------------------------------------- */

/* What opens a checkpoint: an Ed25519 key that is named like the log. */
static bool
is_log_key(const struct reg_state *s, struct bytes vkey)
{
	auto_buf struct buf text = { 0 };
	struct note_key key;
	struct error ignored;

	buf_add_bytes(&text, vkey);
	return note_vkey_parse(buf_cstr(&text), &key, &ignored) &&
	    key.type == NOTE_ED25519 &&
	    strcmp(key.name, reg_state_origin(s)) == 0;
}

static bool
log_open(struct reg_state *s, const struct record *r, struct error *e)
{
	struct bytes origin = record_get(r, "origin");

	if (r->n != 0)
		return rule_broken(e, r, "log-open-twice",
		    "only the first record opens a log");
	if (origin.n == 0 || origin.n > 255)
		return rule_broken(e, r, "text-too-long", "\"origin\"");
	s->origin = mem_printf("%.*s", (int)origin.n, (const char *)origin.p);
	if (record_get(r, "vkey").n > 0 &&
	    !is_log_key(s, record_get(r, "vkey")))
		return rule_broken(e, r, "log-open-key",
		    "\"vkey\" is not an Ed25519 key of that origin");
	state_vkey_add(s, 0, record_get(r, "vkey"));
	return true;
}

static bool
snapshot(struct reg_state *s, const struct record *r, struct error *e)
{
	int64_t segment = record_get_int(r, "segment");

	if (segment <= 0 || (uint64_t)segment <= s->segment)
		return rule_broken(e, r, "snapshot-order",
		    "segment %lld does not follow %llu", (long long)segment,
		    (unsigned long long)s->segment);
	s->segment = (uint64_t)segment;
	return true;
}

static bool
clock_cleared(struct reg_state *s, const struct record *r, struct error *e)
{
	int64_t from = record_get_int(r, "from"), to = record_get_int(r, "to");

	if (from != s->floor_ms / 1000)
		return rule_broken(e, r, "clock-from",
		    "\"from\" is not the time of the record before");
	if (to >= from)
		return rule_broken(e, r, "clock-not-back",
		    "\"to\" is not before \"from\"");
	return true; /* reg_state_apply lowers the floor */
}

/* What the old log key signs (record.h, LOG-KEY). A log that was born without a
 * key takes its first one unsigned. */
static bool
log_key_signed(const struct reg_state *s, const struct record *r)
{
	auto_buf struct buf text = { 0 };
	struct bytes sig = record_get(r, "sig"), vkey = record_get(r, "new");
	struct note_key old;
	struct error e;

	if (reg_state_vkey(s)[0] == '\0')
		return sig.n == 0;
	buf_addf(&text, "chancery log key\n%s\n", reg_state_origin(s));
	buf_add_bytes(&text, vkey);
	buf_add_byte(&text, '\n');
	return sig.n == 64 && note_vkey_parse(reg_state_vkey(s), &old, &e) &&
	    ed25519_verify(old.pub, buf_bytes(&text), sig.p);
}

static bool
log_key(struct reg_state *s, const struct record *r, struct error *e)
{
	if (!bytes_eq(record_get(r, "old"), bytes_str(reg_state_vkey(s))))
		return rule_broken(e, r, "log-key-old",
		    "\"old\" is not the log key");
	if (!is_log_key(s, record_get(r, "new")))
		return rule_broken(e, r, "log-key-new",
		    "not an Ed25519 verifier key of this log");
	if (!log_key_signed(s, r))
		return rule_broken(e, r, "log-key-signature",
		    "not signed by the old key");
	state_vkey_add(s, r->n, record_get(r, "new"));
	return true;
}

static bool
pruned(struct reg_state *s unused_arg, const struct record *r, struct error *e)
{
	if (record_get_int(r, "from") < 0 ||
	    record_get_int(r, "from") >= record_get_int(r, "to") ||
	    !rule_earlier(r, "to"))
		return rule_broken(e, r, "pruned-range",
		    "not an earlier range");
	return true;
}

/* ---- approvals -------------------------------------------------------- */

/* Expired requests leave the state when time passes them, so that it stays
 * bounded; decided by record times, so that every replay agrees. */
static void
expire_requests(struct reg_state *s, int64_t now_s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->requests_n; i++) {
		struct state_request *q = &s->requests[i];

		if (q->expires_s >= now_s) {
			s->requests[kept++] = *q;
			continue;
		}
		for (size_t j = 0; j < q->approvals; j++)
			mem_free(q->custodian[j]);
		mem_free(q->custodian);
	}
	s->requests_n = kept;
}

static bool
request(struct reg_state *s, const struct record *r, struct error *e)
{
	struct state_request *q;
	struct sha256 want = sha256(record_get(r, "tbs"));

	if (record_get_int(r, "expires") < r->t_ms / 1000)
		return rule_broken(e, r, "request-expired",
		    "before it was made");
	if (record_has(r, "tbs") &&
	    !bytes_eq(record_get(r, "sha256"), sha256_bytes(&want)))
		return rule_broken(e, r, "request-hash",
		    "\"sha256\" is not the hash of \"tbs\"");
	expire_requests(s, r->t_ms / 1000);
	q = state_request_add(s, r->n);
	q->expires_s = record_get_int(r, "expires");
	(void)record_get_hash(r, "key", &q->key);
	(void)record_get_hash(r, "sha256", &q->sha256);
	return true;
}

static bool
approval(struct reg_state *s, const struct record *r, struct error *e)
{
	uint64_t of = (uint64_t)record_get_int(r, "of");
	struct bytes who = record_get(r, "custodian");
	struct state_request *q = NULL;

	for (size_t i = 0; i < s->requests_n; i++)
		if (s->requests[i].n == of)
			q = &s->requests[i];
	if (q == NULL || q->expires_s < r->t_ms / 1000)
		return rule_broken(e, r, "approval-without-request",
		    "record %lld is no waiting request", (long long)of);
	for (size_t i = 0; i < q->approvals; i++)
		if (bytes_eq(who, bytes_str(q->custodian[i])))
			return rule_broken(e, r, "approval-twice",
			    "by the same custodian");
	state_request_approve(q, who);
	return true;
}

/* ---- the table -------------------------------------------------------- */

static rule_fn *const rules[] = {
	[REC_LOG_OPEN] = log_open,
	[REC_START] = NULL,
	[REC_CUT] = NULL,
	[REC_SNAPSHOT] = snapshot,
	[REC_CLOCK] = clock_cleared,
	[REC_LOG_KEY] = log_key,
	[REC_KEYGEN_INTENT] = rule_keygen_intent,
	[REC_KEYGEN_DONE] = rule_keygen_done,
	[REC_KEYGEN_FAILED] = rule_keygen_failed,
	[REC_CUSTODY] = rule_custody,
	[REC_ADOPT] = rule_adopt,
	[REC_RELEASE] = rule_release,
	[REC_DESTROY] = rule_destroy,
	[REC_CHARTER] = rule_charter,
	[REC_INTENT] = rule_intent,
	[REC_SIGNED] = rule_signature,
	[REC_FAILED] = rule_failed,
	[REC_ASSUMED] = rule_assumed,
	[REC_REFUSED] = NULL,
	[REC_REVOKE] = rule_revoked,
	[REC_LOGIN] = NULL,
	[REC_CONFIG] = NULL,
	[REC_EVENT] = NULL,
	[REC_REQUEST] = request,
	[REC_APPROVAL] = approval,
	[REC_IMPORT] = rule_import,
	[REC_PRUNED] = pruned,
	[REC_ANCHOR] = NULL,
};
_Static_assert(countof(rules) == REC_TYPE__COUNT, "one row per record type");

bool
reg_state_apply(struct reg_state *s, const struct record *r, struct error *e)
{
	if (r->n != s->n)
		return rule_broken(e, r, "record-number", "expected %llu",
		    (unsigned long long)s->n);
	if (r->n == 0 && r->type != REC_LOG_OPEN)
		return rule_broken(e, r, "log-not-open",
		    "the first record must be LOG-OPEN");
	if (r->t_ms < s->floor_ms)
		return rule_broken(e, r, "time-decreases",
		    "%lld ms before the record before",
		    (long long)(s->floor_ms - r->t_ms));
	if (rules[r->type] != NULL && !rules[r->type](s, r, e))
		return false;
	s->n++;
	s->floor_ms =
	    r->type == REC_CLOCK ? record_get_int(r, "to") * 1000 : r->t_ms;
	return true;
}
