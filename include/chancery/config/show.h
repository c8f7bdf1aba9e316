/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A filled struct as YAML that reads back through the same table: what is in force, for
 * people. Absent texts are left out.
 */
#include <chancery/config/yaml.h>

void schema_show(const struct yaml_field *schema, const void *in,
    struct buf *out);
