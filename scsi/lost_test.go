package scsi

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// TestLostAreBounded: initiators that come with new names every time cost no more memory.
func TestLostAreBounded(t *testing.T) {
	pool := buffer.NewPool(1 << 20)
	lu := NewLogicalUnit(sbd.NewUnit(testIdentity, sbd.Config{}), pool)
	visit := func(i int) {
		n := NewNexus(Names{InitiatorPort: fmt.Sprint(i), TargetPort: "t"}, pool)
		n.SetInventory(map[int]*LogicalUnit{0: lu})
		n.Close(func() {})
	}
	for i := range 2 * maxLost {
		visit(i)
	}
	visit(2*maxLost - 1) // once more, and is remembered once
	if n := len(lu.Carry().Nexuses); n != maxLost {
		t.Errorf("%d lost nexuses are remembered, want %d", n, maxLost)
	}
	var next LogicalUnit
	next.unit = sbd.NewUnit(testIdentity, sbd.Config{})
	carried := lu.Carry()
	carried.Nexuses = append(carried.Nexuses, CarriedNexus{InitiatorPort: "last"})
	next.Resume(carried)
	if n, last := len(next.lost), next.lost[len(next.lost)-1].initiatorPort; n != maxLost || last != "last" {
		t.Errorf("%d are taken over, the last one %q", n, last)
	}
	lu.Close()
}

// TestCarry: what is taken over is what was given.
func TestCarry(t *testing.T) {
	pool := buffer.NewPool(1 << 20)
	unit := func() *LogicalUnit { return NewLogicalUnit(sbd.NewUnit(testIdentity, sbd.Config{}), pool) }
	lu := unit()
	given := Carried{
		Nexuses: []CarriedNexus{
			{"a", "t", []Sense{PowerOnOccurred, CapacityHasChanged}},
			{"b", "t", nil},
		},
		DescriptorSense: true, TaskAborted: true, WriteProtect: true, WriteCache: true,
	}
	lu.Resume(given)
	if diff := cmp.Diff(given, lu.Carry()); diff != "" {
		t.Errorf("carried over (-given +taken):\n%s", diff)
	}
	lu.Resume(Carried{})
	if diff := cmp.Diff(Carried{Nexuses: given.Nexuses}, lu.Carry()); diff != "" {
		t.Errorf("back to the defaults (-want +got):\n%s", diff)
	}
	lu.Close()
}
