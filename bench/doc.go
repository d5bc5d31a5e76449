// Package bench measures lunar beside other targets and beside the ceiling, all serving the
// same files on one machine, in rounds that take turns, so that whatever else the machine does
// falls on all of them alike. What counts is the ratio in the last columns; the figures
// themselves are the machine's.
//
//	config.go       what to measure, and for how long
//	load.go         a load: block size, queue depth, sessions, conditions
//	pattern.go      which commands it has
//	medium.go       the files that they go to, in memory and on the disk
//	storm.go        what others do meanwhile
//	set.go          the sets of loads: quick, memory, standard, full, growth
//	conditions.go   the set of what a target meets in the field
//	rival.go        the targets side by side
//	run.go          the rounds
//	sample.go       one run of one client: its rate, its latencies, what the target used
//	usage_linux.go  processor time and memory of a target
//	qemu.go         qemu-img bench: sequential, reads and writes
//	perf.go         iscsi-perf: random reads
//	inside.go       our own initiator: what those cannot
//	session.go      one session of it
//	idle.go         the memory of sessions that do nothing
//	local.go        the disk without a target
//	cold_linux.go   files out of the page cache
//	histogram.go    latencies
//	metric.go       the figures of a sample
//	report.go       medians and ratios
//	goal.go         what is to be reached
//	table.go        as text
//	json.go         as JSON
//	benchfmt.go     as benchstat reads it
//	chart.go        as a picture: bars.go or lines.go, on a canvas.go
//	profile.go      what processors do under load, for the compiler
//
// Write caches are on but where a load says so: a disk that syncs each write measures the disk.
package bench
