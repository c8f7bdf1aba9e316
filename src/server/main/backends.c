/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/server/api.h>
#include <chancery/server/pki.h>

const struct backend *const api_backends[] = {
	&sys_backend,
	&auth_token_backend,
	&auth_approle_backend,
	&auth_cert_backend,
	&auth_userpass_backend,
	&pki_backend,
	NULL,
};
