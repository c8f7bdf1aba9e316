/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The API as one table (vault-pki-api.md): each path is a row. Routing, weak typing,
 * warnings, ?help=1, OpenAPI and docs/api.md are read from it.
 *
 * A row's pattern is relative to its mount: "issue/:role", "issuer/:ref/crl/pem",
 * "cert/:serial/raw". ":x" takes one segment and becomes field x; "*x" at the end takes
 * the rest. Rows of one backend are one array; a mount has a backend ("pki", "approle",
 * "token", "system").
 */
#include <jansson.h>

#include <chancery/base/attr.h>
#include <chancery/base/bytes.h>
#include <chancery/base/error.h>

struct call;

enum operation {
	OP_READ,  /* GET, HEAD */
	OP_LIST,  /* LIST, GET ?list=true */
	OP_WRITE, /* POST, PUT: capability update (or create: exists says no) */
	OP_PATCH,
	OP_DELETE,
	OP__COUNT
};

enum field_type {
	FT_STRING,
	FT_BOOL,
	FT_INT,
	FT_DURATION, /* seconds */
	FT_LIST,     /* comma list or array: json array of strings */
	FT_MAP,      /* key-value: json object of strings */
	FT_TIME,     /* RFC 3339 or epoch: seconds */
	FT_JSON      /* any */
};
struct field_spec {
	const char *name; /* NULL ends */
	enum field_type type;
	const char *dflt; /* as text; NULL: zero, "", [] */
	const char *about;
	bool in_path; /* a capture */
	bool query_only;
};

/* What a row may do without or with more than its capability. */
enum {
	ROUTE_UNAUTH = 1 << 0, /* no token needed                             */
	ROUTE_SUDO = 1 << 1, /* sudo in addition                             */
	ROUTE_RAW = 1 << 2,  /* body is not JSON; handler reads http_body    */
	ROUTE_PUBLIC =
	    1 << 3, /* also served on the plain listener (CA, CRL, OCSP) */
	ROUTE_ANY_TOKEN = 1
	    << 4 /* any valid token, no policy (lookup-self is in
	                            the default policy and is not this)        */
};
typedef void call_fn(struct call *c);
struct route {
	const char *pattern;
	const char *about; /* one sentence: help, docs */
	unsigned flags;
	const struct field_spec
	    *fields; /* captures and body, NULL-name ended; NULL: none */
	call_fn *op[OP__COUNT]; /* NULL: 405 */
	/* POST of an object that does not exist needs `create` instead of `update`;
	 * NULL: always update (D9). */
	bool (*exists)(struct call *c);
};
struct backend {
	const char *type;           /* "pki" */
	const struct route *routes; /* pattern NULL ends */
};
