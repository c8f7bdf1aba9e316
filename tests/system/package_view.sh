#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package_view.sh WORK FIRST SECOND: in a mount namespace of its own. The machine as the lower
# layer, what is written goes to memory; then chroot.
set -euo pipefail
work=$1 first=$2 second=$3
here=$(dirname "$0")
mount --make-rprivate /
mkdir "$work/layers"
mount -t tmpfs layers "$work/layers"
mkdir "$work"/layers/{upper,work,view,packages}
cp "$first" "$second" "$here/package_inside.sh" "$here/package_run.sh" \
	"$here/package_units.sh" "$here/service_units.py" "$work/layers/packages"
mount -t overlay view -o "lowerdir=/,upperdir=$work/layers/upper,workdir=$work/layers/work" "$work/layers/view"
for dir in dev sys; do
	mount --rbind "/$dir" "$work/layers/view/$dir"
done
mount -t proc proc "$work/layers/view/proc"
mount -t tmpfs run "$work/layers/view/run"
mkdir -p "$work/layers/view/mnt"
mount --bind "$work/layers/packages" "$work/layers/view/mnt"
chroot "$work/layers/view" /bin/bash /mnt/package_inside.sh "/mnt/$(basename "$first")" "/mnt/$(basename "$second")"
