/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A TLS server's certificate for the time before an authority issues one: P-256, signed by
 * its own key, with exactly the names that are asked for. OpenSSL's builders make it, not
 * our writer, which writes what an HSM key signs.
 */
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

/* sans: "DNS:localhost,IP:::1,…", as openssl's subjectAltName wants it. PEM into both; what
 * `key` grows out of is not wiped: reserve SELFSIGNED_KEY_MAX before, and wipe it after. */
#define SELFSIGNED_KEY_MAX 1024
bool selfsigned_make(const char *sans, int64_t now_s, struct buf *certificate,
    struct buf *key, struct error *e) must_check;

/* Whether that certificate (PEM) has exactly these names and a month left. */
bool selfsigned_is_good(struct bytes certificate, const char *sans,
    int64_t now_s) must_check;
