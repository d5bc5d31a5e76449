package control

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/shelf"
)

// TestSnapshotOfSeveral takes snapshots of two units while both are written to in turn: none has a
// write that came after one that the other lacks.
func TestSnapshotOfSeveral(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	guids := []string{guidA, guidB}
	for i, guid := range guids {
		r.createUnit(UnitCreate{Path: r.path(string(rune('a' + i))), GUID: guid, Size: 1 << 20, Thin: true, WriteCache: true})
	}
	ctx, cancel := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		op := &sbd.Op{MayBlock: true}
		p := make([]byte, 4096)
		for n := uint64(1); ctx.Err() == nil; n++ {
			binary.LittleEndian.PutUint64(p, n)
			if err := r.unit(guids[n%2]).unit.WriteAt(op, p, 64<<10, false); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for _, name := range []string{"one", "two", "three"} {
		done := must(r.TakeSnapshot(t.Context(), guidA, SnapshotTake{Name: name, With: []string{guidB}}))(t)
		if done.Stood <= 0 || len(done.Units) != 2 || done.Units[0].Unit != guidA || done.Units[1].Name != name {
			t.Errorf("%+v", done)
		}
	}
	cancel()
	writer.Wait()
	for _, name := range []string{"one", "two", "three"} {
		var last []uint64
		for _, guid := range guids {
			u := must(r.CloneSnapshot(t.Context(), guid+"@"+name, SnapshotClone{NoView: true}))(t)
			p := make([]byte, 8)
			if err := r.unit(u.GUID).unit.ReadAt(&sbd.Op{MayBlock: true}, p, 64<<10); err != nil {
				t.Fatal(err)
			}
			last = append(last, binary.LittleEndian.Uint64(p))
			must(r.DeleteUnit(t.Context(), u.GUID, UnitDelete{RemoveStore: true}))(t)
		}
		if last[0]+1 != last[1] && last[1]+1 != last[0] && last[0]+last[1] > 1 {
			t.Errorf("%s has writes %d and %d", name, last[0], last[1])
		}
	}
}

// TestSnapshotOfAllOrNone: where one of several cannot be made, none is.
func TestSnapshotOfAllOrNone(t *testing.T) {
	r := start(t, nil)
	for i, guid := range []string{guidA, guidB} {
		r.createUnit(UnitCreate{Path: r.path(string(rune('a' + i))), GUID: guid, Size: 1 << 20})
	}
	must(r.TakeSnapshot(t.Context(), guidB, SnapshotTake{Name: "x"}))(t)
	_, err := r.TakeSnapshot(t.Context(), guidA, SnapshotTake{Name: "x", With: []string{guidB}})
	wantProblem(t, err, "already", "another name")
	must(r.OfflineUnit(t.Context(), guidA, UnitTakeOffline{}))(t)
	_, err = r.TakeSnapshot(t.Context(), guidA, SnapshotTake{Name: "x", With: []string{guidB}})
	wantProblem(t, err, "already", "another name")
	if list := must(r.Snapshots(t.Context(), guidA))(t); len(list) > 0 {
		t.Errorf("the other has %+v", list)
	}
	// An offline unit takes part in another.
	done := must(r.TakeSnapshot(t.Context(), guidA, SnapshotTake{With: []string{guidB}}))(t)
	if done.Units[0].Name == "" || done.Units[0].Name != done.Units[1].Name {
		t.Errorf("%+v", done)
	}
}

// A takenVolume is one of which snapshots are made neither by a shelf nor by ZFS.
type takenVolume struct {
	stream.Volume
	refuses error
	during  func()
}

func (v *takenVolume) Take(ctx context.Context, name string) (stream.Snapshot, error) {
	if v.during != nil {
		v.during()
	}
	if v.refuses != nil {
		return stream.Snapshot{}, v.refuses
	}
	return stream.Snapshot{Name: name, GUID: 1}, ctx.Err()
}

// TestSnapshotFails: a volume that refuses, or panics, leaves a unit beside it as it was, and
// writing.
func TestSnapshotFails(t *testing.T) {
	other := &takenVolume{refuses: errors.New("not today")}
	r := start(t, func(o *Options) {
		o.openVolume = func(name string) (stream.Volume, error) {
			if strings.HasSuffix(name, "b") {
				other.Volume = shelf.New(name)
				return other, nil
			}
			return shelf.New(name), nil
		}
	})
	for i, guid := range []string{guidA, guidB} {
		r.createUnit(UnitCreate{Path: r.path(string(rune('a' + i))), GUID: guid, Size: 1 << 20})
	}
	_, err := r.TakeSnapshot(t.Context(), guidA, SnapshotTake{Name: "x", With: []string{guidB}})
	if err == nil || !strings.Contains(err.Error(), "not today") {
		t.Errorf("it says %v", err)
	}
	want := bytes.Repeat([]byte{7}, 4096)
	if err := r.unit(guidA).unit.WriteAt(&sbd.Op{MayBlock: true}, want, 0, true); err != nil {
		t.Fatal(err)
	}
	if list := must(r.Snapshots(t.Context(), guidA))(t); len(list) > 0 {
		t.Errorf("it has %+v", list)
	}
	r.restart()
	got := make([]byte, 4096)
	if err := r.unit(guidA).unit.ReadAt(&sbd.Op{MayBlock: true}, got, 0); err != nil || !bytes.Equal(got, want) {
		t.Errorf("what was written later is not there (%v)", err)
	}
	other.refuses = nil
	must(r.TakeSnapshot(t.Context(), guidA, SnapshotTake{Name: "x", With: []string{guidB}}))(t)
}

// TestSnapshotRollback: an offline unit is what it was, and its clones are in the way.
func TestSnapshotRollback(t *testing.T) {
	r := start(t, nil)
	r.createUnit(UnitCreate{Path: r.path("a"), GUID: guidA, Size: 1 << 20})
	write := func(c byte) {
		t.Helper()
		if err := r.unit(guidA).unit.WriteAt(&sbd.Op{MayBlock: true}, bytes.Repeat([]byte{c}, 4096), 0, false); err != nil {
			t.Fatal(err)
		}
	}
	write('1')
	must(r.TakeSnapshot(t.Context(), guidA, SnapshotTake{Name: "one"}))(t)
	write('2')
	must(r.TakeSnapshot(t.Context(), guidA, SnapshotTake{Name: "two"}))(t)
	write('3')
	_, err := r.RollbackUnit(t.Context(), guidA+"@one", SnapshotRollback{})
	wantProblem(t, err, "online", "lunar lu offline")
	must(r.OfflineUnit(t.Context(), guidA, UnitTakeOffline{}))(t)
	must(r.CloneSnapshot(t.Context(), guidA+"@two", SnapshotClone{GUID: guidB}))(t)
	_, err = r.RollbackUnit(t.Context(), guidA+"@one", SnapshotRollback{Try: true})
	wantProblem(t, err, "clones", "Delete the units")
	must(r.DeleteUnit(t.Context(), guidB, UnitDelete{RemoveStore: true}))(t)
	if done := must(r.RollbackUnit(t.Context(), guidA+"@one", SnapshotRollback{}))(t); len(done.Gone) != 1 || done.Gone[0] != "two" {
		t.Errorf("%+v", done)
	}
	must(r.OnlineUnit(t.Context(), guidA))(t)
	p := make([]byte, 1)
	if err := r.unit(guidA).unit.ReadAt(&sbd.Op{MayBlock: true}, p, 0); err != nil || p[0] != '1' {
		t.Errorf("it has %q (%v)", p, err)
	}
	must(r.DeleteUnit(t.Context(), guidA, UnitDelete{RemoveStore: true}))(t)
	files, err := os.ReadDir(r.path(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), "a") && !strings.HasPrefix(f.Name(), "api") {
			t.Errorf("%s is left", f.Name())
		}
	}
}
