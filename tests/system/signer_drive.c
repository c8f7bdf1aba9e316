/* SPDX-License-Identifier: Apache-2.0 */

/*
 * signer_drive SIGNER HOME CERTIFICATES KILLS [STATUS]: chancery-signer without its supervisor and its
 * server. Descriptors as wire/room.h says, two lanes through the server's lane library;
 * it has a key made, certifies, kills the signer with signal 9 in between,
 * starts it again, and in the end holds every signature that it was given against the
 * register. With STATUS the first signer must end by itself with it (its module is the
 * fault module, whose rules only the first one gets); what that costs a request is no
 * failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chancery/base/clock.h>
#include <chancery/base/log.h>
#include <chancery/config/pass.h>
#include <chancery/config/service.h>
#include <chancery/pki/tbs.h>
#include <chancery/register/register.h>
#include <chancery/server/lane.h>
#include <chancery/wire/peer.h>
#include <chancery/wire/signer.h>

#define LANES 2
#define DEPTH 24 /* requests that each lane has in flight */

static const char *signer, *home;
static char label[64]; /* of the key: the token may have others' */
static struct service_config config;
static struct buf settings;
static struct event_base *base;
static struct lane *lane[LANES];

struct process {
	pid_t pid;
	int control;
	struct event *ev;
};
static struct process resident, writer;
static unsigned residents;

static struct sha256 ca;
static struct buf ca_spki, ca_name, leaf_der;
static struct spki ca_key, leaf_key;
static struct tbs_template *template;
static size_t kills_wanted, wanted, submitted, signed_, stale, failed, unlucky,
    kills;
static bool stopped;
static int mishap; /* status that the first signer ends with; 0: none */

struct got {
	uint64_t index;
	struct buf sig, tbs;
};
static struct got *got;

_Noreturn static void
die(const char *what, const struct error *e)
{
	(void)fprintf(stderr, "FAILED: %s: %s\n", what,
	    e != NULL ? e->msg : "");
	if (resident.pid > 0)
		(void)kill(resident.pid, SIGKILL);
	exit(1);
}

static void
must(bool ok, const struct error *e, const char *what)
{
	if (!ok)
		die(what, e);
}

/* ---- processes --------------------------------------------------------- */

static void
place(const int *fd, size_t n)
{
	int aside[32];

	for (size_t i = 0; i < n; i++)
		aside[i] = fcntl(fd[i], F_DUPFD, 100);
	for (size_t i = 0; i < n; i++)
		if (dup2(aside[i], 3 + (int)i) < 0)
			_exit(125);
	(void)close_range(3 + (unsigned)n, ~0U, 0);
}

static void on_control(evutil_socket_t fd, short what, void *arg);

static void
start(struct process *p, const char *argument, const int *lane_fd, size_t lanes)
{
	struct room_fd table[LANES];
	int pair[2], fd[3 + LANES];
	struct error e;

	for (size_t i = 0; i < lanes; i++)
		table[i] = (struct room_fd){ ROOM_FD_LANE, (uint32_t)i };
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		 0, pair) == 0,
	    NULL, "socketpair");
	fd[0] = pair[1];
	fd[1] = peer_memfd(buf_bytes(&settings), &e);
	fd[2] = peer_memfd(bytes_of(table, lanes * sizeof(table[0])), &e);
	for (size_t i = 0; i < lanes; i++)
		fd[3 + i] = lane_fd[i];
	p->pid = fork();
	if (p->pid == 0) {
		place(fd, 3 + lanes);
		if (p == &resident && residents > 1)
			(void)unsetenv("FAULT_PKCS11_RULES");
		(void)execl(signer, "chancery-signer", argument, NULL);
		_exit(127);
	}
	(void)close(fd[1]);
	(void)close(fd[2]);
	(void)close(pair[1]);
	p->control = pair[0];
	p->ev =
	    event_new(base, p->control, EV_READ | EV_PERSIST, on_control, p);
	(void)event_add(p->ev, NULL);
}

static void
start_resident(void)
{
	int theirs[LANES], pair[2];

	residents++;

	for (size_t i = 0; i < LANES; i++) {
		must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			 pair) == 0,
		    NULL, "socketpair");
		theirs[i] = pair[1];
		if (lane[i] == NULL)
			lane[i] = lane_new(base, pair[0]);
		else
			lane_attach(lane[i], pair[0]);
	}
	start(&resident, NULL, theirs, LANES);
	for (size_t i = 0; i < LANES; i++)
		(void)close(theirs[i]);
}

static int
reap(struct process *p)
{
	int status;

	event_free(take(p->ev));
	(void)close(p->control);
	must(waitpid(p->pid, &status, 0) == p->pid, NULL, "waitpid");
	p->pid = 0;
	return status;
}

static void
resident_gone(void)
{
	for (size_t i = 0; i < LANES; i++)
		lane_gone(lane[i], ROOM_GONE_RESTARTING);
	start_resident();
}

static void
kill_resident(void)
{
	kills++;
	(void)kill(resident.pid, SIGKILL);
	must(WIFSIGNALED(reap(&resident)), NULL, "the signer was killed");
	resident_gone();
}

/* What happens to the next key generations. */
static enum {
	KEYGEN_GOOD,
	KEYGEN_SIGNER_DIES, /* when the writer has answered: nobody hears it */
	KEYGEN_WRITER_DIES, /* before it could do anything                  */
	KEYGEN_SUPERVISOR_ENDS /* nobody takes the order on                  */
} keygen_fate;
static size_t keygens;

/* The key is on the token, and its record is not. */
static void
lose_answer(void)
{
	keygen_fate = KEYGEN_GOOD;
	(void)event_base_loopbreak(base);
	kill_resident();
}

static uint64_t
keygen_intent(const uint8_t *packet, size_t n)
{
	struct room_keygen k;

	must(n == 4 + sizeof(k), NULL, "an order's size");
	memcpy(&k, packet + 4, sizeof(k));
	return k.intent;
}

static uint64_t ordered; /* the intent of the last order */

static void
writer_gone(void)
{
	static const char text[] = "killed by a test";
	uint8_t packet[16 + sizeof(text) - 1] = { ROOM_KEYGEN_DONE, 0, 0, 0,
		9 };

	memcpy(packet + 8, &ordered, sizeof(ordered));
	memcpy(packet + 16, text, sizeof(text) - 1);
	must(send(resident.control, packet, sizeof(packet), 0) > 0, NULL,
	    "the writer's end is told");
}

/* What the supervisor does with the messages of its rooms. */
static void
relay(const struct process *from, const uint8_t *packet, size_t n)
{
	uint32_t type;
	int status;

	memcpy(&type, packet, sizeof(type));
	if (type == ROOM_KEYGEN && from == &resident) {
		keygens++;
		if (keygen_fate == KEYGEN_SUPERVISOR_ENDS) {
			(void)shutdown(resident.control, SHUT_RDWR);
			return;
		}
		ordered = keygen_intent(packet, n);
		start(&writer, "--keygen", NULL, 0);
		must(send(writer.control, packet, n, 0) == (ssize_t)n, NULL,
		    "order to the writer");
		if (keygen_fate == KEYGEN_WRITER_DIES)
			(void)kill(writer.pid, SIGKILL);
	} else if (type == ROOM_KEYGEN_DONE && from == &writer) {
		/* One at a time: it ends before the signer can ask again. */
		status = reap(&writer);
		must(WIFEXITED(status) && WEXITSTATUS(status) == 0, NULL,
		    "the writer's end");
		if (keygen_fate == KEYGEN_SIGNER_DIES)
			lose_answer();
		else
			must(send(resident.control, packet, n, 0) == (ssize_t)n,
			    NULL, "the writer's answer");
	} else if (type == ROOM_PIN_REFUSED) {
		must(mishap == ROOM_EXIT_PIN, NULL, "a PIN is refused");
	} else if (type != ROOM_READY && type != ROOM_ALIVE &&
	    type != ROOM_ENDED) {
		die("a control message that nobody expects", NULL);
	}
}

static void
on_control(evutil_socket_t fd, unused_arg short what, void *arg)
{
	static uint8_t packet[65536];
	struct process *p = arg;
	ssize_t n = recv((int)fd, packet, sizeof(packet), MSG_DONTWAIT);
	int status;

	if (n > 0)
		relay(p, packet, (size_t)n);
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	status = reap(p);
	if (p == &writer && keygen_fate == KEYGEN_WRITER_DIES) {
		keygen_fate = KEYGEN_GOOD;
		writer_gone();
		return;
	}
	if (p == &resident && keygen_fate == KEYGEN_SUPERVISOR_ENDS) {
		keygen_fate = KEYGEN_GOOD;
		must(WIFEXITED(status) && WEXITSTATUS(status) == 0, NULL,
		    "the end of a signer without a supervisor");
		resident_gone();
		return;
	}
	if (p == &resident && mishap != 0 && residents == 1) {
		must(WIFEXITED(status) && WEXITSTATUS(status) == mishap, NULL,
		    "the end that was expected");
		resident_gone();
		return;
	}
	must(p == &resident && stopped, NULL, "a room ended by itself");
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0, NULL,
	    "the signer's end");
	(void)event_base_loopbreak(base);
}

/* ---- waiting for one answer -------------------------------------------- */

struct one {
	bool done;
	struct lane_reply r;
	struct buf sig;
	char path[256];
};

static void
on_one(void *arg, const struct lane_reply *r)
{
	struct one *o = arg;

	o->r = *r;
	o->done = true;
	buf_add_bytes(&o->sig, r->sig);
	if (r->spki.n > 0 && ca_spki.n == 0)
		buf_add_bytes(&ca_spki, r->spki);
	(void)snprintf(o->path, sizeof(o->path), "%s",
	    r->path != NULL ? r->path : "");
}

static void
wait_one(struct one *o, const char *what)
{
	while (!o->done)
		(void)event_base_loop(base, EVLOOP_ONCE);
	if (!o->r.ok)
		die(what, &o->r.err);
}

static struct lane_claim
claim(void)
{
	struct lane_claim c = { "test:drive", "system test", { 0 } };

	random_bytes(c.id, sizeof(c.id));
	return c;
}

static void
set_bool(void *arg, unused_arg const struct error *why)
{
	*(bool *)arg = true;
}

static void
serial_wait(struct lane *l, uint8_t *out)
{
	bool there = false;

	while (!lane_serial(l, out)) {
		there = false;
		lane_when_serial(l, set_bool, &there);
		while (!there)
			(void)event_base_loop(base, EVLOOP_ONCE);
	}
}

/* ---- certificates ------------------------------------------------------ */

static void
make_template(const char *profile, bool self)
{
	struct tbs_issuer issuer = { .name = buf_bytes(&ca_name),
		.alg = SIG_ECDSA_SHA256 };
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	struct error e;

	spki_key_id(&ca_key, issuer.key_id);
	if (!self) {
		issuer.not_before_s = now_s - 86400;
		issuer.not_after_s = now_s + 5 * 365L * 86400;
	}
	tbs_template_free(template);
	template = tbs_template_new(profile_builtin(profile), &issuer, &e);
	must(template != NULL, &e, "template");
}

static void
write_tbs(const uint8_t *serial, bool self, struct buf *out)
{
	const struct general_name san = { GN_DNS, bytes_str("broker.example") };
	auto_buf struct buf subject = { 0 };
	int64_t now_s = clock_wall_ms(&clock_system) / 1000;
	struct tbs_request r = { .serial = bytes_of(serial, LIMIT_SERIAL_BYTES),
		.not_before_s = now_s,
		.not_after_s = now_s + (self ? 5 * 365L : 1) * 86400,
		.key = self ? &ca_key : &leaf_key,
		.san = self ? NULL : &san,
		.san_count = self ? 0 : 1 };
	struct error e;

	must(name_parse("CN=broker.example,O=Acme,C=US", &subject, &e), &e,
	    "name");
	r.subject = self ? buf_bytes(&ca_name) : buf_bytes(&subject);
	must(tbs_write(template, &r, out, &e), &e, "TBS");
}

static void
make_root(void)
{
	const struct lane_keygen k = { .type = { KEY_EC_P256, 0 },
		.label = label };
	struct one key = { 0 }, cert = { 0 };
	auto_buf struct buf tbs = { 0 };
	uint8_t serial[LIMIT_SERIAL_BYTES];
	struct lane_claim c = claim();
	struct error e;

	lane_key_generate(lane[0], &k, &c, on_one, &key);
	wait_one(&key, "key generation");
	ca = key.r.key;
	must(spki_parse(buf_bytes(&ca_spki), &ca_key, &e), &e, "SPKI");
	must(name_parse("CN=Drive Root,O=Acme,C=US", &ca_name, &e), &e, "name");
	make_template("root", true);
	serial_wait(lane[1], serial);
	write_tbs(serial, true, &tbs);
	c = claim();
	lane_certify(lane[1], &ca, buf_bytes(&tbs), NULL, &c, on_one, &cert);
	wait_one(&cert, "root");
	must(spki_verify(&ca_key, SIG_ECDSA_SHA256, buf_bytes(&tbs),
		 buf_bytes(&cert.sig), &e),
	    &e, "root's signature");
	make_template("kafka-broker", false);
	buf_free(&key.sig);
	buf_free(&cert.sig);
}

struct work {
	struct lane *l;
	size_t at;
};

static void certify(struct work *w);

static void
again(void *arg, const struct error *why)
{
	must(why->why == FAIL_NONE || mishap != 0, why, "waiting for a serial");
	certify(arg);
}

static void
on_certified(void *arg, const struct lane_reply *r)
{
	struct work *w = arg;
	struct got *g = &got[w->at];

	if (r->stale_serial) {
		stale++;
		certify(w);
		return;
	}
	if (!r->ok && mishap != 0) {
		unlucky++;
		certify(w);
		return;
	}
	if (!r->ok) {
		(void)fprintf(stderr, "certificate %zu: %s\n", w->at,
		    r->err.msg);
		failed++;
	} else {
		g->index = r->index;
		buf_add_bytes(&g->sig, r->sig);
		signed_++;
	}
	if (kills < kills_wanted &&
	    signed_ > (kills + 1) * wanted / (kills_wanted + 1))
		(void)event_base_loopbreak(base);
	w->at = submitted++;
	if (w->at < wanted)
		certify(w);
}

static void
certify(struct work *w)
{
	uint8_t serial[LIMIT_SERIAL_BYTES];
	struct lane_claim c = claim();

	if (!lane_serial(w->l, serial)) {
		lane_when_serial(w->l, again, w);
		return;
	}
	buf_reset(&got[w->at].tbs);
	write_tbs(serial, false, &got[w->at].tbs);
	lane_certify(w->l, &ca, buf_bytes(&got[w->at].tbs), "role:test", &c,
	    on_certified, w);
}

static void
certify_all(void)
{
	static struct work work[LANES * DEPTH];

	for (size_t i = 0; i < countof(work) && submitted < wanted; i++) {
		work[i] = (struct work){ lane[i % LANES], submitted++ };
		certify(&work[i]);
	}
	while (signed_ + failed < wanted) {
		(void)event_base_loop(base, EVLOOP_ONCE);
		if (kills < kills_wanted &&
		    signed_ > (kills + 1) * wanted / (kills_wanted + 1))
			kill_resident();
	}
}

/* ---- the rest of the messages ------------------------------------------ */

/* RFC 5280 5.3.1 has no 7 and ends at 10; 8 is for deltas: refused, and the signer lives. */
static void
revoke_unknown_reasons(struct lane_revoke r, const struct lane_claim *who)
{
	static const int reasons[] = { 7, 8, 11, 99 };

	for (size_t i = 0; i < countof(reasons); i++) {
		struct one a = { 0 };

		r.reason = reasons[i];
		lane_revoke(lane[0], &r, who, on_one, &a);
		while (!a.done)
			(void)event_base_loop(base, EVLOOP_ONCE);
		must(!a.r.ok && a.r.err.why == FAIL_BAD_INPUT, &a.r.err,
		    "an unknown reason is refused");
	}
}

static void
revoke_and_list(void)
{
	struct lane_revoke r = { .key = ca, .reason = 1 };
	struct lane_crl l = { .key = ca,
		.issuer = buf_bytes(&ca_name),
		.alg = SIG_ECDSA_SHA256,
		.scope = "full",
		.period_s = 86400 };
	struct one a = { 0 }, b = { 0 }, c = { 0 };
	struct lane_claim who = claim();

	r.cert = got[0].index;
	lane_revoke(lane[0], &r, &who, on_one, &a);
	wait_one(&a, "revocation");
	lane_revoke(lane[1], &r, &who, on_one, &b);
	while (!b.done)
		(void)event_base_loop(base, EVLOOP_ONCE);
	must(!b.r.ok && b.r.err.why == FAIL_EXISTS && b.r.index == a.r.index &&
		b.r.t_s == a.r.t_s,
	    &b.r.err, "a second revocation tells the first");
	revoke_unknown_reasons(r, &who);
	spki_key_id(&ca_key, l.issuer_key_id);
	lane_sign_crl(lane[0], &l, &who, on_one, &c);
	wait_one(&c, "list");
	must(c.r.crl_number == 1 && access(c.path, R_OK) == 0, NULL, c.path);
	buf_free(&c.sig);
}

static void
record_and_status(void)
{
	auto_buf struct buf big = { 0 };
	struct one a = { 0 }, b = { 0 }, s = { 0 };
	struct lane_claim who = claim();

	lane_record_config(lane[0], "test", bytes_str("{\"a\":1}"), &who,
	    on_one, &a);
	wait_one(&a, "CONFIG");
	/* Larger than a packet. */
	buf_add_str(&big, "\"");
	memset(buf_reserve(&big, 300000), 'x', 300000);
	buf_commit(&big, 300000);
	buf_add_str(&big, "\"");
	lane_record_event(lane[1], "test", buf_bytes(&big), &who, on_one, &b);
	wait_one(&b, "EVENT");
	must(b.r.index == a.r.index + 1, NULL, "order of records");
	lane_status(lane[0], on_one, &s);
	wait_one(&s, "STATUS");
	(void)printf("%.*s\n", (int)s.sig.n, (const char *)s.sig.p);
	buf_free(&s.sig);
}

static void
refusals(void)
{
	auto_buf struct buf tbs = { 0 };
	uint8_t serial[LIMIT_SERIAL_BYTES] = { 1 };
	struct lane_claim who = claim();
	struct one a = { 0 }, b = { 0 };
	const struct lane_keygen k = { .type = { KEY_EC_P256, 0 },
		.label = label };

	write_tbs(serial, false, &tbs);
	lane_certify(lane[0], &ca, buf_bytes(&tbs), NULL, &who, on_one, &a);
	lane_key_generate(lane[1], &k, &who, on_one, &b);
	while (!a.done || !b.done)
		(void)event_base_loop(base, EVLOOP_ONCE);
	must(!a.r.ok && a.r.stale_serial, &a.r.err, "a serial of our own");
	must(!b.r.ok && b.r.err.why == FAIL_EXISTS, &b.r.err,
	    "a label that is taken");
}

/* The signer ends while a key is made: the next one finds it and asks for no second. */
static void
interrupted_keys(void)
{
	char name[80];
	const struct lane_keygen k = { .type = { KEY_EC_P256, 0 },
		.label = name };
	struct one a = { 0 }, b = { 0 }, c = { 0 };
	struct lane_claim who = claim();
	size_t before = keygens;

	(void)snprintf(name, sizeof(name), "%s-lost", label);
	keygen_fate = KEYGEN_SIGNER_DIES;
	lane_key_generate(lane[0], &k, &who, on_one, &a);
	wait_one(&a, "a key whose signer died");
	must(keygens == before + 2, NULL, "made once, then looked for");
	(void)snprintf(name, sizeof(name), "%s-killed", label);
	keygen_fate = KEYGEN_WRITER_DIES;
	lane_key_generate(lane[0], &k, &who, on_one, &b);
	while (!b.done)
		(void)event_base_loop(base, EVLOOP_ONCE);
	must(!b.r.ok && b.r.err.why == FAIL_HSM_GONE, &b.r.err,
	    "a key whose writer died");
	/* What it left is looked for at once; the next signer has nothing to look for. */
	while (keygens < before + 4 || writer.pid != 0)
		(void)event_base_loop(base, EVLOOP_ONCE);
	kill_resident();
	lane_key_generate(lane[1], &k, &who, on_one, &c);
	wait_one(&c, "the same again");
}

/* The end of the control socket ended no order: the signer waited for each as long as a token may
 * need for a key, and for the next one then. */
static void
orders_without_supervisor(void)
{
	char first[80], second[80];
	const struct lane_keygen k = { .type = { KEY_EC_P256, 0 },
		.label = first };
	const struct lane_keygen l = { .type = { KEY_EC_P256, 0 },
		.label = second };
	struct one a = { 0 }, b = { 0 };
	struct lane_claim who = claim(), other = claim();

	(void)snprintf(first, sizeof(first), "%s-alone", label);
	(void)snprintf(second, sizeof(second), "%s-alone-next", label);
	keygen_fate = KEYGEN_SUPERVISOR_ENDS;
	lane_key_generate(lane[0], &k, &who, on_one, &a);
	lane_key_generate(lane[0], &l, &other, on_one, &b);
	wait_one(&a, "a key whose order nobody took");
	while (!b.done)
		(void)event_base_loop(base, EVLOOP_ONCE);
}

static void
raw_lane(const void *data, size_t n, int pass)
{
	const uint32_t m[2] = { ROOM_NEW_LANE, 7 };
	char room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { (void *)(uintptr_t)m, sizeof(m) };
	struct msghdr h = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	int pair[2];
	char rest;

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0,
	    NULL, "socketpair");
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &pair[1], sizeof(int));
	must(sendmsg(resident.control, &h, 0) > 0, NULL, "a new lane");
	(void)close(pair[1]);
	if (pass >= 0) {
		memcpy(CMSG_DATA(c), &pass, sizeof(int));
		v = (struct iovec){ (void *)(uintptr_t)data, n };
		must(sendmsg(pair[0], &h, 0) > 0, NULL, "a descriptor");
	} else {
		must(send(pair[0], data, n, 0) == (ssize_t)n, NULL, "garbage");
	}
	/* The signer closes it, and lives. */
	must(recv(pair[0], &rest, 1, 0) <= 0, NULL, "a lane of nonsense");
	(void)close(pair[0]);
}

static void
nonsense(void)
{
	uint8_t frame[FRAME_HEADER + 64] = { 0 };
	struct frame f = { .type = WIRE_CERTIFY, .len = 64, .id = 1 };
	struct one s = { 0 };
	FILE *open_file = tmpfile();

	raw_lane("x", 1, -1);
	frame_write(&f, frame);
	raw_lane(frame, sizeof(frame), -1); /* zeros are no CERTIFY */
	f.flags = FRAME_ANSWER;
	frame_write(&f, frame);
	raw_lane(frame, sizeof(frame), -1);
	f = (struct frame){ .type = 999, .id = 1 };
	frame_write(&f, frame);
	raw_lane(frame, FRAME_HEADER, -1);
	f = (struct frame){ WIRE_RECORD, FRAME_MEMFD, 10, 1 };
	frame_write(&f, frame);
	raw_lane(frame, FRAME_HEADER, fileno(open_file));
	f.len = 0xffffffff;
	frame_write(&f, frame);
	raw_lane(frame, FRAME_HEADER, -1);
	(void)fclose(open_file);
	lane_status(lane[0], on_one, &s);
	wait_one(&s, "STATUS after nonsense");
	buf_free(&s.sig);
}

static void
stop(void)
{
	const uint32_t m = ROOM_STOP;

	stopped = true;
	must(send(resident.control, &m, sizeof(m), 0) == sizeof(m), NULL,
	    "stop");
	(void)event_base_dispatch(base);
}

/* ---- against the register ---------------------------------------------- */

struct check {
	size_t at, found;
};

static int
by_index(const void *a, const void *b)
{
	const struct got *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static bool
check_record(void *arg, unused_arg struct bytes line, const struct record *r,
    struct error *e)
{
	struct check *c = arg;

	if (c->at == wanted || r->n != got[c->at].index)
		return true;
	if (r->type != REC_SIGNED ||
	    !bytes_eq(record_get(r, "sig"), buf_bytes(&got[c->at].sig)))
		return error_set(e, FAIL_CORRUPT,
		    "record %llu is not the signature that was given out",
		    (unsigned long long)r->n);
	c->found++;
	c->at++;
	return true;
}

static void
check_all(void)
{
	struct check c = { 0 };
	struct error e;

	for (size_t i = 0; i < wanted; i++)
		must(spki_verify(&ca_key, SIG_ECDSA_SHA256,
			 buf_bytes(&got[i].tbs), buf_bytes(&got[i].sig), &e),
		    &e, "a signature");
	qsort(got, wanted, sizeof(*got), by_index);
	must(reg_walk(config.register_dir, 0, check_record, &c, &e), &e,
	    "register");
	must(c.found == wanted, NULL, "every signature is in the register");
}

static void
leaf(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(k, &der);
	struct error e;

	must(n > 0, NULL, "i2d_PUBKEY");
	buf_add(&leaf_der, der, (size_t)n);
	OPENSSL_free(der);
	EVP_PKEY_free(k);
	must(spki_parse(buf_bytes(&leaf_der), &leaf_key, &e), &e, "leaf");
}

int
main(int argc, char **argv)
{
	auto_yaml_doc struct yaml_doc *doc = NULL;
	auto_buf struct buf report = { 0 };
	struct error e = { 0 };
	struct rusage u;

	must(argc == 5 || argc == 6, NULL, "usage");
	signer = argv[1];
	home = argv[2];
	wanted = strtoul(argv[3], NULL, 10);
	kills_wanted = strtoul(argv[4], NULL, 10);
	mishap = argc == 6 ? (int)strtol(argv[5], NULL, 10) : 0;
	got = mem_calloc(wanted, sizeof(*got));
	doc = service_config_open(home, &config, &report, &e);
	must(doc != NULL, &e, buf_cstr(&report));
	schema_pack(service_schema, &config, &settings);
	(void)snprintf(label, sizeof(label), "drive-root-%d", (int)getpid());
	base = event_base_new();
	leaf();
	start_resident();
	make_root();
	certify_all();
	must(failed == 0, NULL, "every certificate is signed in the end");
	must(mishap == 0 || (residents == 2 && unlucky > 0), NULL,
	    "the first signer ended by itself");
	revoke_and_list();
	refusals();
	record_and_status();
	nonsense();
	interrupted_keys();
	orders_without_supervisor();
	stop();
	check_all();
	(void)getrusage(RUSAGE_CHILDREN, &u);
	(void)printf("certificates %zu, kills %zu, stale serials %zu, signers' "
		     "CPU %.0f us a certificate\n",
	    signed_, kills, stale,
	    ((double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec)) /
		(double)signed_);
	for (size_t i = 0; i < LANES; i++)
		lane_free(lane[i]);
	event_base_free(base);
	return 0;
}
