/* SPDX-License-Identifier: Apache-2.0 */
#include "service_checks.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

#include <chancery/base/log.h>
#include <chancery/base/secret_source.h>
#include <chancery/base/text.h>
#include <chancery/config/service.h>

bool
check_absolute(const char *v, struct error *e)
{
	return v[0] == '/' ||
	    error_set(e, FAIL_BAD_INPUT, "must be an absolute path");
}

bool
check_pin_source(const char *v, struct error *e)
{
	struct secret_source src;

	return secret_source_parse(v, "PIN", &src, e);
}

/* "address", "port" of "[::1]:8200" or "127.0.0.1:8200". */
static bool
split(const char *text, char *host, size_t size, bool *v6, uint64_t *port)
{
	const char *colon = strrchr(text, ':');
	size_t n;

	if (colon == NULL || !parse_u64(colon + 1, 0, UINT16_MAX, port))
		return false;
	n = (size_t)(colon - text);
	*v6 = n >= 2 && text[0] == '[' && text[n - 1] == ']';
	if (*v6) {
		text++;
		n -= 2;
	}
	if (n == 0 || n >= size)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	return true;
}

bool
service_listen_parse(const char *text, struct sockaddr_storage *out,
    socklen_t *len, struct error *e)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	char host[INET6_ADDRSTRLEN];
	uint64_t port = 0;
	bool v6 = false;

	if (!split(text, host, sizeof(host), &v6, &port) ||
	    inet_pton(v6 ? AF_INET6 : AF_INET, host,
		v6 ? (void *)&six.sin6_addr : (void *)&v4.sin_addr) != 1)
		return error_set(e, FAIL_BAD_INPUT,
		    "want a numeric address and port such as 127.0.0.1:8200 "
		    "or [::1]:8200");
	memset(out, 0, sizeof(*out));
	v4.sin_port = htons((uint16_t)port);
	six.sin6_port = htons((uint16_t)port);
	*len = v6 ? sizeof(six) : sizeof(v4);
	memcpy(out, v6 ? (void *)&six : (void *)&v4, *len);
	return true;
}

bool
check_listen(const char *v, struct error *e)
{
	struct sockaddr_storage addr;
	socklen_t len;

	return service_listen_parse(v, &addr, &len, e);
}

bool
check_uid(const char *v, struct error *e)
{
	uint64_t uid;

	return parse_u64(v, 0, UINT32_MAX - 1, &uid) ||
	    error_set(e, FAIL_BAD_INPUT, "want a numeric uid");
}

/* useradd(8) takes such names; getpwnam may ask a directory service, which a file
 * check must not wait for. */
bool
check_user(const char *v, struct error *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = strlen(v);

	if (n > 0 && n <= 32 && strspn(v, letters) + (v[0] == '_') > 0 &&
	    strspn(v + 1,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-.$") == n - 1)
		return true;
	return error_set(e, FAIL_BAD_INPUT, "want the name of a user");
}

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warning", LOG_LEVEL_WARNING },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
};

bool
check_log_level(const char *v, struct error *e)
{
	for (size_t i = 0; i < countof(levels); i++)
		if (strcmp(v, levels[i].name) == 0)
			return true;
	return error_set(e, FAIL_BAD_INPUT,
	    "want error, warning, info or debug");
}

int
service_log_level(const char *text)
{
	for (size_t i = 0; i < countof(levels); i++)
		if (strcmp(text, levels[i].name) == 0)
			return (int)levels[i].level;
	return LOG_LEVEL_INFO;
}

const char *
service_pin_file(const char *source)
{
	static const char prefix[] = "file:";

	if (source == NULL || strncmp(source, prefix, strlen(prefix)) != 0)
		return NULL;
	return source + strlen(prefix);
}
