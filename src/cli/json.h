/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Answers of a service, as commands read them. */
#include <jansson.h>

#include <chancery/base/cleanup.h>

DEFINE_AUTO(json, json_t *, json_decref)
#define auto_json auto_cleanup(json_cleanup)

/* A member's text, valid until the JSON goes; "" where there is none. */
static inline const char *
json_text(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	return s != NULL ? s : "";
}

/* 0 where there is none. */
static inline int64_t
json_number(const json_t *v, const char *key)
{
	return json_integer_value(json_object_get(v, key));
}
