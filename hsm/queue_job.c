/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

void
list_init(struct job_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
	l->n = 0;
}

void
list_add(struct job_list *l, struct job *j)
{
	j->next = NULL;
	*l->tail = j;
	l->tail = &j->next;
	l->n++;
}

struct job *
list_take(struct job_list *l)
{
	struct job *j = l->head;

	if (j == NULL)
		return NULL;
	l->head = j->next;
	if (l->head == NULL)
		l->tail = &l->head;
	l->n--;
	return j;
}

void
list_append(struct job_list *to, struct job_list *from)
{
	if (from->head == NULL)
		return;
	*to->tail = from->head;
	to->tail = from->tail;
	to->n += from->n;
	list_init(from);
}

void
list_free(struct job_list *l)
{
	struct job *j;

	while ((j = list_take(l)) != NULL)
		job_free(j);
}

/* ---- jobs ---------------------------------------------------------------- */

static void
input_free(struct job *j)
{
	if (j->j.in.p != j->small)
		mem_free(unconst(j->j.in.p));
}

void
job_free(struct job *j)
{
	input_free(j);
	mem_free(j);
}

/* All but the signature's room is set: that is 1 KiB that nobody reads. */
struct job *
job_new(struct key_queue *q, const struct key_job *job)
{
	struct job *j = q->spare;

	if (j != NULL)
		q->spare = j->next;
	else
		j = mem_alloc(sizeof(*j));
	j->j = *job;
	j->abandoned = false;
	j->done.id = job->id;
	j->done.ok = false;
	j->done.sig_len = 0;
	j->done.attempts = 0;
	j->done.err.why = FAIL_NONE;
	j->done.err.msg[0] = '\0';
	if (job->in.n > sizeof(j->small)) {
		j->j.in.p = mem_dup(job->in.p, job->in.n);
		return j;
	}
	if (job->in.n > 0)
		memcpy(j->small, job->in.p, job->in.n);
	j->j.in.p = j->small;
	return j;
}

/* What it did goes out, its memory to the next. */
void
job_done(struct key_queue *q, struct job *j, struct key_done *out)
{
	const struct key_done *d = &j->done;

	out->id = d->id;
	out->ok = d->ok;
	out->sig_len = d->sig_len;
	out->attempts = d->attempts;
	memcpy(out->sig, d->sig, d->sig_len);
	out->err.why = d->err.why;
	memcpy(out->err.msg, d->err.msg, strlen(d->err.msg) + 1);
	input_free(j);
	j->next = q->spare;
	q->spare = j;
}

void
job_run(const struct key_queue_config *cfg, struct job *j)
{
	key_sign_fn *sign = cfg->sign;
	auto_buf struct buf sig = { 0 };
	struct key_done *d = &j->done;

	if (sign != NULL)
		d->ok = sign(cfg->arg, j->j.key, j->j.alg, j->j.in, &sig,
		    &d->attempts, &d->err);
	else
		d->ok = hsm_sign(j->j.key, j->j.alg, j->j.in, &sig,
		    &d->attempts, &d->err);
	if (d->ok && sig.n > sizeof(d->sig))
		d->ok = error_set(&d->err, FAIL_INTERNAL,
		    "signature of %zu bytes", sig.n);
	if (d->ok) {
		memcpy(d->sig, sig.p, sig.n);
		d->sig_len = sig.n;
	}
}
