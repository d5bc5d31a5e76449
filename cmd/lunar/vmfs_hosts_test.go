package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// beating is a device on which the host of a slot writes its heartbeat every three seconds.
type beating struct {
	*vmfstest.Disk
	at    int64 // of the stamp
	since time.Time
}

func (b *beating) ReadAt(p []byte, off int64) (int, error) {
	n, err := b.Disk.ReadAt(p, off)
	if i := b.at - off; i >= 0 && i < int64(n) {
		p[i] = byte(time.Since(b.since) / (3 * time.Second))
	}
	return n, err
}

// TestHosts tells a host that is alive from one that is not.
func TestHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disks, img, err := (vmfstest.Spec{Version: 6, Heartbeats: []vmfstest.Heartbeat{
			{Slot: 1, Generation: 2, Stamp: 1 << 40, Host: 1},
			{Slot: 5, Generation: 2, Stamp: 1 << 40, Host: 2, Journal: true},
			{Slot: 6, Generation: 9, Free: true},
		}}).Disks()
		if err != nil {
			t.Fatal(err)
		}
		_, at := img.Place(0x300000 + 1*4096 + 0x14)
		d := &beating{disks[0], at, time.Now()}
		v, err := vmfs.Open(vmfs.Device{Name: "disk", ReaderAt: d, Size: d.Size})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		list, err := (&cli{}).hostsOf(t.Context(), v, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range list {
			got = append(got, h.state())
		}
		if len(got) != 2 || got[0] != "alive" || got[1] != "silent, with a journal" {
			t.Errorf("the hosts are %q", got)
		}
		if waited := time.Since(began); waited < 6*time.Second {
			t.Errorf("it waited only %v between two looks", waited)
		}
	})
}
