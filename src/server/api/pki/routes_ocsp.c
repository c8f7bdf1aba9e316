/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of OCSP (vault-pki-api.md 6.4). */
#include "ocsp.h"
#include "routes_fields.h"

static const struct field_spec f_request[] = {
	PATH("request",
	    "OCSPRequest in base64; slashes in it may stand as they "
	    "are."),
	END
};
static const struct field_spec f_responder[] = {
	STR("issuer", NULL, "Id of the issuer."), END
};

#define RAW (PUBLIC | ROUTE_RAW)

const struct route pki_ocsp_routes[] = {
	{ "ocsp", "Status of certificates: an OCSPRequest as the body.", RAW,
	    NULL, WRITE(ocsp_post), NULL },
	{ "ocsp/*request", "The same, in the path.", RAW, f_request,
	    READ(ocsp_get), NULL },
	{ "unified-ocsp", "ocsp: there is one place.", RAW, NULL,
	    WRITE(ocsp_post), NULL },
	{ "unified-ocsp/*request", "ocsp/*request: there is one place.", RAW,
	    f_request, READ(ocsp_get), NULL },
	{ "ocsp-responder",
	    "A responder of an issuer, or its next certificate.", ROUTE_OWN,
	    f_responder, WRITE(ocsp_responder_make), NULL },
	{ NULL, NULL, 0, NULL, { NULL }, NULL },
};
