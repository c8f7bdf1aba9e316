/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One list of revoked certificates, as Java's TLS takes it: hard where it is hard. */
#include <chancery/kafka/findings.h>
#include <chancery/pki/cert.h>

enum kafka_standing {
	KAFKA_GOOD,    /* the list counts, and the certificate is not on it */
	KAFKA_REVOKED, /* it is                                             */
	KAFKA_NO_LIST  /* Java does not take the list: findings say why     */
};
/* What `url`, which the certificate names, answered. issuer NULL: not known, the signature is not
 * looked at. Findings are appended. */
enum kafka_standing kafka_judge_list(const struct cert *c,
    const struct cert *issuer, const char *url, struct bytes body,
    int64_t now_s, struct kafka_findings *f);
