/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What commands say to chanceryd itself: a SOCK_SEQPACKET unix socket in run_dir. Only
 * root and the user that chanceryd runs as are heard (SO_PEERCRED). One packet asks, one
 * answers; both are of this machine and this release, hence plain structs.
 */
#include <stdint.h>

#define SUPERVISOR_SOCKET "chanceryd.sock" /* below run_dir */
#define SUPERVISOR_VERSION 1
#define SUPERVISOR_TOKEN_MAX 128
#define SUPERVISOR_TEXT_MAX 16384

enum supervisor_ask {
	SUPERVISOR_STATUS = 1, /* → canonical JSON                           */
	/* + SCM_RIGHTS: a sealed memfd with the PIN of `token`. The signer is
	 * started again when no token lacks one.                            */
	SUPERVISOR_UNSEAL
};
struct supervisor_request {
	uint32_t version, ask;
	char token[SUPERVISOR_TOKEN_MAX]; /* NUL-terminated */
};
/* The answer: u32 enum fail (FAIL_NONE: done), then the text: JSON, or what is wrong. */
