/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a certificate is renewed, and why. */
#include "renew.h"

#include <string.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/pki/name.h>

static bool
read_own(const struct renew_pass *p, const char *name,
    bool (*add)(struct kafka_bundle *, struct bytes, const char *,
	struct error *),
    struct kafka_bundle *to, struct error *e)
{
	auto_mem char *path = set_dir_file(p->set, name);
	auto_buf struct buf text = { 0 };

	return file_read(path, KAFKA_INPUT_BYTES, &text, e) &&
	    (text.n == 0 || add(to, buf_bytes(&text), path, e));
}

/* What is current; why it cannot be told is a reason to renew. */
static void
look_at_current(struct renew_pass *p)
{
	struct error e;

	p->known = kafka_bundle_new();
	if (!set_dir_has_current(p->set)) {
		buf_add_str(&p->reason, "there is no certificate yet");
		return;
	}
	if (!read_own(p, RENEW_OWN_TRUST, kafka_bundle_add_anchors, p->known,
		&e) ||
	    !read_own(p, RENEW_OWN, kafka_bundle_add_certs, p->known, &e) ||
	    !kafka_bundle_join_public(p->known, &e))
		buf_addf(&p->reason, "the current certificate: %s", e.msg);
	else
		p->old = kafka_bundle_chain(p->known, 0);
}

static void
look_at_life(struct renew_pass *p)
{
	int64_t from = p->old->tbs.not_before_s, to = p->old->tbs.not_after_s,
		left = to - p->now_s;

	if (left <= 0)
		buf_add_str(&p->reason, "the current certificate has expired");
	else if (left <= (to - from) * (int64_t)p->cfg->renew_left / 100)
		buf_addf(&p->reason,
		    "%lld per cent of the current certificate's life are left",
		    (long long)(left * 100 / (to - from)));
}

static void
look_at_names(struct renew_pass *p)
{
	const struct yaml_texts *lists[] = { &p->cfg->alt_names,
		&p->cfg->ip_sans };
	auto_buf struct buf cn = { 0 };

	if (!name_get(p->old->tbs.subject, "CN", 0, &cn) ||
	    !bytes_eq(buf_bytes(&cn), bytes_str(p->cfg->common_name))) {
		buf_add_str(&p->reason,
		    "the configuration has another "
		    "common_name");
		return;
	}
	for (size_t l = 0; l < countof(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			if (!kafka_has_name(p->old, lists[l]->v[i])) {
				buf_addf(&p->reason,
				    "%s is not among its names",
				    lists[l]->v[i]);
				return;
			}
}

static void
look_at_key(struct renew_pass *p)
{
	if (!p->cfg->issue && p->old->tbs.key_ok &&
	    strcmp(key_type_name(p->old->tbs.key.type), p->cfg->key_type) != 0)
		buf_addf(&p->reason, "its key is %s",
		    key_type_name(p->old->tbs.key.type));
}

static void
look_at_files(struct renew_pass *p)
{
	const struct renew_file *f = p->cfg->files.v;

	for (size_t i = 0; i < p->cfg->files.n; i++) {
		auto_mem char *path = set_dir_file(p->set, f[i].name);

		if (access(path, F_OK) != 0) {
			buf_addf(&p->reason, "%s is not there yet", f[i].name);
			return;
		}
	}
}

static bool
same_anchors(const struct kafka_bundle *a, const struct kafka_bundle *b)
{
	for (size_t i = 0;; i++) {
		const struct cert *x = kafka_bundle_anchor(a, i),
				  *y = kafka_bundle_anchor(b, i);

		if (x == NULL || y == NULL)
			return x == y;
		if (!bytes_eq(buf_bytes(&x->der), buf_bytes(&y->der)))
			return false;
	}
}

/* Another file in `trust` reaches the stores with a new set only. */
static bool
look_at_trust(struct renew_pass *p, struct error *e)
{
	auto_kafka_bundle struct kafka_bundle *now = kafka_bundle_new();

	if (!renew_trust(p->cfg, now, e))
		return false;
	if (p->cfg->trust.n > 0 && !same_anchors(now, p->known))
		buf_add_str(&p->reason, "the authorities in `trust` changed");
	return true;
}

bool
renew_find_reason(struct renew_pass *p, struct error *e)
{
	static void (*const looks[])(struct renew_pass *) = { look_at_life,
		look_at_names, look_at_key, look_at_files };

	look_at_current(p);
	if (p->reason.n == 0 && p->force)
		buf_add_str(&p->reason, "--force");
	for (size_t i = 0; p->reason.n == 0 && i < countof(looks); i++)
		looks[i](p);
	if (p->reason.n == 0 && !look_at_trust(p, e))
		return false;
	if (p->reason.n == 0)
		renew_look_at_settings(p);
	return p->reason.n > 0 || renew_look_at_password(p, e);
}
