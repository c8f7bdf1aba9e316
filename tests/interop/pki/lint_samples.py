# SPDX-License-Identifier: Apache-2.0
"""lint_samples.py DIRECTORY REVIEWED: pkilint's tools on every certificate and list of a
sample PKI. One process, because a start of each tool costs a second."""
import contextlib
import glob
import io
import os
import re
import sys

from pkilint.bin import (lint_cabf_serverauth_cert, lint_crl, lint_pkix_cert,
                         lint_pkix_signer_signee_cert_chain)

findings = 0
runs = 0


def lint(tool, *args):
    """Exit status and output of `tool lint args`."""
    global runs
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            status = tool.main(["lint", *args])
        except SystemExit as e:
            status = e.code
    runs += 1
    return status, out.getvalue()


def report(args, out):
    global findings
    findings += 1
    print("pkilint", *args)
    print(out)


def silent(tool, *args):
    status, out = lint(tool, "-s", "NOTICE", *args)
    if status != 0:
        report(args, out)


def only_reviewed(tool, known, *args):
    """Nothing but what reviewed.txt names; something it has to say, or it was not asked."""
    status, out = lint(tool, *args)
    said = set(re.findall(r"\b((?:cabf|pkix|itu)\.[a-z0-9_.]+) \([A-Z]+\)", out))
    if said - known or not said and status != 0:
        report(args, out)


def check(d, known):
    certificates = sorted(glob.glob(d + "/*.pem"))
    for c in certificates:
        silent(lint_pkix_cert, c)
        name = os.path.basename(c)
        if name == "root.pem":
            continue
        issuer = "root" if name == "intermediate.pem" else "intermediate"
        silent(lint_pkix_signer_signee_cert_chain, "%s/%s.pem" % (d, issuer), c)
    silent(lint_crl, "-t", "ARL", "-p", "BR", os.path.join(d, "root.crl"))
    for c in ("intermediate", "partition", "urls", "delta"):
        silent(lint_crl, "-t", "CRL", "-p", "BR", "%s/%s.crl" % (d, c))
    # The Baseline Requirements know no Ed25519; one kind of issuer will do.
    if os.path.basename(d) == "rsa-3072":
        for c in ("root", "intermediate", "kafka-broker-rsa-2048"):
            only_reviewed(lint_cabf_serverauth_cert, known, "-d", "-s", "ERROR",
                          "%s/%s.pem" % (d, c))
    return len(certificates)


def main():
    d, reviewed = sys.argv[1:]
    with open(reviewed, encoding="utf-8") as f:
        known = {line.split("\t")[0] for line in f if line[0] != "#"}
    if check(d, known) < 5:
        sys.exit("%s: too few certificates" % d)
    print("%s: %d checks, %d findings" % (os.path.basename(d), runs, findings))
    return 1 if findings else 0


sys.exit(main())
