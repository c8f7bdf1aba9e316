/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An emergency kit: lists that are signed while the root can be reached, for the day on which
 * it cannot. One for each authority below it that calls it revoked, one that calls all of them
 * so, and one with what is revoked today and a late end. Their numbers follow on that of the
 * ordinary list which is signed with them, and the next ordinary one follows on theirs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/catalog.h>
#include <chancery/ceremony/issue.h>
#include <chancery/pki/crl.h>
#include <chancery/pki/name.h>

#include "crl_kit.h"

#define LIFE_DEFAULT (100LL * 86400)
#define LONG_DEFAULT (180LL * 86400)
#define LIFE_MAX (366LL * 86400)
/* As the signer takes them in one list. */
#define CAS_MAX 8

const struct flag crl_kit_make_flags[] = {
	{ "issuer", "KEY", "label or hash of the root's key", true, false },
	{ "issuer-cert", "FILE",
	    "its certificate, when another authority signed it", false, false },
	{ "life", "DURATION",
	    "of the ordinary list and of those that revoke; 100d by default",
	    false, false },
	{ "long", "DURATION",
	    "of the list for a root that is gone; 180d by default", false,
	    false },
	{ 0 },
};

struct ca {
	uint64_t intent;
	char *subject;
};
struct kit {
	struct cli *cli;
	struct session *session;
	struct cert issuer;
	struct signer_crl req;
	int64_t life_s, long_s, now_s;
	struct ca ca[CAS_MAX];
	size_t cas;
	char *dir; /* being made */
	struct buf sums, text;
};

/* ---- whom it may have to revoke ----------------------------------------------- */

static bool
is_revoked(const struct kit *k, const struct cert *cert)
{
	struct revoked_entry ignored;
	uint8_t serial[20];

	return serial_align(cert->tbs.serial, serial) &&
	    reg_state_revoked(reg_get_state(
				  signer_register(k->session->signer)),
		&k->req.key, serial, &ignored);
}

static bool
note_ca(void *arg, const struct catalog_entry *en, struct error *e)
{
	auto_buf struct buf der = { 0 }, subject = { 0 };
	auto_cert struct cert cert = { 0 };
	struct kit *k = arg;

	if (!en->ca || en->assumed ||
	    memcmp(en->key.b, k->req.key.b, SHA256_LEN) != 0)
		return true;
	catalog_certificate(en, &der);
	if (!cert_parse(buf_bytes(&der), "register", &cert, e))
		return false;
	if (cert.tbs.not_after_s < k->now_s || is_revoked(k, &cert) ||
	    bytes_eq(cert.tbs.spki_der, k->issuer.tbs.spki_der))
		return true;
	if (k->cas == CAS_MAX)
		return error_set(e, FAIL_UNSUPPORTED,
		    "more than %d authorities below this key: a kit has no "
		    "place for them",
		    CAS_MAX);
	if (!name_format(cert.tbs.subject, &subject, e))
		return false;
	k->ca[k->cas++] =
	    (struct ca){ en->intent, mem_strdup(buf_cstr(&subject)) };
	return true;
}

/* ---- its lists -------------------------------------------------------------------- */

static bool
check_list(const struct kit *k, struct bytes der, uint64_t number,
    struct error *e)
{
	auto_buf struct buf owned = { 0 };
	struct crl_view v;

	if (!crl_parse(der, "list", &owned, &v, e) ||
	    !crl_verify(&v, &k->issuer.tbs.key, e))
		return false;
	if (v.number != number)
		return error_set(e, FAIL_INTERNAL, "another number");
	return reparse_crl(der, e);
}

static bool
note_list(struct kit *k, const char *name, const char *what,
    const struct signer_reply *r, struct bytes der)
{
	struct doc *row = doc_row(k->cli->doc, "lists", "lists");
	struct sha256 h = sha256(der);

	doc_int(row, "number", "number", (int64_t)r->crl_number);
	doc_text(row, "file", "file", name);
	doc_text(row, "for", "for", what);
	doc_int(row, "entries", "entries", (int64_t)r->entries);
	doc_hex(row, "sha256", NULL, sha256_bytes(&h));
	buf_add_hex(&k->sums, sha256_bytes(&h));
	buf_addf(&k->sums, "  %s\n", name);
	buf_addf(&k->text, "%llu  %s  %s\n", (unsigned long long)r->crl_number,
	    name, what);
	return true;
}

/* The number is known only when it is signed: the file gets its name then. */
static bool
add_list(struct kit *k, const char *scope, int64_t life_s, const char *suffix,
    const char *what, struct error *e)
{
	auto_mem char *first = path_join(k->dir, "list");
	auto_mem char *name = NULL, *path = NULL;
	auto_buf struct buf der = { 0 };
	struct signer_reply reply = { 0 };
	struct signer_crl req = k->req;

	req.scope = scope;
	req.period_s = life_s;
	req.path = first;
	if (!signer_sign_crl_wait(k->session->signer, &req, &reply, e))
		return error_context(e, "%s", what);
	name = mem_printf("%llu-%s.crl", (unsigned long long)reply.crl_number,
	    suffix);
	path = path_join(k->dir, name);
	if (!file_read(first, KIT_FILE_MAX, &der, e) ||
	    !check_list(k, buf_bytes(&der), reply.crl_number, e))
		return error_context(e, "%s", what);
	if (chmod(first, 0600) != 0 || rename(first, path) != 0)
		return error_errno(e, FAIL_IO, "%s", path);
	return note_list(k, name, what, &reply, buf_bytes(&der));
}

static bool
add_lists(struct kit *k, struct error *e)
{
	auto_buf struct buf all = { 0 };

	for (size_t i = 0; i < k->cas; i++) {
		auto_mem char *scope =
		    mem_printf("kit:%llu", (unsigned long long)k->ca[i].intent);
		auto_mem char *suffix = mem_printf("revoked-%llu",
		    (unsigned long long)k->ca[i].intent);
		auto_mem char *what =
		    mem_printf("revokes %s", k->ca[i].subject);

		if (!add_list(k, scope, k->life_s, suffix, what, e))
			return false;
		buf_addf(&all, "%s%llu", i == 0 ? "kit:" : "+",
		    (unsigned long long)k->ca[i].intent);
	}
	if (k->cas > 1 &&
	    !add_list(k, buf_cstr(&all), k->life_s, "revoked-all",
		"revokes all of them", e))
		return false;
	return add_list(k, "kit", k->long_s, "root-gone",
	    "what is revoked today, with a late end", e);
}

static bool
add_ordinary(struct kit *k, struct error *e)
{
	struct signer_reply reply = { 0 };
	struct signer_crl req = k->req;
	auto_buf struct buf der = { 0 };
	auto_mem char *path = NULL;

	req.scope = "full";
	req.period_s = k->life_s;
	if (!signer_sign_crl_wait(k->session->signer, &req, &reply, e))
		return error_context(e, "the ordinary list");
	path = kept_crl_path(k->session->home, &req.key, reply.crl_number);
	if (!kept_crl_read(k->session->home, &req.key, reply.crl_number,
		&k->issuer, &der, e))
		return false;
	doc_int(k->cli->doc, "ordinary", "ordinary list",
	    (int64_t)reply.crl_number);
	doc_text(k->cli->doc, "kept", "kept in", path);
	return true;
}

/* ---- the folder --------------------------------------------------------------------- */

static bool
write_file(const struct kit *k, const char *name, struct bytes v,
    struct error *e)
{
	auto_mem char *path = path_join(k->dir, name);

	return file_create(path, v, 0600, e);
}

static bool
write_rest(struct kit *k, struct error *e)
{
	auto_buf struct buf pem = { 0 };

	pem_encode("CERTIFICATE", buf_bytes(&k->issuer.der), &pem);
	return write_file(k, KIT_ISSUER, buf_bytes(&pem), e) &&
	    write_file(k, KIT_SUMS, buf_bytes(&k->sums), e) &&
	    write_file(k, "kit.txt", buf_bytes(&k->text), e) &&
	    dir_sync(k->dir, e);
}

static void
remove_dir(const char *dir)
{
	auto_dir DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		auto_mem char *path = path_join(dir, entry->d_name);

		if (entry->d_name[0] != '.')
			(void)unlink(path);
	}
	(void)rmdir(dir);
}

/* Whole under its name, or not there at all. What was signed stands in the register. */
static bool
make_dir(struct kit *k, const char *to, struct error *e)
{
	if (mkdir(k->dir, 0700) != 0)
		return error_errno(e, FAIL_IO, "%s", k->dir);
	if (add_ordinary(k, e) && add_lists(k, e) && write_rest(k, e)) {
		if (rename(k->dir, to) == 0)
			return true;
		(void)error_errno(e, FAIL_IO, "%s", to);
	}
	remove_dir(k->dir);
	return false;
}

/* ---- the command ------------------------------------------------------------------------ */

static bool
duration_flag(const struct cli *c, const char *name, int64_t usual,
    int64_t *out, struct error *e)
{
	const char *v = cli_flag(c, name);

	*out = usual;
	if (v != NULL && !parse_duration(v, out))
		return error_set(e, FAIL_USAGE,
		    "--%s \"%s\": want a duration such as 90d", name, v);
	return (*out > 0 && *out <= LIFE_MAX) ||
	    error_set(e, FAIL_USAGE, "--%s: from 1s to 366d (BR 4.9.7)", name);
}

static bool
open_kit(struct kit *k, struct home **h, struct error *e)
{
	k->req = (struct signer_crl){ .claim = cli_claim(k->cli) };
	k->now_s = clock_wall_ms(&clock_system) / 1000;
	if (!duration_flag(k->cli, "life", LIFE_DEFAULT, &k->life_s, e) ||
	    !duration_flag(k->cli, "long", LONG_DEFAULT, &k->long_s, e) ||
	    !file_check_absent(k->cli->arg[0], e) ||
	    !file_check_absent(k->dir, e) ||
	    (k->session = cli_session(k->cli, 0, h, e)) == NULL)
		return false;
	return crl_request(k->cli, k->session, &k->issuer, &k->req, e) &&
	    catalog_walk(k->session->home->register_dir, note_ca, k, e);
}

static void
kit_free(struct kit *k)
{
	for (size_t i = 0; i < k->cas; i++)
		mem_free(k->ca[i].subject);
	cert_free(&k->issuer);
	buf_free(&k->sums);
	buf_free(&k->text);
	mem_free(k->dir);
	session_free(k->session);
}

bool
run_crl_kit_make(struct cli *c, struct error *e)
{
	auto_home struct home *h = NULL;
	auto_cleanup(kit_free) struct kit k = { .cli = c,
		.dir = mem_printf("%s.new", c->arg[0]) };

	if (!open_kit(&k, &h, e) || !make_dir(&k, c->arg[0], e))
		return false;
	doc_text(c->doc, "kit", "kit", c->arg[0]);
	doc_say(c->doc,
	    "Seal it: whoever has the list with the late end can hide a "
	    "revocation until then. Destroy the kit before it. Every ordinary "
	    "list from now on has a higher number.");
	return session_close(take(k.session), e);
}
