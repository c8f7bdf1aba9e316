/* SPDX-License-Identifier: Apache-2.0 */

/* Cheap rules first: a key that fails two is named by the simpler one. */
#include "weak.h"

const struct weak_rule weak_rules[] = {
	{ "rsa-size", "CA/B Baseline Requirements 6.1.5", weak_rsa_size },
	{ "rsa-exponent", "CA/B Baseline Requirements 6.1.6",
	    weak_rsa_exponent },
	{ "rsa-small-factor", "CA/B Baseline Requirements 6.1.6",
	    weak_rsa_small_factor },
	{ "rsa-roca", "CVE-2017-15361", weak_rsa_roca },
	{ "rsa-close-primes", "CVE-2022-26320", weak_rsa_close_primes },
	{ "rsa-prime-power", "CA/B Baseline Requirements 6.1.6",
	    weak_rsa_perfect_power },
	{ "ec-point", "NIST SP 800-56A 5.6.2.3.3", weak_ec_point },
	{ "ed25519-point", "RFC 7748 6.1, RFC 8032 5.1.3", weak_ed25519_point },
};
const size_t weak_rules_count = countof(weak_rules);

const struct weak_rule *
weak_find(const struct spki *k)
{
	for (size_t i = 0; i < weak_rules_count; i++)
		if (weak_rules[i].is_weak(k))
			return &weak_rules[i];
	return NULL;
}
