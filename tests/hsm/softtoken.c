/* SPDX-License-Identifier: Apache-2.0 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "softtoken.h"

void
must(bool ok, const struct error *e, const char *what)
{
	if (!ok)
		fatal("%s: %s (%s)", what, e->msg, fail_name(e->why));
}

struct secret *
softtoken_pin(const char *pin)
{
	struct secret *s = secret_new(LIMIT_PIN_BYTES);

	if (!secret_set(s, pin, strlen(pin)))
		fatal("PIN too long");
	return s;
}

void
softtoken_add(struct softtoken *s, const char *label)
{
	struct secret *so = softtoken_pin(SOFTTOKEN_SO_PIN);
	struct secret *pin = softtoken_pin(SOFTTOKEN_PIN);
	struct error e = { 0 };

	must(hsm_softtoken_create(SOFTHSM_MODULE, s->dir, label, so, pin, &e),
	    &e, "softtoken");
	secret_free(so);
	secret_free(pin);
}

/* SoftHSM truncates a file at every look at a token: in memory, where there is
 * such a place, that takes no time. */
void
softtoken_make(struct softtoken *s)
{
	*s = (struct softtoken){ .deadline_ms = 60000 };
	(void)snprintf(s->dir, sizeof(s->dir), "%s/chancery-hsm-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(s->dir) == NULL)
		fatal("mkdtemp");
	softtoken_add(s, "ca");
}

void
softtoken_open(struct softtoken *s, const char *module, bool read_write)
{
	const struct hsm_module_config mc = { .path = module };
	const struct hsm_token_config tc = { .uri = "pkcs11:token=ca",
		.read_write = read_write,
		.sign_deadline_ms = s->deadline_ms };
	struct secret *pin = softtoken_pin(SOFTTOKEN_PIN);
	struct error e = { 0 };

	s->m = hsm_module_load(&mc, &e);
	must(s->m != NULL, &e, "module");
	s->t = hsm_token_open(s->m, &tc, pin, &e);
	must(s->t != NULL, &e, "token");
	secret_free(pin);
}

void
softtoken_close(struct softtoken *s)
{
	hsm_token_close(take(s->t));
	hsm_module_unload(take(s->m));
}

static int
remove_one(const char *path, unused_arg const struct stat *st,
    unused_arg int flag, unused_arg struct FTW *ftw)
{
	return remove(path);
}

void
softtoken_remove(struct softtoken *s)
{
	softtoken_close(s);
	(void)nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct hsm_key *
softtoken_key(struct softtoken *s, const char *type, const char *label)
{
	uint8_t id[16];
	struct hsm_keygen spec = { .label = label,
		.id = { id, sizeof(id) },
		.destroyable = true };
	struct error e = { 0 };
	struct hsm_key *k;

	random_bytes(id, sizeof(id));
	if (!key_type_by_name(type, &spec.type))
		fatal("key type %s", type);
	k = hsm_key_generate(s->t, &spec, NULL, &e);
	must(k != NULL, &e, label);
	return k;
}
