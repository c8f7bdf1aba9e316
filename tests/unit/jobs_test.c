/* SPDX-License-Identifier: Apache-2.0 */
/* Ports, and the jobs that go over them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chancery/base/limits.h>
#include <chancery/wire/jobs.h>
#include <chancery/wire/port.h>

struct rig {
	struct port *a, *b;
	struct buf got;
	struct frame frame;
	size_t n;
	bool refuse;
	struct port *port; /* whose file is taken, or NULL */
	int file;
};

static int
setup(void **state)
{
	struct rig *r = mem_calloc(1, sizeof(*r));
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	r->a = port_new(fd[0]);
	r->b = port_new(fd[1]);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	port_free(r->a);
	port_free(r->b);
	buf_free(&r->got);
	mem_free(r);
	return 0;
}

static bool
on_frame(void *arg, const struct frame *f, struct bytes body, struct error *e)
{
	struct rig *r = arg;

	r->frame = *f;
	buf_reset(&r->got);
	buf_add_bytes(&r->got, body);
	r->n++;
	if (r->port != NULL)
		r->file = port_file(r->port);
	return !r->refuse || error_set(e, FAIL_BAD_INPUT, "refused");
}

static void
test_frames_pass(void **state)
{
	struct rig *r = *state;
	struct frame f = { .type = 1, .flags = FRAME_ANSWER, .id = 77 };
	struct error e;

	assert_true(
	    port_send(r->a, &f, bytes_str("open"), bytes_str("secret"), &e));
	assert_true(port_is_full(r->a));
	assert_int_equal(port_receive(r->b, on_frame, r, &e), PEER_EMPTY);
	assert_true(port_flush(r->a, &e));
	assert_false(port_is_full(r->a));
	assert_int_equal(port_receive(r->b, on_frame, r, &e), PEER_GOT);
	assert_true(bytes_eq(buf_bytes(&r->got), bytes_str("opensecret")));
	assert_int_equal(r->frame.id, 77);
	assert_int_equal(r->frame.len, 10);
	assert_int_equal(r->frame.flags, FRAME_ANSWER);
}

static void
test_limits(void **state)
{
	static uint8_t large[LIMIT_PACKET_BYTES];
	struct rig *r = *state;
	struct frame f = { .type = 1 };
	struct error e;
	size_t n;

	assert_false(port_send(r->a, &f, bytes_of(large, sizeof(large)),
	    (struct bytes){ 0 }, &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_true(
	    port_send(r->a, &f, bytes_of(large, sizeof(large) - FRAME_HEADER),
		(struct bytes){ 0 }, &e));
	assert_true(port_flush(r->a, &e));
	assert_int_equal(port_receive(r->b, on_frame, r, &e), PEER_GOT);
	assert_int_equal(r->got.n, sizeof(large) - FRAME_HEADER);
	/* Nobody reads: neither end waits, and the queue has an end. */
	for (n = 0; port_send(r->a, &f, bytes_str("x"), bytes_str("y"), &e);
	     n++)
		if (n < 1000)
			assert_true(port_flush(r->a, &e));
	assert_int_equal(e.why, FAIL_BUSY);
	assert_true(n >= LIMIT_PORT_PACKETS);
	while (port_is_full(r->a)) {
		assert_true(port_flush(r->a, &e));
		while (port_receive(r->b, on_frame, r, &e) == PEER_GOT)
			continue;
	}
	assert_int_equal(r->n, n + 1);
}

static void
test_what_is_no_frame(void **state)
{
	static const struct {
		const char *name;
		const char *in;
		size_t n;
	} rows[] = {
		{ "short", "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15 },
		{ "flags", "\1\0\x80\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 },
		{ "memfd", "\1\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 },
		{ "longer than it says", "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0x",
		    17 },
		{ "shorter than it says", "\1\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0x",
		    17 },
		{ "huge", "\1\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0", 16 },
	};
	struct rig *r = *state;
	struct error e;

	for (size_t i = 0; i < countof(rows); i++) {
		assert_int_equal(send(port_fd(r->a), rows[i].in, rows[i].n, 0),
		    rows[i].n);
		if (port_receive(r->b, on_frame, r, &e) != PEER_BAD)
			fail_msg("%s was taken", rows[i].name);
		assert_int_equal(e.why, FAIL_BAD_INPUT);
	}
	assert_int_equal(r->n, 0);
	r->refuse = true;
	assert_true(port_send(r->a, &(struct frame){ .type = 1 },
	    bytes_str("x"), (struct bytes){ 0 }, &e));
	assert_true(port_flush(r->a, &e));
	assert_int_equal(port_receive(r->b, on_frame, r, &e), PEER_BAD);
	assert_string_equal(e.msg, "refused");
}

static void
test_the_other_end_goes(void **state)
{
	struct rig *r = *state;
	struct error e;

	assert_true(port_send(r->a, &(struct frame){ .type = 1 },
	    bytes_str("x"), bytes_str("y"), &e));
	port_free(take(r->b));
	assert_int_equal(port_receive(r->a, on_frame, r, &e), PEER_GONE);
	assert_int_equal(e.why, FAIL_IO);
	assert_false(port_flush(r->a, &e));
	assert_int_equal(e.why, FAIL_IO);
}

/* ---- jobs -------------------------------------------------------------- */

static struct job_answer
sample(void)
{
	struct job_answer a = { .expires = true,
		.ttl_s = 3600,
		.uses = 7,
		.accessor = "acc",
		.display_name = "token-größe",
		.name_space = "team/" };

	a.policies.v[a.policies.n++] = "default";
	a.policies.v[a.policies.n++] = "ops";
	a.cidrs.v[a.cidrs.n++] = "10.0.0.0/8";
	return a;
}

static void
test_request_and_answer(unused_arg void **state)
{
	auto_buf struct buf b = { 0 };
	struct job_request q = { .service = 3, .secret = bytes_str("hvs.x") };
	struct job_request back;
	struct job_answer a = sample(), got;
	struct error e;

	assert_true(job_request_encode(JOB_VAULT_LOOKUP, &q, &b, &e));
	assert_int_equal(b.n, 8);
	assert_false(
	    job_request_decode(JOB_VAULT_LOOKUP, buf_bytes(&b), &back, &e));
	buf_add_bytes(&b, q.secret);
	assert_true(
	    job_request_decode(JOB_VAULT_LOOKUP, buf_bytes(&b), &back, &e));
	assert_int_equal(back.service, 3);
	assert_true(bytes_eq(back.secret, q.secret));
	buf_reset(&b);
	assert_true(job_answer_encode(JOB_VAULT_LOOKUP, &a, &b, &e));
	assert_true(
	    job_answer_decode(JOB_VAULT_LOOKUP, buf_bytes(&b), &got, &e));
	assert_true(got.expires && got.ttl_s == 3600 && got.uses == 7);
	assert_string_equal(got.display_name, a.display_name);
	assert_string_equal(got.name_space, "team/");
	assert_int_equal(got.policies.n, 2);
	assert_string_equal(got.policies.v[1], "ops");
	assert_string_equal(got.cidrs.v[0], "10.0.0.0/8");
	/* Every cut of it, and anything behind it. */
	for (size_t n = 0; n < b.n; n++)
		assert_false(job_answer_decode(JOB_VAULT_LOOKUP,
		    bytes_of(b.p, n), &got, &e));
	buf_add_byte(&b, 0);
	assert_false(
	    job_answer_decode(JOB_VAULT_LOOKUP, buf_bytes(&b), &got, &e));
}

static void
test_publish(unused_arg void **state)
{
	auto_buf struct buf b = { 0 };
	struct job_request back,
	    q = { .service = 2,
		    .form = JOB_FORM_LIST_PEM,
		    .name = "m/full.crl",
		    .number = 1ULL << 40,
		    .issuer = bytes_str("issuer") };
	struct job_answer got,
	    a = { .number = 7, .this_s = 8, .next_s = 9, .changed = true };
	struct error e;

	assert_true(job_request_encode(JOB_PUBLISH, &q, &b, &e));
	assert_true(job_request_decode(JOB_PUBLISH, buf_bytes(&b), &back, &e));
	assert_int_equal(back.service, 2);
	assert_int_equal(back.form, JOB_FORM_LIST_PEM);
	assert_true(back.number == q.number);
	assert_string_equal(back.name, q.name);
	assert_true(bytes_eq(back.issuer, q.issuer));
	for (size_t n = 0; n < b.n; n++)
		assert_false(job_request_decode(JOB_PUBLISH, bytes_of(b.p, n),
		    &back, &e));
	assert_true(job_has_file(JOB_PUBLISH, &q));
	q.form = JOB_FORM_CERTIFICATE;
	assert_false(job_has_file(JOB_PUBLISH, &q));
	buf_reset(&b);
	assert_true(job_answer_encode(JOB_PUBLISH, &a, &b, &e));
	assert_true(job_answer_decode(JOB_PUBLISH, buf_bytes(&b), &got, &e));
	assert_true(got.number == 7 && got.this_s == 8 && got.next_s == 9 &&
	    got.changed);
}

/* A file goes to a port that takes files, and to no other; what nobody takes is closed. */
static void
test_files_pass(void **state)
{
	struct rig *r = *state;
	struct frame f = { .type = 2 };
	int fd[2], before;
	struct error e;
	char c;

	assert_int_equal(pipe(fd), 0);
	before = dup(fd[0]);
	(void)close(before);
	/* Not asked for: MSG_CTRUNC. */
	assert_true(port_send_file(r->a, &f, bytes_str("x"), fd[1], &e));
	assert_true(port_flush(r->a, &e));
	assert_int_equal(port_receive(r->b, on_frame, r, &e), PEER_BAD);
	port_take_files(r->b);
	/* Not taken by the handler. */
	assert_true(port_send_file(r->a, &f, bytes_str("x"), fd[1], &e));
	assert_true(port_flush(r->a, &e));
	assert_int_equal(port_receive(r->b, on_frame, r, &e), PEER_GOT);
	assert_int_equal(dup(fd[0]), before);
	(void)close(before);
	r->port = r->b;
	assert_true(port_send_file(r->a, &f, bytes_str("x"), fd[1], &e));
	assert_true(port_flush(r->a, &e));
	(void)close(fd[1]);
	assert_int_equal(port_receive(r->b, on_frame, r, &e), PEER_GOT);
	assert_true(r->file >= 0);
	assert_int_equal(write(r->file, "y", 1), 1);
	(void)close(r->file);
	assert_int_equal(read(fd[0], &c, 1), 1);
	/* All ends are closed again. */
	assert_int_equal(read(fd[0], &c, 1), 0);
	(void)close(fd[0]);
	/* Without one there is none. */
	assert_true(
	    port_send(r->a, &f, bytes_str("x"), (struct bytes){ 0 }, &e));
	assert_true(port_flush(r->a, &e));
	assert_int_equal(port_receive(r->b, on_frame, r, &e), PEER_GOT);
	assert_int_equal(r->file, -1);
}

static void
test_failures_have_no_fields(unused_arg void **state)
{
	auto_buf struct buf b = { 0 };
	struct job_answer a = sample(), got;
	struct error e;

	a.why = FAIL_TIMEOUT;
	a.msg = "bad \xff text";
	assert_true(job_answer_encode(JOB_VAULT_LOOKUP, &a, &b, &e));
	assert_true(
	    job_answer_decode(JOB_VAULT_LOOKUP, buf_bytes(&b), &got, &e));
	assert_int_equal(got.why, FAIL_TIMEOUT);
	assert_string_equal(got.msg, "bad \\xff text");
	assert_int_equal(got.policies.n, 0);
	assert_null(got.accessor);
}

static void
test_fields_have_limits(unused_arg void **state)
{
	static char name[300];
	struct job_answer a;
	struct error e;
	auto_buf struct buf b = { 0 };

	memset(name, 'x', sizeof(name) - 1);
	a = sample();
	a.display_name = name;
	assert_false(job_answer_encode(JOB_VAULT_LOOKUP, &a, &b, &e));
	assert_non_null(strstr(e.msg, "display_name"));
	a = sample();
	a.policies.v[1] = name;
	assert_false(job_answer_encode(JOB_VAULT_LOOKUP, &a, &b, &e));
	assert_non_null(strstr(e.msg, "policies"));
	a = sample();
	a.accessor = "\xff";
	assert_false(job_answer_encode(JOB_VAULT_LOOKUP, &a, &b, &e));
	assert_false(job_request_encode(JOB_VAULT_LOOKUP,
	    &(struct job_request){
		.secret = bytes_of(name, LIMIT_FOREIGN_TOKEN_BYTES + 1) },
	    &b, &e));
	/* More texts than an answer has room for. */
	buf_reset(&b);
	wire_u32(&b, 0);
	wire_u32(&b, 0);
	wire_u32(&b, 0);
	wire_u64(&b, 0);
	wire_u64(&b, 0);
	for (int i = 0; i < 3; i++)
		wire_u32(&b, 0);
	wire_u32(&b, JOB_TEXTS_MAX + 1);
	for (int i = 0; i <= JOB_TEXTS_MAX; i++)
		wire_text(&b, "x");
	wire_u32(&b, 0);
	assert_false(
	    job_answer_decode(JOB_VAULT_LOOKUP, buf_bytes(&b), &a, &e));
}

static void
test_unknown_jobs(unused_arg void **state)
{
	struct job_request q;
	struct job_answer a;
	struct error e;

	for (unsigned j = 0; j < 1000; j++) {
		if (j == JOB_VAULT_LOOKUP || j == JOB_PUBLISH)
			continue;
		assert_false(
		    job_request_decode(j, (struct bytes){ 0 }, &q, &e));
		assert_false(job_answer_decode(j, (struct bytes){ 0 }, &a, &e));
	}
	assert_string_equal(job_name(JOB__COUNT), "unknown");
	assert_string_equal(job_name(JOB_VAULT_LOOKUP), "VAULT_LOOKUP");
}

/* CMSG_SPACE of one descriptor has room for two. */
static void
test_two_files_are_refused_and_closed(void **state)
{
	struct rig *r = *state;
	const struct frame f = { .type = 2 };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} c = { 0 };
	uint8_t head[FRAME_HEADER];
	struct iovec v = { head, sizeof(head) };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = sizeof(c.room) };
	int fd[2];
	struct error e;
	char octet;

	assert_int_equal(pipe(fd), 0);
	c.align = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(fd)) };
	memcpy(CMSG_DATA(&c.align), (int[]){ fd[1], fd[1] }, sizeof(fd));
	frame_write(&f, head);
	port_take_files(r->b);
	assert_int_equal(sendmsg(port_fd(r->a), &m, MSG_NOSIGNAL),
	    sizeof(head));
	(void)close(fd[1]);
	assert_int_equal(port_receive(r->b, on_frame, r, &e), PEER_BAD);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	/* All ends are closed: the end, not "nothing yet". */
	assert_int_equal(read(fd[0], &octet, 1), 0);
	(void)close(fd[0]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_frames_pass, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_frame, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_the_other_end_goes, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_files_pass, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_two_files_are_refused_and_closed, setup, teardown),
		cmocka_unit_test(test_request_and_answer),
		cmocka_unit_test(test_publish),
		cmocka_unit_test(test_failures_have_no_fields),
		cmocka_unit_test(test_fields_have_limits),
		cmocka_unit_test(test_unknown_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
