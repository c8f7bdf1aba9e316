/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Checks of single texts, for the rows of service_schema. */
#include <chancery/base/error.h>

bool check_absolute(const char *v, struct error *e) must_check;
bool check_pin_source(const char *v, struct error *e) must_check;
bool check_listen(const char *v, struct error *e) must_check;
bool check_uid(const char *v, struct error *e) must_check;
bool check_namespace(const char *v, struct error *e) must_check;
bool check_policy_name(const char *v, struct error *e) must_check;
bool check_service_name(const char *v, struct error *e) must_check;
bool check_token_prefix(const char *v, struct error *e) must_check;
bool check_pattern(const char *v, struct error *e) must_check;
bool check_target_url(const char *v, struct error *e) must_check;
bool check_public_url(const char *v, struct error *e) must_check;
bool check_user(const char *v, struct error *e) must_check;
bool check_log_level(const char *v, struct error *e) must_check;
