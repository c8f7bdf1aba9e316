/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of names and roles share. */
#include <chancery/server/pki_names.h>

/* Address and mask of a CIDR, n 8 or 32; host bits are cut as Go does. */
bool name_cidr(const char *text, uint8_t out[32], size_t *n) must_check;
/* 4 or 16 octets; an IPv4-mapped address is 4. */
bool name_ip(const char *text, uint8_t out[16], size_t *n) must_check;
bool name_ip_in(const uint8_t *ip, size_t n, const char *cidr) must_check;

/* "<oid>;UTF8:<value>" */
struct other_rule {
	char oid[128];
	const char *value; /* inside the text */
};
bool other_parse(const char *text, struct other_rule *out) must_check;

/* Memory of one set of names. */
struct name_arena;
struct name_arena *arena_new(void) must_check;
void arena_free(struct name_arena *a);
/* NUL behind it. */
struct bytes arena_add(struct name_arena *a, struct bytes v);

struct name_list {
	struct bytes *v;
	size_t n, cap;
};
void name_list_add(struct name_list *l, struct bytes v);
/* Without the second of two equal ones; `fold`: ASCII case does not matter. */
void name_list_add_once(struct name_list *l, struct bytes v, bool fold);
