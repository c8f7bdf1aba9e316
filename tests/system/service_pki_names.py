#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The names of tests/data/pki-names asked of the running service and of a real OpenBao: both
must decide as the file says.

service_pki_names.py ROWS    VAULT_ADDR, VAULT_CACERT, VAULT_TOKEN and OPENBAO_ADDR are set
"""
import sys

from service_api import Api

PAIR = (Api.ours(), Api.openbao())


def role(line):
    fields = {"key_type": "ec", "ttl": "60"}
    for word in line[1:-1].split():
        name, eq, value = word.partition("=")
        if eq:
            fields[name] = value
        else:
            fields[name.lstrip("!")] = not word.startswith("!")
    return fields


def main():
    for api in PAIR:
        api.ok("POST", "sys/mounts/names", {"type": "pki"})
        api.ok("POST", "names/root/generate/internal",
               {"common_name": "Names", "key_type": "ec"})
    rows, wrong, shown = 0, 0, ""
    for line in open(sys.argv[1], encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith("["):
            shown = line
            for api in PAIR:
                api.ok("POST", "names/roles/r", role(line))
        elif line:
            rows += 1
            want = (line[0] != "-", line[0] == "+")
            got = tuple(api.ask("POST", "names/issue/r", {
                "common_name": line[2:], "exclude_cn_from_sans": True})[0] == 200
                for api in PAIR)
            if got != want:
                wrong += 1
                print("%s %s: ours %s, OpenBao %s" % ((shown, line) + got))
    print("%d names, %d decided otherwise" % (rows, wrong))
    return wrong != 0 or rows < 150


sys.exit(main())
