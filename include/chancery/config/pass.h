/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A struct that a schema table describes, as canonical JSON and back: how a checked
 * configuration travels to a room. The same table that read the YAML; no second format
 * to document, no YAML parser in a room. Not for files.
 */
#include <chancery/config/yaml.h>

/* Append. Absent optional texts are left out. */
void schema_pack(const struct yaml_field *schema, const void *in,
    struct buf *out);
/* Strict: unknown or missing keys, wrong types and values out of the table's range
 * are FAIL_BAD_INPUT. The document owns the texts of *out. */
struct yaml_doc *schema_unpack(const struct yaml_field *schema,
    struct bytes json, void *out, size_t out_size, struct error *e) must_check;
