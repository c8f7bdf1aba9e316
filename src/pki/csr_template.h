/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

/* `der` is a CertificationRequest, all of it, in DER down to the attributes;
 * subject, key and algorithm are left as they are (one SEQUENCE each). */
bool csr_template_check(struct bytes der, struct error *e) must_check;
