package control

import (
	"encoding/binary"
	"sync"
	"testing"

	"github.com/lunarsan/lunar/scsi"
)

// A local is an initiator without a network: it sees one unit as LUN 0.
type local struct {
	t     *testing.T
	nexus *scsi.Nexus
	once  sync.Once
}

func newLocal(t *testing.T, r *rig, name, guid string) *local {
	t.Helper()
	h := &local{t: t, nexus: scsi.NewNexus(scsi.Names{Initiator: name}, r.d.pool)}
	h.nexus.SetInventory(map[int]*scsi.LogicalUnit{0: r.d.units[mustGUID(t, guid)].lu})
	t.Cleanup(h.end)
	for h.do(scsi.CDB{}, nil).Key() == scsi.PowerOnOccurred.Key() {
		// takes the unit attentions
	}
	return h
}

// end ends the nexus, before its unit's daemon ends.
func (h *local) end() {
	h.once.Do(func() {
		drained := make(chan struct{})
		h.nexus.Close(func() { close(drained) })
		<-drained
	})
}

// do executes c and returns its sense data; none: it is GOOD.
func (h *local) do(c scsi.CDB, out []byte) scsi.Sense {
	done := make(chan struct{})
	t := &scsi.Task{CDB: c, Expected: int64(len(out)), Out: out, Done: func(*scsi.Task) { close(done) }}
	h.nexus.Prepare(t)
	if !h.nexus.Submit(t) {
		<-done
	}
	s := t.Sense.Sense()
	t.Release()
	return s
}

// write writes n MiB of something at mib, by WRITE(10) of 1 MiB each, and returns how the first
// that failed did.
func (h *local) write(mib, n int) scsi.Sense {
	data := make([]byte, 1<<20)
	data[0] = 1
	for i := range n {
		c := scsi.CDB{0: 0x2A, 7: 0x08}
		binary.BigEndian.PutUint32(c[2:], uint32(mib+i)*2048)
		if s := h.do(c, data); s != scsi.NoSense {
			return s
		}
	}
	return scsi.NoSense
}

// unmap gives n MiB at mib back.
func (h *local) unmap(mib, n int) scsi.Sense {
	p := make([]byte, 24)
	binary.BigEndian.PutUint16(p[2:], 16)
	binary.BigEndian.PutUint64(p[8:], uint64(mib)*2048)
	binary.BigEndian.PutUint32(p[16:], uint32(n)*2048)
	return h.do(scsi.CDB{0: 0x42, 8: 24}, p)
}

func (h *local) ready() scsi.Sense { return h.do(scsi.CDB{}, nil) }
