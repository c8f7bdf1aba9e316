/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How every call of this room is set up: whom it trusts, and what it shows. */
#include <curl/curl.h>

#include <chancery/base/bytes.h>
#include <chancery/base/secret.h>

struct credentials {
	struct buf ca, certificate; /* PEM; empty: none */
	struct secret *key;
};
struct credential_files {
	const char *ca, *certificate, *key; /* or NULL */
};
/* FAIL_PERMISSION for a key that cannot be opened; else as file_read. After a failure there is
 * nothing to clear. */
bool credentials_read(const struct credential_files *f, struct credentials *out,
    struct error *e) must_check;
void credentials_clear(struct credentials *c);
/* A file of one secret. Free with secret_free. */
bool secret_from_file(const char *path, struct secret **out,
    struct error *e) must_check;

/* Only its own authorities are asked; nothing of the environment has a say: no proxy, no netrc,
 * no redirect to where the credentials have no business. `blob`: CURL_BLOB_COPY, or
 * CURL_BLOB_NOCOPY where the credentials outlive the call. */
bool connect_set(CURL *u, const char *url, const struct credentials *c,
    unsigned blob) must_check;
/* The certificate for who asks for one. */
bool connect_show(CURL *u, const struct credentials *c,
    unsigned blob) must_check;
