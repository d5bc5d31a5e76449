package target

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/scsi"
)

var isid = [6]byte{0x00, 0x02, 0x3d, 0x00, 0x00, 0x01}

func TestNames(t *testing.T) {
	d := newDevice(t)
	must(t, d.AddTarget(Target{Name: disks}))
	n, err := d.Connect("IQN.2026-01.org.example:HOST", isid, disks, 2)
	must(t, err)
	want := scsi.Names{
		Initiator: host, InitiatorPort: host + ",i,0x00023d000001",
		Target: disks, TargetPort: disks + ",t,0x0002",
		RelativePort: 2,
	}
	if diff := cmp.Diff(want, n.Names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// A port keeps its number whatever comes and goes, and no two ports have the same.
func TestRelativePorts(t *testing.T) {
	d := newDevice(t)
	must(t, d.AddTarget(Target{Name: disks}))
	must(t, d.AddTarget(Target{Name: tapes, Groups: []uint16{2}}))
	must(t, d.SetPortalGroup(PortalGroup{Tag: 3}))
	got := func() (ports []uint16) {
		for i, c := range []struct {
			target string
			tag    uint16
		}{{disks, 1}, {disks, 2}, {tapes, 2}, {disks, 3}} {
			n, err := d.Connect(host, [6]byte{byte(i)}, c.target, c.tag)
			must(t, err)
			ports = append(ports, n.RelativePort)
			n.Close(func() {})
		}
		return ports
	}
	first := got()
	if diff := cmp.Diff([]uint16{1, 2, 3, 4}, first); diff != "" {
		t.Errorf("relative target port identifiers (-want +got):\n%s", diff)
	}
	must(t, d.RemoveTarget(disks))
	must(t, d.AddTarget(Target{Name: "iqn.2026-01.org.example:new"}))
	must(t, d.AddTarget(Target{Name: disks}))
	if diff := cmp.Diff(first, got()); diff != "" {
		t.Errorf("after a change (-before +after):\n%s", diff)
	}
}

func TestConnect(t *testing.T) {
	d := newDevice(t)
	must(t, d.AddTarget(Target{Name: disks, Groups: []uint16{1}}))
	if _, err := d.Connect(host, isid, disks, 2); !errors.Is(err, ErrNoTarget) {
		t.Errorf("through another group: %v", err)
	}
	if _, err := d.Connect(host, isid, "disks", 1); !errors.Is(err, ErrNoTarget) {
		t.Errorf("no name: %v", err)
	}
	n, err := d.Connect(host, isid, disks, 1)
	must(t, err)
	_, err = d.Connect(host, isid, disks, 1)
	mustFail(t, err, "has not ended yet")
	other, err := d.Connect(host, [6]byte{1}, disks, 1)
	must(t, err)

	drained := 0
	n.Close(func() { drained++ })
	n, err = d.Connect(host, isid, disks, 1)
	must(t, err)
	n.Close(func() { drained++ })
	other.Close(func() { drained++ })
	if drained != 3 || len(d.nexuses) != 0 {
		t.Errorf("%d nexuses have drained, %d are left", drained, len(d.nexuses))
	}
	must(t, d.RemoveTarget(disks))
	if _, err := d.Connect(host, isid, disks, 1); !errors.Is(err, ErrRemoved) {
		t.Errorf("removed: %v", err)
	}
}

// Live nexuses follow what is added and removed.
func TestLive(t *testing.T) {
	d := newDevice(t)
	a, b := newUnit(), newUnit()
	must(t, show(d, 0, a))
	must(t, d.AddTarget(Target{Name: disks}))
	must(t, d.AddTarget(Target{Name: tapes}))
	n, err := d.Connect(host, isid, disks, 1)
	must(t, err)
	must(t, show(d, 7, b))
	if got := luns(n); !slices.Equal(got, []int{0, 7}) {
		t.Errorf("after a view it sees %v", got)
	}
	d.RemoveUnit(a)
	if got := luns(n); !slices.Equal(got, []int{7}) {
		t.Errorf("after RemoveUnit it sees %v", got)
	}
	must(t, d.RemoveTarget(tapes))
	if got := luns(n); !slices.Equal(got, []int{7}) {
		t.Errorf("after another target was removed it sees %v", got)
	}
	must(t, d.RemoveTarget(disks))
	if got := luns(n); len(got) != 0 {
		t.Errorf("after RemoveTarget it sees %v", got)
	}
	must(t, d.AddTarget(Target{Name: disks}))
	if got := luns(n); !slices.Equal(got, []int{7}) {
		t.Errorf("after AddTarget it sees %v", got)
	}
	n.Close(func() {})
	must(t, show(d, 0, a))
	d.RemoveUnit(a)
	d.RemoveUnit(b)
	a.Close()
	b.Close()
}

// luns asks the nexus by REPORT LUNS what it sees.
func luns(n *Nexus) (numbers []int) {
	t := &scsi.Task{Expected: 4096, Done: func(*scsi.Task) {}}
	copy(t.CDB[:], []byte{0xa0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0})
	n.Prepare(t)
	if !n.Submit(t) {
		panic("REPORT LUNS left its goroutine")
	}
	for p := t.In[min(8, len(t.In)):]; len(p) >= 8; p = p[8:] {
		number, _ := scsi.LUNFrom([8]byte(p)).Number()
		numbers = append(numbers, number)
	}
	t.Release()
	return numbers
}
