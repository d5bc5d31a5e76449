package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the unit of the times in /proc/PID/stat, whatever the kernel's own is.
const tick = time.Second / 100

// processorTime is what a process and its children have used of processors, in user and
// kernel mode. Children that have ended count until their parent asks for their status, which
// the ceiling, the one target that forks, never does. It has one for each connection, and a
// thousand of them use less than a tick each: theirs is the scheduler's figure.
func processorTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0 // it has ended
	}
	total := statTime(stat)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return total // a kernel without the list
	}
	for child := range bytes.FieldsSeq(children) {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%s/schedstat", child)); err == nil {
			total += schedTime(text)
		}
	}
	return total
}

// schedTime is the time on a processor, the first field, of the text of /proc/PID/schedstat:
// nanoseconds of the first thread.
func schedTime(text []byte) time.Duration {
	first, _, _ := bytes.Cut(text, []byte{' '})
	ns, _ := strconv.ParseInt(string(first), 10, 64) // the kernel writes a number
	return time.Duration(ns)
}

// statTime is utime and stime, fields 14 and 15, of the text of /proc/PID/stat. The name, the
// second field, may have spaces and parentheses of its own.
func statTime(stat []byte) time.Duration {
	const utime, stime = 14 - 3, 15 - 3
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= stime {
		return 0
	}
	u, _ := strconv.ParseInt(string(fields[utime]), 10, 64) // the kernel writes numbers
	s, _ := strconv.ParseInt(string(fields[stime]), 10, 64)
	return time.Duration(u+s) * tick
}

// forgetPeak has the kernel count a process's peak of memory from now. Where it may not, the
// peak is that of its life.
func forgetPeak(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

// peak is the most memory that a process has had resident, in bytes; resident what it has now.
func peak(pid int) int64     { return status(pid, "VmHWM:") }
func resident(pid int) int64 { return status(pid, "VmRSS:") }

func status(pid int, field string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return statusMemory(text, field)
}

// statusMemory is a field of the text of /proc/PID/status, in bytes.
func statusMemory(status []byte, field string) int64 {
	for line := range bytes.Lines(status) {
		if value, ok := bytes.CutPrefix(line, []byte(field)); ok {
			if fields := bytes.Fields(value); len(fields) == 2 {
				kb, _ := strconv.ParseInt(string(fields[0]), 10, 64)
				return kb << 10
			}
		}
	}
	return 0
}
