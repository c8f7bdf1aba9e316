# SPDX-License-Identifier: Apache-2.0
"""Many connections to the running service, and its rooms by their processes, for the tests
beside it."""
import json
import os
import select
import signal
import socket
import ssl
import sys
import time
import urllib.parse


def die(text):
    sys.exit("FAILED: " + text)


def room(parent, name):
    """The process of a room; it is there, or comes back."""
    for _ in range(300):
        pid = room_now(parent, name)
        if pid:
            return pid
        time.sleep(0.1)
    return die("no process of " + name)


def room_now(parent, name):
    with open("/proc/%d/task/%d/children" % (parent, parent), encoding="ascii") as f:
        for pid in f.read().split():
            with open("/proc/%s/comm" % pid, encoding="ascii") as comm:
                # The kernel keeps 15 characters.
                if comm.read().strip() == name[:15]:
                    return int(pid)
    return 0


def memory_mib(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
        return sum(int(x.split()[1]) for x in f if x.startswith("Pss:")) / 1024


class Stopped:
    """Processes that get no processor meanwhile. chanceryd kills one that is silent for long."""

    def __init__(self, *pids):
        self.pids = pids

    def __enter__(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)
        return self

    def __exit__(self, *why):
        for pid in reversed(self.pids):
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass


class Answer:
    def __init__(self, octets):
        head, _, self.body = octets.partition(b"\r\n\r\n")
        lines = head.decode("ascii").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.fields = dict(line.lower().split(": ", 1) for line in lines[1:])

    def check_refused(self):
        """503 as Vault's clients understand it; its text."""
        if self.status != 503 or "retry-after" not in self.fields:
            die("%d %s %s" % (self.status, self.fields, self.body[:300]))
        answer = json.loads(self.body)
        if list(answer) != ["errors"] or len(answer["errors"]) != 1:
            die("not Vault's shape: %s" % answer)
        return answer["errors"][0]


class Crowd:
    """Connections that are kept; a request on each, answers as they come."""

    def __init__(self, n):
        url = urllib.parse.urlsplit(os.environ["VAULT_ADDR"])
        self.token = os.environ["VAULT_TOKEN"]
        context = ssl.create_default_context(cafile=os.environ["VAULT_CACERT"])
        self.sockets, self.got = [], {}
        self.asked = time.monotonic()
        for _ in range(n):
            self.stay()
            tcp = socket.create_connection((url.hostname, url.port))
            self.sockets.append(context.wrap_socket(tcp, server_hostname=url.hostname))
            # A connection that asks nothing is closed soon.
            self.send(self.sockets[-1], "GET", "sys/health")
            if self.answers(1)[0][1].status != 200:
                die("sys/health")

    def stay(self):
        """Idle ones are closed after a minute, which is short on a machine that is busy."""
        if time.monotonic() - self.asked < 10:
            return
        self.asked = time.monotonic()
        for s in self.sockets:
            self.send(s, "GET", "sys/health")
        for answer in self.all(len(self.sockets)):
            if answer.status != 200:
                die("sys/health: %d" % answer.status)

    def send(self, s, method, path, body=None):
        text = "" if body is None else json.dumps(body)
        s.sendall(("%s /v1/%s HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: %s\r\n"
                   "Content-Length: %d\r\n\r\n%s" % (
                       method, path, self.token, len(text), text)).encode())
        self.got[s] = b""

    def answers(self, n):
        """The next n: pairs of connection and answer."""
        out = []
        poll = select.poll()
        by_fd = {s.fileno(): s for s in self.got}
        for fd in by_fd:
            poll.register(fd, select.POLLIN)
        while len(out) < n:
            ready = poll.poll(120000)
            if not ready:
                die("%d of %d answers came" % (len(out), n))
            for fd, _ in ready:
                s = by_fd[fd]
                answer = self.read(s)
                if answer is None:
                    continue
                poll.unregister(fd)
                out.append((s, answer))
        return out

    def read(self, s):
        piece = s.recv(1 << 17)
        if not piece:
            die("closed in the middle: %r" % self.got[s][:200])
        octets = self.got[s] = self.got[s] + piece
        head, end, body = octets.partition(b"\r\n\r\n")
        if not end:
            return None
        lengths = [int(x.split(b":")[1]) for x in head.split(b"\r\n")
                   if x.lower().startswith(b"content-length:")]
        if lengths and len(body) < lengths[0]:
            return None
        del self.got[s]
        return Answer(octets)

    def all(self, n):
        """The next n, without their connections."""
        return [answer for _, answer in self.answers(n)]
