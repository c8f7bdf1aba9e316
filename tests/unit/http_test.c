/* SPDX-License-Identifier: Apache-2.0 */
/* The engine from outside: real sockets, one worker or several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_rig.h"

#define HOST "Host: localhost\r\n"
static const enum http_listener kinds[] = { HTTP_TLS, HTTP_UNIX, HTTP_PLAIN };

/* One answer whose text has to contain `says`. */
static void
answer_says(struct client *c, int status, const char *says)
{
	auto_buf struct buf out = { 0 };

	assert_int_equal(client_answer(c, false, &out), status);
	if (strstr((const char *)out.p, says) == NULL)
		fail_msg("no \"%s\" in: %s", says, (const char *)out.p);
}

static void
test_keep_alive(unused_arg void **state)
{
	static const struct rig_options o = { .workers = 2 };
	struct rig *r = rig_start(&o);

	for (size_t k = 0; k < countof(kinds); k++) {
		struct client c = client_open(r, kinds[k]);

		for (int i = 0; i < 50; i++) {
			client_send(&c,
			    "POST /v1/a?b=c HTTP/1.1\r\n" HOST
			    "Content-Length: 4\r\n\r\nbody");
			answer_says(&c, 200, "\r\n\r\nPOST /v1/a?b=c body");
			client_send(&c, "LIST /l HTTP/1.1\r\n" HOST "\r\n");
			answer_says(&c, 200, "\r\n\r\nLIST /l? ");
		}
		client_close(&c);
	}
	rig_end(r);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
