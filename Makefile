# lunar: make run and make test do all of their set-up. The other targets are for developers.
.PHONY: run test check bench bench-layers pgo fuzz e2e peers build install clean

PREFIX   ?= /usr/local
FUZZTIME ?= 1m

run: build ## serve a throw-away disk and say how to connect to it
	bin/lunar serve --demo

test: ## every test; ends with a line of counts
	.ci/test.sh

check: ## the inner loop: format, vet, staticcheck, unit tests with -race
	.ci/check.sh

peers: ## libiscsi's conformance suites, and images through qemu and back
	.ci/peers.sh

e2e: ## Linux's own initiator in a virtual machine: file systems, and a pulled plug
	.ci/e2e.sh

bench: ## beside other targets and the ceiling, in four minutes; BENCH='-set standard' for more
	.ci/setup.sh istgt
	go run ./bench/cmd $(BENCH)

bench-layers: ## each layer alone, with what it allocates
	go test -run '^$$' -bench . -benchmem ./target/iscsi ./scsi ./sbd ./internal/buffer

pgo: ## profile the daemon under load for the compiler; go build finds the file by itself
	go run ./bench/cmd -pgo cmd/lunar/default.pgo -time 3s

fuzz: ## every fuzz target for FUZZTIME each
	FUZZTIME=$(FUZZTIME) .ci/fuzz.sh

# CGO_ENABLED=0: one static binary, for any Linux. -trimpath: no path of this machine in it.
build:
	CGO_ENABLED=0 go build -trimpath -o bin/lunar ./cmd/lunar

install: build ## the binary, COMSTAR's names for it, manual pages, completions and the systemd unit; DESTDIR, PREFIX
	.ci/install.sh "$(DESTDIR)" "$(PREFIX)"

clean:
	rm -rf bin out
