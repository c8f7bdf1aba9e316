/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One run of the pipeline, and its steps that stand apart. */
#include "names_part.h"

struct names_work {
	const struct pki_names_in *in;
	struct pki_names *out;
	struct general_name *csr_san; /* of the CSR, when it is used       */
	size_t csr_san_n;
	struct name_list dns, email, ip, uri, other; /* other: whole elements */
};
/* Whether the SANs are those of the CSR. */
bool names_from_csr(const struct names_work *w) must_check;
/* Whether one of the patterns is that value, `fold`: or equals it but for case. */
bool names_any_glob(const struct pki_texts *l, const char *v,
    bool fold) must_check;
/* names_other.c, step 10: those of the request and those of the CSR. */
bool names_take_other(struct names_work *w, struct error *e) must_check;
/* names_address.c, steps 11 and 12. */
bool names_take_ips(struct names_work *w, struct error *e) must_check;
bool names_take_uris(struct names_work *w, struct error *e) must_check;
