/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Manual pages in mdoc(7), from the tables: commands, configuration, plans, charters, records.
 * What no table has (the daemons, the backup) lies in docs/man.
 */
#include <chancery/base/bytes.h>
#include <chancery/config/yaml.h>

struct cli;
struct flag;

/* chancery(1): all commands, and what they have in common. */
void man_chancery(struct buf *out);
/* Every page as <dir>/<name>.<section>, into a directory that is there. */
bool man_pages(struct cli *c, const char *dir, struct error *e) must_check;

/* ---- pieces (man_text.c) ------------------------------------------------------ */

/* Text for a macro's argument or a text line: no line may start with a control character, a
 * backslash is an escape, a quote ends an argument. */
void man_text(const char *s, struct buf *out);
/* Words to lines; each sentence begins a new one. */
void man_sentences(const char *s, struct buf *out);
/* Date, title, NAME. */
void man_head(const char *name, const char *section, const char *about,
    struct buf *out);
void man_flags(const struct flag *f, struct buf *out);

/* ---- file formats (man_files.c) ------------------------------------------------ */

struct man_file {
	const char *name;               /* "chancery.yaml" */
	void (*write)(struct buf *out); /* NULL: it lies in docs/man */
};
extern const struct man_file
    man_files[]; /* section 5, sorted; ends with NULL */
