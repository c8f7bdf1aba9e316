/* SPDX-License-Identifier: Apache-2.0 */
/* What the running service publishes, as its server tells it. */
#include <string.h>

#include <chancery/base/clock.h>

#include "cli.h"
#include "daemon.h"

static const char path[] = "sys/internal/chancery/publish";

static struct yaml_doc *
service_of(const struct cli *c, struct service_config *cfg, struct error *e)
{
	struct yaml_doc *doc = daemon_config(c, cfg, e);

	if (doc != NULL && cfg->publish.n == 0) {
		yaml_doc_free(doc);
		(void)error_set(e, FAIL_NOT_FOUND,
		    "the configuration names no place to publish at "
		    "(publish:)");
		return NULL;
	}
	return doc;
}

static void
time_field(struct doc *d, const char *key, const char *label, int64_t t_s)
{
	char text[TIME_TEXT_SIZE] = "-";

	if (t_s > 0)
		time_format_s(t_s, text);
	doc_text(d, key, label, text);
}

static void
object_row(struct doc *d, const char *target, const json_t *o)
{
	struct doc *row = doc_row(d, "not_current", "not current");

	doc_text(row, "target", "target", target);
	doc_text(row, "name", "object", json_text(o, "name"));
	doc_text(row, "state", "state", json_text(o, "state"));
	doc_int(row, "number", "list", json_number(o, "number"));
	doc_int(row, "published_number", "published",
	    json_number(o, "published_number"));
	time_field(row, "next_update", "which ends",
	    json_number(o, "next_update"));
	doc_text(row, "why", "why", json_text(o, "why"));
}

static void
target_row(struct doc *d, const char *name, const json_t *t)
{
	struct doc *row = doc_row(d, "targets", "targets");

	doc_text(row, "name", "target", name);
	doc_text(row, "kind", "kind", json_text(t, "kind"));
	doc_text(row, "state", "state", json_text(t, "state"));
	doc_int(row, "objects", "objects", json_number(t, "objects"));
	doc_int(row, "current", "current", json_number(t, "current"));
	time_field(row, "last_success", "last success",
	    json_number(t, "last_success"));
	doc_int(row, "behind_seconds", "seconds behind",
	    json_number(t, "behind_seconds"));
	time_field(row, "next_update", "first list ends",
	    json_number(t, "next_update"));
}

/* For what watches: the exit status says whether somebody has to look. */
static bool
check_alarms(const json_t *targets, struct error *e)
{
	const char *name;
	json_t *t;

	json_object_foreach(json_object_get(targets, "targets"), name, t)
	{
		if (json_number(t, "alarm") > 0)
			return error_set(e, FAIL_BUSY,
			    "%s: %lld objects in alarm", name,
			    (long long)json_number(t, "alarm"));
	}
	return true;
}

static bool
run_publish_status(struct cli *c, struct error *e)
{
	struct service_config cfg;
	auto_yaml_doc struct yaml_doc *doc = service_of(c, &cfg, e);
	auto_json json_t *answer = NULL;
	const json_t *data;
	const char *name;
	json_t *t, *o;
	size_t i;

	if (doc == NULL || !daemon_ask(&cfg, "GET", path, NULL, &answer, e))
		return false;
	data = json_object_get(answer, "data");
	if (cli_has(c, "check") && !check_alarms(data, e))
		return false;
	doc_list(c->doc, "targets", "targets");
	doc_list(c->doc, "not_current", "not current");
	json_object_foreach(json_object_get(data, "targets"), name, t)
	{
		target_row(c->doc, name, t);
		json_array_foreach(json_object_get(t, "not_current"), i, o)
		    object_row(c->doc, name, o);
	}
	return true;
}

static bool
run_publish_now(struct cli *c, struct error *e)
{
	struct service_config cfg;
	auto_yaml_doc struct yaml_doc *doc = service_of(c, &cfg, e);
	auto_json json_t *answer = NULL, *body = json_object();

	if (doc == NULL || !daemon_ask(&cfg, "POST", path, body, &answer, e))
		return false;
	doc_say(c->doc, "\"chancery publish status\" tells what comes of it.");
	return true;
}

static const struct flag status_flags[] = {
	{ "check", NULL,
	    "fail when an object is in alarm: for what watches the service",
	    false, false },
	{ 0 },
};

const struct command publish_commands[] = {
	{ "publish status", "",
	    "what is published where, and whether readers have it", 0, 0,
	    status_flags, true, run_publish_status,
	    "Of the running service. Objects that are not current stand with "
	    "their reason; at most 100 a target." },
	{ "publish now", "", "look at all that is published, at once", 0, 0,
	    NULL, true, run_publish_now,
	    "What failed is tried again, what is there is fetched and "
	    "compared." },
};
const size_t publish_commands_n = countof(publish_commands);
