/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a signer stands on, opened in order and closed in reverse: module, tokens (one
 * login each), log key. Whoever runs a signer, the commands in their own process or the
 * signer room, opens it here. One a process: a PKCS#11 module is loaded once.
 */
#include <chancery/signer/logkey.h>
#include <chancery/signer/signer.h>

struct host_token {
	const char *name, *uri;
	bool log;            /* holds the log key                            */
	const char *charter; /* template, or NULL */
	struct bytes charter_json; /* instead */
};

/* Borrowed, as are the texts; paths absolute. */
struct host_settings {
	const char *register_dir, *origin, *anchor_dir, *module, *module_args,
	    *soft_token_dir, *crl_dir, *log_key;
	bool anchor_object;
	unsigned workers; /* as in hsm/queue.h */
	struct host_token token[SIGNER_TOKENS_MAX];
	size_t tokens;
};

/* A token's PIN, or NULL and e. The caller frees it when the login is made. */
typedef struct secret *host_pin_fn(void *arg, size_t token, struct error *e);

enum host_flag {
	HOST_WRITE = 1 << 0,   /* keys are generated or destroyed           */
	HOST_CREATE = 1 << 1,  /* log birth                                */
	HOST_CONFINED = 1 << 2 /* the files of soft tokens are read-only here */
};

struct host {
	const struct host_settings *settings;
	struct hsm_module *module;
	struct hsm_token *token[SIGNER_TOKENS_MAX];
	struct hsm_key *log_key;
	struct note_signer log;
	struct hsm_anchor anchor; /* with anchor_object */
};

/* Load the module, SOFTHSM2_CONF set where the settings ask. `h` is zero before. */
bool host_load(struct host *h, const struct host_settings *s,
    struct error *e) must_check;
/* One login a token; FAIL_PIN after one try. What was opened is closed by host_close,
 * also after a failure. */
bool host_open_tokens(struct host *h, unsigned flags, host_pin_fn *pin,
    void *arg, struct error *e) must_check;
/* Directories and log key, and what signer_open needs; the caller sets who, offline and
 * the operator's acts. A second call does nothing again. */
bool host_signer(struct host *h, unsigned flags, struct signer_config *out,
    struct error *e) must_check;
/* Add what an operator can do about a signer that did not open. */
void host_explain(struct error *e);
/* All but the signer, which goes first. */
void host_close(struct host *h);
