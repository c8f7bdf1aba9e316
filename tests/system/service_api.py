# SPDX-License-Identifier: Apache-2.0
"""The HTTP API of the running service, and of a real OpenBao, for the tests beside it."""
import http.client
import json
import os
import ssl
import time
import urllib.parse


def until(what, check, seconds=90):
    """Tried for so long: the answer of `check` that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = check()
        if answer:
            return answer
        time.sleep(0.05)
    raise SystemExit("never: " + what)


class Api:
    """One server, one connection that is kept."""

    def __init__(self, name, addr, token, ca=None, cert=None, tls=None):
        self.name, self.token, self.addr, self.ca = name, token, addr, ca
        url = urllib.parse.urlsplit(addr)
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=ca)
            if cert is not None:
                context.set_ciphers("DEFAULT:@SECLEVEL=0")  # the server is to refuse it
                context.load_cert_chain(cert)
            if tls is not None:
                context.minimum_version = context.maximum_version = tls
            self.connection = http.client.HTTPSConnection(url.hostname, url.port,
                                                          context=context)
        else:
            self.connection = http.client.HTTPConnection(url.hostname, url.port)

    @classmethod
    def ours(cls):
        return cls("ours", os.environ["VAULT_ADDR"], os.environ["VAULT_TOKEN"],
                   os.environ["VAULT_CACERT"])

    @classmethod
    def openbao(cls):
        return cls("OpenBao", os.environ["OPENBAO_ADDR"], "root",
                   os.environ.get("OPENBAO_CACERT"))

    def with_cert(self, cert, tls=None):
        """A new connection that shows this certificate (PEM file with key); None: none."""
        return Api(self.name, self.addr, self.token, self.ca, cert, tls)

    def raw(self, method, path, body=None, headers=()):
        """Status, headers, octets."""
        return self.octets(method, path, None if body is None else json.dumps(body), headers)

    def octets(self, method, path, body, headers=()):
        """The same with a body that is sent as it is."""
        sent = {"X-Vault-Token": self.token} if self.token else {}
        sent.update(headers)
        self.connection.request(method, "/v1/" + urllib.parse.quote(path, safe="/?=&:*%"), body,
                                sent)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def ask(self, method, path, body=None, headers=()):
        """Status and the answer, None when there is no body."""
        status, _, octets = self.raw(method, path, body, headers)
        return status, json.loads(octets) if octets else None

    def ok(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        if status not in (200, 204):
            raise SystemExit("%s: %s %s: %d %s" % (self.name, method, path, status, answer))
        return answer
