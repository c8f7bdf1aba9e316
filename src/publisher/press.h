/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Publication in threads of its own; all calls from the loop. */
#include "publisher.h"

struct presses;
/* After the sandbox was entered: threads inherit it. */
struct presses *presses_new(const struct service_config *cfg,
    struct error *e) must_check;
/* Ends what is on its way, answers the rest. */
void presses_free(struct presses *all);
/* Readable: something is done. */
int presses_fd(const struct presses *all);
void presses_collect(struct presses *all);
