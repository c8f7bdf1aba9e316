/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/words.h>

#include "internal.h"

/*
 * Reports are made from the journal alone: the same journal gives the same bytes.
 * One pass, two ways to write: plain text, and HTML without anything from outside.
 */
struct style {
	const char *begin, *end;
	const char *title, *title_end; /* heading of the whole */
	const char *head, *head_end;   /* heading of a step    */
	const char *line, *sep, *line_end;
	const char *mark, *mark_end; /* what must be seen    */
	bool html;
};

static const struct style plain = {
	.begin = "",
	.end = "",
	.title = "",
	.title_end = "\n\n",
	.head = "\n== ",
	.head_end = "\n",
	.line = "   ",
	.sep = ": ",
	.line_end = "\n",
	.mark = "   ** ",
	.mark_end = "\n",
};
static const struct style web = {
	.begin = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
		 "charset=\"utf-8\"><title>Ceremony</title><style>"
		 "body{font:16px/1.45 sans-serif;max-width:60em;margin:2em "
		 "auto;padding:0 1em}table{border-collapse:collapse;width:"
		 "100%}td{border-top:1px solid #ccc;padding:.25em .6em;"
		 "vertical-align:top}td:first-child{width:14em;color:#444}"
		 "td+td{font-family:monospace;overflow-wrap:anywhere;"
		 "white-space:pre-wrap}.m{background:#ffe0e0}"
		 "</style></head><body>\n",
	.end = "</table></body></html>\n",
	.title = "<h1>",
	.title_end = "</h1>\n<table>\n",
	.head = "</table>\n<h2>",
	.head_end = "</h2>\n<table>\n",
	.line = "<tr><td>",
	.sep = "</td><td>",
	.line_end = "</td></tr>\n",
	.mark = "<tr class=\"m\"><td></td><td>",
	.mark_end = "</td></tr>\n",
	.html = true,
};

static void
put_html_char(uint8_t ch, struct buf *out)
{
	static const struct {
		uint8_t ch;
		const char *text;
	} entities[] = { { '<', "&lt;" }, { '>', "&gt;" }, { '&', "&amp;" },
		{ '"', "&quot;" }, { '\'', "&#39;" } };

	for (size_t i = 0; i < countof(entities); i++)
		if (entities[i].ch == ch) {
			buf_add_str(out, entities[i].text);
			return;
		}
	buf_add_byte(out, ch);
}

static void
put(const struct style *s, struct buf *out, struct bytes v)
{
	auto_buf struct buf clean = { 0 };

	for (size_t i = 0; i < v.n; i++) {
		size_t n = 0;

		/* Our own line ends stay, everything else is made harmless. */
		while (i + n < v.n && v.p[i + n] != '\n')
			n++;
		buf_add_visible(&clean, bytes_of(v.p + i, n));
		if (i + n < v.n)
			buf_add_byte(&clean, '\n');
		i += n;
	}
	if (!s->html) {
		buf_add_bytes(out, buf_bytes(&clean));
		return;
	}
	for (size_t i = 0; i < clean.n; i++)
		put_html_char(clean.p[i], out);
}

static void
row(const struct style *s, struct buf *out, const char *label, struct bytes v)
{
	buf_add_str(out, s->line);
	put(s, out, bytes_str(label));
	buf_add_str(out, s->sep);
	put(s, out, v);
	buf_add_str(out, s->line_end);
}

static void
mark(const struct style *s, struct buf *out, const char *text)
{
	buf_add_str(out, s->mark);
	put(s, out, bytes_str(text));
	buf_add_str(out, s->mark_end);
}

/* The text fields of an entry by name; absent ones are empty. */
static const char *
field(const struct journal_entry *en, const char *key, struct buf *store)
{
	buf_reset(store);
	(void)journal_get_text(en, key, store);
	return buf_cstr(store);
}

static void
put_people(const struct style *s, struct bytes data, struct buf *out)
{
	struct json_reader r;
	struct bytes key;
	auto_buf struct buf name = { 0 }, role = { 0 };

	json_read(&r, data);
	json_enter_object(&r);
	while (json_next_key(&r, &key)) {
		if (!bytes_eq(key, bytes_str("people"))) {
			(void)json_get_value(&r);
			continue;
		}
		json_enter_array(&r);
		while (json_next_element(&r)) {
			json_enter_object(&r);
			buf_reset(&name);
			buf_reset(&role);
			while (json_next_key(&r, &key))
				(void)json_get_str(&r,
				    bytes_eq(key, bytes_str("name")) ? &name
								     : &role);
			row(s, out, buf_cstr(&role), buf_bytes(&name));
		}
	}
}

static void
put_open(const struct style *s, const struct journal_entry *en, struct buf *out)
{
	static const struct {
		const char *key, *label;
	} rows[] = {
		{ "id", "ceremony" },
		{ "mode", "mode" },
		{ "who", "operator" },
		{ "plan_sha256", "plan SHA-256" },
		{ "core_sha256", "plan core SHA-256" },
		{ "rehearsal_sha256", "rehearsal transcript SHA-256" },
		{ "software", "program" },
		{ "tool_sha256", "program SHA-256" },
	};
	auto_buf struct buf v = { 0 };
	char when[TIME_TEXT_SIZE];

	time_format_ms(en->t_ms, when);
	row(s, out, "begun", bytes_str(when));
	for (size_t i = 0; i < countof(rows); i++)
		if (*field(en, rows[i].key, &v) != '\0')
			row(s, out, rows[i].label, buf_bytes(&v));
	put_people(s, en->data, out);
}

static void
put_hash(const struct style *s, const struct journal_entry *en, struct buf *out)
{
	auto_buf struct buf hex = { 0 }, label = { 0 }, text = { 0 };
	uint8_t h[SHA256_LEN];

	if (!hex_decode_fixed(field(en, "sha256", &hex), h, sizeof(h)))
		return;
	buf_add_hex_groups(&text, bytes_of(h, sizeof(h)));
	buf_add_byte(&text, '\n');
	words_add(&text, bytes_of(h, sizeof(h)));
	row(s, out, field(en, "label", &label), buf_bytes(&text));
}

static void
put_pair(const struct style *s, const struct journal_entry *en,
    const char *label, const char *key, struct buf *out)
{
	auto_buf struct buf v = { 0 };

	(void)field(en, key, &v);
	row(s, out, label, buf_bytes(&v));
}

static void
put_when(const struct style *s, const struct journal_entry *en,
    const char *label, struct buf *out)
{
	char when[TIME_TEXT_SIZE];

	time_format_ms(en->t_ms, when);
	row(s, out, label, bytes_str(when));
}

static void
put_begin(const struct style *s, const struct journal_entry *en,
    struct buf *out)
{
	auto_buf struct buf title = { 0 }, text = { 0 };

	buf_addf(&text, "%s (%s)", field(en, "title", &title), en->step);
	buf_add_str(out, s->head);
	put(s, out, buf_bytes(&text));
	buf_add_str(out, s->head_end);
	put_when(s, en, "begun", out);
}

static void
put_show(const struct style *s, const struct journal_entry *en, struct buf *out)
{
	auto_buf struct buf label = { 0 }, value = { 0 };

	(void)field(en, "value", &value);
	row(s, out, field(en, "label", &label), buf_bytes(&value));
}

static void
put_deviation(const struct style *s, const struct journal_entry *en,
    struct buf *out)
{
	auto_buf struct buf text = { 0 }, witness = { 0 }, all = { 0 };

	buf_addf(&all, "DEVIATION:%s (witness %s)", field(en, "text", &text),
	    field(en, "witness", &witness));
	mark(s, out, buf_cstr(&all));
}

static void
put_confirm(const struct style *s, const struct journal_entry *en,
    struct buf *out)
{
	auto_buf struct buf words = { 0 }, by = { 0 }, all = { 0 };

	buf_addf(&all, "\"%s\" (%s)", field(en, "words", &words),
	    field(en, "by", &by));
	row(s, out, "confirmed", buf_bytes(&all));
}

static void
put_output(const struct style *s, const struct journal_entry *en,
    struct buf *out)
{
	auto_buf struct buf file = { 0 }, hex = { 0 }, all = { 0 };

	buf_addf(&all, "%s\nSHA-256 %s", field(en, "file", &file),
	    field(en, "sha256", &hex));
	row(s, out, "file", buf_bytes(&all));
}

static void
put_resume(const struct style *s, const struct journal_entry *en,
    struct buf *out)
{
	char when[TIME_TEXT_SIZE];
	auto_buf struct buf who = { 0 }, all = { 0 };

	time_format_ms(en->t_ms, when);
	buf_addf(&all, "RESUMED after an abort: %s, by %s", when,
	    field(en, "who", &who));
	mark(s, out, buf_cstr(&all));
}

static void
put_done(const struct style *s, const struct journal_entry *en, struct buf *out)
{
	put_when(s, en, "done", out);
}

static void
put_refused(const struct style *s, const struct journal_entry *en,
    struct buf *out)
{
	auto_buf struct buf words = { 0 }, all = { 0 };

	buf_addf(&all, "NOT CONFIRMED: \"%s\" was not typed",
	    field(en, "words", &words));
	mark(s, out, buf_cstr(&all));
}

static void
put_cut(const struct style *s, unused_arg const struct journal_entry *en,
    struct buf *out)
{
	mark(s, out, "a torn line was cut from the end of the journal");
}

static void
put_keygen(const struct style *s, const struct journal_entry *en,
    struct buf *out)
{
	put_pair(s, en, "CKA_ID chosen", "id", out);
}

static const struct {
	const char *what;
	void (*put)(const struct style *s, const struct journal_entry *en,
	    struct buf *out);
} kinds[] = {
	{ "open", put_open },
	{ "resume", put_resume },
	{ "begin", put_begin },
	{ "show", put_show },
	{ "hash", put_hash },
	{ "confirm", put_confirm },
	{ "refused", put_refused },
	{ "deviation", put_deviation },
	{ "keygen-intent", put_keygen },
	{ "output", put_output },
	{ "done", put_done },
	{ "cut", put_cut },
};

static void
put_entry(const struct style *s, const struct journal_entry *en,
    struct buf *out)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (strcmp(kinds[i].what, en->what) == 0)
			kinds[i].put(s, en, out);
}

static void
put_ending(const struct style *s, const struct journal *j, struct buf *out)
{
	const struct journal_entry *end = journal_find(j, "finish", NULL);
	struct sha256 head = journal_head(j);
	auto_buf struct buf groups = { 0 };

	buf_add_str(out, s->head);
	put(s, out, bytes_str("End"));
	buf_add_str(out, s->head_end);
	if (end != NULL)
		put_when(s, end, "finished", out);
	else
		mark(s, out, "NOT FINISHED");
	buf_add_hex_groups(&groups, sha256_bytes(&head));
	row(s, out, "last line of the journal", buf_bytes(&groups));
}

static bool
is_rehearsal(const struct journal *j)
{
	const struct journal_entry *open = journal_find(j, "open", NULL);
	auto_buf struct buf mode = { 0 };

	return open != NULL &&
	    strcmp(field(open, "mode", &mode), "rehearsal") == 0;
}

static void
report(const struct style *s, const struct journal *j, struct buf *out)
{
	const struct journal_entry *open = journal_find(j, "open", NULL);
	auto_buf struct buf title = { 0 };

	buf_add_str(out, s->begin);
	buf_add_str(out, s->title);
	put(s, out,
	    bytes_str(open != NULL ? field(open, "title", &title) : "?"));
	buf_add_str(out, s->title_end);
	if (is_rehearsal(j))
		mark(s, out, "REHEARSAL - NOT TRUSTED");
	for (size_t i = 0; i < journal_size(j); i++)
		put_entry(s, journal_at(j, i), out);
	put_ending(s, j, out);
	buf_add_str(out, s->end);
}

void
report_text(const struct journal *j, struct buf *out)
{
	report(&plain, j, out);
}

void
report_html(const struct journal *j, struct buf *out)
{
	report(&web, j, out);
}

bool
ceremony_report(const char *transcript, const char *html, const char *text,
    struct buf *text_out, struct error *e)
{
	auto_journal struct journal *j = journal_read(transcript, e);
	auto_buf struct buf web_out = { 0 };

	if (j == NULL)
		return false;
	if (journal_find(j, "open", NULL) == NULL)
		return error_set(e, FAIL_BAD_INPUT, "%s is no transcript",
		    transcript);
	report_text(j, text_out);
	report_html(j, &web_out);
	if (html != NULL && !file_create(html, buf_bytes(&web_out), 0644, e))
		return false;
	return text == NULL || file_create(text, buf_bytes(text_out), 0644, e);
}
