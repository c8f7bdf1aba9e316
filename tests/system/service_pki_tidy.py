#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tidy, with the running service and a real OpenBao.

service_pki_tidy.py compare | many | finished | auto | not_again
"""
import sys
import time

from service_api import Api, until


def status(api, mount):
    return api.ok("GET", mount + "/tidy-status")["data"]


def wait_for(api, mount, *states):
    return until("tidy that ended", lambda: (
        s := status(api, mount))["state"] in states and s)


def keys(api, path):
    code, answer = api.ask("LIST", path)
    return set(answer["data"]["keys"]) if code == 200 else set()


def expect(what, have, want):
    if have != want:
        raise SystemExit("%s: %r instead of %r" % (what, have, want))


# ---- beside OpenBao -----------------------------------------------------------------------------

def parameters(both, scalars):
    """What is refused, and what is answered when nothing is to be done."""
    from pki_both import DIFFERENT
    DIFFERENT["config: pause"] = "the same words for both paths"
    scalars("status: none", both("status: none", "GET", "t/tidy-status"))
    scalars("config", both("config", "GET", "t/config/auto-tidy"))
    both("cancel: none", "POST", "t/tidy-cancel", {})
    both("tidy: nothing", "POST", "t/tidy", {})
    for name in ("safety_buffer", "revoked_safety_buffer", "issuer_safety_buffer",
                 "acme_account_safety_buffer"):
        both("tidy: " + name, "POST", "t/tidy", {"tidy_cert_store": True, name: 0})
        both("config: " + name, "POST", "t/config/auto-tidy", {name: "0s"})
    for pause in ("x", "-1s"):
        both("tidy: pause " + pause, "POST", "t/tidy",
             {"tidy_cert_store": True, "pause_duration": pause})
    for fields in ({"enabled": True}, {"page_size": 4}, {"page_size": 5}, {"pause_duration": "10"},
                   {"pause_duration": "1500ms"}, {"pause_duration": "90m"},
                   {"pause_duration": "-1s"}, {"pause_duration": "x"},
                   {"interval_duration": -5}, {"interval_duration": "1h"},
                   {"publish_stored_certificate_count_metrics": True},
                   {"maintain_stored_certificate_counts": True,
                    "publish_stored_certificate_count_metrics": True},
                   {"tidy_cert_store": True, "safety_buffer": "2h"}):
        pair = both("config: %s" % fields, "POST", "t/config/auto-tidy", fields)
        if None not in pair:
            scalars("config: %s" % fields, pair)
            if pair[0]["pause_duration"] != pair[1]["pause_duration"]:
                raise SystemExit("pause: %s" % [d["pause_duration"] for d in pair])
    both("config: back", "POST", "t/config/auto-tidy", {
        "maintain_stored_certificate_counts": False,
        "publish_stored_certificate_count_metrics": False, "tidy_cert_store": False})


def compare():
    from pki_both import NOT_COMPARED, OURS, THEIRS, both, end, note, scalars
    both("mount", "POST", "sys/mounts/t", {"type": "pki", "config": {"max_lease_ttl": "87600h"}})
    parameters(both, scalars)
    both("root", "POST", "t/root/generate/internal",
         {"common_name": "T", "key_type": "ec", "ttl": "8000h", "issuer_name": "t"})
    both("short root", "POST", "t/root/generate/internal",
         {"common_name": "S", "key_type": "ec", "ttl": "2s", "issuer_name": "short"})
    both("role", "POST", "t/roles/any", {"allow_any_name": True, "key_type": "ec",
                                         "max_ttl": "24h"})
    # Some may have ended before it is their turn.
    both("expired ones too", "POST", "t/config/crl", {"allow_expired_cert_revocation": True})
    made = {api: [] for api in (OURS, THEIRS)}
    for i in range(12):
        pair = both("issue", "POST", "t/issue/any",
                    {"common_name": "a%d.example" % i, "ttl": "3s" if i % 2 else "1h"})
        for api, d in zip((OURS, THEIRS), pair):
            made[api].append(d["serial_number"])
            if i < 6:
                api.ok("POST", "t/revoke", {"serial_number": d["serial_number"]})
    time.sleep(5.5)

    def index(what):
        """Which of the twelve are there, on both sides."""
        for path in ("certs", "certs/revoked"):
            sets = [sorted(made[api].index(k) for k in keys(api, "t/" + path)
                           if k in made[api]) for api in (OURS, THEIRS)]
            if sets[0] != sets[1]:
                note("%s: %s: %s, OpenBao %s" % (what, path, *sets))

    def tidy(what, fields):
        both(what, "POST", "t/tidy", fields)
        ended = [wait_for(api, "t", "Finished", "Error") for api in (OURS, THEIRS)]
        index(what)
        scalars(what, ended)
        for d in ended:
            d["last_auto_tidy_finished"] = d["time_finished"] = d["time_started"] = "…"
            d["internal_backend_uuid"] = "…"
        for name in set(ended[0]) | set(ended[1]):
            if ended[0].get(name, "absent") != ended[1].get(name, "absent") and name not in NOT_COMPARED:
                note("%s: %s: %r, OpenBao %r" % (what, name, ended[0].get(name, "absent"),
                                                 ended[1].get(name, "absent")))

    index("before")
    # The root that lived two seconds is a certificate like the others.
    tidy("store", {"tidy_cert_store": True, "safety_buffer": "1s"})
    tidy("nothing more", {"tidy_cert_store": True, "safety_buffer": "1s"})
    for api in (OURS, THEIRS):
        expect(api.name + ": gone", api.ask("GET", "t/cert/" + made[api][1])[0], 404)
    tidy("issuers", {"tidy_expired_issuers": True, "issuer_safety_buffer": "1s"})
    for api in (OURS, THEIRS):
        expect(api.name + ": issuers", [i["issuer_name"] for i in api.ok(
            "LIST", "t/issuers")["data"]["key_info"].values()], ["t"])
    tidy("others", {"tidy_invalid_certs": True, "tidy_move_legacy_ca_bundle": True,
                    "tidy_revoked_cert_issuer_associations": True, "tidy_acme": True})
    # OpenBao's own run of these in the same second as others may find nothing yet.
    both("revoked ones", "POST", "t/tidy", {"tidy_revoked_certs": True, "safety_buffer": "1s"})
    ours = wait_for(OURS, "t", "Finished", "Error")
    expect("revoked ones", ours["revoked_cert_deleted_count"], 3)
    expect("their revocations", len(keys(OURS, "t/certs/revoked")), 3)
    # The list has them all the same: that is the signer's affair.
    both("counts", "POST", "t/config/auto-tidy", {"maintain_stored_certificate_counts": True})
    shown = status(OURS, "t")
    expect("counts", (shown["current_cert_store_count"], shown["current_revoked_cert_count"]),
           (len(keys(OURS, "t/certs")), 3))
    return end()


# ---- ours alone -----------------------------------------------------------------------------------

def many():
    """A run of many pages, that is in the middle when this returns; one that was cancelled."""
    api = Api.ours()
    for mount in ("many", "stopped"):
        api.ok("POST", "sys/mounts/" + mount, {"type": "pki"})
        api.ok("POST", "%s/root/generate/internal" % mount,
               {"common_name": mount, "key_type": "ec", "ttl": "700h"})
        api.ok("POST", mount + "/roles/any", {"allow_any_name": True, "key_type": "ec"})
        api.ok("POST", mount + "/config/crl", {"allow_expired_cert_revocation": True})
        for i in range(120):
            leaf = api.ok("POST", mount + "/issue/any", {
                "common_name": "a.example", "ttl": "4s" if i % 4 else "1h"})["data"]
            if i % 10 == 0:
                api.ok("POST", mount + "/revoke", {"serial_number": leaf["serial_number"]})
    time.sleep(6)
    page = {"tidy_cert_store": True, "tidy_revoked_certs": True, "safety_buffer": "1s",
            "page_size": 5, "pause_duration": "300ms"}
    expect("begun", api.ask("POST", "stopped/tidy", page)[0], 202)
    expect("begun twice", api.ask("POST", "stopped/tidy", page)[0], 200)
    until("first page", lambda: status(api, "stopped")["cert_store_deleted_count"] > 0)
    expect("cancelling", api.ok("POST", "stopped/tidy-cancel", {})["data"]["state"], "Cancelling")
    got = wait_for(api, "stopped", "Cancelled")
    if not 0 < got["cert_store_deleted_count"] < 90:
        raise SystemExit("cancelled, with %d gone" % got["cert_store_deleted_count"])
    expect("certificates left", len(keys(api, "stopped/certs")),
           121 - got["cert_store_deleted_count"])
    expect("begun", api.ask("POST", "many/tidy", page)[0], 202)
    until("second page", lambda: status(api, "many")["cert_store_deleted_count"] >= 10)
    # Requests go on meanwhile.
    api.ok("POST", "many/issue/any", {"common_name": "meanwhile.example", "ttl": "1h"})


def finished():
    api = Api.ours()
    got = wait_for(api, "many", "Finished")
    expect("deleted", got["cert_store_deleted_count"], 90)
    # The root, 30 that live, the one that came meanwhile.
    expect("left", len(keys(api, "many/certs")), 32)
    expect("cancelled stays so", status(api, "stopped")["state"], "Cancelled")


def auto():
    api = Api.ours()
    api.ok("POST", "stopped/config/auto-tidy", {
        "enabled": True, "tidy_cert_store": True, "safety_buffer": "1s",
        "interval_duration": "1s", "pause_duration": "0s"})
    until("auto-tidy", lambda: status(api, "stopped")["state"] == "Finished")
    expect("left", len(keys(api, "stopped/certs")), 31)
    api.ok("POST", "stopped/config/auto-tidy", {"interval_duration": "24h"})
    wait_for(api, "stopped", "Finished")


def not_again():
    api = Api.ours()
    before = status(api, "stopped")
    expect("finished", before["state"], "Finished")
    # Beyond the first look at config/auto-tidy of this start.
    api.ok("POST", "many/config/auto-tidy", {
        "enabled": True, "tidy_cert_store": True, "interval_duration": "1s"})
    until("auto-tidy of another mount",
          lambda: status(api, "many")["time_started"] > before["time_started"])
    expect("not again", status(api, "stopped")["time_started"], before["time_started"])


if __name__ == "__main__":
    sys.exit(globals()[sys.argv[1]]())
