/* SPDX-License-Identifier: Apache-2.0 */
#include <chancery/base/text.h>
#include <chancery/server/request.h>

static void
add_member(struct buf *out, const char *name, const json_t *v)
{
	buf_add_str(out, ",\"");
	buf_add_str(out, name);
	buf_add_str(out, "\":");
	if (v == NULL)
		buf_add_str(out, "null");
	else
		request_dump(v, out);
}

static void
add_lease(const struct envelope *v, struct buf *out)
{
	auto_json json_t *id = json_string(v->lease_id);

	buf_add_str(out, "\"");
	add_member(out, "lease_id", id);
	buf_add_str(out, ",\"renewable\":false,\"lease_duration\":");
	buf_add_int(out, v->lease_s);
	buf_add_str(out, ",\"data\":");
}

void
envelope_head(const struct envelope *v, struct buf *out)
{
	buf_add_str(out, "{\"request_id\":\"");
	buf_add_str(out, v->id);
	if (v->lease_id == NULL)
		buf_add_str(out,
		    "\",\"lease_id\":\"\",\"renewable\":false,"
		    "\"lease_duration\":0,\"data\":");
	else
		add_lease(v, out);
}

void
envelope_tail(const struct envelope *v, struct buf *out)
{
	add_member(out, "wrap_info", v->wrap_info);
	add_member(out, "warnings",
	    json_array_size(v->warnings) > 0 ? v->warnings : NULL);
	add_member(out, "auth", v->auth);
	buf_add_str(out, "}\n");
}

void
envelope_write(const struct envelope *v, struct buf *out)
{
	envelope_head(v, out);
	if (v->data == NULL)
		buf_add_str(out, "null");
	else
		request_dump(v->data, out);
	envelope_tail(v, out);
}

static json_t *
or_null(const json_t *v)
{
	return v != NULL ? json_incref(json_unconst(v)) : json_null();
}

json_t *
envelope_json(const struct envelope *v)
{
	const json_t *warnings =
	    json_array_size(v->warnings) > 0 ? v->warnings : NULL;

	return json_pack("{s:s,s:s,s:b,s:I,s:o,s:o,s:o,s:o}", "request_id",
	    v->id, "lease_id", v->lease_id != NULL ? v->lease_id : "",
	    "renewable", 0, "lease_duration", (json_int_t)v->lease_s, "data",
	    or_null(v->data), "wrap_info", or_null(v->wrap_info), "warnings",
	    or_null(warnings), "auth", or_null(v->auth));
}
