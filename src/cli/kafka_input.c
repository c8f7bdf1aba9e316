/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/secret_source.h>

/* ---- files and passwords ------------------------------------------------------ */

struct secret *
secret_file(const char *path, struct error *e)
{
	auto_fd int owned = -1;
	auto_secret struct secret *s = NULL;
	int fd = STDIN_FILENO;

	if (strcmp(path, "-") != 0)
		fd = owned = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		(void)error_errno(e,
		    errno == EACCES ? FAIL_PERMISSION : FAIL_NOT_FOUND, "%s",
		    path);
		return NULL;
	}
	s = secret_new(KAFKA_INPUT_BYTES);
	if (!secret_read_bytes(s, fd, e)) {
		(void)error_context(e, "%s", path);
		return NULL;
	}
	return take(s);
}

bool
password_flag(const struct cli *c, const char *flag, struct secret **out,
    struct error *e)
{
	const char *source = cli_flag(c, flag);

	*out = NULL;
	if (source == NULL)
		return true;
	*out = secret_from(source, "password", LIMIT_PIN_BYTES, e);
	if (*out == NULL)
		return error_context(e, "--%s", flag);
	return true;
}

/* ---- answers of a Vault --------------------------------------------------------- */

static struct bytes
text_at(const json_t *v)
{
	return bytes_of(json_string_value(v), json_string_length(v));
}

static bool
take_chain(const json_t *data, const char *file, struct kafka_bundle *b,
    struct error *e)
{
	const json_t *chain = json_object_get(data, "ca_chain"), *one;
	const json_t *issuer = json_object_get(data, "issuing_ca");
	size_t i;

	if (!json_is_array(chain) || json_array_size(chain) == 0)
		return !json_is_string(issuer) ||
		    kafka_bundle_add_certs(b, text_at(issuer), file, e);
	json_array_foreach(chain, i, one) if (!json_is_string(one) ||
	    !kafka_bundle_add_certs(b, text_at(one), file, e)) return false;
	return true;
}

bool
kafka_input_data(const json_t *data, const char *file, struct kafka_bundle *b,
    struct error *e)
{
	const json_t *cert = json_object_get(data, "certificate"),
		     *key = json_object_get(data, "private_key");

	if (!json_is_string(cert))
		return error_set(e, FAIL_BAD_INPUT,
		    "%s: no \"certificate\": not an answer of issue or sign",
		    file);
	if (memmem(json_string_value(cert), json_string_length(cert),
		"-----BEGIN ", 11) == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "%s: its certificate is not PEM: ask with format=pem",
		    file);
	return kafka_bundle_add_certs(b, text_at(cert), file, e) &&
	    take_chain(data, file, b, e) &&
	    (!json_is_string(key) ||
		kafka_bundle_set_key(b, text_at(key), NULL, file, e));
}

bool
kafka_input_answer(struct bytes json, const char *file, struct kafka_bundle *b,
    struct error *e)
{
	json_error_t at;
	auto_json json_t *all = json_loadb((const char *)json.p, json.n,
	    JSON_REJECT_DUPLICATES, &at);
	const json_t *data = json_object_get(all, "data");

	if (all == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "%s: not JSON (line %d, column %d)", file, at.line,
		    at.column);
	return kafka_input_data(json_is_object(data) ? data : all, file, b, e);
}

/* ---- flags ------------------------------------------------------------------------ */

bool
kafka_input_files(const struct cli *c, const char *flag,
    bool (*add)(struct kafka_bundle *, struct bytes, const char *,
	struct error *),
    struct kafka_bundle *b, struct error *e)
{
	const char *path;

	for (size_t i = 0; (path = cli_flag_at(c, flag, i)) != NULL; i++) {
		auto_buf struct buf text = { 0 };

		if (!file_read_arg(path, KAFKA_INPUT_BYTES, &text, e) ||
		    !add(b, buf_bytes(&text), path, e))
			return false;
	}
	return true;
}

static bool
take_key_file(const struct cli *c, const char *path, struct kafka_bundle *b,
    struct error *e)
{
	auto_secret struct secret *text = secret_file(path, e);
	auto_secret struct secret *password = NULL;

	return text != NULL && password_flag(c, "key-password", &password, e) &&
	    kafka_bundle_set_key(b, secret_bytes(text), password, path, e);
}

/* A file with everything, as format=pem_bundle makes it, is read once. */
static bool
take_cert_file(const struct cli *c, const char *path, struct kafka_bundle *b,
    struct error *e)
{
	auto_secret struct secret *text = secret_file(path, e);
	auto_secret struct secret *password = NULL;

	if (text == NULL ||
	    !kafka_bundle_add_certs(b, secret_bytes(text), path, e))
		return false;
	if (cli_has(c, "key"))
		return true;
	return password_flag(c, "key-password", &password, e) &&
	    (kafka_bundle_set_key(b, secret_bytes(text), password, path, e) ||
		(e->why == FAIL_NOT_FOUND &&
		    error_set(e, FAIL_USAGE,
			"%s has no private key: --key FILE is missing", path)));
}

bool
kafka_input_identity(const struct cli *c, struct kafka_bundle *b,
    struct error *e)
{
	const char *key = cli_flag(c, "key");

	return take_cert_file(c, cli_flag(c, "cert"), b, e) &&
	    (key == NULL || take_key_file(c, key, b, e));
}

static bool
take_answer(const char *path, struct kafka_bundle *b, struct error *e)
{
	auto_secret struct secret *text = secret_file(path, e);

	return text != NULL &&
	    kafka_input_answer(secret_bytes(text), path, b, e);
}

bool
kafka_input(const struct cli *c, struct kafka_bundle *b, struct error *e)
{
	const char *answer = cli_flag(c, "answer"), *cert = cli_flag(c, "cert"),
		   *key = cli_flag(c, "key");

	if ((answer != NULL) == (cert != NULL))
		return error_set(e, FAIL_USAGE,
		    "give --answer FILE, or --cert FILE and what belongs to "
		    "it");
	if (!(answer != NULL ? take_answer(answer, b, e)
			     : take_cert_file(c, cert, b, e)))
		return false;
	if (key != NULL && !take_key_file(c, key, b, e))
		return false;
	if (kafka_bundle_key(b) == NULL)
		return error_set(e, FAIL_USAGE,
		    "%s brings no private key: --key FILE is missing", answer);
	return kafka_input_files(c, "chain", kafka_bundle_add_certs, b, e) &&
	    kafka_input_files(c, "ca", kafka_bundle_add_anchors, b, e);
}

/* ---- findings ---------------------------------------------------------------------- */

static bool
is_code(const char *text)
{
	for (size_t i = 0; kafka_finding_codes[i] != NULL; i++)
		if (strcmp(kafka_finding_codes[i], text) == 0)
			return true;
	return false;
}

bool
findings_accept(const struct cli *c, struct kafka_findings *f, struct error *e)
{
	const char *code;

	for (size_t i = 0; (code = cli_flag_at(c, "accept", i)) != NULL; i++) {
		if (!is_code(code))
			return error_set(e, FAIL_USAGE,
			    "--accept %s: there is no such finding", code);
		(void)kafka_findings_accept(f, code);
	}
	return true;
}

void
findings_show(struct doc *d, const struct kafka_findings *f)
{
	doc_list(d, "findings", "findings");
	for (size_t i = 0; i < f->n; i++) {
		struct doc *row = doc_row(d, "findings", "findings");

		doc_text(row, "level", "level",
		    kafka_level_name(f->v[i].level));
		doc_text(row, "code", "code", f->v[i].code);
		doc_text(row, "text", "what", f->v[i].text);
	}
}

bool
findings_pass(const struct kafka_findings *f, struct error *e)
{
	auto_buf struct buf all = { 0 };

	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].level == KAFKA_WRONG)
			buf_addf(&all, "%s%s (%s)", all.n > 0 ? "; " : "",
			    f->v[i].text, f->v[i].code);
	return all.n == 0 ||
	    error_set(e, FAIL_REFUSED,
		"%s; --accept CODE makes it all the same", buf_cstr(&all));
}
