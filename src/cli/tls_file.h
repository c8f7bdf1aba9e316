/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/base/error.h>

/* <dir>/certificate.pem and key.pem: self-signed, P-256, for localhost, the loopback
 * addresses, this host and the address of `listen`. There already: left alone. */
bool tls_file_create(const char *dir, const char *listen,
    struct error *e) must_check;
