/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as texts and as rows. */
#include <stdio.h>

#include "box.h"

static const char base62[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* Without bias: octets from 248 up are thrown away. */
static void
random_digits(char *out, size_t n)
{
	uint8_t octets[64];
	size_t at = 0, i;

	while (at < n) {
		random_bytes(octets, sizeof(octets));
		for (i = 0; i < sizeof(octets) && at < n; i++)
			if (octets[i] < 248)
				out[at++] = base62[octets[i] % 62];
	}
	explicit_bzero(octets, sizeof(octets));
}

/* Six digits, 36 bits, of a hash: they prove nothing and hide nothing. */
static void
check_digits(struct bytes text, char out[TOKEN_CHECK])
{
	struct sha256 h =
	    sha256_cat(bytes_str("chancery token"), bytes_of("", 1), text);
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(n); i++)
		n = n << 8 | h.b[i];
	for (size_t i = 0; i < TOKEN_CHECK; i++, n /= 62)
		out[i] = base62[n % 62];
}

void
token_text_random(struct secret *s, const char *prefix)
{
	char text[TOKEN_TEXT_MAX];
	size_t n = strlen(prefix);

	memcpy(text, prefix, n);
	random_digits(text + n, TOKEN_RANDOM);
	n += TOKEN_RANDOM;
	check_digits(bytes_of(text, n), text + n);
	if (!secret_set(s, text, n + TOKEN_CHECK))
		fatal("no room for a token");
	explicit_bzero(text, sizeof(text));
}

static bool
all_base62(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\0' || strchr(base62, text.p[i]) == NULL)
			return false;
	return true;
}

/* The form of this release, and that of earlier ones, which had no check: so no token of that
 * length is anybody else's, and Vault's root tokens are of it, which have no business here. */
bool
auth_text_is_ours(struct bytes text)
{
	static const size_t head = sizeof(TOKEN_PREFIX) - 1;
	char check[TOKEN_CHECK];
	bool prefix = text.n > head && memcmp(text.p, TOKEN_PREFIX, head) == 0;

	if (memchr(text.p, '.', text.n) == NULL)
		return true;
	if (!prefix || !all_base62(bytes_of(text.p + head, text.n - head)))
		return false;
	if (text.n == head + TOKEN_RANDOM)
		return true;
	if (text.n != head + TOKEN_RANDOM + TOKEN_CHECK)
		return false;
	check_digits(bytes_of(text.p, head + TOKEN_RANDOM), check);
	return memcmp(check, text.p + head + TOKEN_RANDOM, TOKEN_CHECK) == 0;
}

void
token_accessor_random(char out[TOKEN_RANDOM + 1])
{
	random_digits(out, TOKEN_RANDOM);
	out[TOKEN_RANDOM] = '\0';
}

struct sha256
token_hash(struct bytes text)
{
	return sha256(text);
}

static void
free_texts(char **texts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		mem_free(texts[i]);
	mem_free(texts);
}

void
token_clear(struct token *t)
{
	free_texts(t->policies, t->policies_n);
	free_texts(t->bound_cidrs, t->bound_cidrs_n);
	json_decref(t->meta);
	t->policies = t->bound_cidrs = NULL;
	t->policies_n = t->bound_cidrs_n = 0;
	t->meta = NULL;
}

void
token_encode(const struct token *t, struct buf *out)
{
	auto_json json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b, "
					"s:b, s:I, s:I, s:I, s:I, s:I, "
					"s:I, s:I}",
	    "accessor", t->accessor, "display_name", t->display_name, "path",
	    t->path, "role", t->role, "policies",
	    names_of(t->policies, t->policies_n), "bound_cidrs",
	    names_of(t->bound_cidrs, t->bound_cidrs_n), "renewable",
	    t->renewable, "orphan", t->orphan, "created_s",
	    (json_int_t)t->created_s, "ttl_s", (json_int_t)t->ttl_s,
	    "explicit_max_s", (json_int_t)t->explicit_max_s, "period_s",
	    (json_int_t)t->period_s, "max_ttl_s", (json_int_t)t->max_ttl_s,
	    "renewed_s", (json_int_t)t->renewed_s, "uses_left",
	    (json_int_t)t->uses_left);

	if (o == NULL)
		fatal("token_encode");
	if (t->meta != NULL)
		(void)json_object_set_new(o, "meta", json_deep_copy(t->meta));
	json_canonical(o, out);
}

struct store_secret
token_row(const struct token *t, struct buf *mem)
{
	token_encode(t, mem);
	return (struct store_secret){ .kind = TOKEN_KIND,
		.key = t->key,
		.alias = t->accessor,
		.parent = t->parent,
		.scope = t->path,
		.expires_s = t->expires_s,
		.value = buf_bytes(mem),
		.version = t->version };
}

static void
decode_texts(const json_t *list, char ***out, size_t *n)
{
	size_t i;

	*out = mem_calloc(json_array_size(list) + 1, sizeof(**out));
	for (i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (s != NULL)
			(*out)[(*n)++] = mem_strdup(s);
	}
}

static void
decode_into(const json_t *o, const struct store_secret *row, struct token *t)
{
	const json_t *meta = json_object_get(o, "meta");
	size_t i;

	(void)snprintf(t->accessor, sizeof(t->accessor), "%s",
	    doc_str(o, "accessor"));
	(void)snprintf(t->display_name, sizeof(t->display_name), "%s",
	    doc_str(o, "display_name"));
	(void)snprintf(t->path, sizeof(t->path), "%s", doc_str(o, "path"));
	(void)snprintf(t->role, sizeof(t->role), "%s", doc_str(o, "role"));
	decode_texts(json_object_get(o, "policies"), &t->policies,
	    &t->policies_n);
	decode_texts(json_object_get(o, "bound_cidrs"), &t->bound_cidrs,
	    &t->bound_cidrs_n);
	t->renewable = member_bool(o, "renewable", false);
	t->orphan = member_bool(o, "orphan", false);
	t->created_s = member_int(o, "created_s");
	t->ttl_s = member_int(o, "ttl_s");
	t->explicit_max_s = member_int(o, "explicit_max_s");
	t->period_s = member_int(o, "period_s");
	t->max_ttl_s = member_int(o, "max_ttl_s");
	t->renewed_s = member_int(o, "renewed_s");
	t->uses_left = member_int(o, "uses_left");
	t->meta = meta == NULL ? NULL : json_deep_copy(meta);
	t->key = row->key;
	t->parent = row->parent;
	t->expires_s = row->expires_s;
	t->version = row->version;
	for (i = 0; i < t->policies_n; i++)
		t->root |= strcmp(t->policies[i], "root") == 0;
}

struct token *
token_decode(const struct store_secret *row, struct error *e)
{
	auto_json json_t *o = json_loadb((const char *)row->value.p,
	    row->value.n, JSON_REJECT_DUPLICATES, NULL);
	struct token_box *box;

	if (!json_is_object(o)) {
		(void)error_set(e, FAIL_CORRUPT, "a token's row is damaged");
		return NULL;
	}
	box = mem_calloc(1, sizeof(*box));
	atomic_init(&box->refs, 1);
	decode_into(o, row, &box->token);
	return &box->token;
}

const struct token *
auth_token_ref(const struct token *t)
{
	struct token_box *box;

	memcpy(&box, &t, sizeof(box));
	atomic_fetch_add(&box->refs, 1);
	return t;
}

void
auth_token_put(const struct token *t)
{
	struct token_box *box;

	if (t == NULL)
		return;
	memcpy(&box, &t, sizeof(box));
	if (atomic_fetch_sub(&box->refs, 1) > 1)
		return;
	token_clear(&box->token);
	acl_free(box->acl);
	mem_free(box->above);
	mem_free(box);
}

bool
auth_token_from(const struct token *t, const char *peer)
{
	size_t i;

	for (i = 0; i < t->bound_cidrs_n; i++)
		if (cidr_match(t->bound_cidrs[i], peer))
			return true;
	return t->bound_cidrs_n == 0;
}

bool
auth_root_token(struct store_secret_change *out, struct buf *mem,
    struct secret *text, int64_t now_s, struct error *e)
{
	struct token t = { .root = true, .orphan = true, .created_s = now_s };
	char *root[] = { mem_strdup("root") };
	struct buf value = { 0 };

	(void)e;
	token_text_random(text, TOKEN_PREFIX);
	token_accessor_random(t.accessor);
	t.key = token_hash(bytes_of(secret_data(text), secret_len(text)));
	t.policies = root;
	t.policies_n = 1;
	(void)snprintf(t.display_name, sizeof(t.display_name), "root");
	(void)snprintf(t.path, sizeof(t.path), "auth/token/root");
	/* The accessor behind the value: t does not outlive this. */
	token_encode(&t, &value);
	buf_reset(mem);
	buf_add_bytes(mem, buf_bytes(&value));
	buf_add(mem, t.accessor, strlen(t.accessor) + 1);
	*out = (struct store_secret_change){ .op = STORE_SECRET_PUT,
		.row = { .kind = TOKEN_KIND,
		    .key = t.key,
		    .alias = (const char *)mem->p + value.n,
		    .scope = "auth/token/root",
		    .value = bytes_of(mem->p, value.n) } };
	buf_free(&value);
	mem_free(root[0]);
	return true;
}
