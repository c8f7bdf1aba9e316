#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Terraform provider for Vault, request by request: plan, apply, plan without a difference,
a change, plan without a difference, destroy (vault-pki-api.md 2.6).

VAULT_ADDR, VAULT_CACERT, VAULT_TOKEN are set; run by python -I of build/venv
"""
import json
import os
import re
import sys

sys.path.append(os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from service_api import Api

GO = {"X-Vault-Request": "true"}
# semver.org 2.0: the provider ends with a panic at anything else.
SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?"
                    r"(\+[0-9A-Za-z.-]+)?")
MERGE = {"Content-Type": "application/merge-patch+json"}
YEAR10 = 315360000


def same(got, want, what):
    if got != want:
        raise SystemExit("%s: %r, not %r" % (what, got, want))


def member(answer, path):
    for name in path.split("."):
        answer = answer[int(name)] if isinstance(answer, list) else answer[name]
    return answer


class Resource:
    """write: method, path, body of create; read: the path and what it has to answer, which is what
    was written, type for type; keep: what later ones refer to as {name}; change: a second write and
    what the read answers then besides; delete: method, path, body, None if there is nothing."""

    def __init__(self, name, write, read=None, want=None, keep=(), change=None, delete=None):
        self.name, self.write, self.read, self.want = name, write, read, want or {}
        self.keep, self.change, self.delete = dict(keep), change, delete


class Provider:
    def __init__(self):
        self.state = {}
        self.start()

    def start(self):
        self.api = Api.ours()
        same(self.api.ok("GET", "auth/token/lookup-self")["data"]["id"], self.api.token, "token")
        child = self.api.ok("POST", "auth/token/create", {
            "display_name": "terraform", "ttl": "1200s", "explicit_max_ttl": "1200s",
            "renewable": False, "num_uses": 0, "type": "", "entity_alias": ""})["auth"]
        same((child["lease_duration"], child["renewable"]), (1200, False), "child token")
        self.api = Api("Terraform", self.api.addr, child["client_token"], self.api.ca)
        version = self.api.ok("GET", "sys/seal-status")["version"]
        same(bool(SEMVER.fullmatch(version)), True, "version %s" % version)
        same("+ent" in version, False, "Enterprise's resources")

    def fill(self, value):
        """{name} in texts, however deep."""
        if isinstance(value, str):
            return re.sub(r"\{(\w+)\}", lambda m: self.state[m.group(1)], value)
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        if isinstance(value, dict):
            return {k: self.fill(v) for k, v in value.items()}
        return value

    def send(self, what, method, path, body=None):
        status, answer = self.api.ask(method, self.fill(path), self.fill(body),
                                      dict(GO, **(MERGE if method == "PATCH" else {})))
        if status not in (200, 204):
            raise SystemExit("%s: %s %s: %d %s" % (what, method, path, status, answer))
        return answer

    def compare(self, r):
        if r.read is None:
            return
        if r.read.endswith("/pem"):  # without a token, as it finds out whether it is still there
            status, _, octets = Api("anybody", self.api.addr, None, self.api.ca).raw(
                "GET", self.fill(r.read))
            same((status, octets.decode().strip()), (200, self.fill(r.want)), r.name)
            return
        data = self.send(r.name, "GET", r.read)["data"]
        for name, value in r.want.items():
            got = member(data, name)
            value = self.fill(value)
            # 1 and true are equal to Python alone.
            same(json.dumps([got]), json.dumps([value]), "%s: %s" % (r.name, name))

    def apply(self, resources):
        for r in resources:
            answer = self.send(r.name, *r.write)
            for name, path in r.keep.items():
                self.state[name] = member(answer["data"], path)
            self.compare(r)

    def plan(self, resources):
        for r in resources:
            self.compare(r)

    def change(self, resources):
        for r in resources:
            if r.change is not None:
                write, want = r.change
                self.send(r.name, *write)
                r.want = dict(r.want, **want)
                self.compare(r)

    def destroy(self, resources):
        for r in reversed(resources):
            if r.delete is not None:
                self.send(r.name, *r.delete)


def mount(path, description):
    config = {"default_lease_ttl": "3600s", "max_lease_ttl": "%ds" % YEAR10,
              "force_no_cache": False}
    return Resource(
        "vault_mount " + path,
        ("POST", "sys/mounts/" + path, {
            "type": "pki", "description": description, "config": config, "local": False,
            "seal_wrap": False, "external_entropy_access": False, "options": {}}),
        "sys/mounts/" + path,
        {"type": "pki", "description": description, "config.default_lease_ttl": 3600,
         "config.max_lease_ttl": YEAR10, "config.force_no_cache": False, "local": False,
         "seal_wrap": False, "external_entropy_access": False, "options": {}},
        change=(("POST", "sys/mounts/%s/tune" % path, {
            "default_lease_ttl": "7200s", "max_lease_ttl": "%ds" % YEAR10,
            "description": description + ", tuned", "options": {}, "force_no_cache": False,
            "audit_non_hmac_request_keys": ["common_name"],
            "allowed_response_headers": ["X-One"]}), {
                "config.default_lease_ttl": 7200, "description": description + ", tuned",
                "config.audit_non_hmac_request_keys": ["common_name"],
                "config.allowed_response_headers": ["X-One"]}),
        delete=("DELETE", "sys/mounts/" + path))


NO_NAMES = {"ou": "", "organization": "", "country": "", "locality": "", "province": "",
            "street_address": "", "postal_code": ""}
CA = dict(NO_NAMES, format="pem", private_key_format="der", key_type="ec", key_bits=256,
          exclude_cn_from_sans=True)

ROOT = [
    mount("tf-root", "Root"),
    Resource("vault_pki_secret_backend_root_cert",
             ("PUT", "tf-root/issuers/generate/root/internal", dict(
                 CA, common_name="TF Root", ttl="%ds" % YEAR10, max_path_length=-1,
                 issuer_name="tf-root", key_name="tf-root", organization="Acme")),
             "tf-root/issuer/{root}/pem", "{root_pem}",
             keep={"root": "issuer_id", "root_key": "key_id", "root_pem": "certificate",
                   "root_serial": "serial_number", "root_ca": "issuing_ca"},
             delete=("DELETE", "tf-root/root")),
    Resource("vault_pki_secret_backend_config_urls",
             ("PUT", "tf-root/config/urls", {
                 "issuing_certificates": ["http://h/ca"], "ocsp_servers": [],
                 "crl_distribution_points": ["http://h/crl"], "enable_templating": False}),
             "tf-root/config/urls",
             {"issuing_certificates": ["http://h/ca"], "ocsp_servers": [],
              "crl_distribution_points": ["http://h/crl"], "enable_templating": False},
             change=(("PUT", "tf-root/config/urls", {
                 "issuing_certificates": [], "ocsp_servers": ["http://h/ocsp"],
                 "crl_distribution_points": ["http://h/crl"], "enable_templating": False}),
                     {"issuing_certificates": [], "ocsp_servers": ["http://h/ocsp"]})),
    Resource("vault_pki_secret_backend_crl_config",
             ("PUT", "tf-root/config/crl", {
                 "expiry": "96h", "disable": False, "ocsp_disable": False, "ocsp_expiry": "23h",
                 "auto_rebuild": True, "auto_rebuild_grace_period": "24h", "enable_delta": True,
                 "delta_rebuild_interval": "18m", "max_crl_entries": 100000}),
             "tf-root/config/crl",
             {"expiry": "96h", "disable": False, "ocsp_disable": False, "ocsp_expiry": "23h",
              "auto_rebuild": True, "auto_rebuild_grace_period": "24h", "enable_delta": True,
              "delta_rebuild_interval": "18m", "max_crl_entries": 100000},
             change=(("PUT", "tf-root/config/crl", {"expiry": "120h", "enable_delta": False}),
                     {"expiry": "120h", "enable_delta": False})),
]
INTERMEDIATE = [
    mount("tf-int", "Intermediate"),
    Resource("vault_pki_secret_backend_intermediate_cert_request",
             ("PUT", "tf-int/issuers/generate/intermediate/internal", dict(
                 CA, common_name="TF Int", key_name="tf-int", add_basic_constraints=True)),
             keep={"csr": "csr", "int_key": "key_id"}),
    Resource("vault_pki_secret_backend_root_sign_intermediate",
             ("PUT", "tf-root/issuer/{root}/sign-intermediate", dict(
                 NO_NAMES, csr="{csr}", common_name="TF Int", ttl="200000000s", format="pem_bundle",
                 max_path_length=0, use_csr_values=False, exclude_cn_from_sans=True)),
             keep={"bundle": "certificate", "int_serial": "serial_number", "chain": "ca_chain",
                   "int_issuing": "issuing_ca"},
             delete=("PUT", "tf-root/revoke", {"serial_number": "{int_serial}"})),
    Resource("vault_pki_secret_backend_intermediate_set_signed",
             ("PUT", "tf-int/intermediate/set-signed", {"certificate": "{bundle}"}),
             keep={"imported": "imported_issuers", "imported_keys": "imported_keys",
                   "int": "imported_issuers.0"}),
    Resource("vault_pki_secret_backend_config_issuers",
             ("PUT", "tf-int/config/issuers",
              {"default": "{int}", "default_follows_latest_issuer": False}),
             "tf-int/config/issuers",
             {"default": "{int}", "default_follows_latest_issuer": False},
             change=(("PUT", "tf-int/config/issuers",
                      {"default": "{int}", "default_follows_latest_issuer": True}),
                     {"default_follows_latest_issuer": True})),
    Resource("vault_pki_secret_backend_issuer",
             ("PUT", "tf-int/issuer/{int}", {
                 "issuer_name": "tf-one", "leaf_not_after_behavior": "truncate"}),
             "tf-int/issuer/{int}",
             {"issuer_name": "tf-one", "leaf_not_after_behavior": "truncate",
              "issuer_id": "{int}", "manual_chain": None, "issuing_certificates": [],
              "crl_distribution_points": [], "ocsp_servers": [],
              "enable_aia_url_templating": False},
             change=(("PATCH", "tf-int/issuer/{int}", {
                 "issuer_name": "tf-two", "usage": "read-only,issuing-certificates,crl-signing",
                 "crl_distribution_points": ["http://h/int.crl"]}),
                     {"issuer_name": "tf-two", "crl_distribution_points": ["http://h/int.crl"]})),
    Resource("vault_pki_secret_backend_key",
             ("PUT", "tf-int/keys/generate/internal",
              {"key_name": "spare", "key_type": "ec", "key_bits": 256}),
             "tf-int/key/{spare}", {"key_id": "{spare}", "key_name": "spare", "key_type": "ec"},
             keep={"spare": "key_id"},
             change=(("PUT", "tf-int/key/{spare}", {"key_name": "other"}),
                     {"key_name": "other"}),
             delete=("DELETE", "tf-int/key/{spare}")),
    Resource("vault_pki_secret_backend_config_cluster",
             ("PUT", "tf-int/config/cluster",
              {"path": "https://h/v1/tf-int", "aia_path": "http://h/v1/tf-int"}),
             "tf-int/config/cluster",
             {"path": "https://h/v1/tf-int", "aia_path": "http://h/v1/tf-int"}),
    Resource("vault_pki_secret_backend_config_auto_tidy",
             ("PUT", "tf-int/config/auto-tidy", {
                 "enabled": True, "interval_duration": "86400", "tidy_cert_store": True,
                 "safety_buffer": "259200", "pause_duration": "0s"}),
             "tf-int/config/auto-tidy",
             {"enabled": True, "interval_duration": 86400, "tidy_cert_store": True,
              "safety_buffer": 259200, "pause_duration": "0s"},
             delete=("PUT", "tf-int/config/auto-tidy", {"enabled": False})),
]
FLAGS = {
    "allow_localhost": True, "allow_bare_domains": False, "allow_subdomains": True,
    "allow_glob_domains": False, "allow_any_name": False, "enforce_hostnames": True,
    "allow_ip_sans": True, "use_csr_common_name": True, "use_csr_sans": True,
    "generate_lease": False, "no_store": False, "require_cn": True,
    "basic_constraints_valid_for_non_ca": False, "server_flag": True, "client_flag": True,
    "allow_wildcard_certificates": False, "use_pss": False}
LISTS = {
    "allowed_domains": ["example.com", "example.org"], "key_usage": ["DigitalSignature"],
    "ext_key_usage": [], "allowed_serial_numbers": ["1*"], "organization": ["Acme"], "ou": ["ops"],
    "country": ["NO"], "allowed_uri_sans": ["spiffe://a/*"], "allowed_user_ids": ["u*"],
    "allowed_other_sans": ["1.2.3;UTF8:*"], "policy_identifiers": ["1.2.3.4"]}
RULES = 'path "tf-int/issue/web" {\n  capabilities = ["update"]\n}\n'
LEAVES = [
    Resource("vault_pki_secret_backend_role",
             ("PUT", "tf-int/roles/web", dict(
                 FLAGS, **LISTS, ttl="3600", max_ttl="86400", key_type="ec", key_bits=256,
                 signature_bits=256, not_before_duration="45s", issuer_ref="{int}")),
             "tf-int/roles/web",
             dict(FLAGS, **LISTS, ttl=3600, max_ttl=86400, key_type="ec", key_bits=256,
                  signature_bits=256, not_before_duration=45, issuer_ref="{int}"),
             change=(("PUT", "tf-int/roles/web", dict(
                 FLAGS, **LISTS, ttl="7200", max_ttl="90000", key_type="ec", key_bits=384,
                 not_before_duration="45s", issuer_ref="{int}")),
                     {"ttl": 7200, "max_ttl": 90000, "key_bits": 384, "signature_bits": 0}),
             delete=("DELETE", "tf-int/roles/web")),
    Resource("vault_pki_secret_backend_cert",
             ("PUT", "tf-int/issuer/{int}/issue/web", {
                 "common_name": "a.example.com", "alt_names": "b.example.com", "ttl": "1800s",
                 "format": "pem", "private_key_format": "der", "exclude_cn_from_sans": False}),
             keep={"leaf": "serial_number", "leaf_end": "expiration", "leaf_chain": "ca_chain",
                   "leaf_key": "private_key_type"},
             delete=("PUT", "tf-int/revoke", {"serial_number": "{leaf}"})),
    Resource("vault_policy",
             ("PUT", "sys/policies/acl/tf",
              {"policy": RULES}),
             "sys/policies/acl/tf",
             {"name": "tf", "policy": RULES},
             delete=("DELETE", "sys/policies/acl/tf")),
    Resource("vault_auth_backend",
             ("POST", "sys/auth/tf", {
                 "type": "approle", "description": "machines", "config": {}, "local": False}),
             "sys/auth/tf", {"type": "approle", "description": "machines", "local": False},
             change=(("POST", "sys/auth/tf/tune", {
                 "default_lease_ttl": "1800s", "max_lease_ttl": "3600s",
                 "token_type": "default-service"}),
                     {"config.default_lease_ttl": 1800, "config.max_lease_ttl": 3600,
                      "config.token_type": "default-service"}),
             delete=("DELETE", "sys/auth/tf")),
    Resource("vault_approle_auth_backend_role",
             ("PUT", "auth/tf/role/web", {
                 "bind_secret_id": True, "token_policies": ["tf"], "token_ttl": 600,
                 "token_max_ttl": 1200, "secret_id_ttl": 0, "secret_id_num_uses": 0,
                 "token_bound_cidrs": ["10.0.0.0/8"], "token_type": "default"}),
             "auth/tf/role/web",
             {"bind_secret_id": True, "token_policies": ["tf"], "token_ttl": 600,
              "token_max_ttl": 1200, "secret_id_ttl": 0, "secret_id_num_uses": 0,
              "token_bound_cidrs": ["10.0.0.0/8"], "token_type": "default"},
             delete=("DELETE", "auth/tf/role/web")),
]
ALL = ROOT + INTERMEDIATE + LEAVES


def no_mounts(provider):
    """The text is what the provider knows a mount that is not there by."""
    for path in ("tf-root", "tf-int"):
        status, answer = provider.api.ask("GET", "sys/mounts/" + path, None, GO)
        same((status, answer["errors"]), (400, ["No secret engine mount at %s/" % path]), path)


def computed(provider):
    """What the resources take from answers, unchecked casts and all."""
    s = provider.state
    same(s["root_ca"], s["root_pem"], "issuing_ca of a root")
    # Itself, then what is above it: the bundle that set-signed gets, in parts.
    same(len(s["chain"]), 2, "ca_chain of sign-intermediate")
    same("\n".join(s["chain"]), s["bundle"], "ca_chain of sign-intermediate")
    same(s["int_issuing"], s["root_pem"], "issuing_ca of sign-intermediate")
    same((len(s["imported"]), [type(i) for i in s["imported"]]), (2, [str, str]), "imported")
    same(s["imported_keys"] in (None, []), True, "imported_keys")
    same([type(c) for c in s["leaf_chain"]], [str, str], "ca_chain of a leaf")
    same((type(s["leaf_end"]), s["leaf_key"]), (int, "ec"), "leaf")


def gone(provider):
    no_mounts(provider)
    same(provider.api.ask("GET", "sys/policies/acl/tf", None, GO)[0], 404, "policy")
    same(provider.api.ask("GET", "auth/tf/role/web", None, GO)[0], 404, "role")
    same("tf/" in provider.api.ok("GET", "sys/auth")["data"], False, "auth method")
    status, _, _ = provider.api.raw("GET", provider.fill("tf-root/issuer/{root}/pem"))
    same(status, 404, "the root's certificate")


def main():
    provider = Provider()
    no_mounts(provider)
    provider.apply(ALL)
    computed(provider)
    provider.plan(ALL)
    provider.change(ALL)
    # Each run begins anew, with another child token.
    provider.start()
    provider.plan(ALL)
    provider.destroy(ALL)
    gone(provider)


main()
