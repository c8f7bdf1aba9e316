/* SPDX-License-Identifier: Apache-2.0 */
/* What a bound struct points to, and where its fields came from. */
#include "internal.h"

void *
doc_keep(struct yaml_doc *d, void *p)
{
	if (p == NULL)
		return NULL;
	d->kept = mem_grow(d->kept, d->kept_n, &d->kept_cap, sizeof(*d->kept));
	d->kept[d->kept_n++] = p;
	return p;
}

void
doc_place(struct yaml_doc *d, const void *field, bool given, const char *file,
    struct pos pos)
{
	d->places = mem_grow(d->places, d->places_n, &d->places_cap,
	    sizeof(*d->places));
	d->places[d->places_n++] = (struct yaml_place){ (uintptr_t)field, given,
		pos, mem_printf("%s:%u:%u", file, pos.line, pos.col) };
}

void
doc_relocate(struct yaml_doc *d, const void *from, const void *to, size_t size)
{
	for (size_t i = 0; i < d->places_n; i++) {
		uintptr_t offset = d->places[i].field - (uintptr_t)from;

		if (offset < size)
			d->places[i].field = (uintptr_t)to + offset;
	}
}

static const struct yaml_place *
place_find(const struct yaml_doc *d, const void *field)
{
	for (size_t i = 0; i < d->places_n; i++)
		if (d->places[i].field == (uintptr_t)field)
			return &d->places[i];
	return NULL;
}

struct pos
doc_pos(const struct yaml_doc *d, const void *field)
{
	const struct yaml_place *place = place_find(d, field);

	return place != NULL ? place->pos : (struct pos){ 1, 1 };
}

const char *
yaml_where(const struct yaml_doc *d, const void *field)
{
	const struct yaml_place *place = place_find(d, field);

	return place != NULL ? place->text : "?";
}

bool
yaml_given(const struct yaml_doc *d, const void *field)
{
	const struct yaml_place *place = place_find(d, field);

	return place != NULL && place->given;
}

void
yaml_doc_free(struct yaml_doc *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->kept_n; i++)
		mem_free(d->kept[i]);
	mem_free(d->kept);
	for (size_t i = 0; i < d->places_n; i++)
		mem_free(d->places[i].text);
	mem_free(d->places);
	mem_free(d);
}
