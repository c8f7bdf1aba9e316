/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include <chancery/base/cleanup.h>
#include <chancery/pki/cert.h>

static const char *const labels[] = { "CERTIFICATE", "X509 CRL", NULL };

/* All lengths around the line of 48 octets: ours reads it, and so does
 * libcrypto. */
static void
test_round_trip(void **state)
{
	uint8_t data[200];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t n = 1; n <= sizeof(data); n++) {
		auto_buf struct buf pem = { 0 }, back = { 0 };
		const char *label;
		char *name = NULL, *header = NULL;
		unsigned char *theirs = NULL;
		long len = 0;
		size_t at = 0;
		struct error e;
		BIO *b;

		pem_encode("X509 CRL", bytes_of(data, n), &pem);
		assert_true(
		    pem_next(buf_bytes(&pem), &at, labels, &back, &label, &e));
		assert_string_equal(label, "X509 CRL");
		assert_int_equal(at, pem.n);
		assert_true(bytes_eq(buf_bytes(&back), bytes_of(data, n)));
		b = BIO_new_mem_buf(pem.p, (int)pem.n);
		assert_int_equal(PEM_read_bio(b, &name, &header, &theirs, &len),
		    1);
		assert_int_equal(len, n);
		assert_memory_equal(theirs, data, n);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(theirs);
		BIO_free(b);
	}
}

/* From every octet of the text on (of long ones, from some), piece by piece: what pem_encode
 * makes of it, and no piece larger than said. */
static void
check_pieces(struct bytes der, size_t step)
{
	auto_buf struct buf pem = { 0 };

	pem_encode("X509 CRL", der, &pem);
	assert_int_equal(pem_length("X509 CRL", der.n), pem.n);
	for (size_t from = 0; from < pem.n; from += step) {
		auto_buf struct buf out = { 0 };

		while (from + out.n < pem.n) {
			struct pem_piece p =
			    pem_piece_at("X509 CRL", der.n, from + out.n);
			size_t before = out.n;

			assert_true(p.n <= PEM_PIECE_BYTES);
			assert_true(p.at + p.n <= der.n);
			pem_piece_encode("X509 CRL", der.n, &p,
			    bytes_of(der.p + p.at, p.n), &out);
			assert_true(out.n > before);
			assert_true(out.n - before < PEM_PIECE_BYTES * 3 / 2);
		}
		assert_int_equal(out.n, pem.n - from);
		assert_memory_equal(out.p, pem.p + from, out.n);
	}
}

static void
test_pieces(void **state)
{
	auto_mem uint8_t *data = mem_alloc(3 * PEM_PIECE_BYTES);

	(void)state;
	for (size_t i = 0; i < 3 * PEM_PIECE_BYTES; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t n = 1; n <= 200; n++)
		check_pieces(bytes_of(data, n), 1);
	for (size_t n = PEM_PIECE_BYTES - 50; n <= PEM_PIECE_BYTES + 50; n++)
		check_pieces(bytes_of(data, n), 1009);
	check_pieces(bytes_of(data, 3 * PEM_PIECE_BYTES), 331);
	check_pieces(bytes_of(data, 3 * PEM_PIECE_BYTES - 1), 331);
}

static void
test_written_form(void **state)
{
	static const uint8_t data[49] = { 0 };
	auto_buf struct buf pem = { 0 };

	(void)state;
	pem_encode("CERTIFICATE", bytes_of(data, sizeof(data)), &pem);
	assert_string_equal(buf_cstr(&pem),
	    "-----BEGIN CERTIFICATE-----\n"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
	    "AA==\n"
	    "-----END CERTIFICATE-----\n");
}

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

static void
test_read(void **state)
{
	static const struct {
		const char *what, *pem;
		size_t n; /* octets of the body: 0, 1, 2… */
	} good[] = {
		{ "LF", BEGIN "\nAAEC\n" END "\n", 3 },
		{ "no end of line", BEGIN "\nAAEC\n" END, 3 },
		{ "CRLF", BEGIN "\r\nAAEC\r\n" END "\r\n", 3 },
		{ "CR", BEGIN "\rAAEC\r" END "\r", 3 },
		{ "mixed, as keytool", BEGIN "\nAA\r\nEC\n" END "\n", 3 },
		{ "broken anywhere", BEGIN "\nA\nA\n\n E C\t\n" END, 3 },
		{ "one long line",
		    BEGIN "\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
			  "GBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEy\n" END,
		    51 },
		{ "space behind", BEGIN "  \nAAEC \n" END "\t\n", 3 },
		{ "text around", "Subject: x\n" BEGIN "\nAAEC\n" END "\nbye",
		    3 },
		{ "another label before",
		    "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE "
		    "KEY-----\n" BEGIN "\nAAEC\n" END,
		    3 },
	};

	(void)state;
	for (size_t i = 0; i < countof(good); i++) {
		auto_buf struct buf der = { 0 };
		struct bytes in = bytes_str(good[i].pem);
		const char *label;
		size_t at = 0;
		struct error e;

		if (!pem_next(in, &at, labels, &der, &label, &e))
			fail_msg("%s: %s", good[i].what, e.msg);
		assert_string_equal(label, "CERTIFICATE");
		assert_int_equal(der.n, good[i].n);
		for (size_t j = 0; j < der.n; j++)
			assert_int_equal(der.p[j], j);
		assert_false(pem_next(in, &at, labels, &der, &label, &e));
		assert_int_equal(e.why, FAIL_NOT_FOUND);
	}
}

static void
test_bad(void **state)
{
	static const struct {
		const char *pem;
		enum fail why;
		const char *msg;
	} cases[] = {
		{ "", FAIL_NOT_FOUND, "no PEM block \"CERTIFICATE\"" },
		{ "x" BEGIN "\nAAEC\n" END, FAIL_NOT_FOUND, "no PEM block" },
		{ "-----BEGIN CERTIFICATE----\nAAEC\n" END, FAIL_NOT_FOUND,
		    "no PEM block" },
		{ "-----BEGIN certificate-----\nAAEC\n" END, FAIL_NOT_FOUND,
		    "no PEM block" },
		{ "\n\n" BEGIN "\nAAEC\n", FAIL_BAD_INPUT,
		    "PEM block \"CERTIFICATE\" from line 4 on: no END line" },
		{ BEGIN "\nAAEC\n-----END X509 CRL-----\n", FAIL_BAD_INPUT,
		    "no END line" },
		{ BEGIN "\n" END, FAIL_BAD_INPUT, "not base64" },
		{ BEGIN "\nAAE\n" END, FAIL_BAD_INPUT, "not base64" },
		{ BEGIN "\nAAEC=\n" END, FAIL_BAD_INPUT, "not base64" },
		{ BEGIN "\nAA==AAEC\n" END, FAIL_BAD_INPUT, "not base64" },
		{ BEGIN "\nAB==\n" END, FAIL_BAD_INPUT, "not base64" },
		{ BEGIN "\nAA-_\n" END, FAIL_BAD_INPUT, "not base64" },
		{ BEGIN "\nProc-Type: 4,ENCRYPTED\n\nAAEC\n" END,
		    FAIL_BAD_INPUT, "has headers" },
		{ BEGIN "\nAAEC\n" BEGIN "\nAAEC\n" END, FAIL_BAD_INPUT,
		    "not base64" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct buf der = { 0 };
		const char *label = "unset";
		size_t at = 0;
		struct error e;

		assert_false(pem_next(bytes_str(cases[i].pem), &at, labels,
		    &der, &label, &e));
		assert_int_equal(e.why, cases[i].why);
		if (strstr(e.msg, cases[i].msg) == NULL)
			fail_msg("%zu: %s", i, e.msg);
		/* Outputs are written on success only. */
		assert_true(der.p == NULL && at == 0);
		assert_string_equal(label, "unset");
	}
}

static void
test_bundle(void **state)
{
	struct bytes in = bytes_str(
	    BEGIN "\nAA==\n" END "\n"
		  "-----BEGIN X509 CRL-----\nAAE=\n-----END X509 CRL-----\n"
		  "-----BEGIN OTHER-----\nAAEC\n-----END OTHER-----\n" BEGIN
		  "\nAAEC\n" END);
	static const struct {
		const char *label;
		size_t n;
	} want[] = { { "CERTIFICATE", 1 }, { "X509 CRL", 2 },
		{ "CERTIFICATE", 3 } };
	size_t at = 0, i;

	(void)state;
	for (i = 0; i < countof(want); i++) {
		auto_buf struct buf der = { 0 };
		const char *label;
		struct error e;

		assert_true(pem_next(in, &at, labels, &der, &label, &e));
		assert_string_equal(label, want[i].label);
		assert_int_equal(der.n, want[i].n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_written_form),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bundle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
