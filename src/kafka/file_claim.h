/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Temporary names of file sets, and the directory that they are made in. */

/* Remove what processes that are gone left there, and hold the directory against others that would.
 * A descriptor to close when the set is done, or -1: nothing is held. */
int file_claim(const char *dir);
/* A temporary name beside `path`, in fresh memory. */
char *file_claim_name(const char *path);
