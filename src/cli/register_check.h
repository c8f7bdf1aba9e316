/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/register/register.h>

/* reg_verify with every signature against its key: that of certificates is in the register,
 * that of a list in the list. */
struct register_check {
	const char *dir;
	const char *anchor_dir; /* or NULL                        */
	const char *crl_dir;    /* or NULL: lists are not looked at */
	bool signatures;
};
bool register_check(const struct register_check *c,
    struct reg_verify_report *out, struct error *e) must_check;
