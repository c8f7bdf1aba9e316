/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Return values of Cryptoki: one table (ckr.c) that naming, recovery and error
 * reports read. */
#include <p11-kit/pkcs11.h>

#include <chancery/base/error.h>

/* What a caller does about it: docs/architecture.md, the recovery ladder. */
enum ckr_class {
	CKR_CLASS_RETRY,   /* wait a little, same session kind              */
	CKR_CLASS_RELOGIN, /* rejected without effect: new session and login */
	CKR_CLASS_REINIT,  /* device or module lost: finalise, initialise   */
	CKR_CLASS_FATAL,   /* nothing helps                                 */
	CKR_CLASS_CALLER   /* our request is wrong for this key or token    */
};

enum ckr_class ckr_class(CK_RV rv);
/* "CKR_DEVICE_REMOVED"; static. */
const char *ckr_name(CK_RV rv);
/* The one place that turns a CK_RV into an error. */
bool error_ckr(struct error *e, CK_RV rv, const char *call);
