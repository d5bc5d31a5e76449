package peer

import "fmt"

// A Unit is what a target is asked to serve, at its first free LUN.
type Unit struct {
	Path       string // a regular file; made if it is not there
	Size       int64  // bytes
	BlockSize  int    // 512 or 4096; 0: 512
	WriteCache bool
	Thin       bool
	ReadOnly   bool
}

// A Target is a running target with its one iSCSI target name.
type Target interface {
	Name() string // for tables: "lunar", "tgt"
	Portal() string
	IQN() string
	LUN(unit int) int // where the unit, counted from 0, is found
	PID() int
	Stop() error
}

// URL names a unit of a target as libiscsi's tools do.
func URL(t Target, unit int) string {
	return fmt.Sprintf("iscsi://%s/%s/%d", t.Portal(), t.IQN(), t.LUN(unit))
}

const iqn = "iqn.2026-01.io.lunarsan:peer"
