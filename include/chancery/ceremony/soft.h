/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/base/error.h>

/* A directory of soft tokens and all that is in it: rehearsals that have not begun. */
bool soft_tokens_remove(const char *dir, struct error *e) must_check;
