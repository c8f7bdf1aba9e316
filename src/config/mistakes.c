/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

void
mistake_add(struct mistakes *m, struct pos pos, const char *path,
    const char *fmt, ...)
{
	auto_mem char *sentence = NULL;
	char text[2 * ERROR_MSG_SIZE];
	va_list ap;

	if (m->total++ >= YAML_MISTAKES_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sentence = mem_strdup(text);
	m->v = mem_grow(m->v, m->n, &m->cap, sizeof(*m->v));
	m->v[m->n] = (struct mistake){
		.pos = pos,
		.seq = (unsigned)m->n,
		.text = *path == '\0' ? take(sentence)
				      : mem_printf("%s: %s", path, sentence),
	};
	m->n++;
}

static int
mistake_cmp(const void *a, const void *b)
{
	const struct mistake *x = a, *y = b;

	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	if (x->pos.col != y->pos.col)
		return x->pos.col < y->pos.col ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

void
mistakes_tell(struct mistakes *m, const char *file, struct buf *report,
    struct error *e)
{
	if (m->n == 0)
		return;
	qsort(m->v, m->n, sizeof(*m->v), mistake_cmp);
	(void)error_set(e, FAIL_BAD_INPUT, "%s:%u:%u: %s", file,
	    m->v[0].pos.line, m->v[0].pos.col, m->v[0].text);
	if (report == NULL)
		return;
	for (size_t i = 0; i < m->n; i++)
		buf_addf(report, "%s:%u:%u: %s\n", file, m->v[i].pos.line,
		    m->v[i].pos.col, m->v[i].text);
	if (m->total > m->n)
		buf_addf(report, "%s: %zu more mistakes\n", file,
		    m->total - m->n);
}

void
mistakes_free(struct mistakes *m)
{
	for (size_t i = 0; i < m->n; i++)
		mem_free(m->v[i].text);
	mem_free(m->v);
	*m = (struct mistakes){ 0 };
}
