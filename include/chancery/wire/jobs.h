/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The messages to the publisher, over ports: a closed set, one table of rows in
 * src/wire/jobs.c that encoder, decoder and fuzz target read, and one function a row in
 * src/publisher/jobs.c. As in wire/signer.h one struct holds the fields of every request,
 * one those of every answer; texts and octets are borrowed.
 *
 * The publisher is the room that reads what other services answer: texts of an answer are
 * bounded and UTF-8, and mean what the other service says they do.
 */
#include <chancery/base/error.h>
#include <chancery/base/limits.h>
#include <chancery/wire/frame.h>

enum job {
	/* service (its number in `vault:`), secret: a token → what auth/token/lookup-self
	 * says of it. FAIL_PERMISSION: that Vault does not know the token; FAIL_TIMEOUT,
	 * FAIL_IO, FAIL_BUSY, FAIL_BAD_INPUT (its answer), FAIL_NOT_FOUND (address,
	 * namespace): nobody can tell just now. */
	JOB_VAULT_LOOKUP = 1,
	JOB__COUNT
};
const char *job_name(enum job j);

struct job_request {
	uint32_t service;
	/* What is secret: last in the frame, put there by port_send. */
	struct bytes secret;
};

#define JOB_TEXTS_MAX 128
struct job_texts {
	const char *v[JOB_TEXTS_MAX];
	size_t n;
};
struct job_answer {
	enum fail why; /* FAIL_NONE: done */
	const char *msg;
	bool expires; /* ttl_s counts; else it lives for ever */
	int64_t ttl_s;
	uint64_t uses; /* how often it may be used yet; 0: no such limit */
	const char *accessor, *display_name;
	const char *name_space; /* NULL: not told */
	/* The token's own and those of its entity. */
	struct job_texts policies;
	struct job_texts cidrs; /* bound_cidrs */
};

/* Append all but the octets of `secret`: the body for port_send. FAIL_BAD_INPUT names a
 * field that is too long or not UTF-8. */
bool job_request_encode(enum job j, const struct job_request *in,
    struct buf *out, struct error *e) must_check;
/* Strict; FAIL_BAD_INPUT. `j` comes from the other end and may be anything. */
bool job_request_decode(unsigned j, struct bytes body, struct job_request *out,
    struct error *e) must_check;
/* A message text that is too long or not UTF-8 is mended; other fields as above. */
bool job_answer_encode(enum job j, const struct job_answer *in, struct buf *out,
    struct error *e) must_check;
bool job_answer_decode(unsigned j, struct bytes body, struct job_answer *out,
    struct error *e) must_check;
