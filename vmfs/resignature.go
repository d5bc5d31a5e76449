package vmfs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf8"
)

// A Signature is what tells a volume from copies of it, and a copy from its original.
type Signature struct {
	Disks []*DiskID // of the members; nil for one that stays as it is

	// The rest is as it was where UUID is zero.
	UUID   UUID   // of the file system
	LV     UUID   // of the logical volume
	SnapID uint32 // of both
	Label  string
	Now    time.Time
}

// NewSignature is one for a copy of v, with the label that ESXi would give it [D]. random is
// eight random bytes.
func (v *Volume) NewSignature(now time.Time, random [8]byte) Signature {
	u := v.UUID()
	binary.LittleEndian.PutUint32(u[0:], uint32(now.Unix()))
	copy(u[4:10], random[:6])
	lv := u
	lv[9]++
	s := Signature{UUID: u, LV: lv, SnapID: binary.LittleEndian.Uint32(random[4:]) | 1<<31, Now: now}
	s.Label = fmt.Sprintf("snap-%08x-%s", s.SnapID, v.Label())
	for len(s.Label) >= labelLen || !utf8.ValidString(s.Label) {
		s.Label = s.Label[:len(s.Label)-1]
	}
	return s
}

const labelLen = 0x9D - 0x1D

// A Change is bytes of a member that a resignature changes: those of a field, from the first
// that differs to the last.
type Change struct {
	Member    int
	Physical  int64 // in the partition
	Structure string
	Field     string
	Before    []byte
	After     []byte
	Sure      string // how it is known that it has to change: D, I; see the package comment
}

// A resigning collects changes.
type resigning struct {
	list []Change
	err  error
}

// field changes a field of a structure that begins at an offset of a member.
func (r *resigning) field(member int, base int64, structure string, header []byte, at int, name, sure string, after []byte) {
	before := header[at : at+len(after)]
	if bytes.Equal(before, after) {
		return
	}
	from, to := 0, len(after)
	for ; before[from] == after[from]; from++ {
	}
	for ; before[to-1] == after[to-1]; to-- {
	}
	r.list = append(r.list, Change{member, base + int64(at+from), structure, name, bytes.Clone(before[from:to]), bytes.Clone(after[from:to]), sure})
}

// Resignature plans to give the volume a signature: all bytes that would change. What ESXi itself
// changes is known in parts [D, I as each Change says]; the count at 0x08 of volume entries, of
// which readers disagree what it is, stays.
func (v *Volume) Resignature(s Signature) ([]Change, error) {
	var r resigning
	for i, m := range v.Members {
		const header, entry = "LVM header", "volume entry"
		h := m.Header
		if i < len(s.Disks) && s.Disks[i] != nil {
			r.field(i, lvmOffset, header, h[:], 0x0C, "disk identifier", "D", s.Disks[i][:])
		}
		if s.UUID.IsZero() {
			continue
		}
		r.field(i, lvmOffset, header, h[:], 0x72, "generation", "I", le64(h.Generation()+1))
		r.field(i, lvmOffset, header, h[:], 0x9A, "modified", "I", le64(uint64(s.Now.UnixMicro())))
		at, err := m.entryOffset()
		if err != nil {
			return nil, err
		}
		e := m.Volume
		r.field(i, at, entry, e[:], 0x14, "name", "I", fixed(s.LV.String(), 64))
		r.field(i, at, entry, e[:], 0x54, "UUID", "I", s.LV[:])
		r.field(i, at, entry, e[:], 0x64, "snapshot number", "I", le32(s.SnapID))
		r.field(i, at, entry, e[:], 0x88, "modified", "I", le64(uint64(s.Now.UnixMicro())))
	}
	v.resignDevices(&r, s.Disks)
	if !s.UUID.IsZero() {
		v.resignSuperblock(&r, s)
	}
	return r.list, r.err
}

// entryOffset is P of the member's volume entry.
func (m *Member) entryOffset() (int64, error) {
	layout := m.Header.layout()
	var e VolumeEntry
	for i := range min(int(m.Header.Volumes()), layout.most) {
		at := lvmOffset + layout.volumes + int64(i*len(e))
		if _, err := m.ReadAt(e[:], at); err != nil {
			return 0, err
		}
		if e == *m.Volume {
			return at, nil
		}
	}
	return 0, fmt.Errorf("the volume entry of %s changed meanwhile", m)
}

// resignDevices changes the names of devices in the list that the first member has [C1].
func (v *Volume) resignDevices(r *resigning, disks []*DiskID) {
	at := v.Members[0].Header.layout().devices
	for n, name := range v.DeviceNames() {
		for i, m := range v.Members {
			was := m.Header.DiskID().Name()
			if i >= len(disks) || disks[i] == nil || was == "" || !bytes.HasPrefix([]byte(name), []byte(was+":")) {
				continue
			}
			r.field(0, lvmOffset+at+int64(n)*256, "device list", fixed(name, 256), 0, fmt.Sprintf("device %d", n), "I", fixed(disks[i].Name()+name[len(was):], 256))
		}
	}
}

// resignSuperblock changes the file system's header.
func (v *Volume) resignSuperblock(r *resigning, s Signature) {
	const structure = "file system header"
	member, physical, n := v.Locate(superblockOffset)
	if member < 0 || n < int64(len(v.sb)) {
		r.err = v.missing(superblockOffset, n)
		return
	}
	sb := v.sb[:]
	r.field(member, physical, structure, sb, 0x09, "UUID", "D", s.UUID[:])
	r.field(member, physical, structure, sb, 0x1D, "label", "D", fixed(s.Label, labelLen))
	r.field(member, physical, structure, sb, 0xAD, "snapshot number", "I", le32(s.SnapID))
	r.field(member, physical, structure, sb, 0xB1, "logical volume", "I", s.LV[:])
	r.field(member, physical, structure, sb, 0xC1, "its snapshot number", "I", le32(s.SnapID))
}

// Unresignable says why the changes of a resignature must not be written, a sentence each; nothing where
// they may be, once no host is alive on the volume. Checksums that nobody knows how to make are
// the chief reason: VMFS6 is left to ESXi.
func (v *Volume) Unresignable() (reasons []string) {
	add := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	if v.sb.wide() {
		add("it is VMFS6, whose checksums are not known: let ESXi do it (esxcli storage vmfs snapshot resignature)")
	}
	if v.sb.ChecksumType() != 0 {
		add("its header has a checksum, of type %d, which is not known", v.sb.ChecksumType())
	}
	if v.sb.Magic() != magicVMFS {
		add("it is a volume of ESXi itself (VMFS-L)")
	}
	if v.sb.VolumeUUID() != v.LV.UUID() {
		add("its file system belongs to the logical volume %s, and is on %s: a resignature was cut off", v.sb.VolumeUUID(), v.LV.UUID())
	}
	for _, text := range v.Missing() {
		add("of it are missing %s", text)
	}
	for _, m := range v.Members {
		if m.Volume.State() != VolumeNormal {
			add("%s is in state %d, and not normal: a resignature was begun", m, m.Volume.State())
		}
		if !m.Header.LockedBy().IsZero() {
			add("%s is locked by host %s", m, m.Header.LockedBy())
		}
		if m.Header.Volumes() != 1 {
			add("%s has %d volumes", m, m.Header.Volumes())
		}
	}
	return reasons
}

func le32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
func le64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

// fixed is text in a field, filled up with zeros.
func fixed(text string, n int) []byte {
	b := make([]byte, n)
	copy(b, text)
	return b
}
