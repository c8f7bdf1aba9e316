/* SPDX-License-Identifier: Apache-2.0 */
/* When a list is due, by its file and config/crl. */
#include "keeper.h"

/* Readers refuse a list from the future beyond a quarter of an hour (docs/pki.md). */
#define FUTURE_S 60

/* The configured period may be shorter than that of the list; it is nothing to a key elsewhere. */
static int64_t
due(const struct crl_file *f, const json_t *cfg, bool elsewhere, int64_t now)
{
	int64_t share = json_integer_value(json_object_get(cfg, "renew_share"));
	int64_t expiry = config_seconds(cfg, "expiry"),
		grace = config_seconds(cfg, "auto_rebuild_grace_period"),
		life = f->next_s - f->this_s;

	if (f->this_s > now + FUTURE_S)
		return now;
	if (elsewhere)
		return f->this_s + life * share / 100;
	if (expiry > 0)
		life = least(life, expiry);
	return json_is_true(json_object_get(cfg, "auto_rebuild")) && grace > 0
	    ? least(f->this_s + life * share / 100, f->next_s - grace)
	    : f->this_s + life * share / 100;
}

/* After each full list, which is its base; and some time after a revocation. */
static int64_t
delta_due(const struct kept *k, const struct crl_file *f, const json_t *cfg,
    int64_t usual)
{
	int64_t interval = config_seconds(cfg, "delta_rebuild_interval");
	struct crl_file full;

	if (!crl_look(&k->key, CRL_FULL, &full))
		return usual;
	if (full.number > f->number)
		return full.this_s;
	return k->touched && interval >= 0 ? least(usual, f->this_s + interval)
					   : usual;
}

void
kept_look(struct kept *k, struct docs *d, const char *mount, int64_t now)
{
	json_t *cfg = config_get(d, mount, "crl");
	struct crl_file f;

	k->there = crl_look(&k->key, k->part, &f);
	if (k->there) {
		k->this_s = f.this_s;
		k->next_s = f.next_s;
		k->bytes = f.bytes;
		k->due_s = due(&f, cfg, k->elsewhere, now);
		if (k->part == CRL_DELTA)
			k->due_s = delta_due(k, &f, cfg, k->due_s);
	}
	json_decref(cfg);
}
