/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * YAML through a schema table (libyaml + binder): every mistake of a file in one
 * run, as file:line:column with what was expected. No anchors, aliases, tags or
 * merge keys; duplicate keys are mistakes; numbers are strict (`30d` is not 30).
 * Used by the configuration, charters and ceremony plans.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>

enum yaml_type {
	YAML_TEXT,     /* char * (owned by the document)                    */
	YAML_UINT,     /* uint64_t, min..max; plain decimal digits          */
	YAML_BOOL,     /* bool: true or false only                          */
	YAML_DURATION, /* int64_t seconds, min..max: "90d", "1h30m"; units
	                  s, m, h, d (86,400 s), y (365 d), large to small;
	                  a bare number other than 0 is a mistake           */
	YAML_SIZE,     /* uint64_t bytes: plain number, KiB, MiB, GiB       */
	YAML_TIME,     /* int64_t seconds, RFC 3339 "…Z"                    */
	YAML_ENUM,     /* int: position in `names`                          */
	YAML_TEXT_LIST, /* struct yaml_texts                                 */
	YAML_SECTION,   /* nested struct, `fields`                           */
	YAML_SECTION_LIST, /* struct yaml_list of `size`-byte structs        */
	YAML_SECTION_MAP   /* as the list; a row's own key goes to the field
	                      "" of its table                                */
};
struct yaml_texts {
	char **v;
	size_t n;
};
struct yaml_list {
	void *v; /* n structs of the row's `size` */
	size_t n;
};
struct yaml_field {
	const char *key; /* NULL ends a table. "" (YAML_TEXT): takes the
	                         row's own key in a YAML_SECTION_MAP         */
	enum yaml_type type;
	bool required;
	size_t offset; /* in the struct                               */
	/* UINT, DURATION, SIZE: the value; TEXT: octets; lists: entries. max
	 * 0: no upper end.                                                  */
	uint64_t min, max;
	const char *dflt; /* default as text, or NULL (zero). A text list:
	                         "a,b". Of a required field: the example that
	                         yaml_document writes                        */
	const char *const *names; /* ENUM, NULL-ended               */
	const char
	    *word; /* UINT: may stand instead of a number; reads as max + 1 */
	const struct yaml_field *fields; /* SECTION*                       */
	size_t size;                     /* SECTION_LIST, SECTION_MAP      */
	/* Further check of a text; e gets the sentence without position. In a
	 * text list: of each entry.                                         */
	bool (*check)(const char *text, struct error *e);
	const char *about; /* documentation and `--defaults`               */
};

struct yaml_doc; /* owns all texts and lists of the filled struct */
/* Fill `out` (written on success only). NULL: FAIL_BAD_INPUT; e holds the first
 * mistake and `report` (may be NULL) all of them in the order of the file, one a
 * line, at most 100. ≤ LIMIT_CONFIG_BYTES, 16 levels, 65,536 values. An empty file
 * is a section without keys. `out` must not move while yaml_where is used. */
struct yaml_doc *yaml_bind(struct bytes text, const char *file,
    const struct yaml_field *schema, void *out, size_t out_size,
    struct buf *report, struct error *e) must_check;
/* The same with checks across fields, which see `filled` also when single values of
 * the file are mistaken: those are zero there, and what is zero is not to be judged
 * again. Their mistakes stand among the others, in the order of the file. */
struct yaml_checker;
typedef void yaml_cross_fn(struct yaml_checker *c, void *filled, void *arg);
struct yaml_doc *yaml_bind_cross(struct bytes text, const char *file,
    const struct yaml_field *schema, void *out, size_t out_size,
    yaml_cross_fn *cross, void *arg, struct buf *report,
    struct error *e) must_check;
/* One more mistake, at a field of `filled` (a list row, an entry). */
void yaml_mistake(struct yaml_checker *c, const void *field, const char *fmt,
    ...) printf_like(3, 4);
/* Whether the file gives this field: zero all the same, it is mistaken. */
bool yaml_checker_given(const struct yaml_checker *c,
    const void *field) must_check;
/* The document takes over a text of the filled struct. */
char *yaml_keep(struct yaml_checker *c, char *text);
void yaml_doc_free(struct yaml_doc *d);
DEFINE_AUTO(yaml_doc, struct yaml_doc *, yaml_doc_free)
#define auto_yaml_doc auto_cleanup(yaml_doc_cleanup)
/* "file:line:column" of a bound field, by its address in the filled struct
 * (list rows and entries too): for checks across fields. A field that the file
 * does not give: the place of its section. Owned by the document; "?" for an
 * address that is no field. */
const char *yaml_where(const struct yaml_doc *d, const void *field);
/* Whether the file gave this field itself, rather than its default. A section
 * shares its address with its first field: ask for one further inside. */
bool yaml_given(const struct yaml_doc *d, const void *field) must_check;
/* What one field is: "Longest life. (duration, allowed 1h to 90d; required)". */
void yaml_field_describe(const struct yaml_field *f, struct buf *out);
/* The schema as commented YAML with its defaults; what is optional and has no
 * default is commented out. Reads back through the same schema, if the examples
 * of required fields pass their own checks. */
void yaml_document(const struct yaml_field *schema, struct buf *out);
