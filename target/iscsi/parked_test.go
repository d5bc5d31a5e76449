package iscsi_test

import (
	"testing"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// TestStrayDataWhileShortOfMemory sends data that nobody asked for to a write that waits for
// a buffer. The write ends there: memory that comes later must not reach its successor.
func TestStrayDataWhileShortOfMemory(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{Keys: []string{"InitialR2T=Yes", "ImmediateData=No"}})
		// All memory is lent but for less than the write wants.
		var hoard []*buffer.Buffer
		for b := r.pool.TryGet(4 << 10); b != nil; b = r.pool.TryGet(4 << 10) {
			hoard = append(hoard, b)
		}
		write := &initiator.Command{CDB: write10(0, 128), Out: pattern(128*512, 1)}
		if err := c.Start(write); err != nil {
			t.Fatal(err)
		}
		var stray iscsi.BHS
		stray.Start(iscsi.OpDataOut)
		stray.SetFinal(true)
		stray.SetITT(write.ITT)
		stray.SetTTT(iscsi.NoTag)
		if err := c.Send(&stray, make([]byte, 512)); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(write); err != nil {
			t.Fatal(err)
		}
		if s := write.SenseCode(); s != scsi.UnexpectedUnsolicitedData {
			t.Errorf("sense %v", s)
		}
		for _, b := range hoard {
			b.Put()
		}
		next := &initiator.Command{CDB: write10(0, 64), Out: pattern(64*512, 2)}
		if err := c.Do(next); err != nil {
			t.Fatal(err)
		}
		if err := next.Check(); err != nil {
			t.Fatal(err)
		}
		readBack(t, c, 0, pattern(64*512, 2))
		r.logout(c)
	})
}
