/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "sys.h"

void
sys_metrics(struct call *c)
{
	const char *format = call_str(c, "format");
	auto_buf struct buf out = { 0 };

	if (*format != '\0' && strcmp(format, "prometheus") != 0) {
		call_error(c, 400, "format: only prometheus is there");
		return;
	}
	api_metrics(c->api, &out);
	call_raw(c, 200, "text/plain; version=0.0.4", buf_bytes(&out));
}

static json_int_t
octets(unsigned long n, unsigned unit)
{
	return (json_int_t)n * (json_int_t)unit;
}

void
sys_host_info(struct call *c)
{
	struct utsname u;
	struct sysinfo s;
	char now[TIME_TEXT_SIZE];

	if (uname(&u) != 0 || sysinfo(&s) != 0) {
		call_error(c, 500, "the system does not tell");
		return;
	}
	time_format_s(c->now_s, now);
	call_ok(c,
	    json_pack("{s:s,s:{s:s,s:s,s:s,s:s,s:I,s:I},s:{s:I,s:I},s:i}",
		"timestamp", now, "host", "hostname", u.nodename, "os", "linux",
		"kernelVersion", u.release, "kernelArch", u.machine, "uptime",
		(json_int_t)s.uptime, "procs", (json_int_t)s.procs, "memory",
		"total", octets(s.totalram, s.mem_unit), "free",
		octets(s.freeram, s.mem_unit), "cpu",
		(int)sysconf(_SC_NPROCESSORS_ONLN)));
}
