/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/base/error.h>

/* As root: what root owns below dir becomes dir's owner's and group's. */
bool owner_give_back(const char *dir, struct error *e) must_check;
