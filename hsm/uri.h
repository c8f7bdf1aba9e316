/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* RFC 7512 PKCS#11 URIs, as far as we accept them. */
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include <chancery/base/bytes.h>
#include <chancery/base/cleanup.h>
#include <chancery/base/error.h>

DEFINE_AUTO(p11_uri, P11KitUri *, p11_kit_uri_free)
#define auto_p11_uri auto_cleanup(p11_uri_cleanup)

enum uri_kind {
	URI_TOKEN, /* token, manufacturer, model, serial; at least one       */
	URI_KEY    /* plus object and id, at least one of them; type=private */
};

/* Parse and check. FAIL_BAD_INPUT for anything that is not such a URI, for
 * unknown attributes, and for a PIN or a module inside it: those come from the
 * configuration only. */
P11KitUri *uri_parse(const char *text, enum uri_kind kind,
    struct error *e) must_check;
/* An attribute of the URI; empty when it has none. */
struct bytes uri_attr(P11KitUri *uri, CK_ATTRIBUTE_TYPE type);
/* "pkcs11:…" of a private key, in fresh memory. */
char *uri_key(const char *token, const char *serial, struct bytes label,
    struct bytes id) must_check;
