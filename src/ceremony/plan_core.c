/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/json.h>
#include <chancery/ceremony/plan.h>

static void
json_texts(struct json_writer *w, const char *key, const struct yaml_texts *t)
{
	json_key(w, key);
	json_array_begin(w);
	for (size_t i = 0; i < t->n; i++)
		json_str(w, t->v[i]);
	json_array_end(w);
}

static void
authority_json(struct json_writer *w, const struct plan_authority *a)
{
	json_object_begin(w);
	json_texts(w, "ca_urls", &a->ca_urls);
	/* What the charter says, wherever it came from. */
	json_key(w, "charter");
	json_raw(w, buf_bytes(&a->charter_json));
	json_texts(w, "crl_urls", &a->crl_urls);
	json_texts(w, "exclude_dns", &a->exclude_dns);
	json_kv_str(w, "file", a->file);
	json_kv_str(w, "label", a->label);
	json_kv_int(w, "life", a->life_s);
	json_kv_int(w, "path_len", (int64_t)a->path_len);
	json_texts(w, "permit_dns", &a->permit_dns);
	json_kv_str(w, "subject", a->subject);
	json_kv_str(w, "token", a->token);
	json_kv_str(w, "type", a->type);
	json_object_end(w);
}

void
plan_people_json(struct json_writer *w, const struct plan *p)
{
	const struct plan_person *v = p->people.v;

	json_array_begin(w);
	for (size_t i = 0; i < p->people.n; i++) {
		json_object_begin(w);
		json_kv_str(w, "name", v[i].name);
		json_kv_str(w, "role",
		    plan_role_name((enum plan_role)v[i].role));
		json_object_end(w);
	}
	json_array_end(w);
}

void
plan_core_json(const struct plan *p, struct buf *out)
{
	struct json_writer w;

	json_begin(&w, out);
	json_object_begin(&w);
	json_kv_int(&w, "confirmations", p->confirmations);
	json_key(&w, "crl");
	json_object_begin(&w);
	json_kv_str(&w, "file", p->crl.file);
	json_kv_int(&w, "life", p->crl.life_s);
	json_object_end(&w);
	json_kv_str(&w, "id", p->id);
	json_key(&w, "intermediates");
	json_array_begin(&w);
	for (size_t i = 0; i < p->intermediates.n; i++)
		authority_json(&w, plan_intermediate(p, i));
	json_array_end(&w);
	json_key(&w, "log");
	json_object_begin(&w);
	json_kv_str(&w, "label", p->log.label);
	json_kv_str(&w, "origin", p->log.origin);
	json_kv_str(&w, "token", p->log.token);
	json_object_end(&w);
	json_kv_str(&w, "outputs", p->outputs);
	json_key(&w, "people");
	plan_people_json(&w, p);
	json_key(&w, "root");
	authority_json(&w, &p->root);
	json_kv_str(&w, "title", p->title);
	json_kv_int(&w, "version", (int64_t)p->version);
	json_object_end(&w);
}
