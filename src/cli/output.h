/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a command prints. out() and complain() check that the text was written: a
 * command whose answer was lost has failed. A command puts its answer into a struct
 * doc once; text or JSON is made from it. Text that comes from outside is escaped
 * when it is printed as text.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

/* To standard output; a failure ends the process with the code of FAIL_IO. */
void out(const char *fmt, ...) printf_like(1, 2);
void out_bytes(struct bytes v);
/* To standard error, as it stands; checked as out(). */
void out_err(const char *text);
/* Lines, with what is not printable in them escaped. */
void out_err_lines(struct bytes text);
/* To standard error, with "chancery: " before it. */
void complain(const char *fmt, ...) printf_like(1, 2);

struct doc;
struct doc *doc_new(void) must_check;
void doc_free(struct doc *d);
/* `key` is the JSON key, `label` what people read (NULL: JSON only). */
void doc_text(struct doc *d, const char *key, const char *label, const char *v);
void doc_textn(struct doc *d, const char *key, const char *label,
    struct bytes v);
void doc_textf(struct doc *d, const char *key, const char *label,
    const char *fmt, ...) printf_like(4, 5);
void doc_int(struct doc *d, const char *key, const char *label, int64_t v);
void doc_bool(struct doc *d, const char *key, const char *label, bool v);
void doc_hex(struct doc *d, const char *key, const char *label, struct bytes v);
/* Canonical JSON as it stands; as text it is printed too unless label is NULL. */
void doc_raw(struct doc *d, const char *key, const char *label,
    struct bytes json);
void doc_time(struct doc *d, const char *key, const char *label, int64_t t_s);
/* One more element of the list `key`; borrowed, freed with d. All rows of a list
 * should have the same fields: they become the columns of a table. */
struct doc *doc_row(struct doc *d, const char *key, const char *title);
/* An empty list, so that JSON readers always find it. */
void doc_list(struct doc *d, const char *key, const char *title);
/* A sentence for people; not in JSON. */
void doc_say(struct doc *d, const char *fmt, ...) printf_like(2, 3);

void doc_print_text(const struct doc *d, struct buf *to);
/* One canonical JSON object. */
void doc_print_json(const struct doc *d, struct buf *to);
