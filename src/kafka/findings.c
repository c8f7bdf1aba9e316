/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <chancery/base/error.h>
#include <chancery/kafka/findings.h>

const char *const kafka_finding_codes[] = {
	"expired",
	"not-yet-valid",
	"expires-soon",
	"eku-server",
	"eku-client",
	"key-usage",
	"key-type",
	"signature",
	"ca-as-leaf",
	"no-san",
	"bad-name",
	"name",
	"subject",
	"leaf-only",
	"chain-long",
	"chain-expired",
	"no-crl-sign",
	"no-crl-url",
	"chain",
	"untrusted",
	"revoked",
	"crl",
	"crl-expired",
	"crl-soon",
	"crl-size",
	"crl-slow",
	"client",
	"issuer-not-asked",
	"protocol",
	"resumption",
	NULL,
};

const char *
kafka_level_name(enum kafka_level l)
{
	static const char *const names[] = { "note", "warning", "wrong" };

	if ((unsigned)l >= countof(names))
		fatal("corrupt kafka_level %d", (int)l);
	return names[l];
}

void
kafka_find(struct kafka_findings *f, enum kafka_level level, const char *code,
    const char *fmt, ...)
{
	auto_buf struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	f->v = mem_grow(f->v, f->n, &f->cap, sizeof(*f->v));
	f->v[f->n++] =
	    (struct kafka_finding){ level, code, buf_take_str(&text) };
}

bool
kafka_findings_accept(struct kafka_findings *f, const char *code)
{
	bool found = false;

	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].code, code) == 0) {
			found = true;
			if (f->v[i].level == KAFKA_WRONG)
				f->v[i].level = KAFKA_WARNING;
		}
	return found;
}

const struct kafka_finding *
kafka_findings_wrong(const struct kafka_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].level == KAFKA_WRONG)
			return &f->v[i];
	return NULL;
}

void
kafka_findings_free(struct kafka_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		mem_free(f->v[i].text);
	mem_free(f->v);
	*f = (struct kafka_findings){ 0 };
}
