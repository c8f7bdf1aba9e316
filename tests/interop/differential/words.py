# SPDX-License-Identifier: Apache-2.0
"""What errors and warnings say, as far as clients and scripts look at it: pieces of text that
both sides must have or both must not. The rest of a text is everyone's own."""

ERRORS = (
    "permission denied", "no handler for route", "unsupported path", "unsupported operation",
    "cannot write to a path ending in '/'", "error converting input for field",
    "No secret engine mount at", "path is already in use at", "unknown role:",
    "not allowed by this role", "is not a valid IP address",
    "IP Subject Alternative Names are not allowed in this role", "request signature invalid",
    '"csr" is empty', "csr contains no data", "certificate request could not be parsed",
    "role requires keys of type", "role requires a minimum of a",
    "that is beyond the expiration of the CA certificate",
    "signing certificate has a max path length of zero",
    "lease is not renewable", "lease not found", "invalid lease", "lease_id must be specified",
    "Secret cannot be returned", "wrapping token is not valid or does not exist",
    "missing role_id", "missing secret_id", "invalid role or secret ID",
    "issuer name already in use", "preflight capability check returned 403",
    "was not found", "Vault is already initialized",
)
WARNINGS = (
    "Endpoint ignored these unrecognized parameters",
    "Endpoint replaced the value of these parameters",
    "is longer than permitted maxTTL",
    "mount's default is", "AIA information", "empty subject", "max path length is zero",
    "after the issuing CA",
)


def kinds(texts, table):
    """The pieces that stand in these texts, sorted; a text with none of them counts as other."""
    out = []
    for text in texts:
        found = [piece for piece in table if piece in text]
        out += found or ["other"]
    return sorted(out)
