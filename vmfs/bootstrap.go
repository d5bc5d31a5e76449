package vmfs

// The system files are found without any of them [C2; V for VMFS3]: their descriptors are the
// first resources of .fdc.sf, which begins behind the heartbeats.

// FDCOffset is L of .fdc.sf, where the headers and the heartbeats end.
func (s *Superblock) FDCOffset() int64 {
	const least = 4 << 20
	if s.wide() {
		return (s.MetadataAlignment()<<10 + least - 1) &^ (1<<20 - 1)
	}
	return max(s.FileBlockSize(), least)
}

// systemDescriptor is L of the descriptor of a system file.
func (s *Superblock) systemDescriptor(slot Slot) int64 {
	if slot == PB2Slot && s.PB2Volume() != 0 {
		return s.PB2Volume()
	}
	return s.FDCOffset() + s.FDCGroupOffset() + s.FDCGroupLen()*s.clusterHeader() + int64(slot)*int64(s.descriptorLen())
}

// systemAddress is the address that the descriptor of a system file has.
func (s *Superblock) systemAddress(slot Slot) FDAddress {
	if slot == PB2Slot && s.PB2Volume() != 0 && s.PB2Address() != 0 {
		return s.PB2Address()
	}
	return slot.Address()
}

// bootOrder opens the system files so that those which hold the pointer blocks of others come
// first.
var bootOrder = [...]Slot{PB2Slot, PBCSlot, SBCSlot, FDCSlot, FBBSlot, JBCSlot}

// bootstrap opens the system files. Only that of the file descriptors has to be there.
//
// Where a small file block of VMFS6 lies depends on how many are in a cluster, which .fbb.sf
// tells, whose blocks are found by it: the usual number is tried first.
func (v *Volume) bootstrap() error {
	v.cluster = min(8192, 512<<20/v.sb.FileBlockSize())
	v.openSystem()
	if fbb := v.files[FBBSlot]; v.sb.wide() && fbb != nil && fbb.Child != nil && fbb.Child.ClusterLen() != v.cluster {
		v.cluster = fbb.Child.ClusterLen()
		v.openSystem()
	}
	return v.why[FDCSlot]
}

func (v *Volume) openSystem() {
	for _, slot := range bootOrder {
		v.files[slot], v.why[slot] = nil, nil
		if slot == PB2Slot && !v.sb.wide() && v.sb.PB2Volume() == 0 || slot == JBCSlot && !v.sb.wide() {
			continue
		}
		v.files[slot], v.why[slot] = v.openResources(slot)
	}
}

// openResources opens the resource file in a slot.
func (v *Volume) openResources(slot Slot) (*ResourceFile, error) {
	var buf scratch
	at := v.sb.systemDescriptor(slot)
	b, err := v.view(at, v.sb.descriptorLen(), &buf)
	if err != nil {
		return nil, err
	}
	d := Descriptor(b)
	if err := d.check(v.sb.systemAddress(slot)); err != nil {
		return nil, damaged("file descriptor of "+slot.String(), at, "%v", err)
	}
	if d.Type() != System {
		return nil, damaged("file descriptor of "+slot.String(), at, "it is a %s, not a system file", d.Type())
	}
	f, err := v.fileFrom(d, at)
	if err != nil {
		return nil, err
	}
	f.name = slot.String()
	return f.resources(slot)
}
