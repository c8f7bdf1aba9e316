/* SPDX-License-Identifier: Apache-2.0 */
/* wire/supervisor.h, our side. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/json.h>
#include <chancery/sandbox/sandbox.h>
#include <chancery/wire/packet.h>
#include <chancery/wire/supervisor.h>

#include "supervisor.h"

bool
admin_open(struct supervisor *s, struct error *e)
{
	auto_mem char *path = path_join(s->cfg.run_dir, SUPERVISOR_SOCKET);

	s->admin = listen_unix(path, SOCK_SEQPACKET, 0600, e);
	return s->admin >= 0;
}

static void
client_close(struct client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}

void
admin_close(struct supervisor *s)
{
	for (size_t i = 0; i < SUPER_CLIENTS_MAX; i++)
		client_close(&s->client[i]);
	if (s->admin >= 0)
		(void)close(s->admin);
	s->admin = -1;
}

static bool
may_ask(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	    (peer.uid == 0 || peer.uid == geteuid());
}

void
admin_accept(struct supervisor *s)
{
	int fd = accept4(s->admin, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (size_t i = 0; may_ask(fd) && i < SUPER_CLIENTS_MAX; i++)
		if (s->client[i].fd < 0) {
			s->client[i].fd = fd;
			return;
		}
	(void)close(fd);
}

/* ---- answers ---------------------------------------------------------------- */

static void
answer(const struct client *c, enum fail why, struct bytes text)
{
	uint32_t code = (uint32_t)why;
	auto_buf struct buf b = { 0 };

	buf_add(&b, &code, sizeof(code));
	buf_add_bytes(&b, text);
	(void)send(c->fd, b.p, b.n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
room_json(struct json_writer *w, const struct child *c)
{
	int64_t since = c->ready_ms != 0 ? c->ready_ms : c->started_ms;

	json_object_begin(w);
	json_kv_str(w, "name", c->name);
	json_kv_int(w, "pid", child_is_up(c) ? c->pid : 0);
	json_kv_int(w, "restarts", c->restarts);
	json_kv_str(w, "sandbox", child_is_up(c) ? c->sandbox : "");
	json_kv_int(w, "seconds",
	    child_is_up(c) ? (now_ms() - since) / 1000 : 0);
	json_kv_str(w, "state", child_state_name(c->state));
	json_kv_str(w, "why", child_is_up(c) ? "" : c->why);
	json_object_end(w);
}

static void
token_json(struct json_writer *w, const struct pin *p)
{
	const char *trouble = pin_trouble(p);

	json_object_begin(w);
	json_kv_str(w, "name", p->token);
	json_kv_str(w, "pin", trouble != NULL ? trouble : "known");
	json_object_end(w);
}

static void
ask_status(struct supervisor *s, const struct client *c,
    unused_arg const struct supervisor_request *r, unused_arg int fd)
{
	auto_buf struct buf b = { 0 };
	struct json_writer w;

	json_begin(&w, &b);
	json_object_begin(&w);
	json_kv_int(&w, "pid", getpid());
	json_key(&w, "rooms");
	json_array_begin(&w);
	for (size_t i = 0; i < CHILD__COUNT; i++)
		if (s->child[i].state != CHILD_UNWANTED)
			room_json(&w, &s->child[i]);
	json_array_end(&w);
	json_kv_str(&w, "sandbox", sandbox_text());
	json_kv_bool(&w, "single_user", !s->identity[CHILD_SERVER].change);
	json_key(&w, "tokens");
	json_array_begin(&w);
	for (size_t i = 0; i < s->pins.n; i++)
		token_json(&w, &s->pins.v[i]);
	json_array_end(&w);
	json_kv_str(&w, "version", CHANCERY_VERSION);
	json_object_end(&w);
	answer(c, FAIL_NONE, buf_bytes(&b));
}

static void
ask_unseal(struct supervisor *s, const struct client *c,
    const struct supervisor_request *r, int fd)
{
	struct error e = { 0 };
	int keep = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0 || keep < 0) {
		answer(c, FAIL_BAD_INPUT, bytes_str("no PIN came along"));
		return;
	}
	if (!pins_give(&s->pins, r->token, keep, &e)) {
		(void)close(keep);
		answer(c, e.why, bytes_str(e.msg));
		return;
	}
	log_line(LOG_LEVEL_INFO, "token %s: a PIN was given", r->token);
	answer(c, FAIL_NONE, (struct bytes){ 0 });
}

static const struct {
	uint32_t ask;
	void (*answer)(struct supervisor *s, const struct client *c,
	    const struct supervisor_request *r, int fd);
} asks[] = {
	{ SUPERVISOR_STATUS, ask_status },
	{ SUPERVISOR_UNSEAL, ask_unseal },
};

/* ---- requests ----------------------------------------------------------------- */

void
admin_heard(struct supervisor *s, size_t client)
{
	struct client *c = &s->client[client];
	struct supervisor_request r = { 0 };
	auto_fd int fd = -1;
	bool whole;
	ssize_t n;

	if (c->fd < 0)
		return;
	n = packet_receive(c->fd, &r, sizeof(r), &fd, &whole);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n != (ssize_t)sizeof(r) || !whole) {
		client_close(c);
		return;
	}
	r.token[sizeof(r.token) - 1] = '\0';
	for (size_t i = 0; i < countof(asks); i++)
		if (r.version == SUPERVISOR_VERSION && asks[i].ask == r.ask) {
			asks[i].answer(s, c, &r, fd);
			return;
		}
	answer(c, FAIL_UNSUPPORTED,
	    bytes_str("chanceryd is of another release"));
}
