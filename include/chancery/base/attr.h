/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Compiler attributes by what they mean to a reader, and two array helpers.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#define unused_arg __attribute__((unused))

/* The returned object must be given to `free_fn`, first argument. */
#if defined(__GNUC__) && !defined(__clang__)
#define released_by(free_fn) __attribute__((malloc(free_fn, 1)))
#else
#define released_by(free_fn)
#endif

#define countof(a) (sizeof(a) / sizeof((a)[0]))
