/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/base/text.h>
#include <chancery/ceremony/home.h>
#include <chancery/ceremony/issue.h>
#include <chancery/ceremony/session.h>
#include <chancery/charter/charter.h>
#include <chancery/pki/csr.h>
#include <chancery/pki/der.h>
#include <chancery/pki/name.h>
#include <chancery/pki/spki.h>
#include <chancery/signer/custody.h>

#include "cli.h"
#include "custody.h"
#include "subject.h"

static bool
read_charter(const char *path, struct buf *json, struct error *e)
{
	auto_buf struct buf text = { 0 }, report = { 0 };
	auto_charter struct charter *c = NULL;

	if (!file_read_arg(path, LIMIT_CONFIG_BYTES, &text, e))
		return false;
	c = charter_parse_yaml(buf_bytes(&text), path, &report, e);
	if (c == NULL) {
		/* Every mistake, not only the first. */
		out_err(buf_cstr(&report));
		return false;
	}
	charter_to_json(c, json);
	return true;
}

/* --charter NAME or --charter-file FILE; neither: empty. */
static bool
charter_flag(const struct cli *c, struct buf *json, struct error *e)
{
	const char *name = cli_flag(c, "charter"),
		   *file = cli_flag(c, "charter-file");
	auto_charter struct charter *t = NULL;

	if (name != NULL && file != NULL)
		return error_set(e, FAIL_USAGE,
		    "--charter or --charter-file, not both");
	if (file != NULL)
		return read_charter(file, json, e);
	if (name == NULL)
		return true;
	t = charter_template(name);
	if (t == NULL)
		return error_set(e, FAIL_USAGE, "no charter template \"%s\"",
		    name);
	charter_to_json(t, json);
	return true;
}

/* ---- key list ------------------------------------------------------------ */

static const char *
key_status(const struct state_key *k)
{
	if (k->destroyed)
		return "destroyed";
	if (k->released)
		return "released";
	if (k->imported)
		return "imported; has lived outside an HSM";
	return k->adopted ? "adopted" : "generated";
}

/* In every report of a key that was made elsewhere. */
static void
say_imported(struct doc *d, const struct state_key *k)
{
	doc_bool(d, "imported", NULL, k->imported);
	if (k->imported)
		doc_say(d,
		    "This key has lived outside an HSM: it was imported.");
}

static void
key_row(struct doc *d, const struct state_key *k)
{
	struct doc *row = doc_row(d, "keys", "keys");
	struct spki s;
	struct error e = { 0 };
	char hex[2 * SHA256_LEN + 1];

	hex_encode(sha256_bytes(&k->key), hex);
	doc_text(row, "label", "label", k->label);
	doc_text(row, "type", "type",
	    spki_parse(k->spki, &s, &e) ? key_type_name(s.type) : "unknown");
	doc_text(row, "token_serial", "token", k->token);
	doc_text(row, "status", "status", key_status(k));
	doc_int(row, "signatures", "signatures", (int64_t)k->signatures);
	doc_bool(row, "imported", NULL, k->imported);
	doc_bool(row, "charter", "charter", k->charter.n > 0);
	doc_text(row, "key", "SPKI SHA-256", hex);
	doc_hex(row, "id", NULL, bytes_of(k->id, k->id_len));
}

static bool
run_list(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	auto_reg struct reg *r = NULL;
	const struct reg_state *s;

	if (h == NULL || (r = session_read_register(h, e)) == NULL)
		return false;
	s = reg_get_state(r);
	doc_list(c->doc, "keys", "keys");
	for (size_t i = 0; i < reg_state_keys(s); i++)
		key_row(c->doc, reg_state_key_at(s, i));
	return true;
}

/* ---- key generate -------------------------------------------------------- */

static bool
check_token(const struct home *h, const char *name, struct error *e)
{
	const struct home_token *t = home_find_token(h, name);
	auto_buf struct buf have = { 0 };

	if (t != NULL && t->role == HOME_ROLE_CA)
		return true;
	for (size_t i = 0; i < h->tokens; i++)
		if (h->token[i].role == HOME_ROLE_CA)
			buf_addf(&have, " %s", h->token[i].name);
	return error_set(e, FAIL_NOT_FOUND,
	    "no token \"%s\" for CA keys in chancery.yaml; it has:%s", name,
	    have.n > 0 ? buf_cstr(&have) : " none");
}

static bool
run_generate(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	auto_session struct session *s = NULL;
	auto_buf struct buf charter = { 0 };
	struct signer_keygen req = { .label = cli_flag(c, "label"),
		.destroyable = true,
		.claim = cli_claim(c) };
	struct session_options opt = { .flags = SESSION_WRITE,
		.who = req.claim.who };
	struct hsm_custody custody = { 0 };
	struct sha256 key;

	if (!key_type_by_name(cli_flag(c, "type"), &req.type) ||
	    !key_type_can_generate(req.type))
		return error_set(e, FAIL_USAGE,
		    "--type: must be rsa-2048, rsa-3072, rsa-4096, ec-p256, "
		    "ec-p384 or ed25519");
	if (h == NULL || !label_flag_check(c, e) ||
	    !check_token(h, cli_flag(c, "token"), e) ||
	    !charter_flag(c, &charter, e) ||
	    (s = session_open(h, &opt, e)) == NULL)
		return false;
	req.token = session_token_index(s, cli_flag(c, "token"));
	req.charter_json = buf_bytes(&charter);
	if (!signer_key_generate(s->signer, &req, &key, &custody, e))
		return false;
	doc_text(c->doc, "label", "label", req.label);
	doc_text(c->doc, "type", "type", key_type_name(req.type));
	doc_hex(c->doc, "key", "SPKI SHA-256", sha256_bytes(&key));
	custody_doc(c->doc, &custody);
	return session_close(take(s), e);
}

/* ---- key custody --------------------------------------------------------- */

static bool
attack_key(struct cli *c, struct session *s, struct hsm_key *k,
    struct hsm_custody *out, struct error *e)
{
	struct key_type type = hsm_key_get_info(k)->type;

	if (!hsm_key_attributes(k, out, e))
		return false;
	if (!cli_has(c, "attack"))
		return true;
	/* Some modules lose the original in a failed copy: first a key that
	 * does not matter. */
	for (size_t i = 0; i < s->home->tokens; i++) {
		struct hsm_custody trial = { 0 };

		if (s->home->token[i].role != HOME_ROLE_CA)
			continue;
		if (!hsm_sacrificial_test(s->host.token[i], type, &trial, e))
			return false;
		if (!trial.attacks_ok)
			return error_set(e, FAIL_REFUSED,
			    "an attack on a sacrificial key succeeded: the "
			    "real key is not attacked");
	}
	return hsm_key_attack(k, out, e);
}

static bool
record_custody(struct session *s, const struct sha256 *key,
    const struct hsm_custody *custody, struct error *e)
{
	struct record rec;
	auto_buf struct buf json = { 0 };

	custody_to_json(custody, &json);
	record_init(&rec, REC_CUSTODY);
	record_hash(&rec, "key", key);
	record_bool(&rec, "ok", custody->attrs_ok && custody->attacks_ok);
	record_json(&rec, "result", buf_bytes(&json));
	record_text(&rec, "what",
	    custody->attacks > 0 ? "inspection with attacks"
				 : "inspection of attributes");
	return signer_record(s->signer, &rec, bytes_of(NULL, 0), NULL, e);
}

/* An imported key cannot show that it was always in the HSM, which its charter knows; what it
 * can show it has to. */
static const char *
verdict(const struct record *rec, bool imported)
{
	if (record_get_int(rec, "ok") != 0)
		return "good";
	return imported && custody_is_but_imported(record_get(rec, "result"))
	    ? "held since its import; nothing is shown of the time before"
	    : "NOT GOOD";
}

/* What the register holds of this key, and of the sacrificial keys of its log. */
struct evidence {
	struct doc *doc;
	const struct sha256 *key;
	bool imported;
};

static bool
evidence_each(void *arg, unused_arg struct bytes line, const struct record *rec,
    unused_arg struct error *e)
{
	const struct evidence *v = arg;
	struct sha256 key;
	struct doc *row;

	if (rec->type != REC_CUSTODY ||
	    (record_get_hash(rec, "key", &key) &&
		memcmp(key.b, v->key->b, SHA256_LEN) != 0))
		return true;
	row = doc_row(v->doc, "evidence", "evidence in the register");
	doc_int(row, "record", "record", (int64_t)rec->n);
	doc_time(row, "time", "time", rec->t_ms / 1000);
	doc_textn(row, "what", "what", record_get(rec, "what"));
	doc_text(row, "verdict", "verdict", verdict(rec, v->imported));
	return true;
}

static bool
run_custody(struct cli *c, struct error *e)
{
	auto_home struct home *h = NULL;
	auto_session struct session *s =
	    cli_session(c, cli_has(c, "attack") ? SESSION_WRITE : 0, &h, e);
	struct hsm_custody custody = { 0 };
	const struct state_key *k;
	struct hsm_key *handle;
	struct sha256 key;
	bool imported;

	if (s == NULL ||
	    (k = find_key(reg_get_state(signer_register(s->signer)), c->arg[0],
		 e)) == NULL)
		return false;
	key = k->key;
	imported = k->imported;
	handle = signer_key_handle(s->signer, &key);
	if (handle == NULL)
		return error_set(e, FAIL_NOT_FOUND,
		    "key \"%s\" is on no token that is open here (token "
		    "serial %s)",
		    k->label, k->token);
	doc_text(c->doc, "label", "label", k->label);
	doc_hex(c->doc, "key", "SPKI SHA-256", sha256_bytes(&key));
	doc_text(c->doc, "uri", "URI", hsm_key_uri(handle));
	say_imported(c->doc, k);
	if (!attack_key(c, s, handle, &custody, e))
		return false;
	if (!cli_has(c, "attack"))
		custody.attacks_ok = true;
	custody_doc(c->doc, &custody);
	if (!record_custody(s, &key, &custody, e))
		return false;
	doc_list(c->doc, "evidence", "evidence in the register");
	return reg_walk(reg_dir(signer_register(s->signer)), 0, evidence_each,
		   &(struct evidence){ c->doc, &key, imported }, e) &&
	    session_close(take(s), e);
}

/* ---- key csr --------------------------------------------------------------- */

/* RFC 2986 4.1: version 0, subject, key, no attributes; written from its end. */
static void
request_info(struct bytes subject, struct bytes spki, struct buf *out)
{
	auto_der_writer struct der_writer w = { 0 };
	size_t mark;

	der_w_init(&w, subject.n + spki.n + 64);
	mark = der_w_mark(&w);
	der_w_tlv(&w, DER_CONTEXT_CONSTRUCTED(0), bytes_of(NULL, 0));
	der_w_raw(&w, spki);
	der_w_raw(&w, subject);
	der_w_uint(&w, 0);
	der_w_wrap(&w, DER_SEQUENCE, mark);
	buf_add_bytes(out, der_w_bytes(&w));
}

/* Read back as we read what others bring. */
static bool
check_request(struct bytes der, struct error *e)
{
	auto_csr struct csr r = { 0 };

	return csr_parse(der, "our own request", &r, e) && csr_verify(&r, e);
}

static bool
sign_request_info(struct cli *c, struct session *s, struct bytes subject,
    struct buf *der, struct error *e)
{
	const struct state_key *k =
	    find_key(reg_get_state(signer_register(s->signer)), c->arg[0], e);
	auto_buf struct buf info = { 0 }, sig = { 0 };
	struct signer_csr req = { .claim = cli_claim(c) };
	struct signer_reply reply = { 0 };
	struct spki key;

	if (k == NULL || !spki_parse(k->spki, &key, e))
		return false;
	request_info(subject, k->spki, &info);
	req.key = k->key;
	req.info = buf_bytes(&info);
	doc_text(c->doc, "label", "key", k->label);
	if (!signer_sign_csr_wait(s->signer, &req, &sig, &reply, e))
		return false;
	/* CertificationRequest has the shape of a certificate: what is signed,
	 * algorithm, signature. */
	cert_assemble(buf_bytes(&info), sig_alg_default(key.type),
	    buf_bytes(&sig), der);
	doc_int(c->doc, "signed", "SIGNED record", (int64_t)reply.signed_);
	return check_request(buf_bytes(der), e);
}

static bool
run_key_csr(struct cli *c, struct error *e)
{
	auto_home struct home *h = NULL;
	auto_session struct session *s = NULL;
	auto_buf struct buf subject = { 0 }, der = { 0 }, pem = { 0 };

	if (!name_parse(cli_flag(c, "subject"), &subject, e) ||
	    !output_check(cli_flag(c, "out"), e) ||
	    (s = cli_session(c, 0, &h, e)) == NULL ||
	    !sign_request_info(c, s, buf_bytes(&subject), &der, e))
		return false;
	pem_encode("CERTIFICATE REQUEST", buf_bytes(&der), &pem);
	if (!file_create(cli_flag(c, "out"), buf_bytes(&pem), 0644, e))
		return false;
	doc_text(c->doc, "file", "request", cli_flag(c, "out"));
	return session_close(take(s), e);
}

/* ---- charter ------------------------------------------------------------- */

static void
describe(struct doc *d, const struct charter *ch)
{
	auto_buf struct buf json = { 0 }, text = { 0 };

	charter_to_json(ch, &json);
	charter_describe(ch, &text);
	doc_raw(d, "charter", NULL, buf_bytes(&json));
	doc_bool(d, "open", NULL, charter_is_open(ch));
	doc_say(d, "%s", buf_cstr(&text));
}

static bool
run_charter_lint(struct cli *c, struct error *e)
{
	auto_buf struct buf json = { 0 };
	auto_charter struct charter *ch = NULL;

	if (!read_charter(c->arg[0], &json, e) ||
	    (ch = charter_parse_json(buf_bytes(&json), e)) == NULL)
		return false;
	describe(c->doc, ch);
	return true;
}

static bool
run_charter_show(struct cli *c, struct error *e)
{
	auto_home struct home *h = cli_home(c, e);
	auto_reg struct reg *r = NULL;
	auto_charter struct charter *ch = NULL;
	const struct state_key *k;

	if (h == NULL || (r = session_read_register(h, e)) == NULL ||
	    (k = find_key(reg_get_state(r), c->arg[0], e)) == NULL)
		return false;
	if (k->charter.n == 0)
		return error_set(e, FAIL_NOT_FOUND, "key \"%s\" has no charter",
		    k->label);
	ch = charter_parse_json(k->charter, e);
	if (ch == NULL)
		return false;
	doc_text(c->doc, "label", "key", k->label);
	doc_int(c->doc, "record", "record", (int64_t)k->charter_index);
	say_imported(c->doc, k);
	describe(c->doc, ch);
	return true;
}

static bool
run_charter_set(struct cli *c, struct error *e)
{
	auto_home struct home *h = NULL;
	auto_session struct session *s = NULL;
	auto_buf struct buf json = { 0 };
	const struct state_key *k;
	struct signer_claim claim = cli_claim(c);
	struct sha256 key;

	if (!read_charter(c->arg[1], &json, e) ||
	    (s = cli_session(c, 0, &h, e)) == NULL ||
	    (k = find_key(reg_get_state(signer_register(s->signer)), c->arg[0],
		 e)) == NULL)
		return false;
	key = k->key;
	doc_text(c->doc, "label", "key", k->label);
	if (!signer_charter(s->signer, &key, buf_bytes(&json), &claim, e))
		return false;
	doc_raw(c->doc, "charter", "charter", buf_bytes(&json));
	return session_close(take(s), e);
}

static bool
run_charter_templates(struct cli *c, unused_arg struct error *e)
{
	for (const char *const *n = charter_template_names(); *n != NULL; n++) {
		auto_charter struct charter *ch = charter_template(*n);
		auto_buf struct buf json = { 0 };
		struct doc *row = doc_row(c->doc, "templates", "templates");

		charter_to_json(ch, &json);
		doc_text(row, "name", "name", *n);
		doc_raw(row, "charter", "charter", buf_bytes(&json));
	}
	return true;
}

/* ---- table --------------------------------------------------------------- */

static const struct flag generate_flags[] = {
	{ "token", "NAME", "token of chancery.yaml", true, false },
	{ "label", "LABEL", "name of the key; must be new", true, false },
	{ "type", "TYPE", "rsa-3072, ec-p256, ec-p384, ed25519, ...", true,
	    false },
	{ "charter", "NAME", "charter template; else the token's", false,
	    false },
	{ "charter-file", "FILE", "charter file instead", false, false },
	{ 0 },
};
static const struct flag custody_flags[] = {
	{ "attack", NULL,
	    "also try to get the key out, first with a sacrificial key", false,
	    false },
	{ 0 },
};

static const struct flag key_csr_flags[] = {
	{ "subject", "DN", "RFC 4514 name", true, false },
	{ "out", "FILE", "new file for the request", true, false },
	{ 0 },
};

const struct command key_commands[] = {
	{ "key list", "", "list the keys of the register", 0, 0, NULL, true,
	    run_list, NULL },
	{ "key generate", "", "generate a key pair under a charter", 0, 0,
	    generate_flags, true, run_generate,
	    "Its attributes are read back and attacked before it is used." },
	{ "key custody", "KEY", "read back every attribute of a key", 1, 1,
	    custody_flags, true, run_custody,
	    "KEY is a label or the beginning of the key's hash." },
	{ "key csr", "KEY", "request a certificate over a key of ours", 1, 1,
	    key_csr_flags, true, run_key_csr,
	    "For authorities that somebody else signs; their certificate is "
	    "then given to the signing commands with --issuer-cert." },
	{ "charter lint", "FILE", "check a charter file", 1, 1, NULL, false,
	    run_charter_lint, NULL },
	{ "charter show", "KEY", "print what a key may sign", 1, 1, NULL, true,
	    run_charter_show, NULL },
	{ "charter set", "KEY FILE",
	    "tighten a charter; widening needs its quorum", 2, 2, NULL, true,
	    run_charter_set, NULL },
	{ "charter templates", "", "list the built-in charters", 0, 0, NULL,
	    false, run_charter_templates, NULL },
};
const size_t key_commands_n = countof(key_commands);
