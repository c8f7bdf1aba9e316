/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of the signer: that its clock jumped, so that it signs nothing; that it has
 * ended, and stays so until somebody acts. Lists go on being served and are late some time
 * later; the operator is told at once.
 */
#include <stdatomic.h>

#include <jansson.h>

#include <chancery/base/log.h>
#include <chancery/server/api.h>
#include <chancery/server/request.h>

#include "keeper.h"

enum alarm {
	ALARM_CLOCK,
	ALARM_HALTED,
	ALARM__COUNT
};
static const struct {
	const char *name, *about;
} alarms[ALARM__COUNT] = {
	[ALARM_CLOCK] = { "clock", "nothing is signed" },
	[ALARM_HALTED] = { "signer-halted", "nothing is signed" },
};
static atomic_bool on[ALARM__COUNT];
static bool asked; /* worker 0 alone */

static void
set(enum alarm a, bool is, const char *why)
{
	bool was = atomic_exchange(&on[a], is);

	if (is && !was)
		log_line(LOG_LEVEL_ERROR, "alarm %s: %s: %s", alarms[a].name,
		    alarms[a].about, why);
	else if (was && !is)
		log_line(LOG_LEVEL_INFO, "alarm %s is over", alarms[a].name);
}

static void
answered(void *arg, const struct lane_reply *r)
{
	struct error e;
	auto_json json_t *status =
	    r->ok ? request_body(r->sig, bytes_str(""), &e) : NULL;
	const char *clock = json_string_value(json_object_get(status, "clock"));

	(void)arg;
	asked = false;
	if (clock != NULL)
		set(ALARM_CLOCK, *clock != '\0', clock);
}

void
signer_alarms_tick(struct lane *lane, bool ask)
{
	enum lane_state state = lane_get_state(lane);
	struct error why = { 0 };

	if (state == LANE_DOWN)
		lane_why(lane, &why);
	set(ALARM_HALTED, state == LANE_DOWN, why.msg);
	/* One that does not serve says nothing about its clock. */
	if (!(ask || atomic_load(&on[ALARM_CLOCK])) || asked ||
	    state != LANE_UP)
		return;
	asked = true;
	lane_status(lane, answered, NULL);
}

void
signer_alarms_add(json_t *names)
{
	for (unsigned a = 0; a < ALARM__COUNT; a++)
		if (atomic_load(&on[a]))
			(void)json_array_append_new(names,
			    json_string(alarms[a].name));
}

void
signer_alarms_metrics(struct buf *out)
{
	metrics_head(out, "chancery_signer_alarms", "gauge",
	    "1: the signer's clock jumped; it has ended.");
	for (unsigned a = 0; a < ALARM__COUNT; a++)
		buf_addf(out, "chancery_signer_alarms{alarm=\"%s\"} %d\n",
		    alarms[a].name, atomic_load(&on[a]) ? 1 : 0);
}
