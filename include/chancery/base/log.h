/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Operational log: one JSON line on stderr with systemd's "<N>" priority.
 * For operators; may be lost (the register is what may not). */
#include <chancery/base/attr.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

void log_set_level(enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) printf_like(2, 3);
