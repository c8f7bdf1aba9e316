#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hvac against the running service: every public method of the classes below.

service_hvac.py CSR FOLDER    VAULT_ADDR, VAULT_CACERT, VAULT_TOKEN are set; run by python -I of
build/venv: this folder, with a requests.py of its own, has to come behind hvac's.
"""
import os
import sys

from hvac.api import auth_methods, secrets_engines, system_backend

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import service_hvac_auth
import service_hvac_pki
import service_hvac_sys
from service_hvac_base import CLIENT, COUNT, NOT_FOUND, left_out, refused, watch

CLASSES = (secrets_engines.Pki, auth_methods.AppRole, auth_methods.Token, auth_methods.Cert,
           auth_methods.Userpass, system_backend.Policy, system_backend.Policies,
           system_backend.Mount, system_backend.Auth, system_backend.Lease)
# Methods that the service has nothing for, with their arguments: there is no such path.
SENTINEL = "Sentinel is Vault Enterprise's alone; OpenBao has no such paths either"
WITHOUT = {
    "Policies.list_rgp_policies": (SENTINEL, ()),
    "Policies.read_rgp_policy": (SENTINEL, ("a",)),
    "Policies.create_or_update_rgp_policy": (SENTINEL, ("a", "main = rule { true }", "advisory")),
    "Policies.delete_rgp_policy": (SENTINEL, ("a",)),
    "Policies.list_egp_policies": (SENTINEL, ()),
    "Policies.read_egp_policy": (SENTINEL, ("a",)),
    "Policies.create_or_update_egp_policy":
        (SENTINEL, ("a", "main = rule { true }", "advisory", ["*"])),
    "Policies.delete_egp_policy": (SENTINEL, ("a",)),
}


def main():
    for cls in CLASSES:
        watch(cls)
    service_hvac_pki.pki(sys.argv[1], sys.argv[2])
    service_hvac_sys.system()
    service_hvac_auth.auth(sys.argv[2])
    missing = left_out(CLASSES)
    if missing != set(WITHOUT):
        raise SystemExit("never called, or called and in WITHOUT: %s" %
                         sorted(missing ^ set(WITHOUT)))
    for name, (_, args) in WITHOUT.items():
        refused(NOT_FOUND, "", getattr(CLIENT.sys, name.split(".")[1]), *args)
    print("hvac: %d checks" % COUNT["checks"])


main()
