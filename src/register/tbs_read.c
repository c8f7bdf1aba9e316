/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The three fields of a TBSCertificate that the rules between records need. The
 * register knows no certificates: a handful of DER elements are stepped over, and
 * bytes that are not of that shape simply have no such fields.
 */
#include "state_internal.h"

/* The next element with this tag, header included. Short form, or one to three
 * octets of length: a record holds no more. */
static bool
element(struct bytes *rest, uint8_t tag, struct bytes *whole,
    struct bytes *content)
{
	size_t head = 2, n = 0, i, octets;

	if (rest->n < 2 || rest->p[0] != tag)
		return false;
	if (rest->p[1] < 0x80) {
		n = rest->p[1];
	} else {
		octets = rest->p[1] & 0x7fU;
		head += octets;
		if (octets < 1 || octets > 3 || rest->n < head)
			return false;
		for (i = 0; i < octets; i++)
			n = n << 8 | rest->p[2 + i];
	}
	if (rest->n - head < n)
		return false;
	*whole = bytes_of(rest->p, head + n);
	*content = bytes_of(rest->p + head, n);
	*rest = bytes_of(rest->p + head + n, rest->n - head - n);
	return true;
}

/* RFC 5280 4.1: [0] version OPTIONAL, serial, signature, issuer, validity, subject,
 * subjectPublicKeyInfo. */
bool
tbs_read(struct bytes tbs, struct tbs_fields *out)
{
	struct bytes in, skip, inner;

	if (!element(&tbs, 0x30, &skip, &in) || tbs.n != 0)
		return false;
	(void)element(&in, 0xa0, &skip, &inner);
	return element(&in, 0x02, &skip, &inner) &&
	    element(&in, 0x30, &skip, &inner) &&
	    element(&in, 0x30, &out->issuer, &inner) &&
	    element(&in, 0x30, &skip, &inner) &&
	    element(&in, 0x30, &out->subject, &inner) &&
	    element(&in, 0x30, &out->spki, &inner);
}
