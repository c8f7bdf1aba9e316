/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/catalog.h>
#include <chancery/ceremony/home.h>
#include <chancery/ceremony/issue.h>
#include <chancery/ceremony/session.h>
#include <chancery/pki/crl.h>
#include <chancery/pki/name.h>

#include "cli.h"
#include "crl_audit.h"
#include "crl_kit.h"
#include "subject.h"

#define CRL_BYTES_MAX (1L << 30)

/* ---- cert list, cert show ------------------------------------------------ */

struct list {
	struct doc *doc;
	const struct reg_state *state;
};

static const char *
cert_status(const struct reg_state *s, const struct sha256 *key,
    struct bytes serial, bool assumed)
{
	struct revoked_entry r;
	uint8_t aligned[20];

	if (serial_align(serial, aligned) &&
	    reg_state_revoked(s, key, aligned, &r))
		return crl_reason_name((enum crl_reason)r.reason);
	return assumed ? "assumed" : "good";
}

static bool
list_entry(void *arg, const struct catalog_entry *en, struct error *e)
{
	struct list *l = arg;
	auto_buf struct buf subject = { 0 };
	struct tbs_view v;
	struct doc *row;

	if (!tbs_parse(en->tbs, &v, e) || !name_format(v.subject, &subject, e))
		return false;
	row = doc_row(l->doc, "certificates", "certificates");
	doc_hex(row, "serial", "serial", v.serial);
	doc_textn(row, "subject", "subject", buf_bytes(&subject));
	doc_text(row, "profile", "profile", en->profile);
	doc_time(row, "not_after", "not after", v.not_after_s);
	doc_text(row, "status", "status",
	    cert_status(l->state, &en->key, v.serial, en->assumed));
	doc_int(row, "record", "record", (int64_t)en->outcome);
	doc_bool(row, "ca", NULL, en->ca);
	doc_hex(row, "issuer_key", NULL, sha256_bytes(&en->key));
	return true;
}

static bool
run_list(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	auto_reg struct reg *r = NULL;
	struct list l = { .doc = c->doc };

	if (h == NULL || (r = session_read_register(h, e)) == NULL)
		return false;
	l.state = reg_get_state(r);
	doc_list(c->doc, "certificates", "certificates");
	return catalog_walk(h->register_dir, list_entry, &l, e);
}

static void
add_name(struct doc *d, const char *key, const char *label, struct bytes name)
{
	auto_buf struct buf text = { 0 };
	struct error ignored = { 0 };

	if (!name_format(name, &text, &ignored))
		buf_add_str(&text, "?");
	doc_textn(d, key, label, buf_bytes(&text));
}

static void
show_cert(struct doc *d, const struct cert *c)
{
	struct sha256 h = sha256(buf_bytes(&c->der)),
		      k = sha256(c->tbs.spki_der);

	add_name(d, "subject", "subject", c->tbs.subject);
	add_name(d, "issuer", "issuer", c->tbs.issuer);
	doc_hex(d, "serial", "serial", c->tbs.serial);
	doc_time(d, "not_before", "not before", c->tbs.not_before_s);
	doc_time(d, "not_after", "not after", c->tbs.not_after_s);
	doc_bool(d, "ca", "CA", c->tbs.is_ca);
	doc_text(d, "algorithm", "signature", sig_alg_info(c->alg)->name);
	doc_hex(d, "sha256", "SHA-256", sha256_bytes(&h));
	doc_hex(d, "key", "SPKI SHA-256", sha256_bytes(&k));
}

static bool
write_cert(struct cli *c, const struct home *h, const struct catalog_match *m,
    struct error *e)
{
	auto_catalog_chain struct catalog_chain chain = { 0 };
	auto_buf struct buf text = { 0 };
	const char *name = cli_flag(c, "format");
	enum cert_format format = FORMAT_PEM;

	if (name != NULL && !cert_format_by_name(name, &format, e))
		return false;
	if (format == FORMAT_PEM_BUNDLE &&
	    !catalog_chain(h->register_dir, &m->key, &chain, e))
		return false;
	cert_write_format(buf_bytes(&m->der), format, chain.v, chain.n, &text);
	if (!file_create(cli_flag(c, "out"), buf_bytes(&text), 0644, e))
		return false;
	doc_text(c->doc, "file", "file", cli_flag(c, "out"));
	return true;
}

static bool
run_show(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	auto_reg struct reg *r = NULL;
	auto_catalog_match struct catalog_match m = { 0 };
	auto_cert struct cert cert = { 0 };
	auto_buf struct buf pem = { 0 };

	if (h == NULL || (r = session_read_register(h, e)) == NULL ||
	    !catalog_find_serial(h->register_dir, c->arg[0], &m, e))
		return false;
	if (m.assumed)
		return error_set(e, FAIL_NOT_FOUND,
		    "nobody knows whether serial %s was signed (record %llu); "
		    "it counts as revoked",
		    c->arg[0], (unsigned long long)m.outcome);
	if (!cert_parse(buf_bytes(&m.der), "certificate in the register", &cert,
		e))
		return false;
	show_cert(c->doc, &cert);
	doc_text(c->doc, "status", "status",
	    cert_status(reg_get_state(r), &m.key, cert.tbs.serial, false));
	doc_int(c->doc, "intent", "INTENT record", (int64_t)m.intent);
	doc_int(c->doc, "signed", "SIGNED record", (int64_t)m.outcome);
	if (cli_has(c, "out"))
		return write_cert(c, h, &m, e);
	pem_encode("CERTIFICATE", buf_bytes(&m.der), &pem);
	doc_textn(c->doc, "pem", NULL, buf_bytes(&pem));
	doc_say(c->doc, "%s", buf_cstr(&pem));
	return true;
}

/* ---- revoke -------------------------------------------------------------- */

/* The issuer key of a foreign certificate: --issuer, else the one whose
 * certificate in this register has that name and verifies it. */
struct parent_search {
	const struct cert *cert;
	struct sha256 key;
	bool found;
};

static bool
parent_entry(void *arg, const struct catalog_entry *en, struct error *e)
{
	struct parent_search *s = arg;
	struct tbs_view v;
	struct error no = { 0 };

	if (!en->ca || en->assumed || s->found)
		return true;
	if (!tbs_parse(en->tbs, &v, e))
		return false;
	if (!v.key_ok || !bytes_eq(v.subject, s->cert->tbs.issuer) ||
	    !cert_verify_signature(s->cert, &v.key, &no))
		return true;
	s->key = sha256(v.spki_der);
	s->found = true;
	return true;
}

static bool
revoke_foreign(struct cli *c, struct session *s, struct signer_revoke *req,
    struct cert *cert, struct error *e)
{
	const char *name = cli_flag(c, "issuer");
	struct parent_search p = { .cert = cert };
	const struct state_key *k;

	req->cert = UINT64_MAX;
	req->cert_der = buf_bytes(&cert->der);
	if (name != NULL) {
		k = find_key(reg_get_state(signer_register(s->signer)), name,
		    e);
		if (k == NULL)
			return false;
		req->key = k->key;
		return true;
	}
	if (!catalog_walk(s->home->register_dir, parent_entry, &p, e))
		return false;
	req->key = p.key;
	return p.found ||
	    error_set(e, FAIL_NOT_FOUND,
		"no authority of this register issued %s", cli_flag(c, "cert"));
}

/* A certificate of ours is revoked by its record even when a file brings it. */
static bool
revoke_target(struct cli *c, struct session *s, struct signer_revoke *req,
    struct cert *cert, struct error *e)
{
	auto_catalog_match struct catalog_match m = { 0 };
	char serial[2 * LIMIT_CERT_BYTES / 1024 + 1];
	struct error no = { 0 };
	const char *text = c->args > 0 ? c->arg[0] : serial;

	if (c->args == 0) {
		if (cert->tbs.serial.n * 2 >= sizeof(serial))
			return error_set(e, FAIL_BAD_INPUT,
			    "serial number too long");
		hex_encode(cert->tbs.serial, serial);
	}
	if (!catalog_find_serial(s->home->register_dir, text, &m, &no)) {
		if (c->args > 0 || no.why != FAIL_NOT_FOUND) {
			*e = no;
			return false;
		}
		return revoke_foreign(c, s, req, cert, e);
	}
	if (c->args == 0 && !m.assumed &&
	    !bytes_eq(buf_bytes(&m.der), buf_bytes(&cert->der)))
		return error_set(e, FAIL_BAD_INPUT,
		    "%s is another certificate than the register has under "
		    "this serial",
		    cli_flag(c, "cert"));
	req->key = m.key;
	req->cert = m.outcome;
	return true;
}

static bool
revoke_flags(const struct cli *c, struct signer_revoke *req, struct cert *cert,
    struct error *e)
{
	auto_buf struct buf text = { 0 };
	const char *file = cli_flag(c, "cert"),
		   *invalid = cli_flag(c, "invalidity");

	if ((c->args == 1) == (file != NULL))
		return error_set(e, FAIL_USAGE, "give SERIAL or --cert FILE");
	if (!crl_reason_by_name(cli_flag(c, "reason"), &req->reason))
		return error_set(e, FAIL_USAGE,
		    "--reason \"%s\": must be a reason of RFC 5280, such as "
		    "keyCompromise, superseded or cessationOfOperation",
		    cli_flag(c, "reason"));
	if (invalid != NULL &&
	    !time_parse_s(invalid, strlen(invalid), &req->invalidity_s))
		return error_set(e, FAIL_USAGE,
		    "--invalidity \"%s\" is not a time such as "
		    "2026-11-22T00:00:00Z",
		    invalid);
	return file == NULL ||
	    (file_read_arg(file, LIMIT_CERT_BYTES, &text, e) &&
		cert_parse(buf_bytes(&text), file, cert, e));
}

static bool
run_revoke(struct cli *c, struct error *e)
{
	auto_home struct home *h = NULL;
	auto_session struct session *s = NULL;
	auto_cert struct cert cert = { 0 };
	struct signer_revoke req = { .claim = cli_claim(c) };
	struct signer_reply reply = { 0 };

	if (!revoke_flags(c, &req, &cert, e) ||
	    (s = cli_session(c, 0, &h, e)) == NULL ||
	    !revoke_target(c, s, &req, &cert, e) ||
	    !signer_revoke_wait(s->signer, &req, &reply, e))
		return false;
	doc_text(c->doc, "reason", "revoked", crl_reason_name(req.reason));
	if (c->args > 0)
		doc_text(c->doc, "serial", "serial", c->arg[0]);
	else
		doc_hex(c->doc, "serial", "serial", cert.tbs.serial);
	doc_hex(c->doc, "issuer_key", "issuer key", sha256_bytes(&req.key));
	doc_say(c->doc, "It is on the next CRL: chancery crl issue.");
	return session_close(take(s), e);
}

/* ---- crl ----------------------------------------------------------------- */

bool
crl_request(struct cli *c, struct session *s, struct cert *issuer,
    struct signer_crl *req, struct error *e)
{
	const struct state_key *k =
	    find_key(reg_get_state(signer_register(s->signer)),
		cli_flag(c, "issuer"), e);
	const char *file = cli_flag(c, "issuer-cert");
	const struct ext *ski;
	struct bytes id;

	if (k == NULL)
		return false;
	req->key = k->key;
	if (file != NULL) {
		if (!issuer_file(file, &k->key, issuer, e))
			return false;
	} else if (!catalog_issuer(s->home->register_dir, &k->key, issuer, NULL,
		       e)) {
		return error_context(e, "issuer \"%s\"", k->label);
	}
	if (!issuer->tbs.key_ok)
		return error_set(e, FAIL_BAD_INPUT,
		    "the issuer's certificate has a key that is not usable");
	if (issuer->tbs.not_after_s < clock_wall_ms(&clock_system) / 1000)
		return error_set(e, FAIL_REFUSED,
		    "the issuer's certificate has expired");
	req->issuer = issuer->tbs.subject;
	req->alg = sig_alg_default(issuer->tbs.key.type);
	spki_key_id(&issuer->tbs.key, req->issuer_key_id);
	ski = exts_find(&issuer->tbs.exts, EXT_SKI);
	if (ski == NULL)
		return true;
	if (!ext_ski(ski, &id, e))
		return false;
	if (id.n == sizeof(req->issuer_key_id))
		memcpy(req->issuer_key_id, id.p, id.n);
	return true;
}

#define CRL_LIFE_S (7 * 86400)
#define CRL_LIFE_MAX_S (366LL * 86400)

static bool
copy_crl(struct cli *c, struct bytes der, struct error *e)
{
	auto_buf struct buf pem = { 0 };
	const char *to = cli_flag(c, "out"), *format = cli_flag(c, "format");

	if (format != NULL && strcmp(format, "der") == 0)
		return file_create(to, der, 0644, e);
	pem_encode("X509 CRL", der, &pem);
	return file_create(to, buf_bytes(&pem), 0644, e);
}

static bool
crl_flags(const struct cli *c, struct signer_crl *req, struct error *e)
{
	const char *format = cli_flag(c, "format");

	if (!life_flag(c, &req->period_s, e))
		return false;
	if (req->period_s == 0)
		req->period_s = CRL_LIFE_S;
	/* Asked before it is signed: lint would refuse the list afterwards. */
	if (req->period_s > CRL_LIFE_MAX_S)
		return error_set(e, FAIL_USAGE,
		    "--life: a list is good for 366 days at most (BR 4.9.7)");
	if (format != NULL && strcmp(format, "pem") != 0 &&
	    strcmp(format, "der") != 0)
		return error_set(e, FAIL_USAGE,
		    "format \"%s\": must be pem or der", format);
	return output_check(cli_flag(c, "out"), e);
}

static bool
run_crl_issue(struct cli *c, struct error *e)
{
	auto_home struct home *h = NULL;
	auto_session struct session *s = NULL;
	auto_cert struct cert issuer = { 0 };
	auto_mem char *path = NULL;
	auto_buf struct buf der = { 0 };
	struct signer_crl req = { .scope = "full", .claim = cli_claim(c) };
	struct signer_reply reply = { 0 };

	if (!crl_flags(c, &req, e) || (s = cli_session(c, 0, &h, e)) == NULL ||
	    !crl_request(c, s, &issuer, &req, e) ||
	    !signer_sign_crl_wait(s->signer, &req, &reply, e))
		return false;
	path = kept_crl_path(h, &req.key, reply.crl_number);
	if (!kept_crl_read(h, &req.key, reply.crl_number, &issuer, &der, e) ||
	    !copy_crl(c, buf_bytes(&der), e))
		return error_context(e, "the CRL is in %s", path);
	doc_text(c->doc, "file", "CRL", cli_flag(c, "out"));
	doc_int(c->doc, "number", "number", (int64_t)reply.crl_number);
	doc_int(c->doc, "entries", "entries", (int64_t)reply.entries);
	doc_int(c->doc, "bytes", "bytes", (int64_t)reply.bytes);
	doc_int(c->doc, "signed", "SIGNED record", (int64_t)reply.signed_);
	doc_text(c->doc, "kept", "kept in", path);
	return session_close(take(s), e);
}

static void
crl_row(struct doc *d, const struct crl_entry *en)
{
	struct doc *row = doc_row(d, "revoked", "revoked");
	size_t skip = 0;

	while (skip < 19 && en->serial[skip] == 0)
		skip++;
	doc_hex(row, "serial", "serial",
	    bytes_of(en->serial + skip, 20 - skip));
	doc_time(row, "date", "date", en->revoked_s);
	doc_text(row, "reason", "reason", crl_reason_name(en->reason));
}

static bool
run_crl_show(struct cli *c, struct error *e)
{
	auto_buf struct buf text = { 0 }, owned = { 0 };
	struct crl_view v;
	struct crl_entry en;
	size_t at = 0, n = 0;

	if (!file_read_arg(c->arg[0], CRL_BYTES_MAX, &text, e) ||
	    !crl_parse(buf_bytes(&text), c->arg[0], &owned, &v, e))
		return false;
	add_name(c->doc, "issuer", "issuer", v.issuer);
	doc_int(c->doc, "number", "number", (int64_t)v.number);
	doc_time(c->doc, "this_update", "this update", v.this_update_s);
	doc_time(c->doc, "next_update", "next update", v.next_update_s);
	doc_text(c->doc, "algorithm", "signature", sig_alg_info(v.alg)->name);
	doc_list(c->doc, "revoked", "revoked");
	error_clear(e);
	while (crl_next_entry(&v, &at, &en, e)) {
		crl_row(c->doc, &en);
		n++;
	}
	if (e->why != FAIL_NONE)
		return false;
	doc_int(c->doc, "entries", NULL, (int64_t)n);
	return true;
}

/* ---- table --------------------------------------------------------------- */

static const struct flag show_flags[] = {
	{ "out", "FILE", "also write it to a new file", false, false },
	{ "format", "FORMAT", "pem, pem_bundle or der; pem by default", false,
	    false },
	{ 0 },
};
static const struct flag revoke_flag_table[] = {
	{ "reason", "REASON",
	    "keyCompromise, cACompromise, affiliationChanged, superseded, "
	    "cessationOfOperation, privilegeWithdrawn, aACompromise or "
	    "unspecified",
	    true, false },
	{ "cert", "FILE", "the certificate instead of its serial", false,
	    false },
	{ "issuer", "KEY", "issuer key of a certificate that is not in here",
	    false, false },
	{ "invalidity", "TIME", "when the key was no longer good", false,
	    false },
	{ 0 },
};
static const struct flag crl_issue_flags[] = {
	{ "issuer", "KEY", "label or hash of the issuer's key", true, false },
	{ "issuer-cert", "FILE",
	    "the issuer's certificate, when another authority signed it", false,
	    false },
	{ "out", "FILE", "new file for the CRL", true, false },
	{ "life", "DURATION", "until nextUpdate; 7d by default", false, false },
	{ "format", "FORMAT", "pem or der; pem by default", false, false },
	{ 0 },
};

const struct command cert_commands[] = {
	{ "cert list", "", "list the certificates of the register", 0, 0, NULL,
	    true, run_list, NULL },
	{ "cert show", "SERIAL", "print a certificate from the register", 1, 1,
	    show_flags, true, run_show, NULL },
	{ "revoke", "[SERIAL]", "revoke a certificate", 0, 1, revoke_flag_table,
	    true, run_revoke,
	    "The certificate is named by its serial or brought as a file." },
	{ "crl issue", "", "have the signer write and sign a CRL", 0, 0,
	    crl_issue_flags, true, run_crl_issue,
	    "It is complete by construction: the signer's own revocation "
	    "records are its only source." },
	{ "crl audit", "[REGISTER]",
	    "hold the lists that readers get against the register", 0, 1,
	    crl_audit_flags, true, run_crl_audit,
	    "Every unexpired revocation must be on the newest list of its "
	    "scope, "
	    "every entry have its record, no nextUpdate have passed, numbers "
	    "rise without gaps; with --rebuild, lists of the past are made "
	    "again "
	    "from the records, byte for byte. Each finding names its rule. "
	    "Reads only: chanceryd may run. With REGISTER, another register "
	    "without its home. register verify checks the records "
	    "themselves." },
	{ "crl kit make", "DIR", "sign an ordinary list and an emergency kit",
	    1, 1, crl_kit_make_flags, true, run_crl_kit_make,
	    "For the day on which the root cannot be reached: one list for "
	    "each "
	    "authority below it that revokes it, one that revokes all, one "
	    "with "
	    "a late end. DIR is new; what is in it is to be sealed." },
	{ "crl kit check", "DIR", "verify an emergency kit", 1, 1,
	    crl_kit_check_flags, false, run_crl_kit_check,
	    "Signatures, hashes, numbers, and that none of its lists has "
	    "ended. "
	    "Needs neither the root nor a register." },
	{ "crl kit publish", "DIR",
	    "have the service serve and publish a list of a kit", 1, 1,
	    crl_kit_publish_flags, true, run_crl_kit_publish,
	    "In the home of the service that serves the root's lists. Never an "
	    "older one over a newer one." },
	{ "crl show", "FILE", "print a CRL", 1, 1, NULL, false, run_crl_show,
	    NULL },
};
const size_t cert_commands_n = countof(cert_commands);
