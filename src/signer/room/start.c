/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/log.h>
#include <chancery/sandbox/sandbox.h>

#include "room.h"

int
room_exit_status(const struct error *e)
{
	static const struct {
		enum fail why;
		int status;
	} rows[] = {
		{ FAIL_PIN, ROOM_EXIT_PIN },
		{ FAIL_BAD_INPUT, ROOM_EXIT_CONFIG },
		{ FAIL_CORRUPT, ROOM_EXIT_REGISTER },
		{ FAIL_ROLLBACK, ROOM_EXIT_REGISTER },
		{ FAIL_CLOCK, ROOM_EXIT_REGISTER },
	};

	for (size_t i = 0; i < countof(rows); i++)
		if (rows[i].why == e->why)
			return rows[i].status;
	return EXIT_FAILURE; /* may pass: started again */
}

/* Which files the row grants. */
static bool
confine(const struct room_settings *s, enum start_for what, struct error *e)
{
	const struct host_settings *h = &s->host;
	const struct sandbox_path resident[] = {
		{ SANDBOX_REGISTER, h->register_dir },
		{ SANDBOX_CRL, h->crl_dir },
		{ SANDBOX_ANCHOR, h->anchor_dir },
		{ SANDBOX_TOKENS, h->soft_token_dir },
		{ SANDBOX_MODULE, h->module },
	};
	const struct sandbox_path writer[] = {
		{ SANDBOX_TOKENS, h->soft_token_dir },
		{ SANDBOX_MODULE, h->module },
	};
	const bool is_writer = what == START_WRITER;
	const struct sandbox_options opt = {
		.path = is_writer ? writer : resident,
		.paths = is_writer ? countof(writer) : countof(resident),
		/* Only what lies in files is known to need none. */
		.network = h->soft_token_dir == NULL,
	};
	char text[SANDBOX_TEXT_SIZE];
	struct sandbox_status st;

	if (!sandbox_enter(is_writer ? SANDBOX_KEYGEN : SANDBOX_SIGNER, &opt,
		&st, e))
		return false;
	sandbox_status_text(&st, text);
	log_line(LOG_LEVEL_INFO, "signer: confined by %s", text);
	return true;
}

struct pins {
	struct room_settings *s;
	size_t last;
};

static struct secret *
give_pin(void *arg, size_t token, unused_arg struct error *e)
{
	struct pins *p = arg;

	p->last = token;
	return take(p->s->pin[token]);
}

/* So that only this PIN is taken for a bad one. */
void
room_say_refused(uint32_t token)
{
	auto_buf struct buf b = { 0 };

	wire_u32(&b, token);
	room_say(ROOM_PIN_REFUSED, buf_bytes(&b));
}

static bool
login(struct room_settings *s, enum start_for what, struct host *h,
    struct error *e)
{
	struct pins p = { .s = s };
	struct hsm_module_info info;
	unsigned flags = what == START_RESIDENT ? HOST_CONFINED : 0;

	if (!hsm_module_info(h->module, &info, e))
		return false;
	/* Keys on other tokens are made in the resident process. */
	if (what == START_WRITER || !info.file_backed)
		flags |= HOST_WRITE;
	if (host_open_tokens(h, flags, give_pin, &p, e))
		return true;
	if (e->why == FAIL_PIN)
		room_say_refused((uint32_t)p.last);
	return false;
}

bool
room_start(struct room_settings *s, enum start_for what, struct host *h,
    int *status, struct error *e)
{
	bool ok;

	/* A directory that is not there cannot be granted. */
	if (!dir_create_durable(s->host.crl_dir, 0755, e)) {
		*status = ROOM_EXIT_CONFIG;
		return false;
	}
	if (!host_load(h, &s->host, e)) {
		*status =
		    e->why == FAIL_HSM_GONE ? EXIT_FAILURE : ROOM_EXIT_CONFIG;
		return false;
	}
	ok = confine(s, what, e) && login(s, what, h, e);
	room_settings_forget(s);
	if (!ok)
		*status = room_exit_status(e);
	return ok;
}
