package control

import "time"

// A Diagnosis is what the daemon has seen of its initiators since it started: findings in
// words, and the figures behind them.
type Diagnosis struct {
	Since      time.Time     `json:"since"`             // everything is counted from here
	SlowMS     int64         `json:"slow_ms"`           // what takes as long is a slow command
	Findings   []Finding     `json:"findings"`          // about no initiator in particular
	Initiators []Patient     `json:"initiators"`        // by name
	Slow       []SlowCommand `json:"slow_commands"`     // latest first
	SlowCount  uint64        `json:"slow_commands_all"` // of which the list has the last ones and the slowest
}

// A Finding is one thing to know, and what to do about it.
type Finding struct {
	Level  Level  `json:"level"`
	What   string `json:"what"`
	Advice string `json:"advice,omitempty"` // empty: nothing
}

// A Level says how much a finding matters.
type Level string

const (
	Broken  Level = "problem" // something does not work
	Warning Level = "warning" // something will not work one day, or works badly
	Note    Level = "note"    // good to know
	Good    Level = "good"
)

// levels orders them.
var levels = map[Level]int{Broken: 0, Warning: 1, Note: 2, Good: 3}

// A Patient is an initiator that is here, or was since the start.
type Patient struct {
	Name       string          `json:"name"`
	Alias      string          `json:"alias,omitempty"`
	Kind       string          `json:"kind"` // "VMware ESXi", "Linux", ...
	Since      time.Time       `json:"since"`
	Left       time.Time       `json:"left,omitzero"` // when its last session ended; zero: none did
	Findings   []Finding       `json:"findings"`
	Sessions   []SessionDetail `json:"sessions"`
	Primitives []PrimitiveUse  `json:"primitives"` // over all units
	Units      []PatientUnit   `json:"units"`      // where there is something to tell
	Trouble    []Mishap        `json:"trouble"`    // commands that were refused or failed; latest first
	Attentions []Mishap        `json:"unit_attentions"`
	Functions  []FunctionCount `json:"task_management"`
}

// A SessionDetail is a session with what was negotiated. Lengths are in bytes.
type SessionDetail struct {
	Session
	InitialR2T        bool `json:"initial_r2t"`
	ImmediateData     bool `json:"immediate_data"`
	FirstBurst        int  `json:"first_burst_length"`
	MaxBurst          int  `json:"max_burst_length"`
	MaxRecvSegment    int  `json:"max_recv_data_segment_length"` // the initiator's
	MaxOutstandingR2T int  `json:"max_outstanding_r2t"`
}

// A PrimitiveUse is how an offload went.
type PrimitiveUse struct {
	Primitive string    `json:"primitive"` // ATS, XCOPY, WRITE SAME, UNMAP, ODX
	Good      uint64    `json:"good"`
	Failed    uint64    `json:"failed"`
	LastGood  time.Time `json:"last_good,omitzero"`
	LastFail  time.Time `json:"last_failure,omitzero"`
	Reason    string    `json:"reason,omitempty"` // of the last failure
}

// A PatientUnit is what an initiator asked of one unit.
type PatientUnit struct {
	GUID       string         `json:"guid"`
	Alias      string         `json:"alias,omitempty"`
	Primitives []PrimitiveUse `json:"primitives"`
	Trouble    map[string]int `json:"trouble,omitempty"` // how often: miscompare, conflict, out_of_space, offline, store_error
}

// A Mishap is a way in which commands ended otherwise than well.
type Mishap struct {
	Request string    `json:"request,omitempty"` // empty: a unit attention
	Outcome string    `json:"outcome"`           // sense data or status
	Count   uint64    `json:"count"`
	Last    time.Time `json:"last"`
	CDB     string    `json:"cdb"` // the last, in hexadecimal
	LUN     string    `json:"lun"`
	Unit    string    `json:"unit,omitempty"` // GUID; empty: no unit there
}

// A FunctionCount is an outcome of a task management function.
type FunctionCount struct {
	Function  string    `json:"function"`
	Outcome   string    `json:"outcome"`
	Count     uint64    `json:"count"`
	LongestMS int64     `json:"longest_ms"` // from the request to the answer
	Last      time.Time `json:"last"`
	LUN       string    `json:"lun"`
	Unit      string    `json:"unit,omitempty"`
}

// A SlowCommand is a command that took long in the device server.
type SlowCommand struct {
	Ended     time.Time `json:"ended"`
	TookMS    int64     `json:"took_ms"`
	Command   string    `json:"command"`
	CDB       string    `json:"cdb"` // in hexadecimal
	LUN       string    `json:"lun"`
	Unit      string    `json:"unit"` // GUID
	Alias     string    `json:"alias,omitempty"`
	Initiator string    `json:"initiator"`
	Outcome   string    `json:"outcome"` // "good", "aborted", sense data or status
}
