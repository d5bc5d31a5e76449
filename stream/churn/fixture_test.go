package churn

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

const (
	kib = 1 << 10
	mib = 1 << 20

	blockSize = 4 * kib // of the streams: changes of files are exact in it
)

// machines is a volume with two machines that have a file of every kind.
func machines(version int) vmfstest.Spec {
	return vmfstest.Spec{
		Version: version, Label: "store", Seed: 1,
		Devices:    []vmfstest.Device{{Table: vmfstest.GPT}},
		Heartbeats: []vmfstest.Heartbeat{{Slot: 3, Generation: 7, Stamp: 3600e6, Host: 9, Address: "192.0.2.7"}},
		Files: []vmfstest.File{
			{Path: "/web01/web01.vmx", Data: []byte("displayName = \"web01\"\n")},
			{Path: "/web01/web01.vmdk", Data: []byte("# Disk DescriptorFile\n")},
			{Path: "/web01/web01-flat.vmdk", Size: 12 * mib, Seed: 1, Step: 2},
			{Path: "/web01/web01-ctk.vmdk", Size: mib, Seed: 2, Layout: vmfstest.Direct},
			{Path: "/web01/web01-000001-delta.vmdk", Size: 2 * mib, Seed: 3},
			{Path: "/web01/web01-1a2b3c.vswp", Size: 4 * mib, Seed: 4},
			{Path: "/web01/vmware.log", Size: 2 * mib, Seed: 5},
			{Path: "/db01/db01.vmx", Data: []byte("displayName = \"db01\"\n")},
			{Path: "/db01/db01-flat.vmdk", Size: 8 * mib, Seed: 6},
			{Path: "/iso/tools.iso", Size: 3 * mib, Seed: 7},
			{Path: "/.vSphere-HA/state", Size: mib, Seed: 8, Layout: vmfstest.Direct},
		},
	}
}

// A history is a volume with its snapshots, as streams.
type history struct {
	t     *testing.T
	disk  *vmfstest.Disk
	image *vmfstest.Image
	now   dmu.Link
}

func newHistory(t *testing.T, s vmfstest.Spec) *history {
	t.Helper()
	disks, image, err := s.Disks()
	if err != nil {
		t.Fatal(err)
	}
	disks[0].Size = (disks[0].Size + blockSize - 1) / blockSize * blockSize
	return &history{t: t, disk: disks[0], image: image, now: dmu.Link{
		GUID: 1, Name: "tank/store@s1", Created: time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC), BlockSize: blockSize,
	}}
}

// volume opens the volume as it is.
func (h *history) volume() (*vmfs.Volume, *vmfs.Device) {
	h.t.Helper()
	d := &vmfs.Device{Name: "disk", ReaderAt: h.disk, Size: h.disk.Size}
	parts, err := vmfs.Partitions(d)
	if err != nil {
		h.t.Fatal(err)
	}
	v, err := vmfs.OpenPartitions(parts...)
	if err != nil {
		h.t.Fatal(err)
	}
	return v[0], d
}

// layout is whose bytes the disk has.
func (h *history) layout() *Map {
	h.t.Helper()
	v, d := h.volume()
	l, err := NewLayout(v)
	if err != nil || len(l.Problems) > 0 {
		h.t.Fatal(err, l.Problems)
	}
	return l.On(d)
}

// write makes n bytes at off of a file something else.
func (h *history) write(name string, off, n int64, fill byte) {
	h.t.Helper()
	v, _ := h.volume()
	f, err := v.Lookup(name)
	if err != nil {
		h.t.Fatal(err)
	}
	for e, err := range f.ExtentsIn(off, off+n) {
		if err != nil || e.Device < 0 {
			h.t.Fatal(name, e, err)
		}
		p := bytes.Repeat([]byte{fill}, int(e.Length))
		if _, err := h.disk.WriteAt(p, v.Members[e.Device].Start+e.Physical); err != nil {
			h.t.Fatal(err)
		}
	}
}

// next takes a snapshot an interval later, after change has changed the disk, and returns the
// stream of what is other.
func (h *history) next(after time.Duration, change func()) []byte {
	h.t.Helper()
	before := h.disk
	h.disk = before.Fork()
	change()
	now := h.now
	now.GUID, now.From = h.now.GUID+1, h.now.GUID
	now.Name = fmt.Sprintf("tank/store@s%d", now.GUID)
	now.Created = now.Created.Add(after)
	var out bytes.Buffer
	g := dmu.NewGenerator(source{h.disk}, dmu.GenerateOptions{
		Snapshot: now, Base: source{before}, BaseSize: uint64(before.Size), Changes: pages(h.disk.Pages()),
	})
	if _, err := g.Generate(h.t.Context(), &out); err != nil {
		h.t.Fatal(err)
	}
	h.now = now
	return out.Bytes()
}

// A source is a disk in memory as the generator wants it.
type source struct{ disk *vmfstest.Disk }

func (s source) ReadAt(p []byte, off int64) (int, error) { return s.disk.ReadAt(p, off) }
func (s source) Size() int64                             { return s.disk.Size }

// pages are the pages of a fork that were written.
type pages []int64

func (p pages) Next(off int64) (from, n int64, err error) {
	for _, at := range p {
		if at+blockSize > off {
			return at, blockSize, nil
		}
	}
	return 0, 0, nil
}

// unit is the volume for a Tally.
func (h *history) unit() func(string) (Unit, error) {
	m := h.layout()
	return func(dataset string) (Unit, error) {
		return Unit{Name: dataset, Size: h.disk.Size, Layout: layoutOf(m)}, nil
	}
}

// read adds streams up, all of the last state of the volume.
func (h *history) read(t *Tally, streams ...[]byte) {
	h.t.Helper()
	for _, s := range streams {
		if _, err := t.Read(h.t.Context(), bytes.NewReader(s), h.unit()); err != nil {
			h.t.Fatal(err)
		}
	}
}
