/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc says of the server's processes. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <chancery/base/file.h>

#include "load.h"

static void
read_proc(pid_t pid, const char *name, struct buf *out)
{
	char path[64];
	struct error e;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if (!file_read(path, 1 << 20, out, &e))
		errx(1, "%s", e.msg);
	(void)buf_cstr(out);
}

/* proc(5): fields 14 and 15, counted behind the name in parentheses. */
static double
cpu_of(pid_t pid)
{
	struct buf stat = { 0 };
	unsigned long ticks[2] = { 0 };
	char *p;

	read_proc(pid, "stat", &stat);
	p = strrchr((char *)stat.p, ')');
	for (int field = 2; p != NULL && field < 14; field++)
		p = strchr(p + 1, ' ');
	for (size_t i = 0; p != NULL && i < 2; i++)
		ticks[i] = strtoul(p, &p, 10);
	buf_free(&stat);
	return (double)(ticks[0] + ticks[1]) / (double)sysconf(_SC_CLK_TCK);
}

double
load_cpu(const pid_t *pids)
{
	double sum = 0;

	for (size_t i = 0; i < LOAD_PIDS_MAX && pids[i] != 0; i++)
		sum += cpu_of(pids[i]);
	return sum;
}

uint64_t
load_pss_kib(const pid_t *pids)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < LOAD_PIDS_MAX && pids[i] != 0; i++) {
		struct buf text = { 0 };
		const char *pss;

		read_proc(pids[i], "smaps_rollup", &text);
		pss = strstr((const char *)text.p, "\nPss:");
		if (pss != NULL)
			sum += strtoul(pss + 5, NULL, 10);
		buf_free(&text);
	}
	return sum;
}
