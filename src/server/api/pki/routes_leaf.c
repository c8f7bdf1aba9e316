/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of leaves and roles (vault-pki-api.md 4.1): paths, fields, handlers. */
#include "routes_fields.h"

static const struct field_spec f_issue[] = { ROLE, REF, LEAF, KEY_TYPE(NULL),
	STR("issuer_ref", NULL, "Ignored: the role says."), END };
static const struct field_spec f_sign[] = { ROLE, REF, LEAF, CSR,
	STR("issuer_ref", NULL, "Ignored: the role says."), END };
static const struct field_spec f_verbatim[] = { ROLE, REF, LEAF, CSR, SIGNATURE,
	LIST("key_usage", "DigitalSignature,KeyAgreement,KeyEncipherment",
	    "Key usages, where the CSR has none."),
	LIST("ext_key_usage", NULL, "Purposes, where the CSR has none."),
	LIST("ext_key_usage_oids", NULL, "Purposes by OID."),
	BOOL("basic_constraints_valid_for_non_ca", NULL,
	    "Write basic constraints."),
	END };

const struct route pki_leaf_routes[] = {
	{ "issue/:role", "Make a key and a certificate by a role.", 0, f_issue,
	    WRITE(issue_leaf), NULL },
	{ "sign/:role", "Sign a request by a role.", 0, f_sign,
	    WRITE(sign_leaf), NULL },
	{ "sign-verbatim", "Sign a request as it is.", 0, f_verbatim,
	    WRITE(sign_verbatim), NULL },
	{ "sign-verbatim/:role", "Sign a request as it is, for a role's life.",
	    0, f_verbatim, WRITE(sign_verbatim), NULL },
	{ "issuer/:ref/issue/:role", "issue, by that issuer.", 0, f_issue,
	    WRITE(issue_leaf), NULL },
	{ "issuer/:ref/sign/:role", "sign, by that issuer.", 0, f_sign,
	    WRITE(sign_leaf), NULL },
	{ "issuer/:ref/sign-verbatim", "sign-verbatim, by that issuer.", 0,
	    f_verbatim, WRITE(sign_verbatim), NULL },
	{ "issuer/:ref/sign-verbatim/:role", "sign-verbatim, by that issuer.",
	    0, f_verbatim, WRITE(sign_verbatim), NULL },
	{ "roles", "Names of the roles.", 0, NULL, LISTED(role_list), NULL },
	{ "roles/:name", "A role: what leaves may be.", 0, pki_role_fields,
	    { role_read, NULL, role_write, role_patch, role_delete }, NULL },
	{ NULL, NULL, 0, NULL, { NULL }, NULL },
};
