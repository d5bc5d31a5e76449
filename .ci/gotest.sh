#!/bin/sh
# Runs go test with the given arguments, prints what failed and what was left out, and adds
# to the counts in the file $COUNTS.
set -u
cd "$(dirname "$0")/.."
count=$(mktemp)
trap 'rm -f "$count"' EXIT
go -C .ci/tools build -o "$count" ./count || exit 1
# -count=1: a test that ran yesterday says nothing of the programs installed today.
go test -json -count=1 "$@" 2>&1 | "$count" "${COUNTS:-/dev/null}"
