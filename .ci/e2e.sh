#!/bin/sh
# A virtual machine with Linux's own initiator against the daemon of this checkout. The first
# run builds the machine (root; 6 GB for a while) into the cache folder, the next find it.
set -u
exec "$(dirname "$0")/gotest.sh" -tags e2e -timeout 40m -run ^TestGuest ./internal/peer
