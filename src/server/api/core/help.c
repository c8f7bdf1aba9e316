/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows tell about themselves: ?help=1, OpenAPI, docs/api.md. */
#include <chancery/server/request.h>

static const struct {
	const char *method, *name;
} operations[OP__COUNT] = {
	[OP_READ] = { "get", "GET" },
	[OP_LIST] = { "get", "LIST" },
	[OP_WRITE] = { "post", "POST" },
	[OP_PATCH] = { "patch", "PATCH" },
	[OP_DELETE] = { "delete", "DELETE" },
};

json_t *
route_help(const struct route *r)
{
	auto_buf struct buf text = { 0 };

	buf_addf(&text, "Request: %s\n\n%s\n", r->pattern, r->about);
	if (r->fields != NULL)
		buf_add_str(&text, "\nPARAMETERS\n");
	for (const struct field_spec *f = r->fields;
	     f != NULL && f->name != NULL; f++)
		buf_addf(&text, "\n    %s (%s)\n        %s\n", f->name,
		    field_type_name(f->type), f->about);
	return json_pack("{s:s,s:[]}", "help", buf_cstr(&text), "see_also");
}

/* ---- OpenAPI ---- */

static const struct {
	const char *type, *format;
} openapi_types[] = {
	[FT_STRING] = { "string", NULL },
	[FT_BOOL] = { "boolean", NULL },
	[FT_INT] = { "integer", NULL },
	[FT_DURATION] = { "string", "duration" },
	[FT_LIST] = { "array", NULL },
	[FT_MAP] = { "object", NULL },
	[FT_TIME] = { "string", "date-time" },
	[FT_JSON] = { "object", NULL },
};

json_t *
openapi_new(const char *version)
{
	return json_pack("{s:s,s:{s:s,s:s,s:s,s:{s:s,s:s}},s:{}}", "openapi",
	    "3.0.2", "info", "title", "Chancery", "description",
	    "HTTP API of a PKI whose keys are in an HSM.", "version", version,
	    "license", "name", "Apache-2.0", "url",
	    "https://www.apache.org/licenses/LICENSE-2.0", "paths");
}

static json_t *
field_schema(const struct field_spec *f)
{
	json_t *s = json_pack("{s:s}", "type", openapi_types[f->type].type);

	if (openapi_types[f->type].format != NULL)
		(void)json_object_set_new(s, "format",
		    json_string(openapi_types[f->type].format));
	if (f->type == FT_LIST)
		(void)json_object_set_new(s, "items",
		    json_pack("{s:s}", "type", "string"));
	if (f->dflt != NULL)
		(void)json_object_set_new(s, "default", json_string(f->dflt));
	return s;
}

static json_t *
parameter(const struct field_spec *f)
{
	return json_pack("{s:s,s:s,s:s,s:b,s:o}", "name", f->name, "in",
	    f->in_path ? "path" : "query", "description", f->about, "required",
	    f->in_path, "schema", field_schema(f));
}

/* "/pki/issue/{role}" */
static void
openapi_path(const char *mount, const char *pattern, struct buf *out)
{
	buf_addf(out, "/%s/", mount);
	while (*pattern != '\0') {
		size_t n = strcspn(pattern, "/");

		if (*pattern == ':' || *pattern == '*')
			buf_addf(out, "{%.*s}", (int)n - 1, pattern + 1);
		else
			buf_add(out, pattern, n);
		pattern += n;
		if (*pattern == '/')
			buf_add_byte(out, (uint8_t)*pattern++);
	}
}

static json_t *
request_schema(const struct route *r)
{
	auto_json json_t *properties = json_object();

	for (const struct field_spec *f = r->fields;
	     f != NULL && f->name != NULL; f++) {
		json_t *s;

		if (f->in_path || f->query_only)
			continue;
		s = field_schema(f);
		(void)json_object_set_new(s, "description",
		    json_string(f->about));
		(void)json_object_set_new(properties, f->name, s);
	}
	if (json_object_size(properties) == 0)
		return NULL;
	return json_pack("{s:{s:{s:{s:s,s:O}}}}", "content", "application/json",
	    "schema", "type", "object", "properties", properties);
}

static json_t *
operation_object(const struct route *r, enum operation op)
{
	json_t *o = json_pack("{s:s,s:{s:{s:s}}}", "summary", r->about,
	    "responses", "200", "description", "OK");
	json_t *body = NULL;

	if (op == OP_WRITE || op == OP_PATCH)
		body = request_schema(r);
	if (body != NULL)
		(void)json_object_set_new(o, "requestBody", body);
	if (op == OP_LIST)
		(void)json_object_set_new(o, "parameters",
		    json_pack("[{s:s,s:s,s:b,s:{s:s}}]", "name", "list", "in",
			"query", "required", op == OP_LIST, "schema", "type",
			"string"));
	return o;
}

static void
openapi_row(json_t *paths, const char *mount, const struct route *r)
{
	auto_buf struct buf path = { 0 };
	json_t *item = json_object(), *captures = json_array();

	openapi_path(mount, r->pattern, &path);
	for (const struct field_spec *f = r->fields;
	     f != NULL && f->name != NULL; f++)
		if (f->in_path || f->query_only)
			(void)json_array_append_new(captures, parameter(f));
	(void)json_object_set_new(item, "description", json_string(r->about));
	(void)json_object_set_new(item, "parameters", captures);
	if (r->flags & ROUTE_UNAUTH)
		(void)json_object_set_new(item, "x-vault-unauthenticated",
		    json_true());
	if (r->flags & ROUTE_SUDO)
		(void)json_object_set_new(item, "x-vault-sudo", json_true());
	for (int op = 0; op < OP__COUNT; op++)
		if (r->op[op] != NULL &&
		    json_object_get(item, operations[op].method) == NULL)
			(void)json_object_set_new(item, operations[op].method,
			    operation_object(r, (enum operation)op));
	(void)json_object_set_new(paths, buf_cstr(&path), item);
}

void
openapi_add(json_t *doc, const char *mount, const struct backend *b)
{
	json_t *paths = json_object_get(doc, "paths");
	const struct route *r;

	for (size_t i = 0; (r = backend_routes(b, i)) != NULL; i++)
		for (; r->pattern != NULL; r++)
			if ((r->flags & ROUTE_OWN) == 0)
				openapi_row(paths, mount, r);
}

/* ---- Markdown ---- */

/* A cell: no line ends, no bars. */
static void
add_cell(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			buf_add_byte(out, '\\');
		buf_add_byte(out, *text == '\n' ? ' ' : (uint8_t)*text);
	}
}

static void
markdown_verbs(const struct route *r, struct buf *out)
{
	const char *comma = "";

	for (int op = 0; op < OP__COUNT; op++)
		if (r->op[op] != NULL) {
			buf_addf(out, "%s%s", comma, operations[op].name);
			comma = ", ";
		}
}

static void
markdown_flags(const struct route *r, struct buf *out)
{
	static const struct {
		unsigned flag;
		const char *text;
	} notes[] = { { ROUTE_UNAUTH, "No token needed." },
		{ ROUTE_SUDO, "Needs `sudo` too." },
		{ ROUTE_PUBLIC, "Also on the plain listener." },
		{ ROUTE_ANY_TOKEN, "Any valid token." },
		{ ROUTE_RAW, "The body is not JSON." },
		{ ROUTE_PUBLIC | ROUTE_SPARE, "Read under overload too." } };

	for (size_t i = 0; i < countof(notes); i++)
		if (r->flags & notes[i].flag)
			buf_addf(out, " %s", notes[i].text);
	if (r->exists != NULL)
		buf_add_str(out, " What is not there yet needs `create`.");
}

static void
markdown_row(const char *prefix, const struct route *r, struct buf *out)
{
	buf_addf(out, "### `%s/%s`\n\n", prefix, r->pattern);
	markdown_verbs(r, out);
	buf_addf(out, ": %s", r->about);
	markdown_flags(r, out);
	buf_add_str(out, "\n\n");
	if (r->fields == NULL || r->fields->name == NULL)
		return;
	buf_add_str(out, "| field | type | default | |\n|---|---|---|---|\n");
	for (const struct field_spec *f = r->fields; f->name != NULL; f++) {
		buf_addf(out, "| `%s`%s | %s | ", f->name,
		    f->in_path          ? " (path)"
			: f->query_only ? " (query)"
					: "",
		    field_type_name(f->type));
		if (f->dflt != NULL) {
			buf_add_byte(out, '`');
			add_cell(out, f->dflt);
			buf_add_byte(out, '`');
		}
		buf_add_str(out, " | ");
		add_cell(out, f->about);
		buf_add_str(out, " |\n");
	}
	buf_add_byte(out, '\n');
}

static const char *
usual_mount(const struct backend *b)
{
	if (strcmp(b->type, "system") == 0)
		return "sys";
	if (strcmp(b->type, "token") == 0)
		return "auth/token";
	return b->mount_auth ? "auth/{mount}" : "{mount}";
}

void
api_markdown(const struct backend *const *backends, struct buf *out)
{
	buf_add_str(out,
	    "# HTTP API\n\n"
	    "Made from the table of the program "
	    "(`chancery-server --api-markdown`); a test compares.\n\n"
	    "All paths are below `/v1/`. A path has one form: it is decoded "
	    "once, doubled slashes are one,\n`.` and `..` are refused. POST "
	    "and "
	    "PUT are the same. LIST is a method, or GET with `?list=true`.\n"
	    "PATCH wants `Content-Type: application/merge-patch+json`.\n\n");
	for (; *backends != NULL; backends++) {
		const struct backend *b = *backends;
		const struct route *r;

		buf_addf(out, "## %s\n\n%s\n\n", b->type, b->about);
		for (size_t i = 0; (r = backend_routes(b, i)) != NULL; i++)
			for (; r->pattern != NULL; r++)
				if ((r->flags & ROUTE_OWN) == 0)
					markdown_row(usual_mount(b), r, out);
	}
}
