/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Other logs that were taken in: each only grows, under the key that was pinned when it
 * came first, and is served under one mount, which is no other log's.
 */
#include <chancery/base/cleanup.h>

#include "notes.h"
#include "rules.h"

#define IMPORT_TEXT_MAX 512

static bool
texts(const struct reg_state *s, const struct record *r, struct error *e)
{
	auto_buf struct buf vkey = { 0 };
	struct bytes origin = record_get(r, "origin");
	struct note_key key;

	if (!rule_fits(e, r, "origin", NOTE_NAME_MAX) ||
	    !rule_fits(e, r, "mount", NOTE_NAME_MAX) ||
	    !rule_fits(e, r, "vkey", IMPORT_TEXT_MAX))
		return false;
	if (bytes_eq(origin, bytes_str(reg_state_origin(s))))
		return rule_broken(e, r, "import-own-log",
		    "it is this very log");
	if (record_get(r, "mount").n == 0)
		return rule_broken(e, r, "import-mount", "none");
	buf_add_bytes(&vkey, record_get(r, "vkey"));
	if (!note_vkey_parse(buf_cstr(&vkey), &key, e) ||
	    key.type != NOTE_ED25519 || !bytes_eq(origin, bytes_str(key.name)))
		return rule_broken(e, r, "import-key",
		    "\"vkey\" is not an Ed25519 verifier key of that origin");
	return true;
}

static bool
mount_is_free(const struct reg_state *s, const struct record *r,
    struct error *e)
{
	for (size_t i = 0; i < s->imports_n; i++)
		if (bytes_eq(record_get(r, "mount"),
			bytes_str(s->imports[i].mount)))
			return rule_broken(e, r, "import-foreign",
			    "the mount serves the log %.200s",
			    s->imports[i].origin);
	return true;
}

static bool
follows(const struct state_import *was, const struct record *r, struct error *e)
{
	int64_t size = record_get_int(r, "size");
	struct sha256 root;

	if (!bytes_eq(record_get(r, "mount"), bytes_str(was->mount)))
		return rule_broken(e, r, "import-mount",
		    "this log is served under %.200s", was->mount);
	if (!bytes_eq(record_get(r, "vkey"), bytes_str(was->vkey)))
		return rule_broken(e, r, "import-key",
		    "not the key that was pinned");
	if ((uint64_t)size < was->size)
		return rule_broken(e, r, "import-older",
		    "%lld records, %llu were taken in", (long long)size,
		    (unsigned long long)was->size);
	return (uint64_t)size > was->size ||
	    (record_get_hash(r, "root", &root) &&
		memcmp(&root, &was->root, sizeof(root)) == 0) ||
	    rule_broken(e, r, "import-fork", "the same size, another root");
}

bool
rule_import(struct reg_state *s, const struct record *r, struct error *e)
{
	struct bytes origin = record_get(r, "origin");
	auto_mem char *name =
	    mem_printf("%.*s", (int)origin.n, (const char *)origin.p);
	const struct state_import *was = reg_state_import(s, name);
	struct state_import *i;

	if (!texts(s, r, e))
		return false;
	if (record_get_int(r, "size") < 1)
		return rule_broken(e, r, "import-size", "no record");
	if (was != NULL ? !follows(was, r, e) : !mount_is_free(s, r, e))
		return false;
	i = state_import_take(s, origin);
	if (was == NULL) {
		i->mount = mem_printf("%.*s", (int)record_get(r, "mount").n,
		    (const char *)record_get(r, "mount").p);
		i->vkey = mem_printf("%.*s", (int)record_get(r, "vkey").n,
		    (const char *)record_get(r, "vkey").p);
	}
	i->size = (uint64_t)record_get_int(r, "size");
	i->n = r->n;
	(void)record_get_hash(r, "root", &i->root);
	return true;
}
