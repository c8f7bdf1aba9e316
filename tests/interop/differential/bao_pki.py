# SPDX-License-Identifier: Apache-2.0
"""The real program's `bao pki` commands against both: exit status and what is printed as JSON."""
import collections
import json
import os
import re
import subprocess

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
SERIAL = re.compile(r"([0-9a-f]{2}:){7,}[0-9a-f]{2}")


def environment(api):
    """Of the program for one server, and of nobody else's."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("BAO_", "VAULT_"))}
    env.update(BAO_ADDR=api.addr, BAO_TOKEN=api.token)
    if api.ca:
        env["BAO_CACERT"] = api.ca
    return env


def run_one(api, args):
    done = subprocess.run(["bao", "pki", args[0], "-format=json"] + list(args[1:]), check=False,
                          env=environment(api), capture_output=True, text=True)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = None
    code = re.search(r"Code: (\d+)", done.stderr)
    errors = re.findall(r"^\s*\* (.*)$", done.stderr, re.M)
    return done.returncode, code and int(code[1]), errors, said


def bag(items):
    """Things in no order, named without ids and dates."""
    texts = (json.dumps(x) for x in items)
    return dict(collections.Counter(
        SERIAL.sub("<serial>", DATE.sub("<date>", ID.sub("<id>", x))) for x in texts))


def of_health(said):
    return {check: bag(rows) for check, rows in (said or {}).items()}


def of_list(said):
    return bag((said or {}).items())


def command(p, name, *args, view=lambda said: said):
    """Counted as one request."""
    got = list(p.pool.map(lambda api: run_one(api, args), p.apis))
    a, b = ({"exit": rc, "errors": errors, "data": view(said), "status": str(code)}
            for rc, code, errors, said in got)
    if a["status"] != b["status"]:
        for x in (a, b):
            x["status"] += " " + " ".join(x.pop("errors"))
    p.compare(name, ("bao pki", " ".join(args), None), a, b)


def mounts(p):
    for name, cn in (("above", "Above"), ("below", None), ("apart", "Apart")):
        p("mount " + name, "POST", "sys/mounts/" + name,
          {"type": "pki", "config": {"max_lease_ttl": "87600h"}})
        if cn:
            p("root of " + name, "POST", "%s/root/generate/internal" % name,
              {"common_name": cn, "key_type": "ec", "ttl": "80000h", "issuer_name": name})


def intermediates(p):
    command(p, "issue", "issue", "-issuer_name=sub", "above/issuer/above", "below/",
            "common_name=Sub", "key_type=ec", "ttl=8000h")
    command(p, "issue more", "issue", "-type=internal", "-issuer_name=more",
            "above/issuer/default", "below", "common_name=More", "o=acme", "ou=a,b", "key_type=rsa",
            "key_bits=2048", "max_path_length=0", "ttl=9000h")
    command(p, "issue by none", "issue", "-issuer_name=x", "above/issuer/none", "below/",
            "common_name=Sub")
    command(p, "issue into none", "issue", "-issuer_name=x", "above/issuer/above", "none/",
            "common_name=Sub", "key_type=ec")
    command(p, "issue a name that is taken", "issue", "-issuer_name=sub", "above/issuer/above",
            "below/", "common_name=Sub", "key_type=ec")
    for above, below in (("above/issuer/above", "below/issuer/sub"),
                         ("above/issuer/above", "below/issuer/more"),
                         ("apart/issuer/apart", "below/issuer/sub"),
                         ("above/issuer/above", "above/issuer/above"),
                         ("above/issuer/none", "below/issuer/sub"),
                         ("above/issuer/above", "below/issuer/none"), ("none/issuer/a", "b")):
        command(p, "verify-sign %s %s" % (above, below), "verify-sign", above, below)
    for more in ((), ("below",), ("apart",), ("none",), ("-subject_match=false",),
                 ("-direct_sign=false",), ("-indirect_sign=false",), ("-path_match=true",)):
        options = [x for x in more if x[0] == "-"]
        command(p, "list-intermediates " + " ".join(more), "list-intermediates", *options,
                "above/issuer/above", *(x for x in more if x[0] != "-"), view=of_list)
    command(p, "list-intermediates of none", "list-intermediates", "above/issuer/none",
            view=of_list)
    command(p, "reissue", "reissue", "-issuer_name=anew", "above/issuer/above",
            "below/issuer/sub", "below/")
    command(p, "reissue the key", "reissue", "-type=existing", "-issuer_name=same",
            "above/issuer/above", "below/issuer/sub", "below/", "ttl=7000h")
    command(p, "reissue with more", "reissue", "-issuer_name=rest", "above/issuer/above",
            "below/issuer/more", "below/", "country=DE", "max_path_length=0", "ttl=2000h")
    command(p, "reissue of none", "reissue", "above/issuer/above", "below/issuer/none", "below/")
    command(p, "reissue by none", "reissue", "above/issuer/none", "below/issuer/sub", "below/")
    for name in ("anew", "same", "rest"):
        p("issuer " + name, "GET", "below/issuer/" + name)


def health(p):
    for mount in ("above", "below", "none", "sys"):
        command(p, "health-check of " + mount, "health-check", mount, view=of_health)
    for name, fields in (("local", {"allow_localhost": True, "allowed_domains": "a.example"}),
                         ("globs", {"allow_glob_domains": True, "allowed_domains": "*.example"}),
                         ("free", {"no_store": True, "allow_any_name": True, "key_type": "ec"})):
        p("role " + name, "POST", "above/roles/" + name, fields)
    p("leaf by the root", "POST", "above/roles/leaf", {"allow_any_name": True, "key_type": "ec"})
    p("a leaf by the root", "POST", "above/issue/leaf", {"common_name": "a", "ttl": "1h"})
    command(p, "health-check of risky roles", "health-check", "above", view=of_health)
    p("tuned", "POST", "sys/mounts/above/tune",
      {"passthrough_request_headers": ["If-Modified-Since"],
       "allowed_response_headers": ["Last-Modified", "Location", "Replay-Nonce", "Link"],
       "audit_non_hmac_request_keys": ["csr", "certificate", "common_name", "ttl"],
       "audit_non_hmac_response_keys": ["certificate", "issuing_ca", "serial_number"]})
    p("auto-tidy", "POST", "above/config/auto-tidy", {"enabled": True, "tidy_cert_store": True,
                                                      "interval_duration": "12h"})
    command(p, "health-check of one that is tuned", "health-check", "above", view=of_health)


def run(p, _data):
    mounts(p)
    intermediates(p)
    health(p)
    for name in ("above", "below", "apart"):
        p("unmounted " + name, "DELETE", "sys/mounts/" + name)
