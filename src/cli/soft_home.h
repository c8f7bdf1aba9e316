/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A home for trying things out, with SoftHSM tokens. */
#include <chancery/base/error.h>

struct soft_home {
	const char *dir;     /* absolute or not; made when missing */
	const char *module;  /* SoftHSM's */
	const char *charter; /* template of keys made through the API */
	const char *origin;  /* NULL: from the host's name */
	const char *listen;  /* numeric address:port */
};
/* Commented chancery.yaml, PIN files, a self-signed certificate. chancery.yaml comes
 * last: without it the rest is made again. */
bool soft_home_create(const struct soft_home *h, struct error *e) must_check;
