/* SPDX-License-Identifier: Apache-2.0 */
/* Health and its kin (vault-pki-api.md §3): flat answers, no token. */
#include <chancery/server/pki.h>

#include "sys.h"

/* Only a refused PIN is "sealed"; a token under recovery is not (design.md). */
static bool
is_sealed(const struct call *c)
{
	return c->lane != NULL && lane_get_state(c->lane) == LANE_SEALED;
}

/* Of the log, so that it is the same after every start. */
static void
cluster_id(const struct call *c, char out[37])
{
	struct sha256 h = sha256(bytes_str(c->settings->origin));

	uuid_text(h.b, out);
}

static void
add_cluster(const struct call *c, json_t *body)
{
	const char *name = c->settings->server.cluster_name;
	char id[37];

	cluster_id(c, id);
	if (name != NULL && *name != '\0')
		(void)json_object_set_new(body, "cluster_name",
		    json_string(name));
	(void)json_object_set_new(body, "cluster_id", json_string(id));
}

static int
code(const struct call *c, const char *field, int usual)
{
	int64_t v = call_int(c, field);

	return call_given(c, field) && v >= 100 && v <= 599 ? (int)v : usual;
}

/* What the operator has to see to; not there while all is well. */
static void
add_alarms(json_t *body)
{
	json_t *alarms = pki_alarms();

	if (json_array_size(alarms) > 0)
		(void)json_object_set(body, "alarms", alarms);
	json_decref(alarms);
}

void
sys_health(struct call *c)
{
	bool sealed = is_sealed(c);
	int status =
	    sealed ? code(c, "sealedcode", 503) : code(c, "activecode", 200);
	json_t *body =
	    json_pack("{s:b,s:b,s:b,s:b,s:s,s:s,s:I,s:s,s:b,s:i,s:i,s:i}",
		"initialized", 1, "sealed", sealed, "standby", 0,
		"performance_standby", 0, "replication_performance_mode",
		"disabled", "replication_dr_mode", "disabled",
		"server_time_utc", (json_int_t)c->now_s, "version", API_VERSION,
		"enterprise", 0, "echo_duration_ms", 0, "clock_skew_ms", 0,
		"replication_primary_canary_age_ms", 0);

	add_cluster(c, body);
	add_alarms(body);
	call_flat(c, status, body);
}

void
sys_seal_status(struct call *c)
{
	json_t *body =
	    json_pack("{s:s,s:b,s:b,s:i,s:i,s:i,s:s,s:s,s:s,s:b,s:b,s:s}",
		"type", "pkcs11", "initialized", 1, "sealed", is_sealed(c), "t",
		0, "n", 0, "progress", 0, "nonce", "", "version", API_VERSION,
		"build_date", "", "migration", 0, "recovery_seal", 0,
		"storage_type", "sqlite");

	add_cluster(c, body);
	call_flat(c, 200, body);
}

void
sys_leader(struct call *c)
{
	call_flat(c, 200,
	    json_pack("{s:b,s:b,s:s,s:s,s:b,s:i}", "ha_enabled", 0, "is_self",
		0, "leader_address", "", "leader_cluster_address", "",
		"performance_standby", 0, "performance_standby_last_remote_wal",
		0));
}

void
sys_init(struct call *c)
{
	call_flat(c, 200, json_pack("{s:b}", "initialized", 1));
}

void
sys_init_again(struct call *c)
{
	call_error(c, 400,
	    "already initialized: `chancery init` made the register, "
	    "`chancery token root` makes root tokens");
}
