/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/log.h>
#include <chancery/base/secret_source.h>
#include <chancery/charter/charter.h>
#include <chancery/config/pass.h>

#include "room.h"

bool
room_settings_parse(int fd, struct service_config *out, struct yaml_doc **doc,
    struct error *e)
{
	auto_buf struct buf json = { 0 };

	if (!peer_memfd_read(fd, LIMIT_CONFIG_BYTES, &json, e))
		return error_context(e, "settings");
	*doc = schema_unpack(service_schema, buf_bytes(&json), out,
	    sizeof(*out), e);
	return *doc != NULL || error_context(e, "settings");
}

void
room_log_level(const struct service_config *c)
{
	static const struct {
		const char *name;
		enum log_level level;
	} rows[] = { { "error", LOG_LEVEL_ERROR },
		{ "warning", LOG_LEVEL_WARNING }, { "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG } };

	for (size_t i = 0; i < countof(rows); i++)
		if (c->log_level != NULL &&
		    strcmp(c->log_level, rows[i].name) == 0)
			log_set_level(rows[i].level);
}

static bool
load_charter(const struct service_token *t, struct buf *out, struct error *e)
{
	auto_charter struct charter *c = NULL;
	auto_buf struct buf text = { 0 };

	if (t->charter_file == NULL)
		return true;
	if (!file_read(t->charter_file, LIMIT_CONFIG_BYTES, &text, e))
		return false;
	c = charter_parse_yaml(buf_bytes(&text), t->charter_file, NULL, e);
	if (c == NULL)
		return false;
	charter_to_json(c, out);
	return true;
}

static bool
take_tokens(struct room_settings *s, struct error *e)
{
	const struct service_token *t = s->config.tokens.v;

	if (s->config.tokens.n > SIGNER_TOKENS_MAX)
		return error_set(e, FAIL_BAD_INPUT, "settings: %zu tokens",
		    s->config.tokens.n);
	for (size_t i = 0; i < s->config.tokens.n; i++) {
		if (!load_charter(&t[i], &s->charter[i], e))
			return error_context(e, "token %s", t[i].name);
		s->host.token[s->host.tokens++] = (struct host_token){
			.name = t[i].name,
			.uri = t[i].uri,
			.log = t[i].role == SERVICE_ROLE_LOG,
			.charter = t[i].charter,
			.charter_json = buf_bytes(&s->charter[i]),
		};
	}
	return true;
}

static bool
take_config(struct room_settings *s, struct error *e)
{
	const struct service_config *c = &s->config;

	s->host = (struct host_settings){ .register_dir = c->register_dir,
		.origin = c->origin,
		.anchor_dir = c->anchor_dir,
		.module = c->module,
		.module_args = c->module_args,
		.soft_token_dir = c->soft_token_dir,
		.crl_dir = c->crl_dir,
		.log_key = c->log_key,
		.anchor_object = c->anchor_object,
		.workers = c->workers == SERVICE_KEY_WORKERS_AUTO
		    ? KEY_WORKERS_AUTO
		    : (unsigned)c->workers };
	room_log_level(c);
	return take_tokens(s, e);
}

/* ---- PINs -------------------------------------------------------------- */

/* The memfd's position is shared with every signer before this one. */
static bool
pin_from_fd(struct secret *pin, int fd, struct error *e)
{
	if (lseek(fd, 0, SEEK_SET) != 0)
		return error_errno(e, FAIL_IO, "PIN descriptor");
	return secret_read_fd(pin, fd, e);
}

static struct secret *
pin_in_file(const struct service_token *t, struct error *e)
{
	const char *text = t->pin_in_this_file_i_accept_the_risk;
	struct secret *pin = secret_new(LIMIT_PIN_BYTES);

	if (secret_set(pin, text, strlen(text)))
		return pin;
	secret_free(pin);
	error_set(e, FAIL_BAD_INPUT, "PIN: longer than %d bytes",
	    LIMIT_PIN_BYTES);
	return NULL;
}

static bool
read_pin(struct room_settings *s, size_t i, struct error *e)
{
	const struct service_token *t =
	    &((const struct service_token *)s->config.tokens.v)[i];
	struct secret_source src;
	struct error why = { 0 };

	if (s->pin[i] != NULL)
		return true;
	if (t->pin_in_this_file_i_accept_the_risk != NULL)
		s->pin[i] = pin_in_file(t, &why);
	else if (t->pin != NULL &&
	    secret_source_parse(t->pin, "PIN", &src, &why) &&
	    src.kind != SECRET_PROMPT && src.kind != SECRET_FD)
		s->pin[i] =
		    secret_source_read(&src, "PIN", LIMIT_PIN_BYTES, &why);
	else if (why.why == FAIL_NONE)
		error_set(&why, FAIL_PIN, "has to be given: chancery unseal");
	/* Whatever it is that is wrong with it: sealed until there is another. */
	return s->pin[i] != NULL ||
	    error_set(e, FAIL_PIN, "PIN of token %s: %s", t->name, why.msg);
}

/* ---- descriptors ------------------------------------------------------- */

static bool
take_fd_row(struct room_settings *s, const struct room_fd *row, int fd,
    struct error *e)
{
	if (row->kind == ROOM_FD_LANE) {
		if (row->index >= SERVICE_WORKERS_MAX)
			return error_set(e, FAIL_BAD_INPUT, "lane %u",
			    row->index);
		s->lane[row->index] = fd;
		if (row->index >= s->lanes)
			s->lanes = row->index + 1;
		return true;
	}
	if (row->kind == ROOM_FD_PIN && row->index < s->host.tokens) {
		auto_fd int pin = fd;

		secret_free(s->pin[row->index]);
		s->pin[row->index] = secret_new(LIMIT_PIN_BYTES);
		return pin_from_fd(s->pin[row->index], pin, e) ||
		    error_set(e, FAIL_PIN, "PIN of token %s: %s",
			s->host.token[row->index].name, e->msg);
	}
	return error_set(e, FAIL_BAD_INPUT,
	    "descriptor %d of kind %u is not for this room", fd, row->kind);
}

static bool
take_fds(struct room_settings *s, struct error *e)
{
	auto_buf struct buf table = { 0 };
	struct room_fd row;
	size_t n;

	if (!peer_memfd_read(ROOM_FD_TABLE, ROOM_FDS_MAX * sizeof(row), &table,
		e))
		return error_context(e, "table of descriptors");
	n = table.n / sizeof(row);
	for (size_t i = 0; i < n; i++) {
		memcpy(&row, table.p + i * sizeof(row), sizeof(row));
		if (!take_fd_row(s, &row, ROOM_FD_FIRST + (int)i, e))
			return false;
	}
	return true;
}

bool
room_settings_read(struct room_settings *s, struct error *e)
{
	for (size_t i = 0; i < countof(s->lane); i++)
		s->lane[i] = -1;
	if (!room_settings_parse(ROOM_FD_SETTINGS, &s->config, &s->doc, e) ||
	    !take_config(s, e) || !take_fds(s, e))
		return false;
	for (size_t i = 0; i < s->host.tokens; i++)
		if (!read_pin(s, i, e))
			return false;
	return true;
}

void
room_settings_forget(struct room_settings *s)
{
	for (size_t i = 0; i < SIGNER_TOKENS_MAX; i++)
		if (s->pin[i] != NULL)
			secret_free(take(s->pin[i]));
}

void
room_settings_free(struct room_settings *s)
{
	room_settings_forget(s);
	for (size_t i = 0; i < SIGNER_TOKENS_MAX; i++)
		buf_free(&s->charter[i]);
	if (s->doc != NULL)
		yaml_doc_free(take(s->doc));
}

bool
room_find_token(const struct room_settings *s, const char *name, size_t *out,
    struct error *e)
{
	for (*out = 0; *out < s->host.tokens; (*out)++) {
		const struct host_token *t = &s->host.token[*out];

		if (name == NULL ? !t->log : strcmp(t->name, name) == 0)
			return !t->log ||
			    error_set(e, FAIL_REFUSED,
				"token %s: holds the log key, no CA keys",
				t->name);
	}
	return error_set(e, FAIL_NOT_FOUND, "token %s: not configured",
	    name != NULL ? name : "of role ca");
}
