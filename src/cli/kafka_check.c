/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_check.h"

#include <openssl/ssl.h>
#include <string.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/text.h>
#include <chancery/kafka/config.h>
#include <chancery/kafka/judge.h>
#include <chancery/kafka/principal.h>
#include <chancery/pki/der.h>

#include "kafka_answer.h"
#include "kafka_lists.h"
#include "kafka_tls.h"

/* What exit statuses 1 and 2 mean. */
#define STATUS_WRONG 1
#define STATUS_UNKNOWN 2
/* A server has one session cache a network thread, and gives connections to them in turn. */
#define RESUME_TRIES 6

struct check {
	struct cli *c;
	char *host, *port;
	struct kafka_bundle *own;    /* --cert or --store, joined; or NULL */
	struct kafka_bundle *server; /* its chain, and --ca               */
	struct kafka_tls tls;
	struct kafka_findings f;
	int64_t now_s;
};

static void
check_free(struct check *k)
{
	mem_free(k->host);
	mem_free(k->port);
	kafka_bundle_free(k->own);
	kafka_bundle_free(k->server);
	X509_free(k->tls.cert);
	sk_X509_pop_free(k->tls.chain, X509_free);
	kafka_findings_free(&k->f);
}
#define auto_check auto_cleanup(check_free)

/* ---- what is given --------------------------------------------------------------- */

static bool
take_target(struct check *k, struct error *e)
{
	const char *text = k->c->arg[0], *colon = strrchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	bool brackets = n >= 2 && text[0] == '[' && text[n - 1] == ']';
	uint64_t port;

	if (n == 0 || !parse_u64(colon + 1, 1, 65535, &port) ||
	    (!brackets && memchr(text, ':', n) != NULL))
		return error_set(e, FAIL_USAGE, "\"%s\": want HOST:PORT", text);
	k->host = brackets ? mem_printf("%.*s", (int)n - 2, text + 1)
			   : mem_printf("%.*s", (int)n, text);
	k->port = mem_strdup(colon + 1);
	k->tls.host = k->host;
	k->tls.port = k->port;
	return true;
}

static bool
open_p12(struct check *k, const char *path, struct error *e)
{
	auto_secret struct secret *password = NULL;
	auto_secret struct secret *der = secret_file(path, e);

	if (der == NULL || !password_flag(k->c, "password", &password, e))
		return false;
	if (password == NULL)
		return error_set(e, FAIL_USAGE,
		    "--password SOURCE is missing: of %s", path);
	return kafka_bundle_open_p12(k->own, secret_bytes(der), password, path,
	    e);
}

static X509 *
x509_of(const struct cert *c)
{
	X509 *x = kafka_x509(c);

	if (x == NULL)
		fatal("a certificate that was read does not read");
	return x;
}

static bool
take_own(struct check *k, struct error *e)
{
	const char *cert = cli_flag(k->c, "cert"),
		   *p12 = cli_flag(k->c, "store");
	const struct cert *c;

	if (cert == NULL && p12 == NULL)
		return true;
	if (cert != NULL && p12 != NULL)
		return error_set(e, FAIL_USAGE,
		    "--cert and --store: one of them");
	k->own = kafka_bundle_new();
	if (!(cert != NULL ? kafka_input_identity(k->c, k->own, e)
			   : open_p12(k, p12, e)) ||
	    !kafka_bundle_join(k->own, e))
		return false;
	k->tls.key = kafka_bundle_key(k->own);
	k->tls.cert = x509_of(kafka_bundle_chain(k->own, 0));
	k->tls.chain = sk_X509_new_null();
	for (size_t i = 1; (c = kafka_bundle_chain(k->own, i)) != NULL; i++)
		if (sk_X509_push(k->tls.chain, x509_of(c)) <= 0)
			fatal("out of memory");
	return true;
}

/* ---- the server's chain ------------------------------------------------------------ */

static void
show_cert(struct doc *d, const struct cert *c)
{
	struct doc *row = doc_row(d, "chain", "chain");
	auto_buf struct buf subject = { 0 }, names = { 0 };
	struct error e;

	if (!kafka_principal(c->tbs.subject, &subject, &e))
		buf_add_str(&subject, "?");
	kafka_names_text(c, &names);
	doc_time(row, "not_after", "not after", c->tbs.not_after_s);
	doc_text(row, "key", "key",
	    c->tbs.key_ok ? key_type_name(c->tbs.key.type) : "?");
	doc_text(row, "signature", "signature",
	    c->tbs.alg_known ? sig_alg_info(c->alg)->name : "?");
	doc_textn(row, "subject", "subject", buf_bytes(&subject));
	doc_textn(row, "names", "names", buf_bytes(&names));
	doc_hex(row, "serial", NULL, c->tbs.serial);
}

/* Who signed the i-th: the next of the chain, or an authority. */
static const struct cert *
issuer_of(const struct check *k, const struct kafka_bundle *of, size_t i)
{
	const struct cert *c = kafka_bundle_chain(of, i),
			  *next = kafka_bundle_chain(of, i + 1);

	return next != NULL ? next : kafka_bundle_anchor_above(k->server, c);
}

/* Shown with the server's chain already. */
static bool
server_has(const struct check *k, const struct cert *c)
{
	const struct cert *s;

	for (size_t i = 0; (s = kafka_bundle_chain(k->server, i)) != NULL; i++)
		if (bytes_eq(buf_bytes(&s->der), buf_bytes(&c->der)))
			return true;
	return false;
}

static void
look_at_lists(struct check *k, const struct kafka_bundle *of,
    struct kafka_findings *f)
{
	const struct cert *c;

	if (cli_has(k->c, "no-crl"))
		return;
	doc_list(k->c->doc, "revocation", "revocation");
	for (size_t i = 0; (c = kafka_bundle_chain(of, i)) != NULL; i++) {
		auto_buf struct buf subject = { 0 };
		struct error e;

		/* A trusted intermediate ends the path: what is above it does
		 * not matter. */
		if (kafka_bundle_is_anchor(k->server, c))
			return;
		if (of == k->own && server_has(k, c))
			continue;
		if (!kafka_principal(c->tbs.subject, &subject, &e))
			buf_add_str(&subject, "?");
		kafka_lists_look(k->c->doc, buf_cstr(&subject), c,
		    issuer_of(k, of, i), k->now_s, f);
	}
}

static void
judge_chain(struct check *k)
{
	size_t n;
	const struct cert *const *chain =
	    kafka_bundle_whole_chain(k->server, &n);
	const char *host = cli_flag(k->c, "name");
	struct kafka_judge how = {
		.use = KAFKA_BROKER,
		.now_s = k->now_s,
		.server_only = true,
	};

	if (host == NULL)
		host = k->host;
	how.hosts = &host;
	how.hosts_n = 1;
	for (size_t i = 0; i < n; i++)
		show_cert(k->c->doc, chain[i]);
	kafka_judge_chain(chain, n, &how, &k->f);
	if (!cli_has(k->c, "ca"))
		kafka_find(&k->f, KAFKA_WARNING, "untrusted",
		    "no --ca FILE was given: who signed the chain is not "
		    "looked at");
	look_at_lists(k, k->server, &k->f);
}

/* Sent wrongly is one thing, not trusted another. */
static bool
look_at_chain(struct check *k, const struct kafka_seen *seen, struct error *e)
{
	struct error why = { 0 };

	if (!kafka_bundle_add_certs(k->server, buf_bytes(&seen->chain),
		"the server's chain", e))
		return false;
	if (!kafka_bundle_join_public(k->server, &why))
		kafka_find(&k->f, KAFKA_WRONG,
		    why.why == FAIL_REFUSED ? "untrusted" : "chain", "%s",
		    why.msg);
	judge_chain(k);
	return true;
}

/* ---- our certificate ---------------------------------------------------------------- */

static bool
names_issuer(const struct check *k, const struct kafka_seen *seen)
{
	const struct cert *c;
	struct der_reader r;
	uint8_t tag;

	if (seen->names.n == 0)
		return true;
	for (size_t i = 0; (c = kafka_bundle_chain(k->own, i)) != NULL; i++) {
		der_r_init(&r, buf_bytes(&seen->names));
		while (der_r_peek(&r) >= 0 && !r.failed)
			if (bytes_eq(der_r_any(&r, &tag), c->tbs.issuer))
				return true;
	}
	return false;
}

static void
judge_own(struct check *k, const struct kafka_seen *seen)
{
	size_t n;
	const struct cert *const *chain = kafka_bundle_whole_chain(k->own, &n);
	const struct kafka_judge how = { .use = KAFKA_CLIENT,
		.now_s = k->now_s };
	auto_kafka_findings struct kafka_findings f = { 0 };

	kafka_judge_chain(chain, n, &how, &f);
	look_at_lists(k, k->own, &f);
	for (size_t i = 0; i < f.n; i++)
		kafka_find(&k->f, f.v[i].level, f.v[i].code,
		    "your certificate: %s", f.v[i].text);
	if (seen->asked && !names_issuer(k, seen))
		kafka_find(&k->f, KAFKA_WRONG, "issuer-not-asked",
		    "the server names the authorities that it trusts, and none "
		    "is above your certificate: a Java client shows none at "
		    "all");
}

/* ---- sessions --------------------------------------------------------------------------- */

/* A revoked or expired client that resumes is not looked at again. */
static void
look_at_resumption(struct check *k, SSL_SESSION *session)
{
	auto_buf struct buf flags = { 0 };
	bool resumed = false;

	for (int i = 0; session != NULL && !resumed && i < RESUME_TRIES; i++) {
		auto_kafka_seen struct kafka_seen again = { 0 };
		struct error e;

		if (kafka_tls_look(&k->tls, session, 0, &again, &e))
			resumed = again.resumed;
	}
	doc_bool(k->c->doc, "resumption", "sessions resumed", resumed);
	if (!resumed)
		return;
	kafka_config_jvm(true, &flags);
	kafka_find(&k->f, KAFKA_WARNING, "resumption",
	    "the server resumes sessions, without looking at the certificate "
	    "again: a client that was revoked stays in. KAFKA_OPTS=\"%s\"",
	    buf_cstr(&flags));
}

/* ---- all together ------------------------------------------------------------------------- */

static bool
look(struct check *k, struct error *e)
{
	auto_kafka_seen struct kafka_seen seen = { 0 };

	if (!kafka_tls_look(&k->tls, NULL, 0, &seen, e))
		return false;
	if (seen.chain.n == 0)
		return error_set(e, FAIL_IO,
		    "%s:%s speaks no TLS (%s): is it another listener, or "
		    "PLAINTEXT?",
		    k->host, k->port, kafka_answer_end(&seen));
	doc_textf(k->c->doc, "target", "target", "%s:%s", k->host, k->port);
	kafka_answer_show(&seen, k->c->doc, &k->f);
	if (!look_at_chain(k, &seen, e))
		return false;
	kafka_answer_client(&seen, k->own != NULL, k->c->doc, &k->f);
	if (k->own != NULL)
		judge_own(k, &seen);
	if (seen.answer != KAFKA_ANSWER_ALERT &&
	    seen.answer != KAFKA_ANSWER_SILENT)
		look_at_resumption(k, seen.session);
	return true;
}

bool
kafka_check_run(struct cli *c, struct error *e)
{
	auto_check struct check k = {
		.c = c,
		.now_s = clock_wall_ms(&clock_system) / 1000,
		.server = kafka_bundle_new(),
	};

	kafka_lock_memory();
	if (!take_target(&k, e) || !take_own(&k, e) ||
	    !kafka_input_files(c, "ca", kafka_bundle_add_anchors, k.server, e))
		return false;
	if (!look(&k, e)) {
		c->status = STATUS_UNKNOWN;
		return false;
	}
	if (!findings_accept(c, &k.f, e))
		return false;
	findings_show(c->doc, &k.f);
	c->status = kafka_findings_wrong(&k.f) != NULL ? STATUS_WRONG : 0;
	return true;
}
