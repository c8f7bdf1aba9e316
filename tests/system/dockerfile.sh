#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dockerfile.sh SOURCE-DIRECTORY: the image, as far as it can be judged without a daemon: each
# instruction is known and in order, what it copies and calls is there, it does not run as root.
# Where a daemon answers, the image is built, and its service signs.
set -euo pipefail
top=$(realpath "$1")
cd "$top"
die() { echo "FAILED: $*" >&2; exit 1; }
python3 - Dockerfile <<'PY'
import json, re, sys
text = re.sub(r"\\\n", " ", open(sys.argv[1]).read())
lines = [l.split(None, 1) for l in text.split("\n") if l.strip() and not l.startswith("#")]
known = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "ENV", "VOLUME", "EXPOSE", "STOPSIGNAL",
         "HEALTHCHECK", "CMD"}
unknown = [l[0] for l in lines if l[0] not in known]
assert not unknown, unknown
stages = [i for i, l in enumerate(lines) if l[0] == "FROM"]
assert [lines[i][1] for i in stages] == ["debian:12-slim AS build", "debian:12-slim"], "stages"
last = lines[stages[-1]:]
words = [l[0] for l in last]
for one in ("USER", "VOLUME", "HEALTHCHECK", "CMD", "STOPSIGNAL"):
    assert words.count(one) == 1, one
assert dict(last)["USER"] not in ("root", "0"), "root"
assert words.index("USER") > max(i for i, w in enumerate(words) if w == "RUN"), "the user is set last"
health = re.search(r"CMD (\[.*\])", dict(last)["HEALTHCHECK"]).group(1)
assert json.loads(health) == ["chancery", "status", "--ready"], health
assert json.loads(dict(last)["CMD"]) == ["chanceryd"]
# The package's volume is the home that the programs are told.
assert dict(last)["VOLUME"] == "/var/lib/chancery"
assert dict(last)["ENV"] == "CHANCERY_HOME=/var/lib/chancery"
PY
for target in chancery chanceryd chancery-server chancery-signer chancery-publisher man; do
	grep -q "target .*\b$target\b" Dockerfile || die "$target is not built"
done
grep -qx build .dockerignore || die "the build directory goes along"
if timeout 20 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then
	docker build -q -t chancery-test . || die "build"
	container=$(docker run -d chancery-test sh -c \
		'chancery init --soft /var/lib/chancery --charter open && exec chanceryd')
	trap 'docker rm -f "$container" >/dev/null; docker image rm chancery-test >/dev/null' EXIT
	for ((i = 0; i < 60; i++)); do
		[ "$(docker inspect -f '{{.State.Health.Status}}' "$container")" != healthy ] || break
		sleep 2
	done
	[ "$(docker inspect -f '{{.State.Health.Status}}' "$container")" = healthy ] || die "not healthy"
	echo "dockerfile: built, healthy"
else
	echo "dockerfile: no daemon answers; judged by its text"
fi
