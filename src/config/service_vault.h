/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The section `vault:` across its fields. */
#include <chancery/config/service.h>

void vault_absolute(struct yaml_checker *c, struct service_config *cfg,
    const char *dir);
void check_vaults(struct yaml_checker *c, struct service_config *cfg);
void check_publisher_user(struct yaml_checker *c, struct service_config *cfg);
