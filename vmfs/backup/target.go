package backup

import (
	"fmt"
	"io"

	"github.com/lunarsan/lunar/vmfs"
)

// A Medium is what a backup is restored to.
type Medium interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// A Target is a device, a partition or an image that a backup is restored to.
type Target struct {
	Name string // for messages
	Size int64
	Medium
}

// lvmHeader is where a partition has its LVM header.
const lvmHeader = 0x100000

// A placed target is the one that a member of the volume is on.
type placed struct {
	*Target
	member *Member
	start  int64 // of the partition on the target
}

// at is the offset on the target of an offset of the member.
func (p *placed) at(offset int64, onDevice bool) int64 {
	if onDevice {
		return offset - p.member.Start + p.start
	}
	return offset + p.start
}

// read reads from the target, whole or not at all.
func (p *placed) read(b []byte, at int64) error {
	if at < 0 || at > p.Size-int64(len(b)) {
		return fmt.Errorf("%s has %d bytes, and none at %#x: %w", p.Name, p.Size, at+int64(len(b)), io.ErrUnexpectedEOF)
	}
	if n, err := p.ReadAt(b, at); n < len(b) {
		return fmt.Errorf("reading %d bytes at %#x of %s: %w", len(b), at, p.Name, err)
	}
	return nil
}

// header is the LVM header on the target; nil where there is none.
func (p *placed) header() *vmfs.LVMHeader {
	h := new(vmfs.LVMHeader)
	if p.read(h[:], p.start+lvmHeader) != nil || h.Magic() != 0xC001D00D {
		return nil
	}
	return h
}

// place finds which target each member is on: by the LVM headers that are there, then by size,
// then in their order.
func (r *Restore) place(targets []Target) error {
	m := r.backup.Members
	if len(targets) != len(m) {
		return fmt.Errorf("the volume has %d extents, and %d images are named", len(m), len(targets))
	}
	r.placed = make([]*placed, len(m))
	used := make([]bool, len(targets))
	fits := []func(p *placed) bool{
		func(p *placed) bool { h := p.header(); return h != nil && h.UUID().String() == p.member.UUID },
		func(p *placed) bool { return p.header() == nil && r.sized(p) && r.sizes(p.Size) == 1 },
		func(p *placed) bool { return p.header() == nil && r.sized(p) },
		func(*placed) bool { return true },
	}
	for how, fit := range fits {
		for i := range m {
			for k := range targets {
				if r.placed[i] != nil || used[k] {
					continue
				}
				p := &placed{&targets[k], &m[i], m[i].Start}
				if targets[k].Size == m[i].Size {
					p.start = 0
				}
				if !fit(p) {
					continue
				}
				r.placed[i], used[k] = p, true
				if how == 2 {
					r.object(AnotherVolume, "the headers of %s are lost: it was taken for extent %d by the order of the images", p.Name, i)
				}
				r.identify(p)
			}
		}
	}
	return nil
}

// sized reports a target that is as long as the member's device, or its partition.
func (r *Restore) sized(p *placed) bool {
	return p.Size == p.member.DeviceSize || p.Size == p.member.Size
}

// sizes is how many members have a device or a partition of a size.
func (r *Restore) sizes(size int64) (n int) {
	for _, m := range r.backup.Members {
		if size == m.DeviceSize || size == m.Size {
			n++
		}
	}
	return n
}

// identify objects to a target that is not what the backup is of.
func (r *Restore) identify(p *placed) {
	if h := p.header(); h != nil && h.UUID().String() != p.member.UUID {
		r.object(AnotherVolume, "%s has the LVM device %s, and the backup is of %s", p.Name, h.UUID(), p.member.UUID)
	}
	if !r.sized(p) {
		r.object(AnotherVolume, "%s has %d bytes, and the backup is of a device of %d with a partition of %d", p.Name, p.Size, p.member.DeviceSize, p.member.Size)
	}
}
