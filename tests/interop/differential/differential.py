#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of requests, section by section.

differential.py DATA [SECTION…]    environment as tests/system/service.sh sets it; with sections
                                   named, only those, and known differences may stay unseen
"""
import sys

import access
import authorities
import bao_pki
import leases
import leaves
import lists
import names
import roles
import sequences
import spelling
import system
import verbs
from pair import Pair, environment_log

SECTIONS = (("authorities", authorities.run), ("leaves", leaves.run), ("names", names.run),
            ("roles", roles.run), ("spelling", spelling.run), ("verbs", verbs.run),
            ("system", system.run), ("access", access.run), ("sequences", sequences.run),
            ("lists", lists.run), ("leases", leases.run), ("bao pki", bao_pki.run))


def main():
    data, only = sys.argv[1], sys.argv[2:]
    pair = Pair(environment_log())
    for name, run in SECTIONS:
        if not only or name in only:
            pair.section = name
            run(pair, data)
    if only:
        for row in pair.known:
            row.unused = set()
    return pair.end(1 if only else 600)


sys.exit(main())
