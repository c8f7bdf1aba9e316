/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/clock.h>
#include <chancery/base/json.h>
#include <chancery/base/log.h>
#include <chancery/base/text.h>

static enum log_level limit = LOG_LEVEL_INFO;

void
log_set_level(enum log_level level)
{
	limit = level;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	auto_buf struct buf line = { 0 };
	auto_buf struct buf text = { 0 };
	char stamp[TIME_TEXT_SIZE], msg[1024];
	struct json_writer w;
	va_list ap;

	if (level > limit)
		return;
	va_start(ap, fmt);
	if (vsnprintf(msg, sizeof(msg), fmt, ap) < 0)
		msg[0] = '\0';
	va_end(ap);
	buf_add_escaped(&text, bytes_str(msg));
	time_format_ms(clock_wall_ms(&clock_system), stamp);
	buf_addf(&line, "<%d>", (int)level);
	json_begin(&w, &line);
	json_object_begin(&w);
	json_kv_str(&w, "msg", buf_cstr(&text));
	json_kv_str(&w, "t", stamp);
	json_object_end(&w);
	buf_add_byte(&line, '\n');
	(void)fwrite(line.p, 1, line.n, stderr);
}
