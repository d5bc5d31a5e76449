package vmfs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Member is an extent of the logical volume: a partition with its LVM metadata.
type Member struct {
	Partition
	Header *LVMHeader
	Volume *VolumeEntry

	runs []run
}

// volumes reads the volume entries in use.
func (p *Partition) volumes(h *LVMHeader) ([]*VolumeEntry, error) {
	layout := h.layout()
	var found []*VolumeEntry
	for i := range min(int(h.Volumes()), layout.most) {
		e := new(VolumeEntry)
		if _, err := p.ReadAt(e[:], lvmOffset+layout.volumes+int64(i*len(e))); err != nil {
			return nil, err
		}
		if e.State() != VolumeInvalid {
			found = append(found, e)
		}
	}
	return found, nil
}

// members reads the LVM metadata of a partition: a member for each volume that it is an extent
// of, which is one in practice.
func (p *Partition) members() ([]*Member, error) {
	h, err := p.LVMHeader()
	if err != nil {
		return nil, err
	}
	entries, err := p.volumes(h)
	if err != nil {
		return nil, err
	}
	var found []*Member
	for _, e := range entries {
		runs, err := p.peRuns(h, e.Number())
		if err != nil {
			return nil, err
		}
		found = append(found, &Member{Partition: *p, Header: h, Volume: e, runs: runs})
	}
	return found, nil
}

// An LV is a logical volume, put together from its members. Offsets in it are those that the
// format calls L.
type LV struct {
	Members []*Member // in the order of their places in the volume
	runs    []run     // by logical offset; what no run covers is missing
	size    int64
}

// assemble groups members into volumes, in the order of their first members.
func assemble(members []*Member) ([]*LV, error) {
	var (
		order  []volumeKey
		groups = map[volumeKey]*LV{}
	)
	for _, m := range members {
		key := m.Volume.key()
		lv := groups[key]
		if lv == nil {
			lv = &LV{}
			groups[key], order = lv, append(order, key)
		}
		lv.Members = append(lv.Members, m)
	}
	var lvs []*LV
	for _, key := range order {
		lv := groups[key]
		if err := lv.join(); err != nil {
			return nil, err
		}
		lvs = append(lvs, lv)
	}
	return lvs, nil
}

// join makes one map of those of the members.
func (lv *LV) join() error {
	slices.SortStableFunc(lv.Members, func(a, b *Member) int { return cmp.Compare(a.Volume.FirstPE(), b.Volume.FirstPE()) })
	var runs []run
	for i, m := range lv.Members {
		if i > 0 && m.Header.UUID() == lv.Members[i-1].Header.UUID() {
			return fmt.Errorf("%s and %s are the same extent of a volume: name one of them", lv.Members[i-1], m)
		}
		lv.size = max(lv.size, m.Volume.LogicalSize())
		for _, r := range m.runs {
			r.member = i
			runs = append(runs, r)
		}
	}
	slices.SortFunc(runs, func(a, b run) int { return cmp.Compare(a.logical, b.logical) })
	for _, r := range runs {
		if n := len(lv.runs); n > 0 && r.logical < lv.runs[n-1].logical+lv.runs[n-1].length {
			return &FormatError{"physical extents", lv.Members[r.member].String(), r.physical, fmt.Sprintf("two claim the volume's bytes at %#x", r.logical)}
		}
		lv.runs = joined(lv.runs, r)
	}
	return nil
}

// UUID is that of the logical volume, which is not that of the file system.
func (lv *LV) UUID() UUID { return lv.Members[0].Volume.UUID() }

// Size is the length of the logical volume in bytes.
func (lv *LV) Size() int64 { return lv.size }

// Locate finds where the volume's bytes at l are: on which of Members, at which offset of its
// partition, and how many bytes from there on lie in one piece. The member is -1 where they
// are on an extent that is not there; n is then how many are.
func (lv *LV) Locate(l int64) (member int, physical, n int64) {
	i, _ := slices.BinarySearchFunc(lv.runs, l, func(r run, l int64) int {
		if r.logical+r.length <= l {
			return -1
		}
		return 1
	})
	if i == len(lv.runs) {
		return -1, 0, max(0, lv.size-l)
	}
	r := &lv.runs[i]
	if l < r.logical {
		return -1, 0, r.logical - l
	}
	return r.member, r.physical + l - r.logical, r.logical + r.length - l
}

// ReadAt reads from the logical volume, whole or not at all.
func (lv *LV) ReadAt(p []byte, l int64) (int, error) {
	for done := 0; done < len(p); {
		m, physical, n := lv.Locate(l + int64(done))
		if m < 0 {
			return 0, lv.missing(l+int64(done), n)
		}
		piece := p[done:min(int64(len(p)), int64(done)+n)]
		if _, err := lv.Members[m].ReadAt(piece, physical); err != nil {
			return 0, err
		}
		done += len(piece)
	}
	return len(p), nil
}

// view returns n bytes at l: in place where they lie in one piece, else read into buf.
func (lv *LV) view(l int64, n int, buf *scratch) ([]byte, error) {
	if m, physical, whole := lv.Locate(l); m >= 0 && whole >= int64(n) {
		return lv.Members[m].view(physical, n, buf)
	}
	p := buf.take(n)
	_, err := lv.ReadAt(p, l)
	return p, err
}

// missing says that there is nothing to read at l.
func (lv *LV) missing(l, n int64) error {
	if n == 0 {
		return damaged("offset", l, "it is behind the end of the volume, %#x", lv.size)
	}
	return fmt.Errorf("the volume's bytes at %#x are %w", l, ErrMissing)
}

// Missing says in words which parts of the volume are not there; nothing when it is whole.
func (lv *LV) Missing() []string {
	var found []string
	for l := int64(0); l < lv.size; {
		m, _, n := lv.Locate(l)
		if m < 0 {
			found = append(found, fmt.Sprintf("%d bytes from %#x on", n, l))
		}
		l += n
	}
	if len(found) == 0 {
		return nil
	}
	if names := lv.DeviceNames(); len(names) > len(lv.Members) {
		found = append(found, fmt.Sprintf("the volume has %d extents, on %s", len(names), strings.Join(names, ", ")))
	} else if n := lv.Members[0].Volume.Devices(); int(n) > len(lv.Members) {
		found = append(found, fmt.Sprintf("the volume has %d extents", n))
	}
	return found
}

// DeviceNames are the names that ESXi gave the devices of the volume, as the first extent of a
// volume of LVM 5 or later lists them [C1].
func (lv *LV) DeviceNames() (names []string) {
	m := lv.Members[0]
	at := m.Header.layout().devices
	if at == 0 || m.Volume.FirstPE() != 0 {
		return nil
	}
	var entry [256]byte
	for i := range min(int64(m.Volume.Devices()), 32) {
		if _, err := m.ReadAt(entry[:], lvmOffset+at+i*int64(len(entry))); err != nil || entry[0] == 0 {
			break
		}
		names = append(names, string(text(entry[:])))
	}
	return names
}
