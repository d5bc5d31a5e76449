// Package sites has the tests of two sites that are processes of their own: one sends a file's
// snapshots, the other receives them.
//
//	site_test.go      the two processes, and what they are told
//	link_test.go      the link between them, which can be cut
//	killed_test.go    kill -9 of either, and a link that is cut again and again
//	ssh_test.go       the same over a real ssh
//	refused_test.go   wrong keys, wrong snapshots, full disks, streams that end too early
//
// They run with the tag peers.
package sites
