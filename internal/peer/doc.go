// Package peer runs other programs beside ours: targets to be compared with, and initiators
// to be served. Everything is a child process on a loopback port, with its files in a folder
// that the caller gives, and is gone when Stop returns or when we are.
//
//	process.go   a child process: start, wait for its port, stop
//	target.go    what every target has in common
//	lunar.go     ours, built from this checkout
//	keeper.go    who keeps its sockets while it restarts, as systemd does
//	tgt.go       Debian's tgt
//	istgt.go     Debian's istgt
//	gotgt.go     gotgt, built from bench/gotgt
//	ceiling.go   the least a target can do, when its source is at hand
//	testcu.go    libiscsi's conformance suites: run one, read its verdicts
//	expected.go  the verdicts that we expect
//	qemuimg.go   images through a target and back
//	guest.go     a virtual machine with the kernel's initiator, and one with OpenZFS
//
// The tests with the build tags peers and e2e are the ones that need those programs.
package peer
