/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which names a certificate gets (vault-pki-api.md 5.3 to 5.5): from request and CSR,
 * held against the role. Pure.
 */
#include <jansson.h>

#include <chancery/pki/csr.h>
#include <chancery/server/pki_role.h>

struct pki_names_in {
	const struct pki_role *role;
	const struct csr *csr; /* NULL: issue, or a key of the HSM           */
	bool exclude_cn_from_sans;
	const char *common_name, *serial_number; /* "": not given            */
	/* Arrays of strings, borrowed; NULL: none. */
	const json_t *alt_names, *ip_sans, *uri_sans, *other_sans, *user_ids;
};

struct pki_names {
	const char *common_name, *serial_number; /* "": none                 */
	struct bytes *user_ids;
	size_t user_ids_n;
	/* otherNames, then DNS, e-mail, IP, URI. */
	struct general_name *san;
	size_t san_n;
	struct pki_texts warnings;
	struct name_arena *arena; /* holds what the above point to           */
};

/* The whole pipeline; the first rule that says no ends it with FAIL_REFUSED or
 * FAIL_BAD_INPUT and the text that Vault has for it. Free *out in any case. */
bool pki_names_make(const struct pki_names_in *in, struct pki_names *out,
    struct error *e) must_check;
void pki_names_free(struct pki_names *n);

/* 5.4: one name, as it would stand in the certificate. */
bool pki_role_allows_name(const struct pki_role *r, const char *name);
/* 5.5 */
bool pki_hostname_valid(const char *name);

enum pki_idna {
	PKI_IDNA_OK,
	PKI_IDNA_NOT, /* no host name at all (spaces, symbols)              */
	PKI_IDNA_LONG /* empty label, label over 63, name over 253          */
};
/* IDNA2008 (non-transitional) to ASCII; ASCII stays as it is. */
enum pki_idna pki_idna(const char *name, char out[256]);
