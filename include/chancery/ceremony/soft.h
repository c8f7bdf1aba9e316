/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SoftHSM keeps a token in files and rewrites one of them, token.object, at each
 * login by truncating and writing it: a process killed in between leaves it empty,
 * and the token with all its keys is gone. A copy that was good is kept beside the
 * tokens, <dir>/keep/<token>, and put back when the file is not whole.
 */
#include <chancery/base/error.h>

/* Before the module is loaded. A file of another size than its copy is torn: the
 * file has one size for the life of a token. */
bool soft_tokens_mend(const char *dir, struct error *e) must_check;
/* After a good login, or after a token was made. */
bool soft_tokens_keep(const char *dir, struct error *e) must_check;
/* A directory of soft tokens and all that is in it: rehearsals that have not begun. */
bool soft_tokens_remove(const char *dir, struct error *e) must_check;
