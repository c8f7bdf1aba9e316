/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/plan.h>

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chancery/base/alg.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/ceremony/home.h>
#include <chancery/charter/charter.h>
#include <chancery/pki/name.h>

/* CN of at most 64 characters (RFC 5280 A.1, ub-common-name) must have room for
 * the mark of a rehearsal; name_parse checks that on the marked text. */

struct checker {
	const struct plan *p;
	struct buf *report;
	struct error *first;
	bool ok;
};

static void mistake(struct checker *c, const void *field, const char *fmt, ...)
    printf_like(3, 4);

static void
mistake(struct checker *c, const void *field, const char *fmt, ...)
{
	struct error here = { 0 };
	char text[400];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)error_set(&here, FAIL_BAD_INPUT, "%s: %s",
	    yaml_where(c->p->doc, field), n < 0 ? "mistake" : text);
	if (c->report != NULL)
		buf_addf(c->report, "%s\n", here.msg);
	if (c->ok)
		*c->first = here;
	c->ok = false;
}

const struct plan_token *
plan_find_token(const struct plan *p, const char *name)
{
	const struct plan_token *t = p->tokens.v;

	for (size_t i = 0; i < p->tokens.n; i++)
		if (strcmp(t[i].name, name) == 0)
			return &t[i];
	return NULL;
}

static void
check_token_ref(struct checker *c, char *const *field, int role)
{
	const struct plan_token *t = plan_find_token(c->p, *field);

	if (t == NULL)
		mistake(c, field, "token \"%s\" is not in tokens", *field);
	else if (t->role != role)
		mistake(c, field, "token \"%s\" is not of role %s", *field,
		    role == HOME_ROLE_LOG ? "log" : "ca");
}

static void
check_people(struct checker *c)
{
	const struct plan_person *v = c->p->people.v;
	bool administrator = false, witness = false;

	for (size_t i = 0; i < c->p->people.n; i++) {
		administrator |= v[i].role == ROLE_ADMINISTRATOR;
		witness |= v[i].role == ROLE_WITNESS;
		for (size_t k = 0; k < i; k++)
			if (strcasecmp(v[i].name, v[k].name) == 0)
				mistake(c, &v[i].name,
				    "\"%s\" has two roles: one person, one "
				    "role",
				    v[i].name);
	}
	if (!administrator)
		mistake(c, &c->p->people, "no administrator");
	if (!witness)
		mistake(c, &c->p->people, "no witness");
}

static void
check_tokens(struct checker *c)
{
	const struct plan_token *t = c->p->tokens.v;

	for (size_t i = 0; i < c->p->tokens.n; i++) {
		if (t[i].charter != NULL &&
		    charter_template_yaml(t[i].charter) == NULL)
			mistake(c, &t[i].charter, "no charter template \"%s\"",
			    t[i].charter);
		for (size_t k = 0; k < i; k++)
			if (strcmp(t[i].uri, t[k].uri) == 0)
				mistake(c, &t[i].uri,
				    "the same token as \"%s\"", t[k].name);
	}
}

/* Template or file, exactly one; the canonical JSON is kept. */
static void
check_charter(struct checker *c, struct plan_authority *a)
{
	auto_charter struct charter *ch = NULL;
	auto_buf struct buf text = { 0 };
	struct error e = { 0 };

	if ((a->charter == NULL) == (a->charter_file == NULL)) {
		mistake(c, &a->label, "needs charter or charter_file");
		return;
	}
	if (a->charter != NULL) {
		ch = charter_template(a->charter);
		if (ch == NULL)
			mistake(c, &a->charter, "no charter template \"%s\"",
			    a->charter);
	} else {
		auto_mem char *path = path_resolve(c->p->dir, a->charter_file);

		if (!file_read(path, LIMIT_CONFIG_BYTES, &text, &e) ||
		    (ch = charter_parse_yaml(buf_bytes(&text), path, NULL,
			 &e)) == NULL)
			mistake(c, &a->charter_file, "%s", e.msg);
	}
	if (ch != NULL)
		charter_to_json(ch, &a->charter_json);
}

static void
check_subject_mark(struct checker *c, const struct plan_authority *a)
{
	auto_mem char *marked = NULL;
	auto_buf struct buf der = { 0 };
	struct error e = { 0 };

	if (!plan_subject(a->subject, true, &marked, &e) ||
	    !name_parse(marked, &der, &e))
		mistake(c, &a->subject,
		    "not usable with the mark of a rehearsal: %s", e.msg);
}

static void
check_authority(struct checker *c, struct plan_authority *a, bool root)
{
	struct profile p;
	struct error e = { 0 };

	check_token_ref(c, &a->token, HOME_ROLE_CA);
	check_charter(c, a);
	check_subject_mark(c, a);
	plan_profile(a, root, &p);
	if (!profile_check(&p, &e))
		mistake(c, &a->label, "%s", e.msg);
}

static void
check_unlike(struct checker *c, const struct plan_authority *a,
    const struct plan_authority *b)
{
	if (strcmp(a->label, b->label) == 0)
		mistake(c, &a->label, "label \"%s\" is there already",
		    a->label);
	if (strcmp(a->file, b->file) == 0)
		mistake(c, &a->file, "file \"%s\" is there already", a->file);
	if (strcmp(a->subject, b->subject) == 0)
		mistake(c, &a->subject, "the same subject twice");
}

static void
check_intermediates(struct checker *c, struct plan *p)
{
	struct plan_authority *v = p->intermediates.v;

	for (size_t i = 0; i < p->intermediates.n; i++) {
		check_authority(c, &v[i], false);
		check_unlike(c, &v[i], &p->root);
		for (size_t k = 0; k < i; k++)
			check_unlike(c, &v[i], &v[k]);
		if (v[i].life_s > p->root.life_s)
			mistake(c, &v[i].life_s, "longer than the root's life");
		if (strcmp(v[i].file, p->crl.file) == 0)
			mistake(c, &v[i].file, "the CRL has this file name");
	}
	if (strcmp(p->root.file, p->crl.file) == 0)
		mistake(c, &p->crl.file, "the root has this file name");
}

static bool
plan_check(struct plan *p, struct buf *report, struct error *e)
{
	struct checker c = { p, report, e, true };

	check_people(&c);
	check_tokens(&c);
	check_token_ref(&c, &p->log.token, HOME_ROLE_LOG);
	check_authority(&c, &p->root, true);
	check_intermediates(&c, p);
	return c.ok;
}

struct plan *
plan_parse(struct bytes text, const char *file, const char *dir,
    struct buf *report, struct error *e)
{
	auto_plan struct plan *p = mem_calloc(1, sizeof(*p));
	auto_buf struct buf core = { 0 };
	struct yaml_doc *doc =
	    yaml_bind(text, file, plan_schema, p, sizeof(*p), report, e);

	if (doc == NULL) {
		/* Nothing in *p is ours then. */
		*p = (struct plan){ 0 };
		return NULL;
	}
	p->doc = doc;
	p->dir = mem_strdup(dir);
	p->hash = sha256(text);
	if (!plan_check(p, report, e))
		return NULL;
	plan_core_json(p, &core);
	p->core_hash = sha256(buf_bytes(&core));
	return take(p);
}

struct plan *
plan_read(const char *path, struct buf *report, struct error *e)
{
	auto_buf struct buf text = { 0 };
	char full[PATH_MAX], *slash;

	if (!file_read(path, LIMIT_CONFIG_BYTES, &text, e))
		return NULL;
	if (realpath(path, full) == NULL) {
		error_errno(e, FAIL_IO, "%s", path);
		return NULL;
	}
	slash = strrchr(full, '/');
	slash[slash == full] = '\0';
	return plan_parse(buf_bytes(&text), path, full, report, e);
}

void
plan_free(struct plan *p)
{
	struct plan_authority *v;

	if (p == NULL)
		return;
	v = p->intermediates.v;
	for (size_t i = 0; i < p->intermediates.n; i++)
		buf_free(&v[i].charter_json);
	buf_free(&p->root.charter_json);
	mem_free(p->dir);
	yaml_doc_free(p->doc);
	mem_free(p);
}

/* Position behind "CN=" where an RDN starts with it, else NULL. */
static const char *
find_cn(const char *s)
{
	bool start = true, quoted = false;

	for (; *s != '\0'; s++) {
		if (start && strncasecmp(s, "CN=", 3) == 0)
			return s + 3;
		if (*s == '\\' && s[1] != '\0') {
			s++;
			start = false;
		} else if (*s == '"') {
			quoted = !quoted;
			start = false;
		} else if (!quoted && (*s == ',' || *s == '+')) {
			start = true;
		} else if (*s != ' ') {
			start = false;
		}
	}
	return NULL;
}

bool
plan_subject(const char *subject, bool rehearsal, char **out, struct error *e)
{
	const char *cn = find_cn(subject);

	if (cn == NULL || *cn == '#' || *cn == '"' || *cn == '\0')
		return error_set(e, FAIL_BAD_INPUT,
		    "the subject needs a plain CN");
	if (rehearsal)
		*out = mem_printf("%.*s%s%s", (int)(cn - subject), subject,
		    REHEARSAL_MARK, cn);
	else
		*out = mem_strdup(subject);
	return true;
}

static void
copy_texts(const char **to, size_t max, const struct yaml_texts *from)
{
	size_t n = from->n < max - 1 ? from->n : max - 1;

	for (size_t i = 0; i < n; i++)
		to[i] = from->v[i];
	to[n] = NULL;
}

void
plan_profile(const struct plan_authority *a, bool root, struct profile *out)
{
	*out = *profile_builtin(root ? "root" : "intermediate");
	out->life_s = a->life_s;
	if (out->life_max_s < a->life_s)
		out->life_max_s = a->life_s;
	if (root)
		return;
	out->path_len = (int)a->path_len;
	copy_texts(out->crl_url, PROFILE_URLS_MAX, &a->crl_urls);
	copy_texts(out->ca_url, PROFILE_URLS_MAX, &a->ca_urls);
	copy_texts(out->permitted_dns, PROFILE_CONSTRAINTS_MAX, &a->permit_dns);
	copy_texts(out->excluded_dns, PROFILE_CONSTRAINTS_MAX, &a->exclude_dns);
}
