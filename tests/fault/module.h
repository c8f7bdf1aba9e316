/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests in the same process; found by dlsym. Other processes use the
 * environment: README.md. */

/* Replace all rules; their counting starts anew, hanging calls go on. */
void fault_set_rules(const char *text);
/* Calls of a function since the module was loaded. */
unsigned long fault_calls(const char *name);
