/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>

#include "internal.h"

/* ---- opening, plan --------------------------------------------------------- */

static bool
show_people(struct ceremony *c, struct error *e)
{
	const struct plan_person *v = c->plan->people.v;

	for (size_t i = 0; i < c->plan->people.n; i++)
		if (!show(c, plan_role_name((enum plan_role)v[i].role), e, "%s",
			v[i].name))
			return false;
	return true;
}

bool
step_opening(struct ceremony *c, struct error *e)
{
	struct sha256 program;
	char now[TIME_TEXT_SIZE], hex[2 * SHA256_LEN + 1];

	if (c->opt->rehearse && !rehearsal_tokens(c, e))
		return false;
	if (!settings_write(c, e) || !program_hash(&program, e))
		return false;
	time_format_s(clock_wall_ms(&clock_system) / 1000, now);
	hex_encode(sha256_bytes(&program), hex);
	if (c->opt->rehearse)
		say(c,
		    "  THIS IS A REHEARSAL: nothing made here is to be "
		    "trusted\n");
	return show(c, "ceremony", e, "%s", c->plan->title) &&
	    show(c, "time (UTC)", e, "%s", now) &&
	    show(c, "program", e, "chancery %s", CHANCERY_VERSION) &&
	    show(c, "program SHA-256", e, "%s", hex) && show_people(c, e);
}

bool
step_plan(struct ceremony *c, struct error *e)
{
	return show_hash(c, "plan hash", &c->plan->hash, e);
}

/* ---- tokens, inventory ------------------------------------------------------ */

static bool
listed(const struct yaml_texts *t, const char *label)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i], label) == 0)
			return true;
	return false;
}

static bool
planned_here(const struct plan *p, const struct plan_token *t,
    const char *label)
{
	if (strcmp(p->log.token, t->name) == 0 &&
	    strcmp(p->log.label, label) == 0)
		return true;
	if (strcmp(p->root.token, t->name) == 0 &&
	    strcmp(p->root.label, label) == 0)
		return true;
	for (size_t i = 0; i < p->intermediates.n; i++) {
		const struct plan_authority *a = plan_intermediate(p, i);

		if (strcmp(a->token, t->name) == 0 &&
		    strcmp(a->label, label) == 0)
			return true;
	}
	return false;
}

static const struct hsm_key_info *
key_labelled(const struct hsm_key_list *l, const char *label)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].label, label) == 0)
			return &l->v[i];
	return NULL;
}

/* Nothing but the key map is there. */
static bool
no_strangers(const struct ceremony *c, const struct plan_token *t,
    const struct hsm_key_list *l, bool planned, struct error *e)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct hsm_key_info *k = &l->v[i];

		if (!listed(&t->keys, k->label) &&
		    !(planned && planned_here(c->plan, t, k->label)))
			return error_set(e, FAIL_REFUSED,
			    "token %s holds a key \"%s\" that is not in the "
			    "key map of the plan",
			    t->name, k->label);
	}
	return true;
}

static bool
check_there(const struct plan_token *t, const struct hsm_key_list *l,
    const char *label, struct error *e)
{
	const struct hsm_key_info *k = key_labelled(l, label);

	if (k == NULL)
		return error_set(e, FAIL_REFUSED,
		    "token %s has no key \"%s\", which is in the key map",
		    t->name, label);
	if (!k->has_private || !k->has_public)
		return error_set(e, FAIL_REFUSED,
		    "token %s: of key \"%s\" only the %s half is there",
		    t->name, label, k->has_private ? "private" : "public");
	return true;
}

/* Everything of the key map is there, whole. */
static bool
none_missing(const struct ceremony *c, const struct plan_token *t,
    const struct hsm_key_list *l, bool complete, struct error *e)
{
	const struct plan *p = c->plan;

	for (size_t i = 0; i < t->keys.n; i++)
		if (!check_there(t, l, t->keys.v[i], e))
			return false;
	if (!complete)
		return true;
	if (strcmp(p->log.token, t->name) == 0 &&
	    !check_there(t, l, p->log.label, e))
		return false;
	if (strcmp(p->root.token, t->name) == 0 &&
	    !check_there(t, l, p->root.label, e))
		return false;
	for (size_t i = 0; i < p->intermediates.n; i++) {
		const struct plan_authority *a = plan_intermediate(p, i);

		if (strcmp(a->token, t->name) == 0 &&
		    !check_there(t, l, a->label, e))
			return false;
	}
	return true;
}

static bool
token_inventory(struct ceremony *c, size_t i, bool planned, bool complete,
    struct error *e)
{
	const struct plan_token *t =
	    &((const struct plan_token *)c->plan->tokens.v)[i];
	size_t at = session_token_index(c->session, t->name);
	struct hsm_key_list l = { 0 };
	auto_buf struct buf text = { 0 };
	bool ok;

	if (!hsm_keys(c->session->host.token[at], &l, e))
		return false;
	ok = no_strangers(c, t, &l, planned, e) &&
	    none_missing(c, t, &l, complete, e);
	for (size_t k = 0; ok && k < l.n; k++)
		buf_addf(&text, "%s%s (%s)", k > 0 ? ", " : "", l.v[k].label,
		    key_type_name(l.v[k].type));
	hsm_key_list_free(&l);
	return ok &&
	    show(c, "keys", e, "on %s: %s", t->name,
		text.n > 0 ? buf_cstr(&text) : "none");
}

/* hsm_sacrificial_test labels its keys so; one that a killed run left behind was
 * made to be destroyed. */
#define SACRIFICIAL "sacrificial-"

static bool
sweep_token(struct ceremony *c, struct hsm_token *t, struct error *e)
{
	struct hsm_key_list l = { 0 };
	bool ok = hsm_keys(t, &l, e);

	for (size_t i = 0; ok && i < l.n; i++) {
		const struct hsm_key_info *k = &l.v[i];
		unsigned n;

		if (strncmp(k->label, SACRIFICIAL, strlen(SACRIFICIAL)) != 0)
			continue;
		ok = hsm_object_destroy(t, bytes_of(k->id, k->id_len), &n, e) &&
		    show(c, "destroyed", e, "%s, left by an aborted run",
			k->label);
	}
	hsm_key_list_free(&l);
	return ok;
}

bool
sweep_sacrificial(struct ceremony *c, struct error *e)
{
	for (size_t i = 0; i < c->home->tokens; i++)
		if (c->home->token[i].role == HOME_ROLE_CA &&
		    !sweep_token(c, c->session->host.token[i], e))
			return false;
	return true;
}

bool
inventory(struct ceremony *c, bool planned, bool complete, struct error *e)
{
	for (size_t i = 0; i < c->plan->tokens.n; i++)
		if (!token_inventory(c, i, planned, complete, e))
			return false;
	return true;
}

/* The hash that the plan names is of the module that the real run loads. */
static bool
show_module(struct ceremony *c, struct error *e)
{
	struct hsm_module_info m;
	char hex[2 * SHA256_LEN + 1];

	if (!hsm_module_info(c->session->host.module, &m, e))
		return false;
	hex_encode(sha256_bytes(&m.file_hash), hex);
	if (!c->opt->rehearse && c->plan->module.sha256 != NULL &&
	    strcasecmp(c->plan->module.sha256, hex) != 0)
		return error_set(e, FAIL_REFUSED,
		    "the module %s is another file than the plan names",
		    m.path);
	return show(c, "module", e, "%s (%s, %s)", m.path, m.manufacturer,
		   m.description) &&
	    show(c, "module SHA-256", e, "%s", hex);
}

bool
step_tokens(struct ceremony *c, struct error *e)
{
	if (!show_module(c, e))
		return false;
	for (size_t i = 0; i < c->home->tokens; i++) {
		const struct hsm_token_info *t =
		    hsm_token_get_info(c->session->host.token[i]);

		if (!show(c, "token", e,
			"%s: label %s, serial %s, model %s, firmware %u.%u",
			c->home->token[i].name, t->label, t->serial, t->model,
			t->fw_major, t->fw_minor))
			return false;
	}
	return inventory(c, false, false, e);
}

bool
step_inventory(struct ceremony *c, struct error *e)
{
	const struct reg_state *s =
	    reg_get_state(signer_register(c->session->signer));

	if (!inventory(c, true, true, e))
		return false;
	for (size_t i = 0; i < reg_state_keys(s); i++) {
		const struct state_key *k = reg_state_key_at(s, i);

		if (!show(c, "signatures", e, "%s: %llu", k->label,
			(unsigned long long)k->signatures))
			return false;
	}
	return true;
}

/* ---- files ------------------------------------------------------------------ */

bool
output_settle(struct ceremony *c, const char *name, struct bytes data,
    struct error *e)
{
	auto_mem char *path = path_join(c->out_dir, name);
	auto_buf struct buf have = { 0 };
	struct sha256 h = sha256(data);
	char hex[2 * SHA256_LEN + 1];

	if (access(path, F_OK) == 0) {
		if (!file_read(path, data.n + 1, &have, e) ||
		    !bytes_eq(buf_bytes(&have), data))
			return error_set(e, FAIL_EXISTS,
			    "%s is there and is not what belongs there", path);
		return true;
	}
	if (!file_create(path, data, 0644, e))
		return false;
	hex_encode(sha256_bytes(&h), hex);
	say(c, "  written: %s\n", path);
	return note(c, "output", e, "file", name, "sha256", hex, NULL);
}

static bool
absent(const struct ceremony *c, const char *name, struct error *e)
{
	auto_mem char *path = path_join(c->out_dir, name);

	return file_check_absent(path, e);
}

bool
output_check_absent(const struct ceremony *c, struct error *e)
{
	static const char *const names[] = { "transcript.jsonl", "report.txt",
		"report.html", "checkpoint", "log.vkey" };
	static const char *const ours[] = { "chancery.yaml", "register",
		"crl" };

	for (size_t i = 0; i < countof(ours); i++) {
		auto_mem char *path = path_join(c->dir, ours[i]);

		if (!file_check_absent(path, e))
			return false;
	}
	for (size_t i = 0; i < countof(names); i++)
		if (!absent(c, names[i], e))
			return false;
	for (size_t i = 0; i < c->plan->intermediates.n; i++)
		if (!absent(c, plan_intermediate(c->plan, i)->file, e))
			return false;
	return absent(c, c->plan->root.file, e) &&
	    absent(c, c->plan->crl.file, e);
}
