/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a Kafka broker calls the owner of a certificate. Its ACLs and super.users compare that
 * text as it stands, so every octet of it counts.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

/* DER Name → X500Principal.getName() (RFC 2253) of Java 17 and 25, appended, without "User:":
 * the RDN encoded last comes first; of the types only CN, C, L, ST, O, OU, STREET, DC and UID
 * print as text, others as OID=#hex of the value with its tag; ',' '=' '+' '<' '>' '#' ';' '"'
 * and backslash are escaped wherever they stand, space at both ends, NUL as \00; a newline stays
 * as it is. FAIL_BAD_INPUT as name_check; FAIL_UNSUPPORTED a T61 or BMP string that is no
 * UTF-8: Java reads every string type as that. */
bool kafka_principal(struct bytes name, struct buf *out,
    struct error *e) must_check;

/*
 * One mapping rule that is safe (an attacker's CN cannot reach into another's): CN in
 * [A-Za-z0-9._-] in the first place of the text, followed by exactly `rest` when that is given
 * ("OU=Kafka,O=Acme"), else by anything.
 */
/* The rule for ssl.principal.mapping.rules, without DEFAULT. */
void kafka_cn_rule(const char *rest, struct buf *out);
/* What it makes of a principal, appended; false: it does not match. */
bool kafka_cn_rule_apply(const char *rest, const char *principal,
    struct buf *out) must_check;
