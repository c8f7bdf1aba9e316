/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What lists of certificates tell about each of them. */
#include "engine.h"

/* "<serial>":{…} of key_info in certs/detailed (cert_info.c). */
void cert_row_info(const struct store_cert *c, struct buf *out);
