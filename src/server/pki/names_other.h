/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One run of the pipeline, and its step about otherNames (names_other.c). */
#include "names_part.h"

struct names_work {
	const struct pki_names_in *in;
	struct pki_names *out;
	struct general_name *csr_san; /* of the CSR, when it is used       */
	size_t csr_san_n;
	struct name_list dns, email, ip, uri, other; /* other: whole elements */
};
/* Step 10: those of the request and those of the CSR. */
bool names_take_other(struct names_work *w, struct error *e) must_check;
