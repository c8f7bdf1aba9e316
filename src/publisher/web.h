/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One HTTP call of a publication, whole, in the thread of its target (transfer.c). */
#include "target.h"

#define WEB_HEADERS_MAX 4
struct web_call {
	const char *method, *url;
	bool credentials;                     /* ours; not for public_url */
	const char *headers[WEB_HEADERS_MAX]; /* "Name: value"; NULL: none */
	struct object *object;                /* what is sent, or NULL */
	struct look *look; /* gets what comes with 200, or NULL */
	/* Answer. */
	long status;
	char etag[160];
};
/* False: there was no answer. FAIL_TIMEOUT, FAIL_IO, FAIL_ABORTED. */
bool web_do(struct passage *p, struct web_call *c, struct error *e) must_check;
