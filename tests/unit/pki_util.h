/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Roles and requests from one line of text, for the tests of the PKI engine. */
#include <jansson.h>

#include <chancery/server/pki_role.h>

/* "allow_subdomains allowed_domains=a.example,b.example !server_flag key_bits=384": a bare
 * word is true, '!' is false; values are typed by the role's table. */
json_t *util_role_json(const char *text);
struct pki_role *util_role(const char *text); /* asserts */
/* "a,b" → ["a","b"]; "" → []. */
json_t *util_list(const char *text);
