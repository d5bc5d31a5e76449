#!/bin/sh
# Real initiators against the daemon of this checkout: libiscsi's conformance suites, and
# images through qemu and back; two sites that replicate, and are killed; and streams beside
# mbuffer, zstd and ssh. Skips, with the reason, what is not installed.
set -u
exec "$(dirname "$0")/gotest.sh" -tags peers -timeout 20m -run ^TestPeer ./internal/peer ./internal/peer/sites ./stream/wire
