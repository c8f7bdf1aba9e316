# SPDX-License-Identifier: Apache-2.0
"""hvac's AppRole, Token, Cert and Userpass classes, for service_hvac.py."""
from service_hvac_base import (CLIENT, FORBIDDEN, INVALID, NOT_FOUND, done, has, holds, keys, other,
                               refused, same, status)

TOKEN = CLIENT.auth.token
APPROLE = CLIENT.auth.approle
CERT = CLIENT.auth.cert
USERPASS = CLIENT.auth.userpass


def tokens():
    made = TOKEN.create(policies=["default"], meta={"who": "me"}, ttl="1h", explicit_max_ttl="3h",
                        display_name="job", num_uses=9)["auth"]
    has(made, {"lease_duration": 3600, "renewable": True, "metadata": {"who": "me"},
               "token_policies": ["default"], "num_uses": 9, "orphan": False,
               "token_type": "service"}, "create")
    token, accessor = made["client_token"], made["accessor"]
    looked = {"accessor": accessor, "display_name": "token-job", "meta": {"who": "me"},
              "policies": ["default"], "creation_ttl": 3600, "explicit_max_ttl": 10800,
              "num_uses": 9, "orphan": False, "path": "auth/token/create", "type": "service"}
    has(TOKEN.lookup(token)["data"], dict(looked, id=token), "lookup")
    has(TOKEN.lookup_accessor(accessor)["data"], dict(looked, id=""), "lookup_accessor")
    has(other(token).auth.token.lookup_self()["data"], dict(looked, id=token, num_uses=8),
        "lookup_self")
    holds(accessor in keys(TOKEN.list_accessors()), "list_accessors")
    same(TOKEN.renew(token, increment="2h")["auth"]["lease_duration"], 7200, "renew")
    same(TOKEN.renew_accessor(accessor, increment=5400)["auth"]["lease_duration"], 5400,
         "renew_accessor")
    same(other(token).auth.token.renew_self(increment="30m")["auth"]["lease_duration"], 1800,
         "renew_self")
    wrapped = TOKEN.create(policies=["default"], wrap_ttl="60s")["wrap_info"]["token"]
    same(CLIENT.sys.unwrap(wrapped)["auth"]["token_policies"], ["default"], "wrapped")
    done(TOKEN.revoke(token), "revoke")
    refused(FORBIDDEN, "", TOKEN.lookup, token)
    refused(INVALID, "invalid accessor", TOKEN.lookup_accessor, accessor)


def families():
    """Who goes with whom."""
    orphan = TOKEN.create_orphan(policies=["default"], period="20m")["auth"]
    has(orphan, {"orphan": True, "lease_duration": 1200}, "create_orphan")
    done(TOKEN.revoke_accessor(orphan["accessor"]), "revoke_accessor")
    refused(FORBIDDEN, "", TOKEN.lookup, orphan["client_token"])
    for revoke, end in (("revoke", FORBIDDEN), ("revoke_and_orphan_children", None)):
        parent = TOKEN.create(policies=["root"])["auth"]["client_token"]
        child = other(parent).auth.token.create(policies=["default"])["auth"]["client_token"]
        done(getattr(TOKEN, revoke)(parent), revoke)
        refused(FORBIDDEN, "", TOKEN.lookup, parent)
        if end:
            refused(end, "", TOKEN.lookup, child)
        else:
            same(TOKEN.lookup(child)["data"]["orphan"], True, revoke)
    own = other(child)
    done(own.auth.token.revoke_self(), "revoke_self")
    same(own.is_authenticated(), False, "revoke_self")
    same(status(TOKEN.tidy()), 202, "tidy")


def token_roles():
    refused(NOT_FOUND, "", TOKEN.list_roles)
    done(TOKEN.create_or_update_role("ci", allowed_policies=["default"],
                                     disallowed_policies=["root"], orphan=True, renewable=False,
                                     path_suffix="x", token_explicit_max_ttl="2h"),
         "create_or_update_role")
    has(TOKEN.read_role("ci")["data"], {
        "name": "ci", "allowed_policies": ["default"], "disallowed_policies": ["root"],
        "orphan": True, "renewable": False, "path_suffix": "x", "token_explicit_max_ttl": 7200},
        "read_role")
    same(keys(TOKEN.list_roles()), ["ci"], "list_roles")
    made = TOKEN.create(role_name="ci", policies=["default"])["auth"]
    has(made, {"orphan": True, "renewable": False, "lease_duration": 7200}, "create by role")
    same(TOKEN.lookup(made["client_token"])["data"]["path"], "auth/token/create/ci/x",
         "its path")
    refused(INVALID, "", TOKEN.create, role_name="ci", policies=["root"])
    done(TOKEN.delete_role("ci"), "delete_role")
    refused(NOT_FOUND, "", TOKEN.read_role, "ci")


def approle_roles():
    CLIENT.sys.enable_auth_method("approle")
    refused(NOT_FOUND, "", APPROLE.list_roles)
    done(APPROLE.create_or_update_approle(
        "web", bind_secret_id=True, secret_id_bound_cidrs=["127.0.0.0/8"], secret_id_num_uses=4,
        secret_id_ttl="2h", token_ttl="10m", token_max_ttl="1h", token_policies=["default"],
        token_bound_cidrs=["127.0.0.0/8"], token_explicit_max_ttl="3h", token_num_uses=7,
        token_no_default_policy=True, token_type="service"), "create_or_update_approle")
    has(APPROLE.read_role("web")["data"], {
        "bind_secret_id": True, "secret_id_bound_cidrs": ["127.0.0.0/8"], "secret_id_num_uses": 4,
        "secret_id_ttl": 7200, "token_ttl": 600, "token_max_ttl": 3600,
        "token_policies": ["default"], "token_bound_cidrs": ["127.0.0.0/8"],
        "token_explicit_max_ttl": 10800, "token_num_uses": 7, "token_no_default_policy": True,
        "token_period": 0, "token_type": "service", "local_secret_ids": False}, "read_role")
    same(keys(APPROLE.list_roles()), ["web"], "list_roles")
    holds(APPROLE.read_role_id("web")["data"]["role_id"], "read_role_id")
    done(APPROLE.update_role_id("web", "web-1"), "update_role_id")
    same(APPROLE.read_role_id("web")["data"]["role_id"], "web-1", "the new role id")
    APPROLE.create_or_update_approle("gone")
    done(APPROLE.delete_role("gone"), "delete_role")
    refused(NOT_FOUND, "", APPROLE.read_role, "gone")


def approle_secrets():
    made = APPROLE.generate_secret_id("web", metadata={"host": "a"}, cidr_list=["127.0.0.1/32"],
                                      token_bound_cidrs=["127.0.0.1/32"])["data"]
    has(made, {"secret_id_ttl": 7200, "secret_id_num_uses": 4}, "generate_secret_id")
    secret, accessor = made["secret_id"], made["secret_id_accessor"]
    looked = {"secret_id_accessor": accessor, "metadata": {"host": "a"}, "secret_id_ttl": 7200,
              "cidr_list": ["127.0.0.1/32"], "secret_id_num_uses": 4}
    has(APPROLE.read_secret_id("web", secret)["data"], looked, "read_secret_id")
    has(APPROLE.read_secret_id_accessor("web", accessor)["data"], looked,
        "read_secret_id_accessor")
    same(keys(APPROLE.list_secret_id_accessors("web")), [accessor], "list_secret_id_accessors")
    login = APPROLE.login("web-1", secret, use_token=False)["auth"]
    has(login, {"policies": ["default"], "lease_duration": 600, "num_uses": 7,
                "metadata": {"host": "a", "role_name": "web"}}, "login")
    same(APPROLE.read_secret_id("web", secret)["data"]["secret_id_num_uses"], 3, "used once")
    same(other(login["client_token"]).is_authenticated(), True, "the login's token")
    refused(INVALID, "invalid", APPROLE.login, "web-1", "wrong", use_token=False)
    refused(INVALID, "invalid", APPROLE.login, "wrong", secret, use_token=False)
    own = other(None)
    own.auth.approle.login("web-1", secret)
    same(own.token != CLIENT.token and own.is_authenticated(), True, "login with use_token")
    done(APPROLE.destroy_secret_id("web", secret), "destroy_secret_id")
    refused(INVALID, "invalid", APPROLE.login, "web-1", secret, use_token=False)
    wrapped = APPROLE.generate_secret_id("web", wrap_ttl="60s")["wrap_info"]
    same(wrapped["creation_path"], "auth/approle/role/web/secret-id", "wrapped")
    inside = CLIENT.sys.unwrap(wrapped["token"])["data"]
    APPROLE.login("web-1", inside["secret_id"], use_token=False)
    done(APPROLE.destroy_secret_id_accessor("web", inside["secret_id_accessor"]),
         "destroy_secret_id_accessor")
    refused(INVALID, "invalid", APPROLE.login, "web-1", inside["secret_id"], use_token=False)
    own = APPROLE.create_custom_secret_id("web", "my-own", metadata={"host": "b"})["data"]
    same(own["secret_id"], "my-own", "create_custom_secret_id")
    same(APPROLE.login("web-1", "my-own", use_token=False)["auth"]["metadata"]["host"], "b",
         "a custom secret id")


def users():
    CLIENT.sys.enable_auth_method("userpass")
    refused(NOT_FOUND, "", USERPASS.list_user)
    done(USERPASS.create_or_update_user("ann", "first", policies=["default"], token_ttl="15m"),
         "create_or_update_user")
    has(USERPASS.read_user("ann")["data"], {"token_policies": ["default"], "token_ttl": 900},
        "read_user")
    same(keys(USERPASS.list_user()), ["ann"], "list_user")
    login = USERPASS.login("ann", "first", use_token=False)["auth"]
    has(login, {"metadata": {"username": "ann"}, "policies": ["default"], "lease_duration": 900},
        "login")
    done(USERPASS.update_password_on_user("ann", "second"), "update_password_on_user")
    refused(INVALID, "invalid username or password", USERPASS.login, "ann", "first")
    own = other(None)
    own.auth.userpass.login("ann", "second")
    same(own.auth.token.lookup_self()["data"]["display_name"], "userpass-ann", "use_token")
    done(USERPASS.delete_user("ann"), "delete_user")
    refused(NOT_FOUND, "", USERPASS.read_user, "ann")
    refused(INVALID, "invalid username or password", USERPASS.login, "ann", "second")


def client_certificate(folder):
    """One of an own mount; certificate, its file, its key's file."""
    pki = CLIENT.secrets.pki
    CLIENT.sys.enable_secrets_engine("pki", path="clients")
    ca = pki.generate_root("internal", "Clients", {"key_type": "ec"},
                           mount_point="clients")["data"]["certificate"]
    pki.create_or_update_role("c", {"allow_any_name": True, "client_flag": True,
                                    "server_flag": False, "key_type": "ec"},
                              mount_point="clients")
    leaf = pki.generate_certificate("c", "app.example.com", {"ttl": "1h"},
                                    mount_point="clients")["data"]
    files = []
    for name in ("certificate", "private_key"):
        files.append("%s/%s.pem" % (folder, name))
        with open(files[-1], "w", encoding="ascii") as f:
            f.write(leaf[name] + "\n")
    return ca, leaf, files


def certificates(folder):
    ca, leaf, files = client_certificate(folder)
    CLIENT.sys.enable_auth_method("cert")
    refused(NOT_FOUND, "", CERT.list_certificate_roles)
    done(CERT.create_ca_certificate_role(
        "apps", certificate=ca, allowed_common_names="app.example.com,web.example.com",
        display_name="apps", token_ttl=1200, token_max_ttl="2h", token_policies=["default"],
        token_bound_cidrs=["127.0.0.0/8"]), "create_ca_certificate_role")
    has(CERT.read_ca_certificate_role("apps")["data"], {
        "certificate": ca, "allowed_common_names": ["app.example.com", "web.example.com"],
        "allowed_dns_sans": [], "display_name": "apps", "token_ttl": 1200, "token_max_ttl": 7200,
        "token_policies": ["default"], "token_bound_cidrs": ["127.0.0.0/8"]},
        "read_ca_certificate_role")
    same(keys(CERT.list_certificate_roles()), ["apps"], "list_certificate_roles")
    login = CERT.login("apps", cert_pem=files[0], key_pem=files[1], use_token=False)["auth"]
    has(login, {"policies": ["default"], "lease_duration": 1200}, "login")
    has(login["metadata"], {"cert_name": "apps", "common_name": "app.example.com",
                            "serial_number": str(int(leaf["serial_number"].replace(":", ""), 16))},
        "its metadata")
    # The token lives by its certificate, unless the method is told otherwise.
    own = other(login["client_token"])
    refused(INVALID, "certificate", own.auth.token.renew_self)
    done(CERT.configure_tls_certificate(disable_binding=True), "configure_tls_certificate")
    same(CLIENT.read("auth/cert/config")["data"]["disable_binding"], True, "its config")
    same(own.auth.token.renew_self()["auth"]["lease_duration"], 1200, "renewed without it")
    refused(INVALID, "", CERT.login, "other", cert_pem=files[0], key_pem=files[1])
    done(CERT.delete_certificate_role("apps"), "delete_certificate_role")
    refused(NOT_FOUND, "", CERT.read_ca_certificate_role, "apps")
    refused(INVALID, "", CERT.login, cert_pem=files[0], key_pem=files[1])


def auth(folder):
    tokens()
    families()
    token_roles()
    approle_roles()
    approle_secrets()
    users()
    certificates(folder)
