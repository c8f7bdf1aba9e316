/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A signer without an HSM: the key half's place is taken by a function that signs
 * with an OpenSSL key in memory, and that a test can make fail, hang back or die.
 */
#include <openssl/evp.h>

#include <chancery/pki/tbs.h>
#include <chancery/signer/signer.h>

enum fake_mode {
	FAKE_GOOD,
	FAKE_FAIL_UNSIGNED, /* the call never reached the token        */
	FAKE_FAIL_SIGNED,   /* it may have signed, the answer was lost */
	FAKE_DIE            /* kill -9 inside C_Sign                   */
};

struct fixture {
	char dir[64];
	char *reg_dir, *anchor_dir, *crl_dir;
	EVP_PKEY *ca, *log, *leaf;
	struct sha256 key; /* of ca */
	struct buf ca_spki, leaf_spki, ca_name;
	struct spki ca_key, leaf_key;
	struct note_signer log_signer;
	bool self; /* TBSs are over `ca` itself */
	enum fake_mode mode;
	unsigned signs; /* calls of the fake */
	int64_t now_ms; /* 0: the system's clock */
	struct clock clock;
	const char *charter; /* template; "open" unless set before make */
	bool no_charter;     /* the key gets none */
	uint64_t segment_bytes, list_part;
	const char *origin;      /* "test.example/log" unless set before make */
	bool online;             /* as a daemon would open it */
	bool foreign_responders; /* ocsp_key: memory */
	int64_t life_s;          /* of leaves; a day unless set */
	struct signer *s;
};

/* Directory, keys, and a register that knows `ca` under a charter. */
void fixture_make(struct fixture *f);
/* Open (again). */
void fixture_open(struct fixture *f);
/* Made like `how`, and open; 0. */
int fixture_setup(struct fixture *f, struct fixture how);
void fixture_close(struct fixture *f);
void fixture_free(struct fixture *f);
/* A leaf TBS with a serial of the signer (or the given one), from a profile. */
void fixture_tbs(struct fixture *f, const char *profile, const uint8_t *serial,
    struct buf *out);
/* One certificate from start to end. */
struct signer_certify fixture_request(struct fixture *f, const struct buf *tbs);
bool fixture_certify(struct fixture *f, const char *profile,
    struct signer_reply *out, struct error *e);
/* A full list by `ca` into crl_dir. */
struct signer_crl fixture_crl(struct fixture *f);
/* Everything that a register must satisfy, from nothing, signatures included;
 * the signer is closed. */
void fixture_verify(struct fixture *f, struct reg_verify_report *out);
struct signer_config fixture_config(struct fixture *f);
/* Count the records of a type; *last gets the index of the last one. */
size_t fixture_count(struct fixture *f, enum record_type type, uint64_t *last);
