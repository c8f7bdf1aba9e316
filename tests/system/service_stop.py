# SPDX-License-Identifier: Apache-2.0
"""load: requests whose clients go, then signing on six connections while the service is told
to stop; prints the serials that were received. check: reads them; all are there."""
import http.client
import json
import os
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.parse

url = urllib.parse.urlsplit(os.environ["VAULT_ADDR"])
token = os.environ["VAULT_TOKEN"]
context = ssl.create_default_context(cafile=os.environ["VAULT_CACERT"])


def ask(connection, method, path, body=None):
    connection.request(method, "/v1/" + path, None if body is None else json.dumps(body),
                       {"X-Vault-Token": token})
    answer = connection.getresponse()
    octets = answer.read()
    return answer.status, json.loads(octets) if octets else None


def connect():
    return http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=60)


def wait_for(what, found):
    for _ in range(300):
        if found():
            return
        time.sleep(0.1)
    sys.exit("no " + what)


def send_and_go(path, body):
    """The whole request, and the connection is closed at once."""
    with socket.create_connection((url.hostname, url.port)) as tcp:
        with context.wrap_socket(tcp, server_hostname=url.hostname) as tls:
            text = json.dumps(body)
            tls.sendall(("POST /v1/%s HTTP/1.1\r\nHost: x\r\nX-Vault-Token: %s\r\n"
                         "Content-Length: %d\r\n\r\n%s" % (path, token, len(text), text)).encode())


def go_away():
    connection = connect()
    for i in range(20):
        send_and_go("pki/roles/gone-%d" % i, {"ttl": "1h"})
        send_and_go("pki/issue/leaf", {"common_name": "gone-%d.example.com" % i})
    wait_for("roles", lambda: ask(connection, "LIST", "pki/roles")[1]["data"]["keys"].count(
        "gone-19") == 1 and len(ask(connection, "LIST", "pki/roles")[1]["data"]["keys"]) == 21)
    # The root, and one for each client that did not wait.
    wait_for("certificates", lambda: len(
        ask(connection, "LIST", "pki/certs")[1]["data"]["keys"]) == 21)


received, broken, lock = [], [], threading.Lock()


def sign():
    connection = connect()
    n = 0
    while True:
        n += 1
        try:
            status, answer = ask(connection, "POST", "pki/issue/leaf",
                                 {"common_name": "a%d.example.com" % n})
        except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLError):
            return  # between two answers: the service ends
        except (http.client.HTTPException, ValueError) as why:
            with lock:
                broken.append("half an answer: %r" % why)
            return
        with lock:
            if status != 200:
                broken.append("%d %s" % (status, answer))
            else:
                received.append(answer["data"]["serial_number"])


def load():
    go_away()
    threads = [threading.Thread(target=sign) for _ in range(6)]
    for thread in threads:
        thread.start()
    while len(received) < 100:
        time.sleep(0.01)
    os.kill(int(os.environ["DAEMON"]), signal.SIGTERM)
    for thread in threads:
        thread.join()
    print("\n".join(received))
    if broken:
        sys.exit("\n".join(broken[:5]))


def check():
    connection = connect()
    n = 0
    for serial in sys.stdin.read().split():
        n += 1
        status, answer = ask(connection, "GET", "pki/cert/" + serial)
        if status != 200 or "BEGIN CERTIFICATE" not in answer["data"]["certificate"]:
            sys.exit("%s was received, and now: %d %s" % (serial, status, answer))
    stored = len(ask(connection, "LIST", "pki/certs")[1]["data"]["keys"])
    # Besides: the root, the twenty whose clients went. One a connection may have been made
    # whose answer met a closed connection.
    if not n + 21 <= stored <= n + 21 + 6:
        sys.exit("%d received, %d stored" % (n, stored))
    print("%d received, %d stored" % (n, stored))


{"load": load, "check": check}[sys.argv[1]]()
