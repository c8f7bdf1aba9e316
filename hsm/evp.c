/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The only use of OpenSSL's ENGINE interface, which 3.0 calls deprecated and for
 * which Debian 12 has no successor (pkcs11-provider is not packaged): this file
 * alone is compiled without that warning.
 */
#include <openssl/engine.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include <chancery/hsm/evp.h>

#include "internal.h"

/* Keys use it as long as they live, and so for the life of the process. */
static ENGINE *engine;

/* ---- what the engine would only fail at in its own words --------------- */

static bool
check_no_ed25519(struct hsm_token *t, struct error *e)
{
	struct hsm_key_list l = { 0 };
	bool found = false;

	if (!hsm_keys(t, &l, e))
		return false;
	for (size_t i = 0; i < l.n; i++)
		found |= l.v[i].type.alg == KEY_ED25519;
	hsm_key_list_free(&l);
	if (found)
		return error_set(e, FAIL_UNSUPPORTED,
		    "token '%s' has an Ed25519 key: libp11 cannot list it",
		    t->info.label);
	return true;
}

/* A token URI out of a key URI. */
static char *
token_uri(P11KitUri *key)
{
	char *text = NULL, *copy;

	if (p11_kit_uri_format(key, P11_KIT_URI_FOR_TOKEN, &text) !=
	    P11_KIT_URI_OK)
		fatal("p11_kit_uri_format: out of memory");
	copy = mem_strdup(text);
	/* Memory of p11-kit, not ours. */
	free(text);
	return copy;
}

/* With our own code, before the engine sees the token: a wrong PIN costs one
 * try, and a missing key or token is named. Gives the key's full URI. */
static char *
check_key(const char *module_path, const char *key_uri,
    const struct secret *pin, struct error *e)
{
	const struct hsm_module_config mc = { .path = module_path };
	auto_p11_uri P11KitUri *uri = uri_parse(key_uri, URI_KEY, e);
	auto_mem char *token = NULL;
	auto_hsm_module struct hsm_module *m = NULL;
	auto_hsm_token struct hsm_token *t = NULL;
	auto_hsm_key struct hsm_key *k = NULL;

	if (uri == NULL)
		return NULL;
	token = token_uri(uri);
	m = hsm_module_load(&mc, e);
	if (m == NULL)
		return NULL;
	t = hsm_token_open(m, &(struct hsm_token_config){ .uri = token }, pin,
	    e);
	if (t == NULL || !check_no_ed25519(t, e))
		return NULL;
	k = hsm_key_open(t, key_uri, (struct bytes){ 0 }, e);
	return k == NULL ? NULL : mem_strdup(hsm_key_uri(k));
}

/* ---- the engine -------------------------------------------------------- */

static bool
engine_pin(const struct secret *pin)
{
	char text[LIMIT_PIN_BYTES + 1];
	size_t n = secret_len(pin);
	int ok;

	memcpy(text, secret_data(pin), n);
	text[n] = '\0';
	ok = ENGINE_ctrl_cmd_string(engine, "PIN", text, 0);
	explicit_bzero(text, sizeof(text));
	return ok == 1;
}

static bool
engine_start(const char *module_path, struct error *e)
{
	ENGINE_load_dynamic();
	engine = ENGINE_by_id("pkcs11");
	if (engine == NULL) {
		(void)error_ossl(e, "ENGINE_by_id");
		return error_set(e, FAIL_UNSUPPORTED,
		    "OpenSSL has no engine pkcs11 (package libengine-pkcs11-"
		    "openssl)");
	}
	if (ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", module_path, 0) !=
		1 ||
	    ENGINE_init(engine) != 1) {
		(void)error_ossl(e, "ENGINE_init");
		ENGINE_free(engine);
		engine = NULL;
		return false;
	}
	return true;
}

EVP_PKEY *
hsm_key_evp(const char *module_path, const char *key_uri,
    const struct secret *pin, struct error *e)
{
	auto_mem char *full = NULL;
	EVP_PKEY *k;

	if (module_count() != 0) {
		(void)error_set(e, FAIL_INTERNAL,
		    "hsm_key_evp: this process has a module loaded itself");
		return NULL;
	}
	/* Once the engine has the module, C_Initialize is its own. */
	if (engine != NULL) {
		(void)error_set(e, FAIL_INTERNAL,
		    "hsm_key_evp: one key a process");
		return NULL;
	}
	full = check_key(module_path, key_uri, pin, e);
	if (full == NULL || !engine_start(module_path, e))
		return NULL;
	k = engine_pin(pin) ? ENGINE_load_private_key(engine, full, NULL, NULL)
			    : NULL;
	if (k == NULL)
		(void)error_ossl(e, "ENGINE_load_private_key");
	return k;
}
