/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical JSON: what the reader accepts, the writer writes byte for byte. */
#include <assert.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/json.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void copy_value(struct json_reader *r, struct json_writer *w);

static void
copy_object(struct json_reader *r, struct json_writer *w)
{
	struct bytes key;

	json_enter_object(r);
	json_object_begin(w);
	while (json_next_key(r, &key)) {
		char *name = mem_printf("%.*s", (int)key.n, key.p);

		json_key(w, name);
		copy_value(r, w);
		mem_free(name);
	}
	json_object_end(w);
}

static void
copy_array(struct json_reader *r, struct json_writer *w)
{
	json_enter_array(r);
	json_array_begin(w);
	while (json_next_element(r))
		copy_value(r, w);
	json_array_end(w);
}

static void
copy_string(struct json_reader *r, struct json_writer *w)
{
	auto_buf struct buf text = { 0 };

	if (json_get_str(r, &text))
		json_strn(w, buf_bytes(&text));
}

static void
copy_value(struct json_reader *r, struct json_writer *w)
{
	switch (json_peek(r)) {
	case JSON_KIND_INT:
		json_int(w, json_get_int(r));
		return;
	case JSON_KIND_BOOL:
		json_bool(w, json_get_bool(r));
		return;
	case JSON_KIND_STRING:
		copy_string(r, w);
		return;
	case JSON_KIND_ARRAY:
		copy_array(r, w);
		return;
	case JSON_KIND_OBJECT:
		copy_object(r, w);
		return;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bytes in = bytes_of(p, n);
	auto_buf struct buf out = { 0 };
	struct json_reader r;
	struct json_writer w;

	if (!json_valid(in))
		return 0;
	json_read(&r, in);
	json_begin(&w, &out);
	copy_value(&r, &w);
	assert(json_done(&r));
	assert(bytes_eq(buf_bytes(&out), in));
	return 0;
}
