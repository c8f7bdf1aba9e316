/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"
#include "vault_adopt.h"
#include "vault_client.h"
#include "vault_sign.h"

static const struct flag sign_flags[] = {
	VAULT_FLAGS,
	{ "mount", "PATH", "the PKI mount there, such as kafka-int-ca", true,
	    false },
	{ "issuer", "NAME",
	    "who signs: while the service runs MOUNT or MOUNT/ISSUER here, "
	    "else label or hash of a key",
	    true, false },
	{ "csr", "FILE", "the request, instead of one made there", false,
	    false },
	{ "common-name", "NAME", "of the request that is made there", false,
	    false },
	{ "organization", "NAME", "likewise", false, false },
	{ "country", "CC", "likewise", false, false },
	{ "key-type", "TYPE", "likewise: ec (P-256 by default) or rsa", false,
	    false },
	{ "key-bits", "N", "likewise", false, false },
	{ "existing-key", "KEY",
	    "a key of the mount, instead of a new one: what it issued stays "
	    "good",
	    false, false },
	{ "life", "DURATION", "such as 1825d; else the issuer's default", false,
	    false },
	{ "path-len", "N", "CA certificates below it", false, false },
	{ "ca-url", "URL", "for config/urls; else the mount's own", false,
	    false },
	{ "crl-url", "URL", "likewise", false, false },
	{ "ocsp-url", "URL", "likewise; none by default", false, false },
	{ "no-urls", NULL, "leave config/urls alone", false, false },
	{ "keep-default", NULL, "leave the mount's default issuer alone", false,
	    false },
	{ "dir", "DIR",
	    "where request and certificate are kept; else vault/MOUNT in the "
	    "home",
	    false, false },
	{ "dry-run", NULL, "tell what would be done, change nothing", false,
	    false },
	{ 0 },
};

static const struct flag adopt_flags[] = {
	VAULT_FLAGS,
	{ "mount", "PATH", "the PKI mount there", true, false },
	{ "to", "PATH", "the mount here; else of the same path", false, false },
	{ "policy", "NAME", "an ACL policy there that is wanted here too",
	    false, true },
	{ "url-base", "URL",
	    "address of this service: in the place of that Vault's in URLs of "
	    "certificates",
	    false, false },
	{ "apply", NULL, "do it; without, the plan is told", false, false },
	{ 0 },
};

const struct command vault_commands[] = {
	{ "vault sign-intermediate", "",
	    "sign the intermediate of a Vault or OpenBao mount, and put it "
	    "there",
	    0, 0, sign_flags, true, vault_sign_run,
	    "Each step looks first whether it was done: after an abort the "
	    "same command goes on. At the end certificate, key and chain are "
	    "read back from there and compared." },
	{ "vault adopt", "",
	    "recreate here what a Vault's PKI mount is set up with", 0, 0,
	    adopt_flags, true, vault_adopt_run,
	    "Roles, URLs, settings of lists and issuers, lifetimes, and the "
	    "policies named. Keys and certificates are not moved. Of the "
	    "running service; a second run finds nothing to do." },
};
const size_t vault_commands_n = countof(vault_commands);
