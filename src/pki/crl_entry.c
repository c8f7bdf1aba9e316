/* SPDX-License-Identifier: Apache-2.0 */
#include "crl_entry.h"

#include <chancery/base/clock.h>

#define DAY INT64_C(86400)
/* 2050-01-01: from then on GeneralizedTime (RFC 5280 4.1.2.5). */
#define UTC_END_S INT64_C(2524608000)

#define UTC_BYTES 15U
#define GENERALIZED_BYTES 17U
#define REASON_BYTES 12U
#define INVALIDITY_BYTES 26U

bool
crl_entry_check(const struct crl_entry *entry, const struct crl_entry *last,
    uint64_t n, struct error *e)
{
	static const uint8_t zero[20];
	const uint8_t *before = last == NULL ? zero : last->serial;

	if (memcmp(before, entry->serial, sizeof(entry->serial)) >= 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "CRL entry %ju: serial is zero or not ascending",
		    (uintmax_t)n);
	if ((entry->serial[0] & 0x80) != 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "CRL entry %ju: serial of more than 20 octets",
		    (uintmax_t)n);
	if (!crl_reason_valid((uint64_t)entry->reason))
		return error_set(e, FAIL_BAD_INPUT,
		    "CRL entry %ju: unknown reason %d", (uintmax_t)n,
		    (int)entry->reason);
	if (entry->revoked_s < 0 || entry->invalidity_s < 0 ||
	    entry->revoked_s > TIME_MAX_S || entry->invalidity_s > TIME_MAX_S)
		return error_set(e, FAIL_BAD_INPUT,
		    "CRL entry %ju: date outside 1970 to 9999", (uintmax_t)n);
	return true;
}

/* Significant octets, and one more where the first would make it negative. */
static size_t
serial_size(const struct crl_entry *entry)
{
	size_t skip = 0;

	while (skip < sizeof(entry->serial) - 1 && entry->serial[skip] == 0)
		skip++;
	return sizeof(entry->serial) - skip + (entry->serial[skip] >> 7);
}

static size_t
extensions_size(const struct crl_entry *entry)
{
	/* RFC 5280 5.3.1: unspecified is said by absence. */
	return (entry->reason != CRL_UNSPECIFIED ? REASON_BYTES : 0) +
	    (entry->invalidity_s != 0 ? INVALIDITY_BYTES : 0);
}

static size_t
content_size(const struct crl_entry *entry)
{
	size_t extensions = extensions_size(entry);

	return 2 + serial_size(entry) +
	    (entry->revoked_s < UTC_END_S ? UTC_BYTES : GENERALIZED_BYTES) +
	    (extensions > 0 ? 2 + extensions : 0);
}

void
crl_entry_writer_init(struct crl_entry_writer *w)
{
	w->day = -1;
	w->more = (struct der_writer){ 0 };
}

void
crl_entry_writer_free(struct crl_entry_writer *w)
{
	der_w_free(&w->more);
}

static uint8_t *
two_digits(uint8_t *p, int64_t v)
{
	*p++ = (uint8_t)('0' + v / 10);
	*p++ = (uint8_t)('0' + v % 10);
	return p;
}

static void
learn_day(struct crl_entry_writer *w, int64_t day)
{
	int y, mon, d, h, min, s;

	time_to_civil(day * DAY, &y, &mon, &d, &h, &min, &s);
	(void)two_digits(two_digits(two_digits(two_digits(w->date, y / 100),
					y % 100),
			     mon),
	    d);
	w->day = day;
}

/* "YYYYMMDDHHMMSSZ" without its first `skip` digits. */
static uint8_t *
put_time(struct crl_entry_writer *w, uint8_t *p, int64_t t_s, size_t skip)
{
	int64_t s = t_s % DAY;

	if (t_s / DAY != w->day)
		learn_day(w, t_s / DAY);
	memcpy(p, w->date + skip, sizeof(w->date) - skip);
	p += sizeof(w->date) - skip;
	p = two_digits(two_digits(two_digits(p, s / 3600), s / 60 % 60),
	    s % 60);
	*p++ = 'Z';
	return p;
}

static uint8_t *
put_serial(const struct crl_entry *entry, uint8_t *p)
{
	size_t n = serial_size(entry),
	       octets = n > sizeof(entry->serial) ? sizeof(entry->serial) : n;

	*p++ = DER_INTEGER;
	*p++ = (uint8_t)n;
	if (n > octets)
		*p++ = 0;
	memcpy(p, entry->serial + sizeof(entry->serial) - octets, octets);
	return p + octets;
}

static uint8_t *
put_date(struct crl_entry_writer *w, uint8_t *p, int64_t t_s)
{
	bool utc = t_s < UTC_END_S;

	*p++ = utc ? DER_UTC_TIME : DER_GENERALIZED_TIME;
	*p++ = utc ? UTC_BYTES - 2 : GENERALIZED_BYTES - 2;
	return put_time(w, p, t_s, utc ? 2 : 0);
}

/* reasonCode 2.5.29.21 and invalidityDate 2.5.29.24, neither critical (RFC 5280 5.3). */
static uint8_t *
put_extensions(struct crl_entry_writer *w, const struct crl_entry *entry,
    uint8_t *p)
{
	static const uint8_t reason[] = { DER_SEQUENCE, 10, DER_OID, 3, 0x55,
		0x1d, 0x15, DER_OCTET_STRING, 3, DER_ENUMERATED, 1 };
	static const uint8_t invalidity[] = { DER_SEQUENCE, 24, DER_OID, 3,
		0x55, 0x1d, 0x18, DER_OCTET_STRING, 17, DER_GENERALIZED_TIME,
		15 };
	size_t n = extensions_size(entry);

	if (n == 0)
		return p;
	*p++ = DER_SEQUENCE;
	*p++ = (uint8_t)n;
	if (entry->reason != CRL_UNSPECIFIED) {
		memcpy(p, reason, sizeof(reason));
		p += sizeof(reason);
		*p++ = (uint8_t)entry->reason;
	}
	if (entry->invalidity_s == 0)
		return p;
	memcpy(p, invalidity, sizeof(invalidity));
	return put_time(w, p + sizeof(invalidity), entry->invalidity_s, 0);
}

/* Further extensions are of any length: those of a list that a caller wrote. */
static struct bytes
encode_more(struct crl_entry_writer *w, const struct crl_entry *entry)
{
	size_t own = extensions_size(entry);
	uint8_t *p = w->out;

	der_w_reset(&w->more);
	der_w_raw(&w->more, entry->more);
	if (own > 0) {
		(void)put_extensions(w, entry, p);
		der_w_raw(&w->more, bytes_of(p + 2, own));
	}
	der_w_wrap(&w->more, DER_SEQUENCE, 0);
	p = put_serial(entry, w->out);
	p = put_date(w, p, entry->revoked_s);
	der_w_raw(&w->more, bytes_of(w->out, (size_t)(p - w->out)));
	der_w_wrap(&w->more, DER_SEQUENCE, 0);
	return der_w_bytes(&w->more);
}

/* Every length is of the short form. */
size_t
crl_entry_size(struct crl_entry_writer *w, const struct crl_entry *entry)
{
	return entry->more.n > 0 ? encode_more(w, entry).n
				 : 2 + content_size(entry);
}

struct bytes
crl_entry_encode(struct crl_entry_writer *w, const struct crl_entry *entry)
{
	uint8_t *p = w->out;

	if (entry->more.n > 0)
		return encode_more(w, entry);
	*p++ = DER_SEQUENCE;
	*p++ = (uint8_t)content_size(entry);
	p = put_serial(entry, p);
	p = put_date(w, p, entry->revoked_s);
	p = put_extensions(w, entry, p);
	return bytes_of(w->out, (size_t)(p - w->out));
}
