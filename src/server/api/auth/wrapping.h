/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* sys/wrapping. */
#include "handlers.h"

call_fn wrapping_wrap, wrapping_lookup, wrapping_unwrap, wrapping_rewrap;
