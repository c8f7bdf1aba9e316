/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <chancery/base/text.h>

#include "secret_id.h"

void
secret_id_clear(struct secret_id *s)
{
	json_decref(s->metadata);
	json_decref(s->cidr_list);
	json_decref(s->token_cidrs);
	s->metadata = s->cidr_list = s->token_cidrs = NULL;
}

void
uuid_random(char out[37])
{
	uint8_t b[16];
	char hex[33];

	random_bytes(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	hex_encode(bytes_of(b, sizeof(b)), hex);
	(void)snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
	    hex + 12, hex + 16, hex + 20);
}

struct sha256
secret_id_key(const char *role_uuid, struct bytes text)
{
	return sha256_cat(bytes_str(role_uuid), bytes_of("", 1), text);
}

static json_t *
copy_or(const json_t *v, json_t *none)
{
	if (v == NULL)
		return none;
	json_decref(none);
	return json_deep_copy(v);
}

struct store_secret
secret_id_row(const struct secret_id *s, struct buf *mem)
{
	auto_json json_t *o =
	    json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "accessor",
		s->accessor, "uses_left", (json_int_t)s->uses_left, "ttl_s",
		(json_int_t)s->ttl_s, "created_s", (json_int_t)s->created_s,
		"updated_s", (json_int_t)s->updated_s, "metadata",
		copy_or(s->metadata, json_object()), "cidr_list",
		copy_or(s->cidr_list, json_array()), "token_bound_cidrs",
		copy_or(s->token_cidrs, json_array()));

	if (o == NULL)
		fatal("secret_id_row");
	json_canonical(o, mem);
	return (struct store_secret){ .kind = SECRET_ID_KIND,
		.key = s->key,
		.alias = s->accessor,
		.scope = s->scope,
		.expires_s = s->expires_s,
		.value = buf_bytes(mem),
		.version = s->version };
}

bool
secret_id_decode(const struct store_secret *row, struct secret_id *out,
    struct error *e)
{
	auto_json json_t *o = json_loadb((const char *)row->value.p,
	    row->value.n, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(o))
		return error_set(e, FAIL_CORRUPT,
		    "a secret-id's row is damaged");
	*out = (struct secret_id){ .key = row->key,
		.uses_left = member_int(o, "uses_left"),
		.ttl_s = member_int(o, "ttl_s"),
		.created_s = member_int(o, "created_s"),
		.updated_s = member_int(o, "updated_s"),
		.expires_s = row->expires_s,
		.metadata = copy_or(json_object_get(o, "metadata"), NULL),
		.cidr_list = copy_or(json_object_get(o, "cidr_list"), NULL),
		.token_cidrs =
		    copy_or(json_object_get(o, "token_bound_cidrs"), NULL),
		.version = row->version };
	(void)snprintf(out->accessor, sizeof(out->accessor), "%s",
	    doc_str(o, "accessor"));
	(void)snprintf(out->scope, sizeof(out->scope), "%s", row->scope);
	return true;
}

size_t
secret_id_spend(const struct secret_id *s, int64_t now_s,
    struct store_secret_change ch[2], struct buf *mem)
{
	struct secret_id less = *s;

	if (s->uses_left == 0)
		return 0;
	less.uses_left--;
	less.updated_s = now_s;
	ch[0] = (struct store_secret_change){ .op = STORE_SECRET_SWAP,
		.row = secret_id_row(&less, mem) };
	/* The row points into *s, which outlives it; `less` does not. */
	ch[0].row.alias = s->accessor;
	ch[0].row.scope = s->scope;
	ch[1] = ch[0];
	ch[1].op = STORE_SECRET_DELETE;
	return less.uses_left == 0 ? 2 : 1;
}

static bool
make_metadata(const char *text, json_t **out, struct error *e)
{
	const char *key;
	json_t *v;

	if (text[0] == '\0') {
		*out = json_object();
		return true;
	}
	*out = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(*out))
		return error_set(e, FAIL_BAD_INPUT,
		    "metadata: a JSON object as text");
	json_object_foreach(*out, key,
	    v) if (!json_is_string(v)) return error_set(e, FAIL_BAD_INPUT,
	    "metadata \"%.40s\": a text", key);
	return true;
}

static bool
make_numbers(const struct secret_id_ask *a, struct secret_id *s,
    struct error *e)
{
	int64_t uses = member_int(a->role, "secret_id_num_uses");
	int64_t ttl = member_int(a->role, "secret_id_ttl");

	s->uses_left = a->uses_given ? a->uses : uses;
	s->ttl_s = a->ttl_given ? a->ttl_s : ttl;
	if (s->uses_left < 0)
		return error_set(e, FAIL_BAD_INPUT,
		    "num_uses cannot be negative");
	if (uses > 0 && (s->uses_left == 0 || s->uses_left > uses))
		return error_set(e, FAIL_BAD_INPUT,
		    "num_uses cannot be higher than the role's "
		    "secret_id_num_uses");
	if (ttl > 0 && (s->ttl_s == 0 || s->ttl_s > ttl))
		return error_set(e, FAIL_BAD_INPUT,
		    "ttl cannot be longer than the role's secret_id_ttl");
	if (s->ttl_s > a->system_max_s)
		s->ttl_s = a->system_max_s;
	s->created_s = s->updated_s = a->now_s;
	s->expires_s = s->ttl_s == 0 ? 0 : a->now_s + s->ttl_s;
	return true;
}

/* Blocks of one secret-id lie within those of its role, where it has some. */
static bool
make_cidrs(const json_t *asked, const json_t *role, const char *what,
    json_t **out, struct error *e)
{
	if (!cidrs_check(asked, e))
		return error_context(e, "%s", what);
	if (json_array_size(role) > 0 && !cidrs_within(asked, role))
		return error_set(e, FAIL_BAD_INPUT,
		    "%s must be a subset of the role's", what);
	*out = copy_or(asked, json_array());
	return true;
}

bool
secret_id_make(const struct secret_id_ask *a, struct secret_id *out,
    struct error *e)
{
	auto_secret_id struct secret_id s = { .uses_left = 0 };

	if (!make_metadata(a->metadata, &s.metadata, e) ||
	    !make_numbers(a, &s, e) ||
	    !make_cidrs(a->cidr_list,
		json_object_get(a->role, "secret_id_bound_cidrs"), "cidr_list",
		&s.cidr_list, e) ||
	    !make_cidrs(a->token_cidrs,
		json_object_get(a->role, "token_bound_cidrs"),
		"token_bound_cidrs", &s.token_cidrs, e))
		return false;
	(void)snprintf(s.scope, sizeof(s.scope), "%s",
	    doc_str(a->role, "uuid"));
	*out = s;
	s.metadata = s.cidr_list = s.token_cidrs = NULL;
	return true;
}
