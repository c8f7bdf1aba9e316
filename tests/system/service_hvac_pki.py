# SPDX-License-Identifier: Apache-2.0
"""hvac's Pki class, for service_hvac.py."""
import subprocess
import time

from service_hvac_base import CLIENT, INVALID, NOT_FOUND, holds, keys, refused, same, status

PKI = CLIENT.secrets.pki


def openssl(pem, *args):
    return subprocess.run(["openssl", "x509", "-noout", *args], input=pem, text=True, check=True,
                          capture_output=True).stdout.strip()


def subject(pem):
    return openssl(pem, "-subject", "-nameopt", "RFC2253")


def authorities():
    CLIENT.sys.enable_secrets_engine("pki", path="pki")
    CLIENT.sys.enable_secrets_engine("pki", path="int")
    CLIENT.sys.tune_mount_configuration("pki", max_lease_ttl="87600h")
    same(CLIENT.is_authenticated(), True, "is_authenticated")
    root = PKI.generate_root("internal", "Root", {"ttl": "8760h", "key_type": "ec"})["data"]
    same(subject(root["certificate"]), "subject=CN=Root", "root")
    refused(INVALID, "exported is refused", PKI.generate_root,
            "exported", "Root 2")
    same(PKI.read_ca_certificate().strip(), root["certificate"], "read_ca_certificate")
    same(PKI.read_ca_certificate_chain().strip(), root["certificate"], "the chain")
    holds("X509 CRL" in PKI.read_crl(), "read_crl")
    PKI.set_urls({"issuing_certificates": ["http://h/ca"],
                  "crl_distribution_points": ["http://h/crl"]})
    same(PKI.read_urls()["data"]["crl_distribution_points"], ["http://h/crl"], "read_urls")
    csr = PKI.generate_intermediate("internal", "Int", {"key_type": "ec"},
                                    mount_point="int")["data"]["csr"]
    signed = PKI.sign_intermediate(csr, "Int", {"ttl": "4380h",
                                                "format": "pem_bundle"})["data"]
    same(subject(signed["certificate"]), "subject=CN=Int", "intermediate")
    PKI.set_signed_intermediate(signed["certificate"], mount_point="int")
    # The token's charter (open) takes keys that were made elsewhere.
    taken = PKI.submit_ca_information(
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAA\n-----END PRIVATE KEY-----\n")["data"]
    same((len(taken["imported_keys"]), taken["imported_issuers"]), (1, None), "submit_ca_information")
    CLIENT.delete("pki/key/" + taken["imported_keys"][0])
    return signed


def issuers():
    ids = PKI.list_issuers(mount_point="int")["data"]["keys"]
    same(len(ids), 2, "list_issuers")
    default = PKI.read_issuer("default", mount_point="int")["data"]
    same(len(default["ca_chain"]), 2, "its chain")
    named = PKI.update_issuer("default", {"issuer_name": "one"}, mount_point="int")["data"]
    same(named["issuer_name"], "one", "update_issuer")
    same(PKI.read_issuer("one", mount_point="int")["data"]["issuer_id"],
         default["issuer_id"], "by its name")


def configuration():
    same(PKI.read_crl_configuration(mount_point="int")["data"]["expiry"], "72h", "expiry")
    PKI.set_crl_configuration("48h", False, mount_point="int")
    same(PKI.read_crl_configuration(mount_point="int")["data"]["expiry"], "48h", "expiry set")
    same(PKI.rotate_crl(mount_point="int")["data"]["success"], True, "rotate_crl")


def roles():
    refused(NOT_FOUND, "", PKI.list_roles, mount_point="int")
    PKI.create_or_update_role("r", {"allowed_domains": "example.com", "allow_subdomains": "true",
                                    "key_type": "ec", "max_ttl": "72h"}, mount_point="int")
    role = PKI.read_role("r", mount_point="int")["data"]
    same((role["max_ttl"], role["allow_subdomains"], role["allowed_domains"]),
         (259200, True, ["example.com"]), "read_role")
    same(PKI.list_roles(mount_point="int")["data"]["keys"], ["r"], "list_roles")
    PKI.create_or_update_role("gone", {}, mount_point="int")
    same(status(PKI.delete_role("gone", mount_point="int")), 204, "delete_role")
    refused(NOT_FOUND, "", PKI.read_role, "gone", mount_point="int")


def leaves(csr):
    leaf = PKI.generate_certificate("r", "a.example.com", {"ttl": "1h"},
                                    mount_point="int")["data"]
    same(leaf["private_key_type"], "ec", "generate_certificate")
    same(len(leaf["ca_chain"]), 2, "ca_chain")
    refused(INVALID, "not allowed by this role",
            PKI.generate_certificate, "r", "a.evil.org", mount_point="int")
    wrapped = PKI.generate_certificate("r", "w.example.com", mount_point="int", wrap_ttl="60s")
    inside = CLIENT.sys.unwrap(wrapped["wrap_info"]["token"])["data"]
    same(subject(inside["certificate"]), "subject=CN=w.example.com", "unwrapped")
    PKI.create_or_update_role("any", {"allow_any_name": True, "key_type": "any",
                                      "use_csr_common_name": False}, mount_point="int")
    signed = PKI.sign_certificate("any", csr, "b.example.com", mount_point="int")["data"]
    same(subject(signed["certificate"]), "subject=CN=b.example.com", "sign_certificate")
    holds("private_key" not in signed, "no key")
    for name in (False, "any"):
        PKI.sign_verbatim(csr, name, mount_point="int")
    serial = leaf["serial_number"]
    holds(serial in PKI.list_certificates(mount_point="int")["data"]["keys"],
          "list_certificates")
    same(PKI.read_certificate(serial, mount_point="int")["data"]["revocation_time"], 0,
         "read_certificate")
    revoked = PKI.revoke_certificate(serial, mount_point="int")["data"]
    same(PKI.read_certificate(serial, mount_point="int")["data"]["revocation_time"],
         revoked["revocation_time"], "revoke_certificate")
    refused(NOT_FOUND, "", PKI.read_certificate, "11:22", mount_point="int")


def self_issued(folder):
    """A root of somebody else, signed by ours: same name and key, another issuer."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj", "/CN=Other",
                    "-keyout", folder + "/other.key", "-out", folder + "/other.crt"],
                   check=True, capture_output=True)
    with open(folder + "/other.crt", encoding="ascii") as f:
        pem = f.read()
    signed = PKI.sign_self_issued(pem)["data"]["certificate"]
    same(subject(signed), "subject=CN=Other", "sign_self_issued")
    same(openssl(signed, "-issuer", "-nameopt", "RFC2253"), "issuer=CN=Root", "its issuer")
    same(openssl(signed, "-pubkey"), openssl(pem, "-pubkey"), "its key")
    taken = PKI.submit_ca_information(pem, mount_point="int")["data"]
    same((len(taken["imported_issuers"]), taken["imported_keys"]), (1, None), "a certificate")
    same(PKI.read_issuer(taken["imported_issuers"][0], mount_point="int")["data"]["certificate"],
         pem, "which is the one")
    PKI.delete_issuer(taken["imported_issuers"][0], mount_point="int")


def tidy():
    answer = PKI.tidy({"tidy_cert_store": True, "safety_buffer": "1m"}, mount_point="int")
    same(status(answer), 202, "tidy")
    while True:
        now = CLIENT.read("int/tidy-status")["data"]
        if now["state"] != "Running":
            break
        time.sleep(0.05)
    same((now["state"], now["tidy_cert_store"], now["safety_buffer"]), ("Finished", True, 60),
         "tidy-status")


def revoked_issuer():
    gone = PKI.revoke_issuer("one", mount_point="int")["data"]
    same(gone["revoked"], True, "revoke_issuer")
    same(PKI.read_issuer("one", mount_point="int")["data"]["revocation_time"],
         gone["revocation_time"], "since")
    refused(INVALID, "usage issuing-certificates", PKI.generate_certificate, "r",
            "late.example.com", mount_point="int")


def the_end():
    PKI.delete_issuer("one", mount_point="int")
    same(len(PKI.list_issuers(mount_point="int")["data"]["keys"]), 1, "delete_issuer")
    PKI.delete_root(mount_point="int")
    refused(NOT_FOUND, "", PKI.list_issuers, mount_point="int")
    CLIENT.sys.disable_secrets_engine("int")
    refused(NOT_FOUND, "", PKI.list_roles, mount_point="int")


def pki(csr, folder):
    with open(csr, encoding="ascii") as f:
        csr = f.read()
    authorities()
    issuers()
    configuration()
    roles()
    leaves(csr)
    self_issued(folder)
    tidy()
    revoked_issuer()
    the_end()
