/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The section `publish:`: its keys, and checks across them. */
#include <chancery/config/service.h>

extern const struct yaml_field service_target_fields[];

void publish_absolute(struct yaml_checker *c, struct service_config *cfg,
    const char *dir);
/* `exists`: files that are named have to be there. */
void check_publish(struct yaml_checker *c, struct service_config *cfg,
    bool exists);
