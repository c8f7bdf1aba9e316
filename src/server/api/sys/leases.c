/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases as far as clients look for them. Certificates are not leased: a lease that would
 * revoke a certificate when it ends is what short lifetimes are for. So no lease is there.
 */
#include "sys.h"

static bool
check_id(struct call *c)
{
	if (*call_str(c, "lease_id") != '\0')
		return true;
	call_error(c, 400, "missing lease_id");
	return false;
}

void
sys_lease_lookup(struct call *c)
{
	if (check_id(c))
		call_error(c, 400, "invalid lease");
}

void
sys_lease_renew(struct call *c)
{
	if (check_id(c))
		call_error(c, 400,
		    "lease not found: certificates have no leases");
}

void
sys_lease_revoke(struct call *c)
{
	call_no_content(c);
}

void
sys_lease_list(struct call *c)
{
	call_not_found(c);
}
