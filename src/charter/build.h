/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From filled limits to a charter. */
#include "internal.h"

/* Who is told about a wrong combination: `field` lies in the limits. */
struct blame {
	void (*tell)(const struct blame *b, const void *field, const char *fmt,
	    ...) printf_like(3, 4);
	void *arg;
};
void limits_check(const struct limits *l, const struct blame *b);
/* From limits that passed. Copies all of them. */
struct charter *charter_build(const struct limits *l) must_check;
