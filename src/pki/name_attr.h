/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What name.c, name_text.c and name_policy.c share: the attribute types, and a
 * walk over the AttributeTypeAndValues of a Name. */
#include <chancery/pki/der.h>
#include <chancery/pki/name.h>

struct name_attr {
	const char *names[3]; /* as written; then other spellings, or NULL  */
	struct bytes oid;     /* contents of the OBJECT IDENTIFIER           */
	uint8_t tag;          /* string type we write                        */
	unsigned min, max;    /* characters (RFC 5280 A.1 upper bounds)      */
};

/* Any spelling (case ignored) or the dotted OID; NULL when unknown. */
const struct name_attr *name_attr_by_name(struct bytes name);
const struct name_attr *name_attr_by_oid(struct bytes oid);

/* Reads one after the other, in encoding order. */
struct ava {
	struct bytes der;   /* the whole AttributeTypeAndValue    */
	struct bytes oid;   /* contents of its type               */
	struct bytes whole; /* its value with header              */
	struct bytes value; /* contents of its value              */
	uint8_t tag;        /* of its value                       */
	unsigned rdn;       /* number of its RDN, from 1          */
};
struct name_walk {
	struct der_reader rdns, set;
	unsigned rdn;
	unsigned n; /* attributes so far, at most LIMIT_NAME_ATTRIBUTES */
};
/* More types in one RDN than anybody uses. */
#define RDN_TYPES_MAX 16
void name_walk_init(struct name_walk *w, struct bytes der);
bool name_walk_next(struct name_walk *w, struct ava *out);
/* Nothing malformed so far (structure; name_check looks at the strings). */
bool name_walk_ok(const struct name_walk *w);

/* String types of X.520 DirectoryString, and those of RFC 5280 attributes. */
bool name_tag_is_string(uint8_t tag);
/* Contents of a string type as UTF-8; false when they break the type's rules,
 * are empty or hold a NUL. */
bool name_value_utf8(uint8_t tag, struct bytes value,
    struct buf *utf8) must_check;
/* RFC 5280 7.1: PrintableString and UTF8String compare without regard to
 * (ASCII) case and to the amount of space; other types by their octets. */
bool name_value_eq(const struct ava *a, const struct ava *b);
/* "CN", or the dotted OID. */
void name_type_text(struct bytes oid, struct buf *out);
