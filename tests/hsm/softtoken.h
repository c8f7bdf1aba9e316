/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A SoftHSM token in a directory of its own, for one test program. */
#include <chancery/base/limits.h>
#include <chancery/hsm/hsm.h>

#define SOFTTOKEN_PIN "1234"
#define SOFTTOKEN_SO_PIN "12345678"

struct softtoken {
	char dir[64];
	/* Of a signature, for softtoken_open. Long, because machines are busy;
	 * a test of what never comes back sets a short one. */
	unsigned deadline_ms;
	struct hsm_module *m;
	struct hsm_token *t;
};

/* Make the directory and the token "ca", and print what failed, else abort. */
void softtoken_make(struct softtoken *s);
/* One more token beside it, before the module is loaded. */
void softtoken_add(struct softtoken *s, const char *label);
/* Load `module` (SoftHSM itself, or the fault module over it), open the token. */
void softtoken_open(struct softtoken *s, const char *module, bool read_write);
/* Close what is open. */
void softtoken_close(struct softtoken *s);
/* Close and remove the directory. */
void softtoken_remove(struct softtoken *s);

struct secret *softtoken_pin(const char *pin) must_check;
/* A key of that type with a fresh id; the label names it. */
struct hsm_key *softtoken_key(struct softtoken *s, const char *type,
    const char *label) must_check;
/* Print e and abort unless ok. */
void must(bool ok, const struct error *e, const char *what);
