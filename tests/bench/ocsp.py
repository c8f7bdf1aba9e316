#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OCSP over keep-alive HTTP: answers a second from the cache and freshly signed by a P-256 key in
SoftHSM or in the server's memory, with the CPU of server, signer and client.

ocsp.py --bin DIR --load PROGRAM [--key hsm|memory] [--seconds S] [--connections N]
        [--certificates N]
"""
import argparse
import http.client
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Service:
    def __init__(self, bin_dir, home, plain, key):
        self.bin, self.home, self.plain = bin_dir, home, plain
        subprocess.run([bin_dir / "chancery", "init", "--soft", home, "--charter", "open",
                        "--listen", "127.0.0.1:%d" % free_port(), "--origin", "bench.example/ocsp"],
                       check=True, stdout=subprocess.DEVNULL)
        config = home / "chancery.yaml"
        config.write_text(config.read_text().replace(
            "\nserver:\n", "\nocsp_key: %s\nserver:\n  plain_listen: [\"127.0.0.1:%d\"]\n"
            "  ocsp_uncached_per_s: 1000000\n" % (key, plain)))
        self.process = subprocess.Popen([bin_dir / "chanceryd", "--home", home],
                                        stderr=open(home / "log", "w"))
        for _ in range(100):
            try:
                self.ask("GET", "sys/health")
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the service does not start")

    def ask(self, method, path, body=None):
        c = Unix(str(self.home / "run/chancery.sock"))
        c.request(method, "/v1/" + path, None if body is None else json.dumps(body))
        r = c.getresponse()
        text = r.read()
        if r.status >= 300:
            raise SystemExit("%s %s: %d %s" % (method, path, r.status, text))
        return json.loads(text)["data"] if text.startswith(b"{") and b'"data"' in text else None

    def cpu(self):
        """Seconds of each room so far."""
        out = {}
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True,
                                  text=True).stdout.split()
        for pid in children:
            stat = pathlib.Path("/proc/%s/stat" % pid).read_text()
            name, rest = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:]
            ticks = rest.split()[11:13]
            out[name.replace("chancery-", "")] = sum(map(int, ticks)) / TICK
        return out

    def stop(self):
        self.process.terminate()
        self.process.wait()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", type=pathlib.Path, required=True)
    p.add_argument("--load", required=True)
    p.add_argument("--key", choices=("hsm", "memory"), default="hsm")
    p.add_argument("--seconds", type=float, default=5)
    p.add_argument("--connections", type=int, default=64)
    p.add_argument("--certificates", type=int, default=2000)
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        measure(args, pathlib.Path(tmp))


def serials(service, tmp, n):
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", tmp / "k", "-subj",
                    "/CN=a.example.com", "-out", tmp / "csr"], check=True, stderr=subprocess.DEVNULL)
    csr = (tmp / "csr").read_text()
    for _ in range(n):
        service.ask("POST", "ca/sign/leaf", {"csr": csr})
    keys = service.ask("LIST", "ca/certs")["keys"]
    (tmp / "serials").write_text("\n".join(k.replace(":", "").replace("-", "")
                                           for k in keys) + "\n")


def measure(args, tmp):
    plain = free_port()
    service = Service(args.bin, tmp / "home", plain, args.key)
    try:
        service.ask("POST", "sys/mounts/ca", {"type": "pki"})
        ca = service.ask("POST", "ca/root/generate/internal", {
            "common_name": "Bench CA", "key_type": "ec", "key_bits": 256, "ttl": "700h"})
        (tmp / "ca.pem").write_text(ca["certificate"] + "\n")
        service.ask("POST", "ca/config/urls", {
            "ocsp_servers": "http://127.0.0.1:%d/v1/ca/ocsp" % plain})
        service.ask("POST", "ca/roles/leaf", {"allow_any_name": True, "key_type": "any",
                                              "use_csr_common_name": True, "ttl": "240h"})
        serials(service, tmp, args.certificates)
        print("%-34s %9s %8s %8s  %s" % ("", "answers/s", "p50 ms", "p99 ms",
                                         "us of CPU an answer"))
        rows = [("cached, GET", "get"), ("cached, POST", "post"),
                ("signed freshly (nonce), POST", "nonce")]
        for what, mode in rows:
            run(args, service, tmp, plain, what, mode)
    finally:
        service.stop()
        print_log(tmp / "home/log")


def print_log(path):
    for line in path.read_text().splitlines():
        if "OCSP" in line or "ERROR" in line:
            print(line)


def run(args, service, tmp, plain, what, mode):
    for _ in range(100):
        before = service.cpu()
        began = time.monotonic()
        r = subprocess.run([args.load, str(plain), "/v1/ca/ocsp", tmp / "ca.pem", tmp / "serials",
                            mode, str(args.connections), str(args.seconds)], capture_output=True,
                           text=True)
        if r.returncode != 0:
            raise SystemExit(r.stderr)
        rate, errors, p50, p99, own = r.stdout.split()
        # The first time there is no responder yet.
        if int(errors) == 0:
            break
        time.sleep(0.2)
    after, wall = service.cpu(), time.monotonic() - began
    answers = float(rate) * wall
    used = ", ".join("%s %.0f" % (k, (after[k] - before.get(k, 0)) / answers * 1e6)
                     for k in sorted(after) if after[k] - before.get(k, 0) > 0.01)
    print("%-34s %9s %8s %8s  %s, client %.0f%s" % (
        what, rate, p50, p99, used, float(own) / float(args.seconds) / float(rate) * 1e6,
        "" if errors == "0" else "   ERRORS " + errors), flush=True)


main()
