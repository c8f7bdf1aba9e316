# SPDX-License-Identifier: Apache-2.0
"""What systemd does for a unit with Restart=always: starts a program with listening sockets
(LISTEN_FDS) and starts it again when it ends.

    service_units.py PIDFILE NAME=ADDRESS… -- PROGRAM ARGUMENT…

ADDRESS is HOST:PORT or a path. PIDFILE has the pid of the process that runs; SIGTERM is passed on,
SIGUSR1 too, as SIGTERM and without a new start meant.
"""
import os
import signal
import socket
import subprocess
import sys
import time

at = sys.argv.index("--")
pidfile, wanted, command = sys.argv[1], sys.argv[2:at], sys.argv[at + 1:]
names, sockets = [], []
for one in wanted:
    name, address = one.split("=", 1)
    if address.startswith("/"):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if os.path.exists(address):
            os.unlink(address)
        s.bind(address)
    else:
        host, port = address.rsplit(":", 1)
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, int(port)))
    s.listen(64)
    names.append(name)
    sockets.append(s)


def enter():
    """In the child: the sockets from descriptor 3 on, as sd_listen_fds(3) has them."""
    high = [os.dup2(s.fileno(), 200 + i) for i, s in enumerate(sockets)]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i)
    os.closerange(3 + len(high), 300)


child = None
ending = False


def end(_signal, _frame):
    global ending
    ending = True
    if child is not None:
        child.send_signal(signal.SIGTERM)


signal.signal(signal.SIGTERM, end)
while not ending:
    env = dict(os.environ)
    if sockets:
        # The pid is known in the child only: a shell of one line sets it and becomes the program.
        env["LISTEN_FDS"] = str(len(sockets))
        env["LISTEN_FDNAMES"] = ":".join(names)
        argv = ["/bin/sh", "-c", 'LISTEN_PID=$$; export LISTEN_PID; exec "$@"', "sh"] + command
    else:
        argv = command
    child = subprocess.Popen(argv, env=env, close_fds=False, preexec_fn=enter)
    with open(pidfile + ".new", "w") as f:
        f.write(str(child.pid))
    os.rename(pidfile + ".new", pidfile)
    status = child.wait()
    print(f"{command[2]}: {status}", file=sys.stderr, flush=True)
    if not ending:
        time.sleep(0.1)
