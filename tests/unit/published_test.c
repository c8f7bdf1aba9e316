/* SPDX-License-Identifier: Apache-2.0 */

/* What is at a target, held against what is to be published there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>

#include "../../src/publisher/target.h"
#include "pki_sample.h"

static struct sample_issuer issuer, other;

static int
setup(unused_arg void **state)
{
	sample_issuer_make(&issuer,
	    "CN=Issuer,OU=Long enough to be taken for DER and not text,O=Acme",
	    sample_key("ec-p256"));
	sample_issuer_make(&other,
	    "CN=Other,OU=Long enough to be taken for DER and not text,O=Acme",
	    sample_other_key("ec-p256"));
	return 0;
}

static int
teardown(unused_arg void **state)
{
	sample_issuer_free(&issuer);
	sample_issuer_free(&other);
	sample_keys_free();
	return 0;
}

/* ---- lists ---------------------------------------------------------------- */

/* One entry. */
static bool
next(void *arg, struct crl_entry *out)
{
	bool *over = arg;

	if (*over)
		return false;
	*over = true;
	*out = (struct crl_entry){ .serial = { [19] = 7 },
		.revoked_s = SAMPLE_NOW_S,
		.reason = CRL_SUPERSEDED };
	return true;
}

static void
rewind_it(void *arg)
{
	*(bool *)arg = false;
}

static bool
sink(void *arg, struct bytes piece, unused_arg struct error *e)
{
	buf_add_bytes(arg, piece);
	return true;
}

struct kind {
	const struct sample_issuer *by;
	uint64_t number;
	bool delta;
	const char *url;
};

static void
write_list(const struct kind *k, struct buf *der)
{
	bool over = false;
	const struct crl_source source = { next, rewind_it, &over };
	struct crl_params p = { .issuer = buf_bytes(&k->by->name),
		.alg = k->by->key->alg,
		.this_update_s = SAMPLE_NOW_S,
		.next_update_s = SAMPLE_NOW_S + SAMPLE_DAY,
		.number = k->number,
		.delta_base = k->delta ? 1 : -1,
		.idp_url = k->url };
	auto_buf struct buf tbs = { 0 }, sig = { 0 }, tail = { 0 };
	uint8_t digest[DIGEST_MAX];
	uint64_t bytes, entries;
	struct error e = { 0 };
	size_t n;

	memcpy(p.aki, k->by->key->id, sizeof(p.aki));
	if (!crl_write_tbs(&p, &source, sink, &tbs, digest, &n, &bytes,
		&entries, &e))
		fail_msg("%s", e.msg);
	sample_sign(k->by->key, p.alg, buf_bytes(&tbs), &sig);
	crl_outer(bytes, p.alg, buf_bytes(&sig), der, &tail);
	buf_add_bytes(der, buf_bytes(&tbs));
	buf_add_bytes(der, buf_bytes(&tail));
}

static void
in_form(enum job_form form, const struct buf *der, struct buf *out)
{
	if (form == JOB_FORM_LIST_PEM)
		pem_encode("X509 CRL", buf_bytes(der), out);
	else
		buf_add_bytes(out, buf_bytes(der));
}

/* Object as object_open would leave it, from memory. */
static void
open_ours(enum job_form form, const struct kind *k, struct object *o)
{
	auto_buf struct buf owned = { 0 };
	struct crl_view v;
	struct error e = { 0 };

	*o = (struct object){ .form = form, .name = "list", .fd = -1 };
	write_list(k, &o->memory);
	o->file_n = o->memory.n;
	o->length = form == JOB_FORM_LIST ? o->file_n
					  : pem_length("X509 CRL", o->file_n);
	o->issuer.tbs.key = k->by->key->spki;
	o->issuer.tbs.subject = buf_bytes(&k->by->name);
	if (!crl_parse(buf_bytes(&o->memory), "ours", &owned, &v, &e))
		fail_msg("%s", e.msg);
	o->facts = facts_of(&v);
}

static enum there
look_in_pieces(struct object *ours, struct bytes theirs, size_t piece)
{
	auto_look struct look *l = look_new(ours);
	enum there there = THERE_NOTHING;
	struct facts facts;
	struct error e = { 0 };

	for (size_t at = 0, n; at < theirs.n; at += n) {
		n = theirs.n - at < piece ? theirs.n - at : piece;
		if (!look_add(l, bytes_of(theirs.p + at, n)))
			break;
	}
	if (!look_end(l, &there, &facts, &e))
		fail_msg("pieces of %zu: %s", piece, e.msg);
	return there;
}

static void
assert_there(struct object *ours, const struct buf *theirs, enum there want,
    const char *what)
{
	static const size_t pieces[] = { 1, 7, 64, 65, 300, 1 << 20 };

	for (size_t i = 0; i < countof(pieces); i++) {
		enum there got =
		    look_in_pieces(ours, buf_bytes(theirs), pieces[i]);

		if (got != want)
			fail_msg("%s, form %d, in pieces of %zu: %d, not %d",
			    what, (int)ours->form, pieces[i], (int)got,
			    (int)want);
	}
}

static const enum job_form forms[] = { JOB_FORM_LIST, JOB_FORM_LIST_PEM };

#define URL "http://crl.example.com/partition-1"

/* ---- which one it is --------------------------------------------------------- */

static void
kinds_are_told(unused_arg void **state)
{
	static const struct {
		const char *what;
		struct kind ours, theirs;
		enum there there;
	} rows[] = {
		{ "older", { &issuer, 7, false, NULL },
		    { &issuer, 6, false, NULL }, THERE_OLDER },
		{ "newer", { &issuer, 7, false, NULL },
		    { &issuer, 8, false, NULL }, THERE_NEWER },
		{ "a delta list for a full one", { &issuer, 7, false, NULL },
		    { &issuer, 8, true, NULL }, THERE_OTHER },
		{ "a full list for a delta", { &issuer, 7, true, NULL },
		    { &issuer, 8, false, NULL }, THERE_OTHER },
		{ "of another point", { &issuer, 7, false, URL },
		    { &issuer, 8, false, NULL }, THERE_OTHER },
		{ "newer of the point", { &issuer, 7, false, URL },
		    { &issuer, 8, false, URL }, THERE_NEWER },
		{ "of another issuer", { &issuer, 7, false, NULL },
		    { &other, 8, false, NULL }, THERE_OTHER },
	};

	for (size_t i = 0; i < countof(rows); i++)
		for (size_t f = 0; f < countof(forms); f++) {
			auto_object struct object ours = { .fd = -1 };
			auto_buf struct buf der = { 0 }, theirs = { 0 };

			open_ours(forms[f], &rows[i].ours, &ours);
			write_list(&rows[i].theirs, &der);
			in_form(forms[f], &der, &theirs);
			assert_there(&ours, &theirs, rows[i].there,
			    rows[i].what);
		}
}

/* Our own octets; cut anywhere; with more behind them: PEM may have lines after its end. */
static void
ours_and_no_other(unused_arg void **state)
{
	const struct kind k = { &issuer, 7, false, NULL };

	for (size_t f = 0; f < countof(forms); f++) {
		auto_object struct object ours = { .fd = -1 };
		auto_buf struct buf theirs = { 0 };

		open_ours(forms[f], &k, &ours);
		in_form(forms[f], &ours.memory, &theirs);
		assert_there(&ours, &theirs, THERE_SAME, "ours");
		for (size_t n = theirs.n; n-- > 0;)
			if (look_in_pieces(&ours, bytes_of(theirs.p, n), 64) ==
			    THERE_SAME)
				fail_msg("form %d: the first %zu octets are "
					 "the same",
				    (int)forms[f], n);
		buf_add_str(&theirs, "and more");
		if (look_in_pieces(&ours, buf_bytes(&theirs), 64) == THERE_SAME)
			fail_msg("form %d: with more behind", (int)forms[f]);
	}
}

/* Whether a list before octets that are no base64 counted depended on where a packet ended. */
static void
pem_that_breaks_off_in_garbage_is_no_list(unused_arg void **state)
{
	const struct kind ours_is = { &issuer, 7, false, NULL },
			  newer = { &issuer, 8, false, NULL };
	auto_object struct object ours = { .fd = -1 };
	auto_buf struct buf der = { 0 }, pem = { 0 };

	open_ours(JOB_FORM_LIST_PEM, &ours_is, &ours);
	write_list(&newer, &der);
	pem_encode("X509 CRL", buf_bytes(&der), &pem);
	assert_there(&ours, &pem, THERE_NEWER, "whole");
	pem.n -= sizeof("-----END X509 CRL-----\n") - 1;
	buf_add_str(&pem, "!?!?\n-----END X509 CRL-----\n");
	assert_there(&ours, &pem, THERE_OTHER, "with garbage");
}

/* ---- directories --------------------------------------------------------------- */

static const _Atomic bool go_on;

static bool
look_in(const char *dir, struct object *ours, enum there *there,
    struct error *e)
{
	char *copy = mem_strdup(dir);
	const struct service_target target = { .kind = SERVICE_TARGET_FILES,
		.name = copy,
		.directory = copy };
	struct passage p = { .target = &target,
		.object = ours,
		.stop = &go_on,
		.deadline_ns = INT64_MAX };
	struct facts facts;
	bool ok = files_look(&p, there, &facts, e);

	mem_free(copy);
	return ok;
}

/* Whoever may write there kept the target's thread, and the end of the publisher, waiting. */
static void
a_fifo_in_the_place_of_a_list_keeps_nobody(unused_arg void **state)
{
	const struct kind k = { &issuer, 7, false, NULL };
	char dir[] = "/tmp/chancery-published-XXXXXX";
	auto_object struct object ours = { .fd = -1 };
	auto_mem char *path = NULL;
	enum there there = THERE_SAME;
	struct error e = { 0 };

	assert_non_null(mkdtemp(dir));
	path = path_join(dir, "list");
	open_ours(JOB_FORM_LIST, &k, &ours);
	assert_true(look_in(dir, &ours, &there, &e));
	assert_int_equal(there, THERE_NOTHING);
	assert_int_equal(mkfifo(path, 0600), 0);
	/* A test that waits for ever says nothing. */
	(void)alarm(60);
	assert_false(look_in(dir, &ours, &there, &e));
	(void)alarm(0);
	assert_int_equal(e.why, FAIL_EXISTS);
	(void)unlink(path);
	(void)rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_told),
		cmocka_unit_test(ours_and_no_other),
		cmocka_unit_test(pem_that_breaks_off_in_garbage_is_no_list),
		cmocka_unit_test(a_fifo_in_the_place_of_a_list_keeps_nobody),
	};

	return cmocka_run_group_tests_name("published", tests, setup, teardown);
}
