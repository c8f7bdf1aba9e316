/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What auth/token/lookup-self of a Vault or OpenBao answers (vault-pki-api.md 7.1). */
#include <jansson.h>

#include <chancery/wire/jobs.h>

struct lookup {
	json_t *doc; /* owns the texts of `answer` */
	struct job_answer answer;
};
/* A 200 to a question about `token`. Whatever is not as it must be is FAIL_BAD_INPUT: what is missing or of another
 * type is not guessed at, because rights hang on it. */
bool lookup_read(struct bytes body, struct bytes token, struct lookup *out,
    struct error *e) must_check;
void lookup_free(struct lookup *l);
/* Whether a 403 is that service's own, and no proxy's: {"errors":[…]}. */
bool lookup_is_refusal(struct bytes body) must_check;
