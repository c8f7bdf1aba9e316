/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Subject policy, held against the program whose rule it is: each request goes
 * through `openssl ca` with the policy section of the Korean Kafka note, and
 * both must decide the same and write the same subject, but where the
 * table says otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/pki/csr.h>
#include <chancery/pki/name.h>

/* [ policy_match ] of the note, row by row. */
static const struct name_policy_row korean[] = {
	{ "countryName", NAME_MATCH },
	{ "stateOrProvinceName", NAME_MATCH },
	{ "organizationName", NAME_MATCH },
	{ "organizationalUnitName", NAME_OPTIONAL },
	{ "commonName", NAME_SUPPLIED },
	{ "emailAddress", NAME_OPTIONAL },
};

static const char config[] =
    "[req]\ndistinguished_name = empty\nutf8 = yes\n"
    "string_mask = utf8only\n[empty]\n"
    "[ca]\ndefault_ca = d\n"
    "[d]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\n"
    "default_md = sha256\ndefault_days = 1\nunique_subject = no\n"
    "policy = policy_match\n"
    "[ policy_match ]\n"
    "countryName = match\n"
    "stateOrProvinceName = match\n"
    "organizationName = match\n"
    "organizationalUnitName = optional\n"
    "commonName = supplied\n"
    "emailAddress = optional\n";

static char dir[] = "/tmp/chancery-policy-XXXXXX";
static int home;

static bool
run(const char *const *argv)
{
	posix_spawn_file_actions_t fa;
	int status = 0;
	pid_t pid;

	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	(void)posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY,
	    0);
	(void)posix_spawn_file_actions_addopen(&fa, 2, "log",
	    O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(posix_spawnp(&pid, "openssl", &fa, NULL,
			     (char *const *)(uintptr_t)argv, environ),
	    0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)posix_spawn_file_actions_destroy(&fa);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#define RUN(...) run((const char *const[]){ "openssl", __VA_ARGS__, NULL })

static int
setup(void **state)
{
	FILE *f;

	(void)state;
	home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (home < 0 || mkdtemp(dir) == NULL || chdir(dir) != 0)
		return -1;
	f = fopen("cnf", "w");
	if (f == NULL || fputs(config, f) < 0 || fclose(f) != 0)
		return -1;
	return RUN("genpkey", "-algorithm", "EC", "-pkeyopt",
		   "ec_paramgen_curve:P-256", "-out", "key")
	    ? 0
	    : -1;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	if (fchdir(home) != 0)
		return -1;
	(void)close(home);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
read_file(const char *path, struct buf *out)
{
	struct error e;

	if (!file_read(path, 1 << 16, out, &e))
		fail_msg("%s", e.msg);
}

static void
name_of_cert(const char *path, struct buf *out)
{
	BIO *b = BIO_new_file(path, "r");
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	unsigned char *p = NULL;
	int n = i2d_X509_NAME(X509_get_subject_name(x), &p);

	assert_true(n > 0);
	buf_add(out, p, (size_t)n);
	OPENSSL_free(p);
	X509_free(x);
	BIO_free(b);
}

static void
name_of_request(const char *path, struct buf *out)
{
	auto_buf struct buf pem = { 0 };
	auto_csr struct csr c = { 0 };
	struct error e;

	read_file(path, &pem);
	if (!csr_parse(buf_bytes(&pem), path, &c, &e))
		fail_msg("%s", e.msg);
	buf_add_bytes(out, c.subject);
}

struct policy_case {
	const char *what, *issuer, *subject;
	const char *result; /* ours, RFC 4514; NULL: refused          */
	bool ca_differs;    /* openssl ca refuses what we take        */
	const char *msg;
};

#define KR "/C=KR/ST=Seoul/O=Acme/CN=Acme Root"

static const struct policy_case cases[] = {
	{ "all there", KR,
	    "/C=KR/ST=Seoul/O=Acme/OU=Kafka/CN=b1/emailAddress=a@b",
	    "emailAddress=a@b,CN=b1,OU=Kafka,O=Acme,ST=Seoul,C=KR", false,
	    NULL },
	{ "optional ones absent", KR, "/C=KR/ST=Seoul/O=Acme/CN=b1",
	    "CN=b1,O=Acme,ST=Seoul,C=KR", false, NULL },
	{ "other order", KR, "/CN=b1/O=Acme/ST=Seoul/C=KR",
	    "CN=b1,O=Acme,ST=Seoul,C=KR", false, NULL },
	{ "not named: dropped", KR,
	    "/C=KR/ST=Seoul/L=Gangnam/O=Acme/CN=b1/UID=7",
	    "CN=b1,O=Acme,ST=Seoul,C=KR", false, NULL },
	{ "two units", KR, "/C=KR/ST=Seoul/O=Acme/OU=x/OU=y/CN=b1",
	    "CN=b1,OU=y,OU=x,O=Acme,ST=Seoul,C=KR", false, NULL },
	{ "two common names", KR, "/C=KR/ST=Seoul/O=Acme/CN=admin/CN=b1",
	    "CN=b1,CN=admin,O=Acme,ST=Seoul,C=KR", false, NULL },
	{ "one RDN of two", KR, "/C=KR/ST=Seoul/O=Acme/OU=x+CN=b1",
	    "CN=b1,OU=x,O=Acme,ST=Seoul,C=KR", false, NULL },
	{ "the same twice", KR, "/C=KR/ST=Seoul/O=Acme/O=Acme/CN=b1",
	    "CN=b1,O=Acme,O=Acme,ST=Seoul,C=KR", false, NULL },
	{ "second of the issuer's", "/C=KR/ST=Seoul/O=Old/O=Acme/CN=r",
	    "/C=KR/ST=Seoul/O=Acme/CN=b1", "CN=b1,O=Acme,ST=Seoul,C=KR", false,
	    NULL },
	{ "other script", "/C=KR/ST=서울/O=주식회사 예제/CN=r",
	    "/C=KR/ST=서울/O=주식회사 예제/CN=b1",
	    "CN=b1,O=주식회사 예제,ST=서울,C=KR", false, NULL },
	{ "wrong organisation", KR, "/C=KR/ST=Seoul/O=Other/CN=b1", NULL, false,
	    "subject: O \"Other\" does not match the issuer's" },
	{ "one right, one wrong", KR, "/C=KR/ST=Seoul/O=Acme/O=Other/CN=b1",
	    NULL, false, "subject: O \"Other\" does not match the issuer's" },
	{ "country missing", KR, "/ST=Seoul/O=Acme/CN=b1", NULL, false,
	    "subject: C is missing, the policy wants it to match the "
	    "issuer's" },
	{ "name missing", KR, "/C=KR/ST=Seoul/O=Acme", NULL, false,
	    "subject: CN is missing, the policy wants it supplied" },
	/* The note's own CA has no stateOrProvinceName: nothing can match. */
	{ "the note's own dn", "/C=KR/O=Acme/L=Seoul/CN=Acme-ca",
	    "/C=KR/ST=Seoul/O=Acme/CN=b1", NULL, false,
	    "subject: ST must match the issuer's, which has none" },
	{ "the note's own dn, as it is", "/C=KR/O=Acme/L=Seoul/CN=Acme-ca",
	    "/C=KR/O=Acme/CN=b1", NULL, false,
	    "subject: ST is missing, the policy wants it to match the "
	    "issuer's" },
	/* RFC 5280 7.1 against equal octets. */
	{ "case", KR, "/C=KR/ST=seoul/O=ACME/CN=b1",
	    "CN=b1,O=Acme,ST=Seoul,C=KR", true, NULL },
	{ "space", KR, "/C=KR/ST=Seoul/O= Acme /CN=b1",
	    "CN=b1,O=Acme,ST=Seoul,C=KR", true, NULL },
	{ "not ASCII: no case", "/C=KR/ST=S/O=ÄB/CN=r", "/C=KR/ST=S/O=äb/CN=b1",
	    NULL, false, "subject: O \"äb\" does not match the issuer's" },
};

static void
check_case(const struct policy_case *c)
{
	auto_buf struct buf issuer = { 0 }, subject = { 0 }, ours = { 0 },
			    theirs = { 0 }, text = { 0 };
	struct error e;
	bool ok, ca_ok;

	print_message("%s\n", c->what);
	(void)unlink("index");
	(void)unlink("crt");
	(void)close(open("index", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_true(RUN("req", "-x509", "-config", "cnf", "-key", "key",
	    "-utf8", "-subj", c->issuer, "-out", "ca"));
	assert_true(RUN("req", "-new", "-config", "cnf", "-key", "key", "-utf8",
	    "-multivalue-rdn", "-subj", c->subject, "-out", "req"));
	ca_ok = RUN("ca", "-batch", "-notext", "-config", "cnf", "-cert", "ca",
	    "-keyfile", "key", "-in", "req", "-out", "crt");
	name_of_cert("ca", &issuer);
	name_of_request("req", &subject);
	ok = name_policy_apply(korean, countof(korean), false,
	    buf_bytes(&issuer), buf_bytes(&subject), &ours, &e);
	assert_int_equal(ok, c->result != NULL);
	assert_int_equal(ca_ok, ok && !c->ca_differs);
	if (!ok) {
		assert_string_equal(e.msg, c->msg);
		assert_int_equal(e.why, FAIL_REFUSED);
		return;
	}
	assert_true(name_format(buf_bytes(&ours), &text, &e));
	assert_string_equal(buf_cstr(&text), c->result);
	if (!ca_ok)
		return;
	name_of_cert("crt", &theirs);
	assert_int_equal(ours.n, theirs.n);
	assert_memory_equal(ours.p, theirs.p, ours.n);
}

static void
test_against_openssl_ca(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		check_case(&cases[i]);
}

static void
apply_text(const struct name_policy_row *rows, size_t n, bool strict,
    const char *issuer, const char *subject, const char *want)
{
	auto_buf struct buf i = { 0 }, s = { 0 }, out = { 0 }, text = { 0 };
	struct error e;

	assert_true(name_parse(issuer, &i, &e));
	assert_true(name_parse(subject, &s, &e));
	if (!name_policy_apply(rows, n, strict, buf_bytes(&i), buf_bytes(&s),
		&out, &e)) {
		assert_string_equal(e.msg, want);
		assert_null(out.p);
		return;
	}
	assert_true(name_format(buf_bytes(&out), &text, &e));
	assert_string_equal(buf_cstr(&text), want);
}

static void
test_strict(void **state)
{
	(void)state;
	apply_text(korean, countof(korean), true, "C=KR,ST=S,O=A",
	    "CN=x,O=A,ST=S,C=KR", "CN=x,O=A,ST=S,C=KR");
	apply_text(korean, countof(korean), true, "C=KR,ST=S,O=A",
	    "CN=x,L=y,O=A,ST=S,C=KR", "subject: L is not in the policy");
	apply_text(korean, countof(korean), true, "C=KR,ST=S,O=A",
	    "CN=x,2.999=#0c0161,O=A,ST=S,C=KR",
	    "subject: 2.999 is not in the policy");
	apply_text(korean, countof(korean), true, "C=KR,ST=S,O=A",
	    "CN=x+OU=y,O=A,ST=S,C=KR",
	    "subject: OU stands in an RDN of several values");
}

static void
test_rows(void **state)
{
	static const struct name_policy_row unknown[] = {
		{ "CN", NAME_SUPPLIED }, { "colour", NAME_OPTIONAL }
	};
	static const struct name_policy_row short_names[] = {
		{ "o", NAME_MATCH }, { "2.5.4.3", NAME_SUPPLIED }
	};

	(void)state;
	apply_text(unknown, 2, false, "O=A", "CN=x",
	    "subject policy: unknown attribute type \"colour\"");
	apply_text(short_names, 2, false, "O=A", "CN=x,O=a", "CN=x,O=A");
	apply_text(short_names, 0, false, "O=A", "CN=x,O=a", "");
}

static void
test_malformed(void **state)
{
	static const struct bytes bad = { (const uint8_t *)"\x30\x01", 2 };
	static const struct bytes empty = { (const uint8_t *)"\x30\x00", 2 };
	struct buf out = { 0 };
	struct error e;

	(void)state;
	assert_false(name_policy_apply(korean, countof(korean), false, bad,
	    empty, &out, &e));
	assert_string_equal(e.msg,
	    "issuer: name: not a sequence of RDNs in DER");
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_false(name_policy_apply(korean, countof(korean), false, empty,
	    bad, &out, &e));
	assert_string_equal(e.msg,
	    "subject: name: not a sequence of RDNs in DER");
	assert_null(out.p);
}

/* Values in other string types, which text cannot make. */
static void
test_comparison(void **state)
{
	static const struct name_policy_row row[] = { { "O", NAME_MATCH } };
	static const struct {
		const char *issuer, *subject;
		bool equal;
	} pairs[] = {
		{ "#130441636d65", "#0c0461636d65", true },  /* P, U */
		{ "#130441636d65", "#160441636d65", false }, /* P, IA5 */
		{ "#160441636d65", "#160441636d65", true },  /* IA5 twice */
		{ "#160441636d65", "#160461636d65", false }, /* IA5, case */
		{ "#1e0400410062", "#1e0400410062", true },  /* BMP */
		{ "#0c0541202062", "#0c0141", false },       /* malformed */
		{ "#0c0441202062", "#0c03412062", true },    /* "A  b" */
		{ "#0c03412062", "#0c024162", false },       /* "A b", "Ab" */
		{ "#0c0141", "#0c024162", false },
		{ "#0c0120", "#0c022020", true }, /* spaces only */
	};

	(void)state;
	for (size_t i = 0; i < countof(pairs); i++) {
		auto_mem char *it = mem_printf("O=%s", pairs[i].issuer);
		auto_mem char *st = mem_printf("O=%s", pairs[i].subject);
		auto_buf struct buf is = { 0 }, su = { 0 }, out = { 0 };
		struct error e;

		if (!name_parse(it, &is, &e) || !name_parse(st, &su, &e)) {
			assert_false(pairs[i].equal);
			continue;
		}
		assert_int_equal(name_policy_apply(row, 1, false,
				     buf_bytes(&is), buf_bytes(&su), &out, &e),
		    pairs[i].equal);
		/* The issuer's encoding is what goes in. */
		if (pairs[i].equal)
			assert_true(bytes_eq(buf_bytes(&out), buf_bytes(&is)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_openssl_ca),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_comparison),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
