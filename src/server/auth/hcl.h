/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HCL 1, as far as policies use it, and JSON, into one tree with positions. A text that
 * begins with '{' is JSON. What HCL 1 has and this has not: interpolation (stays text),
 * several labels of one block.
 */
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>

enum hcl_kind {
	HCL_STRING,
	HCL_NUMBER,
	HCL_BOOL,
	HCL_LIST,
	HCL_OBJECT
};
struct hcl_item;
struct hcl_value {
	enum hcl_kind kind;
	unsigned line, col;
	bool flag;  /* BOOL */
	char *text; /* STRING decoded, NUMBER as written */
	struct hcl_item *items;
	size_t n, cap;
};
/* `a "b" { … }` is the item a whose value is an object with the one item b, labelled. */
struct hcl_item {
	char *key; /* NULL in a list */
	unsigned line, col;
	bool labelled;
	struct hcl_value *value;
};

/* The whole text as an object. FAIL_BAD_INPUT "line:column: …". */
struct hcl_value *hcl_parse(struct bytes text, bool *json,
    struct error *e) must_check;
void hcl_free(struct hcl_value *v);
DEFINE_AUTO(hcl, struct hcl_value *, hcl_free)
#define auto_hcl auto_cleanup(hcl_cleanup)

/* ---- the scanner ---- */
struct hcl_scan {
	struct bytes in;
	size_t at;
	unsigned line;
	size_t line_at; /* where the line begins */
	unsigned depth, nodes;
	bool json;
	struct error *e;
};
unsigned hcl_col(const struct hcl_scan *s);
/* FAIL_BAD_INPUT with the position where the scanner stands; returns false. */
bool hcl_fail(struct hcl_scan *s, const char *fmt, ...) printf_like(2, 3);
/* The octet at hand; 0 at the end (the text has no NUL). */
char hcl_peek(const struct hcl_scan *s);
/* Whether the text goes on with this. */
bool hcl_at(const struct hcl_scan *s, const char *text) must_check;
/* One octet further, counting lines. */
void hcl_step(struct hcl_scan *s);
/* What the digit counts for; -1: none of that base. */
int hcl_digit(char c, unsigned base) must_check;
/* Blanks and comments. False: a comment that does not end. */
bool hcl_space(struct hcl_scan *s) must_check;
bool hcl_is_word(const struct hcl_scan *s); /* an identifier begins here */
char *hcl_word(struct hcl_scan *s) must_check;
/* Quoted; at the quote. NULL: failed. */
char *hcl_string(struct hcl_scan *s) must_check;
/* <<EOF; at the first '<'. */
char *hcl_heredoc(struct hcl_scan *s) must_check;
/* The number as written. */
char *hcl_number(struct hcl_scan *s) must_check;
