/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A running chanceryd, as commands reach it: the HTTP API on the unix socket (who asks is
 * known by the uid), and the supervisor's own socket (wire/supervisor.h).
 */
#include <chancery/base/secret.h>
#include <chancery/config/service.h>

#include "cli.h"
#include "json.h"

/* The configuration of the home that --home names, or the usual one; `cfg` lives as long. */
struct yaml_doc *daemon_config(const struct cli *c, struct service_config *cfg,
    struct error *e) must_check;

/* One request. `path` without "/v1/"; body NULL: none. *status is the HTTP status;
 * *answer the JSON, or NULL when there was none; the caller frees with json_decref.
 * FAIL_NOT_FOUND: nobody listens. */
bool daemon_call(const struct service_config *cfg, const char *method,
    const char *path, json_t *body, long *status, json_t **answer,
    struct error *e) must_check;
/* As daemon_call; a status of 400 and more is a failure with the API's own words. */
bool daemon_ask(const struct service_config *cfg, const char *method,
    const char *path, json_t *body, json_t **answer,
    struct error *e) must_check;

/* What the supervisor says of its rooms: canonical JSON, appended. */
bool supervisor_status(const struct service_config *cfg, struct buf *json,
    struct error *e) must_check;
bool supervisor_unseal(const struct service_config *cfg, const char *token,
    const struct secret *pin, struct error *e) must_check;

/* What the API has for a command that needs the register for itself; NULL: nothing. */
const char *daemon_instead(const char *words);
/* Whether it answers. */
bool supervisor_is_up(const struct service_config *cfg);
