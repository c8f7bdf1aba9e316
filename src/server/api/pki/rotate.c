/* SPDX-License-Identifier: Apache-2.0 */
/* root/rotate and root/replace: a second root beside the first, then its turn. */
#include "engine.h"

#define NEXT_NAME "next"

/* The name is given if it is free, as upstream has it. */
void
root_rotate(struct call *c)
{
	if (in_str(c, "issuer_name")[0] == '\0' &&
	    !name_taken(c->docs, "pki-issuer", c->mount->path, NEXT_NAME, NULL))
		(void)json_object_set_new(c->typed, "issuer_name",
		    json_string(NEXT_NAME));
	root_generate(c);
}

/* config/issuers, with a default of its own. */
void
root_replace(struct call *c)
{
	if (!call_given(c, "default"))
		(void)json_object_set_new(c->given, "default",
		    json_string(NEXT_NAME));
	config_issuers_write(c);
}
