/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

/* A script that completes words, flags and names of files; from the command table. FAIL_USAGE:
 * neither bash nor zsh. */
bool completion(const char *shell, struct buf *out, struct error *e) must_check;
