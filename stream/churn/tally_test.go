package churn

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/stream/dmu"
)

func layoutOf(m *Map) func(context.Context, string) (*Map, error) {
	return func(context.Context, string) (*Map, error) { return m, nil }
}

// TestExact changes known files of volumes of every version, and finds exactly these bytes.
func TestExact(t *testing.T) {
	for _, version := range []int{3, 5, 6} {
		t.Run(fmt.Sprint("VMFS", version), func(t *testing.T) {
			h := newHistory(t, machines(version))
			stream := h.next(24*time.Hour, func() {
				h.write("/web01/web01-flat.vmdk", mib-64*kib, 192*kib, 0xA1) // over the end of a block
				h.write("/web01/web01-1a2b3c.vswp", 0, mib, 0xA2)
				h.write("/web01/vmware.log", 8*kib, 4*kib, 0xA3)
				h.write("/web01/web01-000001-delta.vmdk", 0, 512*kib, 0xA4)
				h.write("/web01/web01-ctk.vmdk", 64*kib, 16*kib, 0xA5)
				h.write("/db01/db01-flat.vmdk", 2*mib, 256*kib, 0xA6)
				h.write("/iso/tools.iso", 0, 128*kib, 0)
				h.write("/.vSphere-HA/state", 0, 4*kib, 0xA7)
				v, _ := h.volume()
				at, _, _ := v.Superblock().HeartbeatRegion()
				_, physical, _ := v.Locate(at)
				beat := make([]byte, 4*kib)
				if _, err := h.disk.WriteAt(beat, v.Members[0].Start+physical); err != nil {
					t.Fatal(err)
				}
				beat[9] = 1
				if _, err := h.disk.WriteAt(beat, v.Members[0].Start+physical); err != nil {
					t.Fatal(err)
				}
				_, last := h.image.Place(v.Size() - mib)
				if _, err := h.disk.WriteAt(bytes.Repeat([]byte{0xA8}, 32*kib), last); err != nil {
					t.Fatal(err)
				}
				if _, err := h.disk.WriteAt(bytes.Repeat([]byte{0xA9}, 4*kib), h.disk.Size-8*kib); err != nil {
					t.Fatal(err)
				}
			})
			var tally Tally
			h.read(&tally, stream)
			r := tally.Report(0)
			got := map[string][2]int64{}
			for _, l := range r.Files.Lines {
				got[l.Name+"|"+l.Machine+"|"+l.Disk+"|"+l.Kind.String()] = [2]int64{l.Written, l.Freed}
			}
			want := map[string][2]int64{
				"/web01/web01-flat.vmdk|web01|/web01/web01.vmdk|disk":          {192 * kib, 0},
				"/web01/web01-1a2b3c.vswp|web01||swap":                         {mib, 0},
				"/web01/vmware.log|web01||log":                                 {4 * kib, 0},
				"/web01/web01-000001-delta.vmdk|web01|/web01/web01.vmdk|delta": {512 * kib, 0},
				"/web01/web01-ctk.vmdk|web01|/web01/web01.vmdk|tracking":       {16 * kib, 0},
				"/db01/db01-flat.vmdk|db01|/db01/db01.vmdk|disk":               {256 * kib, 0},
				"/iso/tools.iso|||other":                                       {0, 128 * kib},
				"/.vSphere-HA/state|||host":                                    {4 * kib, 0},
				"heartbeats of hosts|||heartbeat":                              {4 * kib, 0},
				"space that no file has|||free":                                {32 * kib, 0},
				"tank/store, outside of VMFS|||outside":                        {4 * kib, 0},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			machines := map[string]int64{}
			for _, l := range r.Machines.Lines {
				machines[l.Name] = l.Written
			}
			if machines["web01"] != 192*kib+mib+4*kib+512*kib+16*kib || machines["db01"] != 256*kib || machines["metadata"] != 4*kib {
				t.Errorf("by machine: %v", machines)
			}
			i := r.Intervals[0]
			if i.Written != r.Written || i.Sent != int64(len(stream)) || i.Size != h.disk.Size || r.Freed != 128*kib {
				t.Errorf("the interval: %+v", i)
			}
		})
	}
}

// TestIntervals joins increments to their snapshots by GUID, and a full stream tells when the
// first of them was made.
func TestIntervals(t *testing.T) {
	h := newHistory(t, machines(5))
	var full bytes.Buffer
	if _, err := dmu.NewGenerator(source{h.disk}, dmu.GenerateOptions{Snapshot: h.now, Changes: nil}).Generate(t.Context(), &full); err != nil {
		t.Fatal(err)
	}
	var tally Tally
	n, err := tally.Read(t.Context(), &full, h.unit())
	if n != 0 || err != nil {
		t.Fatalf("a full stream counts as %d increments, %v", n, err)
	}
	var streams [][]byte
	for i := range 4 {
		streams = append(streams, h.next(12*time.Hour, func() {
			h.write("/web01/web01-1a2b3c.vswp", 0, int64(i+1)*64*kib, byte(0xB0+i))
			if i < 2 {
				h.write("/web01/vmware.log", 0, 4*kib, byte(0xB0+i))
			} else {
				h.write("/db01/db01-flat.vmdk", 0, 4*kib, byte(0xB0+i))
			}
		}))
	}
	h.read(&tally, streams...)
	r := tally.Report(2)
	if len(r.Intervals) != 4 || r.Intervals[0].From != "s1" || r.Intervals[3].To != "s5" || r.Seconds != 2*86400 {
		t.Fatalf("intervals %+v, %v s", r.Intervals, r.Seconds)
	}
	swap := r.Files.Lines[0]
	if diff := cmp.Diff([]int64{64 * kib, 128 * kib, 192 * kib, 256 * kib}, swap.Series); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if *swap.PerDay != 320*kib || swap.Trend == nil || *swap.Trend < 1.33 || *swap.Trend > 1.34 {
		t.Errorf("%d a day, trend %v", *swap.PerDay, swap.Trend)
	}
	for _, l := range r.Files.Lines {
		if l.Machine == "db01" && l.Trend != nil {
			t.Errorf("%s was nothing before, and its trend is %v", l.Name, *l.Trend)
		}
	}
	if _, err := tally.Read(t.Context(), bytes.NewReader(streams[1]), h.unit()); !errors.Is(err, ErrTwice) {
		t.Errorf("the same again: %v", err)
	}
}

// TestNotWhole adds nothing up of a stream that is cut, or is not of a volume.
func TestNotWhole(t *testing.T) {
	h := newHistory(t, machines(6))
	stream := h.next(time.Hour, func() { h.write("/db01/db01-flat.vmdk", 0, mib, 0xC1) })
	for _, n := range []int{0, 100, 312, len(stream) / 2, len(stream) - 1} {
		var tally Tally
		if _, err := tally.Read(t.Context(), bytes.NewReader(stream[:n]), h.unit()); err == nil {
			t.Errorf("%d bytes of %d are taken", n, len(stream))
		}
		if r := tally.Report(0); r.Written != 0 || len(r.Intervals) != 0 || len(r.Files.Lines) != 0 {
			t.Errorf("%d bytes of %d are added up: %+v", n, len(stream), r)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := new(Tally).Read(ctx, bytes.NewReader(stream), h.unit()); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

// TestRecords adds up what senders other than ours put into streams.
func TestRecords(t *testing.T) {
	write := func(object, off, n uint64) *dmu.Record {
		w := dmu.NewRecord(dmu.TypeWrite).Write()
		w.SetObject(object)
		w.SetDMUType(dmu.ObjectZvol)
		w.SetOffset(off)
		w.SetLogicalSize(n)
		return w.Record()
	}
	free := func(object, off, n uint64) *dmu.Record {
		f := dmu.NewRecord(dmu.TypeFree).Free()
		f.SetObject(object)
		f.SetOffset(off)
		f.SetLength(n)
		return f.Record()
	}
	embedded := dmu.NewRecord(dmu.TypeWriteEmbedded).WriteEmbedded()
	embedded.SetObject(1)
	embedded.SetOffset(48 * kib)
	embedded.SetLength(16 * kib)
	embedded.SetLogicalSize(16 * kib)
	embedded.SetPhysicalSize(8)
	embedded.SetCompression(dmu.CompressionLZ4)
	for _, c := range []struct {
		name           string
		records        []*dmu.Record
		size           int64
		written, freed int64
	}{
		{"nothing", nil, mib, 0, 0},
		{"a block, and an embedded one", []*dmu.Record{write(1, 0, 16*kib), embedded.Record()}, mib, 32 * kib, 0},
		{"where the last block ends", []*dmu.Record{free(1, 64*kib, dmu.ToEnd), write(1, 0, 16*kib), free(1, 32*kib, mib)}, mib, 16 * kib, 32 * kib},
		{"a hole beyond the end", []*dmu.Record{free(1, mib-4*kib, 8*mib)}, mib, 0, 4 * kib},
		{"a hole of unknown end", []*dmu.Record{free(1, 4*kib, 8*mib)}, 0, 0, 8 * mib},
		{"a hole twice", []*dmu.Record{free(1, 0, 64*kib), free(1, 0, 128*kib)}, mib, 0, 128 * kib},
		{"of no volume's length", []*dmu.Record{free(1, 1<<60, 1<<62), free(1, 1<<62, 1<<62)}, 0, 0, 0},
		{"the properties", []*dmu.Record{free(2, 512, dmu.ToEnd), free(2, 0, 512)}, mib, 0, 0},
	} {
		var out bytes.Buffer
		w := dmu.NewWriter(&out, binary.LittleEndian)
		b := dmu.NewBegin()
		b.SetVersion(dmu.Substream, dmu.FeatureEmbedData|dmu.FeatureLZ4)
		b.SetObjset(dmu.ObjsetZvol)
		b.SetFromGUID(1)
		b.SetToGUID(2)
		if err := b.SetToName("tank/v@b"); err != nil {
			t.Fatal(err)
		}
		end := dmu.NewRecord(dmu.TypeEnd)
		for _, r := range append(append([]*dmu.Record{b.Record()}, c.records...), end) {
			if r.Type() != dmu.TypeBegin {
				r.SetToGUID(2)
			}
			var payload []byte
			switch r.Type() {
			case dmu.TypeWrite:
				payload = make([]byte, r.Write().LogicalSize())
			case dmu.TypeWriteEmbedded:
				payload = make([]byte, 8)
			}
			if err := w.Write(r, payload); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var tally Tally
		n, err := tally.Read(t.Context(), &out, func(string) (Unit, error) { return Unit{Name: "v", Size: c.size}, nil })
		if r := tally.Report(0); n != 1 || err != nil || r.Written != c.written || r.Freed != c.freed {
			t.Errorf("%s: %d written, %d freed, %v", c.name, r.Written, r.Freed, err)
		}
	}
}
