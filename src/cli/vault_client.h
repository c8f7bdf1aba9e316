/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A Vault or OpenBao that a command speaks to, with the operator's own token. The token is
 * read once, kept in locked memory, and stands in no argument, error or output.
 */
#include "cli.h"
#include "json.h"

/* The longest token of theirs: batch tokens carry their policies. */
#define VAULT_TOKEN_MAX 2048

#define VAULT_FLAGS                                                            \
	{ "address", "URL", "https://HOST[:PORT] of the Vault or OpenBao",     \
		true, false },                                                 \
	    { "ca-cert", "FILE",                                               \
		    "PEM file: the authorities of its certificate", false,     \
		    false },                                                   \
	    { "namespace", "NAME", "namespace there", false, false },          \
	{                                                                      \
		"token", "SOURCE",                                             \
		    "fd:N, file:PATH, credential:NAME or prompt; else the "    \
		    "variable VAULT_TOKEN",                                    \
		    false, false                                               \
	}

/* A mount's path in the flag called so. */
bool vault_mount_check(const char *mount, const char *flag,
    struct error *e) must_check;

struct vault_client;
/* From those flags. NULL: FAIL_USAGE, or what the token's source says. */
struct vault_client *vault_client_new(const struct cli *c,
    struct error *e) must_check;
void vault_client_free(struct vault_client *v);
DEFINE_AUTO(vault_client, struct vault_client *, vault_client_free)
#define auto_vault_client auto_cleanup(vault_client_cleanup)

/* The same without flags, and without a token until one is set. */
struct vault_target {
	const char *address; /* as service_address_check has it, or NULL… */
	const char *socket;  /* …and the path of a unix socket            */
	const char *ca_cert; /* PEM file, or NULL: the system's           */
	const char *name_space; /* or NULL                                   */
	const char *cert, *key; /* PEM files to show, or NULL                */
};
struct vault_client *vault_client_connect(const struct vault_target *t,
    struct error *e) must_check;
bool vault_client_set_token(struct vault_client *v, struct bytes token,
    struct error *e) must_check;

/* One request; `path` without "/v1/"; body NULL: none. *answer has the whole envelope, or is
 * NULL where there was no body; the caller frees it. Its own words in `e`: FAIL_NOT_FOUND
 * (404), FAIL_PERMISSION (403), FAIL_BAD_INPUT (400), else FAIL_IO. */
bool vault_ask(struct vault_client *v, const char *method, const char *path,
    const json_t *body, json_t **answer, struct error *e) must_check;
/* Its member data, owned; NULL and FAIL_NOT_FOUND for 404. */
json_t *vault_read(struct vault_client *v, const char *path,
    struct error *e) must_check;
/* data.keys of a LIST, owned; an empty array for 404. */
json_t *vault_list(struct vault_client *v, const char *path,
    struct error *e) must_check;
/* A GET that answers no JSON: its octets, appended. Reasons as vault_ask. */
bool vault_fetch(struct vault_client *v, const char *path, struct buf *out,
    struct error *e) must_check;
