#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# exit_leak.sh PROGRAM: what leaves through hsm_exit is looked at for leaks.
"$1" clean || exit
report=$("$1" 2>&1) && { echo "the leak was not noticed"; exit 1; }
case $report in
*"detected memory leaks"*" in allocate "*) ;;
*) echo "failed for another reason: $report"; exit 1 ;;
esac
