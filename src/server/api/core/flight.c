/* SPDX-License-Identifier: Apache-2.0 */
/* A call from its first octet to its answer: one answer, no touching it afterwards. */
#include <chancery/base/text.h>

#include "core.h"

void
uuid_text(const uint8_t id[16], char out[37])
{
	static const size_t group[] = { 4, 2, 2, 2, 6 };

	for (size_t i = 0; i < countof(group); id += group[i++]) {
		hex_encode(bytes_of(id, group[i]), out);
		out += 2 * group[i];
		*out++ = '-';
	}
	out[-1] = '\0';
}

void
text_cut(char *out, size_t n, const char *s)
{
	size_t len = strlen(s);

	if (len >= n)
		for (len = n - 1; len > 0 && ((uint8_t)s[len] & 0xc0) == 0x80;)
			len--;
	memcpy(out, s, len);
	out[len] = '\0';
}

struct flight *
flight_new(struct worker *w, struct http_exchange *x)
{
	struct api *a = w->api;
	struct flight *f = mem_calloc(1, sizeof(*f));

	f->w = w;
	f->c = (struct call){ .api = a,
		.x = x,
		.lane = w->lane,
		.store = a->cfg.store,
		.docs = a->cfg.docs,
		.tokens = a->cfg.tokens,
		.settings = a->cfg.settings,
		.now_s = clock_wall_ms(a->cfg.clock) / 1000 };
	if (x != NULL)
		memcpy(f->id, http_request_id(x), sizeof(f->id));
	else
		random_bytes(f->id, sizeof(f->id));
	uuid_text(f->id, f->c.id);
	w->in_flight++;
	atomic_fetch_add_explicit(&a->metrics.in_flight, 1,
	    memory_order_relaxed);
	return f;
}

static void
flight_free(struct flight *f)
{
	struct call *c = &f->c;

	if (c->state != NULL && c->state_free != NULL)
		c->state_free(c->state);
	auth_token_put(c->token);
	mount_release(&f->mount);
	json_decref(c->typed);
	json_decref(c->given);
	json_decref(c->warnings);
	json_decref(c->data);
	json_decref(c->auth);
	mem_free(c->lease_id);
	json_decref(f->captures);
	json_decref(f->notes);
	buf_free(&f->path);
	f->w->in_flight--;
	atomic_fetch_sub_explicit(&c->api->metrics.in_flight, 1,
	    memory_order_relaxed);
	mem_free(f);
}

void
flight_run(struct flight *f, call_fn *fn)
{
	f->depth++;
	fn(&f->c);
	if (--f->depth > 0)
		return;
	if (f->answered && f->stepping)
		fatal("%s: answered in the middle of a step", f->c.why);
	if (f->answered)
		flight_free(f);
	else if (!f->stepping)
		fatal("%s: neither an answer nor a step", f->c.why);
}

void
step_begin(struct flight *f, call_fn *next)
{
	if (f->answered || f->stepping)
		fatal("%s: a step after the answer or another step", f->c.why);
	f->stepping = true;
	f->next = next;
	f->c.reply = NULL;
}

void
step_end(struct flight *f, const struct lane_reply *r)
{
	call_fn *next = f->next;

	if (!f->stepping)
		fatal("%s: a step ended twice", f->c.why);
	f->stepping = false;
	f->next = NULL;
	f->c.reply = r;
	flight_run(f, next);
}
