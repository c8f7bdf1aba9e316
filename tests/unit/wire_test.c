/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <chancery/base/limits.h>
#include <chancery/wire/peer.h>
#include <chancery/wire/signer.h>

/* ---- fields ------------------------------------------------------------ */

static void
test_fields_come_back(unused_arg void **state)
{
	auto_buf struct buf b = { 0 };
	struct wire_reader r;
	uint8_t fixed[4];

	wire_u32(&b, 0xdeadbeef);
	wire_u64(&b, UINT64_MAX - 1);
	wire_bytes(&b, bytes_str("abc"));
	wire_text(&b, "größe");
	wire_text(&b, NULL);
	wire_text(&b, "");
	wire_u32(&b, 1);
	buf_add(&b, "wxyz", 4);
	wire_read(&r, buf_bytes(&b));
	assert_int_equal(wire_get_u32(&r), 0xdeadbeef);
	assert_true(wire_get_u64(&r) == UINT64_MAX - 1);
	assert_true(bytes_eq(wire_get_bytes(&r, 3), bytes_str("abc")));
	assert_string_equal(wire_get_text(&r, 10), "größe");
	assert_null(wire_get_text(&r, 10));
	assert_string_equal(wire_get_text(&r, 0), "");
	assert_true(wire_get_bool(&r));
	assert_false(wire_done(&r));
	wire_get_fixed(&r, fixed, 4);
	assert_memory_equal(fixed, "wxyz", 4);
	assert_true(wire_done(&r));
	assert_int_equal(wire_get_u32(&r), 0);
	assert_false(wire_done(&r));
}

static void
test_mistakes_give_zeros(unused_arg void **state)
{
	static const struct {
		const char *name, *in;
		size_t n;
	} rows[] = {
		{ "text without its NUL", "\3\0\0\0abc", 7 },
		{ "text with a NUL inside", "\4\0\0\0a\0c\0", 8 },
		{ "text that is not UTF-8", "\2\0\0\0\xff\0", 6 },
		{ "length past the end", "\5\0\0\0ab\0", 7 },
		{ "length past the limit", "\x14\0\0\0abcdefghijklmnopqrs\0",
		    24 },
		{ "huge length", "\xff\xff\xff\xff", 4 },
		{ "no length", "\1\0", 2 },
	};
	struct wire_reader r;

	for (size_t i = 0; i < countof(rows); i++) {
		wire_read(&r, bytes_of(rows[i].in, rows[i].n));
		if (wire_get_text(&r, 8) != NULL || !r.failed)
			fail_msg("%s was taken", rows[i].name);
		assert_int_equal(wire_get_u32(&r), 0);
		assert_int_equal(wire_get_bytes(&r, 10).n, 0);
		assert_false(wire_done(&r));
	}
	wire_read(&r, bytes_of("\2\0\0\0", 4));
	assert_false(wire_get_bool(&r));
	assert_true(r.failed);
}

static void
test_header(unused_arg void **state)
{
	const struct frame f = { 7, FRAME_ANSWER, 1234, 0x1122334455667788 };
	uint8_t b[FRAME_HEADER];
	struct frame g;

	frame_write(&f, b);
	assert_int_equal(b[0], 7);
	assert_int_equal(b[8], 0x88);
	assert_true(frame_read(b, &g));
	assert_true(g.type == 7 && g.len == 1234 && g.id == f.id &&
	    g.flags == FRAME_ANSWER);
	b[3] = 0x80;
	assert_false(frame_read(b, &g));
}

/* ---- messages ---------------------------------------------------------- */

static void
fill_request(struct wire_request *q)
{
	*q = (struct wire_request){ .version = 1,
		.count = 2,
		.cert = 3,
		.period_s = 4,
		.invalidity_s = -5,
		.alg = 6,
		.bits = 7,
		.reason = 8,
		.kind = 9,
		.flag = true,
		.data = bytes_str("data"),
		.issuer = bytes_str("issuer"),
		.id = bytes_str("id"),
		.who = "who",
		.why = "why",
		.profile = "profile",
		.scope = "full",
		.url = "http://url",
		.token = "ca",
		.label = "label",
		.what = "what" };
	memset(q->key.b, 0xaa, SHA256_LEN);
	memset(q->key_id, 0xbb, 20);
}

static void
test_every_message_comes_back(unused_arg void **state)
{
	struct wire_request q, p;
	struct wire_answer a, b;
	struct error e;

	fill_request(&q);
	a = (struct wire_answer){ .why = FAIL_EXISTS,
		.msg = "there already",
		.rule = "rule",
		.field = "field",
		.index = 77,
		.t_s = 99,
		.sig = bytes_str("sig") };
	for (unsigned m = 1; m < WIRE__COUNT; m++) {
		auto_buf struct buf in = { 0 }, again = { 0 }, out = { 0 };

		assert_true(wire_request_encode(m, &q, &in, &e));
		assert_true(wire_request_decode(m, buf_bytes(&in), &p, &e));
		assert_true(wire_request_encode(m, &p, &again, &e));
		assert_true(bytes_eq(buf_bytes(&in), buf_bytes(&again)));
		assert_true(wire_answer_encode(m, &a, &out, &e));
		assert_true(wire_answer_decode(m, buf_bytes(&out), &b, &e));
		assert_int_equal(b.why, FAIL_EXISTS);
		assert_string_equal(b.msg, "there already");
		/* Every octet counts. */
		for (size_t n = 0; n < in.n; n++)
			assert_false(
			    wire_request_decode(m, bytes_of(in.p, n), &p, &e));
		for (size_t n = 0; n < out.n; n++)
			assert_false(
			    wire_answer_decode(m, bytes_of(out.p, n), &b, &e));
		buf_add_byte(&in, 0);
		assert_false(wire_request_decode(m, buf_bytes(&in), &p, &e));
		assert_string_not_equal(wire_message_name(m), "unknown");
	}
	assert_false(wire_request_decode(0, (struct bytes){ 0 }, &p, &e));
	assert_false(
	    wire_request_decode(WIRE__COUNT, (struct bytes){ 0 }, &p, &e));
	assert_false(wire_answer_decode(60000, (struct bytes){ 0 }, &b, &e));
}

static void
test_a_field_that_is_too_long_is_named(unused_arg void **state)
{
	auto_buf struct buf out = { 0 }, big = { 0 };
	struct wire_request q;
	struct error e;

	fill_request(&q);
	memset(buf_reserve(&big, LIMIT_WHO_BYTES + 1), 'x',
	    LIMIT_WHO_BYTES + 1);
	buf_commit(&big, LIMIT_WHO_BYTES + 1);
	q.who = buf_cstr(&big);
	assert_false(wire_request_encode(WIRE_CERTIFY, &q, &out, &e));
	assert_non_null(strstr(e.msg, "who"));
	q.who = "\xc3";
	assert_false(wire_request_encode(WIRE_CERTIFY, &q, &out, &e));
	q.who = "who";
	q.data.n = LIMIT_PRIVATE_BYTES + 1;
	assert_false(wire_request_encode(WIRE_RECORD, &q, &out, &e));
	assert_non_null(strstr(e.msg, "data"));
}

/* A sentence that was cut inside a character must not cost the lane. */
static void
test_message_text_is_mended(unused_arg void **state)
{
	auto_buf struct buf out = { 0 }, big = { 0 };
	struct wire_answer a = { .why = FAIL_IO, .msg = "half a \xc3" }, b;
	struct error e;

	assert_true(wire_answer_encode(WIRE_STATUS, &a, &out, &e));
	assert_true(wire_answer_decode(WIRE_STATUS, buf_bytes(&out), &b, &e));
	assert_string_equal(b.msg, "half a \\xc3");
	for (size_t i = 0; i < 400; i++)
		buf_add_str(&big, "ü");
	a.msg = buf_cstr(&big);
	buf_reset(&out);
	assert_true(wire_answer_encode(WIRE_STATUS, &a, &out, &e));
	assert_true(wire_answer_decode(WIRE_STATUS, buf_bytes(&out), &b, &e));
	assert_true(strlen(b.msg) >= ERROR_MSG_SIZE - 1);
}

/* ---- peers ------------------------------------------------------------- */

struct pair {
	struct peer *a, *b;
	size_t frames, octets;
	uint64_t last;
};

static int
pair_setup(void **state)
{
	struct pair *p = mem_calloc(1, sizeof(*p));
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			     fd),
	    0);
	p->a = peer_new(fd[0]);
	p->b = peer_new(fd[1]);
	*state = p;
	return 0;
}

static int
pair_teardown(void **state)
{
	struct pair *p = *state;

	peer_free(p->a);
	peer_free(p->b);
	mem_free(p);
	return 0;
}

static bool
count(void *arg, const struct frame *f, struct bytes body,
    unused_arg struct error *e)
{
	struct pair *p = arg;

	p->frames++;
	p->octets += body.n;
	p->last = f->id;
	for (size_t i = 0; i < body.n; i++)
		if (body.p[i] != (uint8_t)f->id)
			fail_msg("body of frame %llu",
			    (unsigned long long)f->id);
	return true;
}

static void
send_one(struct peer *to, uint64_t id, size_t n)
{
	auto_mem uint8_t *body = mem_alloc(n + 1);
	struct error e;

	memset(body, (int)(uint8_t)id, n);
	assert_true(peer_send(to, &(struct frame){ .type = 1, .id = id },
	    bytes_of(body, n), &e));
}

static size_t
receive_all(struct pair *p)
{
	size_t packets = 0;
	enum peer_got got;
	struct error e;

	while ((got = peer_receive(p->b, count, p, &e)) == PEER_GOT)
		packets++;
	assert_int_equal(got, PEER_EMPTY);
	return packets;
}

static void
test_frames_share_packets(void **state)
{
	struct pair *p = *state;
	struct error e;

	for (uint64_t i = 0; i < 100; i++)
		send_one(p->a, i, 600);
	assert_true(peer_is_full(p->a));
	assert_true(peer_flush(p->a, &e));
	assert_false(peer_is_full(p->a));
	assert_int_equal(peer_queued(p->a), 0);
	assert_int_equal(receive_all(p), 1);
	assert_int_equal(p->frames, 100);
	assert_int_equal(p->octets, 60000);
}

static void
test_large_frames_go_by_memfd(void **state)
{
	struct pair *p = *state;
	struct error e;

	send_one(p->a, 1, 10);
	send_one(p->a, 2, LIMIT_PRIVATE_BYTES + 60000);
	send_one(p->a, 3, 10);
	send_one(p->a, 4, LIMIT_PACKET_BYTES - FRAME_HEADER);
	assert_true(peer_flush(p->a, &e));
	assert_int_equal(receive_all(p), 4);
	assert_int_equal(p->frames, 4);
	assert_int_equal(p->last, 4);
	assert_false(peer_send(p->a, &(struct frame){ .type = 1 },
	    bytes_of("", LIMIT_FRAME_BYTES + 1), &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
}

/* ---- secrets ----------------------------------------------------------- */

struct seen {
	size_t frames;
	const uint8_t *at;
	size_t n;
	bool secret, right;
};

static bool
look(void *arg, const struct frame *f, struct bytes body,
    unused_arg struct error *e)
{
	struct seen *s = arg;

	s->frames++;
	s->at = body.p;
	s->n = body.n;
	s->secret = (f->flags & FRAME_SECRET) != 0;
	s->right = bytes_eq(body, bytes_str("open, closed"));
	return true;
}

static void
test_a_secret_travels_alone_and_is_wiped(void **state)
{
	struct pair *p = *state;
	const struct frame f = { .type = 1, .id = 7, .flags = FRAME_MEMFD };
	struct seen seen = { 0 };
	struct error e;

	send_one(p->a, 1, 10);
	assert_true(peer_send_secret(p->a, &f, bytes_str("open, "),
	    bytes_str("closed"), &e));
	assert_int_equal(peer_queued(p->a), 2 * FRAME_HEADER + 10 + 12);
	send_one(p->a, 2, 10);
	send_one(p->a, 3, 10);
	assert_true(peer_flush(p->a, &e));
	assert_int_equal(peer_queued(p->a), 0);
	assert_int_equal(peer_receive(p->b, count, p, &e), PEER_GOT);
	assert_int_equal(p->frames, 1);
	assert_int_equal(peer_receive(p->b, look, &seen, &e), PEER_GOT);
	assert_int_equal(seen.frames, 1);
	assert_true(seen.secret && seen.right);
	/* The page is the peer's until it is freed. */
	for (size_t i = 0; i < seen.n; i++)
		assert_int_equal(seen.at[i], 0);
	assert_int_equal(receive_all(p), 1);
	assert_int_equal(p->frames, 3);
}

/* The flag is the sender's business: peer_send cannot set it by mistake. */
static void
test_an_ordinary_frame_is_no_secret(void **state)
{
	struct pair *p = *state;
	const struct frame f = { .type = 1, .flags = FRAME_SECRET };
	struct seen seen = { 0 };
	struct error e;

	assert_true(peer_send(p->a, &f, bytes_str("open, closed"), &e));
	assert_true(peer_flush(p->a, &e));
	assert_int_equal(peer_receive(p->b, look, &seen, &e), PEER_GOT);
	assert_true(seen.right && !seen.secret);
}

static void
test_a_secret_that_is_too_long(void **state)
{
	static const uint8_t zeros[LIMIT_PACKET_BYTES];
	struct pair *p = *state;
	const struct frame f = { .type = 1 };
	struct error e = { 0 };

	assert_true(peer_send_secret(p->a, &f, (struct bytes){ 0 },
	    bytes_of(zeros, sizeof(zeros) - FRAME_HEADER), &e));
	assert_false(peer_send_secret(p->a, &f, bytes_str("x"),
	    bytes_of(zeros, sizeof(zeros) - FRAME_HEADER), &e));
	assert_int_equal(e.why, FAIL_BAD_INPUT);
	assert_int_equal(peer_queued(p->a), sizeof(zeros));
}

static void
test_a_secret_waits_for_room(void **state)
{
	static const uint8_t zeros[60000];
	struct pair *p = *state;
	const struct frame f = { .type = 1 };
	struct error e = { 0 };

	while (peer_send(p->a, &f, bytes_of(zeros, sizeof(zeros)), &e))
		continue;
	assert_false(peer_send_secret(p->a, &f, (struct bytes){ 0 },
	    bytes_of(zeros, sizeof(zeros)), &e));
	assert_int_equal(e.why, FAIL_BUSY);
}

/* Two rooms that both send and do not read: neither waits, both are told. */
static void
test_sending_never_blocks(void **state)
{
	struct pair *p = *state;
	auto_mem uint8_t *body = mem_calloc(1, 60000);
	const struct frame f = { .type = 1 };
	struct error e = { 0 };
	size_t n;

	for (n = 0; peer_send(p->a, &f, bytes_of(body, 60000), &e); n++) {
		assert_true(peer_flush(p->a, &e));
		assert_true(n < 100000);
	}
	assert_int_equal(e.why, FAIL_BUSY);
	assert_true(peer_queued(p->a) > LIMIT_PEER_QUEUE_BYTES - 70000);
	while (p->frames < n) {
		(void)receive_all(p);
		assert_true(peer_flush(p->a, &e));
	}
	assert_true(peer_send(p->a, &f, bytes_of(body, 60000), &e));
}

static void
test_a_closed_peer_is_told(void **state)
{
	struct pair *p = *state;
	struct error e;

	peer_free(p->a);
	p->a = NULL;
	assert_int_equal(peer_receive(p->b, count, p, &e), PEER_GONE);
	send_one(p->b, 1, 5);
	assert_false(peer_flush(p->b, &e));
	assert_int_equal(e.why, FAIL_IO);
}

static void
raw(struct pair *p, const void *data, size_t n, int fd)
{
	char room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { (void *)(uintptr_t)data, n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *h;

	if (fd >= 0) {
		m.msg_control = room;
		m.msg_controllen = sizeof(room);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	}
	assert_true(sendmsg(peer_fd(p->a), &m, MSG_NOSIGNAL) >= 0);
}

static void
test_garbage_is_refused(void **state)
{
	struct pair *p = *state;
	struct frame f = { .type = 1, .len = 5 };
	uint8_t b[FRAME_HEADER + 8] = { 0 };
	auto_fd int open_fd = memfd_create("x", MFD_CLOEXEC);
	struct error e;

	raw(p, "short", 5, -1);
	assert_int_equal(peer_receive(p->b, count, p, &e), PEER_BAD);
	frame_write(&f, b);
	raw(p, b, FRAME_HEADER + 4, -1); /* one octet less than it says */
	assert_int_equal(peer_receive(p->b, count, p, &e), PEER_BAD);
	f.flags = FRAME_MEMFD;
	frame_write(&f, b);
	raw(p, b, FRAME_HEADER, -1); /* a memfd that is not there */
	assert_int_equal(peer_receive(p->b, count, p, &e), PEER_BAD);
	raw(p, b, FRAME_HEADER, open_fd); /* one that may still change */
	assert_int_equal(peer_receive(p->b, count, p, &e), PEER_BAD);
	assert_non_null(strstr(e.msg, "sealed"));
	assert_int_equal(p->frames, 0);
}

/* Descriptors that nobody asked for do not stay open here. */
static void
test_foreign_descriptors_are_closed(void **state)
{
	struct pair *p = *state;
	const struct frame f = { .type = 1 };
	uint8_t b[FRAME_HEADER];
	int before = dup(0), after;
	struct error e;

	assert_int_equal(close(before), 0);
	frame_write(&f, b);
	for (int i = 0; i < 8; i++) {
		raw(p, b, sizeof(b), 0);
		assert_int_equal(peer_receive(p->b, count, p, &e), PEER_GOT);
	}
	after = dup(0);
	assert_int_equal(close(after), 0);
	assert_int_equal(before, after);
}

/* Cut, longer than it says, behind another frame, in front of one, beside a memfd: refused, and
 * nothing of it stays. */
static void
test_a_secret_in_the_wrong_place(void **state)
{
	static const struct {
		const char *name;
		size_t before, says, behind;
		uint16_t more;
	} rows[] = {
		{ "cut", 0, 9, 0, 0 },
		{ "longer than it says", 0, 7, 0, 0 },
		{ "behind another", FRAME_HEADER, 8, 0, 0 },
		{ "in front of another", 0, 8, FRAME_HEADER, 0 },
		{ "with a memfd's flag", 0, 8, 0, FRAME_MEMFD },
	};
	static const uint8_t secret[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct pair *p = *state;
	const struct frame plain = { .type = 1 };
	uint8_t *page = NULL;
	struct error e;

	/* Where the peer reads to: the first frame's body lies a header in. */
	struct seen seen = { 0 };
	send_one(p->a, 1, 10);
	assert_true(peer_flush(p->a, &e));
	assert_int_equal(peer_receive(p->b, look, &seen, &e), PEER_GOT);
	memcpy(&page, &seen.at, sizeof(page));
	for (size_t i = 0; i < countof(rows); i++) {
		const struct frame f = { .type = 1,
			.flags = (uint16_t)(FRAME_SECRET | rows[i].more),
			.len = (uint32_t)rows[i].says };
		auto_buf struct buf b = { 0 };
		uint8_t head[FRAME_HEADER];

		frame_write(&plain, head);
		buf_add(&b, head, rows[i].before);
		frame_write(&f, head);
		buf_add(&b, head, sizeof(head));
		buf_add(&b, secret, sizeof(secret));
		frame_write(&plain, head);
		buf_add(&b, head, rows[i].behind);
		raw(p, b.p, b.n, -1);
		if (peer_receive(p->b, count, p, &e) != PEER_BAD)
			fail_msg("%s was taken", rows[i].name);
		for (size_t k = 0; k + FRAME_HEADER < b.n; k++)
			assert_int_equal(page[k], 0);
	}
}

int
main(void)
{
#define PAIR(t) cmocka_unit_test_setup_teardown(t, pair_setup, pair_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_come_back),
		cmocka_unit_test(test_mistakes_give_zeros),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_every_message_comes_back),
		cmocka_unit_test(test_a_field_that_is_too_long_is_named),
		cmocka_unit_test(test_message_text_is_mended),
		PAIR(test_frames_share_packets),
		PAIR(test_large_frames_go_by_memfd),
		PAIR(test_a_secret_travels_alone_and_is_wiped),
		PAIR(test_an_ordinary_frame_is_no_secret),
		PAIR(test_a_secret_that_is_too_long),
		PAIR(test_a_secret_waits_for_room),
		PAIR(test_a_secret_in_the_wrong_place),
		PAIR(test_sending_never_blocks),
		PAIR(test_a_closed_peer_is_told),
		PAIR(test_garbage_is_refused),
		PAIR(test_foreign_descriptors_are_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
