package scsi

import "sync/atomic"

// modes holds the mode parameters that MODE SELECT can change and that no sbd.Unit keeps. The
// zero value is the default.
type modes struct {
	dsense atomic.Bool // D_SENSE: sense data in descriptor format
	tas    atomic.Bool // TAS: tasks that another nexus aborts end with TASK ABORTED
	swp    atomic.Bool // SWP: software write protect
}

func (m *modes) reset() {
	m.dsense.Store(false)
	m.tas.Store(false)
	m.swp.Store(false)
}
