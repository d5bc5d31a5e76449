package churn

import (
	"errors"
	"fmt"
	"path"

	"github.com/lunarsan/lunar/vmfs"
)

// A Map is whose bytes a device has, range by range.
type Map struct {
	owners []Owner
	claims []claim // apart, in order
}

// outside is the index of the owner of what nobody claims.
const outside = 0

// unknown is the Map of a device that nobody looked at.
func unknown() *Map { return &Map{owners: []Owner{{Kind: Unknown}}} }

// maxClaims bounds the memory of a layout: 400 MB. A volume of 16 TiB in blocks of 1 MiB, none
// beside the other of its file, has as many.
const maxClaims = 1 << 24

// Files whose sizes are beyond these are damaged, and not rounded to blocks (bytes).
const (
	maxBlock = 1 << 40
	maxSize  = 1 << 60
)

// maxProblems bounds what is told of a volume that is damaged.
const maxProblems = 20

// A Layout is where everything on VMFS volumes lies, on each of their devices.
type Layout struct {
	maps     map[*vmfs.Device]*Map
	owners   []Owner
	claims   int
	Problems []error // what could not be found, some of them; its bytes count as free
	Hidden   int     // how many problems more there are
}

// ErrPieces says that a volume is in too many pieces to tell which is whose.
var ErrPieces = errors.New("the volume is in too many pieces")

// On is what a device has of the volumes; it may have nothing of them.
func (l *Layout) On(d *vmfs.Device) *Map {
	if m := l.maps[d]; m != nil {
		return m
	}
	return &Map{owners: []Owner{{Kind: Outside}}}
}

// NewLayout finds where everything lies on volumes. What is damaged is a problem, and the rest is
// found; the error is ErrPieces.
func NewLayout(volumes ...*vmfs.Volume) (*Layout, error) {
	l := &Layout{maps: map[*vmfs.Device]*Map{}, owners: []Owner{{Kind: Outside}}}
	strata := map[*vmfs.Device]*[ranks][]claim{}
	for _, v := range volumes {
		s := survey{l: l, v: v, strata: strata, machines: map[string]bool{}}
		if err := s.volume(); err != nil {
			return nil, fmt.Errorf("%s: %w", v.Label(), err)
		}
	}
	for d, ranked := range strata {
		var claims []claim
		for _, c := range ranked {
			claims = over(apart(c), claims)
		}
		l.maps[d] = &Map{claims: claims}
	}
	for _, m := range l.maps {
		m.owners = l.owners
	}
	return l, nil
}

// Ranks of claims. Where two have the same bytes the higher is right: a sub-block of a file lies
// in a system file, which lies in the volume.
const (
	ofVolume = iota
	ofSystem
	ofFile
	ranks
)

// A survey finds what lies where on a volume.
type survey struct {
	l        *Layout
	v        *vmfs.Volume
	strata   map[*vmfs.Device]*[ranks][]claim
	machines map[string]bool // directories
}

// owner adds an owner.
func (s *survey) owner(o Owner) int32 {
	o.Datastore = s.v.Label()
	s.l.owners = append(s.l.owners, o)
	return int32(len(s.l.owners) - 1)
}

func (s *survey) problem(err error) {
	if len(s.l.Problems) == maxProblems {
		s.l.Hidden++
		return
	}
	s.l.Problems = append(s.l.Problems, fmt.Errorf("%s: %w", s.v.Label(), err))
}

// claim has n bytes at an offset of a member's partition be an owner's.
func (s *survey) claim(member int, at, n int64, rank int, owner int32) error {
	if s.l.claims++; s.l.claims > maxClaims {
		return fmt.Errorf("%w: more than %d", ErrPieces, maxClaims)
	}
	p := &s.v.Members[member].Partition
	ranked := s.strata[p.Device()]
	if ranked == nil {
		ranked = new([ranks][]claim)
		s.strata[p.Device()] = ranked
	}
	at = min(max(at, 0), p.Size)
	ranked[rank] = append(ranked[rank], claim{p.Start + at, p.Start + at + min(n, p.Size-at), owner})
	return nil
}

// volume finds what lies where: the headers and what is behind them, then files.
func (s *survey) volume() error {
	header, free := s.owner(Owner{Kind: Header}), s.owner(Owner{Kind: Free})
	for i, m := range s.v.Members {
		data := m.Header.DataOffset()
		if err := errors.Join(s.claim(i, 0, data, ofVolume, header), s.claim(i, data, m.Size-data, ofVolume, free)); err != nil {
			return err
		}
	}
	at, slots, step := s.v.Superblock().HeartbeatRegion()
	if err := s.logical(0, at, ofFile, header); err != nil {
		return err
	}
	if err := s.logical(at, int64(slots*step), ofFile, s.owner(Owner{Kind: Heartbeat})); err != nil {
		return err
	}
	first := len(s.l.owners)
	if err := s.files(s.owner(Owner{Kind: Directory})); err != nil {
		return err
	}
	for i := range s.l.owners[first:] {
		o := &s.l.owners[first+i]
		if o.Path == "" {
			continue
		}
		o.Machine, o.Disk = machineOf(o.Path, s.machines), diskOf(o.Path, o.Kind)
	}
	return nil
}

// logical claims n bytes at l of the logical volume.
func (s *survey) logical(l, n int64, rank int, owner int32) error {
	for n > 0 {
		m, physical, whole := s.v.Locate(l)
		if whole <= 0 {
			return nil // behind the end of a volume that is damaged
		}
		whole = min(whole, n)
		if m >= 0 {
			if err := s.claim(m, physical, whole, rank, owner); err != nil {
				return err
			}
		}
		l, n = l+whole, n-whole
	}
	return nil
}

// files claims the extents of all files.
func (s *survey) files(directories int32) error {
	root, err := s.v.Root()
	if err != nil {
		s.problem(err)
		return nil
	}
	if err := s.file(root, "/", directories); err != nil {
		return err
	}
	for n, err := range root.Walk() {
		var f *vmfs.File
		if err == nil {
			f, err = n.File()
		}
		if err != nil {
			s.problem(err)
			continue
		}
		if err := s.file(f, n.Path, directories); err != nil {
			return err
		}
	}
	return nil
}

// file claims the extents of a file, to the end of its last block.
func (s *survey) file(f *vmfs.File, name string, directories int32) error {
	d := f.Descriptor()
	if d.Type() == vmfs.RDM {
		return nil // its bytes are on another LUN
	}
	rank, owner := ofFile, directories
	if k := kindOf(name, d.Type(), d.IsDir()); k != Directory {
		if k == Metadata {
			rank = ofSystem
		}
		if d.Type() == vmfs.Regular && isMachine(name) {
			s.machines[path.Dir(name)] = true
		}
		owner = s.owner(Owner{Path: name, Kind: k})
	}
	size := f.Size()
	if b := d.BlockSize(); d.ZLA() != vmfs.InPlace && b > 0 && b <= maxBlock && size <= maxSize {
		size = (size + b - 1) / b * b
	}
	for e, err := range f.ExtentsIn(0, size) {
		if err != nil {
			s.problem(fmt.Errorf("%s: %w", name, err))
			continue
		}
		if e.Device < 0 {
			continue
		}
		if err := s.claim(e.Device, e.Physical, e.Length, rank, owner); err != nil {
			return err
		}
	}
	return nil
}
