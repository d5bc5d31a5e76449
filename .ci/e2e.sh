#!/bin/sh
# Virtual machines with Linux's own initiator and with OpenZFS against what this checkout builds.
# The first run builds the machines (root; 7 GB for a while) into the cache folder, the next find
# them; OpenZFS's module is compiled there, which takes longest.
set -u
exec "$(dirname "$0")/gotest.sh" -tags e2e -timeout 90m -run ^TestGuest ./internal/peer
