/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/signer/import.h>

#include "internal.h"

static bool
observe(void *arg, const struct record *rec, struct error *e)
{
	struct signer *s = arg;

	settle_map_note(s->settled, rec);
	s->last_n = rec->n;
	s->last_s = rec->t_ms / 1000;
	return s->cfg.reg.observe == NULL ||
	    s->cfg.reg.observe(s->cfg.reg.observe_arg, rec, e);
}

static bool
start(struct signer *s, struct error *e)
{
	struct reg_config rc = s->cfg.reg;
	const struct key_queue_config qc = { .workers = s->cfg.workers,
		.deadline_ms = s->cfg.sign_deadline_ms != 0
		    ? s->cfg.sign_deadline_ms
		    : LIMIT_SIGN_DEADLINE_MS,
		.sign = s->cfg.sign,
		.arg = s->cfg.sign_arg };

	rc.observe = observe;
	rc.observe_arg = s;
	s->reg = s->cfg.create ? reg_create(&rc, e) : reg_open(&rc, e);
	if (s->reg == NULL || !signer_keys_refresh(s, e) ||
	    !signer_settle_open(s, e) || !import_settle(s, e))
		return false;
	s->queue = key_queue_new(&qc);
	return true;
}

struct signer *
signer_open(const struct signer_config *cfg, struct error *e)
{
	struct signer *s = mem_calloc(1, sizeof(*s));

	s->cfg = *cfg;
	TAILQ_INIT(&s->queued);
	TAILQ_INIT(&s->admitted);
	TAILQ_INIT(&s->flying);
	TAILQ_INIT(&s->finished);
	outstanding_init(&s->serials);
	s->settled = settle_map_new();
	if (!start(s, e)) {
		signer_free(s);
		return NULL;
	}
	return s;
}

bool
signer_close(struct signer *s, struct error *e)
{
	bool ok = signer_alive(s, e) && signer_drain(s, e);

	if (ok && s->cfg.reg.log_key != NULL)
		ok = reg_checkpoint(s->reg, e);
	signer_free(s);
	return ok;
}

void
signer_free(struct signer *s)
{
	struct request_list *lists[4];
	struct request *r;
	size_t i;

	if (s == NULL)
		return;
	/* Jobs borrow from requests: the queue goes first. */
	key_queue_free(s->queue);
	lists[0] = &s->queued;
	lists[1] = &s->admitted;
	lists[2] = &s->flying;
	lists[3] = &s->finished;
	for (i = 0; i < countof(lists); i++)
		while ((r = TAILQ_FIRST(lists[i])) != NULL) {
			TAILQ_REMOVE(lists[i], r, link);
			request_free(r);
		}
	signer_keys_free(s);
	outstanding_free(&s->serials);
	settle_map_free(s->settled);
	if (s->reg != NULL)
		reg_close(s->reg);
	mem_free(s);
}

struct reg *
signer_register(struct signer *s)
{
	return s->reg;
}

/* What a signature, key or charter stands on is written by the signer itself, never
 * on somebody's word; custody is evidence and an anchor an operator's act, so their
 * records come only from a program that a person runs beside the signer. */
bool
signer_record(struct signer *s, const struct record *rec, struct bytes priv,
    uint64_t *n, struct error *e)
{
	static const struct {
		enum record_type type;
		bool offline;
	} rows[] = { { REC_CONFIG, false }, { REC_EVENT, false },
		{ REC_LOGIN, false }, { REC_CUSTODY, true },
		{ REC_ANCHOR, true } };
	size_t i;

	for (i = 0; i < countof(rows); i++)
		if (rows[i].type == rec->type &&
		    (!rows[i].offline || s->cfg.reg.offline))
			return signer_append_commit(s, rec, priv, n, e);
	return error_set(e, FAIL_REFUSED,
	    "%s: not a record that can be asked for",
	    rec->type < REC_TYPE__COUNT ? record_spec(rec->type)->name
					: "unknown type");
}
