/* SPDX-License-Identifier: Apache-2.0 */
/* An outlane whose publisher is this program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>

#include <event2/event.h>

#include <chancery/base/clock.h>
#include <chancery/server/outlane.h>
#include <chancery/wire/port.h>

static int64_t later_ns; /* added to the clock */
int64_t __real_clock_mono_ns(void);
int64_t __wrap_clock_mono_ns(void);
int64_t
__wrap_clock_mono_ns(void)
{
	return __real_clock_mono_ns() + later_ns;
}

#define SEEN_MAX 64
struct rig {
	struct event_base *base;
	struct outlane *o;
	struct port *publisher;
	struct frame seen[SEEN_MAX];
	char secret[SEEN_MAX][32];
	size_t n;
	/* What callers were told. */
	size_t told;
	enum fail why;
	char text[128];
};

static void
attach(struct rig *r)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	port_free(r->publisher);
	r->publisher = port_new(fd[1]);
	r->n = 0;
	outlane_attach(r->o, fd[0]);
}

static int
setup(void **state)
{
	struct rig *r = mem_calloc(1, sizeof(*r));

	later_ns = 0;
	r->base = event_base_new();
	r->o = outlane_new(r->base, -1);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	outlane_free(r->o);
	port_free(r->publisher);
	event_base_free(r->base);
	mem_free(r);
	return 0;
}

static void
told(void *arg, const struct job_answer *a)
{
	struct rig *r = arg;

	r->told++;
	r->why = a->why;
	(void)snprintf(r->text, sizeof(r->text), "%s",
	    a->why != FAIL_NONE ? a->msg : a->display_name);
}

static void
ask(struct rig *r, const char *token)
{
	struct outlane_ask q = { .job = JOB_VAULT_LOOKUP,
		.request = { .service = 1, .secret = bytes_str(token) },
		.key = sha256(bytes_str(token)),
		.timeout_ms = 1000 };

	outlane_ask(r->o, &q, told, r);
}

static bool
on_frame(void *arg, const struct frame *f, struct bytes body, struct error *e)
{
	struct rig *r = arg;
	struct job_request q;

	assert_true(job_request_decode(f->type, body, &q, e));
	assert_true(r->n < SEEN_MAX && q.secret.n < 32);
	r->seen[r->n] = *f;
	memcpy(r->secret[r->n], q.secret.p, q.secret.n);
	r->secret[r->n++][q.secret.n] = '\0';
	return true;
}

static void
read_all(struct rig *r)
{
	struct error e;

	while (port_receive(r->publisher, on_frame, r, &e) == PEER_GOT)
		continue;
}

static void
say(struct rig *r, const struct frame *f, const struct job_answer *a)
{
	auto_buf struct buf body = { 0 };
	struct error e;

	assert_true(job_answer_encode(JOB_VAULT_LOOKUP, a, &body, &e));
	assert_true(port_send(r->publisher, f, buf_bytes(&body),
	    (struct bytes){ 0 }, &e));
	assert_true(port_flush(r->publisher, &e));
}

static void
answer(struct rig *r, size_t i, const char *name)
{
	struct frame f = r->seen[i];

	f.flags = FRAME_ANSWER;
	say(r, &f, &(struct job_answer){ .display_name = name });
}

static void
loop(struct rig *r)
{
	(void)event_base_loop(r->base, EVLOOP_NONBLOCK);
}

static void
test_answers(void **state)
{
	struct rig *r = *state;

	attach(r);
	ask(r, "one");
	ask(r, "two");
	read_all(r);
	assert_int_equal(r->n, 2);
	assert_string_equal(r->secret[0], "one");
	answer(r, 1, "second");
	loop(r);
	assert_int_equal(r->told, 1);
	assert_string_equal(r->text, "second");
	answer(r, 0, "first");
	answer(r, 0, "again");
	loop(r);
	assert_int_equal(r->told, 2);
	assert_string_equal(r->text, "first");
}

static void
test_the_same_is_asked_once(void **state)
{
	struct rig *r = *state;

	attach(r);
	for (int i = 0; i < 10; i++)
		ask(r, "one");
	read_all(r);
	assert_int_equal(r->n, 1);
	answer(r, 0, "x");
	loop(r);
	assert_int_equal(r->told, 10);
}

static void
test_waits_for_a_publisher(void **state)
{
	struct rig *r = *state;

	ask(r, "one");
	assert_int_equal(r->told, 0);
	attach(r);
	read_all(r);
	assert_int_equal(r->n, 1);
	/* It goes away, and another one comes. */
	port_free(take(r->publisher));
	loop(r);
	assert_int_equal(r->told, 0);
	attach(r);
	read_all(r);
	assert_int_equal(r->n, 1);
	answer(r, 0, "x");
	loop(r);
	assert_int_equal(r->told, 1);
	assert_int_equal(r->why, FAIL_NONE);
}

static void
expire(struct rig *r)
{
	later_ns += INT64_C(1100) * 1000000;
	for (int i = 0; i < 200 && r->told == 0; i++)
		(void)event_base_loop(r->base, EVLOOP_ONCE);
}

static void
test_deadlines(void **state)
{
	struct rig *r = *state;

	ask(r, "one");
	expire(r);
	assert_int_equal(r->why, FAIL_TIMEOUT);
	assert_string_equal(r->text, "the publisher is not there just now");
	r->told = 0;
	attach(r);
	ask(r, "two");
	expire(r);
	assert_int_equal(r->why, FAIL_TIMEOUT);
	assert_string_equal(r->text, "the publisher did not answer in time");
	/* Its answer comes to nobody. */
	read_all(r);
	answer(r, r->n - 1, "late");
	loop(r);
	assert_int_equal(r->told, 1);
}

static void
test_too_many(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < LIMIT_OUTLANE_WAITERS; i++)
		ask(r, "one");
	assert_int_equal(r->told, 0);
	ask(r, "one");
	assert_int_equal(r->told, 1);
	assert_int_equal(r->why, FAIL_BUSY);
	ask(r, "two");
	assert_int_equal(r->told, 2);
}

/* Whatever it says, it is cut off; what was asked waits for another one. */
static void
test_nonsense(void **state)
{
	static const uint8_t raw[] = { 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 9 };
	struct rig *r = *state;
	struct frame f = { .type = JOB_VAULT_LOOKUP };

	ask(r, "one");
	for (int i = 0; i < 3; i++) {
		attach(r);
		read_all(r);
		assert_int_equal(r->n, 1);
		if (i == 0)
			say(r, &f, &(struct job_answer){ 0 }); /* a request */
		else if (i == 1)
			assert_int_equal(send(port_fd(r->publisher), raw,
					     sizeof(raw), 0),
			    sizeof(raw));
		else
			assert_int_equal(send(port_fd(r->publisher), "x", 1, 0),
			    1);
		loop(r);
		assert_int_equal(r->told, 0);
	}
	attach(r);
	read_all(r);
	answer(r, 0, "x");
	loop(r);
	assert_int_equal(r->told, 1);
}

static void
told_and_asks(void *arg, const struct job_answer *a)
{
	struct rig *r = arg;

	told(r, a);
	port_free(take(r->publisher));
	ask(r, "second");
}

/* The publisher was killed between its answer and the question that the answer led to: the
 * port was freed while it was being read. */
static void
test_gone_while_an_answer_is_told(void **state)
{
	struct rig *r = *state;
	struct outlane_ask q = { .job = JOB_VAULT_LOOKUP,
		.request = { .service = 1, .secret = bytes_str("first") },
		.key = sha256(bytes_str("first")),
		.timeout_ms = 1000 };

	attach(r);
	outlane_ask(r->o, &q, told_and_asks, r);
	read_all(r);
	answer(r, 0, "x");
	loop(r);
	assert_int_equal(r->told, 1);
	attach(r);
	read_all(r);
	assert_string_equal(r->secret[0], "second");
	answer(r, 0, "y");
	loop(r);
	assert_int_equal(r->told, 2);
	assert_string_equal(r->text, "y");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_same_is_asked_once,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits_for_a_publisher,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadlines, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_gone_while_an_answer_is_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
