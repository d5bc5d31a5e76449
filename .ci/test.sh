#!/bin/sh
# Every test: set-up, the checks, other initiators and targets, the guest. Goes on after a
# failure and ends with one line of counts; exit status 1 when anything failed.
set -u
cd "$(dirname "$0")/.."
COUNTS=$(mktemp)
export COUNTS
trap 'rm -f "$COUNTS"' EXIT
failed=0
.ci/setup.sh || { echo 'FAIL set-up'; echo 0 1 0 >>"$COUNTS"; failed=1; }
.ci/check.sh || failed=1
.ci/peers.sh || failed=1
.ci/e2e.sh || failed=1
awk '{p += $1; f += $2; s += $3} END {printf "%d passed, %d failed, %d skipped\n", p, f, s}' "$COUNTS"
exit $failed
