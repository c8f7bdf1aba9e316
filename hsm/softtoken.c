/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <chancery/base/file.h>

#include "internal.h"

/* PKCS#11 labels are 32 bytes, blank-padded. */
#define LABEL_SIZE 32

static bool
check_label(const char *label, struct error *e)
{
	size_t n = strlen(label);

	if (n == 0 || n > LABEL_SIZE)
		return error_set(e, FAIL_BAD_INPUT,
		    "token label '%s': not 1 to %d bytes", label, LABEL_SIZE);
	return true;
}

static bool
write_config(const char *dir, struct error *e)
{
	auto_mem char *conf = path_join(dir, "softhsm2.conf");
	auto_mem char *tokens = path_join(dir, "tokens");
	auto_buf struct buf text = { 0 };

	/* One setting a line: a line break in the path would be another. */
	if (strpbrk(dir, "\r\n") != NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "token directory: line break in the name");
	if (!dir_create(tokens, 0700, e))
		return false;
	if (access(conf, F_OK) != 0) {
		buf_addf(&text,
		    "directories.tokendir = %s\n"
		    "objectstore.backend = file\n"
		    "log.level = ERROR\n"
		    "slots.removable = false\n",
		    tokens);
		if (!file_create(conf, buf_bytes(&text), 0600, e))
			return false;
	}
	if (setenv("SOFTHSM2_CONF", conf, 1) != 0)
		return error_errno(e, FAIL_INTERNAL, "setenv");
	return true;
}

/* SoftHSM always shows one empty slot more. */
static bool
find_free(struct hsm_module *m, const char *label, CK_SLOT_ID *out,
    struct error *e)
{
	auto_mem CK_SLOT_ID *slots = NULL;
	CK_ULONG n;
	const char *call;
	bool found = false;
	CK_RV rv = module_slots(m, &slots, &n, &call);

	if (rv != CKR_OK)
		return error_ckr(e, rv, call);
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO raw = { 0 };
		struct hsm_token_info info = { 0 };

		rv = m->f->C_GetTokenInfo(slots[i], &raw);
		if (rv != CKR_OK)
			return error_ckr(e, rv, "C_GetTokenInfo");
		token_info_from(&raw, &info);
		if (info.initialised && strcmp(info.label, label) == 0)
			return error_set(e, FAIL_EXISTS,
			    "there is a token '%s' already", label);
		if (info.initialised)
			continue;
		*out = slots[i];
		found = true;
	}
	if (!found)
		return error_set(e, FAIL_NOT_FOUND, "no slot without a token");
	return true;
}

static bool
init_token(struct hsm_module *m, CK_SLOT_ID slot, const char *label,
    const struct secret *so_pin, struct error *e)
{
	CK_UTF8CHAR padded[LABEL_SIZE];
	CK_RV rv;

	memset(padded, ' ', sizeof(padded));
	memcpy(padded, label, strlen(label));
	rv = m->f->C_InitToken(slot, unconst(secret_data(so_pin)),
	    secret_len(so_pin), padded);
	return rv == CKR_OK ? true : error_ckr(e, rv, "C_InitToken");
}

/* The session is closed, and so logged out, by C_Finalize at the latest. */
static bool
init_pin(struct hsm_module *m, CK_SLOT_ID slot, const struct secret *so_pin,
    const struct secret *pin, struct error *e)
{
	CK_SESSION_HANDLE s;
	CK_RV rv = m->f->C_OpenSession(slot,
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s);

	if (rv != CKR_OK)
		return error_ckr(e, rv, "C_OpenSession");
	rv = m->f->C_Login(s, CKU_SO, unconst(secret_data(so_pin)),
	    secret_len(so_pin));
	if (rv != CKR_OK)
		return error_ckr(e, rv, "C_Login");
	rv = m->f->C_InitPIN(s, unconst(secret_data(pin)), secret_len(pin));
	if (rv != CKR_OK)
		return error_ckr(e, rv, "C_InitPIN");
	(void)m->f->C_Logout(s);
	(void)m->f->C_CloseSession(s);
	return true;
}

bool
hsm_softtoken_create(const char *module, const char *dir, const char *label,
    const struct secret *so_pin, const struct secret *pin, struct error *e)
{
	auto_hsm_module struct hsm_module *m = NULL;
	char full[PATH_MAX];
	CK_SLOT_ID slot = 0;

	if (!check_label(label, e) || !dir_create(dir, 0700, e))
		return false;
	if (realpath(dir, full) == NULL)
		return error_errno(e, FAIL_IO, "%s", dir);
	if (!write_config(full, e))
		return false;
	m = hsm_module_load(&(struct hsm_module_config){ .path = module }, e);
	return m != NULL && find_free(m, label, &slot, e) &&
	    init_token(m, slot, label, so_pin, e) &&
	    init_pin(m, slot, so_pin, pin, e);
}
