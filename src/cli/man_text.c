/* SPDX-License-Identifier: Apache-2.0 */
#include "man.h"

#include <chancery/base/cleanup.h>

#include "cli.h"

#define MAN_COLUMNS 72

void
man_text(const char *s, struct buf *out)
{
	for (size_t i = 0; s[i] != '\0'; i++) {
		if (s[i] == '\\')
			buf_add_str(out, "\\e");
		else if (s[i] == '"')
			buf_add_str(out, "\\(dq");
		else if (s[i] == '-')
			buf_add_str(out, "\\-");
		else if (i == 0 && (s[i] == '.' || s[i] == '\''))
			buf_addf(out, "\\&%c", s[i]);
		else
			buf_add_byte(out, (uint8_t)s[i]);
	}
}

void
man_sentences(const char *s, struct buf *out)
{
	size_t column = 0;

	while (*s != '\0') {
		size_t n = strcspn(s, " ");
		auto_mem char *word = mem_dup(s, n + 1);

		word[n] = '\0';
		if (column > 0 && column + n + 1 > MAN_COLUMNS) {
			buf_add_byte(out, '\n');
			column = 0;
		}
		if (column > 0)
			buf_add_byte(out, ' ');
		man_text(word, out);
		column += n + 1;
		s += n + (s[n] == ' ');
		if (n > 0 && word[n - 1] == '.' && *s != '\0') {
			buf_add_byte(out, '\n');
			column = 0;
		}
	}
	buf_add_byte(out, '\n');
}

void
man_head(const char *name, const char *section, const char *about,
    struct buf *out)
{
	buf_add_str(out,
	    ".\\\" Made from the tables: chancery help --pages\n"
	    ".Dd November 27, 2026\n.Dt ");
	for (const char *c = name; *c != '\0'; c++)
		buf_add_byte(out,
		    *c >= 'a' && *c <= 'z' ? (uint8_t)(*c - 'a' + 'A')
					   : (uint8_t)*c);
	/* The macro for the one-line description. */
	buf_addf(out,
	    " %s\n.Os\n.Sh NAME\n.Nm %s\n.N"
	    "d ",
	    section, name);
	man_sentences(about, out);
}

void
man_flags(const struct flag *f, struct buf *out)
{
	if (f == NULL || f->name == NULL)
		return;
	buf_add_str(out, ".Bl -tag -width Ds\n");
	for (; f->name != NULL; f++) {
		buf_addf(out, ".It Fl \\-%s", f->name);
		if (f->arg != NULL)
			buf_addf(out, " Ar %s", f->arg);
		buf_add_byte(out, '\n');
		man_sentences(f->about, out);
		if (f->required)
			buf_add_str(out, "(required)\n");
		if (f->repeat)
			buf_add_str(out, "(may be repeated)\n");
	}
	buf_add_str(out, ".El\n");
}
