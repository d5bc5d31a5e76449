package scsi

import (
	"time"

	"github.com/lunarsan/lunar/sbd"
)

var functionNames = [...]string{
	AbortTask:        "ABORT TASK",
	AbortTaskSet:     "ABORT TASK SET",
	ClearACA:         "CLEAR ACA",
	ClearTaskSet:     "CLEAR TASK SET",
	LogicalUnitReset: "LOGICAL UNIT RESET",
	TargetReset:      "TARGET RESET",
	QueryTask:        "QUERY TASK",
	QueryTaskSet:     "QUERY TASK SET",
}

// String returns the standard's name.
func (f Function) String() string { return functionNames[f] }

var responseNames = [...]string{
	FunctionComplete:     "complete",
	FunctionSucceeded:    "there is such a task",
	TaskNotThere:         "no such task",
	LUNNotThere:          "no such LUN",
	FunctionNotSupported: "not supported",
}

// String says it in a few words.
func (r Response) String() string { return responseNames[r] }

// Managed is an outcome of a task management function that an initiator asked for, and how
// often it came.
type Managed struct {
	Function Function
	Response Response
	Count    uint64
	Longest  time.Duration // from the request to the answer

	// The last time.
	Last time.Time
	LUN  LUN
	Unit sbd.GUID // zero: no unit is mapped there, or the function is not about one
}

type managedKey struct {
	function Function
	response Response
}

// Managed remembers a task management function for which a port has made an answer. The
// port calls it, because it ends some tasks by itself.
func (n *Nexus) Managed(f Function, lun LUN, r Response, took time.Duration) {
	h := n.History
	if h == nil {
		return
	}
	h.all.functions[f][r].Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	k := managedKey{f, r}
	m := h.managed[k]
	if m == nil {
		if h.managed == nil {
			h.managed = make(map[managedKey]*Managed)
		}
		m = &Managed{Function: f, Response: r}
		h.managed[k] = m
	}
	m.Count++
	m.Longest = max(m.Longest, took)
	m.Last, m.LUN, m.Unit = time.Now(), lun, sbd.GUID{}
	if number, ok := lun.Number(); ok && f != TargetReset {
		if p := n.luns.Load().paths[number]; p != nil {
			m.Unit = p.unit.unit.Identity().GUID
		}
	}
}

// FunctionMetrics is how often a task management function had an outcome since the start.
type FunctionMetrics struct {
	Function Function
	Response Response
	Count    uint64
}

// FunctionMetrics returns the outcomes that there were.
func (h *Histories) FunctionMetrics() (all []FunctionMetrics) {
	for f := AbortTask; f <= QueryTaskSet; f++ {
		for r := FunctionComplete; r <= FunctionNotSupported; r++ {
			if n := h.functions[f][r].Load(); n > 0 {
				all = append(all, FunctionMetrics{f, r, n})
			}
		}
	}
	return all
}
