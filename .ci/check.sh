#!/bin/sh
# The fast inner loop: formatting, vet for every system that we build for, staticcheck and
# the unit tests with the race detector. Prints one line a step, and adds each step and each
# test to the counts in the file $COUNTS.
set -u
cd "$(dirname "$0")/.."
COUNTS=${COUNTS:-$(mktemp)}
failed=0

# step NAME COMMAND...: quiet when it passes
step() {
	name=$1
	shift
	if out=$("$@" 2>&1); then
		echo "pass $name"
		echo 1 0 0 >>"$COUNTS"
	else
		echo "FAIL $name"
		echo "$out"
		echo 0 1 0 >>"$COUNTS"
		failed=1
	fi
}

formatted() {
	unformatted=$(gofmt -l .)
	[ -z "$unformatted" ] || { echo "run gofmt -w on: $unformatted"; return 1; }
}

step gofmt formatted
for os in linux freebsd illumos; do
	# The tags bring in the files that only the slow tests compile.
	step "vet $os" env GOOS=$os CGO_ENABLED=0 go vet -tags peers,e2e,invariants ./...
done
step staticcheck go tool -modfile=.ci/tools/go.mod staticcheck -tags peers,e2e ./...
step tools go -C .ci/tools test ./...
# invariants: buffers are overwritten once they are given back, so that a use after shows.
.ci/gotest.sh -race -tags invariants -skip Alloc ./... || failed=1
# Tests that have many cases try some of them with the race detector, and all of them here.
.ci/gotest.sh ./stream/dmu || failed=1
# Tests of what allocates run without the race detector, which allocates itself.
.ci/gotest.sh -run Alloc ./... || failed=1
exit $failed
