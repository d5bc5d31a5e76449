#!/bin/sh
# Real initiators against the daemon of this checkout: libiscsi's conformance suites, and
# images through qemu and back. Skips, with the reason, what is not installed.
set -u
exec "$(dirname "$0")/gotest.sh" -tags peers -timeout 20m -run ^TestPeer ./internal/peer
