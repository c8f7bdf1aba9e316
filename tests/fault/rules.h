/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the fault libraries do at which call: README.md has the language. Plain
 * libc and fixed tables, because this runs inside other programs' calls.
 */
#include <stdbool.h>
#include <stddef.h>

#define RULES_MAX 64
#define RULE_NAME_MAX 32

enum rule_kill {
	KILL_NONE,
	KILL_BEFORE,
	KILL_AFTER,
	KILL_TORN /* half of a write, then the end                            */
};

struct rule {
	char name[RULE_NAME_MAX]; /* function, or "*"                         */
	char call[RULE_NAME_MAX]; /* what is done behind the caller's back    */
	unsigned long nth, from, to; /* 0: not asked for                      */
	unsigned sleep_ms;
	enum rule_kill kill;
	bool has_value;
	unsigned long value; /* CK_RV or errno                                */
	bool real;    /* make the real call first, then fail                  */
	bool corrupt; /* flip a bit of the output                             */
	unsigned long add; /* to the count or length that comes back          */
	bool hang; /* until the rules change                               */
	unsigned long seen;
};

struct rules {
	struct rule v[RULES_MAX];
	size_t n;
};

/* Aborts on anything that does not parse: a test whose faults are silently
 * missing proves nothing. NULL is no rules. */
void rules_parse(const char *text, struct rules *out);
/* Count a call against the rule; whether it applies to this one. */
bool rule_hits(struct rule *r, const char *name);

/* Names and counts in a file of lines "name            0000000000", mapped. */
struct counts {
	char *map;
	size_t lines;
};
void counts_open(struct counts *c, const char *path, const char *const *names,
    size_t n);
void counts_set(const struct counts *c, size_t line, unsigned long n);

_Noreturn void fault_kill(void);
void fault_sleep(unsigned ms);
