/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/prctl.h>

#include "rows.h"

static bool
check_kinds(const struct sandbox_row *row, const struct sandbox_options *opt,
    struct error *e)
{
	for (size_t i = 0; i < opt->paths; i++)
		if (opt->path[i].path != NULL &&
		    row->kind[opt->path[i].kind] == ACCESS_NONE)
			return error_set(e, FAIL_INTERNAL,
			    "sandbox: the %s has nothing to do with %s",
			    row->name, opt->path[i].path);
	return true;
}

static char current[SANDBOX_TEXT_SIZE];

bool
sandbox_enter(enum sandbox_room room, const struct sandbox_options *opt,
    struct sandbox_status *out, struct error *e)
{
	const struct sandbox_row *row = &sandbox_rows[room];
	struct sandbox_status s = { 0 };

	if (!check_kinds(row, opt, e))
		return false;
	/* Both mechanisms want it of those who are not root; and nothing that is
	 * executed from here on may gain what we gave up. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_errno(e, FAIL_INTERNAL, "PR_SET_NO_NEW_PRIVS");
	if (!landlock_enter(row, opt, &s.landlock_abi, e) ||
	    !seccomp_enter(row, opt->network, e))
		return false;
	s.seccomp = true;
	sandbox_status_text(&s, current);
	*out = s;
	return true;
}

const char *
sandbox_text(void)
{
	return current;
}

void
sandbox_status_text(const struct sandbox_status *s, char out[SANDBOX_TEXT_SIZE])
{
	if (s->landlock_abi == 0)
		(void)snprintf(out, SANDBOX_TEXT_SIZE, "%s, no landlock",
		    s->seccomp ? "seccomp" : "no seccomp");
	else
		(void)snprintf(out, SANDBOX_TEXT_SIZE, "%s, landlock %d",
		    s->seccomp ? "seccomp" : "no seccomp", s->landlock_abi);
}
