// Package bench measures lunar beside another target and beside the ceiling, all serving one
// file in memory on one machine, in rounds that take turns, so that whatever else the machine
// does falls on all of them alike. What counts is the ratio in the last columns; the figures
// themselves are the machine's.
//
//	config.go   what to measure, and for how long
//	load.go     the loads: block size, queue depth, direction
//	qemu.go     qemu-img bench: sequential, reads and writes
//	perf.go     iscsi-perf: random reads
//	rival.go    the targets side by side
//	run.go      the rounds
//	report.go   medians
//	table.go    the table
//
// Write caches are on everywhere: a disk that syncs each write measures the disk.
package bench
