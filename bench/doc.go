// Package bench measures lunar beside other targets and beside the ceiling, all serving one
// file in memory on one machine, in rounds that take turns, so that whatever else the machine
// does falls on all of them alike. What counts is the ratio in the last columns; the figures
// themselves are the machine's.
//
//	config.go       what to measure, and for how long
//	load.go         a load: block size, queue depth, sessions, direction
//	set.go          the sets of loads: quick, standard, full, growth
//	rival.go        the targets side by side
//	run.go          the rounds
//	sample.go       one run of one client: its rate, its latencies, what the target used
//	usage_linux.go  processor time and memory of a target
//	qemu.go         qemu-img bench: sequential, reads and writes
//	perf.go         iscsi-perf: random reads
//	inside.go       our own initiator: what those cannot
//	histogram.go    latencies
//	metric.go       the figures of a sample
//	report.go       medians and ratios
//	table.go        as text
//	json.go         as JSON
//	benchfmt.go     as benchstat reads it
//	chart.go        as a picture: bars.go or lines.go, on a canvas.go
//
// Write caches are on everywhere: a disk that syncs each write measures the disk.
package bench
