/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Writer of a C2SP tlog-tiles tree: lines in, files out. The tree is built under a
 * temporary name beside its own and computed from the lines alone, so that it proves
 * itself against the checkpoint before anybody sees it.
 */
#include <chancery/register/note.h>
#include <chancery/register/tree.h>

struct exporter;
/* "tile/<level>/<index>", index 1234067 as x001/x234/067; a width below 256 adds
 * ".p/<width>". The level of entry bundles is "entries". */
char *export_tile_path(const char *level, uint64_t index,
    size_t width) must_check;
/* FAIL_EXISTS when there is something at `out`. */
struct exporter *export_begin(const char *out, struct error *e) must_check;
/* The next record's line, without its newline. */
bool export_line(struct exporter *x, struct bytes line,
    struct error *e) must_check;
/* Write the partial tiles and the checkpoint `note`, sync, and give the tree its
 * name. FAIL_CORRUPT when the lines are not the checkpoint's tree. */
bool export_finish(struct exporter *x, struct bytes note,
    struct error *e) must_check;
/* Removes what was not finished. */
void export_free(struct exporter *x);
DEFINE_AUTO(exporter, struct exporter *, export_free)
#define auto_exporter auto_cleanup(exporter_cleanup)
