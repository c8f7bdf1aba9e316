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
	YAML_UINT,     /* uint64_t, min..max                                */
	YAML_BOOL,     /* bool: true or false only                          */
	YAML_DURATION, /* int64_t seconds, min..max: "90d"                  */
	YAML_SIZE,     /* uint64_t bytes: "16MiB", plain number             */
	YAML_TIME,     /* int64_t seconds, RFC 3339 "…Z"                    */
	YAML_ENUM,     /* int: position in `names`                          */
	YAML_TEXT_LIST, /* struct yaml_texts                                 */
	YAML_SECTION,   /* nested struct, `fields`                           */
	YAML_SECTION_LIST, /* struct yaml_list of `size`-byte structs        */
	YAML_SECTION_MAP   /* as the list; the key goes to a YAML_KEY field  */
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
	const char *key; /* NULL ends a table; "" with YAML_SECTION_MAP rows'
	                         own key: first field of the struct, char *     */
	enum yaml_type type;
	size_t offset; /* in the struct                               */
	bool required;
	uint64_t min, max; /* UINT, DURATION, SIZE; TEXT: length; 0,0: none;
	                         lists: count                                */
	const char *dflt;  /* default as text, or NULL (zero)              */
	const char *const *names;        /* ENUM                           */
	const struct yaml_field *fields; /* SECTION*                       */
	size_t size;                     /* SECTION_LIST, SECTION_MAP      */
	/* Further check of a text; e gets the sentence without position.    */
	bool (*check)(const char *text, struct error *e);
	const char *about; /* documentation and `--defaults`               */
};

struct yaml_doc; /* owns all texts and lists of the filled struct */
/* Fill `out` (zeroed first). On failure e holds the first mistake and `report`
 * (may be NULL) all of them, one a line. ≤ LIMIT_CONFIG_BYTES. */
struct yaml_doc *yaml_bind(struct bytes text, const char *file,
    const struct yaml_field *schema, void *out, size_t out_size,
    struct buf *report, struct error *e) must_check;
void yaml_doc_free(struct yaml_doc *d);
DEFINE_AUTO(yaml_doc, struct yaml_doc *, yaml_doc_free)
#define auto_yaml_doc auto_cleanup(yaml_doc_cleanup)
/* "file:line:column" of a bound field, by its address in the filled struct: for
 * checks across fields. */
const char *yaml_where(const struct yaml_doc *d, const void *field);
/* The schema as commented YAML with its defaults. */
void yaml_document(const struct yaml_field *schema, struct buf *out);
