#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cert-manager's Vault issuer, request by request: health, a login for every certificate, the sign
call with all values as texts; and what it makes of the answer: one chain, or the certificate has
failed for good (vault-pki-api.md 2.4).

service_clients.py FOLDER    requests in PEM; VAULT_ADDR, VAULT_CACERT, VAULT_TOKEN are set
"""
import os
import sys

from cryptography import exceptions, x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from service_api import Api

OURS = Api.ours()
GO = {"X-Vault-Request": "true"}  # Vault's Go library says so in every request
STRINGS = ("certificate", "issuing_ca", "serial_number")


def same(got, want, what):
    if got != want:
        raise SystemExit("%s: %r, not %r" % (what, got, want))


def client(token=None):
    return Api("cert-manager", OURS.addr, token, OURS.ca)


def request(cn, dns=(), uris=()):
    """A certificate request as cert-manager makes it, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [x509.NameAttribute(x509.NameOID.COMMON_NAME, cn)] if cn else []
    names = [x509.DNSName(n) for n in dns] + [x509.UniformResourceIdentifier(u) for u in uris]
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    if names:
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=not cn)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def single_chain(pool):
    """Leaf first, each signed by the next; every certificate of the pool has its place."""
    pool = list(dict.fromkeys(x509.load_pem_x509_certificate(p.encode()) for p in pool))

    def signed_by(c, issuer):
        try:
            c.verify_directly_issued_by(issuer)
            return True
        except (ValueError, TypeError, exceptions.InvalidSignature):
            return False

    parents = {c: [i for i in pool if i != c and signed_by(c, i)] for c in pool}
    leaves = [c for c in pool if not any(c in p for p in parents.values())]
    same(len(leaves), 1, "certificates below which there is none")
    chain = leaves
    while parents[chain[-1]]:
        same(len(parents[chain[-1]]), 1, "issuers of %s" % chain[-1].subject)
        chain.append(parents[chain[-1]][0])
    same(len(chain), len(pool), "certificates of the chain and of the answer")
    return chain


def common_names(chain):
    return [c.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value for c in chain]


class CertManager:
    """One issuer of the cluster, with its AppRole."""

    def __init__(self, path, role_id, secret_id):
        self.path, self.login_body = path, {"role_id": role_id, "secret_id": secret_id}

    def ready(self):
        status, answer = client().ask("GET", "sys/health", None, GO)
        same((status, answer["initialized"], answer["sealed"]), (200, True, False), "sys/health")
        self.login()

    def login(self):
        status, answer = client().ask("POST", "auth/approle/login", self.login_body, GO)
        same((status, type(answer["auth"]["client_token"])), (200, str), "login %s" % answer)
        return client(answer["auth"]["client_token"])

    def ask(self, csr, ttl="2160h0m0s"):
        parsed = x509.load_pem_x509_csr(csr.encode())
        cn = parsed.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        try:
            san = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            san = x509.SubjectAlternativeName([])
        uris = san.get_values_for_type(x509.UniformResourceIdentifier)
        ips = [str(i) for i in san.get_values_for_type(x509.IPAddress)]
        return self.login().ask("POST", self.path, {
            "common_name": cn[0].value if cn else "", "csr": csr, "ttl": ttl,
            "alt_names": ",".join(san.get_values_for_type(x509.DNSName)),
            "ip_sans": ",".join(ips), "uri_sans": ",".join(uris),
            "exclude_cn_from_sans": "true"}, GO)

    def sign(self, csr):
        """tls.crt and ca.crt, as certificates."""
        status, answer = self.ask(csr)
        same(status, 200, "sign: %s" % answer)
        data = answer["data"]
        for name in STRINGS:
            same(type(data[name]), str, name)
        same([type(c) for c in data["ca_chain"]], [str] * len(data["ca_chain"]), "ca_chain")
        same("private_key" in data, False, "a private key in the answer")
        chain = single_chain([data["certificate"], data["issuing_ca"]] + data["ca_chain"])
        same(chain[0].serial_number, int(data["serial_number"].replace(":", ""), 16), "serial")
        same(chain[-1].subject, chain[-1].issuer, "the root is there")
        return chain[:-1], chain[-1]


def authority(mount, name, below=None):
    """A mount with an issuer that `below` signed."""
    OURS.ok("POST", "sys/mounts/" + mount, {"type": "pki", "config": {"max_lease_ttl": "87600h"}})
    body = {"common_name": name, "key_type": "ec", "ttl": "80000h"}
    if below is None:
        OURS.ok("PUT", "%s/root/generate/internal" % mount, body)
    else:
        csr = OURS.ok("PUT", mount + "/intermediate/generate/internal", body)["data"]["csr"]
        signed = OURS.ok("PUT", "%s/root/sign-intermediate" % below, dict(
            body, csr=csr, ttl="70000h", format="pem_bundle"))["data"]
        OURS.ok("PUT", mount + "/intermediate/set-signed", {
            "certificate": "\n".join([signed["certificate"]] + signed["ca_chain"])})
    OURS.ok("PUT", mount + "/roles/cluster", {
        "allowed_domains": "example.com,svc.cluster.local", "allow_subdomains": True,
        "key_type": "any", "require_cn": False, "max_ttl": "8760h",
        "allowed_uri_sans": "spiffe://cluster.local/*"})


def approle():
    OURS.ok("POST", "sys/auth/approle", {"type": "approle"})
    rules = "".join('path "%s" { capabilities = ["create", "update"] }\n' % p for p in (
        "one/sign/cluster", "two/sign/cluster", "three/sign/cluster", "three/sign-verbatim",
        "three/issuer/default/sign/cluster"))
    OURS.ok("PUT", "sys/policies/acl/cert-manager", {"policy": rules})
    OURS.ok("PUT", "auth/approle/role/cert-manager", {"token_policies": "cert-manager",
                                                      "token_ttl": "20m"})
    base = "auth/approle/role/cert-manager/"
    return (OURS.ok("GET", base + "role-id")["data"]["role_id"],
            OURS.ok("PUT", base + "secret-id", {})["data"]["secret_id"])


TIERS = (  # path, tls.crt above the leaf, ca.crt
    ("one/sign/cluster", [], ["One"]),
    ("two/sign/cluster", ["Two"], ["One"]),
    ("three/sign/cluster", ["Three", "Two"], ["One"]),
    ("three/issuer/default/sign/cluster", ["Three", "Two"], ["One"]),
    ("three/sign-verbatim", ["Three", "Two"], ["One"]),
)


def chains(ids):
    for path, above, root in TIERS:
        manager = CertManager(path, *ids)
        manager.ready()
        csr = request("web.example.com", ["web.example.com", "alt.example.com"])
        tls, ca = manager.sign(csr)
        same((common_names(tls), common_names([ca])), (["web.example.com"] + above, root), path)
        same((tls[0].not_valid_after_utc - tls[0].not_valid_before_utc).days, 90, path)
        san = tls[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        same(sorted(san.get_values_for_type(x509.DNSName)),
             ["alt.example.com", "web.example.com"], path)
        # Renewed: the same request makes another certificate.
        same(manager.sign(csr)[0][0].serial_number != tls[0].serial_number, True, "renewed")


def without_name(ids):
    """No common name: the subject is empty, so the names are critical (RFC 5280 4.2.1.6)."""
    uri = "spiffe://cluster.local/ns/default/sa/web"
    for path, above, _ in TIERS[1:4]:
        tls, _ = CertManager(path, *ids).sign(request("", ["web.svc.cluster.local"], [uri]))
        same((len(tls[0].subject.rdns), common_names(tls[1:])), (0, above), path)
        san = tls[0].extensions.get_extension_for_class(x509.SubjectAlternativeName)
        same((san.critical, san.value.get_values_for_type(x509.DNSName),
              san.value.get_values_for_type(x509.UniformResourceIdentifier)),
             (True, ["web.svc.cluster.local"], [uri]), path)


def recorded(ids, folder):
    """What other programs made, in their PEM."""
    for name in ("keytool-statefulset-san.pem", "openssl-rsa2048.pem", "openssl-ed25519.pem"):
        with open(os.path.join(folder, name), encoding="ascii") as f:
            CertManager("three/sign-verbatim", *ids).sign(f.read())


def failures(ids):
    """Whatever goes wrong has one status and a reason, and nothing is signed."""
    csr = request("web.example.com", ["web.example.com"])
    for path, body, ttl, status in (
            ("two/sign/cluster", request("a.evil.org", ["a.evil.org"]), "24h0m0s", 400),
            ("two/sign/cluster", request("web.example.com", ["a.evil.org"]), "24h0m0s", 400),
            ("two/sign/cluster", csr, "a day", 400),
            ("two/sign/other", csr, "24h0m0s", 403),
            ("one/issuer/default/sign/cluster", csr, "24h0m0s", 403)):
        got = CertManager(path, *ids).ask(body, ttl)
        same((got[0], bool(got[1]["errors"])), (status, True), "%s: %s" % (path, got[1]))
    got = client().ask("POST", "auth/approle/login", {"role_id": ids[0], "secret_id": "x"}, GO)
    same(got[0], 400, "login with a wrong secret-id: %s" % got[1])


def main():
    authority("one", "One")
    authority("two", "Two", "one")
    authority("three", "Three", "two")
    ids = approle()
    chains(ids)
    without_name(ids)
    recorded(ids, sys.argv[1])
    failures(ids)


main()
