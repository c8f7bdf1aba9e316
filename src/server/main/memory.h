/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* OpenSSL's and libevent's memory is wiped when it is released: they hold TLS secrets,
 * keys that are made for callers, and requests. Before any use of either. */
void memory_wipe(void);
