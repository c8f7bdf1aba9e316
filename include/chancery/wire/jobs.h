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
	/* service (its number in `publish:`), name, form, number, issuer; a list comes as a
	 * descriptor beside the message → what is there now, and readers get: number, this_s,
	 * next_s (0 for certificates), changed. FAIL_EXISTS: a newer one is there.
	 * FAIL_CRYPTO, FAIL_BAD_INPUT: what was to be published is no list of that issuer.
	 * FAIL_CORRUPT: readers get something else. FAIL_PERMISSION, FAIL_DISK_FULL (507,
	 * 413), FAIL_NOT_FOUND, FAIL_BUSY (again soon), FAIL_TIMEOUT, FAIL_IO: the target. */
	JOB_PUBLISH = 2,
	JOB__COUNT
};
/* What an object is made of. */
enum job_form {
	JOB_FORM_LIST, /* the descriptor's octets */
	JOB_FORM_LIST_PEM,
	JOB_FORM_CERTIFICATE, /* of the issuer */
	JOB_FORM_CERTIFICATE_PEM,
	JOB_FORM__COUNT
};
const char *job_name(enum job j);

struct job_request {
	uint32_t service;
	/* What is secret: last in the frame, put there by port_send. */
	struct bytes secret;
	/* of JOB_PUBLISH */
	uint32_t form;       /* enum job_form */
	const char *name;    /* of the object (config/service.h) */
	uint64_t number;     /* of the list; 0: a certificate */
	struct bytes issuer; /* its certificate, DER */
};
/* Whether a descriptor goes with it. */
bool job_has_file(enum job j, const struct job_request *q) must_check;

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
	/* of JOB_PUBLISH */
	uint64_t number;
	int64_t this_s, next_s;
	bool changed; /* something else was there before */
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
