/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>

#include <event2/event.h>

#include <chancery/base/clock.h>
#include <chancery/server/lane.h>
#include <chancery/wire/peer.h>
#include <chancery/wire/signer.h>

/* A lane whose signer is this program: it reads what came and answers as a test says. */

#define SEEN_MAX 4096
struct seen {
	struct frame f;
	struct wire_request q;
	uint8_t id[32];
	size_t id_n;
};

struct rig {
	struct event_base *base;
	struct lane *l;
	struct peer *signer;
	struct seen seen[SEEN_MAX];
	size_t n, packets;
	bool quiet;         /* HELLO and SERIALS are not answered */
	uint32_t settle[8]; /* outcomes, in the order asked      */
	size_t settled;
};

static int64_t later_ns; /* added to the clock */
int64_t __real_clock_mono_ns(void);
int64_t __wrap_clock_mono_ns(void);
int64_t
__wrap_clock_mono_ns(void)
{
	return __real_clock_mono_ns() + later_ns;
}

static void
answer(struct rig *r, const struct seen *s, const struct wire_answer *a)
{
	const struct frame f = { .type = s->f.type,
		.flags = FRAME_ANSWER,
		.id = s->f.id };
	auto_buf struct buf body = { 0 };
	struct error e;

	assert_true(
	    wire_answer_encode((enum wire_message)s->f.type, a, &body, &e));
	assert_true(peer_send(r->signer, &f, buf_bytes(&body), &e));
}

static void
answer_own(struct rig *r, const struct seen *s)
{
	uint8_t serials[LIMIT_SERIAL_BATCH * LIMIT_SERIAL_BYTES] = { 0 };
	static uint32_t count;
	struct wire_answer a = { 0 };

	if (s->f.type == WIRE_HELLO) {
		a.version = WIRE_VERSION;
		a.origin = "test.example/log";
		a.vkey = "vkey";
		a.size = 17;
	} else {
		for (size_t i = 0; i < LIMIT_SERIAL_BATCH; i++, count++)
			memcpy(serials + i * LIMIT_SERIAL_BYTES, &count,
			    sizeof(count));
		a.sig = bytes_of(serials, s->q.count * LIMIT_SERIAL_BYTES);
	}
	answer(r, s, &a);
}

static bool
on_frame(void *arg, const struct frame *f, struct bytes body, struct error *e)
{
	struct rig *r = arg;
	struct seen *s = &r->seen[r->n];

	if (!wire_request_decode(f->type, body, &s->q, e))
		return false;
	s->f = *f;
	s->id_n = s->q.id.n;
	if (s->id_n > 0)
		memcpy(s->id, s->q.id.p, s->id_n);
	if (f->type != WIRE_HELLO && f->type != WIRE_SERIALS)
		r->n++;
	else if (!r->quiet)
		answer_own(r, s);
	assert_true(r->n < SEEN_MAX);
	return true;
}

/* Both sides, until nothing moves any more. */
static void
run(struct rig *r)
{
	enum peer_got got;
	struct error e;

	for (int i = 0; i < 6; i++) {
		(void)event_base_loop(r->base, EVLOOP_NONBLOCK);
		if (r->signer == NULL)
			continue;
		while ((got = peer_receive(r->signer, on_frame, r, &e)) ==
		    PEER_GOT)
			r->packets++;
		if (got == PEER_BAD)
			fail_msg("the lane's packet: %s", e.msg);
		assert_true(peer_flush(r->signer, &e));
	}
}

static int
attach(struct rig *r)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			     fd),
	    0);
	peer_free(r->signer);
	r->signer = peer_new(fd[1]);
	r->n = r->packets = 0;
	return fd[0];
}

/* The signer dies and another one comes. */
static void
restart(struct rig *r)
{
	peer_free(r->signer);
	r->signer = NULL;
	run(r);
	lane_gone(r->l, ROOM_GONE_RESTARTING);
	lane_attach(r->l, attach(r));
	run(r);
}

static int
rig_setup(void **state)
{
	struct rig *r = mem_calloc(1, sizeof(*r));

	later_ns = 0;
	r->base = event_base_new();
	r->l = lane_new(r->base, attach(r));
	run(r);
	*state = r;
	return 0;
}

static int
rig_teardown(void **state)
{
	struct rig *r = *state;

	lane_free(r->l);
	peer_free(r->signer);
	event_base_free(r->base);
	mem_free(r);
	return 0;
}

struct got {
	unsigned calls;
	struct lane_reply r;
	char sig[64], rule[64];
};

static void
on_done(void *arg, const struct lane_reply *r)
{
	struct got *g = arg;

	g->calls++;
	g->r = *r;
	if (r->sig.n > 0)
		memcpy(g->sig, r->sig.p, r->sig.n);
	if (r->rule != NULL)
		memcpy(g->rule, r->rule, strlen(r->rule) + 1);
}

static struct lane_claim
claim(uint8_t n)
{
	return (struct lane_claim){ "test", "unit", { n } };
}

static void
certify(struct rig *r, uint8_t id, struct got *g)
{
	const struct lane_claim c = claim(id);
	struct sha256 key = { { 1 } };

	lane_certify(r->l, &key, bytes_str("tbs"), "role:x", &c, on_done, g);
}

static const struct wire_answer good = { .intent = 5,
	.index = 6,
	.t_s = 7,
	.sig = { (const uint8_t *)"signature", 9 } };

/* ---- the ordinary way -------------------------------------------------- */

static void
test_hello_and_an_answer(void **state)
{
	struct rig *r = *state;
	struct got g = { 0 };

	assert_int_equal(lane_get_state(r->l), LANE_UP);
	assert_string_equal(lane_hello(r->l)->origin, "test.example/log");
	assert_int_equal(lane_hello(r->l)->size, 17);
	certify(r, 9, &g);
	run(r);
	assert_int_equal(r->n, 1);
	assert_string_equal(r->seen[0].q.who, "test");
	assert_int_equal(r->seen[0].id[0], 9);
	assert_int_equal(g.calls, 0);
	answer(r, &r->seen[0], &good);
	run(r);
	assert_int_equal(g.calls, 1);
	assert_true(g.r.ok && g.r.index == 6 && g.r.t_s == 7);
	assert_string_equal(g.sig, "signature");
}

/* One HTTP request may sign twice: SETTLE must tell them apart. */
static void
test_ids_are_unique(void **state)
{
	struct rig *r = *state;
	struct got g[2] = { 0 };

	certify(r, 1, &g[0]);
	certify(r, 1, &g[1]);
	run(r);
	assert_int_equal(r->n, 2);
	assert_int_equal(r->seen[0].id_n, 24);
	assert_memory_equal(r->seen[0].id, r->seen[1].id, 16);
	assert_memory_not_equal(r->seen[0].id, r->seen[1].id, 24);
}

static void
test_requests_of_a_pass_share_a_packet(void **state)
{
	struct rig *r = *state;
	struct got g[100] = { 0 };

	r->packets = 0;
	for (uint8_t i = 0; i < 100; i++)
		certify(r, i, &g[i]);
	run(r);
	assert_int_equal(r->n, 100);
	assert_int_equal(r->packets, 1);
	for (size_t i = 0; i < 100; i++)
		answer(r, &r->seen[99 - i], &good);
	run(r);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(g[i].calls, 1);
}

static void
test_a_refusal_tells_rule_and_field(void **state)
{
	const struct wire_answer no = { .why = FAIL_REFUSED,
		.msg = "charter says no",
		.rule = "charter-kinds",
		.field = "kind" };
	struct rig *r = *state;
	struct got g = { 0 };

	certify(r, 1, &g);
	run(r);
	answer(r, &r->seen[0], &no);
	run(r);
	assert_false(g.r.ok);
	assert_int_equal(g.r.err.why, FAIL_REFUSED);
	assert_string_equal(g.rule, "charter-kinds");
	assert_false(g.r.stale_serial);
}

static void
test_a_large_body_passes(void **state)
{
	auto_buf struct buf body = { 0 };
	const struct lane_claim c = claim(1);
	struct rig *r = *state;
	struct got g = { 0 };

	memset(buf_reserve(&body, LIMIT_PRIVATE_BYTES), '1',
	    LIMIT_PRIVATE_BYTES);
	buf_commit(&body, LIMIT_PRIVATE_BYTES);
	lane_record_config(r->l, "big", buf_bytes(&body), &c, on_done, &g);
	run(r);
	assert_int_equal(r->n, 1);
	answer(r, &r->seen[0], &good);
	run(r);
	assert_true(g.r.ok);
	buf_add_byte(&body, '1');
	lane_record_config(r->l, "bigger", buf_bytes(&body), &c, on_done, &g);
	assert_int_equal(g.calls, 1); /* not from within */
	run(r);
	assert_int_equal(g.calls, 2);
	assert_int_equal(g.r.err.why, FAIL_BAD_INPUT);
}

/* ---- serials ----------------------------------------------------------- */

static void
test_serials_are_asked_for_in_time(void **state)
{
	uint8_t s[LIMIT_SERIAL_BYTES], last[LIMIT_SERIAL_BYTES] = { 0xff };
	struct rig *r = *state;

	for (size_t i = 0; i < 3 * LIMIT_SERIAL_BATCH; i++) {
		assert_true(lane_serial(r->l, s));
		assert_memory_not_equal(s, last, sizeof(s));
		memcpy(last, s, sizeof(s));
		if (i % 64 == 0)
			run(r);
	}
}

static void
told(void *arg, const struct error *why)
{
	*(int *)arg = (int)why->why;
}

static void
test_who_finds_no_serial_is_called(void **state)
{
	uint8_t s[LIMIT_SERIAL_BYTES];
	struct rig *r = *state;
	int first = -1, second = -1, third = -1;

	r->quiet = true;
	while (lane_serial(r->l, s))
		continue;
	lane_when_serial(r->l, told, &first);
	run(r);
	assert_int_equal(first, -1);
	/* The next signer has some. */
	r->quiet = false;
	restart(r);
	assert_int_equal(first, FAIL_NONE);
	r->quiet = true;
	while (lane_serial(r->l, s))
		continue;
	lane_when_serial(r->l, told, &second);
	lane_gone(r->l, ROOM_GONE_SEALED);
	assert_int_equal(second, FAIL_PIN);
	lane_when_serial(r->l, told, &third);
	assert_int_equal(third, -1);
	while (third == -1)
		(void)event_base_loop(r->base, EVLOOP_ONCE);
	assert_int_equal(third, FAIL_PIN);
}

static void
test_a_serial_of_another_signer_is_stale(void **state)
{
	const struct wire_answer no = { .why = FAIL_REFUSED,
		.rule = "serial-not-outstanding",
		.field = "serialNumber" };
	struct rig *r = *state;
	struct got g = { 0 };

	certify(r, 1, &g);
	run(r);
	answer(r, &r->seen[0], &no);
	run(r);
	assert_true(g.calls == 1 && !g.r.ok && g.r.stale_serial);
}

/* ---- a new signer ------------------------------------------------------ */

static void
test_every_outcome_of_settle(void **state)
{
	static const struct {
		const char *name;
		uint32_t outcome;
		bool crl, ok, stale, again;
	} rows[] = {
		{ "certificate, signed", WIRE_OUTCOME_SIGNED, false, true,
		    false, false },
		{ "certificate, never seen", WIRE_OUTCOME_UNKNOWN, false, false,
		    true, false },
		{ "certificate, failed", WIRE_OUTCOME_FAILED, false, false,
		    true, false },
		{ "certificate, assumed", WIRE_OUTCOME_ASSUMED, false, false,
		    true, false },
		{ "list, signed", WIRE_OUTCOME_SIGNED, true, true, false,
		    false },
		{ "list, never seen", WIRE_OUTCOME_UNKNOWN, true, false, false,
		    true },
		{ "list, failed", WIRE_OUTCOME_FAILED, true, false, false,
		    true },
		{ "list, assumed", WIRE_OUTCOME_ASSUMED, true, false, false,
		    true },
	};
	const struct lane_crl crl = { .scope = "full", .period_s = 60 };
	struct rig *r = *state;

	for (uint8_t i = 0; i < countof(rows); i++) {
		const struct lane_claim c = claim((uint8_t)(100 + i));
		struct wire_answer a = good;
		struct got g = { 0 };

		if (rows[i].crl)
			lane_sign_crl(r->l, &crl, &c, on_done, &g);
		else
			certify(r, (uint8_t)(100 + i), &g);
		run(r);
		restart(r);
		if (r->n != 1 || r->seen[0].f.type != WIRE_SETTLE ||
		    g.calls != 0)
			fail_msg("%s: not settled", rows[i].name);
		a.outcome = rows[i].outcome;
		answer(r, &r->seen[0], &a);
		run(r);
		if (rows[i].again) {
			if (g.calls != 0 || r->n != 2 ||
			    r->seen[1].f.type != WIRE_SIGN_CRL)
				fail_msg("%s: not sent again", rows[i].name);
			answer(r, &r->seen[1], &good);
			run(r);
		}
		if (g.calls != 1 || g.r.ok != (rows[i].ok || rows[i].again) ||
		    g.r.stale_serial != rows[i].stale)
			fail_msg("%s: %u calls, ok %d, stale %d", rows[i].name,
			    g.calls, g.r.ok, g.r.stale_serial);
		if (rows[i].ok)
			assert_string_equal(g.sig, "signature");
	}
}

/* An answer that was sent before the end counts. */
static void
test_what_the_old_signer_answered_stands(void **state)
{
	struct rig *r = *state;
	struct got g = { 0 };
	struct error e;

	certify(r, 1, &g);
	run(r);
	answer(r, &r->seen[0], &good);
	assert_true(peer_flush(r->signer, &e));
	lane_attach(r->l, attach(r));
	assert_int_equal(g.calls, 1);
	assert_true(g.r.ok);
	run(r);
	assert_int_equal(r->n, 0);
}

static void
test_what_was_not_sent_is_stale_or_waits(void **state)
{
	const struct lane_claim c = claim(2);
	struct rig *r = *state;
	struct got cert = { 0 }, csr = { 0 };
	struct sha256 key = { { 1 } };

	peer_free(r->signer);
	r->signer = NULL;
	run(r);
	assert_int_equal(lane_get_state(r->l), LANE_WAITING);
	certify(r, 1, &cert);
	lane_sign_csr(r->l, &key, bytes_str("info"), &c, on_done, &csr);
	run(r);
	assert_int_equal(cert.calls + csr.calls, 0);
	lane_attach(r->l, attach(r));
	run(r);
	assert_true(cert.calls == 1 && cert.r.stale_serial);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->seen[0].f.type, WIRE_SIGN_CSR);
	assert_int_equal(r->seen[0].f.flags, 0);
}

/* Who looks for lists on disk looks when one may be there. */
static void
test_answers_about_lists_are_counted(void **state)
{
	const struct lane_crl crl = { .scope = "full", .period_s = 3600 };
	const struct lane_claim c = claim(1);
	struct rig *r = *state;
	struct got list = { 0 }, status = { 0 };
	uint64_t before = lane_lists();

	lane_sign_crl(r->l, &crl, &c, on_done, &list);
	lane_status(r->l, on_done, &status);
	run(r);
	assert_int_equal(r->n, 2);
	assert_int_equal(lane_lists(), before);
	answer(r, &r->seen[1], &good);
	run(r);
	assert_int_equal(lane_lists(), before);
	answer(r, &r->seen[0], &good);
	run(r);
	assert_int_equal(list.calls, 1);
	assert_int_not_equal(lane_lists(), before);
	before = lane_lists();
	restart(r);
	assert_int_not_equal(lane_lists(), before);
}

static void
test_repeatable_requests_say_that_they_are(void **state)
{
	const struct lane_revoke rev = { .cert = 3 };
	const struct lane_keygen gen = { .label = "k" };
	const struct wire_answer exists = { .why = FAIL_EXISTS,
		.msg = "already",
		.index = 44,
		.t_s = 55 };
	const struct lane_claim c = claim(1);
	struct rig *r = *state;
	struct got revoke = { 0 }, key = { 0 }, rec = { 0 }, status = { 0 };

	lane_revoke(r->l, &rev, &c, on_done, &revoke);
	lane_key_generate(r->l, &gen, &c, on_done, &key);
	lane_record_config(r->l, "x", bytes_str("{}"), &c, on_done, &rec);
	lane_status(r->l, on_done, &status);
	run(r);
	restart(r);
	assert_int_equal(r->n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(r->seen[i].f.flags, FRAME_AGAIN);
	/* Whoever revoked it, it is. */
	answer(r, &r->seen[0], &exists);
	answer(r, &r->seen[1], &exists);
	run(r);
	assert_true(revoke.r.ok && revoke.r.index == 44 && revoke.r.t_s == 55);
	assert_false(key.r.ok);
}

static void
test_a_request_that_kills_signers_is_given_up(void **state)
{
	const struct lane_claim c = claim(1);
	struct rig *r = *state;
	struct got g = { 0 }, first = { 0 }, second = { 0 };
	struct wire_answer a = { .outcome = WIRE_OUTCOME_UNKNOWN };
	struct sha256 key = { { 1 } };

	lane_sign_csr(r->l, &key, bytes_str("info"), &c, on_done, &g);
	run(r);
	restart(r);
	restart(r);
	assert_int_equal(g.calls, 0);
	restart(r);
	assert_int_equal(g.calls, 1);
	assert_int_equal(g.r.err.why, FAIL_HSM_GONE);
	/* The caller builds the certificate anew under the same id: once. */
	certify(r, 77, &first);
	run(r);
	restart(r);
	answer(r, &r->seen[0], &a);
	run(r);
	assert_true(first.r.stale_serial);
	certify(r, 77, &second);
	run(r);
	restart(r);
	answer(r, &r->seen[0], &a);
	run(r);
	assert_int_equal(second.calls, 1);
	assert_false(second.r.stale_serial);
	assert_int_equal(second.r.err.why, FAIL_HSM_GONE);
}

/* ---- overload, sealed, late -------------------------------------------- */

static void
test_queue_full_is_busy(void **state)
{
	static struct got g[LIMIT_LANE_QUEUE + 1];
	struct rig *r = *state;

	memset(g, 0, sizeof(g));
	for (size_t i = 0; i <= LIMIT_LANE_QUEUE; i++)
		certify(r, 1, &g[i]);
	assert_int_equal(g[LIMIT_LANE_QUEUE].calls, 0);
	run(r);
	assert_int_equal(g[LIMIT_LANE_QUEUE].r.err.why, FAIL_BUSY);
	/* The signer holds so many and no more. */
	assert_int_equal(r->n, LIMIT_LANE_IN_FLIGHT);
	for (size_t i = 0; i < LIMIT_LANE_QUEUE; i++) {
		if (i == r->n)
			run(r);
		answer(r, &r->seen[i], &good);
	}
	run(r);
	for (size_t i = 0; i < LIMIT_LANE_QUEUE; i++)
		assert_true(g[i].calls == 1 && g[i].r.ok);
}

static void
test_sealed_and_stopped_answer_at_once(void **state)
{
	static const struct {
		enum room_gone gone;
		enum lane_state state;
		enum fail why;
	} rows[] = { { ROOM_GONE_SEALED, LANE_SEALED, FAIL_PIN },
		{ ROOM_GONE_STOPPED, LANE_DOWN, FAIL_HSM_GONE } };
	struct rig *r = *state;

	for (size_t i = 0; i < countof(rows); i++) {
		struct got before = { 0 }, after = { 0 };

		certify(r, 1, &before);
		run(r);
		peer_free(r->signer);
		r->signer = NULL;
		lane_gone(r->l, rows[i].gone);
		assert_int_equal(lane_get_state(r->l), rows[i].state);
		certify(r, 2, &after);
		assert_int_equal(after.calls, 0);
		run(r);
		assert_int_equal(before.r.err.why, rows[i].why);
		assert_int_equal(after.r.err.why, rows[i].why);
		lane_attach(r->l, attach(r));
		run(r);
		assert_int_equal(lane_get_state(r->l), LANE_UP);
	}
}

static void
until(struct rig *r, const struct got *g)
{
	while (g->calls == 0)
		(void)event_base_loop(r->base, EVLOOP_ONCE);
}

static void
test_who_waits_too_long_is_told(void **state)
{
	const struct lane_keygen gen = { .label = "k" };
	const struct lane_claim c = claim(1);
	struct rig *r = *state;
	struct got sent = { 0 }, waiting = { 0 }, key = { 0 };

	certify(r, 1, &sent);
	lane_key_generate(r->l, &gen, &c, on_done, &key);
	run(r);
	assert_int_equal(r->n, 2);
	later_ns = (LIMIT_WAIT_MS + 1) * INT64_C(1000000);
	until(r, &sent);
	assert_int_equal(sent.r.err.why, FAIL_TIMEOUT);
	assert_int_equal(key.calls, 0);
	/* What comes after all is nobody's, and the place is free again. */
	answer(r, &r->seen[0], &good);
	run(r);
	assert_int_equal(sent.calls, 1);
	assert_int_equal(lane_get_state(r->l), LANE_UP);
	peer_free(r->signer);
	r->signer = NULL;
	run(r);
	certify(r, 2, &waiting);
	later_ns *= 2;
	until(r, &waiting);
	assert_int_equal(waiting.r.err.why, FAIL_TIMEOUT);
	assert_int_equal(key.calls, 0);
	later_ns = (LIMIT_KEYGEN_WAIT_MS + 1) * INT64_C(1000000);
	until(r, &key);
	assert_int_equal(key.r.err.why, FAIL_TIMEOUT);
}

static void
config(struct rig *r, struct got *g)
{
	const struct lane_claim c = claim(1);

	lane_record_config(r->l, "role", bytes_str("[]"), &c, on_done, g);
}

/* Changes of configuration go on when it is known what came of the last one. */
static void
test_a_late_change_is_told_again(void **state)
{
	struct rig *r = *state;
	struct got late = { 0 }, lost = { 0 };

	config(r, &late);
	run(r);
	later_ns = (LIMIT_WAIT_MS + 1) * INT64_C(1000000);
	until(r, &late);
	assert_int_equal(late.r.err.why, FAIL_TIMEOUT);
	assert_true(late.r.pending);
	later_ns *= 2;
	run(r);
	assert_int_equal(late.calls, 1);
	answer(r, &r->seen[0], &good);
	run(r);
	assert_int_equal(late.calls, 2);
	assert_true(late.r.ok && !late.r.pending);
	assert_int_equal(late.r.index, 6);

	config(r, &lost);
	run(r);
	later_ns += (LIMIT_WAIT_MS + 1) * INT64_C(1000000);
	until(r, &lost);
	assert_true(lost.r.pending);
	restart(r);
	assert_int_equal(lost.calls, 2);
	assert_false(lost.r.ok || lost.r.pending);
	assert_int_equal(lost.r.err.why, FAIL_HSM_GONE);
	/* The new signer does not get it. */
	assert_int_equal(r->n, 0);
}

static void
test_nonsense_ends_the_lane_not_the_requests(void **state)
{
	struct rig *r = *state;
	struct got g = { 0 };
	struct frame bad[] = { { .type = WIRE_CERTIFY, .flags = 0, .id = 1 },
		{ .type = WIRE_CERTIFY, .flags = FRAME_ANSWER, .id = 999999 },
		{ .type = 200, .flags = FRAME_ANSWER, .id = 1 } };
	struct wire_answer a = good;
	struct error e;

	for (size_t i = 0; i < countof(bad); i++) {
		auto_buf struct buf body = { 0 };

		memset(&g, 0, sizeof(g));
		certify(r, (uint8_t)i, &g);
		run(r);
		assert_true(wire_answer_encode(WIRE_CERTIFY, &good, &body, &e));
		assert_true(
		    peer_send(r->signer, &bad[i], buf_bytes(&body), &e));
		assert_true(peer_flush(r->signer, &e));
		peer_free(r->signer);
		r->signer = NULL;
		run(r);
		assert_int_equal(lane_get_state(r->l), LANE_WAITING);
		assert_int_equal(g.calls, 0);
		lane_attach(r->l, attach(r));
		run(r);
		a.outcome = WIRE_OUTCOME_SIGNED;
		answer(r, &r->seen[0], &a);
		run(r);
		assert_true(g.calls == 1 && g.r.ok);
	}
}

static void
test_another_protocol_is_not_spoken(void **state)
{
	struct rig *r = *state;
	struct wire_answer a = { .version = WIRE_VERSION + 1 };
	struct seen hello = { .f = { .type = WIRE_HELLO } };

	r->quiet = true;
	lane_attach(r->l, attach(r));
	run(r);
	hello.f.id = UINT64_MAX - 1;
	answer(r, &hello, &a);
	run(r);
	assert_int_equal(lane_get_state(r->l), LANE_WAITING);
}

int
main(void)
{
#define RIG(t) cmocka_unit_test_setup_teardown(t, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		RIG(test_hello_and_an_answer),
		RIG(test_ids_are_unique),
		RIG(test_requests_of_a_pass_share_a_packet),
		RIG(test_a_refusal_tells_rule_and_field),
		RIG(test_a_large_body_passes),
		RIG(test_serials_are_asked_for_in_time),
		RIG(test_who_finds_no_serial_is_called),
		RIG(test_a_serial_of_another_signer_is_stale),
		RIG(test_every_outcome_of_settle),
		RIG(test_what_the_old_signer_answered_stands),
		RIG(test_what_was_not_sent_is_stale_or_waits),
		RIG(test_answers_about_lists_are_counted),
		RIG(test_repeatable_requests_say_that_they_are),
		RIG(test_a_request_that_kills_signers_is_given_up),
		RIG(test_queue_full_is_busy),
		RIG(test_sealed_and_stopped_answer_at_once),
		RIG(test_who_waits_too_long_is_told),
		RIG(test_a_late_change_is_told_again),
		RIG(test_nonsense_ends_the_lane_not_the_requests),
		RIG(test_another_protocol_is_not_spoken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
