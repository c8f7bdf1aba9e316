# SPDX-License-Identifier: Apache-2.0
"""The same calls to the running service and to a real OpenBao, compared: status, members of
`data` and their types. A test puts what is different on purpose into DIFFERENT."""
import re
import subprocess

from service_api import Api

OURS, THEIRS = Api.ours(), Api.openbao()
MERGE = {"Content-Type": "application/merge-patch+json"}

# call -> why we answer with another status
DIFFERENT = {}
# Members that only one side has.
OURS_MORE = {"serial_number_source", "max_crl_entries", "reason", "enable_aia_url_templating",
             "ocsp_unknown", "partitions", "renew_share"}
THEIRS_MORE = set()
# Values that differ by design or by nature.
# OpenBao's tidy-status does not show tidy_invalid_certs when it is on.
NOT_COMPARED = {"not_after_bound", "tidy_invalid_certs"}

found = []


def note(text):
    found.append(text)
    print(text, flush=True)


def kinds(value):
    return {k: type(v).__name__ for k, v in value.items()}


def brief(answer):
    if answer is None:
        return "no body"
    return answer.get("errors") or "warnings %s" % answer.get("warnings")


def compare(what, ours, theirs):
    if ours[0] != theirs[0]:
        if what not in DIFFERENT:
            note("%s: %d, OpenBao %d\n  %s\n  %s" % (
                what, ours[0], theirs[0], brief(ours[1]), brief(theirs[1])))
        return
    if ours[0] >= 400 or ours[1] is None or theirs[1] is None:
        if (ours[1] is None) != (theirs[1] is None):
            note("%s: body %s, OpenBao %s" % (what, ours[1], theirs[1]))
        return
    data = [kinds(a["data"]) if a["data"] is not None else None
            for a in (ours[1], theirs[1])]
    if None in data:
        if data[0] != data[1]:
            note("%s: data %s, OpenBao %s" % (what, data[0], data[1]))
        return
    for name in OURS_MORE - set(data[1]):
        data[0].pop(name, None)
    for name in THEIRS_MORE - set(data[0]):
        data[1].pop(name, None)
    if data[0] != data[1]:
        odd = {k for k in set(data[0]) | set(data[1]) if data[0].get(k) != data[1].get(k)}
        note("%s: %s" % (what, {k: (data[0].get(k), data[1].get(k)) for k in odd}))


def both(what, method, path, body=None, headers=()):
    """One body, or a pair of them."""
    bodies = body if isinstance(body, tuple) else (body, body)
    paths = path if isinstance(path, tuple) else (path, path)
    answers = tuple(api.ask(method, p, b, headers)
                    for api, p, b in zip((OURS, THEIRS), paths, bodies))
    compare(what, *answers)
    return tuple(a[1]["data"] if a[1] and "data" in a[1] else None for a in answers)


def scalars(what, pair):
    """Values that say how something is configured are the same."""
    for name, value in (pair[1] or {}).items():
        if isinstance(value, (bool, int, list)) and name not in NOT_COMPARED and \
                (pair[0] or {}).get(name) != value and not re.search("BEGIN", str(value)):
            note("%s: %s is %r, OpenBao %r" % (what, name, pair[0].get(name), value))


def openssl(pem, *args):
    return subprocess.run(["openssl", "x509", "-noout", *args], input=pem, text=True,
                          check=True, capture_output=True).stdout


def profile(pem):
    """Extensions in order with their values, but for those that name keys."""
    text = openssl(pem, "-text", "-certopt", "no_header,no_version,no_serial,no_signame,"
                   "no_validity,no_issuer,no_pubkey,no_sigdump,no_aux")
    text = re.sub(r"([0-9A-F]{2}:){5,}[0-9A-F]{2}", "ID", text)
    return openssl(pem, "-subject", "-nameopt", "RFC2253,show_type") + text


def same_profile(what, pair, name="certificate"):
    ours, theirs = (profile(d[name]) for d in pair)
    if ours != theirs:
        note("%s:\n%s\n--- OpenBao\n%s" % (what, ours, theirs))


def end():
    """Status of the test."""
    print("%d differences that are not listed" % len(found))
    return len(found) != 0
