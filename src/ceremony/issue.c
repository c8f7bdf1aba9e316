/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/ceremony/issue.h>

#include <string.h>

#include <chancery/base/file.h>
#include <chancery/base/limits.h>
#include <chancery/charter/charter.h>
#include <chancery/pki/tbs.h>
#include <chancery/pki/weak.h>

static const char *const format_names[FORMAT__COUNT] = {
	[FORMAT_PEM] = "pem",
	[FORMAT_PEM_BUNDLE] = "pem_bundle",
	[FORMAT_DER] = "der",
};

static bool
issuer_of(const struct issue *i, struct tbs_issuer *out, struct error *e)
{
	*out = (struct tbs_issuer){ .alg = i->alg };
	if (i->issuer == NULL) {
		out->name = i->subject;
		spki_key_id(i->subject_key, out->key_id);
		out->not_before_s = i->not_before_s;
		out->not_after_s = i->not_after_s;
		return true;
	}
	out->name = i->issuer->tbs.subject;
	out->not_before_s = i->issuer->tbs.not_before_s;
	out->not_after_s = i->issuer->tbs.not_after_s;
	if (!i->issuer->tbs.key_ok)
		return error_set(e, FAIL_BAD_INPUT,
		    "the issuer's certificate has a key that is not usable");
	/* The issuer's own SKI when it has one: RFC 5280 4.2.1.1. */
	const struct ext *ski = exts_find(&i->issuer->tbs.exts, EXT_SKI);
	struct bytes id;

	if (ski == NULL) {
		spki_key_id(&i->issuer->tbs.key, out->key_id);
		return true;
	}
	if (!ext_ski(ski, &id, e))
		return false;
	if (id.n != sizeof(out->key_id))
		return error_set(e, FAIL_UNSUPPORTED,
		    "the issuer's subjectKeyIdentifier has %zu octets", id.n);
	memcpy(out->key_id, id.p, id.n);
	return true;
}

/* A life that was asked for must fit; the profile's default is cut to what is left
 * of the issuer. */
static bool
choose_times(struct issue *i, struct error *e)
{
	int64_t life = i->life_s != 0 ? i->life_s : i->profile->life_s;
	int64_t end;

	i->not_before_s = i->now_s - i->profile->backdate_s;
	if (i->issuer != NULL && i->not_before_s < i->issuer->tbs.not_before_s)
		i->not_before_s = i->issuer->tbs.not_before_s;
	i->not_after_s = i->not_before_s + life;
	if (i->issuer == NULL)
		return true;
	end = i->issuer->tbs.not_after_s;
	if (end <= i->now_s)
		return error_set(e, FAIL_REFUSED,
		    "the issuer's certificate has expired");
	if (i->not_after_s <= end)
		return true;
	if (i->life_s != 0)
		return error_set(e, FAIL_REFUSED,
		    "life: would end %lld s after the issuer's certificate",
		    (long long)(i->not_after_s - end));
	i->not_after_s = end;
	return true;
}

static bool
write_tbs(struct issue *i, const struct tbs_issuer *issuer, struct error *e)
{
	auto_tbs_template struct tbs_template *t =
	    tbs_template_new(i->profile, issuer, e);
	struct tbs_request r = {
		.serial = bytes_of(i->serial, sizeof(i->serial)),
		.not_before_s = i->not_before_s,
		.not_after_s = i->not_after_s,
		.subject = i->subject,
		.key = i->subject_key,
		.san = i->san,
		.san_count = i->sans,
	};

	if (t == NULL)
		return false;
	buf_reset(&i->tbs);
	if (!tbs_write(t, &r, &i->tbs, e))
		return false;
	i->tbs_hash = sha256(buf_bytes(&i->tbs));
	return true;
}

static bool
lint(struct issue *i, const struct tbs_issuer *issuer, struct error *e)
{
	struct tbs_view v;
	struct lint_context c = {
		.tbs = &v,
		.issuer = i->issuer == NULL ? NULL : issuer,
		.now_s = i->now_s,
		.profile = i->profile,
	};
	const struct lint_finding *stop;

	if (!tbs_parse(buf_bytes(&i->tbs), &v, e))
		return error_context(e, "our own TBSCertificate");
	if (i->issuer != NULL)
		c.issuer_spki = i->issuer->tbs.spki_der;
	lint_run(&c, &i->lint);
	stop = lint_stopper(&i->lint, i->profile, i->strict);
	if (stop == NULL)
		return true;
	return error_set(e, FAIL_REFUSED, "lint %s (%s): %s", stop->rule->name,
	    stop->rule->source, stop->text);
}

/* Then the signer shall be who says so: its refusals are recorded, ours are not. */
static bool
charter_refuses(const struct issue *i)
{
	const struct state_key *k =
	    reg_state_key(reg_get_state(signer_register(i->signer)), &i->key);
	auto_charter struct charter *c = NULL;
	struct charter_usage u = { .now_s = i->now_s };
	struct charter_verdict verdict;
	struct tbs_view v;
	struct error e;

	if (k == NULL || k->charter.n == 0 ||
	    (c = charter_parse_json(k->charter, &e)) == NULL ||
	    !tbs_parse(buf_bytes(&i->tbs), &v, &e))
		return false;
	return !charter_allows_cert(c, &v, &u, &verdict, &e);
}

bool
issue_prepare(struct issue *i, struct error *e)
{
	struct tbs_issuer issuer;
	uint8_t serial[1][LIMIT_SERIAL_BYTES];
	struct key_type type =
	    i->issuer != NULL ? i->issuer->tbs.key.type : i->subject_key->type;

	if (!choose_times(i, e) || !issuer_of(i, &issuer, e) ||
	    !signer_serials(i->signer, 1, serial, e))
		return false;
	memcpy(i->serial, serial[0], sizeof(i->serial));
	if (!write_tbs(i, &issuer, e) || !lint(i, &issuer, e))
		return false;
	return throwaway_check(buf_bytes(&i->tbs), type, i->alg, i->issuer,
		   e) ||
	    (e->why == FAIL_REFUSED && charter_refuses(i));
}

/* What came out is a certificate over the bytes that were linted, and it verifies. */
static bool
check_result(const struct issue *i, struct error *e)
{
	auto_cert struct cert c = { 0 };
	const struct spki *issuer =
	    i->issuer != NULL ? &i->issuer->tbs.key : i->subject_key;
	struct sha256 h;

	if (!cert_parse(buf_bytes(&i->der), "new certificate", &c, e))
		return false;
	h = sha256(c.tbs.der);
	if (!bytes_eq(sha256_bytes(&h), sha256_bytes(&i->tbs_hash)))
		return error_set(e, FAIL_INTERNAL,
		    "the certificate holds other bytes than were linted");
	return cert_verify_signature(&c, issuer, e) &&
	    reparse_certificate(buf_bytes(&i->der), e);
}

bool
issue_sign(struct issue *i, struct error *e)
{
	struct signer_certify req = {
		.key = i->key,
		.tbs = buf_bytes(&i->tbs),
		.profile = i->profile->name,
		.claim = i->claim,
		.retry_of = i->retry_of,
	};
	struct signer_reply reply = { 0 };
	auto_buf struct buf sig = { 0 };
	struct sha256 h = sha256(buf_bytes(&i->tbs));

	if (!bytes_eq(sha256_bytes(&h), sha256_bytes(&i->tbs_hash)))
		return error_set(e, FAIL_INTERNAL,
		    "the TBSCertificate changed since it was linted");
	if (!signer_certify_wait(i->signer, &req, &sig, &reply, e))
		return false;
	i->intent = reply.intent;
	i->signed_ = reply.signed_;
	buf_reset(&i->der);
	cert_assemble(buf_bytes(&i->tbs), i->alg, buf_bytes(&sig), &i->der);
	i->hash = sha256(buf_bytes(&i->der));
	return check_result(i, e);
}

void
issue_free(struct issue *i)
{
	buf_free(&i->tbs);
	buf_free(&i->der);
}

bool
request_not_listed(const char *weak_keys, const struct spki *k, struct error *e)
{
	struct weak_list *list;
	bool listed;

	if (weak_keys == NULL)
		return true;
	list = weak_list_open(weak_keys, e);
	if (list == NULL)
		return false;
	listed = weak_list_has(list, k);
	weak_list_free(list);
	return !listed ||
	    error_set(e, FAIL_REFUSED, "weak key: on the block list %s",
		weak_keys);
}

bool
request_read(const char *path, struct csr *out, struct error *e)
{
	auto_buf struct buf text = { 0 };
	auto_csr struct csr c = { 0 };

	if (!file_read_arg(path, LIMIT_CSR_BYTES, &text, e) ||
	    !csr_parse(buf_bytes(&text), path, &c, e))
		return false;
	if (!csr_verify(&c, e) || !spki_check_strong(&c.key, e))
		return error_context(e, "%s", path);
	*out = c;
	c = (struct csr){ 0 };
	return true;
}

bool
cert_format_by_name(const char *name, enum cert_format *out, struct error *e)
{
	for (int i = 0; i < FORMAT__COUNT; i++)
		if (strcmp(format_names[i], name) == 0) {
			*out = (enum cert_format)i;
			return true;
		}
	return error_set(e, FAIL_USAGE,
	    "format \"%s\": must be pem, pem_bundle or der", name);
}

void
cert_write_format(struct bytes der, enum cert_format format,
    const struct cert *chain, size_t n, struct buf *out)
{
	if (format == FORMAT_DER) {
		buf_add_bytes(out, der);
		return;
	}
	pem_encode("CERTIFICATE", der, out);
	if (format != FORMAT_PEM_BUNDLE)
		return;
	for (size_t i = 0; i < n; i++)
		pem_encode("CERTIFICATE", buf_bytes(&chain[i].der), out);
}

bool
output_check(const char *path, struct error *e)
{
	/* "-" is standard input elsewhere; standard output has the answer. */
	if (strcmp(path, "-") == 0)
		return error_set(e, FAIL_USAGE,
		    "the output must be a file, not standard output");
	if (file_check_creatable(path, e))
		return true;
	if (e->why != FAIL_EXISTS)
		e->why = FAIL_IO;
	return false;
}
