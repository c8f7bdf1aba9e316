/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <string.h>

#include <chancery/base/json.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/words.h>

#include "internal.h"

void
say(const struct ceremony *c, const char *fmt, ...)
{
	auto_buf struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	c->opt->io->say(c->opt->io->arg, buf_cstr(&text));
}

bool
note(struct ceremony *c, const char *what, struct error *e, ...)
{
	auto_buf struct buf data = { 0 };
	struct json_writer w;
	const char *key;
	va_list ap;

	/* A finished journal is a transcript: files may come back, lines not. */
	if (journal_find(c->journal, "finish", NULL) != NULL)
		return true;
	json_begin(&w, &data);
	json_object_begin(&w);
	va_start(ap, e);
	while ((key = va_arg(ap, const char *)) != NULL)
		json_kv_str(&w, key, va_arg(ap, const char *));
	va_end(ap);
	json_object_end(&w);
	return journal_add(c->journal, what, c->step, buf_bytes(&data), e);
}

bool
show(struct ceremony *c, const char *label, struct error *e, const char *fmt,
    ...)
{
	auto_buf struct buf text = { 0 }, escaped = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	buf_add_visible(&escaped, buf_bytes(&text));
	say(c, "  %s: %s\n", label, buf_cstr(&escaped));
	return note(c, "show", e, "label", label, "value", buf_cstr(&escaped),
	    NULL);
}

bool
show_hash(struct ceremony *c, const char *label, const struct sha256 *h,
    struct error *e)
{
	auto_buf struct buf groups = { 0 }, words = { 0 };
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256_bytes(h), hex);
	buf_add_hex_groups(&groups, sha256_bytes(h));
	words_add(&words, sha256_bytes(h));
	say(c, "  %s:\n    %s\n", label, buf_cstr(&groups));
	for (const char *p = buf_cstr(&words); *p != '\0';) {
		size_t n = strcspn(p, "\n");

		say(c, "    %.*s\n", (int)n, p);
		p += n + (p[n] == '\n');
	}
	return note(c, "hash", e, "label", label, "sha256", hex, NULL);
}

/* Whether words are typed at all at this step. */
static bool
automatic(const struct ceremony *c)
{
	return c->opt->rehearse && c->opt->yes;
}

/* "deviation: …" at any prompt: written down with the witness who noticed it, then
 * the question stands again. */
static bool
deviation(struct ceremony *c, const char *text, struct error *e)
{
	const struct plan_person *v = c->plan->people.v;
	auto_buf struct buf line = { 0 };

	if (!c->opt->io->ask(c->opt->io->arg,
		"witness of the deviation: ", &line, e))
		return false;
	for (size_t i = 0; i < c->plan->people.n; i++)
		if ((v[i].role == ROLE_WITNESS || v[i].role == ROLE_AUDITOR) &&
		    bytes_eq(buf_bytes(&line), bytes_str(v[i].name)))
			return note(c, "deviation", e, "text", text, "witness",
			    v[i].name, NULL);
	say(c,
	    "  not noted: no witness or auditor of the plan has that "
	    "name\n");
	return true;
}

#define DEVIATION "deviation:"

static bool
read_answer(struct ceremony *c, struct buf *line, struct error *e)
{
	for (;;) {
		auto_buf struct buf clean = { 0 };

		buf_reset(line);
		if (!c->opt->io->ask(c->opt->io->arg, "> ", line, e))
			return false;
		if (strncmp(buf_cstr(line), DEVIATION, strlen(DEVIATION)) != 0)
			return true;
		buf_add_visible(&clean,
		    bytes_str(buf_cstr(line) + strlen(DEVIATION)));
		if (!deviation(c, buf_cstr(&clean), e))
			return false;
	}
}

/* What was typed is not written down: it might be a PIN in the wrong place. */
static bool
refuse(struct ceremony *c, const char *words, struct error *e)
{
	if (!note(c, "refused", e, "words", words, NULL))
		return false;
	return error_set(e, FAIL_ABORTED,
	    "not confirmed (\"%s\" was to be typed)", words);
}

bool
confirm(struct ceremony *c, const char *words, struct error *e)
{
	auto_buf struct buf line = { 0 };

	if (automatic(c)) {
		say(c, "  confirmed by --yes: %s\n", words);
		return note(c, "confirm", e, "by", "--yes", "words", words,
		    NULL);
	}
	say(c, "  type exactly: %s\n", words);
	if (!read_answer(c, &line, e))
		return false;
	if (!bytes_eq(buf_bytes(&line), bytes_str(words)))
		return refuse(c, words, e);
	return note(c, "confirm", e, "by", "typed", "words", words, NULL);
}

bool
choose(struct ceremony *c, const char *question, const char *a, const char *b,
    bool *first, struct error *e)
{
	auto_buf struct buf line = { 0 };
	auto_mem char *either = mem_printf("%s or %s", a, b);
	struct bytes typed = bytes_str(a);

	say(c, "  %s\n  type exactly: %s\n", question, either);
	if (!automatic(c)) {
		if (!read_answer(c, &line, e))
			return false;
		typed = buf_bytes(&line);
	}
	*first = bytes_eq(typed, bytes_str(a));
	if (!*first && !bytes_eq(typed, bytes_str(b)))
		return refuse(c, either, e);
	return note(c, "confirm", e, "by", automatic(c) ? "--yes" : "typed",
	    "words", *first ? a : b, NULL);
}
