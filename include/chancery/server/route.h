/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The API as one table (vault-pki-api.md): each path is a row. Routing, weak typing,
 * warnings, ?help=1, OpenAPI and docs/api.md are read from it.
 *
 * A row's pattern is relative to its mount: "issue/:role", "issuer/:ref/crl/pem",
 * "cert/:serial/raw". ":x" takes one segment and becomes field x; "*x" takes
 * all that is there (one segment at least), up to a literal tail (the rest of a
 * path, then "/tune"). Of
 * several rows that match, the one with the more literal segments from the left wins, whatever
 * their order. Rows of one backend are one array; a mount has a backend ("pki", "approle",
 * "token", "system").
 *
 * Captures must be among the row's fields, with in_path set. Authorisation comes before the
 * body's fields are judged: `exists` sees the captures only.
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
	/* Any valid token, no policy (lookup-self is in the default policy and is not
	 * this). */
	ROUTE_ANY_TOKEN = 1 << 4,
	/* ROUTE_UNAUTH | ROUTE_PUBLIC on the plain listener, where plain_metrics says so. */
	ROUTE_METRICS = 1 << 5,
	/* For the service itself (api_call); not there for callers. */
	ROUTE_OWN = 1 << 6,
	/* Reads are answered by a worker that is full too, up to LIMIT_CALLS_SPARE, as those
	 * of ROUTE_PUBLIC are: no step that waits for others. */
	ROUTE_SPARE = 1 << 7
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
struct changes; /* server/call.h */
struct backend {
	const char *type;           /* "pki" */
	const char *about;          /* one sentence: sys/mounts, docs */
	const struct route *routes; /* pattern NULL ends */
	/* More such arrays, asked one after the other when none of those matches; NULL
	 * ends; or NULL. */
	const struct route *const *more_routes;
	/* Where it can be mounted through the API; none: built in. */
	bool mount_secret, mount_auth;
	/* Kinds of documents whose scope is the mount's path (NULL ends): they go with it. */
	const char *const *doc_kinds;
	/* In the change that makes or removes a mount: put or delete more. False: has
	 * answered. May be NULL. */
	bool (*made)(struct call *c, struct changes *ch, const char *path);
	bool (*removed)(struct call *c, struct changes *ch, const char *path);
};
