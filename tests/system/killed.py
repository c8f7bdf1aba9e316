# SPDX-License-Identifier: Apache-2.0
"""killed.py CHANCERY SEED: the real ceremony of plan.yaml, what is to be typed taken from
what it says, killed at random moments and resumed until it is done."""
import os
import random
import re
import subprocess
import sys
import threading

chancery, seed = sys.argv[1], int(sys.argv[2])
random.seed(seed)
verb, kills = "run", 0
for attempt in range(200):
    p = subprocess.Popen([chancery, "ceremony", verb, "plan.yaml", "--home", "home"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    # Later ones live longer, so that an end is reached.
    timer = threading.Timer(random.uniform(0.005, 0.1 + 0.02 * attempt), p.kill)
    timer.start()
    said = b""
    try:
        while data := os.read(p.stdout.fileno(), 65536):
            said += data
            if said.endswith(b"> "):
                words = re.findall(rb"type exactly: ([^\n]*)\n", said)[-1]
                if b" or " in words:
                    words = random.choice(words.split(b" or "))
                p.stdin.write(words + b"\n")
                p.stdin.flush()
                said = b""
    except BrokenPipeError:
        pass
    rc = p.wait()
    timer.cancel()
    if rc == 0:
        print(kills)
        sys.exit(0)
    # Killed before its first line was whole.
    if rc == 84 and b"holds nothing: remove it and run again" in said:
        os.remove("home/ceremony/journal")
        verb = "run"
        continue
    if rc != -9:
        sys.exit(f"exit {rc} after {kills} kills (seed {seed}): {said.decode()[-500:]}")
    kills += 1
    if os.path.exists("home/ceremony/journal"):
        verb = "resume"
sys.exit(f"not finished after {kills} kills")
