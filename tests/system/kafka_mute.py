# SPDX-License-Identifier: Apache-2.0
"""A TLS server that brings no answer: kafka_mute.py HOW CERTIFICATE AUTHORITY.

HOW: silent (it shakes hands and says nothing), close (it shakes hands and closes), break (TLS 1.2,
it shows its certificate and closes); ask-… asks for a client certificate as well. Prints its port,
then a line for each connection.
"""
import socket
import ssl
import sys


def context(how, certificate, authority):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(certificate)
    if how.startswith("ask-"):
        ctx.verify_mode = ssl.CERT_OPTIONAL
        ctx.load_verify_locations(authority)
    if how.endswith("break"):
        ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    return ctx


def break_off(ctx, s):
    come, go = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ctx.wrap_bio(come, go, server_side=True)
    come.write(s.recv(65536))
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        s.sendall(go.read())
    s.recv(65536)
    s.close()


def main():
    how = sys.argv[1]
    ctx = context(how, *sys.argv[2:])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    held = []
    while True:
        s, _ = listener.accept()
        print("connection", flush=True)
        if how.endswith("break"):
            break_off(ctx, s)
            continue
        tls = ctx.wrap_socket(s, server_side=True)
        if how.endswith("silent"):
            held.append(tls)
            continue
        tls.recv(100)
        tls.close()


main()
