package control

import (
	"time"

	"github.com/lunarsan/lunar/stream"
)

// What travels about snapshots. One is named GUID@SNAPSHOT, its unit as in all other places.

// A SnapshotTake asks for a snapshot of a unit, and of others at the same instant.
type SnapshotTake struct {
	Name string   `json:"name,omitempty"` // empty: the time
	With []string `json:"with,omitempty"` // other units
}

// SnapshotsTaken tells what was done.
type SnapshotsTaken struct {
	Stood time.Duration   `json:"stood_ns"` // for how long the units' writes did
	Units []SnapshotTaken `json:"units"`
}

// A SnapshotTaken is a snapshot of one unit.
type SnapshotTaken struct {
	Unit string `json:"unit"` // GUID
	Path string `json:"path"`
	stream.Snapshot
}

// A SnapshotClone asks for a unit on a clone of a snapshot. Its identity is new, but for what hosts
// tell kinds of disks by.
type SnapshotClone struct {
	GUID   string `json:"guid,omitempty"`    // empty: a new one; GUIDAsCOMSTAR: a new one of its form
	LUN    *int   `json:"lun,omitempty"`     // of its view for all; nil: the lowest that is free
	NoView bool   `json:"no_view,omitempty"` // nobody sees it until it gets a view
	Alias  string `json:"alias,omitempty"`
}

// A SnapshotRollback asks for a unit to be what it was.
type SnapshotRollback struct {
	Try bool `json:"try,omitempty"` // tell what would be done, and do nothing
}

// A SnapshotRolledBack tells what was done.
type SnapshotRolledBack struct {
	UnitInfo
	Snapshot string   `json:"snapshot"`
	Gone     []string `json:"gone,omitempty"` // snapshots that were newer, oldest first
}

// A SnapshotDelete asks for a snapshot to be ended.
type SnapshotDelete struct {
	Try bool `json:"try,omitempty"` // tell whether it would be done, and do nothing
}
