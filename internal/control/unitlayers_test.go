package control

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
)

// TestUnitWithLayers: a unit is frozen while it is served, goes on after a restart and a crash as
// it was, and takes its layers along when it goes.
func TestUnitWithLayers(t *testing.T) {
	r := start(t, nil)
	path := r.path("a")
	r.createUnit(UnitCreate{Path: path, GUID: guidA, Size: 1 << 20, Thin: true, WriteCache: true})
	op := &sbd.Op{MayBlock: true}
	write := func(value byte) {
		t.Helper()
		if err := r.unit(guidA).unit.WriteAt(op, bytes.Repeat([]byte{value}, 4096), 0, false); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(value byte) {
		t.Helper()
		p := make([]byte, 4096)
		if err := r.unit(guidA).unit.ReadAt(op, p, 0); err != nil || p[0] != value || p[4095] != value {
			t.Fatalf("it has %d, want %d (%v)", p[0], value, err)
		}
	}
	write(1)
	_, err := sbd.Hold(t.Context(), []*sbd.Unit{r.unit(guidA).unit}, time.Minute, func(_ context.Context, held []*sbd.Held) error {
		over, err := layer.Over(held[0].Store(), path, sbd.OpenOptions{}, "monday")
		if err != nil {
			return err
		}
		return held[0].Swap(over)
	})
	if err != nil {
		t.Fatal(err)
	}
	write(2)
	r.restart()
	expect(2)
	write(3)
	r.crash()
	expect(3)
	if used := must(r.Unit(t.Context(), guidA))(t); used.State != UnitOnline || used.Size != 1<<20 {
		t.Errorf("the unit is %+v", used)
	}
	at := must(layer.At(path, "monday"))(t)
	p := make([]byte, 1)
	if _, err := at.ReadAt(p, 0); err != nil || p[0] != 1 {
		t.Errorf("the layer has %d (%v)", p[0], err)
	}
	if err := at.Close(); err != nil {
		t.Error(err)
	}

	clone := must(layer.Clone(path, "monday", "drill"))(t)
	r.createUnit(UnitCreate{Path: clone, GUID: guidB})
	_, err = r.DeleteUnit(t.Context(), guidA, UnitDelete{RemoveStore: true})
	wantProblem(t, err, "drill", "--keep-store")
	must(r.DeleteUnit(t.Context(), guidB, UnitDelete{}))(t)
	if err := layer.Discard(path, "drill"); err != nil {
		t.Fatal(err)
	}
	if done := must(r.DeleteUnit(t.Context(), guidA, UnitDelete{RemoveStore: true}))(t); !done.StoreRemoved {
		t.Error("the store was not removed")
	}
	for _, left := range []string{path, path + ".layers"} {
		if _, err := os.Lstat(left); err == nil {
			t.Errorf("%s is left", left)
		}
	}
}
