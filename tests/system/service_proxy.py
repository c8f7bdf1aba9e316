#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A proxy that fails on demand, between clients and the service.

service_proxy.py PORT RULES CERT    plain HTTP on 127.0.0.1:PORT, on to VAULT_ADDR (VAULT_CACERT), with
the client certificate and key of the PEM file CERT. The file RULES is read for each request: lines
"PATTERN ACTION", the first whose pattern fits the path counts; without one the request passes.
Actions: a status (answered here, the service hears nothing), "drop" (no answer), "cut" (the
service answers, half of it arrives). Each failure is a line of standard output.
"""
import fnmatch
import http.client
import http.server
import os
import ssl
import sys
import urllib.parse

RULES, CERT = sys.argv[2], sys.argv[3]
UPSTREAM = urllib.parse.urlsplit(os.environ["VAULT_ADDR"])
HOPS = {"connection", "host", "content-length", "transfer-encoding"}


def action(path):
    with open(RULES, encoding="utf-8") as f:
        for line in f:
            pattern, what = line.split()
            if fnmatch.fnmatch(path, pattern):
                return what
    return "pass"


class Proxy(http.server.BaseHTTPRequestHandler):
    def forward(self, body):
        context = ssl.create_default_context(cafile=os.environ["VAULT_CACERT"])
        context.load_cert_chain(CERT)
        to = http.client.HTTPSConnection(UPSTREAM.hostname, UPSTREAM.port, context=context)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOPS}
        to.request(self.command, self.path, body, headers)
        answer = to.getresponse()
        octets = answer.read()
        to.close()
        return answer.status, answer.headers, octets

    def any(self):
        what = action(urllib.parse.urlsplit(self.path).path[len("/v1/"):])
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if what != "pass":
            print(what, self.command, self.path, flush=True)
        if what == "drop":
            self.close_connection = True
            return
        if what.isdigit():
            status, headers = int(what), {"Content-Type": "application/json"}
            octets = b'{"errors":["from the proxy"]}'
        else:
            try:
                status, headers, octets = self.forward(body)
            except OSError:
                status, headers, octets = 502, {}, b"no service"
        self.send_response(status)
        for k, v in headers.items():
            if k.lower() not in HOPS:
                self.send_header(k, v)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        if what == "cut":
            octets = octets[:len(octets) // 2]
            self.close_connection = True
        self.wfile.write(octets)

    do_GET = do_POST = do_PUT = do_LIST = do_DELETE = do_PATCH = any

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Proxy).serve_forever()
