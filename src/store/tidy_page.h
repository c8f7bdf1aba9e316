/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/store/store.h>

/* *there: the document has a page. False: it is malformed. Serials, times and the record of *out
 * alone; mount and origin are the document's. Pure. */
bool tidy_page_read(struct bytes value, struct store_tidy *out,
    bool *there) must_check;
