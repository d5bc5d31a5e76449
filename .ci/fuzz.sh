#!/bin/sh
# Runs every fuzz target of every package for FUZZTIME each.
set -eu
cd "$(dirname "$0")/.."
time=${FUZZTIME:-1m}
n=0
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "$package $target $time"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
		n=$((n + 1))
	done
done
[ $n -gt 0 ] || { echo 'no fuzz target found'; exit 1; }
echo "$n fuzz targets, $time each, no finding"
